//! Joins the fragments of one event (auditd writes several records an event) in the order of the journal. Everything it
//! does follows from the records alone: waiting ends by the time of receipt of later records, never by a clock.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use compact_str::CompactString;
use hashbrown::HashMap;
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
                self.pass_time(event.received_at, out);
                if !self.ripe.is_empty() {
                    self.close_ripe(&(event.source.clone(), event.entities.host_name.clone()), None, out);
                }
                out.push(event);
            }
            Normalized::Fragment(fragment) => {
                self.pass_time(fragment.event.received_at, out);
                self.add(*fragment, out);
            }
        }
        if self.groups.is_empty() {
            self.covered.clear();
        }
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
    fn pass_time(&mut self, now: Timestamp, out: &mut Vec<Event>) {
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
