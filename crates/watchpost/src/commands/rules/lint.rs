//! Checks rule files: which rules would not load, and what in the others is allowed but seldom meant.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use anyhow::{Result, bail};
use clap::{Args, builder::PossibleValuesParser};
use detect::CHECKS;

use super::Which;
use crate::configuration::Configuration;

/// Checks rule files
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    which: Which,
    /// Leave out the warnings of a check; may be given several times
    #[arg(long, value_name = "CHECK", value_parser = PossibleValuesParser::new(CHECKS))]
    without: Vec<String>,
    /// Fail on warnings too
    #[arg(long)]
    strict: bool,
    /// Print only how many warnings each check has
    #[arg(long)]
    counts: bool,
}

/// Runs the command.
///
/// # Errors
/// When rules cannot be read, do not load, or have warnings that are to fail.
pub(super) fn run(configuration: &Configuration, options: &Options) -> Result<()> {
    let folders = options.which.folders(&configuration.rules);
    let rules = folders.load()?;
    let mut out = io::stdout().lock();
    for refused in rules.refused() {
        let name = refused
            .rule
            .as_deref()
            .map(|name| format!("{name}: "))
            .unwrap_or_default();
        writeln!(
            out,
            "{}:{}:{}: {name}{}",
            refused.file, refused.line, refused.column, refused.reason
        )?;
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for warning in detect::lint(&folders.texts()?) {
        if options.without.iter().any(|check| check == warning.check) {
            continue;
        }
        *counts.entry(warning.check).or_default() += 1;
        if !options.counts {
            let (file, at) = (&warning.file, warning.at);
            writeln!(
                out,
                "{file}:{}:{}: warning: {}: {} [{}]",
                at.line, at.column, warning.rule, warning.message, warning.check
            )?;
        }
    }
    for (check, count) in &counts {
        writeln!(out, "{count:6} {check}")?;
    }
    let warnings: usize = counts.values().sum();
    let loaded = rules.entries().len();
    match rules.refused().len() {
        0 if warnings > 0 && options.strict => bail!("{warnings} warnings"),
        0 => Ok(writeln!(out, "{loaded} rules, all load, {warnings} warnings")?),
        count => bail!("{count} rules would not load, {warnings} warnings"),
    }
}
