//! Why a rule holds on an event, or does not, part by part.

use model::Event;
use sigma::engine::RuleIndex;
pub use sigma::explain::{Explained, Explanation, Instead, Kind as ExplainedKind};

use crate::{EventRecord, Rules, matcher::translated};

/// Explains what the detection rule of this id makes of an event; nothing when there is no such rule, or it is a correlation.
#[must_use]
pub fn explain(rules: &Rules, id: &str, event: &Event) -> Option<Explanation> {
    let index = rules.index_of(id)?;
    Some(
        rules
            .engine()
            .explain(index, &EventRecord(event), &translated(&event.logsources)),
    )
}

impl Rules {
    fn index_of(&self, id: &str) -> Option<RuleIndex> {
        let place = (0..).zip(self.engine().rules()).map(|(index, _)| RuleIndex(index));
        place.into_iter().find(|index| self.identity(*index).id == id)
    }
}
