//! How a run goes on by itself: what devices and other plans have done is taken, what is ordered next is asked for, all in one decision.

use std::collections::BTreeMap;

use cacao::{ExecutionId, Order, Outcome, Playbook, RunState, StepKind, Undo};
use model::{
    Action, ActionState, Actor, ApprovalRule, Change, Decision, Effect, Id, Language, LiftReason, RunStep, Timestamp,
    Unapproved,
};

use super::{PlanRun, RunStart, Undoing, begun};
use crate::response::{
    Policy,
    actions::{self, Asked},
    dispatch::{DeviceInfo, Task, Work, work_of},
    runbook::{in_language, step_name},
};

/// What a run goes on with.
#[derive(Debug, Clone, Copy)]
pub struct Advancing<'a> {
    /// The plan's version that it was started with.
    pub playbook: &'a Playbook,
    /// The newest version of each plan, for steps that run another one.
    pub library: &'a [Playbook],
    /// The actions of this run.
    pub actions: &'a [Action],
    /// The runs that are parts of this one.
    pub children: &'a [PlanRun],
    /// The devices there are.
    pub devices: &'a [DeviceInfo],
    /// What the organisation decided.
    pub policy: &'a Policy,
}

/// What became of one order.
enum Came {
    Done(BTreeMap<String, String>),
    Failed(String),
    Stuck(String),
    Waits,
}

struct Going<'a> {
    with: Advancing<'a>,
    now: Timestamp,
    next: PlanRun,
    changes: Vec<Change>,
    effects: Vec<Effect>,
}

/// Goes on as far as possible; none when nothing has changed. What is asked for has ids that follow from the run: asking twice is asking
/// once.
#[must_use]
pub fn advance(run: &PlanRun, with: Advancing<'_>, now: Timestamp) -> Option<Decision> {
    let mut going = Going {
        with,
        now,
        next: run.clone(),
        changes: Vec::new(),
        effects: Vec::new(),
    };
    going.next.due = None;
    if *run.run.state() == RunState::Running {
        going.run();
        if matches!(going.next.run.state(), RunState::Failed { .. }) {
            begin_undoing(&mut going.next, with.actions, now);
        }
    }
    going.undo();
    if going.next == *run && going.changes.is_empty() {
        return None;
    }
    going.next.revision += 1;
    going.changes.push(Change::put(&going.next));
    Some(Decision {
        at: now,
        actor: Actor::Post {
            part: "plans".to_owned(),
        },
        action: "plan.advance".to_owned(),
        reason: None,
        changes: going.changes,
        effects: going.effects,
    })
}

/// Notes what is to be taken back: actions in force, the last that came into force first, and what only a person can.
pub(super) fn begin_undoing(run: &mut PlanRun, actions: &[Action], at: Timestamp) {
    let mut left: Vec<&Action> = actions
        .iter()
        .filter(|action| action.holds() || waits(action))
        .collect();
    left.sort_by_key(|action| {
        let step = action
            .step
            .as_ref()
            .map_or((0, 0), |step| (step.execution, step.command));
        let since = match &action.state {
            ActionState::InForce { since } | ActionState::Lifting { since, .. } => *since,
            ActionState::Requested
            | ActionState::Planned
            | ActionState::Approved { .. }
            | ActionState::Lifted { .. }
            | ActionState::Refused { .. }
            | ActionState::Failed { .. } => Timestamp::MAX,
        };
        std::cmp::Reverse((since, action.requested_at, step))
    });
    let by_hand = run
        .run
        .undoing()
        .into_iter()
        .filter_map(|(execution, undo)| match undo {
            Undo::Commands(commands) => {
                let texts: Vec<&str> = commands
                    .iter()
                    .filter_map(|command| command.command.as_deref())
                    .collect();
                Some(format!("{}: {}", execution.step, texts.join("; ")))
            }
            Undo::Irreversible => Some(format!("{}: —", execution.step)),
            Undo::ByConnector => None,
        })
        .collect();
    run.undoing = Some(Undoing {
        since: at,
        left: left.iter().map(|action| action.id).collect(),
        by_hand,
    });
    run.due = Some(at);
}

/// Whether an action is not carried out yet and may still be.
fn waits(action: &Action) -> bool {
    matches!(
        action.state,
        ActionState::Requested | ActionState::Planned | ActionState::Approved { .. }
    )
}

