//! Joins the fragments of one event (auditd writes several records an event) in the order of the journal. Everything it
//! does follows from the journal alone: waiting ends by the time of receipt of later entries, never by a clock.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use compact_str::CompactString;
use hashbrown::HashMap;
use jiff::SignedDuration;
use model::{Event, LogSourceSet, Problem, ProblemKind, Seq, SourceId, Timestamp};

use crate::{Normalized, limits};

/// What the fragments of one event have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FragmentKey {
    /// Who sent them.
    pub source: SourceId,
    /// The machine they are about: one source may relay many.
    pub host: Option<CompactString>,
    /// The record's own number of the event.
    pub id: CompactString,
}

/// What a fragment says about the end of its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// More may come.
    Open,
    /// Usually the last (auditd's `PROCTITLE`): the group is whole when its source and host go on with another.
    Ripe,
    /// Certainly the last (auditd's `EOE`).
    Last,
}

/// One record that is only part of an event.
#[derive(Debug)]
pub struct Fragment {
    /// What it has in common with the others.
    pub key: FragmentKey,
    /// Whether it ends its group.
    pub ending: Ending,
    /// The event as far as this record tells it.
    pub event: Event,
    pub(crate) whole: fn(&mut Event),
}

struct Group {
    parts: Vec<Event>,
    bytes: usize,
    last_seq: Seq,
    first_received_at: Timestamp,
    ripe: bool,
    whole: fn(&mut Event),
}

/// Collects fragments until their event is whole. At most [`limits::GROUPS_MAX`] groups wait at a time.
#[derive(Default)]
pub struct Assembler {
    groups: HashMap<FragmentKey, Group>,
    /// The waiting groups by their first record.
    order: BTreeMap<Seq, FragmentKey>,
    /// For each source and host, the group that is whole as soon as another record comes from there.
    ripe: HashMap<(SourceId, Option<CompactString>), FragmentKey>,
    /// From first to last record: stretches of the journal that finished groups cover. Reading must not begin inside one.
    covered: BTreeMap<Seq, Seq>,
}

impl Assembler {
    /// Takes the next record of the journal; appends the events that are whole now to `out`, in the order in which they
    /// became whole. An event appended here is a consequence of this record, whatever its own `seq`.
    pub fn push(&mut self, item: Normalized, out: &mut Vec<Event>) {
        match item {
            Normalized::Event(event) => {
                self.expire(event.received_at, out);
                if !self.ripe.is_empty() {
                    self.close_ripe(&(event.source.clone(), event.entities.host_name.clone()), None, out);
                }
                out.push(event);
            }
            Normalized::Fragment(fragment) => {
                self.expire(fragment.event.received_at, out);
                self.add(*fragment, out);
            }
        }
        if self.groups.is_empty() {
            self.covered.clear();
        }
    }

    /// Takes an entry that is no record but says what time it is; appends the events that have waited long enough to `out`.
    pub fn pass_time(&mut self, now: Timestamp, out: &mut Vec<Event>) {
        self.expire(now, out);
        if self.groups.is_empty() {
            self.covered.clear();
        }
    }

    /// Until when the oldest waiting event waits for further records, if any waits: an entry of a later time ends it.
    #[must_use]
    pub fn waits_until(&self) -> Option<Timestamp> {
        let (_, key) = self.order.first_key_value()?;
        let first_received_at = self.groups[key].first_received_at;
        let wait = SignedDuration::from_secs(limits::GROUP_WAIT_SECONDS);
        Some(first_received_at.checked_add(wait).unwrap_or(Timestamp::MAX))
    }

    /// Appends everything that still waits to `out`: for the end of a file that is read once. A post that goes on
    /// does not call it, because what is whole must follow from the records alone.
    pub fn flush(&mut self, out: &mut Vec<Event>) {
        while let Some((_, key)) = self.order.first_key_value() {
            let key = key.clone();
            self.close(&key, None, out);
        }
        self.covered.clear();
    }

    /// The record at which reading must begin again after a restart so that the groups that wait now come out the
    /// same, if any waits: the first record of the oldest, or of a finished group that was written among its records.
    #[must_use]
    pub fn oldest_pending(&self) -> Option<Seq> {
        let (&oldest, _) = self.order.first_key_value()?;
        // Stretches do not overlap, so only the last one that begins before can reach over the oldest.
        let around = self.covered.range(..oldest).next_back();
        Some(
            around
                .filter(|(_, last)| **last >= oldest)
                .map_or(oldest, |(first, _)| *first),
        )
    }

