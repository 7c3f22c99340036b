//! The durable queue between receiving and everything after: an entry that was acknowledged is on the disk, in order,
//! numbered 1, 2, 3 … without gaps. It never blocks its readers and never drops to make room: when it is full, it says so,
//! and the sender keeps what it has.
//!
//! Readers keep their own position (the ledger and the lake each commit theirs with what they made of the entries), so the
//! journal has no cursors: it is told by [`Journal::release`] what all of them have passed. The operations are those
//! of a `NATS JetStream` stream too: publish with acknowledgement, fetch from a sequence, purge up to a sequence, and a
//! stream limit that refuses new messages.
//!
//! Stored in redb as compressed blocks of entries; `docs/adr/0003-journal.md` has the measurements behind that.

mod block;
mod entry;
mod store;
mod writer;

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Sender, channel},
    },
    thread::JoinHandle,
};

use model::{JournalEntry, Seq};
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, oneshot, watch};

use crate::{
    block::Packer,
    store::{Disk, Extent, FileDisk, Store},
    writer::{Encoded, Request, Writer},
};
pub use crate::{
    block::{ENTRY_BYTES_MAX, decode_block},
    entry::{NotAnEntry, decode_entry, encode_entry},
};

/// The numbers that one append received: from its first entry to one past its last.
pub type SeqRange = std::ops::Range<Seq>;

/// The journal's section of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Most bytes on the disk, compressed; beyond it, appending answers [`AppendError::Full`].
    pub journal_bytes_max: u64,
    /// Most bytes of entries, uncompressed, that wait in memory to be written; beyond it, appending waits.
    pub waiting_bytes_max: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            journal_bytes_max: 2 * 1024 * 1024 * 1024,
            waiting_bytes_max: 32 * 1024 * 1024,
        }
    }
}

/// The disk refused. Nothing that was acknowledged is touched by it; the next append tries anew.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the journal's disk: {detail}")]
pub struct DiskError {
    /// What sort of failure; [`io::ErrorKind::StorageFull`] when there is no room.
    pub kind: io::ErrorKind,
    /// What the disk or the store said.
    pub detail: String,
}

impl DiskError {
    pub(crate) fn reopening() -> Self {
        Self {
            kind: io::ErrorKind::ResourceBusy,
            detail: "the store is being opened anew after a failed write".to_owned(),
        }
    }
}

impl From<io::Error> for DiskError {
    fn from(error: io::Error) -> Self {
        Self {
            kind: error.kind(),
            detail: error.to_string(),
        }
    }
}

impl From<redb::Error> for DiskError {
    fn from(error: redb::Error) -> Self {
        let detail = error.to_string();
        let kind = if let redb::Error::Io(error) = &error {
            error.kind()
        } else {
            io::ErrorKind::Other
        };
        Self { kind, detail }
    }
}

/// Why entries were not taken. None of them is acknowledged; the sender keeps them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The journal holds as much as it may; it has room again when its readers have caught up.
    #[error("the journal is full")]
    Full,
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// One entry is longer than [`ENTRY_BYTES_MAX`], or all together are longer than may wait in memory.
    #[error("{bytes} bytes are more than one append may have ({bytes_max})")]
    TooLarge {
        /// The bytes, encoded.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The journal was closed, or its writer came to an end by a bug.
    #[error("the journal is closed")]
    Closed,
}

/// Why entries could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A block no longer is what was written. The reader can count the entries as lost and go on after `last`.
    #[error("the journal's entries {first} to {last} are damaged: {cause}")]
    Damaged {
        /// The first entry of the block.
        first: Seq,
        /// The last entry of the block.
        last: Seq,
        /// What was wrong.
        cause: NotAnEntry,
    },
}

/// The writer came to an end while someone waited for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the journal is closed")]
pub struct Closed;

/// What the journal was found to be when it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// The first entry that is still there.
    pub first: Seq,
    /// The number of the next entry.
    pub next: Seq,
    /// Whether the journal had not been closed properly: then all of it was checked, and what was half written when the
    /// process ended, none of it acknowledged, was cut.
    pub repaired: bool,
}

/// How much the journal holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// The first entry that is still there.
    pub first: Seq,
    /// The number of the next entry.
    pub next: Seq,
    /// Everything up to here was released; what lies before `first` is freed already.
    pub released: Seq,
    /// Bytes that the blocks take.
    pub bytes: u64,
    /// Bytes at which appending answers [`AppendError::Full`].
    pub bytes_max: u64,
    /// Bytes of the file; it may be longer than `bytes`, for what was freed is used again before it is given back.
    pub file_bytes: u64,
}

