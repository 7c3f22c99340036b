//! The state machine: events in, matches out, in event time.
//!
//! An event waits until the stated lateness has passed and is then taken in order of time. Conditions that further events can only
//! strengthen are tested at each event over the window that ends with it; the others at the end of windows aligned to the epoch. A group
//! that keeps holding matches again only when a new timespan, counted from the epoch, begins. All of this depends on nothing but the
//! events of the last two timespans, so a replay of these rebuilds the state exactly.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::correlation::CorrelationRule;
use crate::correlation::found::{Found, contributors_of, merge};
use crate::correlation::limits::Limits;
use crate::correlation::observation::{Counts, Cut, CutCause, Observation};
use crate::correlation::plan::{self, Plans, Test};
use crate::correlation::signal::{CorrelationMatch, GroupValue, Key, Signal, Unfit, kept, key_bytes, signal};
use crate::correlation::state::{Entry, Holding, Reach, Sources, State};
use crate::correlation::tally::{Keep, Tally};
use crate::document::RuleError;
use crate::record::Record;

#[derive(Debug)]
pub(super) struct Group {
    pub(super) state: State,
    pub(super) last_us: i64,
    pub(super) is_holding: bool,
    pub(super) is_cut: bool,
}

#[derive(Debug)]
pub(super) struct OpenTally {
    pub(super) tally: Tally,
    pub(super) carried: Arc<[Option<Arc<str>>]>,
    pub(super) is_cut: bool,
}

/// The groups of one plan.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) groups: BTreeMap<Key, Group>,
    /// Groups by when they were touched, oldest first; a group may have been touched again since.
    pub(super) touched: VecDeque<(i64, Key)>,
    pub(super) tallies: BTreeMap<Key, OpenTally>,
    /// The end of the open bucket; meaningful while there are tallies.
    pub(super) bucket_end_us: i64,
}

/// Correlates matched events. See the module for what its matches depend on.
#[derive(Debug)]
pub struct Correlator {
    pub(super) plans: Plans,
    pub(super) limits: Limits,
    pub(super) memories: Vec<Memory>,
    pub(super) waiting: BTreeMap<(i64, u64), Vec<Signal>>,
    pub(super) waiting_bytes: usize,
    pub(super) group_bytes: usize,
    pub(super) groups: usize,
    /// Everything before it has been taken.
    pub(super) watermark_us: i64,
    pub(super) counts: Counts,
    pub(super) cuts: Vec<Cut>,
    pub(super) matches: Vec<CorrelationMatch>,
}

pub(super) const GROUP_BYTES: usize = 200;

impl Correlator {
    /// Compiles correlations; `resolve` returns the index of the detection rule that has an id or name.
    ///
    /// A refused correlation is left out with its reason, and so is one that refers to it; the others stand. Matches name correlations
    /// by their index in `rules`.
    #[must_use]
    pub fn new(
        rules: &[CorrelationRule],
        resolve: &dyn Fn(&str) -> Option<usize>,
        limits: Limits,
    ) -> (Correlator, Vec<RuleError>) {
        let (plans, refused) = plan::compile(rules, resolve);
        let errors = refused.into_iter().map(|(index, fault)| {
            let rule = &rules[index];
            fault.within(&rule.file, super::name_of(&rule.meta))
        });
        let errors = errors.collect();
        let memories = plans.list.iter().map(|_| Memory::default()).collect();
        let correlator = Correlator {
            plans,
            limits,
            memories,
            waiting: BTreeMap::new(),
            waiting_bytes: 0,
            group_bytes: 0,
            groups: 0,
            watermark_us: i64::MIN,
            counts: Counts::default(),
            cuts: Vec::new(),
            matches: Vec::new(),
        };
        (correlator, errors)
    }

    /// Returns whether any correlation refers to the rule, so that its matches must be observed.
    #[must_use]
    pub fn uses(&self, rule: usize) -> bool {
        self.plans.by_rule.contains_key(&rule)
    }

    /// Returns whether a rule only feeds correlations and does not report on its own (`generate: false` in all that use it).
    #[must_use]
    pub fn is_silent(&self, rule: usize) -> bool {
        self.plans.silent_rules.binary_search(&rule).is_ok()
    }

