//! `watchpost ledger`: walks the hash chain of the duty book.

use std::{
    io::{self, Write},
    path::Path,
};

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use ledger::{Ledger, Options};
use model::Scope;

use crate::clock;

/// Checks the duty book
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Walk the hash chain and name the first entry that was tampered with
    Verify,
}

/// Runs the command.
///
/// # Errors
/// When there is no ledger, it cannot be read, or it was tampered with.
pub(crate) fn run(data: &Path, action: &Action) -> Result<()> {
    let options = Options::in_folder(data);
    if !options.path.exists() {
        bail!("there is no ledger in {}", data.display());
    }
    match action {
        Action::Verify => verify(options),
    }
}

fn verify(options: Options) -> Result<()> {
    let ledger = Ledger::open(options, clock::now()).context("opening the ledger")?;
    let verified = ledger
        .verify(&Scope::of_post("verify"), &[])
        .context("reading the ledger")?;
    let mut out = io::stdout().lock();
    match verified.broken {
        None => {
            writeln!(
                out,
                "ledger entries={} intact, head {}",
                verified.entries, verified.head.hash
            )?;
            if verified.detections_forgotten > 0 {
                writeln!(
                    out,
                    "details of {} detections were forgotten when their time was over, as its entries say",
                    verified.detections_forgotten
                )?;
            }
            Ok(())
        }
        Some(broken) => bail!("the ledger was tampered with: {broken}"),
    }
}
