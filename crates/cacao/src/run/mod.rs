//! Stepping through a playbook. A run is plain data: it says what is to be done, is told what came of it, and can be
//! kept, read back and gone on with between any two calls. It reads no clock and does nothing itself.

mod advance;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Command, Definition, Identifier, Playbook, Step, StepKind, Undo};

/// The number of an execution of a step within a run, from 0 without gaps. With the run's own identity it is the key by
/// which an order that is given twice is carried out once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ExecutionId(pub u32);

/// A playbook being carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    playbook: Identifier,
    version: Timestamp,
    state: RunState,
    variables: BTreeMap<String, String>,
    executions: Vec<Execution>,
    live: Vec<ExecutionId>,
    raised: Option<String>,
}

/// How a run stands. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum RunState {
    /// Something is to be done or waited for.
    Running,
    /// Its end was reached and everything that failed was handled where it happened.
    Succeeded {
        /// When.
        at_ms: i64,
    },
    /// Something failed that no step handled; the exception step, if there is one, has run.
    Failed {
        /// When.
        at_ms: i64,
        /// What failed first.
        why: String,
    },
    /// Somebody stopped it.
    Stopped {
        /// When.
        at_ms: i64,
    },
}

/// One execution of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    /// Its number.
    pub id: ExecutionId,
    /// The step.
    pub step: Identifier,
    /// The execution of the step in whose branch it lies.
    pub parent: Option<ExecutionId>,
    /// Which round of a `while-condition` it belongs to, from 1.
    pub round: u32,
    /// How it stands.
    pub state: ExecutionState,
    /// What was ordered, with the values of that moment.
    pub order: Option<OrderKind>,
    /// How it is undone, with the values of that moment.
    pub undo: Option<Undo>,
    variables: BTreeMap<String, String>,
}

/// How an execution stands. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum ExecutionState {
    /// It begins then.
    Waiting {
        /// When.
        until_ms: i64,
    },
    /// It is ordered and not finished.
    Open {
        /// Since when.
        since_ms: i64,
        /// When it counts as failed.
        deadline_ms: Option<i64>,
    },
    /// Its branches run.
    Branching {
        /// Since when.
        since_ms: i64,
        /// When it counts as failed.
        deadline_ms: Option<i64>,
        /// How many branches have not ended.
        open: u32,
        /// What went wrong in one of them.
        failed: Option<String>,
    },
    /// It succeeded.
    Succeeded {
        /// When.
        at_ms: i64,
    },
    /// It failed.
    Failed {
        /// When.
        at_ms: i64,
        /// Why.
        why: String,
    },
    /// Something else ended it before it was finished.
    Abandoned {
        /// When.
        at_ms: i64,
    },
}

/// What is to be done for an open execution.
#[derive(Debug, Clone, PartialEq)]
pub struct Order<'a> {
    /// The execution to finish.
    pub execution: ExecutionId,
    /// The step.
    pub step: &'a Identifier,
    /// What to do.
    pub kind: &'a OrderKind,
    /// Since when, in milliseconds since 1970.
    pub since_ms: i64,
    /// When it counts as failed.
    pub deadline_ms: Option<i64>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "order")]
pub enum OrderKind {
    /// Commands, in this order.
    Action {
        /// With the values of their variables.
        commands: Vec<Command>,
        /// Who carries them out.
        agent: Definition,
        /// On what.
        targets: Vec<Definition>,
    },
    /// Another playbook.
    Playbook {
        /// Which.
        playbook: Identifier,
        /// Its `modified`; absent: the latest.
        version: Option<String>,
        /// The values it gets, by name.
        arguments: BTreeMap<String, String>,
    },
}

/// What came of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Succeeded {
        /// The results, by the names in `out_args`.
        results: BTreeMap<String, String>,
    },
    /// It was not.
    Failed {
        /// Why.
        why: String,
    },
}

/// Why a run cannot start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// An external variable has no value.
    #[error("variable '{0}' must be given")]
    Missing(String),
    /// A value for something that is not an external variable.
    #[error("'{0}' is not a variable that is given from outside")]
    NotExternal(String),
    /// A value that is not of the variable's type.
    #[error("'{value}' is not a value of type {kind} for '{name}'")]
    BadValue {
        /// The variable.
        name: String,
        /// The value.
        value: String,
        /// The type.
        kind: &'static str,
    },
}

