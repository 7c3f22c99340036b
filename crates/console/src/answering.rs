//! An answer to pages: whoever acknowledges has the notifications, and with them the alerts that nobody else has. The same by
//! link, by reply and in the console.

use std::collections::HashSet;

use ledger::{Ledger, ReadError};
use model::{Actor, AnswerWay, Change, Decision, Id, Notification, Rejected};
use operations::{Step, notifications::acknowledge};

use crate::rosters::{Rosters, lapses_at};

/// What became of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Answered {
    /// So many notifications are acknowledged once this is committed.
    Taken(Box<Decision>, usize),
    /// None of them can be; none of them is there where no reason is given.
    Refused(Option<Rejected>),
}

/// Acknowledges notifications in the name of the person who takes the step, all in one decision, which the caller commits.
///
/// # Errors
/// See [`ReadError`].
pub fn answer(
    ledger: &Ledger,
    step: Step<'_>,
    ids: &[Id<Notification>],
    way: AnswerWay,
) -> Result<Answered, ReadError> {
    let Actor::Person { user, .. } = step.scope.actor() else {
        return Ok(Answered::Refused(Some(Rejected::NotAllowed)));
    };
    let rosters = Rosters::read(ledger, step.scope, step.at)?;
    let lapses = lapses_at(&rosters, *user, step.at);
    let (mut changes, mut count) = (Vec::new(), 0);
    let (mut refused, mut taken) = (None, HashSet::new());
    for id in ids {
        let Some(notification) = ledger.kept::<Notification>(step.scope, &id.to_string())? else {
            continue;
        };
        match acknowledge(&notification, *user, way, lapses, step.at) {
            Ok(answered) => {
                count += 1;
                changes.push(Change::put(&answered));
                // Two notifications may be about one alert; it is taken once.
                if taken.insert(answered.about.clone()) {
                    changes.extend(taken_alert(ledger, &answered, step)?);
                }
            }
            Err(why) => refused = Some(why),
        }
    }
    if count == 0 {
        return Ok(Answered::Refused(refused));
    }
    let decision = Decision {
        at: step.at,
        actor: step.scope.actor().clone(),
        action: "notification.acknowledge".to_owned(),
        reason: None,
        changes,
        effects: Vec::new(),
    };
    Ok(Answered::Taken(Box::new(decision), count))
}

/// The alert of a notification, taken by the same person where nobody has it.
fn taken_alert(ledger: &Ledger, notification: &Notification, step: Step<'_>) -> Result<Vec<Change>, ReadError> {
    let Some(alert) = notification.about.strip_prefix("alert:").and_then(|id| id.parse().ok()) else {
        return Ok(Vec::new());
    };
    let taken = ledger
        .alert(step.scope, alert)?
        .and_then(|alert| operations::alerts::acknowledge(&alert, step).ok());
    Ok(taken.map(|decision| decision.changes).unwrap_or_default())
}
