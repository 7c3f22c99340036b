//! What the post heard in a time: the kinds of events that were kept, and the fields that they brought.

use std::collections::BTreeMap;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::{LogSourceSet, SourceId, Timestamp};

/// The events received in a time, by kind. Rehearsals are left out: they say nothing about what the sources deliver.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// The beginning of the time, by receipt.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
    /// Events that were looked at.
    pub events: u64,
    /// Events of files that were left out because enough had been looked at; some may be older than `from`.
    pub left_out: u64,
    /// Whether there were more kinds, sources or fields than are told apart.
    pub is_cut: bool,
    /// Files that could not be read, with the cause.
    pub unreadable: Vec<String>,
    /// The kinds of events, the most frequent first.
    pub kinds: Vec<HeardKind>,
}

/// The events that belong to the same set of log sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeardKind {
    /// The log sources.
    pub logsources: LogSourceSet,
    /// How many events.
    pub events: u64,
    /// When the first and the last of them was received.
    pub received_at: (Timestamp, Timestamp),
    /// Who sent them, with the number of events.
    pub sources: BTreeMap<SourceId, u64>,
    /// The names of their fields, with the number of events that have each.
    pub fields: BTreeMap<CompactString, u64>,
}

impl Heard {
    /// Whether what is not in `kinds` was really not received: everything in the time was looked at and told apart.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.left_out == 0 && !self.is_cut && self.unreadable.is_empty()
    }
}