    /// Returns how far before the present events must be replayed to rebuild the state: twice the timespan of sliding and once that of
    /// whole windows, added up along chains, and the lateness.
    #[must_use]
    pub fn replay_horizon_us(&self) -> i64 {
        self.plans.horizon_us.saturating_add(self.limits.lateness_us)
    }

    /// Takes an event that matched rules and returns the matches that are certain now.
    pub fn observe<R: Record + ?Sized>(&mut self, observation: Observation<'_>, record: &R) -> Vec<CorrelationMatch> {
        if observation.rules.iter().any(|rule| self.uses(*rule)) {
            let texts = self.texts_of(record);
            let mut signals = self.signals_of(observation, &texts);
            if !signals.is_empty() {
                self.counts.observed += 1;
                signals.sort_by_key(|signal| signal.plan);
                self.enqueue(observation, signals);
            }
        }
        self.advance(observation.received_us)
    }

    /// Lets time pass without an event and returns the matches that are certain now.
    pub fn advance(&mut self, received_us: i64) -> Vec<CorrelationMatch> {
        let watermark_us = received_us.saturating_sub(self.limits.lateness_us);
        if watermark_us > self.watermark_us {
            self.take_until(watermark_us);
        }
        while self.waiting_bytes > self.limits.state_bytes_max / 2 {
            let Some((time_us, _)) = self.waiting.keys().next().copied() else {
                break;
            };
            self.cut(None, time_us, CutCause::Lateness);
            self.take_until(time_us.saturating_add(1));
        }
        std::mem::take(&mut self.matches)
    }

    /// Takes everything that waits and ends every open window, as at the end of a sweep.
    pub fn finish(&mut self) -> Vec<CorrelationMatch> {
        self.take_until(i64::MAX);
        std::mem::take(&mut self.matches)
    }

    /// Returns how many events took which way.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Returns the cuts since the last call, oldest first; beyond the limit they are only counted.
    pub fn take_cuts(&mut self) -> Vec<Cut> {
        std::mem::take(&mut self.cuts)
    }

    /// Returns the estimated memory of the state, in bytes.
    #[must_use]
    pub fn state_bytes(&self) -> usize {
        self.waiting_bytes + self.group_bytes
    }

    /// Reads the fields that some correlation looks at; of several values of a field, the first.
    fn texts_of<R: Record + ?Sized>(&self, record: &R) -> BTreeMap<String, Arc<str>> {
        let mut texts = BTreeMap::new();
        record.visit(|name, value| {
            if self.plans.fields.contains(name)
                && !texts.contains_key(name)
                && let Some(text) = value.text()
            {
                texts.insert(name.to_owned(), kept(&text));
            }
        });
        texts
    }

    fn signals_of(&mut self, observation: Observation<'_>, texts: &BTreeMap<String, Arc<str>>) -> Vec<Signal> {
        let field = |name: &str| texts.get(name).map(Arc::clone);
        let sources = Sources::One(observation.seq);
        let mut signals: Vec<Signal> = Vec::new();
        for rule in observation.rules {
            for (index, reference) in self.plans.by_rule.get(rule).into_iter().flatten() {
                let plan = (*index, &self.plans.list[*index]);
                match signal(plan, *reference, &sources, &field) {
                    Ok(signal) => merge(&mut signals, signal),
                    Err(Unfit::Ungrouped) => self.counts.ungrouped += 1,
                    Err(Unfit::Unmeasured) => self.counts.unmeasured += 1,
                }
            }
        }
        signals
    }

    fn enqueue(&mut self, observation: Observation<'_>, signals: Vec<Signal>) {
        let Observation {
            mut time_us,
            received_us,
            seq,
            ..
        } = observation;
        if time_us > received_us.saturating_add(self.limits.lateness_us) {
            self.counts.ahead += 1;
            time_us = received_us;
        }
        if time_us < self.watermark_us {
            self.counts.late += 1;
        } else if self.waiting.contains_key(&(time_us, seq)) {
            self.counts.repeated += 1;
        } else {
            self.waiting_bytes += signals.iter().map(Signal::bytes).sum::<usize>();
            self.waiting.insert((time_us, seq), signals);
        }
    }

