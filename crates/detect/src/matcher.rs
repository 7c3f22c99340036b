//! Matching on one thread: the engine's buffers, and the log sources of events translated once per kind.

use std::{collections::HashMap, sync::Arc};

use model::{Event, LogSourceSet};
use sigma::{
    engine::RuleIndex,
    matcher::{LogSourceSet as SigmaLogSources, Matcher},
    rule::LogSource,
};

use crate::{EventRecord, Rules};

/// Rules shared by threads.
pub type SharedRules = Arc<Rules>;

/// How many kinds of events (distinct log source sets) are remembered before the memory is begun anew.
const KINDS_MAX: usize = 4096;

/// Matches events on one thread.
#[derive(Debug)]
pub struct RuleMatcher {
    matcher: Matcher,
    /// By address of the shared set, which the entry keeps alive so that the address stays its own.
    kinds: HashMap<usize, (LogSourceSet, SigmaLogSources)>,
}

impl RuleMatcher {
    /// Makes a matcher for a rule set.
    #[must_use]
    pub fn new(rules: &Rules) -> Self {
        Self {
            matcher: Matcher::new(Arc::clone(rules.engine())),
            kinds: HashMap::new(),
        }
    }

    /// The detection rules that hold on an event, in order of their indices.
    pub fn matches(&mut self, event: &Event) -> &[RuleIndex] {
        let address = event.logsources.address();
        if self.kinds.len() >= KINDS_MAX && !self.kinds.contains_key(&address) {
            self.kinds.clear();
        }
        let (_, sources) = self
            .kinds
            .entry(address)
            .or_insert_with(|| (event.logsources.clone(), translated(&event.logsources)));
        self.matcher.matches(&EventRecord(event), sources)
    }
}

pub(crate) fn translated(set: &LogSourceSet) -> SigmaLogSources {
    let part = |text: &Option<compact_str::CompactString>| text.as_ref().map(|text| text.to_lowercase().into());
    let members = set.members().iter().map(|source| LogSource {
        category: part(&source.category),
        product: part(&source.product),
        service: part(&source.service),
    });
    SigmaLogSources::new(members.collect())
}
