//! How a run moves from step to step.

use std::collections::BTreeMap;

use super::{Execution, ExecutionId, ExecutionState, OrderKind, Run, RunState};
use crate::{Definition, EXECUTIONS_MAX, Identifier, Next, Playbook, ROUNDS_MAX, Step, StepKind, Undo, VariableKind};

/// Where an execution lies: in a branch of which other one, and in which of its rounds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lane {
    pub(super) parent: Option<ExecutionId>,
    pub(super) round: u32,
}

impl Lane {
    /// The main line of the playbook.
    pub(super) const MAIN: Self = Self { parent: None, round: 1 };
}

impl Run {
    /// Begins what is due and ends what is overdue until nothing more follows.
    pub(super) fn advance(&mut self, playbook: &Playbook, now_ms: i64) {
        while self.state == RunState::Running {
            let due = self.live.iter().copied().find(|id| self.is_due(*id, now_ms));
            let Some(id) = due else { return };
            match self.execution(id).state {
                ExecutionState::Waiting { .. } => self.begin(playbook, id, now_ms),
                ExecutionState::Open { .. } | ExecutionState::Branching { .. } => {
                    let step = self.execution(id).step.clone();
                    self.end(playbook, id, Some(format!("ACTION_TIMEOUT: {step}")), now_ms);
                }
                ExecutionState::Succeeded { .. } | ExecutionState::Failed { .. } | ExecutionState::Abandoned { .. } => {
                    self.live.retain(|live| *live != id);
                }
            }
        }
    }

    fn is_due(&self, id: ExecutionId, now_ms: i64) -> bool {
        match &self.execution(id).state {
            ExecutionState::Waiting { until_ms } => *until_ms <= now_ms,
            ExecutionState::Open { deadline_ms, .. } | ExecutionState::Branching { deadline_ms, .. } => {
                deadline_ms.is_some_and(|deadline| deadline <= now_ms)
            }
            ExecutionState::Succeeded { .. } | ExecutionState::Failed { .. } | ExecutionState::Abandoned { .. } => true,
        }
    }

    /// Adds an execution that waits for its delay.
    pub(super) fn spawn(&mut self, playbook: &Playbook, step: &Identifier, lane: Lane, now_ms: i64) {
        if self.executions.len() >= EXECUTIONS_MAX {
            self.abandon(None, now_ms);
            self.state = RunState::Failed {
                at_ms: now_ms,
                why: format!("more than {EXECUTIONS_MAX} steps were taken"),
            };
            return;
        }
        let id = ExecutionId(u32::try_from(self.executions.len()).expect("EXECUTIONS_MAX fits in 32 bits"));
        let body = &playbook.workflow[step];
        let values = body
            .variables
            .iter()
            .filter_map(|(name, held)| Some((name.clone(), held.value.clone()?)));
        self.executions.push(Execution {
            id,
            step: step.clone(),
            parent: lane.parent,
            round: lane.round,
            state: ExecutionState::Waiting {
                until_ms: after(now_ms, body.delay_ms),
            },
            order: None,
            undo: None,
            variables: values.collect(),
        });
        self.live.push(id);
    }

