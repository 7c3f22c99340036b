//! What paging asks while it decides: the rosters, the cards, and where each matter stands.

use std::{cell::RefCell, collections::HashMap};

use anyhow::{Result, anyhow};
use console::Rosters;
use ledger::{Ledger, ReadError};
use model::{ContactAddress, ContactCard, Id, Notification, Scope, Target, Timestamp, User};
use operations::notifications::{Knowledge, Standing};

/// The answers of the ledger and the rosters.
pub(super) struct Known<'a> {
    ledger: &'a Ledger,
    scope: &'a Scope,
    rosters: &'a Rosters,
    cards: HashMap<Id<User>, ContactCard>,
    /// What kept the ledger from answering; what was decided without the answer must not be committed.
    failed: RefCell<Option<ReadError>>,
}

impl<'a> Known<'a> {
    pub(super) fn new(
        ledger: &'a Ledger,
        scope: &'a Scope,
        rosters: &'a Rosters,
        cards: HashMap<Id<User>, ContactCard>,
    ) -> Self {
        Self {
            ledger,
            scope,
            rosters,
            cards,
            failed: RefCell::default(),
        }
    }

    /// Whether every question was answered.
    pub(super) fn check(&self) -> Result<()> {
        self.failed.take().map_or(Ok(()), |error| Err(anyhow!(error)))
    }

    fn answered<T>(&self, answer: Result<Option<T>, ReadError>) -> Option<T> {
        answer.unwrap_or_else(|error| {
            self.failed.replace(Some(error));
            None
        })
    }
}

impl Knowledge for Known<'_> {
    fn who(&self, target: &Target, at: Timestamp) -> Vec<Id<User>> {
        self.rosters.who(target, at)
    }

    fn addresses(&self, person: Id<User>) -> Vec<ContactAddress> {
        self.cards
            .get(&person)
            .map(|card| card.addresses.clone())
            .unwrap_or_default()
    }

    fn standing(&self, about: &str) -> Standing {
        let Some(alert) = about.strip_prefix("alert:").and_then(|id| id.parse().ok()) else {
            return Standing::Open;
        };
        let found = self.answered(self.ledger.alert(self.scope, alert));
        found.map_or(Standing::Open, |alert| operations::notifications::standing_of(&alert))
    }

    fn turn_ends(&self, person: Id<User>, at: Timestamp) -> Option<Timestamp> {
        self.rosters.turn_ends(person, at)
    }

    fn wants_answer(&self, notification: Id<Notification>) -> Option<String> {
        let found: Option<Notification> = self.answered(self.ledger.kept(self.scope, &notification.to_string()));
        found
            .filter(Notification::wants_answer)
            .map(|notification| notification.brief())
    }
}
