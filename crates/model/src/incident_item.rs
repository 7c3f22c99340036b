//! What hangs on an incident besides its timeline: observables, tasks, notes.

use serde::{Deserialize, Serialize};

use crate::{Actor, Id, Incident, Kept, NounIndex, Permission, Phase, Timestamp, User};

/// The sorts of observables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObservableKind {
    /// An IP address.
    Address,
    /// A domain name.
    Domain,
    /// An address on the web.
    Url,
    /// The hash of a file.
    Hash,
    /// An e-mail address.
    Email,
    /// A path or a name of a file.
    File,
    /// An account.
    Account,
    /// A machine.
    Host,
    /// Anything else.
    Other,
}

impl ObservableKind {
    /// All sorts.
    pub const ALL: [ObservableKind; 9] = [
        Self::Address,
        Self::Domain,
        Self::Url,
        Self::Hash,
        Self::Email,
        Self::File,
        Self::Account,
        Self::Host,
        Self::Other,
    ];

    /// The word in forms and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Domain => "domain",
            Self::Url => "url",
            Self::Hash => "hash",
            Self::Email => "email",
            Self::File => "file",
            Self::Account => "account",
            Self::Host => "host",
            Self::Other => "other",
        }
    }
}

/// Something by which the attacker's doing can be known again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observable {
    /// Its id.
    pub id: Id<Observable>,
    /// The incident.
    pub incident: Id<Incident>,
    /// What sort of thing.
    pub kind: ObservableKind,
    /// Its value.
    pub value: String,
    /// What is known about it.
    pub note: String,
    /// Who added it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Whether it was taken back: it is somebody innocent's.
    pub dismissed: bool,
    /// Counts changes.
    pub revision: u64,
}

impl Observable {
    /// Longest value in bytes.
    pub const VALUE_BYTES_MAX: usize = 2_000;
}

impl Kept for Observable {
    const KIND: &'static str = "incident_observable";
    const READ: Permission = Permission::ReadAlerts;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        NounIndex {
            state: if self.dismissed { "dismissed" } else { "kept" }.into(),
            parent: Some(self.incident.to_string().into()),
            ..NounIndex::default()
        }
    }
}

/// Where a task stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum TaskState {
    /// It is to be done.
    Open,
    /// It is done.
    Done {
        /// When.
        at: Timestamp,
        /// By whom.
        by: Id<User>,
        /// What came of it.
        result: String,
    },
    /// It need not be done.
    Dropped {
        /// When.
        at: Timestamp,
        /// Who said so.
        by: Id<User>,
        /// Why.
        why: String,
    },
}

/// Something to do about an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentTask {
    /// Its id.
    pub id: Id<IncidentTask>,
    /// The incident.
    pub incident: Id<Incident>,
    /// What is to be done.
    pub title: String,
    /// To which phase it belongs.
    pub phase: Phase,
    /// Whether it is a lesson: something to do better, which stays when the incident is closed.
    pub lesson: bool,
    /// Whose it is.
    pub owner: Option<Id<User>>,
    /// Until when.
    pub due_at: Option<Timestamp>,
    /// Where it stands.
    pub state: TaskState,
    /// When it was written.
    pub created_at: Timestamp,
    /// Who wrote it.
    pub created_by: Actor,
    /// Counts changes.
    pub revision: u64,
}

impl Kept for IncidentTask {
    const KIND: &'static str = "incident_task";
    const READ: Permission = Permission::ReadAlerts;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        let state = match self.state {
            TaskState::Open => "open",
            TaskState::Done { .. } => "done",
            TaskState::Dropped { .. } => "dropped",
        };
        NounIndex {
            state: state.into(),
            owner: self.owner.map(|owner| owner.to_string().into()),
            parent: Some(self.incident.to_string().into()),
            due_at: self.due_at,
        }
    }
}

/// A text that several people work on: a hypothesis, a draft of a statement. Who writes on an older text than stands is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentNote {
    /// Its id.
    pub id: Id<IncidentNote>,
    /// The incident.
    pub incident: Id<Incident>,
    /// Its text.
    pub text: String,
    /// Who wrote it last.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Counts changes.
    pub revision: u64,
}

impl Kept for IncidentNote {
    const KIND: &'static str = "incident_note";
    const READ: Permission = Permission::ReadAlerts;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        NounIndex {
            state: "kept".into(),
            parent: Some(self.incident.to_string().into()),
            ..NounIndex::default()
        }
    }
}
