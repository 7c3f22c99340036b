//! The rules as the console shows them: a snapshot that the composition root hands over.

use std::sync::Arc;

use model::RuleIdentity;

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
    pub file: String,
    /// Who wrote it; may be empty.
    pub author: String,
    /// What it is for; may be empty.
    pub description: String,
    /// Where it is known to be wrong.
    pub false_positives: Vec<String>,
    /// Where to read more.
    pub references: Vec<String>,
    /// The YAML as it was read.
    pub text: String,
    /// How often it held since the post was set up.
    pub hits: u64,
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
