//! An alert: what needs a person. Detections of one rule about one entity gather in it until it is closed.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::{Entity, Id, RuleIdentity, Seq, SourceId, Timestamp, User};

/// What makes detections belong together. At most one open alert has a given key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AlertKey {
    /// The rule's id, or `watchpost/source-silent` and the like for what the post itself notices.
    pub rule: CompactString,
    /// What it is about.
    pub entity: Entity,
    /// Rehearsals never mix with the real thing.
    pub exercise: bool,
}

/// Who says that there is something to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertOrigin {
    /// A detection rule.
    Rule,
    /// The post itself: a source fell silent, a limit cut something.
    Post,
}

/// What an alert turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// A real attack or breach of policy.
    TruePositive,
    /// It happened as detected, and it is allowed.
    Benign,
    /// The rule is wrong about it.
    FalsePositive,
}

/// Where an alert stands. The facts of a state are inside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum AlertState {
    /// Nobody has taken it.
    New,
    /// Somebody has it.
    Acknowledged {
        /// Since when.
        at: Timestamp,
        /// Who.
        by: Id<User>,
    },
    /// It is done with.
    Closed {
        /// Since when.
        at: Timestamp,
        /// By whom.
        by: Id<User>,
        /// What it was.
        disposition: Disposition,
        /// Why, in the closer's words.
        reason: String,
    },
}

/// What needs a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Its id.
    pub id: Id<Alert>,
    /// What its detections have in common.
    pub key: AlertKey,
    /// Who raised it.
    pub origin: AlertOrigin,
    /// The rule as it was when the alert was last fed.
    pub rule: RuleIdentity,
    /// Where it stands.
    pub state: AlertState,
    /// Whose it is, when somebody's.
    pub assignee: Option<Id<User>>,
    /// Detections shown in it.
    pub detections: u64,
    /// Detections that a silence hid; they are kept and counted, and the alert is hidden while it has no others.
    pub hidden: u64,
    /// When the first of its events happened.
    pub first_seen: Timestamp,
    /// When the last of its events happened.
    pub last_seen: Timestamp,
    /// When the post opened it.
    pub opened_at: Timestamp,
    /// The newest event in it.
    pub last_event: Seq,
    /// The source of that event.
    pub source: SourceId,
    /// The machine of that event, when known.
    pub host: Option<CompactString>,
    /// One line of what was seen, for the queue: the command line, the address, the message.
    pub summary: String,
    /// The closed alert with the same key before this one.
    pub previous: Option<Id<Alert>>,
    /// Counts changes; a decision made on an older revision is refused.
    pub revision: u64,
}
