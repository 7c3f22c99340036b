//! What a running hunt and those who look at it share: how far it has come, whether it is to stop, and what it could not read.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use datafusion::error::DataFusionError;

use crate::error::Unreadable;

/// Why an answer is not whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incomplete {
    /// The hunt took longer than it may; what it had seen by then is answered.
    TimeLimit {
        /// How long it may take.
        seconds: u32,
    },
    /// There are more rows than may be answered.
    RowLimit {
        /// How many may be.
        rows: u64,
    },
    /// The hunt needed more memory than it may, even with what it put aside on the disk.
    MemoryLimit {
        /// What it needed it for.
        detail: String,
    },
    /// Someone stopped it.
    Cancelled,
    /// A file is damaged; it was set aside and the rest was answered.
    SetAside(Unreadable),
}

impl std::fmt::Display for Incomplete {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TimeLimit { seconds } => write!(f, "the time limit of {seconds} s was reached"),
            Self::RowLimit { rows } => write!(f, "only the first {rows} rows are shown"),
            Self::MemoryLimit { detail } => write!(f, "the memory limit was reached: {detail}"),
            Self::Cancelled => f.write_str("cancelled"),
            Self::SetAside(file) => write!(f, "{} could not be read: {}", file.file, file.cause),
        }
    }
}

/// How far a hunt has come. What was passed over unread counts as done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Files that may hold what is sought, by time and source.
    pub files: u64,
    /// Those of them that are done.
    pub files_done: u64,
    /// Bytes of those files.
    pub bytes: u64,
    /// Bytes of them that are done: read, or passed over.
    pub bytes_done: u64,
    /// Bytes that were really read and decoded.
    pub bytes_read: u64,
    /// Row groups that were looked into.
    pub row_groups_read: u64,
    /// Row groups that statistics, bloom filters and text filters spared.
    pub row_groups_spared: u64,
    /// Rows that passed the conditions.
    pub rows_found: u64,
}

/// Shared by the parts of one hunt.
#[derive(Default)]
pub(crate) struct Control {
    pub(crate) files: AtomicU64,
    pub(crate) files_done: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) bytes_done: AtomicU64,
    pub(crate) bytes_read: AtomicU64,
    pub(crate) row_groups_read: AtomicU64,
    pub(crate) row_groups_spared: AtomicU64,
    pub(crate) rows_found: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    stopped: bool,
    incomplete: Vec<Incomplete>,
    failure: Option<DataFusionError>,
}

impl Control {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends all reading: what was read by now is the answer.
    pub(crate) fn stop(&self, why: Incomplete) {
        let mut state = self.state();
        state.stopped = true;
        if !state.incomplete.contains(&why) {
            state.incomplete.push(why);
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.state().stopped
    }

    /// Notes that the answer is not whole, without ending anything.
    pub(crate) fn lacks(&self, why: Incomplete) {
        let mut state = self.state();
        if !state.incomplete.contains(&why) {
            state.incomplete.push(why);
        }
    }

    /// Keeps the error of a condition, which must not be taken for that of the file it was tried on.
    pub(crate) fn fail(&self, error: DataFusionError) {
        self.state().failure.get_or_insert(error);
    }

    pub(crate) fn take_failure(&self) -> Option<DataFusionError> {
        self.state().failure.take()
    }

    pub(crate) fn incomplete(&self) -> Vec<Incomplete> {
        self.state().incomplete.clone()
    }

    pub(crate) fn progress(&self) -> Progress {
        let at = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Progress {
            files: at(&self.files),
            files_done: at(&self.files_done),
            bytes: at(&self.bytes),
            bytes_done: at(&self.bytes_done),
            bytes_read: at(&self.bytes_read),
            row_groups_read: at(&self.row_groups_read),
            row_groups_spared: at(&self.row_groups_spared),
            rows_found: at(&self.rows_found),
        }
    }
}

pub(crate) fn add(counter: &AtomicU64, amount: u64) {
    counter.fetch_add(amount, Ordering::Relaxed);
}
