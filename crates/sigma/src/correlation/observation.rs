//! What goes into a [`crate::correlation::Correlator`], and the account that it gives of everything it left out.

/// An event as the correlator sees it.
#[derive(Debug, Clone, Copy)]
pub struct Observation<'a> {
    /// When the event happened, in microseconds since the epoch.
    pub time_us: i64,
    /// When it arrived. What matters is only the distance to `time_us`; a sweep over old logs passes the latest event time seen so far.
    pub received_us: i64,
    /// The number that names the event in matches; with the time it also makes the event unique.
    pub seq: u64,
    /// The detection rules that matched it, by the indices that the resolver of [`Correlator::new`] returned.
    pub rules: &'a [usize],
}

/// How many events took which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Events that matched a rule of some correlation.
    pub observed: u64,
    /// Events left out because they arrived later than the stated lateness.
    pub late: u64,
    /// Events whose clock was ahead of their arrival by more than the lateness, taken at their arrival.
    pub ahead: u64,
    /// Events left out because one of the same time and number was waiting already.
    pub repeated: u64,
    /// Signals left out because a field of `group-by` was missing.
    pub ungrouped: u64,
    /// Signals left out because the measured field was missing or no number.
    pub unmeasured: u64,
    /// Cuts made by the limits.
    pub cuts: u64,
}

/// Something that a limit made the correlator forget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The index of the correlation; `None` when the waiting events themselves were too many.
    pub correlation: Option<usize>,
    /// The event time at which it was cut, in microseconds since the epoch.
    pub time_us: i64,
    /// What was cut and which limit wanted it.
    pub cause: CutCause,
}

/// What was cut and which limit wanted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutCause {
    /// The group that had been quiet longest was forgotten, for `groups_max` or `state_bytes_max`.
    Group,
    /// The oldest entries of a group were forgotten, or new ones not counted, for `entries_max`.
    Entries,
    /// Waiting events were taken before the lateness had passed, for `state_bytes_max`: later ones may now be too late.
    Lateness,
}