    fn begin(&mut self, playbook: &Playbook, id: ExecutionId, now_ms: i64) {
        let step = &playbook.workflow[&self.execution(id).step];
        match &step.kind {
            StepKind::Start => self.end(playbook, id, None, now_ms),
            StepKind::End => self.close_line(playbook, id, now_ms),
            StepKind::Action { .. } | StepKind::PlaybookAction { .. } => self.order(playbook, id, now_ms),
            StepKind::Parallel { branches } => self.branch(playbook, id, branches, now_ms),
            StepKind::If {
                condition,
                on_true,
                on_false,
            } => {
                let holds = condition.holds(&|name| self.value(playbook, id, name));
                let branch = if holds { Some(on_true) } else { on_false.as_ref() };
                match branch {
                    Some(branch) => self.branch(playbook, id, std::slice::from_ref(branch), now_ms),
                    None => self.end(playbook, id, None, now_ms),
                }
            }
            StepKind::While { condition, on_true } => {
                if condition.holds(&|name| self.value(playbook, id, name)) {
                    self.branch(playbook, id, std::slice::from_ref(on_true), now_ms);
                } else {
                    self.end(playbook, id, None, now_ms);
                }
            }
            StepKind::Switch { variable, cases } => {
                let value = self.value(playbook, id, variable);
                let case = value
                    .as_deref()
                    .and_then(|value| cases.get(value))
                    .or_else(|| cases.get("default"));
                if let Some(branch) = case {
                    self.branch(playbook, id, std::slice::from_ref(branch), now_ms);
                } else {
                    let value = value.map_or_else(|| "no value".to_owned(), |value| format!("'{value}'"));
                    self.end(playbook, id, Some(format!("no case for {value} of {variable}")), now_ms);
                }
            }
        }
    }

    fn branch(&mut self, playbook: &Playbook, id: ExecutionId, branches: &[Identifier], now_ms: i64) {
        let step = &playbook.workflow[&self.execution(id).step];
        self.executions[id.0 as usize].state = ExecutionState::Branching {
            since_ms: now_ms,
            deadline_ms: step.timeout_ms.map(|timeout| after(now_ms, timeout)),
            open: u32::try_from(branches.len()).expect("STEPS_MAX fits in 32 bits"),
            failed: None,
        };
        for branch in branches {
            self.spawn(
                playbook,
                branch,
                Lane {
                    parent: Some(id),
                    round: 1,
                },
                now_ms,
            );
        }
    }

    fn order(&mut self, playbook: &Playbook, id: ExecutionId, now_ms: i64) {
        let step = &playbook.workflow[&self.execution(id).step];
        match self.filled(playbook, id, step) {
            Ok((order, undo)) => {
                let deadline_ms = step.timeout_ms.map(|timeout| after(now_ms, timeout));
                let execution = &mut self.executions[id.0 as usize];
                execution.state = ExecutionState::Open {
                    since_ms: now_ms,
                    deadline_ms,
                };
                execution.order = order;
                execution.undo = undo;
            }
            Err(name) => self.end(playbook, id, Some(format!("variable {name} has no value")), now_ms),
        }
    }

    /// What a step orders and how it is undone, with the values of now.
    fn filled(
        &self,
        playbook: &Playbook,
        id: ExecutionId,
        step: &Step,
    ) -> Result<(Option<OrderKind>, Option<Undo>), String> {
        let value = |name: &str| self.value(playbook, id, name);
        let commands = |list: &[crate::Command]| {
            list.iter()
                .map(|command| command.filled(value))
                .collect::<Result<_, _>>()
        };
        let undo = match &step.policy.undo {
            Some(Undo::Commands(list)) => Some(Undo::Commands(commands(list)?)),
            Some(Undo::ByConnector) => Some(Undo::ByConnector),
            Some(Undo::Irreversible) => Some(Undo::Irreversible),
            None => None,
        };
        let order = match &step.kind {
            StepKind::Action {
                commands: list,
                agent,
                targets,
                ..
            } => Some(OrderKind::Action {
                commands: commands(list)?,
                agent: playbook.agents[agent].filled(value)?,
                targets: targets
                    .iter()
                    .map(|target| playbook.targets[target].filled(value))
                    .collect::<Result<_, _>>()?,
            }),
            StepKind::PlaybookAction {
                playbook,
                version,
                in_args,
                ..
            } => {
                let argument = |name: &String| {
                    let name = name.strip_suffix(":value").unwrap_or(name);
                    Ok::<_, String>((name.to_owned(), value(name).ok_or(name)?))
                };
                let arguments = in_args.iter().map(argument).collect::<Result<_, _>>()?;
                Some(OrderKind::Playbook {
                    playbook: playbook.clone(),
                    version: version.clone(),
                    arguments,
                })
            }
            StepKind::Start
            | StepKind::End
            | StepKind::Parallel { .. }
            | StepKind::If { .. }
            | StepKind::While { .. }
            | StepKind::Switch { .. } => None,
        };
        Ok((order, undo))
    }

