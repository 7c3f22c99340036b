//! A correlation's test that holds, on its way to a match and to the correlations above.

use std::sync::Arc;

use crate::correlation::plan::Plan;
use crate::correlation::signal::{Key, Signal};
use crate::correlation::state::{Entry, Holding};

/// A test that holds, before it is told to anyone.
pub(super) struct Found {
    pub(super) plan: usize,
    pub(super) time_us: i64,
    pub(super) key: Key,
    pub(super) carried: Arc<[Option<Arc<str>>]>,
    pub(super) holding: Holding,
    pub(super) is_cut: bool,
}

impl Found {
    /// Returns a field as the plans above see it: a group value, or a carried value of the event that completed the match.
    pub(super) fn field(&self, plan: &Plan, name: &str) -> Option<Arc<str>> {
        if let Some(at) = plan.group_by.iter().position(|field| field == name) {
            return self.key.get(at).cloned();
        }
        let at = plan.carried.iter().position(|field| field == name)?;
        self.carried.get(at).cloned().flatten()
    }
}

/// One event that matched several rules of a correlation, alike in group and value, is one signal.
pub(super) fn merge(signals: &mut Vec<Signal>, signal: Signal) {
    let is_alike = |other: &&mut Signal| {
        other.plan == signal.plan
            && other.key == signal.key
            && other.sources == signal.sources
            && other.payload.value == signal.payload.value
            && other.payload.number.total_cmp(&signal.payload.number).is_eq()
    };
    match signals.iter_mut().find(is_alike) {
        Some(alike) => alike.payload.references |= signal.payload.references,
        None => signals.push(signal),
    }
}

/// Returns the newest contributing events, each once and in order, and how many there are.
pub(super) fn contributors_of(entries: &[Entry], contributors_max: usize) -> (Vec<u64>, usize) {
    let mut all: Vec<u64> = entries
        .iter()
        .flat_map(|entry| entry.sources.as_slice())
        .copied()
        .collect();
    all.sort_unstable();
    all.dedup();
    let total = all.len();
    (all.split_off(total.saturating_sub(contributors_max)), total)
}
