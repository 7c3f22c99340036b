//! Watchpost: one binary that receives, keeps, understands, detects, and puts a person in charge.

mod clock;
mod commands;
mod exercise;
mod pipeline;
mod rule_files;
mod sweep;

use std::{io::Write, process::ExitCode};

use clap::{Parser, Subcommand};

/// Watchpost holds a security watch: it hears every log, sees the attack, puts a person in charge, and can prove it afterwards
#[derive(Debug, Parser)]
#[command(name = "watchpost", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Sweep(commands::sweep::Options),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Sweep(options) => commands::sweep::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "watchpost: {error:#}");
            ExitCode::FAILURE
        }
    }
}
