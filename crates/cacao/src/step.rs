//! Workflow steps (section 4).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Command, Condition, Identifier, StepPolicy, Variables};

/// A step of a workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its name for people.
    pub name: Option<String>,
    /// What it does and why.
    pub description: Option<String>,
    /// How long it waits before it begins, in milliseconds.
    pub delay_ms: u64,
    /// After how long it counts as failed, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// Variables of this step alone.
    pub variables: Variables,
    /// Who is responsible for it.
    pub owner: Option<Identifier>,
    /// What follows it.
    pub next: Next,
    /// What it is.
    pub kind: StepKind,
    /// Approval, undo, expiry, proof.
    pub policy: StepPolicy,
}

/// What follows a step (section 4.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Next {
    /// Nothing: an `end`.
    Nothing,
    /// This step, whether it succeeded or failed.
    Completion(Identifier),
    /// This step after success, that after failure; without one a failure goes to the playbook's exception step.
    ByResult {
        /// After success.
        success: Identifier,
        /// After failure.
        failure: Option<Identifier>,
    },
}

impl Next {
    /// The steps that may follow, with the property that names each.
    pub(crate) fn named(&self) -> Vec<(&'static str, &Identifier)> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Completion(step) => vec![("on_completion", step)],
            Self::ByResult { success, failure } => {
                let failure = failure.as_ref().map(|step| ("on_failure", step));
                [Some(("on_success", success)), failure].into_iter().flatten().collect()
            }
        }
    }
}

/// What a step is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum StepKind {
    /// Where a playbook begins.
    Start,
    /// Where a path ends.
    End,
    /// Commands for an agent (section 4.5).
    Action {
        /// In this order.
        commands: Vec<Command>,
        /// Who carries them out.
        agent: Identifier,
        /// On what.
        targets: Vec<Identifier>,
        /// Variables that the agent gets.
        in_args: Vec<String>,
        /// Variables that the agent sets.
        out_args: Vec<String>,
    },
    /// Another playbook (section 4.6).
    PlaybookAction {
        /// Which.
        playbook: Identifier,
        /// Its `modified`; absent: the latest.
        version: Option<String>,
        /// Variables that it gets.
        in_args: Vec<String>,
        /// Variables that it sets.
        out_args: Vec<String>,
    },
    /// Branches at the same time, all of which must end (section 4.7).
    Parallel {
        /// The first step of each branch.
        branches: Vec<Identifier>,
    },
    /// One branch or the other (section 4.8).
    If {
        /// What decides.
        condition: Condition,
        /// The branch when it holds.
        on_true: Identifier,
        /// The branch when it does not.
        on_false: Option<Identifier>,
    },
    /// A branch again and again (section 4.9).
    While {
        /// As long as this holds.
        condition: Condition,
        /// The branch.
        on_true: Identifier,
    },
    /// The branch whose case is the variable's value (section 4.10).
    Switch {
        /// The variable.
        variable: String,
        /// Branches by value; `default` for all others.
        cases: BTreeMap<String, Identifier>,
    },
}

impl StepKind {
    /// The names of the step types.
    pub(crate) const NAMES: [&'static str; 8] = [
        "start",
        "end",
        "action",
        "playbook-action",
        "parallel",
        "if-condition",
        "while-condition",
        "switch-condition",
    ];

    /// The first steps of its branches, with the property that names each.
    pub(crate) fn branches(&self) -> Vec<(String, &Identifier)> {
        match self {
            Self::Start | Self::End | Self::Action { .. } | Self::PlaybookAction { .. } => Vec::new(),
            Self::Parallel { branches } => branches
                .iter()
                .enumerate()
                .map(|(place, step)| (format!("next_steps/{place}"), step))
                .collect(),
            Self::If { on_true, on_false, .. } => {
                let on_false = on_false.as_ref().map(|step| ("on_false".to_owned(), step));
                [Some(("on_true".to_owned(), on_true)), on_false]
                    .into_iter()
                    .flatten()
                    .collect()
            }
            Self::While { on_true, .. } => vec![("on_true".to_owned(), on_true)],
            Self::Switch { cases, .. } => cases
                .iter()
                .map(|(case, step)| (format!("cases/{}", crate::read::escaped(case)), step))
                .collect(),
        }
    }
}
