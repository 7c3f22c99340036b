//! Setting a letter in type in a process of its own, with a limit on its time and memory: a layout may have been changed
//! by an administrator, and one that runs for ever must not stall the post.

use std::{
    io::{Read, Write},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use documents::{Layout, LayoutProblem, Proof, TypesetError};
use model::Letter;
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};

/// Longest time for one letter.
const SECONDS_MAX: u64 = 20;
/// Most processor time for one letter; the kernel ends the process, should its parent be gone.
const CPU_SECONDS_MAX: u64 = 30;
/// Most memory for one letter.
const MEMORY_BYTES_MAX: u64 = 1 << 30;
/// Largest file that is taken back.
const ANSWER_BYTES_MAX: u64 = 256 << 20;
/// Largest job.
const JOB_BYTES_MAX: u64 = 256 << 20;

/// A letter to set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    /// The letter.
    pub(crate) letter: Letter,
    /// Its layout.
    pub(crate) layout: Layout,
    /// Its proof.
    pub(crate) proof: String,
}

/// A letter set in type.
pub(crate) struct Set {
    /// The PDF.
    pub(crate) pdf: Vec<u8>,
    /// What the layout's author should look at, and characters without a glyph.
    pub(crate) remarks: Vec<String>,
}

/// The line before the PDF in the child's answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Done { remarks: Vec<String> },
    Layout { problems: Vec<LayoutProblem> },
    Refused { reason: String },
}

/// Sets a letter in type.
///
/// # Errors
/// When the layout is wrong, or needs more time or memory than it may.
pub(crate) fn typeset(job: &Job) -> Result<Set> {
    let program = std::env::current_exe().context("finding this program")?;
    let mut command = Command::new(program);
    command.args(["report", "typeset"]);
    typeset_by(command, job, Duration::from_secs(SECONDS_MAX))
}

fn typeset_by(command: Command, job: &Job, time: Duration) -> Result<Set> {
    let text = serde_json::to_vec(job).context("writing the job")?;
    let mut child = start(command)?;
    let mut input = child.stdin.take().context("the typesetter has no input")?;
    // A child that ended does not read: its answer says why.
    thread::spawn(move || input.write_all(&text));
    let output = child.stdout.take().context("the typesetter has no output")?;
    let (tell, hear) = mpsc::channel();
    thread::spawn(move || {
        let mut answer = Vec::new();
        let read = output.take(ANSWER_BYTES_MAX).read_to_end(&mut answer);
        let _ = tell.send(read.map(|_| answer));
    });
    let heard = hear.recv_timeout(time);
    let _ = child.kill();
    let status = child.wait().context("waiting for the typesetter")?;
    let Ok(answer) = heard else {
        bail!("the layout took longer than {} s and was stopped", time.as_secs());
    };
    let answer = answer.context("reading from the typesetter")?;
    let Some(end) = answer.iter().position(|byte| *byte == b'\n') else {
        bail!(
            "the layout was stopped ({status}): it needs more than {} MiB of memory or {CPU_SECONDS_MAX} s of processor time",
            MEMORY_BYTES_MAX >> 20
        );
    };
    match serde_json::from_slice(&answer[..end]).context("reading from the typesetter")? {
        Answer::Done { remarks } => Ok(Set {
            pdf: answer[end + 1..].to_vec(),
            remarks,
        }),
        Answer::Layout { problems } => bail!("the layout is wrong:\n{}", TypesetError::Layout(problems)),
        Answer::Refused { reason } => bail!("{reason}"),
    }
}

fn start(mut command: Command) -> Result<Child> {
    command
        .env_clear()
        // One thread: each further one reserves memory of its own.
        .env("RAYON_NUM_THREADS", "1")
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("starting the typesetter")
}

/// What the child does: takes its limits on itself, reads the job, answers.
///
/// # Errors
/// When the limits cannot be set or the job cannot be read.
pub(crate) fn child() -> Result<()> {
    for (resource, most) in [
        (Resource::Data, MEMORY_BYTES_MAX),
        (Resource::Cpu, CPU_SECONDS_MAX),
        (Resource::Core, 0),
    ] {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        setrlimit(resource, limit).context("limiting the typesetter")?;
    }
    let mut text = Vec::new();
    std::io::stdin()
        .take(JOB_BYTES_MAX)
        .read_to_end(&mut text)
        .context("reading the job")?;
    let job: Job = serde_json::from_slice(&text).context("reading the job")?;
    debug_assert!(job.proof.len() <= Proof::BYTES_MAX, "a proof has a limit");
    let (answer, pdf) = match documents::pdf(&job.letter, &job.layout, &job.proof) {
        Ok(set) => {
            let mut remarks: Vec<String> = set.warnings.iter().map(ToString::to_string).collect();
            if !set.without_glyph.is_empty() {
                let letters: String = set.without_glyph.iter().collect();
                remarks.push(format!("the type has no glyph for: {letters}"));
            }
            (Answer::Done { remarks }, set.pdf)
        }
        Err(TypesetError::Layout(problems)) => (Answer::Layout { problems }, Vec::new()),
        Err(TypesetError::TooLarge(reason)) => (Answer::Refused { reason }, Vec::new()),
    };
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, &answer).context("answering")?;
    out.write_all(b"\n")?;
    out.write_all(&pdf)?;
    out.flush().context("answering")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typesetter_that_does_not_answer_is_stopped_in_time() {
        let form = operations::reports::Form::read("daily.toml", include_str!("../../../../content/forms/daily.toml"))
            .expect("a built-in form is right");
        let manner = operations::reports::Manner {
            language: model::Language::Vi,
            zone: jiff::tz::TimeZone::UTC,
        };
        let job = Job {
            letter: operations::reports::compose(&form, &serde_json::json!({}), &manner),
            layout: Layout {
                main: "a.typ".to_owned(),
                files: std::collections::BTreeMap::new(),
            },
            proof: String::new(),
        };
        let mut command = Command::new("/bin/sleep");
        command.arg("60");
        let error = typeset_by(command, &job, Duration::from_millis(100))
            .err()
            .expect("it was stopped");
        assert!(error.to_string().contains("took longer"), "{error}");
    }
}
