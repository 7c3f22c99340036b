//! What every listener is handed: the inbox, the clock, the names of senders and the counts; and the one way into the inbox.

use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use compact_str::CompactString;
use model::{FormatHint, JournalEntry, RawRecord, RejectReason, Rejection, Seq, SourceId, Timestamp, Transport};

use crate::{
    Backlog, Counters, EvtxReader, Inbox, KnownSource, NewHeader, Refused, SourceNames, SourceTokens, Stop,
    backlog::Entering,
    counters::{Tally, listener_name},
};

/// The source of time, given by the composition root.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Everything that listeners share. The composition root makes one.
pub struct Receiving {
    /// Where records go.
    pub inbox: Arc<dyn Inbox>,
    /// The time of receipt.
    pub clock: Clock,
    /// Tokens of HTTP senders.
    pub tokens: Arc<dyn SourceTokens>,
    /// Reads uploaded EVTX files; without it such uploads are answered 501.
    pub evtx: Option<Arc<dyn EvtxReader>>,
    /// Reads the header lines of followed files.
    pub headers: NewHeader,
    /// Names of senders without a token.
    pub names: SourceNames,
    /// What happened so far.
    pub counters: Counters,
    /// What is received and not decided on yet.
    pub backlog: Arc<Backlog>,
}

/// How long a sender that can be told to come back waits for room before it is told.
const ROOM_WAIT: Duration = Duration::from_millis(200);

/// First and longest pause before a listener that cannot push back by an answer tries the inbox again.
const RETRY_FIRST: Duration = Duration::from_millis(20);
const RETRY_LONGEST: Duration = Duration::from_secs(1);

impl Receiving {
    /// Hands entries to the inbox and counts them once they are durable. While too much waits to be decided on, it waits a moment
    /// for room; the datagrams of UDP do not, for nobody would keep them.
    ///
    /// # Errors
    /// As the inbox refuses, or [`Refused::Full`] when there was no room; then nothing is counted but the push-back.
    pub async fn keep(&self, transport: Transport, entries: Vec<JournalEntry>) -> Result<Seq, Refused> {
        let entering = if waits_for_room(transport) {
            let room = tokio::time::timeout(ROOM_WAIT, self.backlog.enter(entries.len())).await;
            room.map_err(|_| {
                self.counters.pushed_back(transport);
                Refused::Full
            })?
        } else {
            self.backlog.enter_at_once(entries.len())
        };
        self.append(transport, entries, entering).await
    }

    async fn append(
        &self,
        transport: Transport,
        entries: Vec<JournalEntry>,
        entering: Entering<'_>,
    ) -> Result<Seq, Refused> {
        let tally = Tally::of(&entries);
        let kept = self.inbox.append(entries).await;
        match &kept {
            Ok(first) => {
                entering.entered(*first);
                self.counters.add(transport, tally);
            }
            Err(Refused::Full) => self.counters.pushed_back(transport),
            Err(refused @ Refused::Failed(_)) => {
                self.counters.pushed_back(transport);
                tracing::error!(listener = listener_name(transport), %refused, "the sender is pushed back");
            }
        }
        kept
    }

    /// Hands entries to the inbox, waiting for room and trying again until they are durable or the end is wished for.
    /// The caller reads nothing from its sender meanwhile: that is its push-back.
    ///
    /// # Errors
    /// The last refusal, when the end is wished for before the entries are durable.
    pub(crate) async fn keep_patiently(
        &self,
        transport: Transport,
        entries: Vec<JournalEntry>,
        stop: &mut Stop,
    ) -> Result<Seq, Refused> {
        let mut pause = RETRY_FIRST;
        loop {
            let entering = self.wait_for_room(transport, entries.len(), stop).await?;
            let refused = match self.append(transport, entries.clone(), entering).await {
                Ok(seq) => return Ok(seq),
                Err(refused) => refused,
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.requested() => return Err(refused),
            }
            pause = (pause * 2).min(RETRY_LONGEST);
        }
    }

    async fn wait_for_room(
        &self,
        transport: Transport,
        entries: usize,
        stop: &mut Stop,
    ) -> Result<Entering<'_>, Refused> {
        if !waits_for_room(transport) {
            return Ok(self.backlog.enter_at_once(entries));
        }
        if self.backlog.is_full() {
            self.counters.pushed_back(transport);
        }
        tokio::select! {
            entering = self.backlog.enter(entries) => Ok(entering),
            () = stop.requested() => Err(Refused::Full),
        }
    }

    /// Hands over entries of one request. What one write of the journal takes is kept whole or not at all; longer requests
    /// go in several writes, and the first that is refused ends it.
    pub(crate) async fn keep_in_parts(&self, transport: Transport, entries: Vec<JournalEntry>) -> KeptParts {
        let mut kept = KeptParts::default();
        for part in parts(entries) {
            let records = part.len();
            match self.keep(transport, part).await {
                Ok(seq) => kept.firsts.push((records, seq)),
                Err(refused) => {
                    kept.refused = Some(refused);
                    break;
                }
            }
        }
        kept
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }
}

