//! What happens to a deadline: it starts, warns, is met, stopped or breached, and may still be done late.

use model::{
    Change, Deadline, DeadlineState, Decision, Entity, EntityKind, Entropy, Id, Notice, Permission, Phrase, Rejected,
    RuleLevel, SourceId, Timestamp, User,
};

use super::{
    BREACHED, BREACHED_TITLE, CLOSE, CLOSE_TITLE, WARN_AT_PERCENT, WORDS_BYTES_MAX,
    rule::{Reckoning, Rule},
};
use crate::{Step, nth};

const NOT_RUNNING: Phrase = Phrase::new("thời hạn này đã kết thúc", "the deadline has ended");
const NOT_BREACHED: Phrase = Phrase::new("thời hạn này chưa bị quá", "the deadline was not breached");
const IN_THE_FUTURE: Phrase = Phrase::new("thời điểm bắt đầu ở tương lai", "it cannot start in the future");
const WORDS_MISSING: Phrase = Phrase::new("hãy ghi rõ", "say what");
const WORDS_LONG: Phrase = Phrase::new("quá dài", "too long");
const MATTER_MISSING: Phrase = Phrase::new("hãy ghi thời hạn này về việc gì", "say what it is about");
const NO_RULE: Phrase = Phrase::new("hãy chọn ít nhất một thời hạn", "choose at least one deadline");
const NOT_IN_FORCE: Phrase = Phrase::new(
    "quy định này không có hiệu lực vào ngày đó",
    "the rule is not in force on that day",
);
const BEYOND: Phrase = Phrase::new("ngoài phạm vi của lịch", "beyond the reach of the calendar");
const PASSED: Phrase = Phrase::new(
    "thời hạn đã qua: hãy ghi là hoàn thành muộn",
    "its time has passed: say that it was done late",
);

/// What starts clocks.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// The rules that it starts, of several regimes at once.
    pub rules: &'a [&'a Rule],
    /// What it is about.
    pub matter: &'a str,
    /// When the clocks start.
    pub at: Timestamp,
    /// Who keeps them.
    pub owner: Option<Id<User>>,
}

/// Starts the clocks of one matter.
///
/// # Errors
/// When no rule is chosen, one is not in force, the start is in the future, or the role does not allow it.
pub fn start(
    start: Start<'_>,
    reckoning: Reckoning<'_>,
    step: Step<'_>,
    entropy: Entropy,
) -> Result<Decision, Rejected> {
    step.needs(Permission::WorkWatches)?;
    let by = step.person()?;
    let invalid = |field, problem| Err(Rejected::Invalid { field, problem });
    if start.rules.is_empty() {
        return invalid("rule", NO_RULE);
    }
    if start.at > step.at {
        return invalid("started_at", IN_THE_FUTURE);
    }
    let matter = words(start.matter).map_err(|problem| Rejected::Invalid {
        field: "matter",
        problem: if problem == WORDS_MISSING {
            MATTER_MISSING
        } else {
            problem
        },
    })?;
    let day = start.at.to_zoned_datetime(reckoning.zone.clone()).date();
    let mut changes = Vec::new();
    for (n, rule) in start.rules.iter().enumerate() {
        if !rule.in_force(day) {
            return invalid("rule", NOT_IN_FORCE);
        }
        let Some(due_at) = rule.due_at(start.at, reckoning) else {
            return invalid("started_at", BEYOND);
        };
        changes.push(Change::put(&Deadline {
            id: Id::born(step.at, nth(entropy, n)),
            rule: rule.id.as_str().into(),
            what: rule.what.clone(),
            source: rule.source.clone(),
            confirmed: rule.confirmed,
            matter: matter.clone(),
            started_at: start.at,
            due_at,
            warn_at: warnings(start.at, due_at),
            warned: 0,
            owner: Some(start.owner.unwrap_or(by)),
            state: DeadlineState::Running,
            revision: 1,
        }));
    }
    Ok(step.decides("deadline.start", Some(&matter), changes))
}

/// When a deadline warns: when half of its time, three quarters and nine tenths have passed.
fn warnings(started_at: Timestamp, due_at: Timestamp) -> Vec<Timestamp> {
    let seconds = due_at.as_second() - started_at.as_second();
    WARN_AT_PERCENT
        .iter()
        .filter_map(|percent| Timestamp::from_second(started_at.as_second() + seconds * percent / 100).ok())
        .collect()
}

/// Says that it was done in time, with what proves it. A report sent with gaps marked is in time.
///
/// # Errors
/// When it has ended, its time has passed, the evidence is missing, or the role does not allow it.
pub fn meet(deadline: &Deadline, evidence: &str, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WorkWatches)?;
    let by = step.person()?;
    running(deadline)?;
    if step.at > deadline.due_at {
        return Err(Rejected::NotNow(PASSED));
    }
    let evidence = required("evidence", evidence)?;
    let mut met = deadline.clone();
    met.state = DeadlineState::Met {
        at: step.at,
        by,
        evidence: evidence.clone(),
    };
    Ok(put(met, "deadline.meet", Some(&evidence), step))
}

