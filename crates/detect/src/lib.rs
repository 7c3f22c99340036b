//! Events to detections: Sigma rules and their correlations over the post's events, with the reasons a person needs.
//!
//! [`Rules`] are compiled once and shared. Each thread has a [`RuleMatcher`]; what it finds goes, in the order of the
//! journal, through the one [`Detector`], which correlates and says what each match is about. Pure: no file, no clock.

mod coverage;
mod detector;
mod entity;
mod evidence;
mod explain;
mod matcher;
mod record;
mod rules;
mod summary;

pub use coverage::{Coverage, LogSourceSight, RuleSight, Sight};
pub use detector::{Arrival, CutNotice, Detector};
pub use entity::entity_of;
pub use explain::{Explained, ExplainedKind, Explanation, Instead, explain};
pub use matcher::{RuleMatcher, SharedRules};
pub use record::EventRecord;
pub use rules::{RefusedRule, RuleEntry, RuleKind, RuleText, Rules, lint, read_pipelines};
pub use sigma::{engine::RuleIndex, lint::CHECKS};
pub use summary::summary_of;
