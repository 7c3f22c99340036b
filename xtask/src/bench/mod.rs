//! Benchmarks that need more than one process; each ends with one line that a script can read.

mod ingest;
mod lake;
mod notify;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum Bench {
    /// End to end over HTTP `_bulk`: durable, normalised, all SigmaHQ rules, alerts visible
    Ingest(ingest::Options),
    /// Ten questions to the lake, cold and warm, beside DuckDB on its files and chDB on a table of its own
    Lake(lake::Options),
    /// A storm of messages through the post to a mail server on loopback, while another channel hangs
    Notify(notify::Options),
    /// The Sigma engine beside rsigma, over the same lines with the same rules
    Sigma {
        /// Handed on to the benchmark (`--help` lists them)
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
}

/// Runs one benchmark.
pub(crate) fn run(root: &Path, bench: &Bench) -> Result<()> {
    match bench {
        Bench::Ingest(options) => ingest::run(root, options),
        Bench::Lake(options) => lake::run(root, options),
        Bench::Notify(options) => notify::run(root, options),
        Bench::Sigma { options } => crate::run::run(
            std::process::Command::new("cargo")
                .current_dir(root.join("bench/peers"))
                .args(["run", "--release", "--quiet", "--"])
                .args(options)
                .env("WATCHPOST_DATA", data(root)?),
        ),
    }
}

/// The folder of rules and logs to measure on: `WATCHPOST_DATA`, or `../shared/data` beside the workspace.
pub(crate) fn data(root: &Path) -> Result<PathBuf> {
    let beside = root.join("../shared/data");
    let folder = std::env::var_os("WATCHPOST_DATA").map_or(beside, PathBuf::from);
    folder.canonicalize().with_context(|| {
        format!(
            "{} is not there; WATCHPOST_DATA names the folder with SigmaHQ's rules and recorded logs",
            folder.display()
        )
    })
}
