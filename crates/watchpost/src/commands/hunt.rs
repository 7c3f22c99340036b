//! `watchpost hunt`: looks for events with a search line or with SQL, in the running post or in its data folder.

use std::{
    fs::File,
    io::{self, BufWriter, IsTerminal, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use comfy_table::{ContentArrangement, Table};
use jiff::{SignedDuration, civil::Date, tz::Offset};
use lake::{Lake, query::Inquiry};
use model::Timestamp;
use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::UnixStream,
    sync::mpsc::{Receiver, channel},
};

use crate::{
    clock,
    configuration::Configuration,
    control::{self, Question},
    hunting::{self, Frame, SECONDS_MAX, Wanted},
};

/// Rows of a table when nothing else is said.
const TABLE_ROWS: usize = 100;
/// Letters of a cell of a table.
const CELL_LETTERS_MAX: usize = 300;

/// Looks for events with a search line (user.name:an* source.ip:203.0.113.0/24 "powershell -enc" NOT host:db1) or with SQL
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The search line; with --sql a SELECT over the tables events and rejections. See docs/HUNTING.md
    text: String,
    /// The question is SQL
    #[arg(long)]
    sql: bool,
    /// From when on: 15m, 24h, 7d, a day (2026-11-25, UTC) or a moment (2026-11-25T07:30:00+07:00)
    #[arg(long, value_name = "TIME", conflicts_with = "sql")]
    since: Option<String>,
    /// Before when, as --since
    #[arg(long, value_name = "TIME", conflicts_with = "sql")]
    until: Option<String>,
    /// Columns, separated by commas: of the table of events, fields of the record, raw
    #[arg(long, value_name = "NAMES", value_delimiter = ',', conflicts_with = "sql")]
    columns: Vec<String>,
    /// Only the newest so many rows; a table shows 100 when nothing else is said
    #[arg(long, value_name = "ROWS", conflicts_with = "sql")]
    limit: Option<usize>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Form::Table)]
    format: Form,
    /// Write to this file instead
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Answer with what was seen after so many seconds
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=i64::from(SECONDS_MAX)))]
    seconds: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Table,
    /// One JSON object a line
    Json,
    Csv,
    Parquet,
}

impl Form {
    fn sent_as(self) -> &'static str {
        match self {
            Self::Table | Self::Json => "ndjson",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}

/// Runs the command.
///
/// # Errors
/// When the question cannot be read, the answer is not whole, or there is nothing to ask.
pub(crate) fn run(configuration: &Configuration, options: &Options) -> Result<()> {
    let wanted = wanted(options, clock::now())?;
    if options.format == Form::Parquet && options.out.is_none() && io::stdout().is_terminal() {
        bail!("Parquet is not for terminals; say --out FILE");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("starting the runtime")?;
    runtime.block_on(hunt(configuration, options, wanted))
}

fn wanted(options: &Options, now: Timestamp) -> Result<Wanted> {
    let moment = |text: &Option<String>| text.as_deref().map(|text| moment(text, now)).transpose();
    let rows_max = match options.format {
        Form::Table => Some(options.limit.unwrap_or(TABLE_ROWS)),
        Form::Json | Form::Csv | Form::Parquet => options.limit,
    };
    Ok(Wanted {
        inquiry: Inquiry {
            text: options.text.clone(),
            sql: options.sql,
            from: moment(&options.since)?,
            before: moment(&options.until)?,
            columns: options.columns.clone(),
            rows_max,
        },
        format: options.format.sent_as().to_owned(),
        seconds_max: options.seconds,
    })
}

/// `24h` before now, a day, or a moment.
///
/// # Errors
/// It is none of these.
pub(crate) fn moment(text: &str, now: Timestamp) -> Result<Timestamp> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    if let Ok(day) = text.parse::<Date>() {
        return Offset::UTC
            .to_timestamp(day.at(0, 0, 0, 0))
            .context("a day beyond all calendars");
    }
    let seconds = text
        .split_at_checked(text.len().saturating_sub(1))
        .and_then(|(number, unit)| {
            let size = match unit {
                "s" => 1,
                "m" => 60,
                "h" => 3600,
                "d" => 86_400,
                "w" => 604_800,
                _others => return None,
            };
            number.parse::<i64>().ok()?.checked_mul(size)
        });
    match seconds.map(|seconds| now.checked_sub(SignedDuration::from_secs(seconds))) {
        Some(Ok(at)) => Ok(at),
        Some(Err(_)) | None => bail!("{text} is no time; write 24h, 7d, 2026-11-25 or 2026-11-25T07:30:00+07:00"),
    }
}

async fn hunt(configuration: &Configuration, options: &Options, wanted: Wanted) -> Result<()> {
    let data = configuration.data.as_path();
    let out: Box<dyn Write + Send> = match &options.out {
        Some(path) => Box::new(File::create(path).with_context(|| format!("{} cannot be written", path.display()))?),
        None => Box::new(io::stdout()),
    };
    let (frames, cancel) = match UnixStream::connect(control::socket(data)).await {
        Ok(stream) => asked_of_the_post(stream, wanted).await?,
        Err(_) => asked_here(data, configuration, wanted)?,
    };
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            cancel();
            // Who asks a second time does not want to wait for what was seen by now.
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(130);
            }
        }
    });
    show(frames, options.format, BufWriter::new(out)).await
}

type Cancel = Box<dyn FnOnce() + Send>;

