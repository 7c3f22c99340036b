//! Who keeps the watch: teams, the positions they must fill, the rotations that fill them, and who stands in for whom.

use compact_str::CompactString;
use jiff::civil;
use serde::{Deserialize, Serialize};

use crate::{Id, Timestamp, User};

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
