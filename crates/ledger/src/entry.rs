//! Entries of the duty book: what an entry says, and how its hash is made.

use model::{Actor, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// The hash before the first entry.
pub(crate) const NO_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// One decision as the duty book keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its number: 1, 2, 3 … without gaps.
    pub number: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// Who decided.
    pub actor: Actor,
    /// What, as `noun.verb`.
    pub action: String,
    /// Why, in the actor's words, where there are any.
    pub reason: Option<String>,
    /// What changed and what must happen outside, as the JSON text that was hashed.
    pub content: String,
    /// The hash of the entry before.
    pub prev_hash: String,
    /// Its own hash.
    pub hash: String,
}

impl Entry {
    /// What it is about: `alert:…`, `silence:…`, `account:…`, `source_token:…`, `setting:…`, in order of the changes.
    #[must_use]
    pub fn subjects(&self) -> Vec<String> {
        let content: Content = serde_json::from_str(&self.content).unwrap_or_default();
        content
            .changes
            .into_iter()
            .filter_map(|change| change.subject)
            .collect()
    }
}

/// The stored columns of an entry, as they were hashed.
pub(crate) struct Sealed<'a> {
    pub(crate) number: u64,
    pub(crate) at: &'a str,
    pub(crate) actor: &'a str,
    pub(crate) action: &'a str,
    pub(crate) reason: Option<&'a str>,
    pub(crate) content: &'a str,
    pub(crate) prev_hash: &'a str,
}

impl Sealed<'_> {
    /// SHA-256 of one line of JSON: `["watchpost-ledger-1",number,at,actor,action,reason,content,prev_hash]`, where `actor`
    /// and `content` are put in as they are stored. Anybody can recompute it with a shell and `sha256sum`.
    pub(crate) fn hash(&self) -> String {
        let text = |text: &str| serde_json::to_string(text).expect("a text is always JSON");
        let line = format!(
            "[\"watchpost-ledger-1\",{},{},{},{},{},{},{}]",
            self.number,
            text(self.at),
            self.actor,
            text(self.action),
            self.reason.map_or_else(|| "null".to_owned(), text),
            self.content,
            text(self.prev_hash)
        );
        sha256_hex(line.as_bytes())
    }
}

/// One change as the entry keeps it. Bodies are there where a person decided, or where something began or changed its
/// state; otherwise their digest stands for them.
#[derive(Serialize, Default)]
pub(crate) struct ChangeNote {
    pub(crate) change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) revision: Option<u64>,
    /// SHA-256 of the row's body as it is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<u64>,
    /// Entries concerned, from the first to the last of each stretch.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) entries: Vec<(u64, u64)>,
}

/// The content of an entry, read back.
#[derive(Deserialize, Default)]
pub(crate) struct Content {
    pub(crate) changes: Vec<ReadNote>,
}

/// One change, read back as far as it is checked or shown.
#[derive(Deserialize)]
pub(crate) struct ReadNote {
    pub(crate) change: String,
    pub(crate) subject: Option<String>,
    pub(crate) digest: Option<String>,
    pub(crate) count: Option<u64>,
    #[serde(default)]
    pub(crate) entries: Vec<(u64, u64)>,
    pub(crate) before: Option<Box<RawValue>>,
    pub(crate) after: Option<Box<RawValue>>,
}

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// A running digest over the detections of one entry, in order of alert and ordinal.
#[derive(Default)]
pub(crate) struct DetectionsDigest {
    hasher: Sha256,
    pub(crate) count: u64,
}

impl DetectionsDigest {
    /// Adds a row: each part is led by its length, so that no two different rows read alike.
    pub(crate) fn add(&mut self, alert: &str, ordinal: u64, hidden_by: Option<&str>, body: &str) {
        let hidden_by = hidden_by.unwrap_or("");
        self.hasher.update(alert.as_bytes());
        self.hasher.update(ordinal.to_be_bytes());
        for part in [hidden_by, body] {
            self.hasher.update((part.len() as u64).to_be_bytes());
            self.hasher.update(part.as_bytes());
        }
        self.count += 1;
    }

    pub(crate) fn finish(self) -> String {
        hex(&self.hasher.finalize())
    }
}
