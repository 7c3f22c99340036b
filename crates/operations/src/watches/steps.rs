//! Opening, working and closing a watch.

use jiff::SignedDuration;
use model::{
    Change, Closing, Decision, Directive, Entropy, Id, Permission, Phrase, Question, Rejected, Task, Timestamp, User,
    Watch, WatchRequirement, Wording,
};

use super::{ANSWER_HOURS, DAYS_MAX, Phase, REQUIREMENTS_MAX, TASKS_MAX, words::required};
use crate::{Step, nth};

const NO_TIME: Phrase = Phrase::new(
    "kết thúc phải sau khi bắt đầu, nhiều nhất 120 ngày",
    "it must end after it begins, at most 120 days later",
);
const PAST: Phrase = Phrase::new("đợt trực đã qua rồi", "the time is over already");
const NO_PEOPLE: Phrase = Phrase::new("cần ít nhất một người trực", "at least one person must be on duty");
const NO_MINUTES: Phrase = Phrase::new("từ 1 đến 1440 phút", "from 1 to 1440 minutes");
const NO_REQUIREMENTS: Phrase = Phrase::new("hãy chọn ít nhất một văn bản", "choose at least one directive");
const TOO_MANY: Phrase = Phrase::new("quá nhiều yêu cầu", "too many requirements");
const CLOSED: Phrase = Phrase::new("đợt trực này đã đóng", "the watch is closed");
const UNKNOWN_REQUIREMENT: Phrase = Phrase::new("không có yêu cầu này", "there is no such requirement");
const UNKNOWN_TASK: Phrase = Phrase::new("không có việc này", "there is no such task");
const TOO_MANY_TASKS: Phrase = Phrase::new("quá nhiều việc", "too many tasks");

/// A watch as it is filled in.
#[derive(Debug, Clone)]
pub struct Draft<'a> {
    /// What people call it.
    pub name: String,
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
    /// How many people must be on duty at every instant.
    pub people_min: u32,
    /// Within how many minutes an alert must be taken.
    pub acknowledge_minutes: u32,
    /// The directives, each with the keys of the requirements that are taken; all when there are none.
    pub directives: Vec<(&'a Directive, Vec<String>)>,
    /// Who answers for it.
    pub lead: Id<User>,
}

/// Opens a watch, and asks its questions of the lead.
///
/// # Errors
/// When something is missing or out of bounds, or the role does not allow it.
pub fn open(draft: &Draft<'_>, step: Step<'_>, entropy: Entropy) -> Result<Decision, Rejected> {
    step.needs(Permission::WriteWatches)?;
    let by = step.person()?;
    let name = required("name", &draft.name)?;
    check(draft, step.at)?;
    let mut requirements = Vec::new();
    for (directive, keys) in &draft.directives {
        let wanted = |key: &str| keys.is_empty() || keys.iter().any(|wanted| wanted == key);
        for requirement in directive.requirements.iter().filter(|one| wanted(&one.key)) {
            requirements.push(WatchRequirement {
                key: u32::try_from(requirements.len() + 1).unwrap_or(u32::MAX),
                directive: directive.id,
                number: directive.number.clone(),
                requirement: requirement.clone(),
                owner: None,
            });
        }
    }
    if requirements.is_empty() {
        return invalid("directive", NO_REQUIREMENTS);
    }
    if requirements.len() > REQUIREMENTS_MAX {
        return invalid("directive", TOO_MANY);
    }
    let id = Id::born(step.at, entropy);
    let mut changes = Vec::new();
    for (n, asked) in requirements.iter().enumerate() {
        let Some(words) = &asked.requirement.question else {
            continue;
        };
        changes.push(Change::put(&Question {
            id: Id::born(step.at, nth(entropy, n + 1)),
            watch: id,
            requirement: asked.key,
            words: words.clone(),
            person: draft.lead,
            asked_by: by,
            asked_at: step.at,
            due_at: draft.from.max(step.at),
            good_for_hours: ANSWER_HOURS,
            answer: None,
            revision: 1,
        }));
    }
    let watch = Watch {
        id,
        name: name.clone(),
        from: draft.from,
        until: draft.until,
        people_min: draft.people_min,
        acknowledge_minutes: draft.acknowledge_minutes,
        requirements,
        tasks: Vec::new(),
        lead: draft.lead,
        opened_by: by,
        opened_at: step.at,
        closed: None,
        revision: 1,
    };
    changes.insert(0, Change::put(&watch));
    Ok(step.decides("watch.open", Some(&name), changes))
}

