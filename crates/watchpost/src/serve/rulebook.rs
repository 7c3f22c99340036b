//! The rules as the console shows them.

use std::sync::{Arc, Mutex, PoisonError};

use console::{RefusedRule, RuleBook, RuleCatalog, RuleListing};
use detect::{RuleEntry, Rules, SharedRules};
use model::Timestamp;
use tokio::sync::watch;

use super::metrics::Metrics;
use crate::clock;

/// How long a catalogue's hits may be behind.
const FRESH_SECONDS: i64 = 5;

/// The catalogue of the rules in force; its texts are shared with them.
pub(super) struct Book {
    rules: watch::Receiver<SharedRules>,
    metrics: Arc<Metrics>,
    made: Mutex<Option<Made>>,
}

struct Made {
    of: SharedRules,
    at: Timestamp,
    catalog: Arc<RuleCatalog>,
}

impl Book {
    pub(super) fn new(rules: watch::Receiver<SharedRules>, metrics: Arc<Metrics>) -> Self {
        Self {
            rules,
            metrics,
            made: Mutex::new(None),
        }
    }
}

impl RuleBook for Book {
    fn catalog(&self) -> Arc<RuleCatalog> {
        let rules = SharedRules::clone(&self.rules.borrow());
        let now = clock::now();
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        match &*made {
            Some(made) if Arc::ptr_eq(&made.of, &rules) && now.as_second() - made.at.as_second() < FRESH_SECONDS => {
                Arc::clone(&made.catalog)
            }
            _ => {
                let catalog = Arc::new(catalog_of(&rules, &self.metrics));
                *made = Some(Made {
                    of: rules,
                    at: now,
                    catalog: Arc::clone(&catalog),
                });
                catalog
            }
        }
    }
}

fn catalog_of(rules: &Rules, metrics: &Metrics) -> RuleCatalog {
    RuleCatalog {
        loaded: rules.entries().iter().map(|entry| listing_of(entry, metrics)).collect(),
        refused: rules
            .refused()
            .iter()
            .map(|refused| RefusedRule {
                file: refused.file.to_string(),
                line: (refused.line > 0).then_some(refused.line),
                reason: refused.reason.clone(),
            })
            .collect(),
    }
}

fn listing_of(entry: &RuleEntry, metrics: &Metrics) -> RuleListing {
    RuleListing {
        identity: entry.identity.clone(),
        description_vi: entry.description_vi.clone(),
        log_source: entry.log_source_line(),
        file: Arc::clone(&entry.file),
        author: entry.author.clone(),
        description: entry.description.clone(),
        false_positives: entry.false_positives.clone(),
        references: entry.references.clone(),
        text: Arc::clone(&entry.text),
        hits: metrics.hits(&entry.identity.id),
    }
}
