//! A handover: what one shift leaves to the next, and whether the next one takes it.

use serde::{Deserialize, Serialize};

use crate::{Id, Kept, NounIndex, Permission, Team, Timestamp, User};

/// What one shift leaves to the next, as the ledger had it when it was made; or the report of a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    /// Its id.
    pub id: Id<Handover>,
    /// The team.
    pub team: Id<Team>,
    /// What it is for.
    pub occasion: Occasion,
    /// When it was made.
    pub made_at: Timestamp,
    /// From when on it tells.
    pub since: Timestamp,
    /// Who hands over, or who reports.
    pub from: Id<User>,
    /// Who takes over; nobody takes over a report.
    pub to: Option<Id<User>>,
    /// What is left.
    pub sections: Vec<HandoverSection>,
    /// What the outgoing person adds.
    pub remarks: String,
    /// Where it stands.
    pub state: HandoverState,
    /// Counts changes.
    pub revision: u64,
}

/// What a handover is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// The end of a shift.
    Shift,
    /// The report of a day.
    Day,
}

/// One part of a handover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoverSection {
    /// What it lists.
    pub about: HandoverAbout,
    /// How many there are, also beyond the lines.
    pub count: u64,
    /// The most pressing ones.
    pub lines: Vec<HandoverLine>,
}

/// What a part of a handover lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandoverAbout {
    /// Alerts that are open.
    OpenAlerts,
    /// Open incidents, each with its next step.
    Incidents,
    /// Notifications that nobody has acknowledged.
    Unacknowledged,
    /// What happened during the time that it tells of.
    Happened,
    /// Silences in force, and what they hid.
    Silences,
    /// Sources that are silent.
    SilentSources,
    /// Deadlines that run.
    Deadlines,
    /// Gaps in the roster ahead.
    Gaps,
}

/// One line of a handover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoverLine {
    /// What it is.
    pub text: String,
    /// Whose it is, where it is somebody's.
    pub owner: Option<String>,
    /// What it needs next, where the post knows it.
    #[serde(default)]
    pub next: Option<String>,
    /// Where it is in the console.
    pub link: String,
    /// When it began, is due, or ends.
    pub at: Option<Timestamp>,
}

/// Where a handover stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum HandoverState {
    /// The outgoing person has not signed.
    Draft,
    /// The outgoing person has signed.
    Signed {
        /// When.
        at: Timestamp,
    },
    /// The incoming person has taken over.
    Accepted {
        /// When the outgoing person signed.
        signed_at: Timestamp,
        /// When they did.
        at: Timestamp,
    },
    /// The incoming person has refused.
    Refused {
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
}

impl Handover {
    /// Lines of one part; what is more is counted.
    pub const LINES_MAX: usize = 50;
    /// Longest remark and reason in characters.
    pub const WORDS_MAX: usize = 4000;
}

impl Kept for Handover {
    const KIND: &'static str = "handover";
    const READ: Permission = Permission::ReadDuty;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        let state = match self.state {
            HandoverState::Draft => "draft",
            HandoverState::Signed { .. } => "signed",
            HandoverState::Accepted { .. } => "accepted",
            HandoverState::Refused { .. } => "refused",
        };
        NounIndex {
            state: state.into(),
            owner: Some(self.from.to_string().into()),
            parent: Some(self.team.to_string().into()),
            due_at: Some(self.made_at),
        }
    }
}
