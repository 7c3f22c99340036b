//! Runs of plans: started, gone on with as far as they can, done by people where no device does it, replayed where a device failed, and
//! undone in reverse order. A run is kept whole after each step: what it had ordered is ordered once, whenever the post dies.

mod advance;

use std::collections::BTreeMap;

use cacao::{ExecutionId, Outcome, Playbook, Run, RunState};
use compact_str::CompactString;
use model::{Action, Actor, Change, Decision, Id, Kept, NounIndex, Permission, Phrase, Rejected, Timestamp};
use serde::{Deserialize, Serialize};

pub use self::advance::{Advancing, advance};
use super::{Refusal, plans::plan_key};
use crate::Step;

/// What somebody noted when they did a step by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepNote {
    /// The execution.
    pub execution: u32,
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// What they did and saw.
    pub note: String,
    /// The keys of evidence that shows it.
    pub evidence: Vec<String>,
}

/// A run that is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undoing {
    /// Since when.
    pub since: Timestamp,
    /// Actions that are still to be lifted, the next first.
    pub left: Vec<Id<Action>>,
    /// What a person must take back, or can never be, the last done first.
    pub by_hand: Vec<String>,
}

/// A run of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanRun {
    /// Its id.
    pub id: Id<PlanRun>,
    /// Counts changes.
    pub revision: u64,
    /// The key of the plan's version.
    pub plan: String,
    /// The plan's name.
    pub title: String,
    /// The incident that it belongs to.
    pub incident: Option<String>,
    /// The letter that it is run under.
    pub letter: Option<String>,
    /// The run and execution that this one is a part of.
    pub part_of: Option<(Id<PlanRun>, u32)>,
    /// Whether it is an exercise: no device is touched.
    pub exercise: bool,
    /// Who started it.
    pub started_by: Actor,
    /// When.
    pub started_at: Timestamp,
    /// How far it has come.
    pub run: Run,
    /// What people noted.
    pub notes: Vec<StepNote>,
    /// How often steps were replayed, by the number of their execution.
    pub replays: BTreeMap<u32, u32>,
    /// Steps that wait for a person because a device failed, with the reason, by the number of their execution.
    pub stuck: BTreeMap<u32, String>,
    /// Set when it is taken back.
    pub undoing: Option<Undoing>,
    /// Whether something happened that it has not been gone on with for.
    pub due: Option<Timestamp>,
}

impl PlanRun {
    /// Longest note in characters.
    pub const NOTE_CHARACTERS_MAX: usize = 8_000;

    /// A word for its state.
    #[must_use]
    pub fn state_word(&self) -> &'static str {
        match (self.run.state(), &self.undoing) {
            (_, Some(undoing)) if !undoing.left.is_empty() => "undoing",
            (RunState::Running, _) => "running",
            (RunState::Succeeded { .. }, _) => "succeeded",
            (RunState::Failed { .. }, _) => "failed",
            (RunState::Stopped { .. }, _) => "stopped",
        }
    }

    /// The id of the action for one command of a step.
    #[must_use]
    pub fn action_id(&self, execution: u32, command: u32) -> Id<Action> {
        let replay = self.replays.get(&execution).copied().unwrap_or(0);
        super::derived(&[
            "action",
            &self.id.to_string(),
            &execution.to_string(),
            &command.to_string(),
            &replay.to_string(),
        ])
    }

    /// The id of the run for a step that runs another plan.
    #[must_use]
    pub fn child_id(&self, execution: u32) -> Id<PlanRun> {
        super::derived(&["run", &self.id.to_string(), &execution.to_string()])
    }

    pub(super) fn raised(&self) -> Self {
        let mut next = self.clone();
        next.revision += 1;
        next
    }
}

impl Kept for PlanRun {
    const KIND: &'static str = "plan_run";
    const READ: Permission = Permission::ReadResponse;
    const WHOLE: bool = false;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        let own = self
            .run
            .next_due_ms()
            .and_then(|due| Timestamp::from_millisecond(due).ok());
        NounIndex {
            state: self.state_word().into(),
            owner: self.incident.as_deref().map(CompactString::from),
            parent: self
                .part_of
                .as_ref()
                .map(|(run, _)| CompactString::from(run.to_string())),
            due_at: [self.due, own].into_iter().flatten().min(),
        }
    }
}

/// What a run is started with.
#[derive(Debug, Clone, Default)]
pub struct RunStart {
    /// The values of the plan's external variables.
    pub given: BTreeMap<String, String>,
    /// The incident that it belongs to.
    pub incident: Option<String>,
    /// The letter that it is run under.
    pub letter: Option<String>,
    /// Whether it is an exercise.
    pub exercise: bool,
}

/// Starts a plan.
///
/// # Errors
/// When the role does not allow it, the plan is not valid at this time, or a value is missing or wrong.
pub fn start(step: Step<'_>, playbook: &Playbook, start: RunStart, id: Id<PlanRun>) -> Result<Decision, Refusal> {
    step.needs(Permission::WorkResponse)?;
    step.person()?;
    if !playbook.is_valid_at(step.at) {
        return Err(Rejected::NotNow(Phrase::new("kế hoạch không còn hiệu lực", "the plan is not valid now")).into());
    }
    let run = begun(playbook, start, (id, None), (step.scope.actor(), step.at))?;
    Ok(step.decides("plan.start", None, vec![Change::put(&run)]))
}

