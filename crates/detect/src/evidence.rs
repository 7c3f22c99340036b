//! Why a rule held on an event, as people read it.

use compact_str::CompactString;
use model::{Event, MatchedField};
use sigma::{engine::RuleIndex, explain::MatchedAtom};

use crate::{EventRecord, Rules};

/// Most reasons kept of one match; the rule and the event give the rest again.
const FIELDS_MAX: usize = 20;

/// The fields by which a rule matches, in the order of the rule.
pub(crate) fn of(rules: &Rules, rule: RuleIndex, event: &Event) -> Vec<MatchedField> {
    let atoms = rules.engine().explain_match(rule, &EventRecord(event));
    atoms.into_iter().take(FIELDS_MAX).map(field_of).collect()
}

fn field_of(atom: MatchedAtom) -> MatchedField {
    let MatchedAtom {
        selection,
        item,
        atom: wanted,
        evidence,
        at: _,
    } = atom;
    let mut value = evidence.value;
    let end = value.floor_char_boundary(MatchedField::VALUE_BYTES_MAX);
    value.truncate(end);
    let span = (evidence.bytes.end <= end)
        .then(|| {
            Some((
                u32::try_from(evidence.bytes.start).ok()?,
                u32::try_from(evidence.bytes.end).ok()?,
            ))
        })
        .flatten();
    MatchedField {
        selection: selection.into(),
        field: CompactString::from(evidence.field),
        wanted: if item.is_empty() {
            wanted
        } else {
            format!("{item}: {wanted}")
        },
        value,
        span,
    }
}
