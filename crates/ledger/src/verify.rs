//! Verification: walks the chain from its first entry, then holds the state against what the entries say.

use std::collections::HashMap;

use model::{Permission, Scope};
use rusqlite::{Connection, Row, params};

use crate::{
    Head, Ledger, ReadError,
    database::{big, count},
    entry::{Content, DetectionsDigest, NO_HASH, ReadNote, Sealed, sha256_hex},
    head,
    nouns::measurements,
};

/// The result of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Entries that were walked through.
    pub entries: u64,
    /// Rows of state that agree with the entry that last wrote them.
    pub rows: u64,
    /// Kept detections that agree with their entries.
    pub detections: u64,
    /// Detections that entries say were forgotten when their time was over.
    pub detections_forgotten: u64,
    /// Measurements that agree with their entries.
    pub measurements: u64,
    /// The last entry, to be kept elsewhere.
    pub head: Head,
    /// The first thing that is not as it was written.
    pub broken: Option<Broken>,
}

/// Where the ledger was tampered with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {number}: {flaw}")]
pub struct Broken {
    /// The first entry concerned.
    pub number: u64,
    /// What is wrong.
    pub flaw: Flaw,
}

/// What can be wrong with a ledger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// The entry's content does not give its hash.
    #[error("it was altered: its content does not give its hash")]
    Altered,
    /// The entry is not there, though later ones are.
    #[error("it was removed: the next entry there is {next}")]
    Removed {
        /// The entry found instead.
        next: u64,
    },
    /// The entry does not follow on the one before.
    #[error("it was inserted or moved: it does not follow on the entry before it")]
    NotLinked,
    /// Entries that the head knows of are not there.
    #[error("it and what followed was cut off: the head knows entries up to {known}")]
    CutOff {
        /// The entry that the head names.
        known: u64,
    },
    /// The chain holds, but the head knows another hash for this entry.
    #[error("the chain was written anew: the head knows another hash for this entry")]
    Rewritten,
    /// There are entries, and no head to hold them against.
    #[error("there is no head file: whether later entries were cut off cannot be told")]
    NoHead,
    /// A row of state is not as this entry, the last to write it, left it.
    #[error("{subject} is not as this entry left it")]
    StateDiffers {
        /// Whose row.
        subject: String,
    },
    /// A row of state is there that no entry wrote.
    #[error("{subject} is in the state, and no entry wrote it")]
    StateUnknown {
        /// Whose row.
        subject: String,
    },
    /// The kept detections of this entry are not as it left them.
    #[error("the detections that it kept are not as it left them")]
    DetectionsDiffer,
    /// The measurements of this entry are not as it left them.
    #[error("the measurements that it added are not as it left them")]
    MeasurementsDiffer,
}

/// What the walk found that the state must agree with.
#[derive(Default)]
struct Walked {
    entries: u64,
    head: Option<Head>,
    /// The last digest of each subject, and the entry that wrote it.
    last: HashMap<String, (u64, String)>,
    /// Number and digest of the detections that an entry kept.
    detections: HashMap<u64, (u64, String)>,
    /// Number and digest of the measurements that an entry added.
    measurements: HashMap<u64, (u64, String)>,
    /// The measurements of entries up to this one were forgotten.
    forgotten: u64,
    /// How many detections were forgotten.
    detections_forgotten: u64,
}

impl Walked {
    fn note(&mut self, number: u64, note: ReadNote) {
        if note.change == "forget_measurements" {
            self.forgotten = self.forgotten.max(note.count.unwrap_or(0));
            return;
        }
        if note.change == "forget_detections" {
            self.detections_forgotten += note.count.unwrap_or(0);
            for (first, last) in note.entries {
                // Later entries cannot have been meant.
                for entry in first..=last.min(number) {
                    self.detections.remove(&entry);
                }
            }
            return;
        }
        match (note.subject, note.digest) {
            (Some(subject), Some(digest)) => {
                self.last.insert(subject, (number, digest));
            }
            (None, Some(digest)) => {
                let many = if note.change == "add_measurements" {
                    &mut self.measurements
                } else {
                    &mut self.detections
                };
                many.insert(number, (note.count.unwrap_or(0), digest));
            }
            (_, None) => {}
        }
    }
}

