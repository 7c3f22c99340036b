//! What one group of one correlation remembers: the least that decides its test over a sliding window.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::correlation::plan::Test;
use crate::correlation::presence::Sequence;

/// The event, or for a match of an inner correlation the events, behind an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sources {
    One(u64),
    Many(Arc<[u64]>),
}

impl Sources {
    pub(super) fn as_slice(&self) -> &[u64] {
        match self {
            Sources::One(seq) => std::slice::from_ref(seq),
            Sources::Many(seqs) => seqs,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Sources::One(_) => 0,
            Sources::Many(seqs) => seqs.len() * 8,
        }
    }
}

/// Something that happened in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) time_us: i64,
    pub(super) sources: Sources,
}

/// What a signal brings to a group, besides its time and sources.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Payload {
    /// The references that it stands for, as bits; only temporal tests look at it.
    pub(super) references: u64,
    /// The counted value, for `value_count`.
    pub(super) value: Option<Arc<str>>,
    /// The measured number, for the other value kinds.
    pub(super) number: f64,
}

/// The memory of a group under a sliding test.
#[derive(Debug)]
pub(super) enum State {
    Count(VecDeque<Entry>),
    Distinct(Distinct),
    Sum(Sum),
    Present(Vec<Option<Entry>>),
    Ordered {
        chains: Vec<Vec<Option<Chain>>>,
        last: Vec<Option<Entry>>,
        tick_us: i64,
        tick: u64,
    },
}

/// The most recent values, as many as the threshold asks for.
#[derive(Debug, Default)]
pub(super) struct Distinct {
    by_value: BTreeMap<Arc<str>, Entry>,
    by_time: BTreeSet<(i64, Arc<str>)>,
    text_bytes: usize,
}

/// The numbers of the window and their sum.
#[derive(Debug, Default)]
pub(super) struct Sum {
    entries: VecDeque<(Entry, f64)>,
    sum: f64,
}

/// Steps of a sequence that followed one another, with the latest possible beginning.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    start_us: i64,
    entries: Vec<Entry>,
}

/// A test that holds: the measure and the events that make it hold.
#[derive(Debug)]
pub(super) struct Holding {
    pub(super) measure: f64,
    pub(super) entries: Vec<Entry>,
}

const ENTRY_BYTES: usize = 40;

impl State {
    pub(super) fn new(test: &Test, references: usize) -> State {
        match test {
            Test::Distinct(_) => State::Distinct(Distinct::default()),
            Test::Sum(_) => State::Sum(Sum::default()),
            Test::Present(_) | Test::Expression(_) => State::Present(vec![None; references]),
            Test::Ordered(sequences) => State::Ordered {
                chains: sequences
                    .iter()
                    .map(|sequence| vec![None; sequence.steps.len()])
                    .collect(),
                last: vec![None; references],
                tick_us: i64::MIN,
                tick: 0,
            },
            Test::Count(_) | Test::Extreme(_) | Test::Bucket { .. } => State::Count(VecDeque::new()),
        }
    }

    /// Takes one entry in order of time; returns true when the limit on entries made it forget one that still counted.
    pub(super) fn push(&mut self, test: &Test, entry: Entry, payload: &Payload, reach: Reach) -> bool {
        let since = entry.time_us.saturating_sub(reach.span_us);
        match self {
            State::Count(entries) => {
                let wanted = if let Test::Count(threshold) = test {
                    *threshold
                } else {
                    1
                };
                entries.push_back(entry);
                while entries.front().is_some_and(|first| first.time_us < since) || entries.len() > wanted {
                    entries.pop_front();
                }
                forget(entries, reach.entries_max)
            }
            State::Distinct(distinct) => {
                let wanted = if let Test::Distinct(threshold) = test {
                    *threshold
                } else {
                    1
                };
                let value = payload.value.as_ref();
                value.is_some_and(|value| distinct.push(value, entry, wanted, reach))
            }
            State::Sum(sum) => sum.push(entry, payload.number, reach),
            State::Present(last) => {
                mark(last, &entry, payload.references);
                false
            }
            State::Ordered {
                chains,
                last,
                tick_us,
                tick,
            } => {
                mark(last, &entry, payload.references);
                *tick = if *tick_us == entry.time_us {
                    *tick | payload.references
                } else {
                    payload.references
                };
                *tick_us = entry.time_us;
                if let Test::Ordered(sequences) = test {
                    for (sequence, chain) in sequences.iter().zip(chains) {
                        extend_chain(sequence, chain, last, *tick);
                    }
                }
                false
            }
        }
    }

