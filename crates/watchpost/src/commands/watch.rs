//! `watchpost watch`: where the open watches stand, which clocks run and what a letter asks for, from the command line of
//! whoever owns the data folder. Steps that people answer for are taken on the pages or through the API.

use std::{
    collections::HashMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use ledger::{Ledger, NounFilter, Options};
use model::{Deadline, DeadlineState, Question, Scope, Waiver, Watch};
use operations::watches::{self, Seen, Standing};

use crate::{clock, configuration::Configuration};

/// Shows where the open watches stand
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Each requirement of each open watch with its state; fails when something falls short
    Status,
    /// The clocks that run, the nearest end first; fails when one has passed and is not done
    Deadlines,
    /// What a letter's text seems to ask for; nothing is kept
    Propose {
        /// The letter's text, UTF-8
        file: PathBuf,
    },
}

/// Runs the command.
///
/// # Errors
/// When there is no ledger, it cannot be read, or a requirement falls short.
pub(crate) fn run(configuration: &Configuration, action: &Action) -> Result<()> {
    if let Action::Propose { file } = action {
        return propose(file);
    }
    let options = Options::in_folder(&configuration.data);
    if !options.path.exists() {
        bail!("there is no ledger in {}", configuration.data.display());
    }
    let ledger = Ledger::open(options, clock::now()).context("opening the ledger")?;
    let scope = Scope::of_post("status");
    match action {
        Action::Status => status(&ledger, &scope),
        Action::Deadlines => deadlines(&ledger, &scope),
        Action::Propose { .. } => Ok(()),
    }
}

fn propose(file: &Path) -> Result<()> {
    let bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let proposal = operations::directives::propose(&String::from_utf8_lossy(&bytes));
    let mut out = io::stdout().lock();
    let head = proposal.head;
    let day = head.issued_on.map(|day| day.strftime("%d/%m/%Y").to_string());
    writeln!(
        out,
        "{} · {} · {}",
        head.number.as_deref().unwrap_or("?"),
        day.as_deref().unwrap_or("?"),
        head.subject.as_deref().unwrap_or("?")
    )?;
    for one in &proposal.requirements {
        let asked = &one.requirement;
        writeln!(out, "  {:<4} {}", asked.key, asked.text.vi)?;
        let due = asked.due_on.map(|day| day.strftime(" · %d/%m/%Y").to_string());
        let shown = if asked.controls.is_empty() {
            asked
                .question
                .as_ref()
                .map_or_else(String::new, |question| question.vi.clone())
        } else {
            asked.controls.join(", ")
        };
        writeln!(
            out,
            "       → {shown}{} ({})",
            due.unwrap_or_default(),
            one.because.join(", ")
        )?;
    }
    if proposal.left_out > 0 {
        writeln!(out, "{} more were not looked at", proposal.left_out)?;
    }
    Ok(())
}

fn deadlines(ledger: &Ledger, scope: &Scope) -> Result<()> {
    let now = clock::now();
    let mut running: Vec<Deadline> = ledger.all_kept(scope, &NounFilter::in_state("running"))?;
    running.extend(ledger.all_kept::<Deadline>(scope, &NounFilter::in_state("breached"))?);
    let not_done = |deadline: &Deadline| match &deadline.state {
        DeadlineState::Running => true,
        DeadlineState::Breached { done_late, .. } => done_late.is_none(),
        DeadlineState::Met { .. } | DeadlineState::Stopped { .. } => false,
    };
    running.retain(not_done);
    running.sort_by_key(|deadline| deadline.due_at);
    let mut out = io::stdout().lock();
    for deadline in &running {
        let over = if deadline.due_at < now { "  BREACHED" } else { "" };
        writeln!(
            out,
            "{}{over}  {} · {}",
            deadline.due_at, deadline.what.vi, deadline.matter
        )?;
    }
    match running.iter().filter(|deadline| deadline.due_at < now).count() {
        0 => Ok(()),
        passed => bail!("{passed} deadlines have passed and are not done"),
    }
}

fn status(ledger: &Ledger, scope: &Scope) -> Result<()> {
    let open: Vec<Watch> = ledger.all_kept(scope, &NounFilter::in_state("open"))?;
    let mut out = io::stdout().lock();
    if open.is_empty() {
        writeln!(out, "no watch is open")?;
    }
    let mut short = 0;
    for watch in &open {
        short += show(ledger, scope, watch, &mut out)?;
    }
    match short {
        0 => Ok(()),
        count => bail!("{count} requirements fall short"),
    }
}

fn show(ledger: &Ledger, scope: &Scope, watch: &Watch, out: &mut impl Write) -> Result<usize> {
    let now = clock::now();
    let mine = NounFilter::of_parent(&watch.id.to_string());
    let waivers: Vec<Waiver> = ledger.all_kept(scope, &mine)?;
    let questions: Vec<Question> = ledger.all_kept(scope, &mine)?;
    let controls = watches::controls_of(watch);
    let measurements: HashMap<_, _> = ledger
        .measurements_standing(scope, &controls, now, 0)?
        .into_iter()
        .map(|(last, trend)| (last.control.clone(), (last, trend)))
        .collect();
    let seen = Seen {
        measurements: &measurements,
        waivers: &waivers,
        questions: &questions,
    };
    writeln!(out, "{} {} ({} – {})", watch.id, watch.name, watch.from, watch.until)?;
    let standings = watches::standing(watch, seen, now);
    for one in &standings {
        let asked = &one.requirement.requirement;
        writeln!(
            out,
            "  {:<12} {:<8} {}",
            one.standing.as_str(),
            asked.key,
            asked.text.vi
        )?;
    }
    Ok(standings
        .iter()
        .filter(|one| one.standing == Standing::FallsShort)
        .count())
}
