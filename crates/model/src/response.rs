//! What the post does to devices: an action with its plan, who agreed to it, and how far it has come.

use std::collections::BTreeMap;

use compact_str::{CompactString, ToCompactString, format_compact};
use serde::{Deserialize, Serialize};

use crate::{Actor, Id, Kept, NounIndex, Permission, Timestamp};

/// What is changed at a device (the actuators of `OpenC2` 1.0, as far as the post has them).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ActionKind {
    /// Traffic from and to these addresses and networks is dropped.
    BlockAddresses {
        /// Addresses, or networks as `address/length`.
        addresses: Vec<String>,
    },
    /// These names, and all below them, no longer resolve.
    BlockNames {
        /// Host names without the dot at the end.
        names: Vec<String>,
    },
    /// Something that the device's configuration names: a request to an API, a command on a host.
    Invoke {
        /// Its name there.
        name: String,
        /// The values it takes.
        values: BTreeMap<String, String>,
    },
    /// Somebody outside is asked by mail to do it.
    Ask {
        /// The subject.
        subject: String,
        /// The text.
        text: String,
    },
}

impl ActionKind {
    /// Most addresses or names of one action.
    pub const ELEMENTS_MAX: usize = 200_000;

    /// What it puts into force, one by one; nothing for what is not a list.
    #[must_use]
    pub fn elements(&self) -> &[String] {
        match self {
            Self::BlockAddresses { addresses } => addresses,
            Self::BlockNames { names } => names,
            Self::Invoke { .. } | Self::Ask { .. } => &[],
        }
    }

    /// A word for it (`block_addresses`).
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::BlockAddresses { .. } => "block_addresses",
            Self::BlockNames { .. } => "block_names",
            Self::Invoke { .. } => "invoke",
            Self::Ask { .. } => "ask",
        }
    }
}

/// What an effect asks of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Errand {
    /// Say what would change; change nothing.
    Plan,
    /// Put it into force, and look whether it is.
    Apply,
    /// Take it back.
    Lift,
}

/// What would happen, as the device and the post see it before anything does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionPlan {
    /// When it was made.
    pub made_at: Timestamp,
    /// The exact change, line by line, cut to [`ActionPlan::LINES_MAX`].
    pub lines: Vec<String>,
    /// What it touches that somebody should know of.
    pub touches: Vec<Touch>,
    /// Whether the device can take it back.
    pub undoable: bool,
    /// SHA-256 over the whole change and what it touches; approvals are bound to it.
    pub hash: String,
}

impl ActionPlan {
    /// Most lines that are kept of a change.
    pub const LINES_MAX: usize = 40;
}

/// Something that an action touches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Touch {
    /// The address or name of the action.
    pub element: String,
    /// What it is to the post: the name of a network, an asset, a service.
    pub what: String,
    /// How many people must agree because of it.
    pub quorum: u32,
    /// About how many users feel it, where that is known.
    #[serde(default)]
    pub users: Option<u64>,
}

/// Who must agree before an action is carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRule {
    /// How many different people; 0 means that nobody needs to.
    pub quorum: u32,
    /// Whether whoever asked for it does not count.
    pub other_than_requester: bool,
    /// Until when it is waited for them.
    pub until: Option<Timestamp>,
    /// What happens then.
    pub then: Unapproved,
}

/// What happens when nobody agrees in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unapproved {
    /// It goes on waiting.
    Wait,
    /// It is refused.
    Refuse,
    /// It is done all the same, the head of unit is called, and it must be reviewed.
    BreakGlass,
}

/// One person's agreement to one plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionApproval {
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// The hash of the plan that they saw.
    pub hash: String,
}

/// An action that was carried out without the agreement it needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokenGlass {
    /// By whom.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Why it could not wait.
    pub why: String,
    /// Who looked at it afterwards, when, and what they found; absent as long as a review is owed.
    pub reviewed: Option<(Actor, Timestamp, String)>,
}

/// The step of a plan's run that asked for an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStep {
    /// The run's id.
    pub run: String,
    /// The number of the execution within it.
    pub execution: u32,
    /// The number of the command within the step.
    pub command: u32,
}

/// What was seen of an action at its device, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// When.
    pub at: Timestamp,
    /// Whether its effect is there; none where that cannot be seen.
    pub holds: Option<bool>,
    /// What was seen.
    pub text: String,
}

/// Why an action is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "because")]
pub enum LiftReason {
    /// Its time was over.
    Expired,
    /// Somebody wanted it.
    Asked {
        /// Who.
        by: Actor,
        /// Why.
        why: String,
    },
    /// The run that it belongs to is undone.
    RunUndone,
}