    /// Returns the holding if the test holds over the window that ends at `now_us`.
    pub(super) fn holding(&self, test: &Test, now_us: i64, span_us: i64) -> Option<Holding> {
        let since = now_us.saturating_sub(span_us);
        match (self, test) {
            (State::Count(entries), Test::Count(threshold)) => (entries.len() >= *threshold).then(|| Holding {
                measure: count(entries.len()),
                entries: entries.iter().cloned().collect(),
            }),
            (State::Distinct(distinct), Test::Distinct(threshold)) => {
                (distinct.by_time.len() >= *threshold).then(|| distinct.hold())
            }
            (State::Sum(sum), Test::Sum(comparisons)) => {
                let holds = comparisons.iter().all(|comparison| comparison.holds(sum.sum));
                holds.then(|| sum.hold())
            }
            (State::Present(last), Test::Present(wanted)) => {
                let present = present(last, since);
                (present.count_ones() as usize >= *wanted).then(|| hold_present(last, present))
            }
            (State::Present(last), Test::Expression(presence)) => {
                let present = present(last, since);
                presence.holds(present).then(|| hold_present(last, present))
            }
            (State::Ordered { chains, last, .. }, Test::Ordered(sequences)) => {
                let present = present(last, since);
                let complete = sequences
                    .iter()
                    .zip(chains)
                    .filter(|(sequence, _)| sequence.forbidden & present == 0);
                let chain = complete
                    .filter_map(|(_, chain)| chain.last()?.as_ref())
                    .find(|chain| chain.start_us >= since)?;
                Some(Holding {
                    measure: count(chain.entries.len()),
                    entries: chain.entries.clone(),
                })
            }
            // The state is made for its test, and buckets and extremes are decided without one.
            (
                State::Count(_) | State::Distinct(_) | State::Sum(_) | State::Present(_) | State::Ordered { .. },
                Test::Count(_)
                | Test::Distinct(_)
                | Test::Sum(_)
                | Test::Extreme(_)
                | Test::Present(_)
                | Test::Expression(_)
                | Test::Ordered(_)
                | Test::Bucket { .. },
            ) => None,
        }
    }

    /// Estimates the memory of the state.
    pub(super) fn bytes(&self) -> usize {
        let each = |entry: &Option<Entry>| ENTRY_BYTES + entry.as_ref().map_or(0, |entry| entry.sources.bytes());
        match self {
            State::Count(entries) => entries.len() * ENTRY_BYTES,
            State::Distinct(distinct) => distinct.by_time.len() * (2 * ENTRY_BYTES + 48) + distinct.text_bytes,
            State::Sum(sum) => sum.entries.len() * (ENTRY_BYTES + 8),
            State::Present(last) => last.iter().map(each).sum(),
            State::Ordered { chains, last, .. } => {
                let steps: usize = chains.iter().flatten().flatten().map(|chain| chain.entries.len()).sum();
                last.iter().map(each).sum::<usize>() + steps * ENTRY_BYTES + chains.len() * ENTRY_BYTES
            }
        }
    }
}

