//! The ledger: what the post decided. State, a hash-chained entry and what must happen outside are committed in one
//! transaction; people read it through a `Scope`.

mod apply;
mod database;
mod entry;
mod error;
#[cfg(feature = "faults")]
mod faults;
mod fold;
mod head;
mod nouns;
mod verify;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use model::{Permission, Scope, Timestamp};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

pub use apply::Applied;
pub use entry::Entry;
pub use error::{ApplyError, OpenError, ReadError, StoreError};
pub use fold::fold;
pub use head::{Head, NotAHead};
pub use nouns::{
    accounts::{Person, SignInFailures},
    alerts::{AlertFilter, AlertOrder, Assignee, StateKind, Visibility},
    counts::Counts,
    detections::KeptDetection,
    entries::{AlertChange, EntryFilter, SilenceChange},
    kept::NounFilter,
    outbox::{Claimed, GivenUp, Lane, OutboxRow, OutboxState, Outcome},
};
pub use verify::{Broken, Flaw, Verified};

/// One page of a list, and where the next one begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// What to ask the next page with; absent at the end.
    pub next: Option<String>,
}

/// Which page of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageAt<'a> {
    /// The `next` of the page before; absent for the first page.
    pub cursor: Option<&'a str>,
    /// Most items; cut to [`Ledger::PAGE_ITEMS_MAX`].
    pub limit: usize,
}

impl PageAt<'_> {
    /// The first page.
    #[must_use]
    pub const fn first(limit: usize) -> Self {
        Self { cursor: None, limit }
    }

    fn items(self) -> usize {
        self.limit.clamp(1, Ledger::PAGE_ITEMS_MAX)
    }
}

/// Where the ledger lives.
#[derive(Debug, Clone)]
pub struct Options {
    /// The database file; SQLite keeps two more files beside it.
    pub path: PathBuf,
    /// The head file. On another disk or machine it protects the better against a cut tail.
    pub head_path: PathBuf,
}

impl Options {
    /// The usual places in a data folder.
    #[must_use]
    pub fn in_folder(folder: &std::path::Path) -> Self {
        Self {
            path: folder.join("ledger.sqlite"),
            head_path: folder.join("ledger.head"),
        }
    }
}

/// The ledger's section of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Days for which the details of detections are kept after their alert was closed, or last fed where a silence hides it. Alerts,
    /// their counts and the entries of the duty book stay.
    pub keep_details_days: u16,
}

impl Default for Config {
    fn default() -> Self {
        Self { keep_details_days: 365 }
    }
}

/// The open ledger; cheap to clone. Its calls block for the time of a disk access: from asynchronous code go through
/// [`Ledger::off_thread`].
#[derive(Debug, Clone)]
pub struct Ledger {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    options: Options,
    writer: Mutex<Writer>,
    readers: Mutex<Vec<Connection>>,
    revision: watch::Sender<u64>,
}

#[derive(Debug)]
struct Writer {
    connection: Connection,
    head: head::HeadFile,
}

impl Writer {
    /// Begins a transaction that holds the right to write from the start.
    fn begin(&mut self) -> rusqlite::Result<Transaction<'_>> {
        if !self.connection.is_autocommit() {
            // The end of an earlier transaction failed (its rollback met the same fault): it is undone now, or the writer
            // would be stuck in it for good.
            self.connection.execute_batch("ROLLBACK")?;
        }
        self.connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
    }
}

impl Ledger {
    /// How long a write waits for another process before it is refused.
    pub const BUSY_SECONDS_MAX: u64 = 10;
    /// Most items of one page; larger wishes are cut to it.
    pub const PAGE_ITEMS_MAX: usize = 500;
    /// How many idle connections for reading are kept.
    pub const IDLE_READERS_MAX: usize = 4;

    /// Opens the ledger, makes it when it is not there, and brings its schema up to date.
    ///
    /// # Errors
    /// When the file is from a newer program, or cannot be read or written.
    pub fn open(options: Options, now: Timestamp) -> Result<Self, OpenError> {
        let unusable = |path: &std::path::Path, cause: String| OpenError::Unusable {
            path: path.display().to_string(),
            cause,
        };
        let connection = database::open_writer(&options.path, now)?;
        let head = head::HeadFile::open(&options.head_path)
            .map_err(|error| unusable(&options.head_path, error.to_string()))?;
        Ok(Self {
            inner: Arc::new(Inner {
                options,
                writer: Mutex::new(Writer { connection, head }),
                readers: Mutex::default(),
                revision: watch::Sender::new(0),
            }),
        })
    }

    /// A counter that rises with every committed decision, for pages that follow along.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.inner.revision.subscribe()
    }

    /// Runs a call to the ledger on a thread that may block.
    ///
    /// # Panics
    /// When the call itself panics.
    pub async fn off_thread<T: Send + 'static>(&self, call: impl FnOnce(&Self) -> T + Send + 'static) -> T {
        let ledger = self.clone();
        match tokio::task::spawn_blocking(move || call(&ledger)).await {
            Ok(answer) => answer,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        // A panic inside a write rolled its transaction back: the connection is as good as before.
        self.inner.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs something that is no decision in a transaction of its own.
    fn write<T>(&self, work: impl FnOnce(&Connection) -> Result<T, ApplyError>) -> Result<T, ApplyError> {
        let mut writer = self.writer();
        let transaction = writer.begin()?;
        let answer = work(&transaction)?;
        transaction.commit()?;
        Ok(answer)
    }

    /// Runs a query on a connection that can only read.
    fn read<T>(
        &self,
        scope: &Scope,
        permission: Permission,
        query: impl FnOnce(&Connection) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        if !scope.allows(permission) {
            return Err(ReadError::NotAllowed(permission));
        }
        let idle = self.readers().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => database::open_reader(&self.inner.options.path)?,
        };
        let answer = query(&connection);
        let mut readers = self.readers();
        if readers.len() < Self::IDLE_READERS_MAX {
            readers.push(connection);
        }
        answer
    }

    fn readers(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.inner.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
