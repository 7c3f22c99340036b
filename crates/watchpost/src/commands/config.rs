//! `watchpost config`: prints an example with every key, and checks a file without starting anything.

use std::{
    io::{self, Write},
    path::Path,
};

use anyhow::{Result, bail};
use clap::Subcommand;

use crate::{
    configuration::{Configuration, EXAMPLE},
    serve,
};

/// Shows every key of the configuration, or checks a file
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Print a file with every key and its default
    Example,
    /// Check the file named with --config without starting anything
    Check,
}

/// Runs the command.
///
/// # Errors
/// When the file is wrong, or output is closed.
pub(crate) fn run(path: Option<&Path>, action: &Action) -> Result<()> {
    let mut out = io::stdout().lock();
    match action {
        Action::Example => write!(out, "{EXAMPLE}")?,
        Action::Check => {
            let Some(path) = path else {
                bail!("name the file with --config FILE")
            };
            let configuration = Configuration::read(Some(path))?;
            configuration.check_console()?;
            configuration.ingest.check_bindings()?;
            configuration.channels.open()?;
            serve::open_heartbeat(&configuration.heartbeat)?;
            writeln!(out, "{} is right", path.display())?;
        }
    }
    Ok(())
}
