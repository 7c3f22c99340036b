//! Records to events and detections, the same way for the running post and for a sweep: what needs no order on all cores,
//! then what needs the order of the journal.

use std::{sync::Arc, thread};

use detect::{Arrival, Detector, RuleIndex, RuleMatcher, SharedRules};
use model::{Detection, Event, RawRecord, Seq, Timestamp};
use normalize::{Assembler, Normalized, Normalizer};

/// A record that was read by itself: an event with the rules that hold on it, or a fragment of one.
pub(crate) struct Reading {
    normalized: Normalized,
    matches: Vec<RuleIndex>,
}

/// An event and what was detected when it was taken.
pub(crate) struct Taken {
    /// The event.
    pub event: Event,
    /// What was detected; a correlation that became certain at this event may be about others.
    pub detections: Vec<Detection>,
}

/// The half without order: normalises and matches records on several threads, each with its own buffers.
pub(crate) struct Readers {
    normalizer: Arc<Normalizer>,
    matchers: Vec<RuleMatcher>,
}

impl Readers {
    /// Makes as many readers as threads are wanted.
    pub(crate) fn new(normalizer: Arc<Normalizer>, rules: &SharedRules, threads: usize) -> Self {
        Self {
            normalizer,
            matchers: (0..threads.max(1)).map(|_| RuleMatcher::new(rules)).collect(),
        }
    }

    /// Reads a batch; the results are in its order.
    pub(crate) fn read(&mut self, batch: &[(Seq, RawRecord)]) -> Vec<Reading> {
        let share = batch.len().div_ceil(self.matchers.len()).max(1);
        let normalizer = &*self.normalizer;
        let mut shares = batch.chunks(share).zip(&mut self.matchers);
        let Some((first, own)) = shares.next() else {
            return Vec::new();
        };
        thread::scope(|scope| {
            let others: Vec<_> = shares
                .map(|(records, matcher)| scope.spawn(move || read_share(normalizer, matcher, records)))
                .collect();
            let mut readings = read_share(normalizer, own, first);
            for other in others {
                readings.extend(other.join().expect("reading a record does not panic"));
            }
            readings
        })
    }
}

fn read_share(normalizer: &Normalizer, matcher: &mut RuleMatcher, records: &[(Seq, RawRecord)]) -> Vec<Reading> {
    records
        .iter()
        .map(|(seq, record)| read_one(normalizer, matcher, *seq, record))
        .collect()
}

/// Reads one record by itself.
pub(crate) fn read_one(normalizer: &Normalizer, matcher: &mut RuleMatcher, seq: Seq, record: &RawRecord) -> Reading {
    let read = normalizer.normalize(seq, record);
    let held = match &read {
        Normalized::Event(event) => matcher.matches(event).to_vec(),
        Normalized::Fragment(_) => Vec::new(),
    };
    Reading {
        normalized: read,
        matches: held,
    }
}

impl Reading {
    /// Whether a detection that is made later may name this record: it is a fragment, or feeds a correlation.
    pub(crate) fn may_be_named_later(&self, detector: &Detector) -> bool {
        match self.normalized {
            Normalized::Event(_) => self.matches.iter().any(|rule| detector.correlates(*rule)),
            Normalized::Fragment(_) => true,
        }
    }
}

/// The half with order: joins fragments and correlates.
pub(crate) struct Sequence {
    assembler: Assembler,
    detector: Detector,
    matcher: RuleMatcher,
    whole: Vec<Event>,
}

impl Sequence {
    /// Begins a sequence.
    pub(crate) fn new(rules: &SharedRules, arrival: Arrival) -> Self {
        Self {
            assembler: Assembler::default(),
            detector: Detector::new(SharedRules::clone(rules), arrival),
            matcher: RuleMatcher::new(rules),
            whole: Vec::new(),
        }
    }

    /// Takes the next record and appends the events that are whole now.
    pub(crate) fn take(&mut self, reading: Reading, taken: &mut Vec<Taken>) {
        let own = match &reading.normalized {
            Normalized::Event(event) => Some(event.seq),
            Normalized::Fragment(_) => None,
        };
        self.assembler.push(reading.normalized, &mut self.whole);
        for event in std::mem::take(&mut self.whole) {
            let detections = if own == Some(event.seq) {
                self.detector.observe(&event, &reading.matches)
            } else {
                self.detector.observe(&event, self.matcher.matches(&event))
            };
            taken.push(Taken { event, detections });
        }
    }

    /// Takes an entry that only says what time it is, and appends the events that need wait no longer.
    pub(crate) fn pass_time(&mut self, now: Timestamp, taken: &mut Vec<Taken>) {
        self.assembler.pass_time(now, &mut self.whole);
        self.take_whole(taken);
    }

    /// Until when the oldest event waits for further records, if any waits.
    pub(crate) fn waits_until(&self) -> Option<Timestamp> {
        self.assembler.waits_until()
    }

    fn take_whole(&mut self, taken: &mut Vec<Taken>) {
        for event in std::mem::take(&mut self.whole) {
            let detections = self.detector.observe(&event, self.matcher.matches(&event));
            taken.push(Taken { event, detections });
        }
    }

    /// Puts other rules in force; what correlations remember is gone, what waits to be joined is not.
    pub(crate) fn replace_rules(&mut self, rules: &SharedRules) {
        self.detector = Detector::new(SharedRules::clone(rules), Arrival::Stream);
        self.matcher = RuleMatcher::new(rules);
    }

    /// Lets correlations see an event again that was decided on before; what they find was found before.
    pub(crate) fn observe_again(&mut self, event: &Event, held: &[RuleIndex]) {
        self.detector.observe(event, held);
    }

    /// Lets time pass; gives the correlations that are certain now.
    pub(crate) fn advance(&mut self, now: Timestamp) -> Vec<Detection> {
        self.detector.advance(now)
    }

    /// Takes everything that still waits, as at the end of a sweep.
    pub(crate) fn finish(&mut self, taken: &mut Vec<Taken>) -> Vec<Detection> {
        self.assembler.flush(&mut self.whole);
        self.take_whole(taken);
        self.detector.finish()
    }

    /// The record at which reading must begin again after a restart, when fragments wait.
    pub(crate) fn oldest_pending(&self) -> Option<Seq> {
        self.assembler.oldest_pending()
    }

    /// The part that correlates.
    pub(crate) fn detector(&self) -> &Detector {
        &self.detector
    }
}
