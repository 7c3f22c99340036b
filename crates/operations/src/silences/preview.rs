//! The preview of a silence: what it would have hidden, folded over past detections one by one.

use std::collections::{BTreeMap, HashSet};

use compact_str::CompactString;
use model::{AlertKey, Detection, Event, RuleIdentity, RuleLevel, SilenceScope, Timestamp};

use super::coverage::covers;

/// A detection that would have been hidden, as far as a person needs to see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// When it happened.
    pub happened_at: Timestamp,
    /// The rule.
    pub rule: RuleIdentity,
    /// What it is about.
    pub entity: CompactString,
    /// What was seen.
    pub summary: String,
}

/// What a silence would have hidden.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    /// Detections that were looked at.
    pub looked_at: u64,
    /// Detections that it would have hidden.
    pub hidden: u64,
    /// Detections of the right rule and entity that were not hidden for lack of their event: whether the fields fit is unknown.
    pub unsure: u64,
    /// Hidden detections by level: what weighs more than expected should make its author think.
    pub levels: BTreeMap<RuleLevel, u64>,
    /// Different alerts that the hidden detections belong to, counted up to [`Preview::ALERTS_MAX`].
    pub alerts: u64,
    /// When the first hidden one happened.
    pub first: Option<Timestamp>,
    /// When the last hidden one happened.
    pub last: Option<Timestamp>,
    /// The first few hidden ones that were folded in, at most [`Preview::EXAMPLES_MAX`].
    pub examples: Vec<Example>,
    keys: HashSet<AlertKey>,
}

impl Preview {
    /// How many examples are kept.
    pub const EXAMPLES_MAX: usize = 20;
    /// Counting of different alerts stops here.
    pub const ALERTS_MAX: usize = 10_000;

    /// Folds in one past detection, with its event where that is at hand.
    pub fn observe(&mut self, scope: &SilenceScope, detection: &Detection, event: Option<&Event>) {
        self.looked_at += 1;
        if !covers(scope, detection, event) {
            self.unsure += u64::from(event.is_none() && could_cover(scope, detection));
            return;
        }
        self.hidden += 1;
        *self.levels.entry(detection.rule.level).or_default() += 1;
        let happened = detection.happened_at;
        self.first = Some(self.first.map_or(happened, |first| first.min(happened)));
        self.last = Some(self.last.map_or(happened, |last| last.max(happened)));
        if self.keys.len() < Self::ALERTS_MAX && self.keys.insert(AlertKey::of(detection)) {
            self.alerts += 1;
        }
        if self.examples.len() < Self::EXAMPLES_MAX {
            self.examples.push(Example {
                happened_at: happened,
                rule: detection.rule.clone(),
                entity: detection.entity.name.clone(),
                summary: detection.summary.clone(),
            });
        }
    }

    /// How many detections a day it would have hidden, when everything of the last `days` was folded in.
    #[must_use]
    pub fn per_day(&self, days: u32) -> f64 {
        // Exact up to 2^32 detections; beyond, nobody counts them one by one.
        f64::from(u32::try_from(self.hidden).unwrap_or(u32::MAX)) / f64::from(days.max(1))
    }
}

/// Whether the fields that are known fit, and some are unknown.
fn could_cover(scope: &SilenceScope, detection: &Detection) -> bool {
    let known: Vec<(CompactString, String)> = scope
        .fields
        .iter()
        .filter(|(name, _)| detection.matched.iter().any(|matched| matched.field == *name))
        .cloned()
        .collect();
    let known_part = SilenceScope {
        fields: known,
        ..scope.clone()
    };
    known_part.fields.len() < scope.fields.len() && covers(&known_part, detection, None)
}
