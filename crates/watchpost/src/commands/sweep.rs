//! `watchpost sweep`: reads a folder of evidence and says what was found.

use std::{
    fs::File,
    io::{self, BufWriter, IsTerminal, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use model::{Language, RuleLevel};
use normalize::{Normalizer, Settings};

use crate::{
    configuration::Configuration,
    rule_files::RuleFolders,
    sweep::{
        Found, Sweep,
        report::{self, Finding, Summary},
    },
};

/// Rows of the lists in the table, unless all are wanted.
const ROWS: usize = 25;
/// Width of the report where the terminal does not say.
const WIDTH: u16 = 140;

/// Reads EVTX, NDJSON and other JSON, syslog, auditd, access logs, and gz or zst of them, and says what was found
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Files and folders to sweep
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Folder or file of Sigma rules; may be given several times, and adds to the built-in rules
    #[arg(long, value_name = "FOLDER")]
    rules: Vec<PathBuf>,
    /// Leave out the built-in rules
    #[arg(long)]
    no_built_in: bool,
    /// Processing pipeline in pySigma's format, through which all rules go; may be given several times
    #[arg(long = "pipeline", value_name = "FILE")]
    pipelines: Vec<PathBuf>,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Write the report to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Leave out findings below this level
    #[arg(long, value_enum, default_value_t = LevelName::Informational)]
    level: LevelName,
    /// Language of the table and of the page: vi or en; by default that of the configuration
    #[arg(long, value_enum)]
    language: Option<LanguageName>,
    /// List everything in the table, not only the first rows
    #[arg(long)]
    all: bool,
    /// Threads that read records; by default one for each core
    #[arg(long)]
    threads: Option<usize>,
    /// No progress bar
    #[arg(long, short)]
    quiet: bool,
}

/// Forms of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A readable summary by level, rule, host and technique
    Table,
    /// One object a line for each finding
    Json,
    /// One row for each finding
    Csv,
    /// The summary as one page that needs nothing else
    Html,
}

/// Sigma's levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LevelName {
    Informational,
    Low,
    Medium,
    High,
    Critical,
}

/// The languages of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LanguageName {
    Vi,
    En,
}

impl LanguageName {
    fn language(self) -> Language {
        match self {
            Self::Vi => Language::Vi,
            Self::En => Language::En,
        }
    }
}

