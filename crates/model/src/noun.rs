//! Nouns that the ledger keeps alike: one table of whole bodies with revisions, instead of a file of SQL for each. A noun
//! enters by implementing [`Kept`].

use compact_str::CompactString;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Permission, Timestamp};

/// A noun that the ledger keeps whole, under its kind and key, with a revision: a directive, a watch, a waiver, a roster …
///
/// Its JSON must read back as it was: maps have text keys, numbers are finite. It is never deleted; its state says that it
/// is over.
pub trait Kept: Serialize + DeserializeOwned {
    /// The name of its kind in the ledger and in the duty book (`watch`): lower case, never changed once released, and none
    /// of the ledger's own tables (`alert`, `silence`, `account` …).
    const KIND: &'static str;
    /// What is needed to read it.
    const READ: Permission;
    /// Whether entries hold its whole body before and after. Those that come by the thousand say no: their digest stands
    /// for them when the post itself decides.
    const WHOLE: bool = true;

    /// Its key: unique among its kind, at most [`Noun::KEY_BYTES_MAX`] bytes.
    fn key(&self) -> String;

    /// Counts changes: 1 when it is new, one more with each; a decision made on an older revision is refused.
    fn revision(&self) -> u64;

    /// By what it is found.
    fn index(&self) -> NounIndex;
}

/// What a kept noun is found by; everything else is read from its body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NounIndex {
    /// A short word for its state (`open`, `closed`).
    pub state: CompactString,
    /// Whose it is: a person's id, a team's key.
    pub owner: Option<CompactString>,
    /// The key of what it belongs to (the watch of a waiver, the roster of an override).
    pub parent: Option<CompactString>,
    /// When it is due, expires or begins: what it is sorted by.
    pub due_at: Option<Timestamp>,
}

/// A kept noun on its way into the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noun {
    /// Its kind.
    pub kind: CompactString,
    /// Its key among its kind.
    pub key: String,
    /// Its revision.
    pub revision: u64,
    /// By what it is found.
    pub index: NounIndex,
    /// Whether the entry holds its body also when the post itself decides.
    pub whole: bool,
    /// Its body as JSON text.
    pub body: String,
}

impl Noun {
    /// Longest key in bytes.
    pub const KEY_BYTES_MAX: usize = 200;
    /// Longest body in bytes; a larger one is refused by the ledger.
    pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

    /// Makes it ready for the ledger.
    ///
    /// # Panics
    /// When its body cannot be JSON: a map has keys that are no text.
    #[must_use]
    pub fn of<T: Kept>(noun: &T) -> Self {
        Self {
            kind: T::KIND.into(),
            key: noun.key(),
            revision: noun.revision(),
            index: noun.index(),
            whole: T::WHOLE,
            body: serde_json::to_string(noun).expect("the maps of a kept noun have text keys"),
        }
    }

    /// Reads it back; none when it is of another kind.
    #[must_use]
    pub fn read<T: Kept>(&self) -> Option<T> {
        (self.kind == T::KIND)
            .then(|| serde_json::from_str(&self.body).ok())
            .flatten()
    }
}