    fn add(&mut self, fragment: Fragment, out: &mut Vec<Event>) {
        let Fragment {
            key,
            ending,
            event,
            whole,
        } = fragment;
        let place = (key.source.clone(), key.host.clone());
        self.close_ripe(&place, Some(&key), out);
        if !self.groups.contains_key(&key) {
            self.make_room(event.seq, out);
            self.order.insert(event.seq, key.clone());
        }
        let group = self.groups.entry(key.clone()).or_insert_with(|| Group {
            parts: Vec::with_capacity(6),
            bytes: 0,
            last_seq: event.seq,
            first_received_at: event.received_at,
            ripe: false,
            whole,
        });
        group.bytes += event.raw.len();
        group.last_seq = event.seq;
        group.parts.push(event);
        let is_full = group.parts.len() >= limits::FRAGMENTS_MAX as usize || group.bytes >= limits::GROUP_BYTES_MAX;
        match ending {
            Ending::Last => self.close(&key, None, out),
            Ending::Ripe | Ending::Open if is_full => {
                let full = Problem::new(ProblemKind::LimitReached, "fragments of one event");
                self.close(&key, Some(full), out);
            }
            Ending::Ripe => {
                group.ripe = true;
                self.ripe.insert(place, key);
            }
            Ending::Open => {}
        }
    }

    /// Closes the groups that have waited long enough.
    fn expire(&mut self, now: Timestamp, out: &mut Vec<Event>) {
        while let Some((_, key)) = self.order.first_key_value() {
            let group = &self.groups[key];
            if now.as_second() - group.first_received_at.as_second() <= limits::GROUP_WAIT_SECONDS {
                return;
            }
            let key = key.clone();
            self.close(&key, None, out);
        }
    }

    /// Closes the ripe group of a place unless the next record of that place belongs to it.
    fn close_ripe(
        &mut self,
        place: &(SourceId, Option<CompactString>),
        unless: Option<&FragmentKey>,
        out: &mut Vec<Event>,
    ) {
        let Some(key) = self.ripe.get(place) else { return };
        if Some(key) != unless {
            let key = key.clone();
            self.close(&key, None, out);
        }
    }

    fn make_room(&mut self, seq: Seq, out: &mut Vec<Event>) {
        if self.groups.len() < limits::GROUPS_MAX {
            return;
        }
        if let Some((&oldest, key)) = self.order.first_key_value() {
            let key = key.clone();
            let pressed = Problem::new(ProblemKind::LimitReached, "events waiting for their records");
            self.close(&key, Some(pressed), out);
            // Which group had to go depends on all that waited: a second reading must see them all.
            self.cover(oldest, seq);
        }
    }

    fn close(&mut self, key: &FragmentKey, problem: Option<Problem>, out: &mut Vec<Event>) {
        let Some(group) = self.groups.remove(key) else { return };
        if group.ripe {
            self.ripe.remove(&(key.source.clone(), key.host.clone()));
        }
        let first = group.parts[0].seq;
        self.order.remove(&first);
        if group.last_seq > first {
            self.cover(first, group.last_seq);
        }
        let mut event = join(group.parts);
        event.problems.extend(problem);
        (group.whole)(&mut event);
        event.problems.truncate(limits::PROBLEMS_MAX);
        out.push(event);
    }

    /// Notes that a finished group lies from `first` to `last`, merged with what it overlaps.
    fn cover(&mut self, mut first: Seq, mut last: Seq) {
        while let Some((&begin, &end)) = self.covered.range(..=last).next_back() {
            if end < first {
                break;
            }
            self.covered.remove(&begin);
            first = first.min(begin);
            last = last.max(end);
        }
        self.covered.insert(first, last);
        let Some(oldest) = self.oldest_pending() else { return };
        self.covered = self.covered.split_off(&oldest);
    }
}

/// Makes one event of its fragments, which are in order and at least one.
fn join(parts: Vec<Event>) -> Event {
    let raw = joined_raw(&parts);
    let mut parts = parts.into_iter();
    let mut whole = parts.next().expect("a group has a first fragment");
    whole.raw = raw;
    for part in parts {
        whole.records += part.records;
        for field in part.fields {
            if whole.fields.len() >= limits::FIELDS_MAX {
                whole.problems.push(Problem::new(ProblemKind::LimitReached, "fields"));
                break;
            }
            whole.fields.push(field.name, field.value);
        }
        if part.logsources.address() != whole.logsources.address() {
            let both = whole.logsources.members().iter().chain(part.logsources.members());
            whole.logsources = LogSourceSet::new(both.cloned());
        }
        crate::entities::merge(&mut whole.entities, part.entities);
        whole.problems.extend(part.problems);
    }
    whole
}

