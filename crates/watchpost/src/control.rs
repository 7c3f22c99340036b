//! The door for commands on the same machine: a socket in the data folder, open to whoever may write there. One JSON line asks, one answers.

use std::path::{Path, PathBuf};

use crate::{
    hunting::Wanted,
    look_back::{Report, Request},
};
use anyhow::{Context, Result, bail};
use model::{Heard, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
};

/// Longest question in bytes.
const QUESTION_BYTES_MAX: u64 = 4 << 20;
/// Longest answer in bytes.
const ANSWER_BYTES_MAX: u64 = 256 << 20;

/// What a command asks of the running post.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "ask")]
pub(crate) enum Question {
    /// Take these records as part of a rehearsal.
    Exercise {
        /// The name of the rehearsal.
        name: String,
        /// The records.
        records: Vec<ExerciseRecord>,
    },
    /// Say which events were received in a time, by kind.
    Heard {
        /// From when, by receipt.
        from: Timestamp,
        /// Before when.
        until: Timestamp,
        /// Events after which no further file is looked at.
        events_max: u64,
    },
    /// Hunt in the lake; the answer comes in frames, and a line `cancel` ends it early.
    Hunt {
        /// For what.
        wanted: Wanted,
    },
    /// Hold rules against what is kept.
    LookBack {
        /// Which rules, and where.
        request: Request,
    },
}

/// One record of a rehearsal.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ExerciseRecord {
    /// The source that it stands for.
    pub source: String,
    /// Its bytes.
    pub line: String,
}

/// What the post answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub(crate) enum Answer {
    /// Done: so many records are durable.
    Accepted {
        /// How many.
        records: usize,
    },
    /// What was heard.
    Heard(Box<Heard>),
    /// Looked back.
    LookedBack {
        /// What was found.
        report: Report,
    },
    /// Not done.
    Refused {
        /// Why.
        reason: String,
    },
}

/// Where the socket of a data folder is.
pub(crate) fn socket(data: &Path) -> PathBuf {
    data.join("control.sock")
}

/// Opens the socket, taking the place of one that a killed post left behind.
///
/// # Errors
/// When another post is running on the same data folder, or the socket cannot be made.
pub(crate) async fn listen(data: &Path) -> Result<UnixListener> {
    let path = socket(data);
    if UnixStream::connect(&path).await.is_ok() {
        bail!("a post is already running on {}", data.display());
    }
    let _ = std::fs::remove_file(&path);
    UnixListener::bind(&path).with_context(|| format!("{} cannot be made", path.display()))
}

/// Reads the question on an accepted connection.
///
/// # Errors
/// When it is too long, or not a question.
pub(crate) async fn question(stream: &mut UnixStream) -> Result<Question> {
    let mut line = String::new();
    BufReader::new(stream)
        .take(QUESTION_BYTES_MAX)
        .read_line(&mut line)
        .await
        .context("the question cannot be read")?;
    serde_json::from_str(&line).context("this is not a question that the post knows")
}

/// Answers on an accepted connection.
///
/// # Errors
/// When the asker is gone.
pub(crate) async fn answer(stream: &mut UnixStream, answer: &Answer) -> Result<()> {
    let mut line = serde_json::to_vec(answer).context("writing the answer")?;
    line.push(b'\n');
    stream.write_all(&line).await.context("the asker is gone")
}

/// Asks the post that runs on a data folder to take records of a rehearsal; says how many are durable.
///
/// # Errors
/// When none is running, or it refuses.
pub(crate) async fn ask(data: &Path, question: &Question) -> Result<Answer> {
    let path = socket(data);
    let mut stream = UnixStream::connect(&path).await.with_context(|| {
        format!(
            "no post is running on {} (start one with `watchpost serve`)",
            data.display()
        )
    })?;
    let mut line = serde_json::to_vec(question).context("writing the question")?;
    line.push(b'\n');
    stream.write_all(&line).await.context("the post does not listen")?;
    let mut text = String::new();
    BufReader::new(stream)
        .take(ANSWER_BYTES_MAX)
        .read_line(&mut text)
        .await
        .context("the post does not answer")?;
    match serde_json::from_str(&text).context("the post's answer cannot be read")? {
        Answer::Refused { reason } => bail!("the post refuses: {reason}"),
        answer @ (Answer::Accepted { .. } | Answer::Heard(_) | Answer::LookedBack { .. }) => Ok(answer),
    }
}
