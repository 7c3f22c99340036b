//! A silence: what is known to be wrong or accepted, for how long, and who answers for it. It hides, it never loses.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::{Entity, Id, Timestamp, User};

/// Why something is silenced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SilenceReason {
    /// The rule is wrong about it.
    FalsePositive,
    /// It is a risk, and it is accepted.
    AcceptedRisk,
    /// Planned work.
    Maintenance,
}

/// What a silence covers: a detection is covered when everything that is set fits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SilenceScope {
    /// Only this rule's detections.
    pub rule: Option<CompactString>,
    /// Only what is about this entity.
    pub entity: Option<Entity>,
    /// Only where all these fields of the event are exactly equal (ASCII case ignored) to these values.
    pub fields: Vec<(CompactString, String)>,
}

/// How far a silence has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum SilenceState {
    /// It hides, until `expires_at`.
    Active,
    /// It was ended by a person before its time.
    Ended {
        /// When.
        at: Timestamp,
        /// By whom.
        by: Id<User>,
    },
}

/// A silence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Silence {
    /// Its id.
    pub id: Id<Silence>,
    /// What it covers.
    pub scope: SilenceScope,
    /// What sort of reason there is.
    pub reason: SilenceReason,
    /// The reason in the owner's words; never empty.
    pub comment: String,
    /// Who answers for it.
    pub owner: Id<User>,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when; every silence ends.
    pub expires_at: Timestamp,
    /// Whether it was ended early.
    pub state: SilenceState,
    /// How many detections a day it would have hidden, by the preview it was made with.
    pub expected_per_day: f64,
    /// How many detections it has hidden.
    pub hidden: u64,
    /// How many of them on the last day (UTC) on which it hid any.
    pub hidden_that_day: u64,
    /// When it last hid one.
    pub last_hidden_at: Option<Timestamp>,
    /// Counts changes; a decision made on an older revision is refused.
    pub revision: u64,
}