fn joined_raw(parts: &[Event]) -> Bytes {
    if let [only] = parts {
        return only.raw.clone();
    }
    let mut raw = BytesMut::with_capacity(parts.iter().map(|part| part.raw.len() + 1).sum());
    for part in parts {
        if !raw.is_empty() {
            raw.extend_from_slice(b"\n");
        }
        raw.extend_from_slice(&part.raw);
    }
    raw.freeze()
}

#[cfg(test)]
mod tests {
    use model::Transport;
    use proptest::prelude::*;

    use super::*;
    use crate::{Normalizer, Settings};

    fn received_at(second: i64) -> Timestamp {
        Timestamp::from_second(1_773_561_600 + second).unwrap()
    }

    fn event(seq: Seq, second: i64) -> Event {
        let record = model::RawRecord {
            source: SourceId::new("host"),
            received_at: received_at(second),
            transport: Transport::File,
            origin: CompactString::default(),
            format: model::FormatHint::Named("json".into()),
            exercise: false,
            bytes: Bytes::from(format!("{{\"seq\":{seq}}}")),
        };
        match Normalizer::new(&Settings::default()).normalize(seq, &record) {
            Normalized::Event(event) => event,
            Normalized::Fragment(fragment) => fragment.event,
        }
    }

    fn fragment(seq: Seq, second: i64, id: u8, ending: Ending) -> Normalized {
        let event = event(seq, second);
        Normalized::Fragment(Box::new(Fragment {
            key: FragmentKey {
                source: event.source.clone(),
                host: Some(CompactString::new(if id.is_multiple_of(2) { "a" } else { "b" })),
                id: CompactString::new(id.to_string()),
            },
            ending,
            event,
            whole: |event| event.format = CompactString::const_new("whole"),
        }))
    }

    /// What came out, each as `seq+records`.
    fn out(items: Vec<Normalized>) -> (Vec<String>, Assembler) {
        let mut assembler = Assembler::default();
        let mut events = Vec::new();
        for item in items {
            assembler.push(item, &mut events);
        }
        let shown = events.iter().map(|event| format!("{}+{}", event.seq, event.records));
        (shown.collect(), assembler)
    }

    #[test]
    fn fragments_become_one_event_when_the_last_is_there() {
        let mut assembler = Assembler::default();
        let mut events = Vec::new();
        assembler.push(fragment(1, 0, 2, Ending::Open), &mut events);
        assembler.push(Normalized::Event(event(2, 0)), &mut events);
        assert_eq!(assembler.oldest_pending(), Some(1));
        assembler.push(fragment(3, 0, 2, Ending::Last), &mut events);
        assert_eq!(assembler.oldest_pending(), None);
        assert_eq!(events.len(), 2);
        assert_eq!(
            (events[1].seq, events[1].records, events[1].format.as_str()),
            (1, 2, "whole")
        );
        assert_eq!(&events[1].raw[..], b"{\"seq\":1}\n{\"seq\":3}");
        let seqs: Vec<_> = events[1].fields.iter().map(|field| field.value.clone()).collect();
        assert_eq!(seqs, [model::Value::Int(1), model::Value::Int(3)]);
    }

    #[test]
    fn a_ripe_group_waits_for_the_next_record_of_its_host_and_any_group_for_its_time_only() {
        let ripe = || vec![fragment(1, 0, 2, Ending::Open), fragment(2, 0, 2, Ending::Ripe)];
        assert_eq!(out(ripe()).0, Vec::<String>::new());
        let with = |item| out(ripe().into_iter().chain([item]).collect()).0;
        assert_eq!(with(fragment(3, 0, 4, Ending::Open)), ["1+2"]);
        assert_eq!(with(fragment(3, 0, 3, Ending::Open)), Vec::<String>::new());
        assert_eq!(with(Normalized::Event(event(3, limits::GROUP_WAIT_SECONDS))), ["3+1"]);
        assert_eq!(
            with(Normalized::Event(event(3, limits::GROUP_WAIT_SECONDS + 1))),
            ["1+2", "3+1"]
        );
    }

