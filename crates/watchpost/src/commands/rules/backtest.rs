//! Holds rules against the events that are already kept, and makes alerts of what they find when asked to.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use lake::Lake;
use ledger::{Ledger, Options as LedgerOptions};

use crate::{
    clock,
    commands::hunt::moment,
    configuration::Configuration,
    control::{self, Answer, Question},
    look_back::{self, Report, Request},
    rule_files::RuleFolders,
};

/// Holds rules against the events that are already kept
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Files or folders of Sigma rules
    #[arg(value_name = "RULES", required = true)]
    rules: Vec<PathBuf>,
    /// From when on: 24h, 7d, a day (2026-11-25, UTC) or a moment
    #[arg(long, value_name = "TIME", default_value = "30d")]
    since: String,
    /// Before when, as --since
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Make alerts of what is found; they say "found looking back", and what was found before is not counted again
    #[arg(long)]
    alert: bool,
}

/// Runs the command.
///
/// # Errors
/// When rules cannot be read, or there is nothing to look at.
pub(super) fn run(configuration: &Configuration, options: &Options) -> Result<()> {
    let folders = RuleFolders {
        built_in: false,
        folders: options.rules.clone(),
        pipelines: configuration.rules.rule_folders().pipelines,
    };
    let now = clock::now();
    let texts = folders.texts()?.into_iter();
    let request = Request {
        rules: texts.map(|rule| (rule.file, rule.text.to_string())).collect(),
        from: Some(moment(&options.since, now)?),
        before: options.until.as_deref().map(|until| moment(until, now)).transpose()?,
        alert: options.alert,
    };
    let data = configuration.data.as_path();
    let report = if std::os::unix::net::UnixStream::connect(control::socket(data)).is_ok() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("starting the runtime")?;
        match runtime.block_on(control::ask(data, &Question::LookBack { request }))? {
            Answer::LookedBack { report } => report,
            Answer::Accepted { .. } | Answer::Heard(_) | Answer::Refused { .. } => {
                bail!("the post answered another question")
            }
        }
    } else {
        let ledger = LedgerOptions::in_folder(data);
        if !ledger.path.exists() || !data.join("lake").exists() {
            bail!("there are no events in {}", data.display());
        }
        let ledger = Ledger::open(ledger, now).context("opening the ledger")?;
        let lake = Lake::open(&data.join("lake"), configuration.lake.clone()).context("opening the lake")?;
        look_back::look(&lake, &ledger, &request)?
    };
    write(&report, options.alert, &mut io::stdout().lock()).context("output is closed")?;
    if report.incomplete.is_empty() {
        Ok(())
    } else {
        bail!("not all was looked at: {}", report.incomplete.join("; "))
    }
}

fn write(report: &Report, alert: bool, out: &mut impl Write) -> io::Result<()> {
    for refused in &report.refused {
        writeln!(out, "not loaded: {refused}")?;
    }
    for example in &report.examples {
        writeln!(out, "{example}")?;
    }
    for (title, count) in &report.by_rule {
        writeln!(out, "{count:8} {title}")?;
    }
    let found: u64 = report.by_rule.values().sum();
    let became = if alert {
        format!("{} became part of alerts", report.alerted)
    } else {
        format!("{} would become part of alerts (--alert)", found - report.known)
    };
    writeln!(
        out,
        "look-back events={} detections={found} known_before={}: {became}",
        report.events, report.known
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_what_is_new() {
        let report = Report {
            events: 10,
            by_rule: [("A rule".to_owned(), 3)].into(),
            known: 1,
            ..Report::default()
        };
        let mut out = Vec::new();
        write(&report, false, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("       3 A rule\n"), "{text}");
        assert!(
            text.ends_with("detections=3 known_before=1: 2 would become part of alerts (--alert)\n"),
            "{text}"
        );
    }
}
