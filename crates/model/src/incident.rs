//! An incident: what the post works on from the first alert to the restored service. Entries of its timeline, observables,
//! tasks and notes are kept as nouns of their own, so that an incident stays small.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    Actor, AffectedAsset, Criteria, Help, Id, IncidentKind, Kept, NounIndex, Outcome, Permission, Phase, Severity,
    Timestamp, User,
};

/// What is known when a state is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// When it became true in the world.
    pub at: Timestamp,
    /// Who says so.
    pub by: Actor,
    /// How it is known, in their words.
    pub how: String,
}

/// Where an incident stands. Each state carries the facts of how it was reached; [`Incident::marks`] keeps the times of all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum IncidentState {
    /// Somebody or something says that there is one.
    Reported(Reached),
    /// It is one.
    Confirmed(Reached),
    /// It spreads no further.
    Contained(Reached),
    /// Its cause is gone.
    Eradicated(Reached),
    /// The services work as before.
    Recovered(Reached),
    /// It is done with.
    Closed {
        /// When, by whom, and the summary.
        reached: Reached,
        /// What it was.
        outcome: Outcome,
        /// Its root cause.
        cause: String,
    },
    /// It goes on as part of another; its facts are kept, so that this can be taken back.
    Merged {
        /// When, by whom and why.
        reached: Reached,
        /// The other.
        into: Id<Incident>,
        /// Where it stood.
        before: Box<IncidentState>,
    },
}

impl IncidentState {
    /// The word by which it is found.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Reported(_) => "reported",
            Self::Confirmed(_) => "confirmed",
            Self::Contained(_) => "contained",
            Self::Eradicated(_) => "eradicated",
            Self::Recovered(_) => "recovered",
            Self::Closed { .. } => "closed",
            Self::Merged { .. } => "merged",
        }
    }

    /// The words of the states in which somebody must do something.
    pub const OPEN: [&'static str; 5] = ["reported", "confirmed", "contained", "eradicated", "recovered"];

    /// Whether somebody must do something.
    #[must_use]
    pub fn is_open(&self) -> bool {
        Self::OPEN.contains(&self.as_str())
    }

    /// How it was reached.
    #[must_use]
    pub fn reached(&self) -> &Reached {
        match self {
            Self::Reported(reached)
            | Self::Confirmed(reached)
            | Self::Contained(reached)
            | Self::Eradicated(reached)
            | Self::Recovered(reached)
            | Self::Closed { reached, .. }
            | Self::Merged { reached, .. } => reached,
        }
    }

    /// The phase that is worked in now; none when it is closed or part of another.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        match self {
            Self::Reported(_) => Some(Phase::Identification),
            Self::Confirmed(_) => Some(Phase::Analysis),
            Self::Contained(_) => Some(Phase::Handling),
            Self::Eradicated(_) => Some(Phase::Recovery),
            Self::Recovered(_) => Some(Phase::PostIncident),
            Self::Closed { .. } | Self::Merged { .. } => None,
        }
    }
}

/// When each state was reached first; what the times to detect, acknowledge, contain and recover are counted from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Marks {
    /// When somebody took it.
    pub acknowledged: Option<Timestamp>,
    /// When it was confirmed.
    pub confirmed: Option<Timestamp>,
    /// When it was judged to be beyond the owner's own capacity.
    pub beyond_control: Option<Timestamp>,
    /// When it was contained.
    pub contained: Option<Timestamp>,
    /// When its cause was gone.
    pub eradicated: Option<Timestamp>,
    /// When the services worked again.
    pub recovered: Option<Timestamp>,
    /// When it was closed.
    pub closed: Option<Timestamp>,
}

/// Where an incident came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "from")]
pub enum IncidentOrigin {
    /// From alerts.
    Alerts,
    /// Somebody reported it (a call, a visit).
    Hand,
    /// A letter reported it.
    Letter {
        /// Its number as written.
        number: String,
        /// Who wrote it.
        issuer: String,
    },
    /// It was split off another.
    Split {
        /// The other.
        of: Id<Incident>,
    },
}

/// What the post works on from the first alert to the restored service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its id.
    pub id: Id<Incident>,
    /// The number people call it by (`SC-2026-0007`).
    pub number: String,
    /// Its name.
    pub title: String,
    /// What sort of incident it is.
    pub kind: IncidentKind,
    /// Whether it belongs to a rehearsal.
    pub exercise: bool,
    /// How bad it is.
    pub severity: Severity,
    /// What the national plan asks.
    pub criteria: Criteria,
    /// Where it stands.
    pub state: IncidentState,
    /// When each state was reached first.
    pub marks: Marks,
    /// When it began, as far as is known.
    pub began_at: Option<Timestamp>,
    /// When it was detected: what the clocks of the law count from.
    pub detected_at: Timestamp,
    /// When the post opened it.
    pub opened_at: Timestamp,
    /// Who opened it.
    pub opened_by: Actor,
    /// Where it came from.
    pub origin: IncidentOrigin,
    /// Whose it is.
    pub owner: Option<Id<User>>,
    /// What happened, in words.
    pub description: String,
    /// What is hit.
    pub assets: Vec<AffectedAsset>,
    /// The keys of the affected services in the catalogue.
    pub services: BTreeSet<String>,
    /// Incidents that go on as part of this one, oldest first.
    pub absorbed: Vec<Id<Incident>>,
    /// Who helped.
    pub help: Help,
    /// Counts changes.
    pub revision: u64,
}

impl Incident {
    /// Longest title in bytes.
    pub const TITLE_BYTES_MAX: usize = 300;
    /// Longest description, cause, summary or note in bytes.
    pub const WORDS_BYTES_MAX: usize = 16_000;
    /// Most assets of one incident.
    pub const ASSETS_MAX: usize = 500;
    /// Most services of one incident.
    pub const SERVICES_MAX: usize = 100;
    /// Most incidents that one takes in, counted through all of them.
    pub const ABSORBED_MAX: usize = 50;
}

impl Kept for Incident {
    const KIND: &'static str = "incident";
    const READ: Permission = Permission::ReadAlerts;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        let parent = match &self.state {
            IncidentState::Merged { into, .. } => Some(into.to_string().into()),
            IncidentState::Reported(_)
            | IncidentState::Confirmed(_)
            | IncidentState::Contained(_)
            | IncidentState::Eradicated(_)
            | IncidentState::Recovered(_)
            | IncidentState::Closed { .. } => None,
        };
        NounIndex {
            state: self.state.as_str().into(),
            owner: self.owner.map(|owner| owner.to_string().into()),
            parent,
            due_at: Some(self.detected_at),
        }
    }
}

/// The last number that was given to an incident of a year. Two that are opened at once would need the same revision of
/// it, so no number is given twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentCounter {
    /// The year.
    pub year: i16,
    /// The last number.
    pub last: u64,
}

impl Kept for IncidentCounter {
    const KIND: &'static str = "incident_counter";
    const READ: Permission = Permission::ReadAlerts;

    fn key(&self) -> String {
        self.year.to_string()
    }

    fn revision(&self) -> u64 {
        self.last
    }

    fn index(&self) -> NounIndex {
        NounIndex {
            state: "counting".into(),
            ..NounIndex::default()
        }
    }
}
