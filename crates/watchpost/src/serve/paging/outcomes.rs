//! What channels say about pages comes back here before the outbox settles it: if the post dies between, it comes again, and says
//! nothing new.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    thread,
    time::Duration,
};

use anyhow::{Result, bail};
use ledger::{ApplyError, Claimed, Ledger, Outcome};
use model::{Change, ContactCard, Decision, Delivery, Effect, Id, Kept, Notification, Pager, Scope, Timestamp, User};
use operations::notifications::{Answerable, Sent, bundle_outcome, noted_outcome, page_outcome};

/// So often outcomes are noted anew because somebody answered at the same moment.
const CONFLICTS_MAX: usize = 50;
/// A channel that wants to be left alone for so long is not broken: the message leaves soon enough.
const THROTTLED_SECONDS_MAX: u64 = 60;
const PAUSE: Duration = Duration::from_millis(20);

/// One thing to note.
#[derive(Debug)]
struct Word<'a> {
    delivery: &'a Delivery,
    sent: Sent,
    /// Whether it is the last word about the address.
    for_good: bool,
}

/// Notes the outcomes of attempts on what they are about.
///
/// # Errors
/// When the ledger fails; then the outbox must not be settled.
pub(crate) fn note(ledger: &Ledger, outcomes: &[(Claimed, Outcome)], now: Timestamp) -> Result<()> {
    let words: Vec<Word<'_>> = outcomes.iter().filter_map(word).collect();
    apply(ledger, &words, now)
}

/// Notes that a message which was accepted did not arrive after all.
///
/// # Errors
/// When the ledger fails.
pub(crate) fn note_late(ledger: &Ledger, effect: &Effect, reason: &str, now: Timestamp) -> Result<()> {
    let Effect::Deliver { delivery } = effect else {
        return Ok(());
    };
    let word = Word {
        delivery,
        sent: Sent::Failed {
            reason: reason.to_owned(),
        },
        for_good: true,
    };
    apply(ledger, &[word], now)
}

fn word((claim, outcome): &(Claimed, Outcome)) -> Option<Word<'_>> {
    let Effect::Deliver { delivery } = &claim.effect else {
        return None;
    };
    delivery.about.as_ref()?;
    let (sent, for_good) = match outcome {
        Outcome::Delivered(_) => (Sent::Accepted, false),
        Outcome::Retryable {
            retry_after_seconds: Some(seconds),
            ..
        } if *seconds <= THROTTLED_SECONDS_MAX => return None,
        Outcome::Retryable { reason, .. } => {
            let last = claim.attempt >= Ledger::ATTEMPTS_MAX;
            (Sent::Failed { reason: reason.clone() }, last)
        }
        Outcome::Permanent(reason) => (Sent::Failed { reason: reason.clone() }, true),
    };
    Some(Word {
        delivery,
        sent,
        for_good,
    })
}

fn apply(ledger: &Ledger, words: &[Word<'_>], now: Timestamp) -> Result<()> {
    if words.is_empty() {
        return Ok(());
    }
    for _ in 0..CONFLICTS_MAX {
        let changes = changes(ledger, words, now)?;
        if changes.is_empty() {
            return Ok(());
        }
        let decision = Decision {
            at: now,
            actor: Scope::of_post(super::PART).actor().clone(),
            action: "page.outcome".to_owned(),
            reason: None,
            changes,
            effects: Vec::new(),
        };
        match ledger.apply(&decision) {
            Ok(_) => return Ok(()),
            Err(ApplyError::Conflict { .. } | ApplyError::Busy) => thread::sleep(PAUSE),
            Err(error @ (ApplyError::DiskFull | ApplyError::Store(_))) => bail!(error),
        }
    }
    bail!("what channels said was outdated {CONFLICTS_MAX} times in a row")
}

/// Nouns while several words change them: each enters the decision once, one revision on.
struct Drafts<'a> {
    ledger: &'a Ledger,
    scope: Scope,
    notifications: BTreeMap<Id<Notification>, Draft<Notification>>,
    pagers: BTreeMap<Id<User>, Draft<Pager>>,
    cards: BTreeMap<Id<User>, Draft<ContactCard>>,
}

struct Draft<T> {
    noun: T,
    standing: u64,
}

fn changes(ledger: &Ledger, words: &[Word<'_>], now: Timestamp) -> Result<Vec<Change>> {
    let mut drafts = Drafts {
        ledger,
        scope: Scope::of_post(super::PART),
        notifications: BTreeMap::new(),
        pagers: BTreeMap::new(),
        cards: BTreeMap::new(),
    };
    for word in words {
        drafts.take(word, now)?;
    }
    let mut changes = Vec::new();
    let Drafts {
        ledger: _,
        scope: _,
        notifications,
        pagers,
        cards,
    } = drafts;
    for Draft { mut noun, standing } in notifications.into_values() {
        if noun.revision > standing {
            noun.revision = standing + 1;
            changes.push(Change::put(&noun));
        }
    }
    for Draft { mut noun, standing } in pagers.into_values() {
        if noun.revision > standing {
            noun.revision = standing + 1;
            changes.push(Change::put(&noun));
        }
    }
    for Draft { mut noun, standing } in cards.into_values() {
        if noun.revision > standing {
            noun.revision = standing + 1;
            changes.push(Change::put(&noun));
        }
    }
    Ok(changes)
}

impl Drafts<'_> {
    fn take(&mut self, word: &Word<'_>, now: Timestamp) -> Result<()> {
        let about = word.delivery.about.as_deref().unwrap_or_default();
        let person = match Answerable::of_about(about) {
            Some(Answerable::Page { notification, page }) => {
                let Some(draft) = find(&mut self.notifications, notification, self.ledger, &self.scope)? else {
                    return Ok(());
                };
                let person = draft.noun.pages.get(usize::from(page)).map(|page| page.person);
                if let Some(noted) = page_outcome(&draft.noun, page, &word.sent, now) {
                    draft.noun = noted;
                }
                person
            }
            Some(Answerable::Bundle { person, number }) => {
                if let Some(draft) = find(&mut self.pagers, person, self.ledger, &self.scope)?
                    && let Some(noted) = bundle_outcome(&draft.noun, number, &word.sent, now)
                {
                    draft.noun = noted;
                }
                Some(person)
            }
            None => about.strip_prefix("contact_card:").and_then(|id| id.parse().ok()),
        };
        // A failure that may pass takes no proof away: the outbox goes on trying.
        let says_something = word.for_good || word.sent == Sent::Accepted;
        if let Some(person) = person.filter(|_| says_something)
            && let Some(draft) = find(&mut self.cards, person, self.ledger, &self.scope)?
        {
            let place = (word.delivery.channel.as_str(), word.delivery.to.as_str());
            if let Some(noted) = noted_outcome(&draft.noun, place, &word.sent, now) {
                draft.noun = noted;
            }
        }
        Ok(())
    }
}

fn find<'a, T: Kept, K>(
    drafts: &'a mut BTreeMap<Id<K>, Draft<T>>,
    id: Id<K>,
    ledger: &Ledger,
    scope: &Scope,
) -> Result<Option<&'a mut Draft<T>>> {
    match drafts.entry(id) {
        Entry::Occupied(known) => Ok(Some(known.into_mut())),
        Entry::Vacant(place) => {
            let found = ledger.kept::<T>(scope, &id.to_string())?;
            Ok(found.map(|noun| {
                let standing = noun.revision();
                place.insert(Draft { noun, standing })
            }))
        }
    }
}