    #[test]
    fn where_nothing_follows_the_time_alone_makes_an_event_whole() {
        let mut assembler = Assembler::default();
        let mut events = Vec::new();
        assert_eq!(assembler.waits_until(), None);
        assembler.push(fragment(1, 0, 2, Ending::Ripe), &mut events);
        let until = assembler.waits_until().unwrap();
        assert_eq!(until, received_at(limits::GROUP_WAIT_SECONDS));
        assembler.pass_time(until, &mut events);
        assert!(events.is_empty());
        assembler.pass_time(received_at(limits::GROUP_WAIT_SECONDS + 1), &mut events);
        assert_eq!((events.len(), assembler.oldest_pending()), (1, None));
    }

    #[test]
    fn what_waits_is_bounded() {
        let many = u64::try_from(limits::GROUPS_MAX).unwrap() + 10;
        let mut assembler = Assembler::default();
        let mut events = Vec::new();
        for seq in 1..=many {
            let Normalized::Fragment(mut one) = fragment(seq, 0, 2, Ending::Open) else {
                continue;
            };
            one.key.id = CompactString::new(seq.to_string());
            assembler.push(Normalized::Fragment(one), &mut events);
        }
        assert_eq!(events.len(), 10);
        assert!(
            events
                .iter()
                .all(|event| event.problems.iter().any(|p| p.kind == ProblemKind::LimitReached))
        );
        let fed = (1..=u64::from(limits::FRAGMENTS_MAX) + 1).map(|seq| fragment(seq, 0, 2, Ending::Open));
        assert_eq!(out(fed.collect()).0, [format!("1+{}", limits::FRAGMENTS_MAX)]);
    }

    /// One step of a random journal: who, how it ends, and how many seconds later.
    fn steps() -> impl Strategy<Value = Vec<(u8, u8, i64)>> {
        proptest::collection::vec((0_u8..7, 0_u8..6, 0_i64..4), 1..60)
    }

    /// Whether a step is an entry that only says the time.
    fn is_tick(step: (u8, u8, i64)) -> bool {
        step.0 == 0 && step.1 > 3
    }

    fn item(seq: Seq, (id, ending, _): (u8, u8, i64), second: i64) -> Normalized {
        match (id, ending) {
            (0, _) => Normalized::Event(event(seq, second)),
            (id, 0) => fragment(seq, second, id, Ending::Last),
            (id, 1) => fragment(seq, second, id, Ending::Ripe),
            (id, _) => fragment(seq, second, id, Ending::Open),
        }
    }

    /// An event that came out: because of which entry, its own number, and of how many records it is.
    type Came = (Seq, Seq, u32);

    /// What came out of the entries from `resume` on, and what was pending after each; what waits at the end comes last.
    fn run(steps: &[(u8, u8, i64)], resume: Seq) -> (Vec<Came>, Vec<Option<Seq>>) {
        let mut assembler = Assembler::default();
        let (mut came, mut waits, mut second) = (Vec::new(), Vec::new(), 0);
        for (seq, step) in (1..).zip(steps) {
            second += step.2;
            if seq >= resume {
                let mut events = Vec::new();
                if is_tick(*step) {
                    assembler.pass_time(received_at(second), &mut events);
                } else {
                    assembler.push(item(seq, *step, second), &mut events);
                }
                came.extend(events.iter().map(|event| (seq, event.seq, event.records)));
            }
            waits.push(assembler.oldest_pending());
        }
        let mut events = Vec::new();
        assembler.flush(&mut events);
        came.extend(events.iter().map(|event| (Seq::MAX, event.seq, event.records)));
        (came, waits)
    }

    proptest! {
        #[test]
        fn a_restart_at_the_oldest_pending_gives_the_same_events(steps in steps(), at in any::<prop::sample::Index>()) {
            let (first, waits) = run(&steps, 1);
            let records: u32 = first.iter().map(|(_, _, records)| records).sum();
            prop_assert_eq!(records as usize, steps.iter().filter(|step| !is_tick(**step)).count());
            let stopped = at.index(steps.len()) as Seq + 1;
            let resume = waits[at.index(steps.len())].unwrap_or(stopped + 1);
            let (second, _) = run(&steps, resume);
            let after = |came: &[Came]| -> Vec<_> { came.iter().filter(|c| c.0 > stopped).copied().collect() };
            prop_assert_eq!(after(&first), after(&second));
            prop_assert!(second.iter().all(|event| first.contains(event)));
        }
    }
}
