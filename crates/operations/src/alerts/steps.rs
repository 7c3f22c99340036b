//! The steps that people take with alerts. Each is a decision that keeps what was before, so each can be taken back.

use model::{Alert, AlertOrigin, AlertState, Change, Decision, Disposition, Id, Permission, Phrase, Rejected, User};

use super::{BULK_MAX, REASON_BYTES_MAX, urgency};
use crate::Step;

const CLOSED: Phrase = Phrase::new("cảnh báo đã đóng", "the alert is closed");
const NOT_CLOSED: Phrase = Phrase::new("cảnh báo chưa đóng", "the alert is not closed");
const NOT_TAKEN: Phrase = Phrase::new("chưa có ai nhận cảnh báo này", "nobody has taken the alert");
const TAKEN: Phrase = Phrase::new("người khác đã nhận cảnh báo này", "somebody else has taken the alert");
const SUCCESSOR_OPEN: Phrase = Phrase::new(
    "một cảnh báo mới hơn về cùng việc này đang mở; hãy làm việc trên cảnh báo đó",
    "a newer alert about the same is open; work on that one",
);
const MOVED_ON: Phrase = Phrase::new(
    "sau bước đó đã có bước khác; không hoàn tác được nữa",
    "other steps followed on that one; it cannot be taken back any more",
);
const REASON_MISSING: Phrase = Phrase::new("hãy ghi lý do", "say why");
const REASON_LONG: Phrase = Phrase::new("lý do quá dài", "the reason is too long");
const NOT_THE_POST: Phrase = Phrase::new(
    "chỉ dùng cho cảnh báo do chính hệ thống phát hiện",
    "only for what the post noticed about itself",
);
const NOT_WORKING: Phrase = Phrase::new(
    "tài khoản này bị khoá hoặc không được xử lý cảnh báo",
    "that account is disabled or may not work alerts",
);
const TOO_MANY: Phrase = Phrase::new(
    "quá nhiều cảnh báo cho một lần; hãy chọn ít hơn",
    "too many alerts at once; choose fewer",
);

/// Takes a new alert; it becomes the taker's when it is nobody's.
///
/// # Errors
/// When somebody has it already, it is closed, or the role does not allow it.
pub fn acknowledge(alert: &Alert, step: Step<'_>) -> Result<Decision, Rejected> {
    let by = worker(step)?;
    match &alert.state {
        AlertState::New => {}
        AlertState::Acknowledged { by: holder, .. } if *holder == by => return Err(Rejected::AlreadySo),
        AlertState::Acknowledged { .. } => return Err(Rejected::NotNow(TAKEN)),
        AlertState::Closed { .. } => return Err(Rejected::NotNow(CLOSED)),
    }
    let state = AlertState::Acknowledged { at: step.at, by };
    let assignee = alert.assignee.or(Some(by));
    Ok(put(alert, (state, assignee), step, "alert.acknowledge", None))
}

/// Gives an acknowledged alert back to the queue; it is nobody's then.
///
/// # Errors
/// When nobody has it, it is closed, or the role does not allow it.
pub fn unacknowledge(alert: &Alert, step: Step<'_>) -> Result<Decision, Rejected> {
    worker(step)?;
    match &alert.state {
        AlertState::Acknowledged { .. } => Ok(put(alert, (AlertState::New, None), step, "alert.unacknowledge", None)),
        AlertState::New => Err(Rejected::NotNow(NOT_TAKEN)),
        AlertState::Closed { .. } => Err(Rejected::NotNow(CLOSED)),
    }
}

/// Puts a person in charge of an open alert, or nobody.
///
/// # Errors
/// When it is so already, the alert is closed, or one of the two may not work alerts.
pub fn assign(alert: &Alert, to: Option<&User>, step: Step<'_>) -> Result<Decision, Rejected> {
    worker(step)?;
    if !alert.state.is_open() {
        return Err(Rejected::NotNow(CLOSED));
    }
    if to.is_some_and(|user| !user.enabled || !user.role.allows(Permission::WorkAlerts)) {
        return Err(Rejected::Invalid {
            field: "assignee",
            problem: NOT_WORKING,
        });
    }
    let assignee = to.map(|user| user.id);
    if assignee == alert.assignee {
        return Err(Rejected::AlreadySo);
    }
    Ok(put(alert, (alert.state.clone(), assignee), step, "alert.assign", None))
}

