//! `watchpost exercise`: plays a scripted attack through the running post, marked as a rehearsal everywhere.

use std::{
    io::{self, Write},
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use console::Rosters;
use jiff::tz::TimeZone;
use model::{Scope, Timestamp};

use crate::{
    clock,
    control::{self, Answer, ExerciseRecord, Question},
    exercise::{BUILT_IN, Line, Script, Stage, night},
};

/// Plays a scripted attack through the running post, marked as a rehearsal everywhere
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Which rehearsal; see --list
    #[arg(default_value = "holiday-eve")]
    name: String,
    /// List the rehearsals and their stages
    #[arg(long)]
    list: bool,
    /// Play this script instead of a built-in one
    #[arg(long, value_name = "FILE", conflicts_with = "name")]
    script: Option<std::path::PathBuf>,
    /// Play a night of duty over the real rosters and policies instead: shifts change, people do not answer, a channel fails. Nobody
    /// is really paged; the score is kept in the ledger
    #[arg(long, conflicts_with_all = ["list", "script"])]
    night: bool,
    /// When that night begins (RFC 3339) [default: now]
    #[arg(long, value_name = "TIME", requires = "night")]
    begins: Option<Timestamp>,
    /// Tell the story in so many minutes
    #[arg(long, default_value_t = 0.5, value_parser = minutes)]
    minutes: f64,
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes: f64 = text.parse().map_err(|_| "a number of minutes".to_owned())?;
    if (0.01..=1440.0).contains(&minutes) {
        Ok(minutes)
    } else {
        Err("between 0.01 and 1440 minutes".into())
    }
}

/// Runs the command.
///
/// # Errors
/// When there is no such rehearsal, or no post is running on the data folder.
pub(crate) fn run(data: &Path, options: &Options) -> Result<()> {
    if options.list {
        return list();
    }
    if options.night {
        return night(data, options.begins);
    }
    let script = script(options)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    runtime.block_on(play(data, &script, options.minutes))
}

fn night(data: &Path, begins: Option<Timestamp>) -> Result<()> {
    let place = ledger::Options::in_folder(data);
    if !place.path.exists() {
        bail!("there is no ledger in {}", data.display());
    }
    let now = clock::now();
    let ledger = ledger::Ledger::open(place, now).context("opening the ledger")?;
    let drill = night::play(&ledger, begins.unwrap_or(now), now, clock::entropy()?)?;
    let rosters = Rosters::read(&ledger, &Scope::of_post("exercise"), now).context("reading the rosters")?;
    let zone = rosters.all().next().map_or(TimeZone::UTC, |roster| roster.zone.clone());
    night::tell(&mut io::stdout(), &drill, &zone)?;
    Ok(())
}

fn script(options: &Options) -> Result<Script> {
    if let Some(path) = &options.script {
        let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        return Script::parse(&text).with_context(|| path.display().to_string());
    }
    match BUILT_IN.iter().find(|(name, _)| *name == options.name) {
        Some((_, text)) => Script::parse(text),
        None => bail!(
            "there is no rehearsal called {:?}; `watchpost exercise --list` lists them",
            options.name
        ),
    }
}

fn list() -> Result<()> {
    let mut out = io::stdout().lock();
    for (name, text) in BUILT_IN {
        let script = Script::parse(text)?;
        writeln!(
            out,
            "{name}\n  {} / {}\n  {}\n  {}\n  plans: {}",
            script.title_vi,
            script.title_en,
            script.story_vi,
            script.story_en,
            script.plans.join(", ")
        )?;
        for (number, stage) in script.stages.iter().enumerate() {
            writeln!(
                out,
                "  {}. {} / {} ({})",
                number + 1,
                stage.title_vi,
                stage.title_en,
                stage.techniques.join(", ")
            )?;
        }
    }
    Ok(())
}

async fn play(data: &Path, script: &Script, minutes: f64) -> Result<()> {
    let mut out = io::stdout();
    let pace = script.length().as_secs_f64() / (minutes * 60.0);
    let start = clock::now();
    writeln!(out, "{} / {}", script.title_vi, script.title_en)?;
    let mut sent = 0;
    for (number, stage) in script.stages.iter().enumerate() {
        announce(&mut out, number, stage)?;
        for line in stage.lines(start, pace) {
            wait_for(start, &line).await;
            sent += match control::ask(data, &question(script, line)).await? {
                Answer::Accepted { records } => records,
                Answer::Heard(_) | Answer::LookedBack { .. } | Answer::Refused { .. } => {
                    bail!("the post answered another question")
                }
            };
        }
    }
    writeln!(
        out,
        "{sent} records / bản ghi. Mở hàng đợi cảnh báo để xem / open the queue to see what became of them."
    )?;
    if !script.plans.is_empty() {
        writeln!(
            out,
            "Kế hoạch phù hợp / plans that fit: {} (/plans, diễn tập / exercise).",
            script.plans.join(", ")
        )?;
    }
    Ok(())
}

fn announce(out: &mut impl Write, number: usize, stage: &Stage) -> io::Result<()> {
    writeln!(
        out,
        "{}. {} / {} ({})",
        number + 1,
        stage.title_vi,
        stage.title_en,
        stage.techniques.join(", ")
    )?;
    writeln!(out, "   → {} / {}", stage.expect_vi, stage.expect_en)
}

async fn wait_for(start: Timestamp, line: &Line) {
    let due = start + line.offset;
    let wait = due.duration_since(clock::now());
    tokio::time::sleep(Duration::try_from(wait).unwrap_or_default()).await;
}

fn question(script: &Script, line: Line) -> Question {
    let record = ExerciseRecord {
        source: line.source,
        line: line.text,
    };
    Question::Exercise {
        name: script.name.clone(),
        records: vec![record],
    }
}
