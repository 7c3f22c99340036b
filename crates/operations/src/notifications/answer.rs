//! What people answer: acknowledgements, handing them over, and the end of the matter.

use model::{Acknowledgement, AnswerWay, Id, Notification, NotificationState, Phrase, Rejected, Timestamp, User};

const OVER: Phrase = Phrase::new("việc này đã kết thúc", "the matter is over");

/// Notes that a person acknowledges; `lapses_at` is the end of their turn. The notification is to be kept with this change.
///
/// # Errors
/// When it is over, or they have acknowledged it already.
pub fn acknowledge(
    notification: &Notification,
    person: Id<User>,
    way: AnswerWay,
    lapses_at: Timestamp,
    now: Timestamp,
) -> Result<Notification, Rejected> {
    if let NotificationState::Over { .. } = notification.state {
        return Err(Rejected::NotNow(OVER));
    }
    if notification.acknowledged_by(person) {
        return Err(Rejected::AlreadySo);
    }
    let mut answered = notification.clone();
    let answer = Acknowledgement {
        person,
        at: now,
        way,
        lapses_at: lapses_at.max(now),
        lapsed_at: None,
    };
    add(&mut answered, answer, now);
    answered.revision += 1;
    Ok(answered)
}

/// Hands somebody's acknowledgement to whoever follows them; none when they had none. `lapses_at` is the end of the turn that begins.
#[must_use]
pub fn hand_over(
    notification: &Notification,
    (from, to): (Id<User>, Id<User>),
    lapses_at: Timestamp,
    now: Timestamp,
) -> Option<Notification> {
    if !notification.acknowledged_by(from) {
        return None;
    }
    let mut handed = notification.clone();
    for answer in &mut handed.acknowledgements {
        if answer.person == from && answer.lapsed_at.is_none() {
            answer.lapsed_at = Some(now);
        }
    }
    if !handed.acknowledged_by(to) {
        let answer = Acknowledgement {
            person: to,
            at: now,
            way: AnswerWay::Handover,
            lapses_at: lapses_at.max(now),
            lapsed_at: None,
        };
        push(&mut handed, answer);
    }
    handed.due_at = next_lapse(&handed).or(Some(now));
    handed.revision += 1;
    Some(handed)
}

/// Ends a notification because what it is about is over; none when it has ended.
#[must_use]
pub fn stop(notification: &Notification, now: Timestamp) -> Option<Notification> {
    if let NotificationState::Over { .. } = notification.state {
        return None;
    }
    let mut stopped = notification.clone();
    stopped.state = NotificationState::Over { at: now };
    stopped.due_at = None;
    stopped.revision += 1;
    Some(stopped)
}

/// Adds an acknowledgement, and settles the notification when it is enough.
pub(super) fn add(notification: &mut Notification, answer: Acknowledgement, now: Timestamp) {
    push(notification, answer);
    if standing(notification) >= usize::from(needed(notification)) {
        settle(notification, now);
    }
}

/// The oldest that lapsed makes room; one that stands never does.
fn push(notification: &mut Notification, answer: Acknowledgement) {
    let answers = &mut notification.acknowledgements;
    if answers.len() >= Notification::NOTES_MAX
        && let Some(lapsed) = answers.iter().position(|answer| answer.lapsed_at.is_some())
    {
        answers.remove(lapsed);
    }
    answers.push(answer);
}

/// Enough people have it: it is quiet until the first acknowledgement lapses.
pub(super) fn settle(notification: &mut Notification, now: Timestamp) {
    notification.state = NotificationState::Acknowledged {
        at: now,
        needed: needed(notification),
    };
    notification.due_at = next_lapse(notification);
}

/// How many people have it now.
pub(super) fn standing(notification: &Notification) -> usize {
    let answers = notification.acknowledgements.iter();
    answers.filter(|answer| answer.lapsed_at.is_none()).count()
}

/// When the next acknowledgement lapses.
pub(super) fn next_lapse(notification: &Notification) -> Option<Timestamp> {
    let answers = notification.acknowledgements.iter();
    answers
        .filter(|answer| answer.lapsed_at.is_none())
        .map(|answer| answer.lapses_at)
        .min()
}

/// How many people must have it: as the step in force says.
fn needed(notification: &Notification) -> u8 {
    let step = match notification.state {
        NotificationState::Escalating { step, .. } => notification.steps.get(usize::from(step)),
        NotificationState::Unanswered { .. } | NotificationState::Over { .. } => notification.steps.last(),
        NotificationState::Acknowledged { needed, .. } => return needed,
    };
    step.map_or(1, |step| step.acknowledgements.max(1))
}