impl Distinct {
    fn push(&mut self, value: &Arc<str>, entry: Entry, wanted: usize, reach: Reach) -> bool {
        let time_us = entry.time_us;
        let since = time_us.saturating_sub(reach.span_us);
        self.text_bytes += value.len();
        self.by_time.insert((time_us, Arc::clone(value)));
        if let Some(before) = self.by_value.insert(Arc::clone(value), entry) {
            self.text_bytes -= value.len();
            if before.time_us != time_us {
                self.by_time.remove(&(before.time_us, Arc::clone(value)));
            }
        }
        let mut is_cut = false;
        while let Some((oldest_us, _)) = self.by_time.first() {
            let counts = *oldest_us >= since && self.by_time.len() <= wanted;
            if counts && self.by_time.len() <= reach.entries_max {
                break;
            }
            is_cut |= counts;
            if let Some((_, value)) = self.by_time.pop_first() {
                self.text_bytes -= value.len();
                self.by_value.remove(&value);
            }
        }
        is_cut
    }

    fn hold(&self) -> Holding {
        Holding {
            measure: count(self.by_time.len()),
            entries: self
                .by_time
                .iter()
                .map(|(_, value)| self.by_value[value].clone())
                .collect(),
        }
    }
}

impl Sum {
    fn push(&mut self, entry: Entry, number: f64, reach: Reach) -> bool {
        let since = entry.time_us.saturating_sub(reach.span_us);
        self.sum += number;
        self.entries.push_back((entry, number));
        let mut is_cut = false;
        while let Some((first, left)) = self.entries.front()
            && (first.time_us < since || self.entries.len() > reach.entries_max)
        {
            is_cut |= first.time_us >= since;
            self.sum -= left;
            self.entries.pop_front();
        }
        if self.entries.len() == 1 {
            // Starting from the number itself sheds the rounding that sliding has gathered.
            self.sum = number;
        }
        is_cut
    }

    fn hold(&self) -> Holding {
        let entries = self.entries.iter().map(|(entry, _)| entry.clone()).collect();
        Holding {
            measure: self.sum,
            entries,
        }
    }
}

/// How far a group looks back and how much it may keep.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    pub(super) span_us: i64,
    pub(super) entries_max: usize,
}

fn forget(entries: &mut VecDeque<Entry>, entries_max: usize) -> bool {
    let is_cut = entries.len() > entries_max;
    while entries.len() > entries_max {
        entries.pop_front();
    }
    is_cut
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts are bounded by the limits, far below 2^52"
)]
pub(super) fn count(count: usize) -> f64 {
    count as f64
}

fn bits(word: u64) -> impl Iterator<Item = usize> {
    (0..64).filter(move |bit| word & (1 << bit) != 0)
}

fn mark(last: &mut [Option<Entry>], entry: &Entry, references: u64) {
    for bit in bits(references) {
        last[bit] = Some(entry.clone());
    }
}

fn present(last: &[Option<Entry>], since: i64) -> u64 {
    let is_in = |entry: &Option<Entry>| entry.as_ref().is_some_and(|entry| entry.time_us >= since);
    last.iter()
        .enumerate()
        .filter(|(_, entry)| is_in(entry))
        .fold(0, |word, (bit, _)| word | (1 << bit))
}

fn hold_present(last: &[Option<Entry>], present: u64) -> Holding {
    let entries: Vec<Entry> = bits(present).filter_map(|bit| last[bit].clone()).collect();
    Holding {
        measure: count(entries.len()),
        entries,
    }
}

/// Extends a sequence by what happened in this tick. Events of one time may follow one another in any order, for their real order is
/// unknown; so all of the tick is laid again after each of its events, which can only improve the chain.
fn extend_chain(sequence: &Sequence, chain: &mut [Option<Chain>], last: &[Option<Entry>], tick: u64) {
    for (step, reference) in sequence.steps.iter().enumerate() {
        let Some(entry) = last[*reference].as_ref().filter(|_| tick & (1 << reference) != 0) else {
            continue;
        };
        let longer = match step.checked_sub(1).map(|before| &chain[before]) {
            None => Chain {
                start_us: entry.time_us,
                entries: vec![entry.clone()],
            },
            Some(Some(before)) => {
                let entries = before.entries.iter().chain([entry]).cloned().collect();
                Chain {
                    start_us: before.start_us,
                    entries,
                }
            }
            Some(None) => continue,
        };
        if chain[step].as_ref().is_none_or(|held| held.start_us <= longer.start_us) {
            chain[step] = Some(longer);
        }
    }
}