/// Whether the sender keeps its records while it waits. Datagrams that are not taken at once are lost.
fn waits_for_room(transport: Transport) -> bool {
    match transport {
        Transport::SyslogUdp => false,
        Transport::SyslogTcp
        | Transport::SyslogTls
        | Transport::Relp
        | Transport::Bulk
        | Transport::Otlp
        | Transport::Ndjson
        | Transport::File
        | Transport::Evtx
        | Transport::Journald
        | Transport::Exercise => true,
    }
}

/// Bytes of one write, and what an entry takes beside its bytes: well below what the journal takes at once.
const PART_BYTES_MAX: usize = 16 * 1024 * 1024;
const ENTRY_BYTES_BESIDE: usize = 512;

fn parts(entries: Vec<JournalEntry>) -> Vec<Vec<JournalEntry>> {
    let bytes_of = |entry: &JournalEntry| match entry {
        JournalEntry::Record(record) => record.bytes.len() + ENTRY_BYTES_BESIDE,
        JournalEntry::Rejection(rejection) => {
            rejection.record.bytes.len() + rejection.detail.len() + ENTRY_BYTES_BESIDE
        }
        JournalEntry::Loss(loss) => loss.detail.len() + ENTRY_BYTES_BESIDE,
        JournalEntry::Tick(_) => ENTRY_BYTES_BESIDE,
    };
    if entries.iter().map(bytes_of).sum::<usize>() <= PART_BYTES_MAX {
        return vec![entries];
    }
    let mut all = vec![Vec::new()];
    let mut bytes = 0;
    for entry in entries {
        let more = bytes_of(&entry);
        if bytes > 0 && bytes + more > PART_BYTES_MAX {
            all.push(Vec::new());
            bytes = 0;
        }
        bytes += more;
        all.last_mut().expect("begins with one part").push(entry);
    }
    all
}

/// How many entries of a request were kept, and under which numbers.
#[derive(Debug, Default)]
pub(crate) struct KeptParts {
    /// For each write: how many entries, and the number of the first.
    firsts: Vec<(usize, Seq)>,
    refused: Option<Refused>,
}

impl KeptParts {
    /// The number of the entry at a place, or why it has none.
    pub(crate) fn seq(&self, mut at: usize) -> Result<Seq, &Refused> {
        for (records, first) in &self.firsts {
            if at < *records {
                return Ok(first + at as u64);
            }
            at -= records;
        }
        Err(self
            .refused
            .as_ref()
            .expect("entries without a number follow a refusal"))
    }

    /// How many entries were kept, from the first on.
    pub(crate) fn count(&self) -> usize {
        self.firsts.iter().map(|(records, _)| records).sum()
    }

    /// Why the rest was not kept.
    pub(crate) fn refused(&self) -> Option<&Refused> {
        self.refused.as_ref()
    }
}

/// What all records of one sender have in common.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    pub(crate) source: KnownSource,
    pub(crate) transport: Transport,
    pub(crate) origin: CompactString,
}

impl Sender {
    pub(crate) fn of_peer(source: SourceId, transport: Transport, peer: IpAddr) -> Self {
        Self {
            source: KnownSource::named(source),
            transport,
            origin: compact_str::format_compact!("{}", peer.to_canonical()),
        }
    }

    pub(crate) fn record(&self, received_at: Timestamp, bytes: Bytes) -> JournalEntry {
        JournalEntry::Record(self.raw(received_at, bytes))
    }

    /// A refused record, cut to `bytes_max`.
    pub(crate) fn rejection(&self, received_at: Timestamp, refusal: Refusal) -> JournalEntry {
        let Refusal { kept, reason, detail } = refusal;
        let kept = if kept.len() > REJECTED_BYTES_MAX {
            kept.slice(..REJECTED_BYTES_MAX)
        } else {
            kept
        };
        JournalEntry::Rejection(Rejection {
            record: self.raw(received_at, kept),
            reason,
            detail,
        })
    }

    fn raw(&self, received_at: Timestamp, bytes: Bytes) -> RawRecord {
        RawRecord {
            source: self.source.id.clone(),
            received_at,
            transport: self.transport,
            origin: self.origin.clone(),
            format: self.source.format.clone(),
            exercise: self.source.exercise,
            bytes,
        }
    }

    pub(crate) fn with_origin(mut self, origin: CompactString) -> Self {
        self.origin = origin;
        self
    }

    pub(crate) fn with_format(mut self, format: FormatHint) -> Self {
        self.source.format = format;
        self
    }
}

/// How much of a refused record is kept, in bytes.
pub const REJECTED_BYTES_MAX: usize = 64 * 1024;

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) kept: Bytes,
    pub(crate) reason: RejectReason,
    pub(crate) detail: String,
}
