//! Pages people: looks at what is due, whenever something is decided and at least each second. All state is in the ledger, so that
//! a post that is started again goes on where it was.

mod alerts;
mod known;
mod outcomes;
mod replies;
#[cfg(test)]
mod tests;
mod weekly;

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use anyhow::{Context, Result};
use console::Rosters;
use ledger::{Ledger, NounFilter};
use model::{Change, ContactCard, Decision, Effect, Id, Kept, Notification, Pager, Scope, Timestamp, User};
use operations::notifications::{self, Turn};

use self::known::Known;
pub(crate) use self::{
    alerts::add_notifications,
    outcomes::{note as note_outcomes, note_late as note_late_failure},
    replies::take as take_reply,
    weekly::watch_over_duty,
};
use crate::{clock, commit};

/// How long nothing is looked at when nothing is decided.
const IDLE: Duration = Duration::from_secs(1);
/// The pause between two looks, so that a busy pump does not make paging busy.
const PAUSE: Duration = Duration::from_millis(200);
/// The pause after a look failed.
const MISHAP_PAUSE: Duration = Duration::from_secs(5);
/// Notifications that are moved on in one decision.
const AT_ONCE_MAX: usize = 1000;
/// Which part of the post it is, in the duty book.
const PART: &str = "paging";

/// Pages until the post ends.
pub(super) async fn page_people(ledger: Ledger) {
    let mut changes = ledger.subscribe();
    loop {
        let looked = ledger.off_thread(|ledger| look(ledger, clock::now())).await;
        match looked {
            Ok(true) => continue,
            Ok(false) => tokio::time::sleep(PAUSE).await,
            Err(error) => {
                tracing::error!("nobody was paged: {error:#}");
                tokio::time::sleep(MISHAP_PAUSE).await;
            }
        }
        if let Ok(Err(_)) = tokio::time::timeout(IDLE, changes.changed()).await {
            return;
        }
    }
}

/// One look at what is due; says whether there was more than one decision takes.
///
/// # Errors
/// When the ledger cannot be read or written.
pub(crate) fn look(ledger: &Ledger, now: Timestamp) -> Result<bool> {
    let scope = Scope::of_post(PART);
    let due_now = NounFilter {
        due_before: now.checked_add(jiff::SignedDuration::from_micros(1)).ok(),
        ..NounFilter::default()
    };
    let mut due: Vec<Notification> = ledger.all_kept(&scope, &due_now).context("reading what is due")?;
    let flushed: Vec<Pager> = ledger
        .all_kept(&scope, &due_now)
        .context("reading the pagers that are due")?;
    if due.is_empty() && flushed.is_empty() {
        return Ok(false);
    }
    let more = due.len() > AT_ONCE_MAX;
    due.truncate(AT_ONCE_MAX);
    let rosters = Rosters::read(ledger, &scope, now).context("reading the rosters")?;
    let mut people = concerned(&due, &rosters, now);
    people.extend(flushed.iter().map(|pager| pager.person));
    let mut pagers: HashMap<Id<User>, Pager> = flushed.into_iter().map(|pager| (pager.person, pager)).collect();
    let mut cards = HashMap::new();
    for person in people {
        if let Some(card) = kept::<ContactCard>(ledger, &scope, person)? {
            cards.insert(person, card);
        }
        if !pagers.contains_key(&person)
            && let Some(pager) = kept::<Pager>(ledger, &scope, person)?
        {
            pagers.insert(person, pager);
        }
    }
    let known = Known::new(ledger, &scope, &rosters, cards);
    let turn = notifications::turn(due, pagers.into_values().collect(), &known, now);
    known.check()?;
    commit(ledger, &scope, turn, now)?;
    Ok(more)
}

/// Everybody who may be paged by what is due.
fn concerned(due: &[Notification], rosters: &Rosters, now: Timestamp) -> HashSet<Id<User>> {
    let mut targets = HashSet::new();
    let mut people = HashSet::new();
    for notification in due {
        people.extend(notification.pages.iter().map(|page| page.person));
        targets.extend(notification.steps.iter().flat_map(|step| &step.who));
    }
    people.extend(targets.into_iter().flat_map(|target| rosters.who(target, now)));
    people
}

fn kept<T: Kept>(ledger: &Ledger, scope: &Scope, person: Id<User>) -> Result<Option<T>> {
    Ok(ledger.kept(scope, &person.to_string())?)
}

fn commit(ledger: &Ledger, scope: &Scope, turn: Turn, now: Timestamp) -> Result<()> {
    if turn.is_empty() {
        return Ok(());
    }
    let mut changes: Vec<Change> = turn.notifications.iter().map(Change::put).collect();
    changes.extend(turn.pagers.iter().map(Change::put));
    let effects = turn.deliveries.into_iter().map(|delivery| Effect::Deliver {
        delivery: Box::new(delivery),
    });
    let decision = Decision {
        at: now,
        actor: scope.actor().clone(),
        action: "page.people".to_owned(),
        reason: None,
        changes,
        effects: effects.collect(),
    };
    commit::commit(ledger, &decision).context("the pages were not committed")
}