    /// Takes what waits before the watermark in order of time, and ends the windows that lie before it.
    fn take_until(&mut self, watermark_us: i64) {
        self.watermark_us = watermark_us;
        while let Some(first) = self.waiting.first_entry().filter(|first| first.key().0 < watermark_us) {
            let ((time_us, _), signals) = first.remove_entry();
            self.waiting_bytes -= signals.iter().map(Signal::bytes).sum::<usize>();
            self.close_buckets(time_us);
            self.take(time_us, signals);
            self.forget_quiet(time_us);
            self.hold_limits(time_us);
        }
        self.close_buckets(watermark_us);
        self.forget_quiet(watermark_us);
    }

    /// Delivers signals in the order of plans, so that what an inner correlation adds reaches the outer ones in the same step.
    fn take(&mut self, time_us: i64, mut signals: Vec<Signal>) {
        while let Some(next) = (0..signals.len()).min_by_key(|at| signals[*at].plan) {
            let signal = signals.remove(next);
            self.deliver(time_us, signal, &mut signals);
        }
    }

    fn deliver(&mut self, time_us: i64, signal: Signal, signals: &mut Vec<Signal>) {
        let plan = &self.plans.list[signal.plan];
        let entry = Entry {
            time_us,
            sources: signal.sources.clone(),
        };
        if let Test::Bucket { kind, .. } = plan.test {
            let keep = Keep {
                entries_max: self.limits.entries_max,
                contributors_max: self.limits.contributors_max,
            };
            let memory = &mut self.memories[signal.plan];
            memory.bucket_end_us = time_us
                .div_euclid(plan.span_us)
                .saturating_add(1)
                .saturating_mul(plan.span_us);
            let open = memory.tallies.entry(Arc::clone(&signal.key)).or_insert_with(|| {
                self.groups += 1;
                self.group_bytes += GROUP_BYTES + key_bytes(&signal.key);
                OpenTally {
                    tally: Tally::default(),
                    carried: Arc::clone(&signal.carried),
                    is_cut: false,
                }
            });
            let before = open.tally.bytes();
            let is_cut = open.tally.push(kind, entry, &signal.payload, keep);
            open.is_cut |= is_cut;
            open.carried = signal.carried;
            self.group_bytes = self.group_bytes + open.tally.bytes() - before;
            if is_cut {
                self.cut(Some(self.plans.list[signal.plan].source), time_us, CutCause::Entries);
            }
            return;
        }
        let (holding, was_cut, is_cut) = self.slide(time_us, &signal, entry);
        if was_cut {
            self.cut(Some(self.plans.list[signal.plan].source), time_us, CutCause::Entries);
        }
        if let Some(holding) = holding {
            let found = Found {
                plan: signal.plan,
                time_us,
                key: signal.key,
                carried: signal.carried,
                holding,
                is_cut,
            };
            self.report(&found, signals);
        }
    }

    /// Pushes an entry into its group and returns what holds and is to be reported, whether this entry was cut, and whether any ever was.
    fn slide(&mut self, time_us: i64, signal: &Signal, entry: Entry) -> (Option<Holding>, bool, bool) {
        let plan = &self.plans.list[signal.plan];
        let memory = &mut self.memories[signal.plan];
        if let Test::Extreme(comparisons) = &plan.test
            && !comparisons
                .iter()
                .all(|comparison| comparison.holds(signal.payload.number))
        {
            return (None, false, false);
        }
        let group = memory.groups.entry(Arc::clone(&signal.key)).or_insert_with(|| {
            let state = State::new(&plan.test, plan.group_fields.len());
            memory.touched.push_back((time_us, Arc::clone(&signal.key)));
            self.groups += 1;
            self.group_bytes += GROUP_BYTES + key_bytes(&signal.key) + state.bytes();
            Group {
                state,
                last_us: i64::MIN,
                is_holding: false,
                is_cut: false,
            }
        });
        let before = group.state.bytes();
        let reach = Reach {
            span_us: plan.span_us,
            entries_max: self.limits.entries_max,
        };
        let was_cut = group.state.push(&plan.test, entry.clone(), &signal.payload, reach);
        group.is_cut |= was_cut;
        self.group_bytes = self.group_bytes + group.state.bytes() - before;
        let holding = match &plan.test {
            Test::Extreme(_) => Some(Holding {
                measure: signal.payload.number,
                entries: vec![entry],
            }),
            Test::Count(_)
            | Test::Distinct(_)
            | Test::Sum(_)
            | Test::Present(_)
            | Test::Expression(_)
            | Test::Ordered(_)
            | Test::Bucket { .. } => group.state.holding(&plan.test, time_us, plan.span_us),
        };
        let kept_holding = group.is_holding
            && group.last_us >= time_us.saturating_sub(plan.span_us)
            && group.last_us.div_euclid(plan.span_us) == time_us.div_euclid(plan.span_us);
        group.is_holding = holding.is_some();
        group.last_us = time_us;
        (holding.filter(|_| !kept_holding), was_cut, group.is_cut)
    }

