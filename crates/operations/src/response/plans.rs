//! Response plans as the ledger keeps them: the text of the version that a run was started with, so that a newer one does not change it.

use cacao::Playbook;
use model::{Kept, NounIndex, Permission};
use serde::{Deserialize, Serialize};

/// A version of a plan that was run at least once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPlan {
    /// Its key: see [`plan_key`].
    pub key: String,
    /// The playbook as JSON.
    pub text: String,
}

/// The key of a version of a plan.
#[must_use]
pub fn plan_key(playbook: &Playbook) -> String {
    format!("{}@{}", playbook.id, playbook.modified)
}

impl Kept for StoredPlan {
    const KIND: &'static str = "response_plan";
    const READ: Permission = Permission::ReadResponse;

    fn key(&self) -> String {
        self.key.clone()
    }

    fn revision(&self) -> u64 {
        1
    }

    fn index(&self) -> NounIndex {
        NounIndex {
            state: "kept".into(),
            ..NounIndex::default()
        }
    }
}
