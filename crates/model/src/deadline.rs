//! Deadlines: running timers that a law, a letter or a plan has started.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::{Id, Kept, NounIndex, Permission, Timestamp, User, Wording};

/// A running or ended timer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    /// Its id.
    pub id: Id<Deadline>,
    /// The rule of the content that it follows.
    pub rule: CompactString,
    /// What must be done.
    pub what: Wording,
    /// Who demands it, with clause.
    pub source: String,
    /// Whether somebody compared the rule with its source.
    pub confirmed: bool,
    /// What it is about (`alert:…`, `letter 202/TTCNTT&TT-QTHT`).
    pub matter: String,
    /// When the clock started.
    pub started_at: Timestamp,
    /// The last instant at which it is met.
    pub due_at: Timestamp,
    /// When it warns, ascending.
    pub warn_at: Vec<Timestamp>,
    /// How many of the warnings were given.
    pub warned: u32,
    /// Who keeps it.
    pub owner: Option<Id<User>>,
    /// What became of it.
    pub state: DeadlineState,
    /// Counts changes.
    pub revision: u64,
}

/// What became of a deadline: it ends once, as met, breached or stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum DeadlineState {
    /// The clock runs.
    Running,
    /// It was done in time.
    Met {
        /// When.
        at: Timestamp,
        /// Who.
        by: Id<User>,
        /// What proves it (`Số 12/BC-TTGS`), and what is incomplete.
        evidence: String,
    },
    /// Its time passed.
    Breached {
        /// When the time was over.
        at: Timestamp,
        /// When and by whom it was done after all, and what proves it.
        done_late: Option<(Timestamp, Id<User>, String)>,
    },
    /// It was started in error, or does not apply.
    Stopped {
        /// When.
        at: Timestamp,
        /// Who.
        by: Id<User>,
        /// Why.
        reason: String,
    },
}

impl Kept for Deadline {
    const KIND: &'static str = "deadline";
    const READ: Permission = Permission::ReadWatches;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        let state = match self.state {
            DeadlineState::Running => "running",
            DeadlineState::Met { .. } => "met",
            DeadlineState::Breached { .. } => "breached",
            DeadlineState::Stopped { .. } => "stopped",
        };
        NounIndex {
            state: state.into(),
            owner: self.owner.map(|owner| owner.to_string().into()),
            parent: Some(self.matter.as_str().into()),
            due_at: Some(self.due_at),
        }
    }
}
