//! Directives: what an authority asks for in a letter, requirement by requirement.

use compact_str::CompactString;
use jiff::civil;
use serde::{Deserialize, Serialize};

use crate::{Id, Kept, NounIndex, Permission, Timestamp, User, Wording};

/// A letter of an authority that asks for something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directive {
    /// Its id.
    pub id: Id<Directive>,
    /// Its number as written (`1465/BTTTT-CATTT`).
    pub number: String,
    /// Who issued it, as written.
    pub issuer: String,
    /// The day on the letter.
    pub issued_on: civil::Date,
    /// The day on which it came in.
    pub received_on: civil::Date,
    /// What it is about.
    pub subject: Wording,
    /// The entry of the catalogue that it was taken from, if any.
    pub catalogue: Option<CompactString>,
    /// The letter as it came in, if it was put in.
    pub file: Option<LetterFile>,
    /// Whom one may ask, as the letter says.
    pub contacts: Vec<DirectiveContact>,
    /// What it asks for, in its order.
    pub requirements: Vec<Requirement>,
    /// Who registered it.
    pub registered_by: Id<User>,
    /// When.
    pub registered_at: Timestamp,
    /// Counts changes.
    pub revision: u64,
}

impl Kept for Directive {
    const KIND: &'static str = "directive";
    const READ: Permission = Permission::ReadWatches;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        NounIndex {
            state: "registered".into(),
            owner: Some(self.registered_by.to_string().into()),
            parent: None,
            due_at: None,
        }
    }
}

/// A file that was put in; its bytes are kept beside the ledger under their hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterFile {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its bytes, lower-case hexadecimal.
    pub sha256: String,
}

/// Where one can ask about a directive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectiveContact {
    /// Who.
    pub name: Wording,
    /// Telephone numbers.
    #[serde(default)]
    pub telephones: Vec<String>,
    /// E-mail addresses.
    #[serde(default)]
    pub emails: Vec<String>,
    /// From where it is known.
    pub source: String,
    /// The day on which somebody last found it right; none when nobody did since it was published.
    #[serde(default)]
    pub confirmed_on: Option<civil::Date>,
}

/// Whom a requirement addresses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Addressee {
    /// Any organisation that runs systems.
    #[default]
    Organisation,
    /// Telecom, Internet and digital-platform providers.
    Provider,
    /// All of them.
    Both,
}

/// One thing that is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Its key within its directive (`1.2`).
    pub key: CompactString,
    /// The part of the letter it stands in.
    #[serde(default)]
    pub part: Wording,
    /// What is asked for.
    pub text: Wording,
    /// Whom it addresses.
    #[serde(default)]
    pub addressee: Addressee,
    /// The controls whose measurements show it.
    #[serde(default)]
    pub controls: Vec<CompactString>,
    /// What a person is asked where nothing can be measured.
    #[serde(default)]
    pub question: Option<Wording>,
    /// When it must be done, if the letter says so.
    #[serde(default)]
    pub due_on: Option<civil::Date>,
    /// What a reader should know about it.
    #[serde(default)]
    pub note: Option<Wording>,
}
