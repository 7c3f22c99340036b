//! Counts since the start of the process, per listener and per source, for `/metrics`. The durable account is in the journal.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use model::{JournalEntry, RawRecord, RejectReason, SourceId, Transport};

/// What happened to the records of one listener or one source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordCounts {
    /// Records that became durable, kept or refused, and records known to be lost.
    pub received: u64,
    /// Bytes of the records that became durable, without framing.
    pub bytes: u64,
    /// Refused records by reason.
    pub rejected: BTreeMap<RejectReason, u64>,
    /// Records known to be lost.
    pub lost: u64,
}

/// What happened at one listener.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListenerCounts {
    /// Its records.
    pub records: RecordCounts,
    /// How often a sender was told to wait because the journal was full or failing, or memory for bodies was short.
    pub pushed_back: u64,
    /// Connections open now.
    pub connections_open: u64,
    /// Connections accepted.
    pub connections: u64,
    /// Connections closed at once because a limit was reached, or because TLS failed.
    pub connections_refused: u64,
    /// Requests without a valid token.
    pub unauthorized: u64,
    /// Requests for something that this intake does not have.
    pub unknown_calls: u64,
}

/// All counts at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CountersSnapshot {
    /// Counts per listener, by the transport's name (`syslog_udp`, `bulk`).
    pub listeners: BTreeMap<&'static str, ListenerCounts>,
    /// Counts per source. Bounded by [`crate::SourceNames`].
    pub sources: BTreeMap<SourceId, RecordCounts>,
}

/// The running counts.
#[derive(Debug, Default)]
pub struct Counters(Mutex<CountersSnapshot>);

/// The name of a transport in metrics and messages.
#[must_use]
pub fn listener_name(transport: Transport) -> &'static str {
    match transport {
        Transport::SyslogUdp => "syslog_udp",
        Transport::SyslogTcp => "syslog_tcp",
        Transport::SyslogTls => "syslog_tls",
        Transport::Relp => "relp",
        Transport::Bulk => "bulk",
        Transport::Otlp => "otlp",
        Transport::Ndjson => "ndjson",
        Transport::File => "file",
        Transport::Evtx => "evtx",
        Transport::Journald => "journald",
        Transport::Exercise => "exercise",
    }
}

impl Counters {
    /// The counts now.
    #[must_use]
    pub fn snapshot(&self) -> CountersSnapshot {
        self.lock().clone()
    }

    /// Changes the counts of one listener.
    pub(crate) fn listener(&self, transport: Transport, change: impl FnOnce(&mut ListenerCounts)) {
        change(self.lock().listeners.entry(listener_name(transport)).or_default());
    }

    pub(crate) fn pushed_back(&self, transport: Transport) {
        self.listener(transport, |counts| counts.pushed_back += 1);
    }

    /// Adds what has become durable.
    pub(crate) fn add(&self, transport: Transport, tally: Tally) {
        let mut inner = self.lock();
        let listener = &mut inner.listeners.entry(listener_name(transport)).or_default().records;
        for counts in tally.0.values() {
            listener.add(counts);
        }
        for (source, counts) in tally.0 {
            inner.sources.entry(source).or_default().add(&counts);
        }
    }

    fn lock(&self) -> MutexGuard<'_, CountersSnapshot> {
        // Counts are plain numbers: a panic between two additions leaves nothing inconsistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RecordCounts {
    fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.bytes += other.bytes;
        self.lost += other.lost;
        for (reason, count) in &other.rejected {
            *self.rejected.entry(*reason).or_default() += count;
        }
    }

    fn add_record(&mut self, record: &RawRecord) {
        self.received += 1;
        self.bytes += record.bytes.len() as u64;
    }
}

/// The counts of one batch, made before it is handed over and added once it is durable.
#[derive(Debug, Default)]
pub(crate) struct Tally(BTreeMap<SourceId, RecordCounts>);

impl Tally {
    pub(crate) fn of(entries: &[JournalEntry]) -> Self {
        let mut tally = Self::default();
        for entry in entries {
            match entry {
                JournalEntry::Record(record) => tally.source(&record.source).add_record(record),
                JournalEntry::Rejection(rejection) => {
                    let counts = tally.source(&rejection.record.source);
                    counts.add_record(&rejection.record);
                    *counts.rejected.entry(rejection.reason).or_default() += 1;
                }
                JournalEntry::Loss(loss) => {
                    let counts = tally.source(&loss.source);
                    counts.received += loss.records;
                    counts.lost += loss.records;
                }
                // Time that passes is nobody's record.
                JournalEntry::Tick(_) => {}
            }
        }
        tally
    }

    fn source(&mut self, source: &SourceId) -> &mut RecordCounts {
        if !self.0.contains_key(source) {
            self.0.insert(source.clone(), RecordCounts::default());
        }
        self.0.get_mut(source).expect("was just put in")
    }
}
