//! `watchpost lake`: how much the event store holds, whether its files are as they were written, and what is in them.

use std::{
    io::{self, BufWriter, Write},
    ops::ControlFlow,
};

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use lake::{Filter, Lake};
use model::Event;
use serde_json::json;

use crate::configuration::Configuration;

/// Looks at the event store; the post must not be running
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Files, bytes and rows, by source
    Status,
    /// Check every file against its hash in the manifest
    Verify,
    /// Print every event as one JSON object a line
    Export,
}

/// Runs the command.
///
/// # Errors
/// When there is no lake, a post has it open, or a file is damaged.
pub(crate) fn run(configuration: &Configuration, action: &Action) -> Result<()> {
    let data = &configuration.data;
    let folder = data.join("lake");
    if !folder.exists() {
        bail!("there is no lake in {}", data.display());
    }
    let lake = Lake::open(&folder, configuration.lake.clone())
        .context("opening the lake; while a post runs on this data folder, the lake is its own")?;
    let mut out = BufWriter::new(io::stdout().lock());
    match action {
        Action::Status => status(&lake, &mut out)?,
        Action::Verify => verify(&lake, &mut out)?,
        Action::Export => export(&lake, &mut out)?,
    }
    out.flush().context("output is closed")
}

fn status(lake: &Lake, out: &mut impl Write) -> Result<()> {
    let stats = lake.stats();
    for (name, table) in [("events", &stats.events), ("refused", &stats.rejections)] {
        writeln!(
            out,
            "{name:8} {} rows, {} files, {} bytes",
            table.rows, table.files, table.bytes
        )?;
        for (source, count) in &table.sources {
            writeln!(out, "  {source}: {} rows of {} records", count.rows, count.records)?;
        }
    }
    Ok(())
}

fn verify(lake: &Lake, out: &mut impl Write) -> Result<()> {
    let unreadable = lake.verify();
    for file in &unreadable {
        writeln!(out, "{}: {}", file.file, file.cause)?;
    }
    if !unreadable.is_empty() {
        bail!("{} files are not as they were written", unreadable.len());
    }
    let stats = lake.stats();
    writeln!(out, "lake files={} intact", stats.events.files + stats.rejections.files)?;
    Ok(())
}

fn export(lake: &Lake, out: &mut impl Write) -> Result<()> {
    let mut written = Ok(());
    let unreadable = lake.scan(&Filter::default(), |event| {
        written = write_event(out, &event);
        if written.is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    written.context("output is closed")?;
    match unreadable.first() {
        None => Ok(()),
        Some(file) => bail!("{} could not be read: {}", file.file, file.cause),
    }
}

fn write_event(out: &mut impl Write, event: &Event) -> io::Result<()> {
    let fields: serde_json::Map<String, serde_json::Value> = event
        .fields
        .iter()
        .map(|field| (field.name.to_string(), json!(field.value)))
        .collect();
    let row = json!({
        "seq": event.seq,
        "source": event.source,
        "happened_at": event.happened_at.to_string(),
        "received_at": event.received_at.to_string(),
        "format": event.format,
        "entities": event.entities,
        "fields": fields,
        "raw": String::from_utf8_lossy(&event.raw),
        "problems": event.problems,
        "exercise": event.exercise,
    });
    serde_json::to_writer(&mut *out, &row)?;
    out.write_all(b"\n")
}
