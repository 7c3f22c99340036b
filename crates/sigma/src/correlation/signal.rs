//! What travels through the correlator: signals from events to groups, and the matches that come out.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::correlation::limits::VALUE_BYTES_MAX;
use crate::correlation::plan::Plan;
use crate::correlation::state::{Payload, Sources};

/// The values of a group, in the order of `group-by`.
pub(super) type Key = Arc<[Arc<str>]>;

/// One event, or one match of an inner correlation, on its way to one group of one plan.
#[derive(Debug)]
pub(super) struct Signal {
    pub(super) plan: usize,
    pub(super) sources: Sources,
    pub(super) key: Key,
    pub(super) payload: Payload,
    /// The values of the plan's carried fields.
    pub(super) carried: Arc<[Option<Arc<str>>]>,
}

impl Signal {
    pub(super) fn bytes(&self) -> usize {
        let carried = self.carried.iter().flatten().map(|text| text.len() + 16);
        160 + key_bytes(&self.key) + carried.sum::<usize>() + self.payload.value.as_ref().map_or(0, |value| value.len())
    }
}

pub(super) fn key_bytes(key: &Key) -> usize {
    key.iter().map(|text| text.len() + 32).sum()
}

/// Why something did not become a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    /// A field of `group-by` is missing.
    Ungrouped,
    /// The measured field is missing or, where a number is needed, is none.
    Unmeasured,
}

/// Makes the signal that something with these fields sends to a plan as its `reference`.
pub(super) fn signal(
    (index, plan): (usize, &Plan),
    reference: usize,
    sources: &Sources,
    field: &dyn Fn(&str) -> Option<Arc<str>>,
) -> Result<Signal, Unfit> {
    let key: Option<Key> = plan.group_fields[reference].iter().map(|name| field(name)).collect();
    let mut payload = Payload {
        references: 1_u64.checked_shl(u32::try_from(reference).unwrap_or(64)).unwrap_or(0),
        ..Payload::default()
    };
    let measured = &plan.value_fields[reference];
    if plan.test.needs_number() {
        let number = measured
            .first()
            .and_then(|name| field(name))
            .and_then(|text| text.trim().parse::<f64>().ok());
        payload.number = number.filter(|number| number.is_finite()).ok_or(Unfit::Unmeasured)?;
    } else if !measured.is_empty() {
        let values: Option<Vec<Arc<str>>> = measured.iter().map(|name| field(name)).collect();
        payload.value = Some(join(&values.ok_or(Unfit::Unmeasured)?));
    }
    Ok(Signal {
        plan: index,
        sources: sources.clone(),
        key: key.ok_or(Unfit::Ungrouped)?,
        payload,
        carried: plan.carried.iter().map(|name| field(name)).collect(),
    })
}

/// Joins the values of several fields into one, with their lengths, so that different lists never become the same text.
fn join(values: &[Arc<str>]) -> Arc<str> {
    if let [only] = values {
        return Arc::clone(only);
    }
    let mut joined = String::new();
    for value in values {
        joined.push_str(&value.len().to_string());
        joined.push(':');
        joined.push_str(value);
    }
    joined.into()
}

/// Returns a text as it is kept: one longer than the limit as its beginning and a digest of all of it.
pub(super) fn kept(text: &str) -> Arc<str> {
    if text.len() <= VALUE_BYTES_MAX {
        return text.into();
    }
    let mut digest = DefaultHasher::new();
    text.hash(&mut digest);
    let end = text.floor_char_boundary(VALUE_BYTES_MAX - 24);
    format!("{}…#{:016x}", &text[..end], digest.finish()).into()
}

/// A correlation that holds.
#[derive(Debug, Clone, PartialEq)]
pub struct CorrelationMatch {
    /// The index of the correlation in the list that the correlator was made from.
    pub correlation: usize,
    /// The event time at which it holds, in microseconds since the epoch: that of the event that completed it, or the last instant of a
    /// window that had to end first.
    pub time_us: i64,
    /// The event time of the earliest of the contributing events that are named.
    pub first_us: i64,
    /// The values that the events have in common.
    pub group: Vec<GroupValue>,
    /// What was measured. A sliding count is kept only up to its threshold, so there it means "at least".
    pub measure: f64,
    /// The contributing events by their numbers, in order; the newest ones where there are more than the limit.
    pub contributors: Vec<u64>,
    /// How many events contributed, named or not.
    pub contributors_total: usize,
    /// True when a limit had made this group forget events that still counted.
    pub is_cut: bool,
}

/// A field of `group-by` and the value that a match's events share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupValue {
    /// The field or alias, as `group-by` writes it.
    pub field: String,
    /// The value.
    pub value: String,
}
