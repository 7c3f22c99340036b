//! The named limits of correlation documents and of the state that correlations keep.

/// Longest extended condition, in bytes.
pub const EXPRESSION_BYTES_MAX: usize = 16 << 10;
/// Deepest nesting of brackets and negations in an extended condition.
pub const EXPRESSION_DEPTH_MAX: usize = 64;
/// Most rules that one correlation refers to.
pub const REFERENCES_MAX: usize = 4_096;
/// Most rules that a temporal correlation refers to: their presence is one machine word.
pub const TEMPORAL_REFERENCES_MAX: usize = 64;
/// Most ordered sequences into which the condition of a `temporal_ordered` correlation is resolved.
pub const SEQUENCES_MAX: usize = 128;
/// Most fields in `group-by` and in `condition.field`.
pub const GROUP_FIELDS_MAX: usize = 32;
/// Longest chain of correlations that feed one another.
pub const CHAIN_DEPTH_MAX: usize = 16;
/// Largest threshold of `event_count` and `value_count`: so many entries are kept for each group.
pub const THRESHOLD_MAX: usize = 100_000;
/// Longest timespan: one year, in microseconds.
pub const TIMESPAN_MAX_US: i64 = 366 * 86_400 * 1_000_000;
/// Longest field value kept as group value or counted value, in bytes; a longer one is kept as its beginning and a digest of all of it.
pub const VALUE_BYTES_MAX: usize = 512;

/// What the state of a [`crate::correlation::Correlator`] may cost, and how late an event may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How late after its own time an event may arrive and still be correlated, in microseconds; matches wait that long.
    pub lateness_us: i64,
    /// Most bytes of state, as estimated from what is kept.
    pub state_bytes_max: usize,
    /// Most groups over all correlations.
    pub groups_max: usize,
    /// Most entries (events or values) that one group of one correlation keeps.
    pub entries_max: usize,
    /// Most contributing events that one match names.
    pub contributors_max: usize,
    /// Most cuts kept for [`crate::correlation::Correlator::take_cuts`]; further ones are only counted.
    pub cuts_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            lateness_us: 60_000_000,
            state_bytes_max: 128 << 20,
            groups_max: 500_000,
            entries_max: 100_000,
            contributors_max: 100,
            cuts_max: 1_000,
        }
    }
}
