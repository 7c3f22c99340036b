//! The `[response]` section: who must agree to actions, how long they last, and what must never be touched.

use operations::response::{Guard, Policy, Protected, Protection};
use serde::{Deserialize, Serialize};

/// The `[response]` section.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ResponseSection {
    /// How many people agree to an action for which a plan says nothing else; 0: nobody needs to.
    pub quorum: u32,
    /// Whether whoever asked may agree as well.
    pub requester_may_approve: bool,
    /// How long an action lasts unless it is confirmed, in hours; 0: until somebody lifts it.
    pub lasts_hours: u64,
    /// Whether this machine's addresses, gateways and resolvers, and the devices, are never touched.
    pub protect_this_host: bool,
    /// Who is called when something is done without agreement.
    pub head_of_unit: Vec<CalledSection>,
    /// What else is protected.
    pub protected: Vec<ProtectedSection>,
}

/// Somebody who is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CalledSection {
    /// The channel by its name.
    pub channel: String,
    /// The address there.
    pub to: String,
}

/// Something that is protected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProtectedSection {
    /// An address, a network, or a name with everything below it.
    pub element: String,
    /// What it is.
    pub what: String,
    /// It may be touched when so many people agree; without it, never.
    #[serde(default)]
    pub quorum: Option<u32>,
    /// About how many users it serves.
    #[serde(default)]
    pub users: Option<u64>,
}

impl Default for ResponseSection {
    fn default() -> Self {
        Self {
            quorum: 1,
            requester_may_approve: false,
            lasts_hours: 24,
            protect_this_host: true,
            head_of_unit: Vec::new(),
            protected: Vec::new(),
        }
    }
}

impl ResponseSection {
    /// The rules of the organisation, with what was found on this machine.
    pub(crate) fn policy(&self, own: &[Protected]) -> Policy {
        let named = self.protected.iter().map(|section| Protected {
            element: section.element.clone(),
            what: section.what.clone(),
            guard: section.quorum.map_or(Guard::Never, Guard::Quorum),
            users: section.users,
        });
        Policy {
            quorum: self.quorum,
            requester_may_approve: self.requester_may_approve,
            lasts_seconds: (self.lasts_hours > 0).then(|| self.lasts_hours.saturating_mul(3600)),
            protection: Protection::new(own.iter().cloned().chain(named)),
            head_of_unit: self
                .head_of_unit
                .iter()
                .map(|called| (called.channel.clone(), called.to.clone()))
                .collect(),
        }
    }
}
