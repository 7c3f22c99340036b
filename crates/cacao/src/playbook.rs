//! A whole playbook (section 3).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Identifier, Refused, Step, Variables};

/// A playbook that was read strictly and checked whole: whatever it refers to exists, each step can be reached, each
/// path ends, and each variable that is read is defined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Playbook {
    /// Its identifier; all versions have the same.
    pub id: Identifier,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The operational roles it addresses (`playbook-type-ov`).
    pub types: Vec<String>,
    /// Who made it.
    pub created_by: Identifier,
    /// When it was made.
    pub created: Timestamp,
    /// Its version.
    pub modified: Timestamp,
    /// Whether its maker withdrew it.
    pub revoked: bool,
    /// From when it may run.
    pub valid_from: Option<Timestamp>,
    /// Until when it may run.
    pub valid_until: Option<Timestamp>,
    /// 1 (highest) to 100; 0 undefined.
    pub priority: Option<u8>,
    /// 1 (lowest) to 100; 0 undefined.
    pub severity: Option<u8>,
    /// What running it may do to the organisation: 1 (least) to 100; 0 undefined.
    pub impact: Option<u8>,
    /// Labels.
    pub labels: Vec<String>,
    /// Variables of the whole playbook.
    pub variables: Variables,
    /// Its first step.
    pub start: Identifier,
    /// The step for what goes wrong and is not handled where it happens.
    pub exception: Option<Identifier>,
    /// Its steps.
    pub workflow: BTreeMap<Identifier, Step>,
    /// Who carries commands out.
    pub agents: BTreeMap<Identifier, Definition>,
    /// On what.
    pub targets: BTreeMap<Identifier, Definition>,
}

/// An agent or a target (section 7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// Its type (`individual`, `ssh`, `security-category` …).
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Every text of it by JSON pointer below it; variables may stand in them.
    pub properties: BTreeMap<String, String>,
}

impl Playbook {
    /// Reads a playbook from JSON and checks it whole.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place.
    pub fn read(json: &[u8]) -> Result<Self, Refused> {
        crate::read::read(json)
    }

    /// Whether it may run at a time: not revoked, and within its validity.
    #[must_use]
    pub fn is_valid_at(&self, at: Timestamp) -> bool {
        !self.revoked
            && self.valid_from.is_none_or(|from| from <= at)
            && self.valid_until.is_none_or(|until| at < until)
    }

    /// The variables that whoever starts it must give: external ones without a value of their own.
    pub fn wanted(&self) -> impl Iterator<Item = (&str, &crate::Variable)> {
        self.variables
            .iter()
            .filter(|(_, variable)| variable.external && variable.value.is_none())
            .map(|(name, variable)| (name.as_str(), variable))
    }
}
