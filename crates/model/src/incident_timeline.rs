//! What an incident is made of over time: the alerts that belong to it, and the entries of its timeline.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::{Actor, Alert, Evidence, Id, Incident, Kept, NounIndex, Permission, Reached, Seq, Timestamp};

/// To which incident an alert belongs: to one at most, because the alert's id is the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertLink {
    /// The alert.
    pub alert: Id<Alert>,
    /// Its incident; none once it was taken out.
    pub incident: Option<Id<Incident>>,
    /// Since when.
    pub linked_at: Timestamp,
    /// By whom.
    pub by: Actor,
    /// Up to which detection of the alert the timeline has entries.
    pub detections_taken: u64,
    /// Up to which entry of the duty book the timeline has the alert's steps.
    pub steps_taken: u64,
    /// Counts changes.
    pub revision: u64,
}

impl Kept for AlertLink {
    const KIND: &'static str = "incident_alert";
    const READ: Permission = Permission::ReadAlerts;

    fn key(&self) -> String {
        self.alert.to_string()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        NounIndex {
            state: if self.incident.is_some() { "linked" } else { "free" }.into(),
            parent: self.incident.map(|incident| incident.to_string().into()),
            ..NounIndex::default()
        }
    }
}

/// What an entry of the timeline is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum EntryKind {
    /// Something that was seen.
    Event {
        /// The alert that saw it.
        alert: Option<Id<Alert>>,
        /// The number of the event in the lake.
        event: Option<Seq>,
        /// The machine.
        host: Option<CompactString>,
    },
    /// Something that the post or a person decided, as the duty book has it.
    Decision {
        /// What, as `noun.verb`.
        action: CompactString,
        /// The alert that it was about, when about one.
        alert: Option<Id<Alert>>,
        /// The entry in the duty book; none for one that was written together with this.
        entry: Option<u64>,
    },
    /// Something that a person found out and wrote down.
    Finding {
        /// What proves it.
        evidence: Option<Id<Evidence>>,
    },
}

/// One line of an incident's timeline. Its id is born when it happened, so ids sort by that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// Its id.
    pub id: Id<TimelineEntry>,
    /// The incident in which it was written or into which it was split.
    pub incident: Id<Incident>,
    /// When it happened.
    pub at: Timestamp,
    /// When it was written.
    pub noted_at: Timestamp,
    /// Who wrote it.
    pub by: Actor,
    /// What it is.
    pub kind: EntryKind,
    /// What happened, in one line or a few.
    pub text: String,
    /// Whether the attacker did it: the first such entry says up to when backups are clean.
    pub malicious: bool,
    /// Why it was struck out, when it was wrong; it stays readable.
    pub struck: Option<Reached>,
    /// Counts changes.
    pub revision: u64,
}

impl TimelineEntry {
    /// Longest text in bytes.
    pub const TEXT_BYTES_MAX: usize = 4_000;
}

impl Kept for TimelineEntry {
    const KIND: &'static str = "incident_entry";
    const READ: Permission = Permission::ReadAlerts;
    const WHOLE: bool = false;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        let state = match (&self.struck, self.malicious) {
            (Some(_), _) => "struck",
            (None, true) => "malicious",
            (None, false) => "plain",
        };
        NounIndex {
            state: state.into(),
            owner: None,
            parent: Some(self.incident.to_string().into()),
            due_at: Some(self.at),
        }
    }
}
