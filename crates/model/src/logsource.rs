//! Sigma log sources: which rules an event is a candidate for.

use std::sync::Arc;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// A Sigma log source (Sigma specification 2.1, "Log source"): any of the three parts may be absent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LogSource {
    /// Kind of event, across products (`process_creation`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub category: Option<CompactString>,
    /// What produced it (`windows`, `linux`, `aws`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub product: Option<CompactString>,
    /// The log within the product (`security`, `sshd`, `cloudtrail`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub service: Option<CompactString>,
}

impl LogSource {
    /// Makes a log source; an empty part is an absent part.
    #[must_use]
    pub fn new(category: &str, product: &str, service: &str) -> Self {
        let part = |text: &str| (!text.is_empty()).then(|| CompactString::new(text));
        Self {
            category: part(category),
            product: part(product),
            service: part(service),
        }
    }
}

/// The set of log sources that one event belongs to: a Sysmon registry event is in `registry_event`, `registry_set`
/// and `sysmon` at once. Sorted, without repetition, shared between the events of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogSourceSet(Arc<[LogSource]>);

impl LogSourceSet {
    /// Makes a set of whatever is given.
    pub fn new(sources: impl IntoIterator<Item = LogSource>) -> Self {
        let mut all: Vec<LogSource> = sources.into_iter().collect();
        all.sort_unstable();
        all.dedup();
        Self(all.into())
    }

    /// The members, sorted.
    #[must_use]
    pub fn members(&self) -> &[LogSource] {
        &self.0
    }

    /// Identifies the shared allocation: equal addresses mean equal sets, so caches need not compare members.
    #[must_use]
    pub fn address(&self) -> usize {
        self.0.as_ptr().addr()
    }
}

impl Default for LogSourceSet {
    fn default() -> Self {
        Self::new([])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_sorted_and_without_repetition() {
        let sysmon = LogSource::new("", "windows", "sysmon");
        let registry = LogSource::new("registry_set", "windows", "");
        let set = LogSourceSet::new([sysmon.clone(), registry.clone(), sysmon.clone()]);
        assert_eq!(set.members(), [sysmon, registry]);
    }
}
