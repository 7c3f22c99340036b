//! Watchpost: one binary that receives, keeps, understands, detects, and puts a person in charge.

mod clock;
mod commands;
mod commit;
mod configuration;
mod content_files;
mod control;
mod drills;
mod exercise;
mod folder;
mod hearing;
mod hunting;
mod indicators;
mod letter_folder;
mod look;
mod look_back;
mod papers;
mod pipeline;
mod plan_files;
mod response_section;
mod rule_files;
mod sealing;
mod serve;
#[cfg(test)]
mod story;
mod sweep;

use std::{io::Write, path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::configuration::Configuration;

/// Events are made on one thread and dropped on another, which the system's allocator does under a lock that two cores fight for.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Watchpost holds a security watch: it hears every log, sees the attack, puts a person in charge, and can prove it afterwards
#[derive(Debug, Parser)]
#[command(name = "watchpost", version, propagate_version = true)]
struct Arguments {
    /// Configuration file; optional, the defaults work
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data folder; wins over the configuration file [default: watchpost-data]
    #[arg(long, global = true, value_name = "FOLDER")]
    data: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the post: listens, watches this machine, serves the console
    Serve,
    Sweep(commands::sweep::Options),
    Exercise(commands::exercise::Options),
    #[command(subcommand)]
    Rules(commands::rules::Action),
    #[command(subcommand)]
    Ledger(commands::ledger::Action),
    Hunt(commands::hunt::Options),
    #[command(subcommand)]
    Lake(commands::lake::Action),
    #[command(subcommand)]
    Notify(commands::notify::Action),
    #[command(subcommand)]
    Incident(commands::incident::Action),
    #[command(subcommand)]
    Evidence(commands::evidence::Action),
    #[command(subcommand)]
    Service(commands::service::Action),
    #[command(subcommand)]
    Backup(commands::backup::Action),
    #[command(subcommand)]
    Duty(commands::duty::Action),
    #[command(subcommand)]
    Report(commands::report::Action),
    #[command(subcommand)]
    Watch(commands::watch::Action),
    #[command(subcommand)]
    Content(commands::content::Action),
    #[command(subcommand)]
    Plans(commands::plans::Action),
    #[command(subcommand)]
    Actions(commands::actions::Action),
    #[command(subcommand)]
    Config(commands::config::Action),
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "watchpost: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<()> {
    let Arguments { config, data, command } = arguments;
    let configured = || -> Result<Configuration> {
        let mut configuration = Configuration::read(config.as_deref())?;
        if let Some(data) = &data {
            configuration.data.clone_from(data);
        }
        Ok(configuration)
    };
    match command {
        Command::Serve => commands::serve::run(&configured()?),
        Command::Sweep(options) => commands::sweep::run(&configured()?, &options),
        Command::Exercise(options) => commands::exercise::run(&configured()?.data, &options),
        Command::Rules(action) => commands::rules::run(&configured()?, &action),
        Command::Ledger(action) => commands::ledger::run(&configured()?.data, &action),
        Command::Hunt(options) => commands::hunt::run(&configured()?, &options),
        Command::Lake(action) => commands::lake::run(&configured()?, &action),
        Command::Notify(action) => commands::notify::run(&configured()?, &action),
        Command::Incident(action) => commands::incident::run(&configured()?, &action),
        Command::Evidence(action) => commands::evidence::run(&configured()?, &action),
        Command::Service(action) => commands::service::run(&configured()?, &action),
        Command::Backup(action) => commands::backup::run(&configured()?, &action),
        Command::Duty(action) => commands::duty::run(&configured()?.data, &action),
        Command::Report(action) => commands::report::run(&configured()?, &action),
        Command::Watch(action) => commands::watch::run(&configured()?, &action),
        Command::Content(action) => commands::content::run(&configured()?.data, &action),
        Command::Plans(action) => commands::plans::run(&configured()?, &action),
        Command::Actions(action) => commands::actions::run(&configured()?, &action),
        Command::Config(action) => commands::config::run(config.as_deref(), &action),
    }
}