impl LevelName {
    fn level(self) -> RuleLevel {
        match self {
            Self::Informational => RuleLevel::Informational,
            Self::Low => RuleLevel::Low,
            Self::Medium => RuleLevel::Medium,
            Self::High => RuleLevel::High,
            Self::Critical => RuleLevel::Critical,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// When the rules, the evidence or the output cannot be read or written.
pub(crate) fn run(configuration: &Configuration, options: &Options) -> Result<()> {
    let folders = RuleFolders {
        built_in: !options.no_built_in,
        folders: options.rules.clone(),
        pipelines: options.pipelines.clone(),
    };
    let rules = folders.load()?;
    for refused in rules.refused() {
        let _ = writeln!(
            io::stderr(),
            "rule not loaded: {}:{}: {}",
            refused.file,
            refused.line,
            refused.reason
        );
    }
    let threads = options
        .threads
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let sweep = Sweep {
        paths: options.paths.clone(),
        rules,
        normalizer: Normalizer::new(&Settings {
            zoneless_offset: configuration.offset()?,
            receipt_tells_utc: false,
        }),
        threads,
    };
    let progress = progress_bar(options.quiet);
    let language = options.language.map_or(configuration.language, LanguageName::language);
    let outcome = write_report(&sweep, &progress, (options, language));
    progress.finish_and_clear();
    ignore_closed_pipe(outcome)
}

fn progress_bar(quiet: bool) -> ProgressBar {
    let target = if quiet {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    };
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left  {msg}");
    let bar = ProgressBar::with_draw_target(Some(0), target);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn write_report(sweep: &Sweep, progress: &ProgressBar, (options, language): (&Options, Language)) -> Result<()> {
    let evidence = sweep.find()?;
    if let Some(path) = &options.output {
        protect(&evidence, path)?;
    }
    let mut out = output(options)?;
    let level = options.level.level();
    let mut found = 0_u64;
    let mut count = || {
        found += 1;
        if found.is_multiple_of(100) {
            progress.set_message(match language {
                Language::Vi => format!("{found} phát hiện"),
                Language::En => format!("{found} findings"),
            });
        }
    };
    match options.format {
        Format::Json => {
            let summary = sweep.run(evidence, level, progress, &mut |finding| {
                count();
                Ok(report::write_json_row(&mut out, finding)?)
            })?;
            tell_problems(progress, &summary, language);
        }
        Format::Csv => {
            let mut rows = csv::Writer::from_writer(&mut out);
            report::write_csv_header(&mut rows)?;
            let summary = sweep.run(evidence, level, progress, &mut |finding| {
                count();
                Ok(report::write_csv_row(&mut rows, finding)?)
            })?;
            rows.flush()?;
            tell_problems(progress, &summary, language);
        }
        Format::Table | Format::Html => {
            let mut counted = |_: &Finding<'_>| {
                count();
                Ok(())
            };
            let summary = sweep.run(evidence, level, progress, &mut counted)?;
            progress.finish_and_clear();
            write_summary(&mut out, &summary, (options, language))?;
        }
    }
    out.flush().context("the report cannot be written")
}

/// Where the findings go to a program, people are told beside them what was not read.
fn tell_problems(progress: &ProgressBar, summary: &Summary, language: Language) {
    progress.finish_and_clear();
    // Whoever closed standard error does not want to be told.
    let _ = report::write_problems(&mut io::stderr().lock(), summary, language);
}

/// Refuses to write the report over what is to be read.
fn protect(evidence: &Found, output: &Path) -> Result<()> {
    let Ok(output) = output.canonicalize() else {
        return Ok(());
    };
    let overwritten = evidence
        .files
        .iter()
        .any(|file| file.path.canonicalize().is_ok_and(|path| path == output));
    if overwritten {
        bail!(
            "{} is among the files to sweep; the report would overwrite it: choose another --output",
            output.display()
        );
    }
    Ok(())
}

fn write_summary(out: &mut impl Write, summary: &Summary, (options, language): (&Options, Language)) -> Result<()> {
    if options.format == Format::Html {
        return Ok(report::write_html(out, summary, language)?);
    }
    let to_terminal = options.output.is_none() && io::stdout().is_terminal();
    let width = if to_terminal { console_width() } else { WIDTH };
    let colour = to_terminal && std::env::var_os("NO_COLOR").is_none();
    let rows = if options.all { 0 } else { ROWS };
    let style = report::Style {
        colour,
        width,
        rows,
        language,
    };
    Ok(report::write_table(out, summary, style)?)
}

/// Columns of the terminal, never fewer than a report needs.
fn console_width() -> u16 {
    const NARROWEST: u16 = 80;
    comfy_table::Table::new()
        .set_content_arrangement(comfy_table::ContentArrangement::Dynamic)
        .width()
        .unwrap_or(WIDTH)
        .max(NARROWEST)
}

fn output(options: &Options) -> Result<Box<dyn Write>> {
    match &options.output {
        Some(path) => {
            let file = File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
            Ok(Box::new(BufWriter::new(file)))
        }
        None => Ok(Box::new(BufWriter::new(io::stdout()))),
    }
}

/// Whoever closes the pipe (`| head`) has seen enough.
fn ignore_closed_pipe(outcome: Result<()>) -> Result<()> {
    match outcome {
        Err(error)
            if error.chain().any(|cause| {
                cause
                    .downcast_ref::<io::Error>()
                    .is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe)
            }) =>
        {
            Ok(())
        }
        other => other,
    }
}