    /// Ends an execution, and goes on with what follows it.
    pub(super) fn end(&mut self, playbook: &Playbook, id: ExecutionId, failed: Option<String>, now_ms: i64) {
        self.abandon(Some(id), now_ms);
        let step = &playbook.workflow[&self.execution(id).step];
        let execution = &mut self.executions[id.0 as usize];
        let (parent, round) = (execution.parent, execution.round);
        execution.state = match &failed {
            None => ExecutionState::Succeeded { at_ms: now_ms },
            Some(why) => ExecutionState::Failed {
                at_ms: now_ms,
                why: why.clone(),
            },
        };
        self.live.retain(|live| *live != id);
        let next = match (&step.next, &failed) {
            (Next::Completion(next), _) | (Next::ByResult { success: next, .. }, None) => Some(next),
            (Next::ByResult { failure, .. }, Some(_)) => failure.as_ref(),
            (Next::Nothing, _) => None,
        };
        match (next, failed) {
            (Some(next), _) => self.spawn(playbook, next, Lane { parent, round }, now_ms),
            (None, Some(why)) => self.raise(playbook, parent, why, now_ms),
            (None, None) => {}
        }
    }

    /// A failure that its step does not handle: the branch it happened in has failed, or the playbook.
    fn raise(&mut self, playbook: &Playbook, owner: Option<ExecutionId>, why: String, now_ms: i64) {
        match (owner, &playbook.exception) {
            (Some(owner), _) => self.close_branch(playbook, owner, Some(why), now_ms),
            (None, Some(exception)) if self.raised.is_none() => {
                self.raised = Some(why);
                self.abandon(None, now_ms);
                self.spawn(playbook, exception, Lane::MAIN, now_ms);
            }
            (None, _) => {
                self.abandon(None, now_ms);
                let why = self.raised.take().unwrap_or(why);
                self.state = RunState::Failed { at_ms: now_ms, why };
            }
        }
    }

    /// An `end` was reached: of a branch, or of the playbook.
    fn close_line(&mut self, playbook: &Playbook, id: ExecutionId, now_ms: i64) {
        let execution = &mut self.executions[id.0 as usize];
        execution.state = ExecutionState::Succeeded { at_ms: now_ms };
        let parent = execution.parent;
        self.live.retain(|live| *live != id);
        if let Some(owner) = parent {
            self.close_branch(playbook, owner, None, now_ms);
            return;
        }
        self.abandon(None, now_ms);
        self.state = match self.raised.take() {
            None => RunState::Succeeded { at_ms: now_ms },
            Some(why) => RunState::Failed { at_ms: now_ms, why },
        };
    }

    fn close_branch(&mut self, playbook: &Playbook, owner: ExecutionId, why: Option<String>, now_ms: i64) {
        let ExecutionState::Branching { open, failed, .. } = &mut self.executions[owner.0 as usize].state else {
            return;
        };
        *open = open.saturating_sub(1);
        if failed.is_none() {
            *failed = why;
        }
        if *open > 0 {
            return;
        }
        let failed = failed.take();
        let step = &playbook.workflow[&self.execution(owner).step];
        match (&step.kind, failed) {
            (StepKind::While { condition, on_true }, None) => {
                if !condition.holds(&|name| self.value(playbook, owner, name)) {
                    self.end(playbook, owner, None, now_ms);
                } else if self.rounds(owner) >= ROUNDS_MAX {
                    self.end(playbook, owner, Some(format!("more than {ROUNDS_MAX} rounds")), now_ms);
                } else {
                    self.another_round(playbook, owner, on_true, now_ms);
                }
            }
            (_, failed) => self.end(playbook, owner, failed, now_ms),
        }
    }