impl Going<'_> {
    fn run(&mut self) {
        let now_ms = self.now.as_millisecond();
        loop {
            self.next.run.proceed(self.with.playbook, now_ms);
            let open: Vec<(ExecutionId, Came)> = {
                let run = self.next.run.clone();
                let orders = run.orders();
                orders
                    .iter()
                    .map(|order| (order.execution, self.came_of(order)))
                    .collect()
            };
            let live: Vec<u32> = open.iter().map(|(execution, _)| execution.0).collect();
            self.next.stuck.retain(|execution, _| live.contains(execution));
            let mut finished = false;
            for (execution, came) in open {
                let outcome = match came {
                    Came::Waits => continue,
                    Came::Stuck(why) => {
                        self.next.stuck.insert(execution.0, why);
                        continue;
                    }
                    Came::Done(results) => Outcome::Succeeded { results },
                    Came::Failed(why) => Outcome::Failed { why },
                };
                // A failure elsewhere may have abandoned it a moment ago.
                finished |= self
                    .next
                    .run
                    .finish(self.with.playbook, execution, outcome, now_ms)
                    .is_ok();
            }
            if !finished {
                return;
            }
        }
    }

    fn came_of(&mut self, order: &Order<'_>) -> Came {
        match work_of(order, self.with.devices, self.next.exercise) {
            Work::ByHand => Came::Waits,
            Work::Plan { playbook, arguments } => self.child(order, &playbook, arguments),
            Work::Actions(tasks) => self.tasks(order, tasks),
        }
    }

    /// Asks for the commands of a step one after the other.
    fn tasks(&mut self, order: &Order<'_>, tasks: Vec<Task>) -> Came {
        let mut effective = true;
        for (command, task) in (0_u32..).zip(tasks) {
            let id = self.next.action_id(order.execution.0, command);
            let Some(action) = self.with.actions.iter().find(|action| action.id == id) else {
                return self.ask(order, task, (id, command));
            };
            match &action.state {
                ActionState::InForce { .. } if action.is_not_effective() => {
                    let seen = action.proof.as_ref().map_or("", |proof| proof.text.as_str());
                    return self.trouble(order, format!("applied, not effective: {seen}"));
                }
                ActionState::InForce { .. } => {
                    effective &= action.proof.as_ref().is_some_and(|proof| proof.holds == Some(true));
                }
                ActionState::Lifting { .. } | ActionState::Lifted { .. } => {}
                ActionState::Refused { why, .. } | ActionState::Failed { why, .. } => {
                    return self.trouble(order, why.clone());
                }
                ActionState::Requested | ActionState::Planned | ActionState::Approved { .. } => return Came::Waits,
            }
        }
        Came::Done(self.results(order, effective))
    }

    /// A device failed: the plan says what follows, or a person decides.
    fn trouble(&self, order: &Order<'_>, why: String) -> Came {
        let step = &self.with.playbook.workflow[order.step];
        match &step.next {
            cacao::Next::ByResult { failure: Some(_), .. } | cacao::Next::Completion(_) => Came::Failed(why),
            cacao::Next::ByResult { failure: None, .. } | cacao::Next::Nothing => Came::Stuck(why),
        }
    }

    /// Results that are truth values say whether the effect was seen; others a device does not give.
    fn results(&self, order: &Order<'_>, effective: bool) -> BTreeMap<String, String> {
        let StepKind::Action { out_args, .. } = &self.with.playbook.workflow[order.step].kind else {
            return BTreeMap::new();
        };
        let variables = &self.with.playbook.variables;
        out_args
            .iter()
            .map(|name| name.strip_suffix(":value").unwrap_or(name))
            .filter(|name| {
                variables
                    .get(*name)
                    .is_some_and(|variable| variable.kind.name() == "bool")
            })
            .map(|name| (name.to_owned(), effective.to_string()))
            .collect()
    }

    fn ask(&mut self, order: &Order<'_>, task: Task, (id, command): (Id<Action>, u32)) -> Came {
        let step = &self.with.playbook.workflow[order.step];
        let approval = step.policy.approval.as_ref();
        let rule = ApprovalRule {
            quorum: approval.map_or(self.with.policy.quorum, |approval| approval.quorum),
            other_than_requester: !self.with.policy.requester_may_approve,
            until: approval
                .and_then(|approval| approval.timeout_ms)
                .map(|timeout| crate::response::later(self.now, timeout.div_ceil(1000))),
            then: approval.map_or(Unapproved::Wait, |approval| match approval.on_timeout {
                cacao::OnTimeout::Hold => Unapproved::Wait,
                cacao::OnTimeout::Deny => Unapproved::Refuse,
                cacao::OnTimeout::BreakGlass => Unapproved::BreakGlass,
            }),
        };
        let named = |language| {
            let title = in_language(&self.next.title, " / ", language);
            format!("{title}: {}", step_name(self.with.playbook, order.step, language))
        };
        let asked = Asked {
            device: task.device,
            kind: task.kind,
            why: format!("{} / {}", named(Language::Vi), named(Language::En)),
            letter: self.next.letter.clone(),
            incident: self.next.incident.clone(),
            lasts_seconds: step.policy.expires_in_seconds,
        };
        let run_step = RunStep {
            run: self.next.id.to_string(),
            execution: order.execution.0,
            command,
        };
        let by = self.next.started_by.clone();
        match actions::asked_in_run(asked, self.with.policy, (id, run_step, rule), (&by, self.now)) {
            Ok((action, effect)) => {
                self.changes.push(Change::put(&action));
                self.effects.push(effect);
                Came::Waits
            }
            Err(refusal) => self.trouble(order, refusal.to_string()),
        }
    }

    fn child(&mut self, order: &Order<'_>, playbook: &cacao::Identifier, given: BTreeMap<String, String>) -> Came {
        let id = self.next.child_id(order.execution.0);
        if let Some(child) = self.with.children.iter().find(|child| child.id == id) {
            return match child.run.state() {
                RunState::Running => Came::Waits,
                RunState::Succeeded { .. } => Came::Done(self.returned(order, child)),
                RunState::Failed { why, .. } => Came::Failed(why.clone()),
                RunState::Stopped { .. } => Came::Failed("the plan was stopped".to_owned()),
            };
        }
        let Some(found) = self.with.library.iter().find(|one| one.id == *playbook) else {
            return Came::Failed(format!("there is no plan {playbook}"));
        };
        let start = RunStart {
            given,
            incident: self.next.incident.clone(),
            letter: self.next.letter.clone(),
            exercise: self.next.exercise,
        };
        let part_of = Some((self.next.id, order.execution.0));
        match begun(found, start, (id, part_of), (&self.next.started_by.clone(), self.now)) {
            Ok(child) => {
                self.changes.push(Change::put(&child));
                Came::Waits
            }
            Err(error) => Came::Failed(error.to_string()),
        }
    }

    fn returned(&self, order: &Order<'_>, child: &PlanRun) -> BTreeMap<String, String> {
        let StepKind::PlaybookAction { out_args, .. } = &self.with.playbook.workflow[order.step].kind else {
            return BTreeMap::new();
        };
        let value = |name: &String| {
            let name = name.strip_suffix(":value").unwrap_or(name);
            Some((name.to_owned(), child.run.variables().get(name)?.clone()))
        };
        out_args.iter().filter_map(value).collect()
    }

    /// Lifts the next action of a run that is taken back, when the one before is lifted.
    fn undo(&mut self) {
        loop {
            let Some(undoing) = &mut self.next.undoing else { return };
            let Some(first) = undoing.left.first().copied() else {
                return;
            };
            let action = self.with.actions.iter().find(|action| action.id == first);
            match action.map(|action| (action, &action.state)) {
                // Under way: in the one case it will be gone, in the other it can be taken back once it is in force.
                Some((_, ActionState::Lifting { .. } | ActionState::Approved { .. })) => return,
                Some((action, ActionState::InForce { .. })) => {
                    if let Some((lifting, effect)) = actions::lifting(action, LiftReason::RunUndone) {
                        self.changes.push(Change::put(&lifting));
                        self.effects.push(effect);
                    }
                    return;
                }
                Some((action, ActionState::Requested | ActionState::Planned)) => {
                    let mut off = actions::raised(action);
                    off.state = ActionState::Refused {
                        at: self.now,
                        why: "its plan is undone".to_owned(),
                    };
                    self.changes.push(Change::put(&off));
                    undoing.left.remove(0);
                }
                None
                | Some((_, ActionState::Lifted { .. } | ActionState::Refused { .. } | ActionState::Failed { .. })) => {
                    undoing.left.remove(0);
                }
            }
        }
    }
}