    /// Ends the open windows that lie wholly before a time, in order, each with the chains above it.
    fn close_buckets(&mut self, until_us: i64) {
        loop {
            let open = self.memories.iter().filter(|memory| !memory.tallies.is_empty());
            let Some(end_us) = open
                .map(|memory| memory.bucket_end_us)
                .min()
                .filter(|end| *end <= until_us)
            else {
                return;
            };
            for index in 0..self.memories.len() {
                if self.memories[index].bucket_end_us == end_us {
                    self.close_bucket(index, end_us);
                }
            }
        }
    }

    fn close_bucket(&mut self, index: usize, end_us: i64) {
        let Test::Bucket { kind, percentile, .. } = self.plans.list[index].test else {
            return;
        };
        let mut signals = Vec::new();
        for (key, open) in std::mem::take(&mut self.memories[index].tallies) {
            self.groups -= 1;
            self.group_bytes -= GROUP_BYTES + key_bytes(&key) + open.tally.bytes();
            let total = open.tally.events;
            let Some(holding) = open.tally.close(kind, percentile) else {
                continue;
            };
            let Test::Bucket { comparisons, .. } = &self.plans.list[index].test else {
                continue;
            };
            if comparisons.iter().all(|comparison| comparison.holds(holding.measure)) {
                let is_cut = open.is_cut;
                let found = Found {
                    plan: index,
                    time_us: end_us - 1,
                    key,
                    carried: open.carried,
                    holding,
                    is_cut,
                };
                self.report_of(&found, total, &mut signals);
            }
        }
        self.take(end_us - 1, signals);
    }

    fn report(&mut self, found: &Found, signals: &mut Vec<Signal>) {
        let total = found.holding.entries.len();
        self.report_of(found, total, signals);
    }

    /// Sends a match to the plans above and, unless it is only for them, out.
    fn report_of(&mut self, found: &Found, total: usize, signals: &mut Vec<Signal>) {
        let plan = &self.plans.list[found.plan];
        let (contributors, named) = contributors_of(&found.holding.entries, self.limits.contributors_max);
        let lookup = |name: &str| found.field(plan, name);
        let sources = Sources::Many(contributors.as_slice().into());
        for (outer, reference) in &plan.feeds {
            match signal((*outer, &self.plans.list[*outer]), *reference, &sources, &lookup) {
                Ok(signal) => merge(signals, signal),
                Err(Unfit::Ungrouped) => self.counts.ungrouped += 1,
                Err(Unfit::Unmeasured) => self.counts.unmeasured += 1,
            }
        }
        if plan.is_silent {
            return;
        }
        let group = plan.group_by.iter().zip(found.key.iter());
        self.matches.push(CorrelationMatch {
            correlation: plan.source,
            time_us: found.time_us,
            first_us: found
                .holding
                .entries
                .iter()
                .map(|entry| entry.time_us)
                .min()
                .unwrap_or(found.time_us),
            group: group
                .map(|(field, value)| GroupValue {
                    field: field.clone(),
                    value: value.to_string(),
                })
                .collect(),
            measure: found.holding.measure,
            contributors,
            contributors_total: named.max(total),
            is_cut: found.is_cut,
        });
    }
}