/// What the handles and the writer share.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) bytes_max: u64,
    released: AtomicU64,
    first: AtomicU64,
    bytes: AtomicU64,
    /// The number of the next entry; its sender is the writer's, so that whoever waits learns of the writer's end.
    next: watch::Receiver<Seq>,
}

impl Shared {
    pub(crate) fn released(&self) -> Seq {
        self.released.load(Ordering::Acquire)
    }

    pub(crate) fn publish(&self, extent: &Extent, next: &watch::Sender<Seq>) {
        self.first.store(extent.first(), Ordering::Release);
        self.bytes.store(extent.bytes, Ordering::Release);
        next.send_if_modified(|known| std::mem::replace(known, extent.next) != extent.next);
    }
}

/// A handle on the journal; clones share it. When the last one is dropped, what waits is written and the file closed.
#[derive(Clone)]
pub struct Journal {
    shared: Arc<Shared>,
    waiting: Arc<Semaphore>,
    waiting_bytes_max: u32,
    writer: Arc<WriterThread>,
}

struct WriterThread {
    requests: Option<Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the writer was already shown to all who waited as `Closed`.
            let _ = thread.join();
        }
    }
}

impl Journal {
    /// Opens the journal in `folder`, making both if need be. Entries are numbered from `next_at_least` or from where the
    /// journal ended, whichever is later: should the journal be lost while its readers' positions are kept, no
    /// number comes twice.
    ///
    /// # Errors
    /// The disk refuses, another process has the journal open, or the file is damaged beyond what a crash can do.
    pub fn open(folder: &Path, config: &Config, next_at_least: Seq) -> Result<(Self, Opened), DiskError> {
        std::fs::create_dir_all(folder)?;
        if let Some(parent) = folder.parent().filter(|parent| parent.is_dir()) {
            store::sync_folder(parent)?;
        }
        Self::open_on(Box::new(FileDisk(folder.join("journal.redb"))), config, next_at_least)
    }

