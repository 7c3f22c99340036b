//! What a report carries to be checked later: its facts with a digest of each part, and where the duty book stood.

use std::{collections::BTreeMap, fmt::Write};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{Inclusion, Tree};

/// The name under which a document carries its proof.
pub const PROOF_FILE: &str = "watchpost-report.json";
/// What the field `format` of a proof says.
pub(crate) const FORMAT: &str = "watchpost-report-1";

/// An entry of the duty book on which a report rests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cited {
    /// Its number.
    pub number: u64,
    /// Its hash, lower-case hexadecimal.
    pub hash: String,
    /// The hashes beside the way from it to the root (RFC 6962, section 2.1.1), lower-case hexadecimal.
    pub path: Vec<String>,
}

/// Where the duty book stood when a report was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerProof {
    /// How many entries it had.
    pub entries: u64,
    /// The hash of the last one: whoever keeps it can prove that nothing before it was changed.
    pub head: String,
    /// The root of the Merkle tree over all hashes.
    pub root: String,
    /// The entries on which the report rests; the last entry is among them.
    pub cited: Vec<Cited>,
}

impl LedgerProof {
    /// Most entries that a report cites one by one.
    pub const CITED_MAX: usize = 2_000;

    /// Proves that the cited entries are in the book, given the hashes of all its entries in order. Numbers that the book
    /// does not have, and those beyond [`Self::CITED_MAX`], are left out.
    #[must_use]
    pub fn of(hashes: &[[u8; 32]], cited: &[u64]) -> Self {
        let tree = Tree::over(hashes);
        let mut numbers: Vec<u64> = cited.to_vec();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.truncate(Self::CITED_MAX);
        if !hashes.is_empty() && numbers.last() != Some(&tree.size()) {
            numbers.push(tree.size());
        }
        let cite = |number: u64| {
            let hash = hashes.get(usize::try_from(number.checked_sub(1)?).ok()?)?;
            Some(Cited {
                number,
                hash: hex(hash),
                path: tree.inclusion(number)?.path.iter().map(hex).collect(),
            })
        };
        Self {
            entries: tree.size(),
            head: hex(hashes.last().unwrap_or(&[0; 32])),
            root: hex(&tree.root()),
            cited: numbers.into_iter().filter_map(cite).collect(),
        }
    }

    /// The first cited entry that is not in the tree of the root.
    pub(crate) fn broken(&self) -> Option<u64> {
        let root = unhex(&self.root);
        self.cited.iter().find_map(|cited| {
            let path: Option<Vec<[u8; 32]>> = cited.path.iter().map(|hash| unhex(hash)).collect();
            let reached = path
                .zip(unhex(&cited.hash))
                .and_then(|(path, hash)| Inclusion { path }.root(cited.number, &hash, self.entries));
            (reached.is_none() || reached != root).then_some(cited.number)
        })
    }
}

/// What a report carries to be checked later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// `watchpost-report-1`.
    pub format: String,
    /// The form.
    pub form: String,
    /// SHA-256 of the form's file.
    pub form_digest: String,
    /// SHA-256 of the letter as it was set in type.
    pub letter_digest: String,
    /// The facts.
    pub facts: Value,
    /// SHA-256 of each part of the facts, in canonical JSON: without spaces, keys in order.
    pub parts: BTreeMap<String, String>,
    /// The paths of the facts that were missing.
    pub gaps: Vec<String>,
    /// The duty book.
    pub ledger: LedgerProof,
    /// SHA-256 of the data document that carries the proof, without the proof; absent in PDF and DOCX, which are sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// SHA-256 of all the above, in canonical JSON.
    pub seal: String,
}

impl Proof {
    /// Largest proof that is read, in bytes.
    pub const BYTES_MAX: usize = 64 * 1024 * 1024;

    /// Makes the proof of a report.
    ///
    /// # Panics
    /// Never: it is plain data.
    #[must_use]
    pub fn new(form: (&str, &str), letter: &model::Letter, facts: Value, ledger: LedgerProof) -> Self {
        let letter_value = serde_json::to_value(letter).expect("a letter is plain data");
        let mut proof = Self {
            format: FORMAT.to_owned(),
            form: form.0.to_owned(),
            form_digest: sha256_hex(form.1.as_bytes()),
            letter_digest: sha256_hex(canonical(&letter_value).as_bytes()),
            parts: digests(&facts),
            facts,
            gaps: letter.gaps.iter().map(|gap| gap.path.clone()).collect(),
            ledger,
            carrier: None,
            seal: String::new(),
        };
        proof.seal = proof.sealed();
        proof
    }

    /// The same proof for a document that carries it and is not sealed by itself.
    #[must_use]
    pub fn carried_by(mut self, document: &Value) -> Self {
        self.carrier = Some(sha256_hex(canonical(document).as_bytes()));
        self.seal = self.sealed();
        self
    }

    /// SHA-256 of the facts as a whole.
    #[must_use]
    pub fn facts_digest(&self) -> String {
        sha256_hex(canonical(&self.facts).as_bytes())
    }

    /// The proof as the file that documents carry.
    ///
    /// # Panics
    /// Never: it is plain data.
    #[must_use]
    pub fn to_json(&self) -> String {
        let value = serde_json::to_value(self).expect("a proof is plain data");
        serde_json::to_string_pretty(&value).expect("a value is JSON")
    }

    pub(crate) fn sealed(&self) -> String {
        let mut value = serde_json::to_value(self).expect("a proof is plain data");
        if let Some(fields) = value.as_object_mut() {
            fields.remove("seal");
        }
        sha256_hex(canonical(&value).as_bytes())
    }

    /// The part of the facts that is not as its digest says.
    pub(crate) fn altered_part(&self) -> Option<String> {
        let found = digests(&self.facts);
        self.parts
            .iter()
            .find(|(part, digest)| found.get(*part) != Some(digest))
            .map(|(part, _)| part.clone())
            .or_else(|| found.into_keys().find(|part| !self.parts.contains_key(part)))
    }
}

/// The digests of the facts' parts: two levels deep, so that an alteration is named closely.
fn digests(facts: &Value) -> BTreeMap<String, String> {
    let mut digests = BTreeMap::new();
    for (name, value) in facts.as_object().into_iter().flatten() {
        match value.as_object() {
            Some(fields) if !fields.is_empty() => {
                for (field, value) in fields {
                    digests.insert(format!("{name}.{field}"), sha256_hex(canonical(value).as_bytes()));
                }
            }
            Some(_) | None => {
                digests.insert(name.clone(), sha256_hex(canonical(value).as_bytes()));
            }
        }
    }
    digests
}

/// JSON without spaces, the keys of objects in order of their bytes.
#[must_use]
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_canonical(value, &mut text);
    text
}

fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let ordered: BTreeMap<&String, &Value> = fields.iter().collect();
            text.push('{');
            for (nth, (key, value)) in ordered.into_iter().enumerate() {
                if nth > 0 {
                    text.push(',');
                }
                let _ = write!(text, "{}:", Value::String(key.clone()));
                write_canonical(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (nth, item) in items.iter().enumerate() {
                if nth > 0 {
                    text.push(',');
                }
                write_canonical(item, text);
            }
            text.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let _ = write!(text, "{value}");
        }
    }
}

/// SHA-256 in lower-case hexadecimal.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes).into())
}

pub(crate) fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(crate) fn unhex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}
