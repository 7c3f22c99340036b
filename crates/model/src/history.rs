//! A step in the life of something that the duty book tells of.

use crate::{Actor, Timestamp};

/// One step in the history of something, from the duty book.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryItem {
    /// The number of its entry.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What, as `noun.verb`.
    pub action: String,
    /// Why, where there are words.
    pub reason: Option<String>,
}
