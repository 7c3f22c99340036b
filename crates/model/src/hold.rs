//! A legal hold over events: what it covers is not dropped until it is released.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Actor, Id, Kept, NounIndex, Permission, SourceId, Timestamp};

/// A hold over events, for an incident or a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventHold {
    /// Its id.
    pub id: Id<EventHold>,
    /// From when on the events happened; from the first without it.
    pub from: Option<Timestamp>,
    /// Before when they happened; whatever comes without it.
    pub before: Option<Timestamp>,
    /// Of these sources; of all without a list.
    pub sources: Option<BTreeSet<SourceId>>,
    /// Why they are held: the incident, the order.
    pub reason: String,
    /// Who holds them.
    pub by: Actor,
    /// Since when.
    pub since: Timestamp,
    /// When the hold ended.
    pub released_at: Option<Timestamp>,
    /// Counts changes.
    pub revision: u64,
}

impl EventHold {
    /// Longest reason in bytes.
    pub const REASON_BYTES_MAX: usize = 1000;
}

impl Kept for EventHold {
    const KIND: &'static str = "event_hold";
    const READ: Permission = Permission::ReadLedger;

    fn key(&self) -> String {
        self.id.to_string()
    }
    fn revision(&self) -> u64 {
        self.revision
    }
    fn index(&self) -> NounIndex {
        NounIndex {
            state: if self.released_at.is_some() { "released" } else { "held" }.into(),
            owner: None,
            parent: None,
            due_at: self.before,
        }
    }
}
