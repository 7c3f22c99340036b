//! Inboxes for tests: in memory, slow, full or failing at will.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use model::{FormatHint, JournalEntry, Seq, Timestamp};

use crate::{
    Backlog, ColumnHeader, Counters, Inbox, InboxFuture, NoTokens, Receiving, Refused, SourceNames, SourceTokens,
};

/// An inbox in memory.
#[derive(Default)]
pub(crate) struct MemoryInbox {
    entries: Mutex<Vec<JournalEntry>>,
    /// How many appends from now on are refused, and how.
    refusals: Mutex<Vec<Refused>>,
    full: Mutex<bool>,
    pause_milliseconds: AtomicU64,
}

impl MemoryInbox {
    pub(crate) fn entries(&self) -> Vec<JournalEntry> {
        self.entries.lock().unwrap().clone()
    }

    /// Refuses the next appends in this way, one after the other.
    pub(crate) fn refuse(&self, refusals: impl IntoIterator<Item = Refused>) {
        self.refusals.lock().unwrap().extend(refusals);
    }

    pub(crate) fn set_full(&self, full: bool) {
        *self.full.lock().unwrap() = full;
    }

    pub(crate) fn set_pause(&self, pause: Duration) {
        self.pause_milliseconds
            .store(u64::try_from(pause.as_millis()).unwrap(), Ordering::Relaxed);
    }

    /// `source transport: bytes`, `source reason: bytes` or `source lost N` for each entry.
    pub(crate) fn shown(&self) -> Vec<String> {
        self.entries().iter().map(shown).collect()
    }

    /// Waits until there are this many entries.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<String> {
        for _ in 0..1000 {
            if self.entries.lock().unwrap().len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.shown()
    }
}

fn shown(entry: &JournalEntry) -> String {
    match entry {
        JournalEntry::Record(record) => {
            format!("{} {}", record.source, String::from_utf8_lossy(&record.bytes))
        }
        JournalEntry::Rejection(rejection) => {
            let bytes = String::from_utf8_lossy(&rejection.record.bytes).into_owned();
            format!("{} {:?}: {bytes:.100}", rejection.record.source, rejection.reason)
        }
        JournalEntry::Loss(loss) => format!("{} lost {}", loss.source, loss.records),
        JournalEntry::Tick(at) => format!("tick {at}"),
    }
}

impl Inbox for MemoryInbox {
    fn append(&self, new: Vec<JournalEntry>) -> InboxFuture<'_, Result<Seq, Refused>> {
        Box::pin(async move {
            let pause = Duration::from_millis(self.pause_milliseconds.load(Ordering::Relaxed));
            tokio::time::sleep(pause).await;
            if *self.full.lock().unwrap() {
                return Err(Refused::Full);
            }
            let mut refusals = self.refusals.lock().unwrap();
            if !refusals.is_empty() {
                return Err(refusals.remove(0));
            }
            let mut entries = self.entries.lock().unwrap();
            let first = entries.len() as Seq + 1;
            entries.extend(new);
            Ok(first)
        })
    }

    fn after(&self, after: Seq, entries_max: usize) -> InboxFuture<'_, Result<Vec<(Seq, JournalEntry)>, Refused>> {
        let all = self.entries();
        let numbered = (1..).zip(all).skip(usize::try_from(after).unwrap()).take(entries_max);
        let numbered: Vec<(Seq, JournalEntry)> = numbered.collect();
        Box::pin(async move { Ok(numbered) })
    }
}

pub(crate) fn receiving_into(inbox: &Arc<MemoryInbox>, tokens: impl SourceTokens) -> Arc<Receiving> {
    Arc::new(Receiving {
        inbox: Arc::clone(inbox) as Arc<dyn Inbox>,
        clock: Arc::new(|| Timestamp::UNIX_EPOCH),
        tokens: Arc::new(tokens),
        evtx: None,
        headers: || Box::new(LastHeader::default()),
        names: SourceNames::new(100),
        counters: Counters::default(),
        backlog: Arc::new(Backlog::new(1_000_000, 0, 0)),
    })
}

pub(crate) fn receiving_with(inbox: &Arc<MemoryInbox>, backlog: Backlog) -> Arc<Receiving> {
    let receiving = Arc::into_inner(receiving_into(inbox, NoTokens)).expect("nobody else has it yet");
    Arc::new(Receiving {
        backlog: Arc::new(backlog),
        ..receiving
    })
}

pub(crate) fn receiving_nothing() -> Arc<Receiving> {
    receiving_into(&Arc::default(), NoTokens)
}

/// A header that says what its last line said, and counts them.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastHeader {
    lines: u32,
    word: String,
}

impl ColumnHeader for LastHeader {
    fn observe(&mut self, line: &[u8]) {
        self.lines += 1;
        self.word = String::from_utf8_lossy(line).trim().to_owned();
    }

    fn hint(&self) -> FormatHint {
        match self.lines {
            0 => FormatHint::Unknown,
            lines => FormatHint::Named(format!("{}/{lines}", self.word).into()),
        }
    }

    fn duplicate(&self) -> Box<dyn ColumnHeader> {
        Box::new(self.clone())
    }
}
