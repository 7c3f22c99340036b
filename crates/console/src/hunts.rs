//! Hunts that people began in the console: they run beside the requests, are looked at by id, and are bound per person.

mod run;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use lake::{
    Lake,
    query::{HuntError, HuntHandle, HuntLimits, HuntScope, HuntSession, Incomplete, Inquiry, Progress, Summary},
};
use model::{Id, User};
use serde_json::{Map, Value};

pub(crate) use run::{NotBegun, begin, begin_export};

/// Hunts of one person that run at once.
pub(crate) const AT_ONCE_MAX: usize = 3;
/// Hunts of all people that run at once.
const ALL_AT_ONCE_MAX: usize = 12;
/// Ended hunts of one person whose answers are kept.
const KEPT_MAX: usize = 6;
/// People whose sessions are kept ready.
const SESSIONS_MAX: usize = 64;
/// Rows of an answer on the page.
pub(crate) const ROWS_MAX: usize = 1000;
/// Bytes of text of an answer on the page.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What each person may take: all their hunts share the memory and the disk.
pub(crate) const LIMITS: HuntLimits = HuntLimits {
    memory_bytes_max: 256 * 1024 * 1024,
    spill_bytes_max: 1024 * 1024 * 1024,
    seconds_max: 60,
    rows_max: 1_000_000,
};

/// All hunts of the console.
#[derive(Default)]
pub(crate) struct Hunts {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    sessions: HashMap<Id<User>, HuntSession>,
    hunts: BTreeMap<u64, Arc<Running>>,
    last: u64,
}

/// A hunt that runs, or that ran.
pub(crate) struct Running {
    pub(crate) id: u64,
    owner: Id<User>,
    shown: Mutex<Shown>,
    cancelled: AtomicBool,
}

/// What is known of a hunt by now.
#[derive(Clone, Default)]
pub(crate) struct Shown {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Map<String, Value>>,
    /// Whether all rows that will be shown are there.
    pub(crate) rows_done: bool,
    pub(crate) summary: Option<Summary>,
    pub(crate) done: bool,
    pub(crate) progress: Progress,
    pub(crate) incomplete: Vec<Incomplete>,
    pub(crate) failure: Option<HuntError>,
    handle: Option<HuntHandle>,
}

impl Running {
    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known by now.
    pub(crate) fn look(&self) -> Shown {
        let mut shown = self.shown().clone();
        if let Some(handle) = &shown.handle {
            shown.progress = handle.progress();
        }
        shown
    }

    /// Ends it; what it has seen by now stays.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
        if let Some(handle) = &self.shown().handle {
            handle.cancel();
        }
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

impl Hunts {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A hunt of this person.
    pub(crate) fn find(&self, owner: Id<User>, id: u64) -> Option<Arc<Running>> {
        let found = self.state().hunts.get(&id).cloned();
        found.filter(|running| running.owner == owner)
    }

    /// The session of a person. Every role that may hunt sees all sources, so the scope has no list.
    fn session(&self, lake: &Lake, owner: Id<User>) -> Result<HuntSession, HuntError> {
        let mut state = self.state();
        if let Some(session) = state.sessions.get(&owner) {
            return Ok(session.clone());
        }
        if state.sessions.len() >= SESSIONS_MAX {
            state.sessions.clear();
        }
        let session = lake.session(LIMITS, &HuntScope::default())?;
        state.sessions.insert(owner, session.clone());
        Ok(session)
    }

    /// The names of fields of records.
    pub(crate) fn field_names(&self, lake: &Lake, owner: Id<User>) -> Vec<String> {
        let names = self.session(lake, owner).map(|session| session.field_names());
        names
            .map(|names| names.iter().map(str::to_owned).collect())
            .unwrap_or_default()
    }

    /// Makes place for one more hunt of a person; none when they, or all, hunt enough already.
    fn place(&self, owner: Id<User>) -> Option<Arc<Running>> {
        let mut state = self.state();
        let runs = |running: &Arc<Running>| !running.shown().done;
        let all = state.hunts.values().filter(|running| runs(running)).count();
        let own = state.hunts.values().filter(|running| running.owner == owner);
        let (running, ended): (Vec<_>, Vec<_>) = own.map(|own| (own.id, runs(own))).partition(|(_, runs)| *runs);
        if all >= ALL_AT_ONCE_MAX || running.len() >= AT_ONCE_MAX {
            return None;
        }
        let over = (ended.len() + 1).saturating_sub(KEPT_MAX);
        for (id, _) in ended.into_iter().take(over) {
            state.hunts.remove(&id);
        }
        state.last += 1;
        let running = Arc::new(Running {
            id: state.last,
            owner,
            shown: Mutex::default(),
            cancelled: AtomicBool::new(false),
        });
        state.hunts.insert(running.id, Arc::clone(&running));
        Some(running)
    }

    fn forget(&self, id: u64) {
        self.state().hunts.remove(&id);
    }
}

/// A hunt as somebody wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) inquiry: Inquiry,
    /// The columns whose most frequent values are told.
    pub(crate) facets: Vec<String>,
}
