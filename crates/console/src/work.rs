//! Work on alerts, alike for pages and API: several alerts at once, one decision for those that can take the step.

use ledger::{Ledger, ReadError};
use model::{Alert, Decision, Disposition, Id, Rejected, Scope, Timestamp, User};
use operations::{Step, alerts};

use crate::{
    desk::{Desk, anew},
    trouble::Trouble,
};

/// How long a step can be undone, in seconds; afterwards the alert is reopened or reassigned openly.
pub(crate) const UNDO_SECONDS_MAX: i64 = 10 * 60;

/// A step with alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verb {
    Acknowledge,
    /// Gives alerts back to the queue.
    Unacknowledge,
    Assign(Option<Id<User>>),
    Close {
        disposition: Disposition,
        reason: String,
    },
    Reopen,
}

/// An alert as somebody saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) id: Id<Alert>,
    /// Its revision on the page; `None` takes the alert as it stands.
    pub(crate) revision: Option<u64>,
}

impl Seen {
    /// Reads `id:revision`, as the pages write it.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        let (id, revision) = text.split_once(':')?;
        Some(Self {
            id: id.parse().ok()?,
            revision: Some(revision.parse().ok()?),
        })
    }
}

/// An alert that did not take a step, and why.
pub(crate) type Refused = (Id<Alert>, Rejected);

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Outcome {
    /// How many alerts changed.
    pub(crate) changed: usize,
    pub(crate) refused: Vec<Refused>,
    /// The entry to undo, when anything changed.
    pub(crate) undo: Option<u64>,
}

/// Takes the step with all alerts that can take it, in one decision.
pub(crate) async fn take(desk: &Desk, scope: &Scope, seen: Vec<Seen>, verb: Verb) -> Result<Outcome, Trouble> {
    if seen.len() > alerts::BULK_MAX {
        return Err(Trouble::TooLarge);
    }
    // Detections keep coming in: the alert that grew is read again, and the step decided anew.
    anew(|| {
        let (scope, seen, verb, now) = (scope.clone(), seen.clone(), verb.clone(), desk.now());
        desk.state
            .ledger
            .off_thread(move |ledger| take_once(ledger, (&scope, now), &seen, &verb))
    })
    .await
}

fn take_once(
    ledger: &Ledger,
    (scope, at): (&Scope, Timestamp),
    seen: &[Seen],
    verb: &Verb,
) -> Result<Outcome, Trouble> {
    let (current, mut refused) = still_as_seen(ledger, scope, seen)?;
    let assignee = match verb {
        Verb::Assign(Some(id)) => Some(
            ledger
                .people(scope)?
                .into_iter()
                .find(|person| person.id == *id)
                .ok_or(Trouble::BadRequest)?,
        ),
        Verb::Assign(None) | Verb::Acknowledge | Verb::Unacknowledge | Verb::Close { .. } | Verb::Reopen => None,
    };
    let mut open_with_key = Vec::new();
    if *verb == Verb::Reopen {
        for alert in &current {
            open_with_key.push((alert.id, ledger.open_alert(scope, &alert.key)?));
        }
    }
    let step = Step { scope, at };
    let bulk = alerts::bulk(&current, |alert| match verb {
        Verb::Acknowledge => alerts::acknowledge(alert, step),
        Verb::Unacknowledge => alerts::unacknowledge(alert, step),
        Verb::Assign(_) => alerts::assign(alert, assignee.as_ref().map(account_of).as_ref(), step),
        Verb::Close { disposition, reason } => alerts::close(alert, *disposition, reason, step),
        Verb::Reopen => {
            let open = open_with_key
                .iter()
                .find(|(id, _)| *id == alert.id)
                .and_then(|(_, open)| open.as_ref());
            alerts::reopen(alert, open, step)
        }
    });
    refused.extend(bulk.rejected);
    commit(ledger, bulk.decision, refused)
}

/// The alerts as they stand, and those that a person changed since they were seen. A new detection raises the revision
/// too, but it does not make a step with the alert wrong.
fn still_as_seen(ledger: &Ledger, scope: &Scope, seen: &[Seen]) -> Result<(Vec<Alert>, Vec<Refused>), ReadError> {
    let (mut current, mut refused) = (Vec::new(), Vec::new());
    for seen in seen {
        let Some(alert) = ledger.alert(scope, seen.id)? else {
            refused.push((seen.id, Rejected::Outdated));
            continue;
        };
        let last_step = match seen.revision {
            Some(revision) if revision != alert.revision => ledger
                .last_alert_change(scope, alert.id)?
                .map(|change| change.after.revision > revision),
            Some(_) | None => None,
        };
        if last_step == Some(true) {
            refused.push((seen.id, Rejected::Outdated));
        } else {
            current.push(alert);
        }
    }
    Ok((current, refused))
}

/// The account as far as assigning looks at it: who, whether enabled, and the role.
pub(crate) fn account_of(person: &ledger::Person) -> User {
    User {
        id: person.id,
        login: person.login.clone(),
        display_name: person.display_name.clone(),
        role: person.role,
        password_hash: String::new(),
        language: String::new(),
        created_at: Timestamp::UNIX_EPOCH,
        enabled: person.enabled,
        revision: 0,
    }
}

fn commit(ledger: &Ledger, decision: Option<Decision>, refused: Vec<Refused>) -> Result<Outcome, Trouble> {
    let mut outcome = Outcome {
        refused,
        ..Outcome::default()
    };
    if let Some(decision) = decision {
        outcome.changed = decision.changes.len();
        outcome.undo = ledger.apply(&decision)?.entry.map(|head| head.number);
    }
    Ok(outcome)
}

/// Undoes one's own last step with everything that it changed and that nobody changed since.
pub(crate) async fn undo(desk: &Desk, scope: &Scope, entry: u64) -> Result<Outcome, Trouble> {
    let (scope, now) = (scope.clone(), desk.now());
    desk.state
        .ledger
        .off_thread(move |ledger| undo_once(ledger, &scope, entry, now))
        .await
}

fn undo_once(ledger: &Ledger, scope: &Scope, number: u64, at: Timestamp) -> Result<Outcome, Trouble> {
    // Which alerts an entry is about may be known to whoever works alerts; the rest of the duty book may not.
    let entry = ledger
        .entry(&Scope::of_post("console"), number)?
        .ok_or(Trouble::NotFound)?;
    if entry.actor != *scope.actor() || at.as_second() - entry.at.as_second() > UNDO_SECONDS_MAX {
        return Err(Trouble::Forbidden);
    }
    let (mut current, mut before_after) = (Vec::new(), Vec::new());
    for id in entry
        .subjects()
        .iter()
        .filter_map(|subject| subject.strip_prefix("alert:")?.parse::<Id<Alert>>().ok())
    {
        if let (Some(alert), Some(change)) = (ledger.alert(scope, id)?, ledger.alert_change(scope, number, id)?) {
            before_after.push((id, change, ledger.open_alert(scope, &alert.key)?));
            current.push(alert);
        }
    }
    let step = Step { scope, at };
    let bulk = alerts::bulk(&current, |alert| {
        let found = before_after.iter().find(|(id, _, _)| *id == alert.id);
        let (_, change, open) = found.ok_or(Rejected::Outdated)?;
        alerts::undo(alert, (&change.before, &change.after), open.as_ref(), step)
    });
    let outcome = commit(ledger, bulk.decision, bulk.rejected)?;
    Ok(Outcome { undo: None, ..outcome })
}
