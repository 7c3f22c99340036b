//! `watchpost rules`: what the rules are, whether they are right, and why one holds on an event or does not.

mod backtest;
mod case;
mod coverage;
mod explain;
mod lint;
mod test;

use std::{
    io::{self, Write},
    path::PathBuf,
};

use anyhow::Result;
use clap::{Args, Subcommand};
use detect::{RuleEntry, RuleKind, SharedRules};

use crate::{
    configuration::{Configuration, RulesSection},
    rule_files::RuleFolders,
};

/// Lists, checks, tests and explains rules
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List the rules in force
    List(Which),
    /// Check rule files: every rule that would not load, and what is allowed but seldom meant
    Lint(lint::Options),
    /// Run the tests that lie beside rules (`<rule>.test.yml`)
    Test {
        /// Folders or files of rules; without one, the built-in rules of this source tree: content/rules
        #[arg(default_value = "content/rules")]
        paths: Vec<PathBuf>,
    },
    /// Say why a rule holds on an event, or why it does not
    Explain(explain::Options),
    /// Hold rules against the events that are already kept: what would they have found?
    Backtest(backtest::Options),
    /// Say which log sources and fields the rules need, and which of them the post really received
    Coverage(coverage::Options),
}

/// Which rules are meant.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Folder or file of Sigma rules; adds to the built-in rules and those of the configuration
    #[arg(value_name = "FOLDER")]
    rules: Vec<PathBuf>,
    /// Leave out the built-in rules
    #[arg(long)]
    no_built_in: bool,
    /// Processing pipeline in pySigma's format, through which all rules go; may be given several times
    #[arg(long = "pipeline", value_name = "FILE")]
    pipelines: Vec<PathBuf>,
}

impl Which {
    /// Those of the configuration, and those named beside it.
    fn folders(&self, configured: &RulesSection) -> RuleFolders {
        let joined = |configured: &[PathBuf], named: &[PathBuf]| configured.iter().chain(named).cloned().collect();
        RuleFolders {
            built_in: configured.built_in && !self.no_built_in,
            folders: joined(&configured.folders, &self.rules),
            pipelines: joined(&configured.pipelines, &self.pipelines),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// When rules cannot be read, are wrong, or a test fails.
pub(crate) fn run(configuration: &Configuration, action: &Action) -> Result<()> {
    match action {
        Action::List(which) => list(&which.folders(&configuration.rules).load()?),
        Action::Lint(options) => lint::run(configuration, options),
        Action::Test { paths } => test::run(paths),
        Action::Explain(options) => explain::run(options),
        Action::Backtest(options) => backtest::run(configuration, options),
        Action::Coverage(options) => coverage::run(configuration, options),
    }
}

fn list(rules: &SharedRules) -> Result<()> {
    let mut out = io::stdout().lock();
    for entry in rules.entries() {
        let identity = &entry.identity;
        writeln!(
            out,
            "{:13} {:36} {}  [{}]",
            identity.level.as_str(),
            identity.id,
            identity.title,
            source_of(entry)
        )?;
    }
    writeln!(
        out,
        "{} rules in force, {} not loaded",
        rules.entries().len(),
        rules.refused().len()
    )?;
    Ok(())
}

/// The log source of a rule, or that it is a correlation.
fn source_of(entry: &RuleEntry) -> String {
    match entry.kind {
        RuleKind::Detection => entry.log_source_line(),
        RuleKind::Correlation => "correlation".to_owned(),
    }
}
