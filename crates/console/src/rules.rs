//! The rules as the console shows them: a snapshot that the composition root hands over.

use std::sync::Arc;

use model::{Language, RuleIdentity};

/// What is loaded, and what is not.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuleCatalog {
    /// The rules that watch.
    pub loaded: Vec<RuleListing>,
    /// The rule files that watch nothing, and why.
    pub refused: Vec<RefusedRule>,
}

/// A loaded rule.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleListing {
    /// Which rule it is.
    pub identity: RuleIdentity,
    /// Its log source in one line (`windows / process_creation`).
    pub log_source: String,
    /// The file it was read from.
    pub file: Arc<str>,
    /// Who wrote it; may be empty.
    pub author: String,
    /// What it is for; may be empty.
    pub description: String,
    /// What it is for, in Vietnamese; empty when the rule does not say.
    pub description_vi: String,
    /// Where it is known to be wrong.
    pub false_positives: Vec<String>,
    /// Where to read more.
    pub references: Vec<String>,
    /// The YAML as it was read.
    pub text: Arc<str>,
    /// How often it held since the post was started.
    pub hits: u64,
}

impl RuleCatalog {
    /// A rule's title in one language; its own title where it has no other. What was opened before rules carried a second
    /// title finds it in the rule as it is loaded.
    pub(crate) fn title<'a>(&'a self, rule: &'a RuleIdentity, language: Language) -> &'a str {
        // Alerts of the post itself once had both languages in one title.
        let both = rule
            .id
            .starts_with("watchpost/")
            .then(|| rule.title.split_once(" · "))
            .flatten();
        match (language, both) {
            (Language::Vi, Some((vi, _))) => vi,
            (Language::En, Some((_, en))) => en,
            (Language::Vi, None) if rule.title_vi.is_empty() => self
                .loaded
                .iter()
                .find(|listing| listing.identity.id == rule.id)
                .map_or(&rule.title, |listing| listing.identity.title_in(language)),
            (Language::Vi | Language::En, None) => rule.title_in(language),
        }
    }
}

impl RuleListing {
    /// What the rule is for, in one language, or in the one it has.
    pub(crate) fn description_in(&self, language: Language) -> &str {
        match language {
            Language::Vi if !self.description_vi.is_empty() => &self.description_vi,
            Language::Vi | Language::En => &self.description,
        }
    }
}

/// A rule file that was not loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct RefusedRule {
    /// The file.
    pub file: String,
    /// The line in it, from 1, when the reason has one.
    pub line: Option<u32>,
    /// What a person can act on.
    pub reason: String,
}

/// Where the console gets the rules from.
pub trait RuleBook: Send + Sync {
    /// The rules as they are now; cheap, called for every page that needs it.
    fn catalog(&self) -> Arc<RuleCatalog>;
}
