//! The figures above the queue and on the wall: what waits, how long, and whether the sources speak.

use ledger::Counts;
use model::{Alert, AlertState, RuleLevel, Source, Timestamp};

/// What an officer must know before reading the first row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Summary {
    /// The ledger's counts; rehearsals are counted apart, never among the real alerts.
    pub(crate) counts: Counts,
    /// Sources that are silent, longest first.
    pub(crate) silent: Vec<Source>,
    /// Sources whose rhythm is not learned yet: whether they are silent is not known.
    pub(crate) unlearned: u64,
    /// Records received from all sources.
    pub(crate) received: u64,
}

impl Summary {
    pub(crate) fn new(counts: Counts, sources: Vec<Source>) -> Self {
        let received = sources.iter().map(|source| source.account.received).sum();
        let unknown = |source: &&Source| source.health.silent_since.is_none() && !is_learned(source);
        let unlearned = sources.iter().filter(unknown).count() as u64;
        let mut silent = sources;
        silent.retain(|source| source.health.silent_since.is_some());
        silent.sort_by_key(|source| source.health.silent_since);
        Self {
            counts,
            silent,
            unlearned,
            received,
        }
    }

    /// Unacknowledged alerts of one level.
    pub(crate) fn new_of(&self, level: RuleLevel) -> u64 {
        self.counts.new.get(&level).copied().unwrap_or_default()
    }

    /// Unacknowledged alerts.
    pub(crate) fn new_total(&self) -> u64 {
        self.counts.new.values().sum()
    }

    /// Alerts that somebody has.
    pub(crate) fn in_hand(&self) -> u64 {
        self.counts.acknowledged.values().sum()
    }
}

/// Whether enough was heard of a source to know when it is silent.
pub(crate) fn is_learned(source: &Source) -> bool {
    source.health.expected_per_hour.is_some()
}

/// How long an alert of this level may wait before the page says so, in seconds.
pub(crate) fn patience_seconds(level: RuleLevel) -> i64 {
    match level {
        RuleLevel::Critical => 15 * 60,
        RuleLevel::High => 60 * 60,
        RuleLevel::Medium => 4 * 60 * 60,
        RuleLevel::Low | RuleLevel::Informational => 24 * 60 * 60,
    }
}

/// Whether a new alert has waited longer than its level allows.
pub(crate) fn waits_too_long(alert: &Alert, now: Timestamp) -> bool {
    matches!(alert.state, AlertState::New)
        && now.as_second() - alert.opened_at.as_second() > patience_seconds(alert.rule.level)
}