impl Ledger {
    /// Verifies the whole ledger: every hash, every link, the head file and whatever heads were kept elsewhere, every row
    /// of alerts, silences, accounts, tokens, settings, reports and kept nouns, every kept detection and measurement.
    ///
    /// # Errors
    /// See [`ReadError`]; what was tampered with is no error but the result.
    pub fn verify(&self, scope: &Scope, kept_elsewhere: &[Head]) -> Result<Verified, ReadError> {
        let head_path = self.inner.options.head_path.clone();
        self.read(scope, Permission::ReadLedger, |connection| {
            // The head is read first: entries written meanwhile are beyond it, which is no fault.
            let head_file = head::read(&head_path).map_err(|error| crate::StoreError(error.to_string()))?;
            let snapshot = connection.unchecked_transaction()?;
            verify(&snapshot, head_file.as_ref(), kept_elsewhere)
        })
    }
}

fn verify(connection: &Connection, head_file: Option<&Head>, kept_elsewhere: &[Head]) -> Result<Verified, ReadError> {
    let mut walked = Walked::default();
    let mut broken = walk(connection, &mut walked)?;
    if broken.is_none() {
        let no_head = (head_file.is_none() && walked.entries > 0).then_some(Broken {
            number: walked.entries,
            flaw: Flaw::NoHead,
        });
        for known in head_file.into_iter().chain(kept_elsewhere) {
            broken = broken.or(hold_against(connection, &walked, known)?);
        }
        broken = broken.or(no_head);
    }
    let mut verified = Verified {
        entries: walked.entries,
        rows: 0,
        detections: 0,
        detections_forgotten: walked.detections_forgotten,
        measurements: 0,
        head: walked.head.clone().unwrap_or(Head {
            number: 0,
            hash: NO_HASH.to_owned(),
        }),
        broken,
    };
    if verified.broken.is_none() {
        verified.broken = check_state(connection, walked.last, &mut verified.rows)?;
    }
    if verified.broken.is_none() {
        verified.broken = check_detections(connection, walked.detections, &mut verified.detections)?;
    }
    if verified.broken.is_none() {
        let mut added = walked.measurements;
        added.retain(|entry, _| *entry > walked.forgotten);
        verified.broken = check_measurements(connection, added, &mut verified.measurements)?;
    }
    Ok(verified)
}

fn walk(connection: &Connection, walked: &mut Walked) -> Result<Option<Broken>, ReadError> {
    let mut statement = connection
        .prepare("SELECT number, at, actor, action, reason, content, prev_hash, hash FROM entry ORDER BY number")?;
    let mut rows = statement.query([])?;
    let mut expected = 1;
    let mut prev_hash = NO_HASH.to_owned();
    while let Some(row) = rows.next()? {
        let number = count(row.get(0)?);
        if let Some(flaw) = check_entry(row, number, expected, &prev_hash)? {
            return Ok(Some(Broken {
                number: expected.min(number),
                flaw,
            }));
        }
        let Ok(content) = serde_json::from_str::<Content>(text(row, 5)?) else {
            return Ok(Some(Broken {
                number,
                flaw: Flaw::Altered,
            }));
        };
        for note in content.changes {
            walked.note(number, note);
        }
        prev_hash = row.get(7)?;
        walked.entries += 1;
        walked.head = Some(Head {
            number,
            hash: prev_hash.clone(),
        });
        expected = number + 1;
    }
    Ok(None)
}

fn check_entry(row: &Row<'_>, number: u64, expected: u64, prev_hash: &str) -> Result<Option<Flaw>, ReadError> {
    if number > expected {
        return Ok(Some(Flaw::Removed { next: number }));
    }
    if number < expected {
        return Ok(Some(Flaw::NotLinked));
    }
    // A value of another type than the program writes is an alteration too.
    let all_texts = [1, 2, 3, 5, 6, 7].into_iter().all(|column| text(row, column).is_ok());
    let (true, Ok(reason)) = (all_texts, row.get::<_, Option<String>>(4)) else {
        return Ok(Some(Flaw::Altered));
    };
    let sealed = Sealed {
        number,
        at: text(row, 1)?,
        actor: text(row, 2)?,
        action: text(row, 3)?,
        reason: reason.as_deref(),
        content: text(row, 5)?,
        prev_hash: text(row, 6)?,
    };
    Ok(if sealed.hash() != text(row, 7)? {
        Some(Flaw::Altered)
    } else if sealed.prev_hash != prev_hash {
        Some(Flaw::NotLinked)
    } else {
        None
    })
}

fn text<'a>(row: &'a Row<'_>, column: usize) -> Result<&'a str, ReadError> {
    Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
}

