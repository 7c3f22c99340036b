//! A hunt carried out for a command: by the command itself, or by the running post, which answers in frames.

use std::{
    io::{self, Write},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvTimeoutError, sync_channel},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail};
use lake::{
    Lake,
    query::{
        Hunt, HuntError, HuntLimits, HuntScope, Inquiry, InquiryError, Progress, RecordBatch,
        output::{Format, Output},
    },
};
use model::Language;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);
/// Longest frame in bytes.
const FRAME_BYTES_MAX: usize = 256 << 20;
/// Longest time in seconds that a command may ask for.
pub(crate) const SECONDS_MAX: u32 = 3600;

/// A hunt as a command asks for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Wanted {
    pub inquiry: Inquiry,
    /// `ndjson`, `csv` or `parquet`.
    pub format: String,
    pub seconds_max: u32,
}

/// A piece of the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "frame")]
pub(crate) enum Frame {
    /// The names of the columns.
    Columns { names: Vec<String> },
    /// What is to be written; so many bytes follow.
    Data {
        bytes: usize,
        #[serde(skip)]
        content: Vec<u8>,
    },
    /// How far the hunt has come.
    Progress {
        files: u64,
        files_done: u64,
        bytes: u64,
        bytes_done: u64,
        rows: u64,
    },
    /// There is no more; why it is not all, if it is not.
    End { incomplete: Vec<String> },
    /// The question cannot be asked, or the hunt failed.
    Failed { reason: String },
}

impl Frame {
    fn of_progress(progress: Progress) -> Self {
        Self::Progress {
            files: progress.files,
            files_done: progress.files_done,
            bytes: progress.bytes,
            bytes_done: progress.bytes_done,
            rows: progress.rows_found,
        }
    }

    fn of_data(content: Vec<u8>) -> Self {
        Self::Data {
            bytes: content.len(),
            content,
        }
    }
}

/// Where an output writes to until it is sent on.
#[derive(Clone, Default)]
struct Gathered(Arc<Mutex<Vec<u8>>>);

impl Gathered {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Gathered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Carries out a hunt. `tell` says whether anybody still listens; `cancelled` ends reading, and what was read is still answered.
pub(crate) fn carry_out(lake: &Lake, wanted: &Wanted, cancelled: &AtomicBool, tell: &mut dyn FnMut(Frame) -> bool) {
    let outcome = answer(lake, wanted, cancelled, tell);
    if let Err(error) = outcome {
        tell(Frame::Failed {
            reason: format!("{error:#}"),
        });
    }
}

fn answer(lake: &Lake, wanted: &Wanted, cancelled: &AtomicBool, tell: &mut dyn FnMut(Frame) -> bool) -> Result<()> {
    let Some(format) = Format::of_name(&wanted.format) else {
        bail!("{:?} is no format; there are ndjson, csv and parquet", wanted.format);
    };
    let limits = HuntLimits {
        seconds_max: wanted.seconds_max.clamp(1, SECONDS_MAX),
        ..HuntLimits::default()
    };
    let session = lake.session(limits, &HuntScope::default())?;
    let mut hunt = match session.inquire(&wanted.inquiry) {
        Ok(hunt) => hunt,
        Err(InquiryError::Search(wrong)) => bail!("\n{}", wrong.drawn(&wanted.inquiry.text, Language::En)),
        Err(InquiryError::Hunt(error)) => return Err(error.into()),
    };
    let schema = hunt.schema();
    let names = schema.fields().iter().map(|field| field.name().clone()).collect();
    let gathered = Gathered::default();
    let mut output = Output::begin(format, &schema, gathered.clone())?;
    if !tell(Frame::Columns { names }) {
        return Ok(());
    }
    let incomplete = read(&mut hunt, cancelled, &mut |step| {
        match step {
            Step::Batch(batch) => output.write(batch).context("the answer cannot be written")?,
            Step::Progress(progress) => return Ok(tell(Frame::of_progress(progress))),
        }
        let bytes = gathered.take();
        Ok(bytes.is_empty() || tell(Frame::of_data(bytes)))
    })?;
    if !incomplete.is_empty() {
        output.lacks(&incomplete.join("; "))?;
    }
    output.finish()?;
    if tell(Frame::of_data(gathered.take())) {
        tell(Frame::End { incomplete });
    }
    Ok(())
}

enum Step<'a> {
    Batch(&'a RecordBatch),
    Progress(Progress),
}

/// Reads a hunt to its end and says what is missing from it; `take` says whether to go on.
fn read(
    hunt: &mut Hunt,
    cancelled: &AtomicBool,
    take: &mut dyn FnMut(Step<'_>) -> Result<bool>,
) -> Result<Vec<String>> {
    let handle = hunt.handle();
    let (send, batches) = sync_channel::<Result<RecordBatch, HuntError>>(2);
    let read: Result<()> = std::thread::scope(|threads| {
        threads.spawn(move || {
            loop {
                let next = match hunt.next_blocking() {
                    Ok(None) => return,
                    Ok(Some(batch)) => Ok(batch),
                    Err(error) => Err(error),
                };
                let failed = next.is_err();
                if send.send(next).is_err() || failed {
                    return;
                }
            }
        });
        loop {
            if cancelled.load(Ordering::Relaxed) {
                handle.cancel();
            }
            let goes_on = match batches.recv_timeout(PROGRESS_EVERY) {
                Ok(batch) => take(Step::Batch(&batch?)),
                Err(RecvTimeoutError::Timeout) => take(Step::Progress(handle.progress())),
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            if !goes_on.inspect_err(|_| handle.cancel())? {
                handle.cancel();
                return Ok(());
            }
        }
    });
    read?;
    Ok(handle.incomplete().iter().map(ToString::to_string).collect())
}

/// Writes a frame.
///
/// # Errors
/// Nobody reads it.
pub(crate) async fn send(out: &mut (impl AsyncWrite + Unpin), frame: &Frame) -> io::Result<()> {
    let mut line = serde_json::to_vec(frame)?;
    line.push(b'\n');
    out.write_all(&line).await?;
    if let Frame::Data { content, .. } = frame {
        out.write_all(content).await?;
    }
    out.flush().await
}

/// Reads a frame; none when there are no more.
///
/// # Errors
/// What comes is no frame, or the line broke.
pub(crate) async fn receive(from: &mut (impl AsyncBufRead + Unpin)) -> Result<Option<Frame>> {
    let mut line = String::new();
    if from.read_line(&mut line).await.context("the post does not answer")? == 0 {
        return Ok(None);
    }
    let mut frame: Frame = serde_json::from_str(&line).context("the post's answer cannot be read")?;
    if let Frame::Data { bytes, content } = &mut frame {
        if *bytes > FRAME_BYTES_MAX {
            bail!("the post's answer is too long");
        }
        content.resize(*bytes, 0);
        from.read_exact(content).await.context("the post's answer broke off")?;
    }
    Ok(Some(frame))
}