    fn another_round(&mut self, playbook: &Playbook, owner: ExecutionId, on_true: &Identifier, now_ms: i64) {
        let round = self.rounds(owner) + 1;
        if let ExecutionState::Branching { open, .. } = &mut self.executions[owner.0 as usize].state {
            *open = 1;
        }
        self.spawn(
            playbook,
            on_true,
            Lane {
                parent: Some(owner),
                round,
            },
            now_ms,
        );
    }

    /// The rounds of a `while-condition` so far.
    fn rounds(&self, owner: ExecutionId) -> u32 {
        let within = self
            .executions
            .iter()
            .rev()
            .find(|execution| execution.parent == Some(owner));
        within.map_or(0, |execution| execution.round)
    }

    /// Abandons what is live below an execution, or all that is live.
    pub(super) fn abandon(&mut self, below: Option<ExecutionId>, now_ms: i64) {
        let live = std::mem::take(&mut self.live);
        for id in live {
            if below.is_none_or(|owner| self.lies_below(id, owner)) {
                self.executions[id.0 as usize].state = ExecutionState::Abandoned { at_ms: now_ms };
            } else {
                self.live.push(id);
            }
        }
    }

    fn lies_below(&self, id: ExecutionId, owner: ExecutionId) -> bool {
        self.above(id).skip(1).any(|above| above == owner)
    }

    /// An execution and those in whose branches it lies, the innermost first.
    fn above(&self, id: ExecutionId) -> impl Iterator<Item = ExecutionId> {
        std::iter::successors(Some(id), |id| self.execution(*id).parent)
    }

    /// The value of a variable as an execution sees it.
    pub(super) fn value(&self, playbook: &Playbook, id: ExecutionId, name: &str) -> Option<String> {
        match self.holder(playbook, id, name) {
            Some(holder) => self.execution(holder).variables.get(name).cloned(),
            None => self.variables.get(name).cloned(),
        }
    }

    /// Sets a variable where it is defined.
    pub(super) fn set(&mut self, playbook: &Playbook, id: ExecutionId, name: &str, value: String) {
        let values: &mut BTreeMap<String, String> = match self.holder(playbook, id, name) {
            Some(holder) => &mut self.executions[holder.0 as usize].variables,
            None => &mut self.variables,
        };
        values.insert(name.to_owned(), value);
    }

    /// What kind of value a variable takes, as an execution sees it.
    pub(super) fn declared(&self, playbook: &Playbook, id: ExecutionId, name: &str) -> Option<VariableKind> {
        let variables = match self.holder(playbook, id, name) {
            Some(holder) => &playbook.workflow[&self.execution(holder).step].variables,
            None => &playbook.variables,
        };
        variables.get(name).map(|variable| variable.kind)
    }

    /// The execution of the step that defines a variable; `None` when the playbook does.
    fn holder(&self, playbook: &Playbook, id: ExecutionId, name: &str) -> Option<ExecutionId> {
        self.above(id).find(|id| {
            playbook.workflow[&self.execution(*id).step]
                .variables
                .contains_key(name)
        })
    }
}

impl Definition {
    fn filled(&self, value: impl Fn(&str) -> Option<String> + Copy) -> Result<Self, String> {
        let properties = self
            .properties
            .iter()
            .map(|(name, text)| Ok((name.clone(), crate::variable::fill(text, value)?)))
            .collect::<Result<_, String>>()?;
        Ok(Self {
            kind: self.kind.clone(),
            name: crate::variable::fill(&self.name, value)?,
            properties,
        })
    }
}

fn after(now_ms: i64, milliseconds: u64) -> i64 {
    now_ms.saturating_add(i64::try_from(milliseconds).unwrap_or(i64::MAX))
}
