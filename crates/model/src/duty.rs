//! Who keeps the watch: teams, the positions they must fill, the rotations that fill them, and who stands in for whom.

use compact_str::CompactString;
use jiff::civil;
use serde::{Deserialize, Serialize};

use crate::{EscalationPolicy, Id, Kept, NounIndex, Permission, RuleLevel, Timestamp, User};

/// People who fill positions of the watch together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// Its id.
    pub id: Id<Team>,
    /// The name that people read.
    pub name: String,
    /// The zone of its hand-over times, by its IANA name.
    pub zone: String,
    /// What must be filled at every instant.
    pub positions: Vec<Position>,
    /// What fills it.
    pub rotations: Vec<Rotation>,
    /// What is different for a while.
    pub overrides: Vec<Override>,
    /// Who may stand in, beside those in rotations.
    #[serde(default)]
    pub members: Vec<Id<User>>,
    /// How long somebody must rest between two turns of duty.
    #[serde(default)]
    pub rest_hours: u16,
    /// How its people are paged.
    #[serde(default)]
    pub policy: Option<Id<EscalationPolicy>>,
    /// New alerts of this level and above start its policy; none do when absent.
    #[serde(default)]
    pub alerts_from: Option<RuleLevel>,
    /// Counts changes; a decision made on an older revision is refused.
    pub revision: u64,
}

/// A position of a team: duty officer, shift lead, second line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Its key within the team.
    pub key: CompactString,
    /// The name that people read.
    pub name: String,
    /// How many people must fill it at every instant.
    pub people_min: u32,
    /// Whether it is paged first: who holds it must have two proven channels.
    #[serde(default)]
    pub primary: bool,
    /// What whoever holds it must be able to do.
    #[serde(default)]
    pub skills: Vec<CompactString>,
}

/// People who take turns in a position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// The position that it fills.
    pub position: CompactString,
    /// Who takes turns, in order.
    pub people: Vec<Id<User>>,
    /// The day of its first hand-over, on the team's clock.
    pub begins_on: civil::Date,
    /// The day of its last hand-over, after which nobody follows; open-ended when absent.
    pub ends_on: Option<civil::Date>,
    /// Hand-overs happen every so many days: 1 for daily, 7 for weekly. At least 1.
    pub every_days: u16,
    /// The times of hand-over on such a day, ascending, without repetition: each begins the next person's turn.
    pub hand_over_at: Vec<civil::Time>,
}

/// Somebody else is on duty for a while: a swap, somebody who stands in, somebody extra.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// The position concerned.
    pub position: CompactString,
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
    /// Whose place is taken; nobody's when somebody is added.
    pub instead_of: Option<Id<User>>,
    /// Who is on duty; nobody when the place stays empty.
    pub person: Option<Id<User>>,
}

/// When a person cannot be on duty: leave, or from the moment on which their account was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absence {
    /// Who.
    pub person: Id<User>,
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it; none when they do not come back.
    pub until: Option<Timestamp>,
}

impl Team {
    /// Most positions, rotations and members of a team.
    pub const PARTS_MAX: usize = 200;
    /// Most overrides that are kept; those that are over make room.
    pub const OVERRIDES_MAX: usize = 1000;

    /// Its position of a key.
    #[must_use]
    pub fn position(&self, key: &str) -> Option<&Position> {
        self.positions.iter().find(|position| position.key == key)
    }

    /// Everybody who belongs to it, each once, in the order of their ids.
    #[must_use]
    pub fn everybody(&self) -> Vec<Id<User>> {
        let turns = self.rotations.iter().flat_map(|rotation| rotation.people.iter());
        let mut all: Vec<Id<User>> = turns.chain(&self.members).copied().collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

impl Kept for Team {
    const KIND: &'static str = "team";
    const READ: Permission = Permission::ReadDuty;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        NounIndex {
            state: "open".into(),
            ..NounIndex::default()
        }
    }
}

/// Leave of a person: they are not named while it lasts, whatever the roster says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leave {
    /// Its id.
    pub id: Id<Leave>,
    /// Whose it is.
    pub person: Id<User>,
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
    /// What for, in their words.
    pub note: String,
    /// The `UID` of the calendar entry that it was read from (RFC 5545, 3.8.4.7).
    pub uid: Option<String>,
    /// Whether it was taken back.
    pub cancelled: bool,
    /// Counts changes.
    pub revision: u64,
}

impl Leave {
    /// Longest leave in days.
    pub const DAYS_MAX: i64 = 400;

    /// The absence that it is; none when it was taken back.
    #[must_use]
    pub fn absence(&self) -> Option<Absence> {
        (!self.cancelled).then_some(Absence {
            person: self.person,
            from: self.from,
            until: Some(self.until),
        })
    }
}

impl Kept for Leave {
    const KIND: &'static str = "leave";
    const READ: Permission = Permission::ReadDuty;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        NounIndex {
            state: if self.cancelled { "cancelled" } else { "open" }.into(),
            owner: Some(self.person.to_string().into()),
            due_at: Some(self.from),
            ..NounIndex::default()
        }
    }
}

/// A turn that somebody offers to others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swap {
    /// Its id.
    pub id: Id<Swap>,
    /// The team.
    pub team: Id<Team>,
    /// The position.
    pub position: CompactString,
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
    /// Who gives the turn away.
    pub giver: Id<User>,
    /// Who is asked; anybody of the team when absent.
    pub asked: Option<Id<User>>,
    /// Why, in the giver's words.
    pub note: String,
    /// Where it stands.
    pub state: SwapState,
    /// Counts changes.
    pub revision: u64,
}

/// Where a swap stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum SwapState {
    /// Nobody has answered.
    Offered,
    /// Somebody took the turn.
    Accepted {
        /// When.
        at: Timestamp,
        /// Who.
        by: Id<User>,
    },
    /// Whoever was asked said no.
    Declined {
        /// When.
        at: Timestamp,
        /// Who.
        by: Id<User>,
    },
    /// The giver keeps the turn after all.
    Withdrawn {
        /// When.
        at: Timestamp,
    },
}

impl Kept for Swap {
    const KIND: &'static str = "swap";
    const READ: Permission = Permission::ReadDuty;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        let state = match self.state {
            SwapState::Offered => "offered",
            SwapState::Accepted { .. } => "accepted",
            SwapState::Declined { .. } => "declined",
            SwapState::Withdrawn { .. } => "withdrawn",
        };
        NounIndex {
            state: state.into(),
            owner: Some(self.giver.to_string().into()),
            parent: Some(self.team.to_string().into()),
            due_at: Some(self.from),
        }
    }
}
