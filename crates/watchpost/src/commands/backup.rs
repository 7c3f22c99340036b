//! `watchpost backup`: which repositories are watched, whether they are young enough, and drills that prove that files come back.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use ledger::{Ledger, NounFilter, Options};
use model::{Backup, Drill, Incident, Scope, TimelineEntry};
use operations::{Step, recovery};

use crate::{clock, configuration::Configuration, drills};

/// Backups: repositories that restic made, watched and proven by drills
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Watch a repository, or change how it is watched
    Set(Set),
    /// List the repositories with their newest snapshots and last drills
    List,
    /// Restore random files into a sandbox and prove them
    Drill {
        /// Its key
        backup: String,
        /// How many files
        #[arg(long, default_value_t = drills::FILES)]
        files: usize,
    },
    /// Name the last snapshot before the attacker's first act in an incident
    Clean {
        /// Its key
        backup: String,
        /// The incident: its number or its id
        #[arg(long, value_name = "NUMBER")]
        incident: String,
    },
}

/// A repository.
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Its key: lower-case letters, digits, hyphens
    key: String,
    /// The repository, as restic names it
    #[arg(long)]
    repository: String,
    /// The file that holds its password
    #[arg(long, value_name = "FILE")]
    password_file: PathBuf,
    /// How old the newest snapshot may be
    #[arg(long, default_value_t = 26, value_name = "HOURS")]
    age_hours_max: u32,
    /// Every how many days a drill is due
    #[arg(long, default_value_t = 30, value_name = "DAYS")]
    drill_days: u32,
}

/// Runs the command.
///
/// # Errors
/// When the ledger cannot be used, restic cannot be run, or a drill failed.
pub(crate) fn run(configuration: &Configuration, action: &Action) -> Result<()> {
    let ledger = open(&configuration.data)?;
    match action {
        Action::Set(set) => run_set(&ledger, set),
        Action::List => list(&ledger),
        Action::Drill { backup, files } => drill(&ledger, &configuration.data, backup, *files),
        Action::Clean { backup, incident } => clean(&ledger, backup, incident),
    }
}

fn open(data: &Path) -> Result<Ledger> {
    let options = Options::in_folder(data);
    if !options.path.exists() {
        bail!("there is no ledger in {}", data.display());
    }
    Ledger::open(options, clock::now()).context("opening the ledger")
}

fn scope() -> Scope {
    Scope::of_post("command-line")
}

fn find(ledger: &Ledger, key: &str) -> Result<Backup> {
    ledger
        .kept::<Backup>(&scope(), key)
        .context("reading the ledger")?
        .with_context(|| format!("no backup is called {key}; `watchpost backup list` names them"))
}

fn run_set(ledger: &Ledger, set: &Set) -> Result<()> {
    let scope = scope();
    let standing = ledger.kept::<Backup>(&scope, &set.key).context("reading the ledger")?;
    let backup = Backup {
        key: set.key.clone(),
        repository: set.repository.clone(),
        password_file: set.password_file.display().to_string(),
        age_hours_max: set.age_hours_max,
        drill_days: set.drill_days,
        revision: standing.map_or(1, |backup| backup.revision + 1),
    };
    let step = Step {
        scope: &scope,
        at: clock::now(),
    };
    let decision = recovery::put_backup(&backup, step).map_err(|rejected| anyhow::anyhow!("{rejected}"))?;
    ledger.apply(&decision).context("writing into the ledger")?;
    let snapshots = drills::restic(&backup)?.snapshots()?;
    writeln!(io::stdout(), "{}: {} snapshots", backup.key, snapshots.len())?;
    Ok(())
}

fn list(ledger: &Ledger) -> Result<()> {
    let scope = scope();
    let backups: Vec<Backup> = ledger
        .all_kept(&scope, &NounFilter::default())
        .context("reading the ledger")?;
    let mut out = io::stdout().lock();
    for backup in backups {
        let drilled = drills::last(ledger, &scope, &backup.key)?;
        let drilled = drilled.map_or_else(|| "never drilled".to_owned(), |drill| in_words(&drill));
        let newest = match drills::restic(&backup)?.snapshots() {
            Ok(snapshots) => {
                let finding = recovery::judge_snapshots(&backup, &snapshots, clock::now());
                let newest = snapshots.last().map_or_else(
                    || "no snapshot".to_owned(),
                    |snapshot| format!("newest {}", snapshot.at),
                );
                finding.map_or(newest.clone(), |finding| format!("{newest} ({finding:?})"))
            }
            Err(error) => format!("UNKNOWN: {error}"),
        };
        writeln!(out, "{:16} {newest}; {drilled}  {}", backup.key, backup.repository)?;
    }
    Ok(())
}

fn in_words(drill: &Drill) -> String {
    let verdict = if drill.passed() { "passed" } else { "FAILED" };
    format!(
        "drill {verdict} {}: {} of {} files, {} bytes in {} ms",
        drill.at, drill.restored, drill.chosen, drill.bytes, drill.took_ms
    )
}

fn drill(ledger: &Ledger, data: &Path, key: &str, files: usize) -> Result<()> {
    let backup = find(ledger, key)?;
    let drill = drills::run(ledger, data, &backup, &scope(), files)?;
    let mut out = io::stdout().lock();
    writeln!(out, "{}", in_words(&drill))?;
    for flaw in &drill.flaws {
        writeln!(out, "  {flaw}")?;
    }
    if !drill.passed() {
        bail!("the drill failed");
    }
    Ok(())
}

fn clean(ledger: &Ledger, key: &str, wanted: &str) -> Result<()> {
    let scope = scope();
    let backup = find(ledger, key)?;
    let incident = super::incident::find(ledger, &scope, wanted)?;
    let read = |id: model::Id<Incident>| ledger.kept::<Incident>(&scope, &id.to_string());
    let mut first: Option<TimelineEntry> = None;
    for member in operations::incidents::family(&incident, read).context("reading the ledger")? {
        let malicious = NounFilter {
            states: vec!["malicious".to_owned()],
            ..NounFilter::of_parent(&member.id.to_string())
        };
        let found = ledger
            .first_kept::<TimelineEntry>(&scope, &malicious)
            .context("reading the ledger")?;
        first = first.into_iter().chain(found).min_by_key(|entry| entry.id);
    }
    let first = first.with_context(|| format!("{} has no act of the attacker in its timeline", incident.number))?;
    let snapshots = drills::restic(&backup)?.snapshots()?;
    let mut out = io::stdout().lock();
    writeln!(out, "first act {}  {}", first.at, first.text)?;
    let Some(clean) = recovery::clean_point(&snapshots, first.at, jiff::SignedDuration::ZERO) else {
        bail!("every snapshot is younger: none is known to be clean");
    };
    writeln!(out, "clean     {}  {} ({})", clean.at, clean.id, clean.paths.join(", "))?;
    Ok(())
}
