//! Tools of the project: the house rules as a check, the whole test run with its real components, crash runs and benchmarks.

mod check;
mod components;
mod run;
mod test;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

/// Tools of the Watchpost project.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Holds the tree against the house rules (docs/HOUSE.md, the rules marked ●)
    Check,
    /// Format, lints, house rules and all tests; on Debian as root it installs what the tests need
    Test(test::Options),
    /// Shows which real components tests find here, and installs the missing ones with --install
    Components {
        /// Install what is missing (Debian, as root)
        #[arg(long)]
        install: bool,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Check => check::run(&root()),
        Task::Test(options) => test::run(&root(), &options),
        Task::Components { install } => components::run(&root(), install),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            run::say(&format!("xtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// The folder of the workspace.
fn root() -> PathBuf {
    let mut folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    folder.pop();
    folder
}