/// Stops a clock that should not run.
///
/// # Errors
/// When it has ended, the reason is missing, or the role does not allow it: only those who open watches may.
pub fn stop(deadline: &Deadline, reason: &str, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WriteWatches)?;
    let by = step.person()?;
    running(deadline)?;
    let reason = required("reason", reason)?;
    let mut stopped = deadline.clone();
    stopped.state = DeadlineState::Stopped {
        at: step.at,
        by,
        reason: reason.clone(),
    };
    Ok(put(stopped, "deadline.stop", Some(&reason), step))
}

/// Says that it was done after its time: the breach stays.
///
/// # Errors
/// When its time has not passed, it was done before, the evidence is missing, or the role does not allow it.
pub fn finish_late(deadline: &Deadline, evidence: &str, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WorkWatches)?;
    let by = step.person()?;
    let at = match &deadline.state {
        DeadlineState::Breached { done_late: Some(_), .. } => return Err(Rejected::AlreadySo),
        DeadlineState::Breached { at, done_late: None } => *at,
        DeadlineState::Running if step.at > deadline.due_at => deadline.due_at,
        DeadlineState::Running | DeadlineState::Met { .. } | DeadlineState::Stopped { .. } => {
            return Err(Rejected::NotNow(NOT_BREACHED));
        }
    };
    let evidence = required("evidence", evidence)?;
    let mut late = deadline.clone();
    late.state = DeadlineState::Breached {
        at,
        done_late: Some((step.at, by, evidence.clone())),
    };
    Ok(put(late, "deadline.finish_late", Some(&evidence), step))
}

/// Gives a running deadline to somebody.
///
/// # Errors
/// When it has ended, is theirs already, or the role does not allow it.
pub fn hand_to(deadline: &Deadline, person: Id<User>, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WorkWatches)?;
    step.person()?;
    running(deadline)?;
    if deadline.owner == Some(person) {
        return Err(Rejected::AlreadySo);
    }
    let mut handed = deadline.clone();
    handed.owner = Some(person);
    Ok(put(handed, "deadline.hand_to", None, step))
}

/// What a look at the running deadlines found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ticked {
    /// Warnings noted, breaches written.
    pub changes: Vec<Change>,
    /// What people must be told; one of each deadline at most.
    pub notices: Vec<Notice>,
}

/// Looks at running deadlines: notes warnings that are due, once each however long nobody looked, and writes breaches.
#[must_use]
pub fn tick(deadlines: &[Deadline], now: Timestamp) -> Ticked {
    let mut ticked = Ticked::default();
    for deadline in deadlines
        .iter()
        .filter(|deadline| deadline.state == DeadlineState::Running)
    {
        let mut after = deadline.clone();
        if now > deadline.due_at {
            after.state = DeadlineState::Breached {
                at: deadline.due_at,
                done_late: None,
            };
            ticked.notices.push(notice(deadline, BREACHED, now));
        } else {
            let due = deadline.warn_at.iter().filter(|at| **at <= now).count();
            let due = u32::try_from(due).unwrap_or(u32::MAX);
            if due <= deadline.warned {
                continue;
            }
            after.warned = due;
            // Halfway is shown on the page; what comes later wakes somebody.
            if due > 1 {
                ticked.notices.push(notice(deadline, CLOSE, now));
            }
        }
        after.revision += 1;
        ticked.changes.push(Change::put(&after));
    }
    ticked
}

fn notice(deadline: &Deadline, rule: &'static str, now: Timestamp) -> Notice {
    let breached = rule == BREACHED;
    Notice {
        rule,
        title: if breached { BREACHED_TITLE } else { CLOSE_TITLE },
        level: if breached { RuleLevel::Critical } else { RuleLevel::High },
        entity: Entity {
            kind: EntityKind::Deadline,
            name: deadline.id.to_string().into(),
        },
        source: SourceId::new("watchpost"),
        summary: format!("{} · {} · {}", deadline.what.vi, deadline.matter, deadline.due_at),
        since: now,
    }
}

fn running(deadline: &Deadline) -> Result<(), Rejected> {
    match deadline.state {
        DeadlineState::Running => Ok(()),
        DeadlineState::Met { .. } | DeadlineState::Breached { .. } | DeadlineState::Stopped { .. } => {
            Err(Rejected::NotNow(NOT_RUNNING))
        }
    }
}

fn required(field: &'static str, text: &str) -> Result<String, Rejected> {
    words(text).map_err(|problem| Rejected::Invalid { field, problem })
}

fn words(text: &str) -> Result<String, Phrase> {
    let text = text.trim();
    if text.is_empty() {
        Err(WORDS_MISSING)
    } else if text.len() > WORDS_BYTES_MAX {
        Err(WORDS_LONG)
    } else {
        Ok(text.to_owned())
    }
}

fn put(mut deadline: Deadline, action: &str, reason: Option<&str>, step: Step<'_>) -> Decision {
    deadline.revision += 1;
    step.decides(action, reason, vec![Change::put(&deadline)])
}
