//! Says why a rule holds on an event, or which part of it does not.

use std::{
    fs,
    io::{self, Read, Write},
    path::PathBuf,
};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use clap::Args;
use detect::{Explained, ExplainedKind, Explanation, Instead, explain};
use model::{Event, FormatHint, RawRecord, SourceId, Timestamp, Transport};
use normalize::{Assembler, Normalizer};

use crate::rule_files::RuleFolders;

/// Says why a rule holds on an event, or why it does not
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// File of the rule, or the id or title of a built-in one
    rule: String,
    /// File with the record, as it arrived (`-` reads standard input); several lines are several records
    event: PathBuf,
    /// Processing pipeline in pySigma's format, through which the rule goes; may be given several times
    #[arg(long = "pipeline", value_name = "FILE")]
    pipelines: Vec<PathBuf>,
    /// What the record is, when it does not show it (`nginx`, `auditd`)
    #[arg(long)]
    format: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// When rule or record cannot be read.
pub(super) fn run(options: &Options) -> Result<()> {
    let file = PathBuf::from(&options.rule);
    let from_file = file.exists();
    let folders = if from_file { vec![file] } else { Vec::new() };
    let rules = RuleFolders {
        built_in: !from_file,
        folders,
        pipelines: options.pipelines.clone(),
    }
    .load()?;
    if let Some(refused) = rules.refused().first().filter(|_| from_file) {
        bail!("{}:{}: {}", refused.file, refused.line, refused.reason);
    }
    let wanted = |entry: &&detect::RuleEntry| {
        from_file
            || entry.identity.id == options.rule.as_str()
            || entry.identity.title.eq_ignore_ascii_case(&options.rule)
    };
    let Some(entry) = rules.entries().iter().find(wanted) else {
        bail!(
            "{:?} is neither a file nor the id or title of a built-in rule",
            options.rule
        )
    };
    let mut out = io::stdout().lock();
    for event in events(options)? {
        let Some(explanation) = explain(&rules, &entry.identity.id, &event) else {
            bail!(
                "{:?} is a correlation; explain the rules that it counts",
                entry.identity.title
            )
        };
        write_explanation(&mut out, entry, &event, &explanation)?;
    }
    Ok(())
}

fn events(options: &Options) -> Result<Vec<Event>> {
    let mut text = Vec::new();
    if options.event.as_os_str() == "-" {
        io::stdin().read_to_end(&mut text).context("reading standard input")?;
    } else {
        text = fs::read(&options.event).with_context(|| format!("{} cannot be read", options.event.display()))?;
    }
    let whole_json = serde_json::from_slice::<serde::de::IgnoredAny>(&text).is_ok();
    let records: Vec<&[u8]> = if whole_json {
        vec![&text]
    } else {
        text.split(|byte| *byte == b'\n').collect()
    };
    let normalizer = Normalizer::new(&normalize::Settings::default());
    let mut assembler = Assembler::default();
    let mut events = Vec::new();
    for (seq, line) in (1..).zip(records.into_iter().filter(|line| !line.trim_ascii().is_empty())) {
        let record = RawRecord {
            source: SourceId::new("explain"),
            received_at: Timestamp::UNIX_EPOCH,
            transport: Transport::File,
            origin: "explain".into(),
            format: options
                .format
                .as_ref()
                .map_or(FormatHint::Unknown, |name| FormatHint::Named(name.as_str().into())),
            exercise: false,
            bytes: Bytes::copy_from_slice(line),
        };
        assembler.push(normalizer.normalize(seq, &record), &mut events);
    }
    assembler.flush(&mut events);
    Ok(events)
}

fn write_explanation(
    out: &mut impl Write,
    rule: &detect::RuleEntry,
    event: &Event,
    explanation: &Explanation,
) -> Result<()> {
    let verdict = if explanation.holds { "holds" } else { "does not hold" };
    writeln!(
        out,
        "{}: {verdict} on {}",
        rule.identity.title,
        super::case::shown(event)
    )?;
    if !explanation.applies {
        writeln!(out, "  ✗ the event is not of the rule's log source")?;
    }
    for condition in &explanation.conditions {
        write_part(out, condition, 1)?;
    }
    Ok(())
}

fn write_part(out: &mut impl Write, part: &Explained, depth: usize) -> Result<()> {
    let mark = if part.holds { '✓' } else { '✗' };
    let label = match part.kind {
        ExplainedKind::All => "all of",
        ExplainedKind::Any => "one of",
        ExplainedKind::Not => "not",
        ExplainedKind::Condition
        | ExplainedKind::Of
        | ExplainedKind::Selection
        | ExplainedKind::Item
        | ExplainedKind::Value => "",
    };
    write!(
        out,
        "{:indent$}{mark} {label}{}{}",
        "",
        if label.is_empty() { "" } else { " " },
        part.text,
        indent = depth * 2
    )?;
    if let Some(evidence) = part.evidence.first() {
        write!(
            out,
            "   ← {} = {:?} at byte {}",
            evidence.field, evidence.value, evidence.bytes.start
        )?;
    }
    match &part.instead {
        Some(Instead::Missing) => write!(out, "   ← the event has no such field")?,
        Some(Instead::Values(values)) => write!(out, "   ← the event has {values:?}")?,
        None => {}
    }
    writeln!(out)?;
    part.parts
        .iter()
        .try_for_each(|below| write_part(out, below, depth + 1))
}
