//! Where logs come from, and the account of what became of them.

use std::collections::BTreeMap;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::{Problem, ProblemKind, RejectReason, Timestamp};

/// Names a source: chosen by a person (`mail-gateways`) or made from what is known (`syslog/203.0.113.7`, `file/var/log/auth.log`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SourceId(CompactString);

impl SourceId {
    /// Longest name in bytes; longer ones are cut at a character boundary.
    pub const BYTES_MAX: usize = 200;

    /// Makes the id of a name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut end = name.len().min(Self::BYTES_MAX);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        Self(CompactString::new(&name[..end]))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for SourceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A source as the post knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Its name.
    pub id: SourceId,
    /// When it was first heard.
    pub first_heard: Timestamp,
    /// When it was last heard.
    pub last_heard: Timestamp,
    /// Received, stored and rejected records since it was first heard.
    pub account: LossAccount,
    /// How it behaves, as learned.
    pub health: SourceHealth,
    /// The last few problems met in its records, newest last, at most [`Source::PROBLEMS_MAX`].
    pub recent_problems: Vec<Problem>,
}

impl Source {
    /// How many recent problems are kept for the source's page.
    pub const PROBLEMS_MAX: usize = 20;
}

/// The loss account: `received = stored + rejected + lost + pending`, where `pending` is still on its way from the journal to the lake.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LossAccount {
    /// Records that arrived, whether kept or refused, and records known to be lost.
    pub received: u64,
    /// Records that are in the lake (several may have been joined into one event).
    pub stored: u64,
    /// Refused records by reason.
    pub rejected: BTreeMap<RejectReason, u64>,
    /// Records that never arrived (see [`crate::Loss`]).
    pub lost: u64,
    /// Problems met in stored records, by kind; a record may have several.
    pub problems: BTreeMap<ProblemKind, u64>,
}

impl LossAccount {
    /// Refused records, all reasons together.
    #[must_use]
    pub fn rejected_total(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// Records in the journal that are not yet in the lake.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.received
            .saturating_sub(self.stored)
            .saturating_sub(self.rejected_total())
            .saturating_sub(self.lost)
    }

    /// Adds another account's counts to this one.
    pub fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.stored += other.stored;
        self.lost += other.lost;
        for (reason, count) in &other.rejected {
            *self.rejected.entry(*reason).or_default() += count;
        }
        for (kind, count) in &other.problems {
            *self.problems.entry(*kind).or_default() += count;
        }
    }
}

/// What is learned about a source's rhythm, so that its silence can be noticed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SourceHealth {
    /// Expected records per hour, an exponentially weighted mean over past hours; absent until enough was heard.
    pub expected_per_hour: Option<f64>,
    /// The longest gap between two records that counted as ordinary so far, in seconds.
    pub ordinary_gap_seconds: Option<f64>,
    /// Since when the source counts as silent, if it does.
    pub silent_since: Option<Timestamp>,
    /// What the two figures above are learned from.
    #[serde(default)]
    pub rhythm: Rhythm,
}

/// The state of learning a source's rhythm.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rhythm {
    /// Records per hour, weighted towards the recent, before the correction for a short history.
    pub per_hour: f64,
    /// The longest recent gap in seconds; it fades.
    pub longest_gap_seconds: f64,
    /// How many times something new was heard when it was looked at.
    pub heard: u64,
    /// Seconds of listening that were learned from.
    pub span_seconds: f64,
    /// What the account had received when it was last looked at.
    pub received: u64,
    /// When the source had last been heard when it was last looked at.
    pub heard_at: Option<Timestamp>,
}

/// A token with which a source may send. Its text is shown once, when it is made, and never kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceToken {
    /// SHA-256 of the token, lower-case hexadecimal.
    pub digest: String,
    /// The source that it speaks for.
    pub source: SourceId,
    /// What people call it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// Counts changes; a decision made on an older revision is refused.
    pub revision: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_balances_over_what_is_pending() {
        let mut account = LossAccount {
            received: 10,
            stored: 6,
            lost: 1,
            ..LossAccount::default()
        };
        account.rejected.insert(RejectReason::Oversized, 2);
        assert_eq!(account.pending(), 1);
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        let name = "ă".repeat(150);
        assert_eq!(SourceId::new(&name).as_str().chars().count(), 100);
    }
}
