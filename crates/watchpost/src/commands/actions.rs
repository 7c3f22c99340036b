//! `watchpost actions`: what is in force at devices, and how it is lifted by whoever owns the data folder, also when the console is out of reach.

use std::io::{self, Write};

use anyhow::{Context, Result, anyhow, bail};
use clap::Subcommand;
use ledger::{Ledger, NounFilter, Options};
use model::{Action as Acting, ActionKind, ActionState, Actor, Language, Scope};
use operations::{Step, response};

use crate::{clock, configuration::Configuration};

/// Lists and lifts actions at devices
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List what is in force or waits: who, why, under which letter, until when
    List {
        /// Also what is over
        #[arg(long)]
        all: bool,
    },
    /// Lift an action; the running post takes it back at its device
    Lift {
        /// Its id, or the beginning of it
        id: String,
        /// Why
        #[arg(long)]
        why: String,
    },
}

/// The states of what is not over.
const OPEN: [&str; 6] = [
    "requested",
    "planned",
    "approved",
    "in_force",
    "lifting",
    "failed_in_force",
];

/// Runs the command.
///
/// # Errors
/// When there is no ledger, or no such action.
pub(crate) fn run(configuration: &Configuration, action: &Action) -> Result<()> {
    let options = Options::in_folder(&configuration.data);
    if !options.path.exists() {
        bail!("there is no ledger in {}", configuration.data.display());
    }
    let ledger = Ledger::open(options, clock::now()).context("opening the ledger")?;
    let scope = Scope::of_post("command-line");
    let states = |all: bool| NounFilter {
        states: if all {
            Vec::new()
        } else {
            OPEN.map(str::to_owned).into()
        },
        ..NounFilter::default()
    };
    let mut out = io::stdout().lock();
    match action {
        Action::List { all } => {
            for action in ledger.all_kept::<Acting>(&scope, &states(*all))? {
                writeln!(out, "{}", line(&action))?;
            }
            Ok(())
        }
        Action::Lift { id, why } => {
            let known = ledger.all_kept::<Acting>(&scope, &states(false))?;
            let mut found = known
                .iter()
                .filter(|action| action.id.to_string().starts_with(id.as_str()));
            let (first, more) = (found.next(), found.next());
            let action = first
                .filter(|_| more.is_none())
                .ok_or_else(|| anyhow!("{id:?} names none or several of the actions in force"))?;
            let step = Step {
                scope: &scope,
                at: clock::now(),
            };
            let decision =
                response::lift(step, action, why).map_err(|rejected| anyhow!(rejected.text(Language::En)))?;
            ledger.apply(&decision).context("lifting it")?;
            writeln!(out, "{} is being lifted", action.id)?;
            Ok(())
        }
    }
}

fn line(action: &Acting) -> String {
    let state = match &action.state {
        ActionState::InForce { .. } if action.is_not_effective() => "applied, not effective".to_owned(),
        ActionState::InForce { .. } => "in force".to_owned(),
        ActionState::Requested => "requested".to_owned(),
        ActionState::Planned => "waits for agreement".to_owned(),
        ActionState::Approved { .. } => "to be carried out".to_owned(),
        ActionState::Lifting { .. } => "being lifted".to_owned(),
        ActionState::Lifted { why, .. } => format!("lifted: {}", response::lift_words(why).en),
        ActionState::Refused { why, .. } => format!("refused: {why}"),
        ActionState::Failed { why, .. } => format!("failed: {why}"),
    };
    let who = match &action.requested_by {
        Actor::Person { login, .. } => login,
        Actor::Post { part } => part,
    };
    let what = match &action.kind {
        ActionKind::BlockAddresses { .. } | ActionKind::BlockNames { .. } => {
            let elements = action.kind.elements();
            let more = if elements.len() > 3 {
                format!(" and {} more", elements.len() - 3)
            } else {
                String::new()
            };
            format!(
                "{}{more}",
                elements.iter().take(3).cloned().collect::<Vec<_>>().join(", ")
            )
        }
        ActionKind::Invoke { name, .. } => name.clone(),
        ActionKind::Ask { subject, .. } => subject.clone(),
    };
    let until = action
        .expires_at
        .map_or_else(|| "until lifted".to_owned(), |at| format!("until {at}"));
    let letter = action
        .letter
        .as_ref()
        .map(|letter| format!(", letter {letter}"))
        .unwrap_or_default();
    format!(
        "{} {} {what}: {state}, {until}, by {who}{letter}: {}",
        action.id, action.device, action.why
    )
}
