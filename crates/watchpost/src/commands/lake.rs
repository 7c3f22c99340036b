//! `watchpost lake`: how much the event store holds, whether its files are as they were written, and what is in them.

use std::{
    io::{self, BufWriter, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use lake::{Filter, Lake, Stats};
use ledger::{Ledger, NounFilter, Options as LedgerOptions};
use model::{Event, EventHold, Scope, SourceId, Timestamp};
use serde_json::json;

use super::hunt::moment;
use crate::{
    clock,
    configuration::Configuration,
    sealing::{self, SealingKey},
};

/// Looks at the event store, while the post does not run; holds events, also while it does
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Files, bytes and rows, by source
    Status,
    /// Check every file against its hash in the manifest
    Verify,
    /// Print every event as one JSON object a line
    Export,
    /// Merge small files now
    Compact,
    /// Copy the events of a time into a folder of their own, with hashes and a signature
    Seal {
        /// The folder; it must not exist
        folder: PathBuf,
        /// From when on: 24h, 7d, a day (2026-11-25, UTC) or a moment
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// Before when, as --since
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
    },
    /// Hold a sealed archive against its signature and hashes
    Check(SealOptions),
    /// Bring back from a sealed archive what the lake has dropped, and hold it
    Import(SealOptions),
    /// Keep events from being dropped until they are released: for an incident, an order, a request
    Hold(HoldOptions),
    /// End a hold; what it covered may be dropped from then on
    Release {
        /// Its id, as `lake holds` shows it
        id: String,
    },
    /// List the holds in force
    Holds,
}

/// A sealed archive
#[derive(Debug, Args)]
pub(crate) struct SealOptions {
    /// Its folder
    folder: PathBuf,
    /// The public key that it was signed with, 64 hexadecimal digits; without it that of this post
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

/// What is to be held
#[derive(Debug, Args)]
pub(crate) struct HoldOptions {
    /// Why: the incident, the order
    reason: String,
    /// From when on: 24h, 7d, a day (2026-11-25, UTC) or a moment; without it from the first
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before when, as --since; without it also what is still to come
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only this source; may be given several times
    #[arg(long = "source", value_name = "SOURCE")]
    sources: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// When there is no lake, a post has it open, or a file is damaged.
pub(crate) fn run(configuration: &Configuration, action: &Action) -> Result<()> {
    let data = &configuration.data;
    match action {
        Action::Hold(options) => return hold(data, options),
        Action::Release { id } => return release(data, id),
        Action::Holds => return holds(data),
        Action::Check(options) => return check(data, options),
        Action::Status
        | Action::Verify
        | Action::Export
        | Action::Compact
        | Action::Seal { .. }
        | Action::Import(_) => {}
    }
    let folder = data.join("lake");
    if !folder.exists() {
        bail!("there is no lake in {}", data.display());
    }
    let lake = Lake::open(&folder, configuration.lake.clone())
        .context("opening the lake; while a post runs on this data folder, the lake is its own")?;
    let mut out = BufWriter::new(io::stdout().lock());
    match action {
        Action::Status => status(&lake, &mut out)?,
        Action::Verify => verify(&lake, data, &mut out)?,
        Action::Export => export(&lake, &mut out)?,
        Action::Compact => {
            let merges = lake.compact().context("merging small files")?;
            let stats = lake.stats();
            writeln!(
                out,
                "lake merges={merges} files={}",
                stats.events.files + stats.rejections.files
            )?;
        }
        Action::Seal { folder, since, until } => seal(&lake, data, folder, (since, until))?,
        Action::Import(options) => import(&lake, data, options)?,
        Action::Hold(_) | Action::Release { .. } | Action::Holds | Action::Check(_) => {}
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

fn verify(lake: &Lake, data: &Path, out: &mut impl Write) -> Result<()> {
    let unreadable = lake.verify();
    for file in &unreadable {
        writeln!(out, "{}: {}", file.file, file.cause)?;
    }
    if !unreadable.is_empty() {
        bail!("{} files are not as they were written", unreadable.len());
    }
    let stats = lake.stats();
    writeln!(out, "lake files={} intact", stats.events.files + stats.rejections.files)?;
    against_accounts(&stats, data, out)
}

/// Holds what is in the lake, and what was dropped from it, against what the accounts of the sources say was stored.
fn against_accounts(stats: &Stats, data: &Path, out: &mut impl Write) -> Result<()> {
    let options = LedgerOptions::in_folder(data);
    if !options.path.exists() {
        writeln!(out, "there is no ledger beside it to hold it against")?;
        return Ok(());
    }
    let ledger = Ledger::open(options, clock::now()).context("opening the ledger")?;
    let scope = Scope::of_post("lake-verify");
    let decided = ledger.pipeline_position(&scope)?.decided;
    if stats.position.resume <= decided {
        bail!(
            "the lake is behind the ledger (entry {} of {decided}): the journal has the rest; start the post and stop it again",
            stats.position.resume
        );
    }
    let mut wrong = 0;
    let mut records = 0;
    for source in ledger.sources(&scope)? {
        let held = stats.events.sources.get(&source.id).copied().unwrap_or_default();
        let dropped = stats.dropped_events.get(&source.id).copied().unwrap_or_default();
        let stored = source.account.stored;
        records += stored;
        if held.records + dropped.records != stored {
            wrong += 1;
            writeln!(
                out,
                "{}: {stored} records stored by its account, {} in the lake, {} dropped",
                source.id, held.records, dropped.records
            )?;
        }
    }
    if wrong > 0 {
        bail!("{wrong} sources do not add up");
    }
    writeln!(out, "lake records={records} as the accounts say")?;
    Ok(())
}

fn times(
    (since, until): (&Option<String>, &Option<String>),
    now: Timestamp,
) -> Result<(Option<Timestamp>, Option<Timestamp>)> {
    let time = |text: &Option<String>| text.as_deref().map(|text| moment(text, now)).transpose();
    Ok((time(since)?, time(until)?))
}

fn seal(lake: &Lake, data: &Path, folder: &Path, span: (&Option<String>, &Option<String>)) -> Result<()> {
    let now = clock::now();
    let key = SealingKey::of(data)?;
    let sealed = lake.seal(folder, times(span, now)?, now, &|list| key.sign(list))?;
    let files = sealed.files();
    writeln!(
        io::stdout(),
        "sealed files={files} rows={} bytes={} key={}",
        sealed.rows(),
        sealed.bytes(),
        key.public()
    )
    .context("output is closed")
}

/// The key that a seal must be signed with.
fn key_of(data: &Path, options: &SealOptions) -> Result<[u8; 32]> {
    match &options.key {
        Some(key) => sealing::unhex(key),
        None => sealing::unhex(&SealingKey::of(data)?.public()),
    }
}

fn check(data: &Path, options: &SealOptions) -> Result<()> {
    let key = key_of(data, options)?;
    let sealed = lake::check_seal(&options.folder, &|list, signature| {
        sealing::is_signed(&key, list, signature)
    })?;
    writeln!(
        io::stdout(),
        "whole: files={} rows={} bytes={} sealed_at={}",
        sealed.files(),
        sealed.rows(),
        sealed.bytes(),
        sealed.sealed_at
    )
    .context("output is closed")
}

fn import(lake: &Lake, data: &Path, options: &SealOptions) -> Result<()> {
    let key = key_of(data, options)?;
    let is_signed = |list: &[u8], signature: &[u8]| sealing::is_signed(&key, list, signature);
    let sealed = lake::check_seal(&options.folder, &is_signed)?;
    // What comes back is mostly beyond its days: without a hold the next look would drop it again.
    let draft = operations::holds::Draft {
        from: sealed.from,
        before: sealed.before,
        sources: None,
        reason: format!("brought back from {}", options.folder.display()),
    };
    let (now, scope) = (clock::now(), Scope::of_post("command-line"));
    let (hold, decision) = operations::holds::place(&scope, draft, now, clock::entropy()?)?;
    open_ledger(data)?.apply(&decision).context("the hold was not kept")?;
    let rows = lake.bring_back(&options.folder, &is_signed)?;
    writeln!(io::stdout(), "brought back rows={rows}, held by {}", hold.id).context("output is closed")
}

fn open_ledger(data: &Path) -> Result<Ledger> {
    let options = LedgerOptions::in_folder(data);
    if !options.path.exists() {
        bail!("there is no ledger in {}", data.display());
    }
    Ledger::open(options, clock::now()).context("opening the ledger")
}

fn hold(data: &Path, options: &HoldOptions) -> Result<()> {
    let now = clock::now();
    let (from, before) = times((&options.since, &options.until), now)?;
    let draft = operations::holds::Draft {
        from,
        before,
        sources: (!options.sources.is_empty())
            .then(|| options.sources.iter().map(|name| SourceId::new(name)).collect()),
        reason: options.reason.clone(),
    };
    let scope = Scope::of_post("command-line");
    let (hold, decision) = operations::holds::place(&scope, draft, now, clock::entropy()?)?;
    open_ledger(data)?.apply(&decision).context("the hold was not kept")?;
    writeln!(io::stdout(), "held: {}", hold.id).context("output is closed")
}

fn release(data: &Path, id: &str) -> Result<()> {
    let ledger = open_ledger(data)?;
    let scope = Scope::of_post("command-line");
    let Some(hold) = ledger.kept::<EventHold>(&scope, id)? else {
        bail!("there is no hold {id}; `watchpost lake holds` lists them");
    };
    let decision = operations::holds::release(&scope, &hold, clock::now())?;
    ledger.apply(&decision).context("the release was not kept")?;
    writeln!(io::stdout(), "released: {id}").context("output is closed")
}

fn holds(data: &Path) -> Result<()> {
    let held: Vec<EventHold> = open_ledger(data)?.all_kept(&Scope::of_post("command-line"), &NounFilter::default())?;
    let mut out = io::stdout().lock();
    let time = |at: Option<Timestamp>, open: &str| at.map_or_else(|| open.to_owned(), |at| at.to_string());
    for hold in held.iter().filter(|hold| hold.released_at.is_none()) {
        let sources = hold.sources.as_ref().map_or_else(
            || "all sources".to_owned(),
            |sources| sources.iter().map(SourceId::as_str).collect::<Vec<_>>().join(", "),
        );
        let (from, before) = (time(hold.from, "the first"), time(hold.before, "whatever comes"));
        writeln!(out, "{}  {from} – {before}, {sources}: {}", hold.id, hold.reason)?;
    }
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
