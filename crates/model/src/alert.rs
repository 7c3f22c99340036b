//! An alert: what needs a person. Detections of one rule about one entity gather in it until it is closed.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::{Actor, Detection, Entity, Id, Phrase, RuleIdentity, RuleLevel, Seq, SourceId, Timestamp, User};

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

impl AlertKey {
    /// The key under which a detection is gathered.
    #[must_use]
    pub fn of(detection: &Detection) -> Self {
        Self {
            rule: detection.rule.id.clone(),
            entity: detection.entity.clone(),
            exercise: detection.exercise,
        }
    }
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
    /// What the post noticed about itself is over (a silent source is heard again).
    Resolved,
}

impl Disposition {
    /// All dispositions.
    pub const ALL: [Disposition; 4] = [Self::TruePositive, Self::Benign, Self::FalsePositive, Self::Resolved];
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
        /// By whom: a person, or the post when what it noticed is over.
        by: Actor,
        /// What it was.
        disposition: Disposition,
        /// Why, in the closer's words.
        reason: String,
        /// Detections that came in after it and are counted here because they belong to what was judged.
        late: u64,
    },
}

impl AlertState {
    /// Whether it still needs somebody.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self {
            Self::New | Self::Acknowledged { .. } => true,
            Self::Closed { .. } => false,
        }
    }
}

/// How much an alert presses, as last judged. It rises by one point an hour of waiting, for all alerts alike, so that
/// the order of the queue is the same at every moment: by [`Urgency::rank`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Urgency {
    /// Points without the waiting time.
    pub points: i64,
    /// Where the points come from, weightiest first; their sum is `points`.
    pub reasons: Vec<UrgencyReason>,
    /// Sort key, larger is more pressing: `points` in seconds of waiting, minus the second since which it waits.
    pub rank: i64,
}

/// One reason for points of urgency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UrgencyReason {
    /// What sort of reason.
    pub kind: UrgencyKind,
    /// The number that the words name: detections, other rules, tactics, entities.
    pub number: u64,
    /// Its points; negative ones calm.
    pub points: i64,
}

/// The sorts of reasons for urgency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UrgencyKind {
    /// The level of the rule.
    Level(RuleLevel),
    /// It was seen often.
    Detections,
    /// Other rules have open alerts about the same entity.
    OtherRules,
    /// The open alerts about the entity span several ATT&CK tactics.
    Tactics,
    /// The rule has open alerts about other entities: it spreads, or the rule is noisy.
    OtherEntities,
    /// It came back after it was closed as a real attack.
    CameBack,
    /// Somebody has it.
    Acknowledged,
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
    /// Detections (shown or hidden) that are counted but whose details were not kept, because the alert has so many.
    pub detail_cut: u64,
    /// How much it presses, as judged when it last changed.
    pub urgency: Urgency,
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

/// What else is open around an alert; part of what makes it urgent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Other rules with open alerts about the same entity, at most [`Surroundings::RULES_MAX`].
    pub other_rules: u64,
    /// Tags of those alerts, sorted, without repetition.
    pub other_tags: Vec<CompactString>,
    /// Other entities about which the same rule has open alerts, at most [`Surroundings::ENTITIES_MAX`].
    pub other_entities: u64,
}

impl Surroundings {
    /// Counting of other rules stops here: more neighbours make nothing more urgent.
    pub const RULES_MAX: u64 = 50;
    /// Counting of other entities stops here, and so does opening alerts of one rule: what comes beyond gathers in one.
    pub const ENTITIES_MAX: u64 = 500;
}

/// What the post already knows under one key, as far as triage needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertContext {
    /// The open alert with the key.
    pub open: Option<Alert>,
    /// The alert with the key that was closed last, when none is open.
    pub closed: Option<Alert>,
    /// What else is open around it.
    pub around: Surroundings,
}

/// Something that the post noticed about itself and that needs a person. It becomes an alert of [`AlertOrigin::Post`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Which sort of notice (`watchpost/source-silent`).
    pub rule: &'static str,
    /// Its title.
    pub title: Phrase,
    /// How much it matters.
    pub level: RuleLevel,
    /// What it is about.
    pub entity: Entity,
    /// The source concerned; `watchpost` when none is.
    pub source: SourceId,
    /// One line of figures, the same in every language.
    pub summary: String,
    /// Since when it is so.
    pub since: Timestamp,
}
