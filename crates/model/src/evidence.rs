//! Evidence: what was acquired, how, and who held it since. The bytes are in the evidence store under their SHA-256.

use serde::{Deserialize, Serialize};

use crate::{Actor, Id, Incident, Kept, NounIndex, Permission, Timestamp};

/// How a piece of evidence came into the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "how")]
pub enum AcquiredBy {
    /// A file was handed in through the console.
    Upload,
    /// A file was read on the machine of the post.
    File {
        /// Its path there.
        path: String,
        /// When it was last changed, as the file system says.
        modified_at: Option<Timestamp>,
    },
    /// Events were taken out of the lake, raw and with their numbers, one JSON object a line.
    Events {
        /// What was asked.
        query: String,
        /// How many came.
        count: u64,
        /// The time of the first.
        from: Option<Timestamp>,
        /// The time of the last.
        to: Option<Timestamp>,
    },
}

/// A piece of evidence: its acquisition record. It never changes but for the incident that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Its id.
    pub id: Id<Evidence>,
    /// The incident that it belongs to.
    pub incident: Option<Id<Incident>>,
    /// Its name, as a file would be called.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes, lower-case hexadecimal: its name in the store.
    pub sha256: String,
    /// BLAKE3 of its bytes, lower-case hexadecimal.
    pub blake3: String,
    /// How it was acquired.
    pub acquired: AcquiredBy,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
    /// Where it comes from and why it was taken, in their words.
    pub note: String,
    /// Whether it is, or may be, malware: it is only handed out encoded.
    pub malware: bool,
    /// Counts changes.
    pub revision: u64,
}

impl Evidence {
    /// Longest name in bytes.
    pub const NAME_BYTES_MAX: usize = 300;
    /// Longest note in bytes.
    pub const NOTE_BYTES_MAX: usize = 4_000;
}

impl Kept for Evidence {
    const KIND: &'static str = "evidence";
    const READ: Permission = Permission::ReadAlerts;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        NounIndex {
            state: if self.malware { "malware" } else { "kept" }.into(),
            // Found by the digest of its bytes: the same bytes acquired twice are two records of one object.
            owner: Some(self.sha256.as_str().into()),
            parent: self.incident.map(|incident| incident.to_string().into()),
            due_at: Some(self.at),
        }
    }
}

/// What was done with a piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "did")]
pub enum CustodyStep {
    /// It was taken in.
    Acquired,
    /// Its bytes were read out.
    Read,
    /// Its bytes were held against its digests.
    Verified {
        /// What did not fit; none when all did.
        flaw: Option<String>,
    },
    /// It left in a bundle.
    Exported {
        /// SHA-256 of the bundle's manifest, lower-case hexadecimal.
        manifest_sha256: String,
    },
}

/// One link of the chain of custody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Custody {
    /// Its id.
    pub id: Id<Custody>,
    /// The evidence.
    pub evidence: Id<Evidence>,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Actor,
    /// What.
    pub step: CustodyStep,
    /// Why, in their words.
    pub why: String,
}

impl Kept for Custody {
    const KIND: &'static str = "evidence_custody";
    const READ: Permission = Permission::ReadAlerts;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn revision(&self) -> u64 {
        1
    }

    fn index(&self) -> NounIndex {
        let state = match self.step {
            CustodyStep::Acquired => "acquired",
            CustodyStep::Read => "read",
            CustodyStep::Verified { .. } => "verified",
            CustodyStep::Exported { .. } => "exported",
        };
        NounIndex {
            state: state.into(),
            parent: Some(self.evidence.to_string().into()),
            due_at: Some(self.at),
            ..NounIndex::default()
        }
    }
}
