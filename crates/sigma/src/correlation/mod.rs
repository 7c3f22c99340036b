//! Correlations: matches of rules counted, measured and ordered over time and by group (Sigma correlation rules specification 2.1).
//! [`Correlator`] is a pure state machine over event time: the same events give the same matches in whatever order they arrive within
//! the stated lateness, and replaying the events of the last [`Correlator::replay_horizon_us`] rebuilds its state.

mod correlator;
mod expression;
mod forget;
mod found;
pub mod limits;
mod observation;
mod parse;
mod plan;
mod presence;
mod rule;
mod signal;
mod state;
mod tally;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use correlator::Correlator;
pub use expression::Expression;
pub use limits::Limits;
pub use observation::{Counts, Cut, CutCause, Observation};
pub use rule::{Alias, Comparison, Condition, Correlation, CorrelationKind, Operator, Reference};
pub use signal::{CorrelationMatch, GroupValue};

use crate::document::{Body, RuleError};
use crate::rule::Metadata;

/// A correlation document.
#[derive(Debug, Clone, PartialEq)]
pub struct CorrelationRule {
    /// What people read about it.
    pub meta: Metadata,
    /// What it correlates.
    pub correlation: Correlation,
    /// The file that it came from, as the caller named it.
    pub file: Arc<str>,
}

impl CorrelationRule {
    /// Reads a correlation document.
    ///
    /// # Errors
    ///
    /// Returns file, place and reason when the document is refused.
    pub fn read(body: &Body) -> Result<CorrelationRule, RuleError> {
        let correlation =
            Correlation::read(&body.node).map_err(|fault| fault.within(&body.file, name_of(&body.meta)))?;
        Ok(CorrelationRule {
            meta: body.meta.clone(),
            correlation,
            file: Arc::clone(&body.file),
        })
    }
}

fn name_of(meta: &Metadata) -> Option<String> {
    Some(meta.title.clone())
        .filter(|title| !title.is_empty())
        .or_else(|| meta.id.clone())
        .or_else(|| meta.name.clone())
}
