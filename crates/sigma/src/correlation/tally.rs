//! What one group of one correlation remembers of a whole window aligned to the epoch, for conditions that further events can undo.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use crate::correlation::rule::CorrelationKind;
use crate::correlation::state::{Entry, Holding, Payload, count};

/// The running measure of a group over the open window.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) events: usize,
    values: BTreeSet<Arc<str>>,
    numbers: Vec<f64>,
    sum: f64,
    /// When each reference occurred, for the longest sequence in order.
    steps: Vec<(i64, u8)>,
    references: u64,
    pub(super) entries: VecDeque<Entry>,
    text_bytes: usize,
}

/// What a tally may keep.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keep {
    pub(super) entries_max: usize,
    pub(super) contributors_max: usize,
}

impl Tally {
    /// Takes one entry; returns true when a limit kept something out of the measure.
    pub(super) fn push(&mut self, kind: CorrelationKind, entry: Entry, payload: &Payload, keep: Keep) -> bool {
        self.events += 1;
        self.references |= payload.references;
        let mut is_cut = false;
        match kind {
            CorrelationKind::EventCount | CorrelationKind::Temporal => {}
            CorrelationKind::ValueCount => {
                if let Some(value) = payload.value.as_ref().filter(|value| !self.values.contains(*value)) {
                    is_cut = self.values.len() >= keep.entries_max;
                    if !is_cut {
                        self.text_bytes += value.len();
                        self.values.insert(Arc::clone(value));
                    }
                }
            }
            CorrelationKind::ValueSum | CorrelationKind::ValueAvg => self.sum += payload.number,
            CorrelationKind::ValueMin => self.fold(payload.number, f64::min),
            CorrelationKind::ValueMax => self.fold(payload.number, f64::max),
            CorrelationKind::ValuePercentile | CorrelationKind::ValueMedian => {
                is_cut = self.numbers.len() >= keep.entries_max;
                if !is_cut {
                    self.numbers.push(payload.number);
                }
            }
            CorrelationKind::TemporalOrdered => {
                for bit in (0..64_u8).filter(|bit| payload.references & (1 << bit) != 0) {
                    is_cut |= self.steps.len() >= keep.entries_max;
                    if self.steps.len() < keep.entries_max {
                        self.steps.push((entry.time_us, bit));
                    }
                }
            }
        }
        self.entries.push_back(entry);
        if self.entries.len() > keep.contributors_max {
            self.entries.pop_front();
        }
        is_cut
    }

    fn fold(&mut self, number: f64, choose: fn(f64, f64) -> f64) {
        match self.numbers.first_mut() {
            Some(held) => *held = choose(*held, number),
            None => self.numbers.push(number),
        }
    }

    /// Returns the measure of the window and its last events; `None` when nothing was measured.
    pub(super) fn close(mut self, kind: CorrelationKind, percentile: f64) -> Option<Holding> {
        let measure = match kind {
            CorrelationKind::EventCount => count(self.events),
            CorrelationKind::ValueCount => count(self.values.len()),
            CorrelationKind::ValueSum => self.sum,
            CorrelationKind::ValueAvg => self.sum / count(self.events),
            CorrelationKind::ValueMin | CorrelationKind::ValueMax => *self.numbers.first()?,
            CorrelationKind::ValuePercentile | CorrelationKind::ValueMedian => {
                interpolate(&mut self.numbers, percentile)?
            }
            CorrelationKind::Temporal => count(self.references.count_ones() as usize),
            CorrelationKind::TemporalOrdered => count(longest_in_order(&mut self.steps)),
        };
        Some(Holding {
            measure,
            entries: self.entries.into(),
        })
    }

    /// Estimates the memory of the tally.
    pub(super) fn bytes(&self) -> usize {
        self.entries.len() * 40
            + self.values.len() * 48
            + self.text_bytes
            + self.numbers.len() * 8
            + self.steps.len() * 16
    }
}

/// Returns the percentile by linear interpolation between the closest ranks (as `PERCENTILE.INC` of spreadsheets).
pub(super) fn interpolate(numbers: &mut [f64], percentile: f64) -> Option<f64> {
    numbers.sort_unstable_by(f64::total_cmp);
    let last = numbers.len().checked_sub(1)?;
    let rank = percentile / 100.0 * count(last);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank lies between zero and the last index"
    )]
    let below = (rank.floor() as usize).min(last);
    let above = (below + 1).min(last);
    Some(numbers[below] + (numbers[above] - numbers[below]) * (rank - count(below)))
}

/// Returns the length of the longest strictly rising sequence of references in order of time; events of one time may stand in any order.
fn longest_in_order(steps: &mut [(i64, u8)]) -> usize {
    steps.sort_unstable();
    let mut ends: Vec<u8> = Vec::new();
    for (_, step) in steps.iter() {
        let place = ends.partition_point(|end| end < step);
        match ends.get_mut(place) {
            Some(end) => *end = *step,
            None => ends.push(*step),
        }
    }
    ends.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_interpolate_between_ranks() {
        for (numbers, percentile, expect) in [
            (vec![], 50.0, None),
            (vec![7.0], 99.0, Some(7.0)),
            (vec![1.0, 2.0, 3.0, 4.0], 50.0, Some(2.5)),
            (vec![4.0, 1.0, 3.0, 2.0], 100.0, Some(4.0)),
            (vec![10.0, 20.0, 30.0, 40.0, 50.0], 90.0, Some(46.0)),
            (vec![1.0, 2.0], 0.0, Some(1.0)),
        ] {
            let mut shuffled = numbers.clone();
            assert_eq!(
                interpolate(&mut shuffled, percentile),
                expect,
                "{numbers:?} at {percentile}"
            );
        }
    }

    #[test]
    fn the_longest_order_counts_each_rule_once() {
        for (steps, expect) in [
            (vec![], 0),
            (vec![(1, 0), (2, 1), (3, 2)], 3),
            (vec![(1, 2), (2, 1), (3, 0)], 1),
            (vec![(1, 1), (1, 0)], 2),
            (vec![(1, 0), (2, 0), (3, 1), (4, 0)], 2),
        ] {
            assert_eq!(longest_in_order(&mut steps.clone()), expect, "{steps:?}");
        }
    }
}
