//! What the rules in force need, what the sources really deliver of it, and what is left unseen.

mod layer;
mod rows;
mod table;

use std::io::{self, IsTerminal, Write};

use anyhow::Result;
use clap::{Args, ValueEnum};
use detect::{Coverage, SharedRules};
use model::Heard;

use super::Which;
use crate::{configuration::Configuration, hearing};

/// Columns of a table that goes into a file.
const WIDTH_ELSEWHERE: u16 = 160;

/// Says which log sources and fields the rules in force need, and which of them the post really received
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    which: Which,
    /// How to write it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// How many days back the events of the data folder are looked at, by receipt
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,
    /// List every rule with what it can see, and every field (table only)
    #[arg(long)]
    all: bool,
}

/// Forms of coverage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people: log sources, rules, fields that never came
    Table,
    /// For programs: the same and more
    Json,
    /// An ATT&CK Navigator layer: techniques scored by the rules that can see them
    Navigator,
}

/// Rules and what they can see; nothing is known where there is no lake.
struct Report<'a> {
    rules: &'a SharedRules,
    days: u16,
    seen: Option<Seen>,
}

/// What was heard, and what the rules make of it.
struct Seen {
    heard: Heard,
    coverage: Coverage,
}

/// Runs the command.
///
/// # Errors
/// When rules cannot be read, or the lake cannot be.
pub(super) fn run(configuration: &Configuration, options: &Options) -> Result<()> {
    let rules = options.which.folders(&configuration.rules).load()?;
    let heard = hearing::heard(configuration, options.days)?;
    let seen = heard.map(|heard| Seen {
        coverage: Coverage::of(&rules, &heard),
        heard,
    });
    let report = Report {
        rules: &rules,
        days: options.days,
        seen,
    };
    let mut out = io::stdout().lock();
    match options.format {
        Format::Json => writeln!(out, "{:#}", rows::json(&report))?,
        Format::Navigator => writeln!(out, "{:#}", layer::layer(&report))?,
        Format::Table => {
            let width = if out.is_terminal() { None } else { Some(WIDTH_ELSEWHERE) };
            table::write(&mut out, &report, options.all, width)?;
            if report.seen.is_none() {
                let data = configuration.data.display();
                writeln!(
                    out,
                    "\nThere is no lake in {data}: what the sources deliver is not known (--data names another data folder)."
                )?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