fn check(draft: &Draft<'_>, now: Timestamp) -> Result<(), Rejected> {
    let lasts = draft.until.duration_since(draft.from);
    if lasts <= SignedDuration::ZERO || lasts > SignedDuration::from_hours(24 * DAYS_MAX) {
        return invalid("until", NO_TIME);
    }
    if draft.until <= now {
        return invalid("until", PAST);
    }
    if draft.people_min == 0 {
        return invalid("people_min", NO_PEOPLE);
    }
    if !(1..=1440).contains(&draft.acknowledge_minutes) {
        return invalid("acknowledge_minutes", NO_MINUTES);
    }
    Ok(())
}

/// When a watch is, seen from a moment.
#[must_use]
pub fn phase(watch: &Watch, now: Timestamp) -> Phase {
    if watch.closed.is_some() {
        Phase::Closed
    } else if now < watch.from {
        Phase::Ahead
    } else if now < watch.until {
        Phase::Running
    } else {
        Phase::Over
    }
}

/// Closes a watch with words about it.
///
/// # Errors
/// When it is closed, the words are missing, or the role does not allow it.
pub fn close(watch: &Watch, words: &str, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WriteWatches)?;
    let by = step.person()?;
    not_closed(watch)?;
    let words = required("words", words)?;
    let mut closed = watch.clone();
    closed.closed = Some(Closing {
        at: step.at,
        by,
        words: words.clone(),
    });
    Ok(put(closed, "watch.close", Some(&words), step))
}

/// Gives a requirement to somebody who answers for it.
///
/// # Errors
/// When there is no such requirement, it is theirs already, the watch is closed, or the role does not allow it.
pub fn give_requirement(watch: &Watch, key: u32, owner: Id<User>, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WorkWatches)?;
    step.person()?;
    not_closed(watch)?;
    let mut given = watch.clone();
    let Some(requirement) = given.requirements.iter_mut().find(|one| one.key == key) else {
        return Err(Rejected::NotNow(UNKNOWN_REQUIREMENT));
    };
    if requirement.owner == Some(owner) {
        return Err(Rejected::AlreadySo);
    }
    requirement.owner = Some(owner);
    Ok(put(given, "watch.give_requirement", None, step))
}

/// A task as it is filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTask {
    /// What.
    pub title: String,
    /// Who does it.
    pub owner: Id<User>,
    /// Until when.
    pub due_at: Timestamp,
}

/// Adds a task.
///
/// # Errors
/// When its words are missing, there are too many, the watch is closed, or the role does not allow it.
pub fn add_task(watch: &Watch, task: &NewTask, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WorkWatches)?;
    step.person()?;
    not_closed(watch)?;
    let title = required("title", &task.title)?;
    let mut added = watch.clone();
    push_task(&mut added, Wording::same(&title), None, (task.owner, task.due_at))?;
    Ok(put(added, "watch.add_task", Some(&title), step))
}

/// Appends a task with the next key.
pub(super) fn push_task(
    watch: &mut Watch,
    title: Wording,
    check: Option<&str>,
    (owner, due_at): (Id<User>, Timestamp),
) -> Result<(), Rejected> {
    if watch.tasks.len() >= TASKS_MAX {
        return Err(Rejected::NotNow(TOO_MANY_TASKS));
    }
    let key = watch.tasks.iter().map(|task| task.key).max().unwrap_or(0) + 1;
    watch.tasks.push(Task {
        key,
        title,
        check: check.map(Into::into),
        owner: Some(owner),
        due_at,
        done: None,
    });
    Ok(())
}

/// Says that a task is done, with words about it.
///
/// # Errors
/// When there is no such task, it is done, its words are missing, the watch is closed, or the role does not allow it.
pub fn finish_task(watch: &Watch, key: u32, words: &str, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WorkWatches)?;
    let by = step.person()?;
    not_closed(watch)?;
    let words = required("words", words)?;
    let mut worked = watch.clone();
    let Some(task) = worked.tasks.iter_mut().find(|task| task.key == key) else {
        return Err(Rejected::NotNow(UNKNOWN_TASK));
    };
    if task.done.is_some() {
        return Err(Rejected::AlreadySo);
    }
    task.done = Some(Closing {
        at: step.at,
        by,
        words: words.clone(),
    });
    Ok(put(worked, "watch.finish_task", Some(&words), step))
}

pub(super) fn not_closed(watch: &Watch) -> Result<(), Rejected> {
    if watch.closed.is_some() {
        Err(Rejected::NotNow(CLOSED))
    } else {
        Ok(())
    }
}

pub(super) fn put(mut watch: Watch, action: &str, reason: Option<&str>, step: Step<'_>) -> Decision {
    watch.revision += 1;
    step.decides(action, reason, vec![Change::put(&watch)])
}

fn invalid<T>(field: &'static str, problem: Phrase) -> Result<T, Rejected> {
    Err(Rejected::Invalid { field, problem })
}
