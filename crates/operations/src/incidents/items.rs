//! What people hang on an incident: entries of the timeline, observables, tasks, notes.

use model::{
    Change, Decision, Entropy, EntryKind, Evidence, Id, Incident, IncidentNote, IncidentTask, Observable,
    ObservableKind, Phase, Phrase, Reached, Rejected, TaskState, TimelineEntry, Timestamp, User,
};

use super::{MERGED, past, still_open, words, worker};
use crate::Step;

const KNOWN: Phrase = Phrase::new("dấu hiệu này đã có", "this observable is there already");
const DONE: Phrase = Phrase::new("việc này đã xong hoặc đã bỏ", "the task is done or was dropped");
const STRUCK: Phrase = Phrase::new("dòng này đã bị gạch bỏ", "the entry was struck out");

/// An entry that a person writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub text: String,
    /// Whether the attacker did it.
    pub malicious: bool,
    /// What proves it.
    pub evidence: Option<Id<Evidence>>,
}

/// Writes an entry into the timeline.
///
/// # Errors
/// When the text is missing, it has not happened yet, the incident is over, or the role does not allow it.
pub fn add_entry(incident: &Incident, new: &NewEntry, step: Step<'_>, entropy: Entropy) -> Result<Decision, Rejected> {
    worker(step)?;
    still_open(incident)?;
    let entry = TimelineEntry {
        id: Id::born(new.at, entropy),
        incident: incident.id,
        at: past("at", new.at, step.at)?,
        noted_at: step.at,
        by: step.scope.actor().clone(),
        kind: EntryKind::Finding { evidence: new.evidence },
        text: words("text", &new.text, TimelineEntry::TEXT_BYTES_MAX, true)?,
        malicious: new.malicious,
        struck: None,
        revision: 1,
    };
    Ok(step.decides("incident.entry", None, vec![Change::put(&entry)]))
}

/// Strikes an entry out; it stays readable with the reason.
///
/// # Errors
/// When it is struck out, the reason is missing, or the role does not allow it.
pub fn strike_entry(entry: &TimelineEntry, why: &str, step: Step<'_>) -> Result<Decision, Rejected> {
    worker(step)?;
    if entry.struck.is_some() {
        return Err(Rejected::AlreadySo);
    }
    let why = words("why", why, TimelineEntry::TEXT_BYTES_MAX, true)?;
    let mut changed = entry.clone();
    changed.struck = Some(Reached {
        at: step.at,
        by: step.scope.actor().clone(),
        how: why.clone(),
    });
    changed.revision += 1;
    Ok(step.decides("incident.strike", Some(&why), vec![Change::put(&changed)]))
}

/// Says whether the attacker did it.
///
/// # Errors
/// When it is so already, it is struck out, or the role does not allow it.
pub fn judge_entry(entry: &TimelineEntry, malicious: bool, step: Step<'_>) -> Result<Decision, Rejected> {
    worker(step)?;
    if entry.struck.is_some() {
        return Err(Rejected::NotNow(STRUCK));
    }
    if entry.malicious == malicious {
        return Err(Rejected::AlreadySo);
    }
    let mut changed = entry.clone();
    changed.malicious = malicious;
    changed.revision += 1;
    Ok(step.decides("incident.judge", None, vec![Change::put(&changed)]))
}

/// An observable as it is added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewObservable {
    /// What sort.
    pub kind: ObservableKind,
    /// Its value.
    pub value: String,
    /// What is known about it.
    pub note: String,
}

/// Adds an observable; `standing` are those of the incident.
///
/// # Errors
/// When it is there, its value is missing, the incident is over, or the role does not allow it.
pub fn add_observable(
    incident: &Incident,
    new: &NewObservable,
    standing: &[Observable],
    step: Step<'_>,
    entropy: Entropy,
) -> Result<Decision, Rejected> {
    worker(step)?;
    still_open(incident)?;
    let value = words("value", &new.value, Observable::VALUE_BYTES_MAX, true)?;
    let same = |known: &&Observable| known.kind == new.kind && known.value == value;
    match standing.iter().find(same) {
        Some(known) if known.dismissed => return Ok(put_observable(known, false, "incident.observable", step)),
        Some(_) => return Err(Rejected::NotNow(KNOWN)),
        None => {}
    }
    let observable = Observable {
        id: Id::born(step.at, entropy),
        incident: incident.id,
        kind: new.kind,
        value,
        note: words("note", &new.note, TimelineEntry::TEXT_BYTES_MAX, false)?,
        by: step.scope.actor().clone(),
        at: step.at,
        dismissed: false,
        revision: 1,
    };
    Ok(step.decides("incident.observable", None, vec![Change::put(&observable)]))
}

/// Takes an observable back.
///
/// # Errors
/// When it is taken back already, or the role does not allow it.
pub fn dismiss_observable(observable: &Observable, step: Step<'_>) -> Result<Decision, Rejected> {
    worker(step)?;
    if observable.dismissed {
        return Err(Rejected::AlreadySo);
    }
    Ok(put_observable(observable, true, "incident.dismiss", step))
}

