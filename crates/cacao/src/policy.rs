//! What a response plan needs that CACAO does not have, as an extension of a step: approval, undo, expiry, proof of
//! effect, the phase of the response, and names in a second language.

use serde::{Deserialize, Serialize};

use crate::{Command, Condition};

/// The identifier of the extension in `extension_definitions` and `step_extensions`.
pub const POLICY_EXTENSION: &str = "extension-definition--6f1c7a52-93d4-4f0e-8a3b-5d0c2e7b9a41";

/// The six phases of a response, as VNCERT/CC's playbooks name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Chuẩn bị.
    Preparation,
    /// Nhận diện.
    Identification,
    /// Phân tích.
    Analysis,
    /// Xử lý.
    Handling,
    /// Khôi phục.
    Recovery,
    /// Hậu sự cố.
    PostIncident,
}

impl Phase {
    /// The phases in order, with their names in a playbook.
    pub const ALL: [(&'static str, Self); 6] = [
        ("preparation", Self::Preparation),
        ("identification", Self::Identification),
        ("analysis", Self::Analysis),
        ("handling", Self::Handling),
        ("recovery", Self::Recovery),
        ("post-incident", Self::PostIncident),
    ];
}

/// What happens when nobody approves in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnTimeout {
    /// The step goes on waiting.
    Hold,
    /// The step fails.
    Deny,
    /// The step is taken, the head of unit is called, and the case must be reviewed.
    BreakGlass,
}

impl OnTimeout {
    /// The ways with their names in a playbook.
    pub const ALL: [(&'static str, Self); 3] = [
        ("hold", Self::Hold),
        ("deny", Self::Deny),
        ("break-glass", Self::BreakGlass),
    ];
}

/// Who must agree before a step is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The roles that may approve; empty: whoever the executing system lets.
    pub roles: Vec<String>,
    /// How many different people must approve, from 1.
    pub quorum: u32,
    /// How long is waited, in milliseconds; absent: without end.
    pub timeout_ms: Option<u64>,
    /// What happens then.
    pub on_timeout: OnTimeout,
}

/// How a step is undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Undo {
    /// By these commands, at the step's agent and targets.
    Commands(Vec<Command>),
    /// The executing system's connector knows how to reverse what it did.
    ByConnector,
    /// Not at all: the step is final, and says so.
    Irreversible,
}

/// What must become true after a step, or it counts as applied but not effective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PostCondition {
    /// The condition over variables.
    pub condition: Condition,
    /// How long is waited for it, in milliseconds.
    pub within_ms: u64,
}

/// The extension's content on one step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StepPolicy {
    /// The phase of the response that the step belongs to.
    pub phase: Option<Phase>,
    /// Who must agree.
    pub approval: Option<Approval>,
    /// How it is undone.
    pub undo: Option<Undo>,
    /// After how many seconds its effect ends by itself unless it is confirmed.
    pub expires_in_seconds: Option<u64>,
    /// What must become true.
    pub post_condition: Option<PostCondition>,
    /// The step's name in English, where `name` is in another language.
    pub name_en: Option<String>,
    /// The step's description in English.
    pub description_en: Option<String>,
}