    pub(crate) fn open_on(
        disk: Box<dyn Disk>,
        config: &Config,
        next_at_least: Seq,
    ) -> Result<(Self, Opened), DiskError> {
        let (store, mut extent) = Store::open(disk)?;
        extent.next = extent.next.max(next_at_least);
        let opened = Opened {
            first: extent.first(),
            next: extent.next,
            repaired: store.repaired(),
        };
        let (next, known) = watch::channel(extent.next);
        let shared = Arc::new(Shared {
            store,
            bytes_max: config.journal_bytes_max,
            released: AtomicU64::new(0),
            first: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            next: known,
        });
        shared.publish(&extent, &next);
        let (requests, received) = channel();
        let writer = Writer {
            shared: Arc::clone(&shared),
            requests: received,
            packer: Packer::new()?,
            extent: Some(extent),
            next,
            next_at_least,
        };
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer.run())?;
        let journal = Self {
            shared,
            waiting: Arc::new(Semaphore::new(config.waiting_bytes_max as usize)),
            waiting_bytes_max: config.waiting_bytes_max,
            writer: Arc::new(WriterThread {
                requests: Some(requests),
                thread: Some(thread),
            }),
        };
        Ok((journal, opened))
    }

    /// Makes entries durable, all or none, and answers with their numbers. Many callers share one write. Waits while too
    /// much waits already. When the future is dropped, the entries may be taken or not.
    ///
    /// # Errors
    /// None of the entries is acknowledged; see [`AppendError`]. After [`AppendError::Disk`] they may be there all the same.
    pub async fn append(&self, entries: Vec<JournalEntry>) -> Result<SeqRange, AppendError> {
        if entries.is_empty() {
            let next = *self.shared.next.borrow();
            return Ok(next..next);
        }
        let entries = self.encode(&entries)?;
        // `encode` holds the length to a limit of 32 bits.
        let bytes = u32::try_from(entries.bytes.len()).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.waiting)
            .acquire_many_owned(bytes)
            .await
            .map_err(|_| AppendError::Closed)?;
        let (reply, replied) = oneshot::channel();
        self.ask(Request::Append { entries, reply, permit })?;
        replied.await.map_err(|_| AppendError::Closed)?
    }

    fn encode(&self, entries: &[JournalEntry]) -> Result<Encoded, AppendError> {
        let mut encoded = Encoded {
            bytes: Vec::with_capacity(entries.len() * 256),
            ends: Vec::with_capacity(entries.len()),
        };
        let mut begin = 0;
        for entry in entries {
            encode_entry(entry, &mut encoded.bytes);
            let end = encoded.bytes.len();
            check_limit(end - begin, ENTRY_BYTES_MAX)?;
            check_limit(end, self.waiting_bytes_max as usize)?;
            encoded.ends.push(end);
            begin = end;
        }
        Ok(encoded)
    }

    fn ask(&self, request: Request) -> Result<(), AppendError> {
        let requests = self.writer.requests.as_ref().ok_or(AppendError::Closed)?;
        requests.send(request).map_err(|_| AppendError::Closed)
    }

    /// Reads durable entries in order from number `from` on: at most `entries_max`, and no further entry once their bytes
    /// (before compression, as stored) reach `bytes_max`. Entries that were freed already are passed over, so the
    /// first number may be later than `from`. Empty when there is nothing yet. Blocks on the disk, never on the writer.
    ///
    /// # Errors
    /// The disk refuses (try again later), or the block that holds `from` is damaged (see [`ReadError::Damaged`]).
    pub fn read(&self, from: Seq, entries_max: usize, bytes_max: usize) -> Result<Vec<(Seq, JournalEntry)>, ReadError> {
        let next = *self.shared.next.borrow();
        let mut read = Vec::new();
        if from >= next || entries_max == 0 || bytes_max == 0 {
            return Ok(read);
        }
        let mut bytes = 0;
        let mut damage = None;
        let walked = self.shared.store.blocks(from, |first, block| {
            if first >= next {
                return false;
            }
            match decode_block(first, from, block) {
                Ok(entries) => {
                    for (seq, entry) in entries {
                        if read.len() >= entries_max || bytes >= bytes_max {
                            return false;
                        }
                        bytes += bytes_of(&entry);
                        read.push((seq, entry));
                    }
                }
                Err(cause) => {
                    let entries = block::entries_in(block).unwrap_or(1).max(1);
                    damage = Some(ReadError::Damaged {
                        first,
                        last: first + u64::from(entries) - 1,
                        cause,
                    });
                }
            }
            damage.is_none() && read.len() < entries_max && bytes < bytes_max
        });
        match (walked, damage) {
            (Err(error), _) => {
                // After a failed write the file must be opened anew; readers must not have to wait for the next append.
                let _ = self.ask(Request::Look);
                Err(error.into())
            }
            (Ok(()), Some(damage)) if read.is_empty() => Err(damage),
            (Ok(()), _) => Ok(read),
        }
    }

    /// Waits until there is a durable entry with a number above `seq`, and says the newest number.
    ///
    /// # Errors
    /// The writer came to an end.
    pub async fn wait_beyond(&self, seq: Seq) -> Result<Seq, Closed> {
        let mut next = self.shared.next.clone();
        let newest = next
            .wait_for(|next| *next > seq.saturating_add(1))
            .await
            .map_err(|_| Closed)?;
        Ok(*newest - 1)
    }

    /// Says that no reader needs the entries up to `up_to` any more. Their space is used again from the next append on. Not
    /// durable by itself: after a crash some of them may be there again.
    pub fn release(&self, up_to: Seq) {
        self.shared.released.fetch_max(up_to, Ordering::AcqRel);
        // A closed journal has nothing to free.
        let _ = self.ask(Request::Look);
    }

    /// How much the journal holds.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            first: self.shared.first.load(Ordering::Acquire),
            next: *self.shared.next.borrow(),
            released: self.shared.released(),
            bytes: self.shared.bytes.load(Ordering::Acquire),
            bytes_max: self.shared.bytes_max,
            file_bytes: self.shared.store.file_bytes(),
        }
    }
}

fn check_limit(bytes: usize, bytes_max: usize) -> Result<(), AppendError> {
    if bytes > bytes_max {
        Err(AppendError::TooLarge { bytes, bytes_max })
    } else {
        Ok(())
    }
}

/// Bytes of an entry for a reader's limit.
fn bytes_of(entry: &JournalEntry) -> usize {
    match entry {
        JournalEntry::Record(record) => record.bytes.len() + 64,
        JournalEntry::Rejection(rejection) => rejection.record.bytes.len() + rejection.detail.len() + 64,
        JournalEntry::Loss(loss) => loss.detail.len() + 64,
        JournalEntry::Tick(_) => 64,
    }
}

#[cfg(test)]
mod tests;