fn hold_against(connection: &Connection, walked: &Walked, known: &Head) -> Result<Option<Broken>, ReadError> {
    if known.number == 0 {
        return Ok(None);
    }
    let mut statement = connection.prepare("SELECT hash FROM entry WHERE number = $1")?;
    let mut rows = statement.query(params![big(known.number)])?;
    Ok(match rows.next()? {
        None => Some(Broken {
            number: walked.entries + 1,
            flaw: Flaw::CutOff { known: known.number },
        }),
        Some(row) if text(row, 0)? != known.hash => Some(Broken {
            number: known.number,
            flaw: Flaw::Rewritten,
        }),
        Some(_) => None,
    })
}

/// The tables whose rows must agree with the entries, and what entries call their rows.
const STATE: [(&str, &str); 7] = [
    ("alert", "'alert:' || id"),
    ("silence", "'silence:' || id"),
    ("account", "'account:' || id"),
    ("source_token", "'source_token:' || digest"),
    ("setting", "'setting:' || name"),
    ("report", "'report:' || id"),
    ("noun", "kind || ':' || id"),
];

fn check_state(
    connection: &Connection,
    mut last: HashMap<String, (u64, String)>,
    rows_right: &mut u64,
) -> Result<Option<Broken>, ReadError> {
    let mut first: Option<Broken> = None;
    let mut note = |number, flaw| {
        if first.as_ref().is_none_or(|known| number < known.number) {
            first = Some(Broken { number, flaw });
        }
    };
    for (table, subject) in STATE {
        let mut statement = connection.prepare(&format!("SELECT {subject}, entry, body FROM {table}"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let subject = text(row, 0)?.to_owned();
            match last.remove(&subject) {
                None => note(count(row.get(1)?), Flaw::StateUnknown { subject }),
                Some((_, digest)) if digest == sha256_hex(text(row, 2)?.as_bytes()) => *rows_right += 1,
                Some((number, _)) => note(number, Flaw::StateDiffers { subject }),
            }
        }
    }
    for (subject, (number, _)) in last {
        note(number, Flaw::StateDiffers { subject });
    }
    Ok(first)
}

fn check_detections(
    connection: &Connection,
    mut kept: HashMap<u64, (u64, String)>,
    rows_right: &mut u64,
) -> Result<Option<Broken>, ReadError> {
    let mut statement = connection
        .prepare("SELECT entry, alert, ordinal, hidden_by, body FROM detection ORDER BY entry, alert, ordinal")?;
    let mut rows = statement.query([])?;
    let mut current: Option<(u64, DetectionsDigest)> = None;
    let mut wrong: Option<u64> = None;
    let mut settle = |entry: u64, digest: DetectionsDigest| {
        let rows_here = digest.count;
        if kept.remove(&entry) == Some((rows_here, digest.finish())) {
            *rows_right += rows_here;
        } else {
            wrong = Some(wrong.map_or(entry, |known| known.min(entry)));
        }
    };
    while let Some(row) = rows.next()? {
        let entry = count(row.get(0)?);
        if let Some((before, digest)) = current.take_if(|(before, _)| *before != entry) {
            settle(before, digest);
        }
        let (_, digest) = current.get_or_insert_with(|| (entry, DetectionsDigest::default()));
        let hidden_by: Option<String> = row.get(3)?;
        digest.add(text(row, 1)?, count(row.get(2)?), hidden_by.as_deref(), text(row, 4)?);
    }
    if let Some((entry, digest)) = current {
        settle(entry, digest);
    }
    let missing = kept.into_keys().min();
    let first = match (wrong, missing) {
        (Some(wrong), Some(missing)) => Some(wrong.min(missing)),
        (wrong, missing) => wrong.or(missing),
    };
    Ok(first.map(|number| Broken {
        number,
        flaw: Flaw::DetectionsDiffer,
    }))
}

fn check_measurements(
    connection: &Connection,
    mut added: HashMap<u64, (u64, String)>,
    rows_right: &mut u64,
) -> Result<Option<Broken>, ReadError> {
    let mut wrong: Option<u64> = None;
    for (entry, rows, digest) in measurements::standing(connection)? {
        if added.remove(&entry) == Some((rows, digest)) {
            *rows_right += rows;
        } else {
            wrong = wrong.or(Some(entry));
        }
    }
    // An entry may have added none.
    added.retain(|_, (rows, _)| *rows > 0);
    let first = added.into_keys().min().into_iter().chain(wrong).min();
    Ok(first.map(|number| Broken {
        number,
        flaw: Flaw::MeasurementsDiffer,
    }))
}