fn begun(
    playbook: &Playbook,
    start: RunStart,
    (id, part_of): (Id<PlanRun>, Option<(Id<PlanRun>, u32)>),
    (by, at): (&Actor, Timestamp),
) -> Result<PlanRun, cacao::StartError> {
    let given: Vec<(&str, &str)> = start
        .given
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    Ok(PlanRun {
        id,
        revision: 1,
        plan: plan_key(playbook),
        title: playbook.name.clone(),
        incident: start.incident,
        letter: start.letter,
        part_of,
        exercise: start.exercise,
        started_by: by.clone(),
        started_at: at,
        run: Run::start(playbook, &given, at.as_millisecond())?,
        notes: Vec::new(),
        replays: BTreeMap::new(),
        stuck: BTreeMap::new(),
        undoing: None,
        due: Some(at),
    })
}

/// What came of a step that a person did.
#[derive(Debug, Clone)]
pub struct ManualResult {
    /// The execution.
    pub execution: u32,
    /// Whether it was done; else it has failed.
    pub done: bool,
    /// The results, by the names in `out_args`.
    pub results: BTreeMap<String, String>,
    /// What they did and saw.
    pub note: String,
    /// The keys of evidence that shows it.
    pub evidence: Vec<String>,
}

/// Finishes a step by hand: one that is a person's, or one that no device managed.
///
/// # Errors
/// When the step is not open, a result is wrong, or nothing is noted.
pub fn finish_by_hand(
    step: Step<'_>,
    run: &PlanRun,
    playbook: &Playbook,
    result: ManualResult,
) -> Result<Decision, Refusal> {
    step.needs(Permission::WorkResponse)?;
    step.person()?;
    let note = result.note.trim();
    if note.is_empty() || note.chars().count() > PlanRun::NOTE_CHARACTERS_MAX {
        let problem = Phrase::new("phải ghi đã làm gì", "what was done must be noted");
        return Err(Rejected::Invalid { field: "note", problem }.into());
    }
    let outcome = if result.done {
        Outcome::Succeeded {
            results: result.results,
        }
    } else {
        Outcome::Failed { why: note.to_owned() }
    };
    let mut next = run.raised();
    next.run.finish(
        playbook,
        ExecutionId(result.execution),
        outcome,
        step.at.as_millisecond(),
    )?;
    next.stuck.remove(&result.execution);
    next.notes.push(StepNote {
        execution: result.execution,
        by: step.scope.actor().clone(),
        at: step.at,
        note: note.to_owned(),
        evidence: result.evidence,
    });
    next.due = Some(step.at);
    Ok(step.decides("plan.step", Some(note), vec![Change::put(&next)]))
}

/// Tries a step again at its devices after it failed there.
///
/// # Errors
/// When it has not failed.
pub fn replay(step: Step<'_>, run: &PlanRun, execution: u32) -> Result<Decision, Rejected> {
    step.needs(Permission::WorkResponse)?;
    step.person()?;
    let mut next = run.raised();
    if next.stuck.remove(&execution).is_none() {
        return Err(Rejected::NotNow(Phrase::new(
            "bước này không bị lỗi",
            "this step has not failed",
        )));
    }
    *next.replays.entry(execution).or_default() += 1;
    next.due = Some(step.at);
    Ok(step.decides("plan.replay", None, vec![Change::put(&next)]))
}

/// Stops a run: what it has done stays as it is.
///
/// # Errors
/// When it is over.
pub fn stop(step: Step<'_>, run: &PlanRun) -> Result<Decision, Rejected> {
    step.needs(Permission::WorkResponse)?;
    step.person()?;
    if *run.run.state() != RunState::Running {
        return Err(Rejected::AlreadySo);
    }
    let mut next = run.raised();
    next.run.stop(step.at.as_millisecond());
    next.due = None;
    Ok(step.decides("plan.stop", None, vec![Change::put(&next)]))
}

/// Takes a run back: what it put into force is lifted in reverse order, one after the other.
///
/// # Errors
/// When it is being taken back already.
pub fn undo(step: Step<'_>, run: &PlanRun, actions: &[Action]) -> Result<Decision, Rejected> {
    step.needs(Permission::ApproveResponse)?;
    step.person()?;
    if run.undoing.is_some() {
        return Err(Rejected::AlreadySo);
    }
    let mut next = run.raised();
    next.run.stop(step.at.as_millisecond());
    advance::begin_undoing(&mut next, actions, step.at);
    Ok(step.decides("plan.undo", None, vec![Change::put(&next)]))
}

/// The run with the note that something happened to what it waits for; none when it is over.
#[must_use]
pub fn woken(run: &PlanRun, at: Timestamp) -> Option<PlanRun> {
    let waits =
        *run.run.state() == RunState::Running || run.undoing.as_ref().is_some_and(|undoing| !undoing.left.is_empty());
    waits.then(|| {
        let mut next = run.raised();
        next.due = Some(at);
        next
    })
}