/// Why an order cannot be finished so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FinishError {
    /// It is finished, timed out or was abandoned, or never existed.
    #[error("this step is not open")]
    NotOpen,
    /// A result that the step does not name in `out_args`.
    #[error("'{0}' is not a result of this step")]
    NotAResult(String),
    /// A result that is not of the variable's type.
    #[error("'{value}' is not a value of type {kind} for '{name}'")]
    BadValue {
        /// The variable.
        name: String,
        /// The value.
        value: String,
        /// The type.
        kind: &'static str,
    },
    /// The playbook is another one, or another version, than the run was started with.
    #[error("this is not the playbook that the run was started with")]
    OtherPlaybook,
}

impl Run {
    /// Starts a playbook with values for its external variables, by name (`__name__`). Nothing is to be done before
    /// [`Run::proceed`].
    ///
    /// # Errors
    /// When a value is missing, unknown or of the wrong type.
    pub fn start(playbook: &Playbook, given: &[(&str, &str)], now_ms: i64) -> Result<Self, StartError> {
        for (name, value) in given {
            let variable = playbook.variables.get(*name).filter(|variable| variable.external);
            let variable = variable.ok_or_else(|| StartError::NotExternal((*name).to_owned()))?;
            if !variable.kind.admits(value) {
                let (name, value) = ((*name).to_owned(), (*value).to_owned());
                return Err(StartError::BadValue {
                    name,
                    value,
                    kind: variable.kind.name(),
                });
            }
        }
        let given: BTreeMap<&str, &str> = given.iter().copied().collect();
        if let Some((missing, _)) = playbook.wanted().find(|(name, _)| !given.contains_key(name)) {
            return Err(StartError::Missing(missing.to_owned()));
        }
        let own = playbook
            .variables
            .iter()
            .filter_map(|(name, variable)| Some((name.clone(), variable.value.clone()?)));
        let given = given
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut run = Self {
            playbook: playbook.id.clone(),
            version: playbook.modified,
            state: RunState::Running,
            variables: own.chain(given).collect(),
            executions: Vec::new(),
            live: Vec::new(),
            raised: None,
        };
        run.spawn(playbook, &playbook.start, advance::Lane::MAIN, now_ms);
        Ok(run)
    }