fn put_observable(observable: &Observable, dismissed: bool, action: &str, step: Step<'_>) -> Decision {
    let mut changed = observable.clone();
    changed.dismissed = dismissed;
    changed.revision += 1;
    step.decides(action, None, vec![Change::put(&changed)])
}

/// A task as it is added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTask {
    /// What is to be done.
    pub title: String,
    /// To which phase it belongs.
    pub phase: Phase,
    /// Whether it is a lesson.
    pub lesson: bool,
    /// Whose it is.
    pub owner: Option<Id<User>>,
    /// Until when.
    pub due_at: Option<Timestamp>,
}

/// Adds a task. Lessons may be added to a closed incident.
///
/// # Errors
/// When it has no title, the incident is over, or the role does not allow it.
pub fn add_task(incident: &Incident, new: &NewTask, step: Step<'_>, entropy: Entropy) -> Result<Decision, Rejected> {
    worker(step)?;
    if incident.state.as_str() == "merged" {
        return Err(Rejected::NotNow(MERGED));
    }
    if !new.lesson {
        still_open(incident)?;
    }
    let task = IncidentTask {
        id: Id::born(step.at, entropy),
        incident: incident.id,
        title: words("title", &new.title, Incident::TITLE_BYTES_MAX, true)?,
        phase: new.phase,
        lesson: new.lesson,
        owner: new.owner,
        due_at: new.due_at,
        state: TaskState::Open,
        created_at: step.at,
        created_by: step.scope.actor().clone(),
        revision: 1,
    };
    Ok(step.decides("incident.task", None, vec![Change::put(&task)]))
}

/// Says that a task is done, and what came of it.
///
/// # Errors
/// When it is done or dropped already, or the role does not allow it.
pub fn finish_task(task: &IncidentTask, result: &str, step: Step<'_>) -> Result<Decision, Rejected> {
    let state = TaskState::Done {
        at: step.at,
        by: worker(step)?,
        result: words("result", result, Incident::WORDS_BYTES_MAX, false)?,
    };
    end_task(task, state, "incident.task_done", step)
}

/// Says that a task need not be done.
///
/// # Errors
/// When it is done or dropped already, the reason is missing, or the role does not allow it.
pub fn drop_task(task: &IncidentTask, why: &str, step: Step<'_>) -> Result<Decision, Rejected> {
    let state = TaskState::Dropped {
        at: step.at,
        by: worker(step)?,
        why: words("why", why, Incident::WORDS_BYTES_MAX, true)?,
    };
    end_task(task, state, "incident.task_drop", step)
}

fn end_task(task: &IncidentTask, state: TaskState, action: &str, step: Step<'_>) -> Result<Decision, Rejected> {
    if task.state != TaskState::Open {
        return Err(Rejected::NotNow(DONE));
    }
    let mut changed = task.clone();
    changed.state = state;
    changed.revision += 1;
    Ok(step.decides(action, None, vec![Change::put(&changed)]))
}

/// Gives a task to somebody, or to nobody.
///
/// # Errors
/// When it is theirs already, is over, or the role does not allow it.
pub fn give_task(task: &IncidentTask, owner: Option<Id<User>>, step: Step<'_>) -> Result<Decision, Rejected> {
    worker(step)?;
    if task.state != TaskState::Open {
        return Err(Rejected::NotNow(DONE));
    }
    if task.owner == owner {
        return Err(Rejected::AlreadySo);
    }
    let mut changed = task.clone();
    changed.owner = owner;
    changed.revision += 1;
    Ok(step.decides("incident.task_give", None, vec![Change::put(&changed)]))
}

/// Writes a note.
///
/// # Errors
/// When it is empty or too long, the incident is part of another, or the role does not allow it.
pub fn write_note(incident: &Incident, text: &str, step: Step<'_>, entropy: Entropy) -> Result<Decision, Rejected> {
    worker(step)?;
    if incident.state.as_str() == "merged" {
        return Err(Rejected::NotNow(MERGED));
    }
    let note = IncidentNote {
        id: Id::born(step.at, entropy),
        incident: incident.id,
        text: words("text", text, Incident::WORDS_BYTES_MAX, true)?,
        by: step.scope.actor().clone(),
        at: step.at,
        revision: 1,
    };
    Ok(step.decides("incident.note", None, vec![Change::put(&note)]))
}

/// Writes a note anew; `seen` is the revision that the writer had before them.
///
/// # Errors
/// When somebody else wrote on it since, nothing changes, or the role does not allow it.
pub fn edit_note(note: &IncidentNote, seen: u64, text: &str, step: Step<'_>) -> Result<Decision, Rejected> {
    worker(step)?;
    if seen != note.revision {
        return Err(Rejected::Outdated);
    }
    let text = words("text", text, Incident::WORDS_BYTES_MAX, true)?;
    if text == note.text {
        return Err(Rejected::AlreadySo);
    }
    let changed = IncidentNote {
        text,
        by: step.scope.actor().clone(),
        at: step.at,
        revision: note.revision + 1,
        ..note.clone()
    };
    Ok(step.decides("incident.note", None, vec![Change::put(&changed)]))
}
