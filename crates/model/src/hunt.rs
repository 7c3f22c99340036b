//! A hunt that somebody kept, to ask it again or to let others ask it.

use serde::{Deserialize, Serialize};

use crate::{Id, Kept, NounIndex, Permission, Timestamp, User};

/// A kept hunt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedHunt {
    /// Its id.
    pub id: Id<SavedHunt>,
    /// What it is called.
    pub title: String,
    /// The search line, or the question in SQL.
    pub text: String,
    /// Whether `text` is SQL.
    pub sql: bool,
    /// How far back it looks (`1h`, `24h`, `7d`, `all`).
    pub range: String,
    /// The columns of its table; empty for the usual ones.
    pub columns: Vec<String>,
    /// Whose it is.
    pub owner: Id<User>,
    /// Their sign-in name when it was saved.
    pub owner_login: String,
    /// Whether everybody who hunts sees it.
    pub shared: bool,
    /// Whether it was dropped.
    pub dropped: bool,
    /// When it was saved first.
    pub created_at: Timestamp,
    /// Counts changes.
    pub revision: u64,
}

impl SavedHunt {
    /// Longest title in bytes.
    pub const TITLE_BYTES_MAX: usize = 120;
    /// Longest question in bytes.
    pub const TEXT_BYTES_MAX: usize = 8192;
    /// Most columns.
    pub const COLUMNS_MAX: usize = 40;

    /// Whether a person sees it.
    #[must_use]
    pub fn is_for(&self, user: Id<User>) -> bool {
        !self.dropped && (self.shared || self.owner == user)
    }
}

impl Kept for SavedHunt {
    const KIND: &'static str = "hunt";
    const READ: Permission = Permission::Hunt;

    fn key(&self) -> String {
        self.id.to_string()
    }
    fn revision(&self) -> u64 {
        self.revision
    }
    fn index(&self) -> NounIndex {
        let state = match (self.dropped, self.shared) {
            (true, _) => "dropped",
            (false, true) => "shared",
            (false, false) => "own",
        };
        NounIndex {
            state: state.into(),
            owner: Some(self.owner.to_string().into()),
            parent: None,
            due_at: None,
        }
    }
}
