//! The event store: every event once, in Parquet files partitioned by day, findable from the moment it was appended.
//! Records that were refused are kept beside the events in a table of their own.
//!
//! Events wait in memory, where they become Parquet piece by piece; a flush joins the pieces into a file for each day.
//! New files and the lake's own position in the journal become valid in one rename, so after a crash the pump reads
//! from that position again and each event is there exactly once. `docs/adr/0006-lake-files.md` explains the layout.

mod catalog;
mod columns;
mod disk;
mod entities;
mod error;
mod event_row;
mod filter;
mod heard;
mod maintenance;
mod manifest;
mod memory;
pub mod query;
mod raw;
mod reading;
mod rejection_row;
mod retention;
mod row;
mod seal;
pub mod search;
mod segment;
mod text;
mod writing;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock},
    thread::JoinHandle,
};

use jiff::civil::Date;
use model::{Event, Seq, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    catalog::{Catalog, View},
    disk::{Disk, RealDisk},
    memory::Memory,
};
pub use crate::{
    error::{AppendError, FlushError, OpenError, Unreadable},
    filter::{EntityValue, Filter},
    manifest::{Position, SourceCount, is_manifest},
    reading::{Found, Stats, TableStats},
    rejection_row::Refused,
    retention::{Dropped, Hold, Keep},
    row::Table,
    seal::{Seal, SealError, check_seal},
    text::fold,
};

/// The lake's section of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Longest time in seconds that events wait in memory before they are written to a file.
    pub flush_seconds: u32,
    /// Most bytes of events in memory; beyond it, appending waits, and while the disk refuses it answers [`AppendError::Full`].
    pub memory_bytes_max: usize,
    /// Most bytes of files; beyond it, [`Lake::retain`] drops the oldest days. Without it only the disk is the limit.
    pub lake_bytes_max: Option<u64>,
    /// How full the disk may be, in hundredths, whoever filled it; beyond it, [`Lake::retain`] drops the oldest days.
    pub disk_percent_max: u8,
    /// Days after which [`Lake::retain`] drops events.
    pub keep_days: u16,
    /// How single sources are kept, by their names; a name that ends in `*` stands for all that begin so.
    pub sources: BTreeMap<String, Keep>,
    /// An event that claims to have happened longer ago than this many days before it was received is kept under the day
    /// of its receipt.
    pub partition_days_back: u16,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            flush_seconds: 30,
            memory_bytes_max: 64 * 1024 * 1024,
            lake_bytes_max: None,
            disk_percent_max: 80,
            keep_days: 365,
            sources: BTreeMap::new(),
            partition_days_back: 30,
        }
    }
}

/// What the pump hands over at once.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Events in any order.
    pub events: Vec<Event>,
    /// Refused records.
    pub rejections: Vec<Refused>,
    /// With this batch, everything that follows from journal entries before this number was handed over.
    pub resume: Seq,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Appended {
    /// Rows that are in the lake now.
    pub new: u64,
    /// Rows that were in the lake already, because the journal was read again after a crash.
    pub known: u64,
}

/// The event store. Shared by reference; all operations block, and may be called from any thread.
pub struct Lake {
    inner: Arc<Inner>,
    threads: Vec<JoinHandle<()>>,
    /// The threads of hunts, started with the first session.
    hunting: OnceLock<std::io::Result<tokio::runtime::Runtime>>,
}

pub(crate) struct Inner {
    folder: PathBuf,
    config: Config,
    disk: Arc<dyn Disk>,
    state: Mutex<State>,
    /// Told whenever `state` changes in a way that someone may wait for.
    changed: Condvar,
    /// Held by whoever changes files; taken before `state`.
    catalog: Mutex<Catalog>,
    /// Held by readers, so that files they know of are not removed under them.
    readers: RwLock<()>,
    /// A copy for each file that a hunt still means to read, to the same end.
    pins: Arc<()>,
    footers: query::Footers,
    /// The names of the fields of records in files that were looked into, by the hash of the file.
    learnt: Mutex<BTreeMap<String, Arc<BTreeSet<String>>>>,
    /// Files that could not be read, and why; they are not tried again until a check finds them whole.
    set_aside: Mutex<BTreeMap<String, String>>,
    /// The file whose hash was checked last, day by day through all of them.
    checked: Mutex<Option<(Date, Table, String)>>,
}