/// Closes an alert as what it turned out to be, with the reason in words.
///
/// # Errors
/// When it is closed, the reason is missing or too long, or the role does not allow it.
pub fn close(alert: &Alert, disposition: Disposition, reason: &str, step: Step<'_>) -> Result<Decision, Rejected> {
    worker(step)?;
    if !alert.state.is_open() {
        return Err(Rejected::NotNow(CLOSED));
    }
    if disposition == Disposition::Resolved && alert.origin == AlertOrigin::Rule {
        return Err(Rejected::Invalid {
            field: "disposition",
            problem: NOT_THE_POST,
        });
    }
    let reason = reason.trim();
    if reason.is_empty() || reason.len() > REASON_BYTES_MAX {
        return Err(Rejected::Invalid {
            field: "reason",
            problem: if reason.is_empty() { REASON_MISSING } else { REASON_LONG },
        });
    }
    let state = AlertState::Closed {
        at: step.at,
        by: step.scope.actor().clone(),
        disposition,
        reason: reason.to_owned(),
        late: 0,
    };
    Ok(put(alert, (state, alert.assignee), step, "alert.close", Some(reason)))
}

/// Opens a closed alert again. `open_with_key` is the open alert with the same key, if there is one.
///
/// # Errors
/// When it is not closed, a newer alert about the same is open, or the role does not allow it.
pub fn reopen(alert: &Alert, open_with_key: Option<&Alert>, step: Step<'_>) -> Result<Decision, Rejected> {
    worker(step)?;
    if alert.state.is_open() {
        return Err(Rejected::NotNow(NOT_CLOSED));
    }
    if open_with_key.is_some() {
        return Err(Rejected::NotNow(SUCCESSOR_OPEN));
    }
    Ok(put(
        alert,
        (AlertState::New, alert.assignee),
        step,
        "alert.reopen",
        None,
    ))
}

/// Takes back the last step of a person: state and assignee become what they were `before` it. What has been detected since
/// stays. `change` is the alert before and after the step; `open_with_key` as in [`reopen`].
///
/// # Errors
/// When other steps followed, a newer alert about the same is open, or the role does not allow it.
pub fn undo(
    alert: &Alert,
    change: (&Alert, &Alert),
    open_with_key: Option<&Alert>,
    step: Step<'_>,
) -> Result<Decision, Rejected> {
    worker(step)?;
    let (before, after) = change;
    if !is_same_step(&alert.state, &after.state) || alert.assignee != after.assignee {
        return Err(Rejected::NotNow(MOVED_ON));
    }
    let opens = before.state.is_open() && !alert.state.is_open();
    if opens && open_with_key.is_some_and(|open| open.id != alert.id) {
        return Err(Rejected::NotNow(SUCCESSOR_OPEN));
    }
    Ok(put(
        alert,
        (before.state.clone(), before.assignee),
        step,
        "alert.undo",
        None,
    ))
}

/// Whether two states are the same step, however much came late since.
fn is_same_step(one: &AlertState, other: &AlertState) -> bool {
    let without_late = |state: &AlertState| {
        let mut state = state.clone();
        if let AlertState::Closed { late, .. } = &mut state {
            *late = 0;
        }
        state
    };
    without_late(one) == without_late(other)
}

/// What became of a bulk step.
#[derive(Debug, Clone, PartialEq)]
pub struct Bulk {
    /// One decision for all alerts that allow the step; absent when none does.
    pub decision: Option<Decision>,
    /// The others, each with its reason.
    pub rejected: Vec<(Id<Alert>, Rejected)>,
}

/// Takes one step with many alerts: `verb` is the single step.
pub fn bulk(alerts: &[Alert], verb: impl Fn(&Alert) -> Result<Decision, Rejected>) -> Bulk {
    let mut bulk = Bulk {
        decision: None,
        rejected: Vec::new(),
    };
    let (within, beyond) = alerts.split_at(alerts.len().min(BULK_MAX));
    for alert in within {
        match (verb(alert), &mut bulk.decision) {
            (Ok(mut decision), Some(all)) => {
                all.changes.append(&mut decision.changes);
                all.effects.append(&mut decision.effects);
            }
            (Ok(decision), none) => *none = Some(decision),
            (Err(why), _) => bulk.rejected.push((alert.id, why)),
        }
    }
    let too_many = |alert: &Alert| (alert.id, Rejected::NotNow(TOO_MANY));
    bulk.rejected.extend(beyond.iter().map(too_many));
    bulk
}

fn worker(step: Step<'_>) -> Result<Id<User>, Rejected> {
    step.needs(Permission::WorkAlerts)?;
    step.person()
}

fn put(
    alert: &Alert,
    (state, assignee): (AlertState, Option<Id<User>>),
    step: Step<'_>,
    action: &str,
    reason: Option<&str>,
) -> Decision {
    let mut changed = alert.clone();
    changed.state = state;
    changed.assignee = assignee;
    changed.revision += 1;
    urgency::judge(&mut changed, None);
    step.decides(
        action,
        reason,
        vec![Change::PutAlert {
            alert: Box::new(changed),
        }],
    )
}