/// How far an action has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum ActionState {
    /// The device has not yet said what would change.
    Requested,
    /// It waits for people to agree.
    Planned,
    /// It is to be carried out.
    Approved {
        /// Since when.
        at: Timestamp,
    },
    /// It was carried out; [`Action::proof`] says whether it has its effect.
    InForce {
        /// Since when.
        since: Timestamp,
    },
    /// It is being taken back.
    Lifting {
        /// Since when it was in force.
        since: Timestamp,
        /// Why.
        why: LiftReason,
    },
    /// It was taken back.
    Lifted {
        /// When.
        at: Timestamp,
        /// Why.
        why: LiftReason,
    },
    /// It was refused or called off before it was carried out.
    Refused {
        /// When.
        at: Timestamp,
        /// Why.
        why: String,
    },
    /// The device could not.
    Failed {
        /// When.
        at: Timestamp,
        /// Why.
        why: String,
        /// Whether it may be in force all the same: it was once, or taking it back failed.
        in_force: bool,
    },
}

/// Something done to a device: who, why, under which letter, until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Its id.
    pub id: Id<Action>,
    /// Counts changes.
    pub revision: u64,
    /// The device by its name in the configuration.
    pub device: String,
    /// What is changed.
    pub kind: ActionKind,
    /// Why.
    pub why: String,
    /// The letter that orders it, as its number and date.
    pub letter: Option<String>,
    /// The incident that it belongs to.
    pub incident: Option<String>,
    /// The step of a run that asked for it.
    pub step: Option<RunStep>,
    /// Who asked for it.
    pub requested_by: Actor,
    /// When.
    pub requested_at: Timestamp,
    /// How long it lasts once it is in force, in seconds; absent: until somebody lifts it.
    pub lasts_seconds: Option<u64>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// Who must agree.
    pub rule: ApprovalRule,
    /// What would happen.
    pub plan: Option<ActionPlan>,
    /// Who agreed.
    pub approvals: Vec<ActionApproval>,
    /// Whether it was carried out without the agreement it needed.
    pub broken_glass: Option<BrokenGlass>,
    /// How far it has come.
    pub state: ActionState,
    /// What was last seen of it.
    pub proof: Option<Proof>,
    /// How often its device had lost it and it was put right.
    pub restored: u32,
}

impl Action {
    /// Whether it is or may be in force at its device.
    #[must_use]
    pub const fn holds(&self) -> bool {
        match &self.state {
            ActionState::InForce { .. } | ActionState::Lifting { .. } => true,
            ActionState::Failed { in_force, .. } => *in_force,
            ActionState::Requested
            | ActionState::Planned
            | ActionState::Approved { .. }
            | ActionState::Lifted { .. }
            | ActionState::Refused { .. } => false,
        }
    }

    /// Whether it was carried out and yet does not have its effect.
    #[must_use]
    pub fn is_not_effective(&self) -> bool {
        matches!(self.state, ActionState::InForce { .. })
            && self.proof.as_ref().is_some_and(|proof| proof.holds == Some(false))
    }

    /// Whether it was carried out without agreement and nobody has looked at it since.
    #[must_use]
    pub fn owes_review(&self) -> bool {
        self.broken_glass.as_ref().is_some_and(|glass| glass.reviewed.is_none())
    }

    /// The owner under which an action is found: its device.
    #[must_use]
    pub fn owner_of_device(device: &str) -> CompactString {
        format_compact!("device:{device}")
    }
}

impl Kept for Action {
    const KIND: &'static str = "action";
    const READ: Permission = Permission::ReadResponse;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        let (state, due_at) = match &self.state {
            ActionState::Requested => ("requested", None),
            ActionState::Planned => ("planned", self.rule.until),
            ActionState::Approved { .. } => ("approved", None),
            ActionState::InForce { .. } => ("in_force", self.expires_at),
            ActionState::Lifting { .. } => ("lifting", None),
            ActionState::Lifted { at, .. } => ("lifted", Some(*at)),
            ActionState::Refused { at, .. } => ("refused", Some(*at)),
            ActionState::Failed {
                at, in_force: false, ..
            } => ("failed", Some(*at)),
            ActionState::Failed { at, in_force: true, .. } => ("failed_in_force", Some(*at)),
        };
        NounIndex {
            state: state.into(),
            owner: Some(Self::owner_of_device(&self.device)),
            parent: self.step.as_ref().map(|step| step.run.to_compact_string()),
            due_at,
        }
    }
}