struct State {
    memory: Memory,
    view: Arc<View>,
    /// Why the last flush failed, until one succeeds.
    failure: Option<String>,
    /// Whether the flusher should not wait for its time.
    urgent: bool,
    stopping: bool,
}

impl Lake {
    /// Opens the lake in `folder`, or makes one there. Files of writes that were not completed are removed.
    ///
    /// # Errors
    /// The disk refuses, another process has the lake open, or its manifest is missing or damaged.
    pub fn open(folder: &Path, config: Config) -> Result<Self, OpenError> {
        Self::open_on(folder, config, Box::new(RealDisk))
    }

    fn open_on(folder: &Path, config: Config, disk: Box<dyn Disk>) -> Result<Self, OpenError> {
        let disk: Arc<dyn Disk> = disk.into();
        let (catalog, view) = Catalog::open(folder, Arc::clone(&disk))?;
        let memory = Memory {
            position: view.position.clone(),
            ..Memory::default()
        };
        let state = State {
            memory,
            view: Arc::new(view),
            failure: None,
            urgent: false,
            stopping: false,
        };
        let inner = Arc::new(Inner {
            folder: folder.to_owned(),
            config,
            disk,
            state: Mutex::new(state),
            changed: Condvar::new(),
            catalog: Mutex::new(catalog),
            readers: RwLock::new(()),
            pins: Arc::new(()),
            footers: query::Footers::default(),
            learnt: Mutex::default(),
            set_aside: Mutex::default(),
            checked: Mutex::default(),
        });
        let start = |name: &str, run: fn(&Inner)| {
            let inner = Arc::clone(&inner);
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || run(&inner))
        };
        let threads = vec![
            start("lake-encode", Inner::run_encoder)?,
            start("lake-flush", Inner::run_flusher)?,
        ];
        Ok(Self {
            inner,
            threads,
            hunting: OnceLock::new(),
        })
    }

    /// Takes events and refused records into memory, where they can be found at once; they are durable when
    /// [`Lake::position`] has passed them. Rows that the lake has already are passed over. Waits while memory is full.
    ///
    /// # Errors
    /// Memory is full and the disk refuses; nothing of the batch was taken.
    pub fn append(&self, batch: Batch) -> Result<Appended, AppendError> {
        self.inner.append(batch)
    }

    /// Writes everything that is in memory to files now.
    ///
    /// # Errors
    /// The disk refuses; everything stays in memory and will be tried again.
    pub fn flush(&self) -> Result<(), FlushError> {
        self.inner.flush()
    }

    /// How far the lake has durably come: after a restart the journal is read from `resume` on.
    #[must_use]
    pub fn position(&self) -> Position {
        self.inner.lock().view.position.clone()
    }
}

impl Drop for Lake {
    fn drop(&mut self) {
        self.inner.lock().stopping = true;
        self.inner.changed.notify_all();
        if let Some(Ok(hunting)) = self.hunting.take() {
            hunting.shutdown_background();
        }
        for thread in self.threads.drain(..) {
            // A panic there has been reported by the panic hook; the journal still has what was not written.
            let _ = thread.join();
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_catalog(&self) -> MutexGuard<'_, Catalog> {
        self.catalog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learnt(&self) -> MutexGuard<'_, BTreeMap<String, Arc<BTreeSet<String>>>> {
        self.learnt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the earliest and the latest event happened, as far as files and memory know.
    fn happened_between(&self) -> Option<(Timestamp, Timestamp)> {
        let state = self.lock();
        let files = state.view.files(Table::Events).map(|(_, file)| file.facts.happened_at);
        let bounds = files.chain(state.memory.events.happened_between());
        let (first, last) = bounds.reduce(|all, one| (all.0.min(one.0), all.1.max(one.1)))?;
        let moment = |micros| Timestamp::from_microsecond(micros).ok();
        Some((moment(first)?, moment(last)?))
    }

    fn set_aside_files(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.set_aside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why a file, named relative to the lake's folder, is not to be read.
    pub(crate) fn set_aside_cause(&self, file: &str) -> Option<String> {
        self.set_aside_files().get(file).cloned()
    }

    pub(crate) fn set_aside(&self, file: &Unreadable) {
        self.set_aside_files().insert(file.file.clone(), file.cause.clone());
    }

    /// Removes files that no longer belong, unless someone may still be reading them.
    fn remove_garbage(&self, catalog: &mut Catalog) {
        if let Ok(_alone) = self.readers.try_write()
            && Arc::strong_count(&self.pins) == 1
        {
            catalog.remove_garbage();
        }
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
