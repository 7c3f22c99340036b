//! Watchpost: one binary that receives, keeps, understands, detects, and puts a person in charge.

mod clock;
mod commands;
mod control;
mod exercise;
mod pipeline;
mod rule_files;
mod sweep;

use std::{io::Write, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

/// Watchpost holds a security watch: it hears every log, sees the attack, puts a person in charge, and can prove it afterwards
#[derive(Debug, Parser)]
#[command(name = "watchpost", version, propagate_version = true)]
struct Arguments {
    /// Configuration file; optional, the defaults work
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data folder [default: watchpost-data]
    #[arg(long, global = true, value_name = "FOLDER")]
    data: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Sweep(commands::sweep::Options),
    Exercise(commands::exercise::Options),
}

fn main() -> ExitCode {
    let Arguments { config, data, command } = Arguments::parse();
    let data = data.unwrap_or_else(|| PathBuf::from("watchpost-data"));
    let outcome = match command {
        Command::Sweep(options) => commands::sweep::run(&options),
        Command::Exercise(options) => commands::exercise::run(&data, &options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "watchpost: {error:#}");
            ExitCode::FAILURE
        }
    }
}