    /// Goes as far as it can by itself: begins what is due, ends what is overdue, follows conditions and branches.
    /// Answers everything that is to be done now, also what was answered before and is not finished.
    pub fn proceed(&mut self, playbook: &Playbook, now_ms: i64) -> Vec<Order<'_>> {
        self.advance(playbook, now_ms);
        self.orders()
    }

    /// Everything that is to be done now.
    #[must_use]
    pub fn orders(&self) -> Vec<Order<'_>> {
        self.live
            .iter()
            .map(|id| self.execution(*id))
            .filter_map(|execution| match (&execution.state, &execution.order) {
                (ExecutionState::Open { since_ms, deadline_ms }, Some(kind)) => Some(Order {
                    execution: execution.id,
                    step: &execution.step,
                    kind,
                    since_ms: *since_ms,
                    deadline_ms: *deadline_ms,
                }),
                _ => None,
            })
            .collect()
    }

    /// Takes what came of an order. A step whose post-condition does not hold afterwards counts as failed: it was
    /// applied, but is not effective.
    ///
    /// # Errors
    /// When the execution is not open, or a result is none of its own; nothing has changed then.
    pub fn finish(
        &mut self,
        playbook: &Playbook,
        execution: ExecutionId,
        outcome: Outcome,
        now_ms: i64,
    ) -> Result<(), FinishError> {
        if playbook.id != self.playbook || playbook.modified != self.version {
            return Err(FinishError::OtherPlaybook);
        }
        let open = self.executions.get(execution.0 as usize);
        let open = open.filter(|found| matches!(found.state, ExecutionState::Open { .. }));
        let step = &playbook.workflow[&open.ok_or(FinishError::NotOpen)?.step];
        let failed = match outcome {
            Outcome::Failed { why } => Some(why),
            Outcome::Succeeded { results } => {
                self.check_results(playbook, execution, step, &results)?;
                for (name, value) in results {
                    self.set(playbook, execution, &name, value);
                }
                self.not_effective(playbook, execution, step)
            }
        };
        self.end(playbook, execution, failed, now_ms);
        Ok(())
    }

    /// Stops the run: everything that is not finished is abandoned.
    pub fn stop(&mut self, now_ms: i64) {
        if self.state == RunState::Running {
            self.abandon(None, now_ms);
            self.state = RunState::Stopped { at_ms: now_ms };
        }
    }

    /// How it stands.
    #[must_use]
    pub const fn state(&self) -> &RunState {
        &self.state
    }

    /// The playbook and its version.
    #[must_use]
    pub const fn playbook(&self) -> (&Identifier, Timestamp) {
        (&self.playbook, self.version)
    }

    /// All executions in the order in which they were begun.
    #[must_use]
    pub fn executions(&self) -> &[Execution] {
        &self.executions
    }

    /// The playbook's variables as they stand.
    #[must_use]
    pub const fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// When [`Run::proceed`] has something to do by itself again, in milliseconds since 1970.
    #[must_use]
    pub fn next_due_ms(&self) -> Option<i64> {
        self.live
            .iter()
            .filter_map(|id| match &self.execution(*id).state {
                ExecutionState::Waiting { until_ms } => Some(*until_ms),
                ExecutionState::Open { deadline_ms, .. } | ExecutionState::Branching { deadline_ms, .. } => {
                    *deadline_ms
                }
                ExecutionState::Succeeded { .. } | ExecutionState::Failed { .. } | ExecutionState::Abandoned { .. } => {
                    None
                }
            })
            .min()
    }

    /// What was done and can be undone or must be named as final, the last done first.
    #[must_use]
    pub fn undoing(&self) -> Vec<(&Execution, &Undo)> {
        let mut done: Vec<(i64, &Execution, &Undo)> = self
            .executions
            .iter()
            .filter_map(|execution| match (&execution.state, &execution.undo) {
                (ExecutionState::Succeeded { at_ms } | ExecutionState::Failed { at_ms, .. }, Some(undo)) => {
                    Some((*at_ms, execution, undo))
                }
                _ => None,
            })
            .collect();
        done.sort_by_key(|(at_ms, execution, _)| std::cmp::Reverse((*at_ms, execution.id)));
        done.into_iter().map(|(_, execution, undo)| (execution, undo)).collect()
    }

    fn execution(&self, id: ExecutionId) -> &Execution {
        &self.executions[id.0 as usize]
    }

    fn check_results(
        &self,
        playbook: &Playbook,
        execution: ExecutionId,
        step: &Step,
        results: &BTreeMap<String, String>,
    ) -> Result<(), FinishError> {
        let out_args = match &step.kind {
            StepKind::Action { out_args, .. } | StepKind::PlaybookAction { out_args, .. } => out_args.as_slice(),
            StepKind::Start
            | StepKind::End
            | StepKind::Parallel { .. }
            | StepKind::If { .. }
            | StepKind::While { .. }
            | StepKind::Switch { .. } => &[],
        };
        for (name, value) in results {
            if !out_args
                .iter()
                .any(|known| known.strip_suffix(":value").unwrap_or(known) == name)
            {
                return Err(FinishError::NotAResult(name.clone()));
            }
            let Some(kind) = self.declared(playbook, execution, name) else {
                return Err(FinishError::NotAResult(name.clone()));
            };
            if !kind.admits(value) {
                let (name, value) = (name.clone(), crate::json::shortened(value));
                return Err(FinishError::BadValue {
                    name,
                    value,
                    kind: kind.name(),
                });
            }
        }
        Ok(())
    }

    fn not_effective(&self, playbook: &Playbook, execution: ExecutionId, step: &Step) -> Option<String> {
        let post = step.policy.post_condition.as_ref()?;
        let holds = post.condition.holds(&|name| self.value(playbook, execution, name));
        (!holds).then(|| format!("applied, not effective: {} does not hold", post.condition))
    }
}

#[cfg(test)]
mod tests;