async fn asked_of_the_post(stream: UnixStream, wanted: Wanted) -> Result<(Receiver<Frame>, Cancel)> {
    let (read, mut write) = stream.into_split();
    let mut line = serde_json::to_vec(&Question::Hunt { wanted }).context("writing the question")?;
    line.push(b'\n');
    write.write_all(&line).await.context("the post does not listen")?;
    let (send, frames) = channel(8);
    tokio::spawn(async move {
        let mut read = BufReader::new(read);
        loop {
            let frame = match hunting::receive(&mut read).await {
                Ok(Some(frame)) => frame,
                Ok(None) => return,
                Err(error) => Frame::Failed {
                    reason: format!("{error:#}"),
                },
            };
            let is_last = matches!(frame, Frame::Failed { .. } | Frame::End { .. });
            if send.send(frame).await.is_err() || is_last {
                return;
            }
        }
    });
    let (cancel, cancelled) = tokio::sync::oneshot::channel::<()>();
    tokio::spawn(async move {
        if cancelled.await.is_ok() {
            let _ = write.write_all(b"cancel\n").await;
        }
        // The post takes a closed line for somebody who is gone.
        std::future::pending::<()>().await;
    });
    Ok((
        frames,
        Box::new(move || {
            let _ = cancel.send(());
        }),
    ))
}

fn asked_here(data: &Path, configuration: &Configuration, wanted: Wanted) -> Result<(Receiver<Frame>, Cancel)> {
    let folder = data.join("lake");
    if !folder.exists() {
        bail!("there is no lake in {}", data.display());
    }
    let lake = Lake::open(&folder, configuration.lake.clone()).context("opening the lake")?;
    let (send, frames) = channel(8);
    let cancelled = Arc::new(AtomicBool::new(false));
    let cancel = Arc::clone(&cancelled);
    std::thread::spawn(move || {
        hunting::carry_out(&lake, &wanted, &cancelled, &mut |frame| {
            send.blocking_send(frame).is_ok()
        });
    });
    Ok((frames, Box::new(move || cancel.store(true, Ordering::Relaxed))))
}

async fn show(mut frames: Receiver<Frame>, form: Form, mut out: BufWriter<Box<dyn Write + Send>>) -> Result<()> {
    let (mut names, mut rows) = (Vec::new(), Vec::new());
    let progress_shown = io::stderr().is_terminal();
    while let Some(frame) = frames.recv().await {
        match frame {
            Frame::Columns { names: told } => names = told,
            Frame::Data { content, .. } if form == Form::Table => rows.extend(content),
            Frame::Data { content, .. } => out.write_all(&content).context("output is closed")?,
            Frame::Progress {
                files,
                files_done,
                bytes,
                bytes_done,
                rows,
            } => {
                if progress_shown {
                    let percent = bytes_done.min(bytes) * 100 / bytes.max(1);
                    write!(
                        io::stderr(),
                        "\r\u{1b}[K{percent} %, {files_done} of {files} files, {rows} events found"
                    )?;
                }
            }
            Frame::Failed { reason } => {
                clear(progress_shown)?;
                bail!("{reason}");
            }
            Frame::End { incomplete } => {
                clear(progress_shown)?;
                if form == Form::Table {
                    write_table(&names, &rows, &mut out)?;
                }
                out.flush().context("output is closed")?;
                if incomplete.is_empty() {
                    return Ok(());
                }
                bail!("the answer is not whole: {}", incomplete.join("; "));
            }
        }
    }
    bail!("the answer broke off")
}

fn clear(progress_shown: bool) -> io::Result<()> {
    if progress_shown {
        write!(io::stderr(), "\r\u{1b}[K")?;
    }
    Ok(())
}

fn write_table(names: &[String], rows: &[u8], out: &mut impl Write) -> Result<()> {
    let mut table = Table::new();
    table
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(names);
    let mut count = 0;
    for line in rows.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let row: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(line).context("reading a row")?;
        if row.contains_key("_incomplete") {
            continue;
        }
        table.add_row(names.iter().map(|name| cell(row.get(name))));
        count += 1;
    }
    writeln!(out, "{table}\n{count} rows").context("output is closed")
}

/// A cell without signs that would move a terminal's cursor.
fn cell(value: Option<&serde_json::Value>) -> String {
    let text = match value {
        None | Some(serde_json::Value::Null) => return String::new(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let mut letters = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter });
    let mut shown: String = letters.by_ref().take(CELL_LETTERS_MAX).collect();
    if letters.next().is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        let now: Timestamp = "2026-11-25T10:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("90s", Some("2026-11-25T09:58:30Z")),
            ("24h", Some("2026-11-24T10:00:00Z")),
            ("2w", Some("2026-11-11T10:00:00Z")),
            ("2026-11-20", Some("2026-11-20T00:00:00Z")),
            ("2026-11-25T07:30:00+07:00", Some("2026-11-25T00:30:00Z")),
            ("99999999999d", None),
            ("yesterday", None),
            ("", None),
            ("ngàyđ", None),
        ] {
            let read = moment(text, now).ok().map(|at| at.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_table_shows_rows_without_moving_the_cursor() {
        let rows = b"{\"a\":\"x\\u001b[2Jy\",\"b\":[1,2]}\n{\"a\":null}\n{\"_incomplete\":\"cancelled\"}\n";
        let mut out = Vec::new();
        write_table(&["a".to_owned(), "b".to_owned()], rows, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.contains("x [2Jy") && text.contains("[1,2]") && text.ends_with("2 rows\n"),
            "{text}"
        );
    }
}
