//! Tools of the project: the house rules as a check, the whole test run with its real components, crash runs and benchmarks.
#![expect(clippy::cast_precision_loss, reason = "counts become figures for people")]

mod bench;
mod check;
mod components;
mod count;
mod crash;
mod disk_full;
mod fuzz;
mod run;
mod server;
mod test;
mod visitor;

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
    /// Kills the post again and again under load, then counts what was acknowledged and what is there
    Crash(crash::Options),
    /// Fills the disk under a post, and makes room again (as root: it mounts a small disk in memory)
    DiskFull(disk_full::Options),
    /// Runs fuzz targets under libFuzzer, each for a while, and keeps what makes one fail
    Fuzz(fuzz::Options),
    /// Measures, beside a peer where there is one
    #[command(subcommand)]
    Bench(bench::Bench),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Check => check::run(&root()),
        Task::Test(options) => test::run(&root(), &options),
        Task::Components { install } => components::run(&root(), install),
        Task::Crash(options) => crash::run(&root(), &options),
        Task::DiskFull(options) => disk_full::run(&root(), &options),
        Task::Fuzz(options) => fuzz::run(&root(), &options),
        Task::Bench(bench) => bench::run(&root(), &bench),
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
