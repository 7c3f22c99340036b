//! Variables: each that is read is defined where it is read, can have a value there, and none that is constant changes.

use std::collections::{BTreeMap, HashSet};

use super::{graph::Owners, place};
use crate::{
    FlawKind, Identifier, Playbook, Step, StepKind, Undo, Variable,
    flaw::{Flaws, nearest},
    variable::uses,
};

/// Checks the variables of a playbook whose steps have these owners.
pub(super) fn check(playbook: &Playbook, owners: &Owners<'_>, flaws: &mut Flaws) {
    let set_somewhere: HashSet<&str> = playbook
        .workflow
        .values()
        .flat_map(|step| results(&step.kind))
        .collect();
    for (id, step) in &playbook.workflow {
        let scope = scope(playbook, id, owners);
        let at = place(id);
        for name in read_by(playbook, step) {
            match scope.get(name) {
                None => flaws.add(&at, undefined(name, &scope)),
                Some(variable) if variable.value.is_none() && !variable.external && !set_somewhere.contains(name) => {
                    flaws.add(&at, FlawKind::NeverSet(name.to_owned()));
                }
                Some(_) => {}
            }
        }
        for name in results(&step.kind) {
            match scope.get(name) {
                None => flaws.add(&format!("{at}/out_args"), undefined(name, &scope)),
                Some(variable) if variable.constant => {
                    flaws.add(&format!("{at}/out_args"), FlawKind::ConstantResult(name.to_owned()));
                }
                Some(_) => {}
            }
        }
    }
}

fn undefined(name: &str, scope: &BTreeMap<&str, &Variable>) -> FlawKind {
    FlawKind::UndefinedVariable {
        name: name.to_owned(),
        near: nearest(name, scope.keys().copied()),
    }
}

/// The variables that a step sees: its own, those of the steps in whose branches it lies, the playbook's.
fn scope<'a>(playbook: &'a Playbook, id: &'a Identifier, owners: &Owners<'a>) -> BTreeMap<&'a str, &'a Variable> {
    let mut scope: BTreeMap<&str, &Variable> = playbook.variables.iter().map(named).collect();
    let above: Vec<&Identifier> = std::iter::successors(Some(id), |step| owners.get(step).copied().flatten()).collect();
    for step in above.into_iter().rev() {
        scope.extend(playbook.workflow[step].variables.iter().map(named));
    }
    scope
}

fn named<'a>((name, variable): (&'a String, &'a Variable)) -> (&'a str, &'a Variable) {
    (name.as_str(), variable)
}

/// The names of the variables that a step reads, each once.
fn read_by<'a>(playbook: &'a Playbook, step: &'a Step) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    let used = |text: &'a str| uses(text).into_iter().map(|(_, name)| name);
    match &step.kind {
        StepKind::Start | StepKind::End | StepKind::Parallel { .. } => {}
        StepKind::Action {
            commands,
            agent,
            targets,
            in_args,
            ..
        } => {
            names.extend(commands.iter().flat_map(crate::Command::texts).flat_map(used));
            let definitions = playbook.agents.get(agent).into_iter();
            let definitions = definitions.chain(targets.iter().filter_map(|target| playbook.targets.get(target)));
            names.extend(
                definitions
                    .flat_map(|definition| definition.properties.values())
                    .flat_map(|text| used(text)),
            );
            names.extend(in_args.iter().map(|name| bare(name)));
        }
        StepKind::PlaybookAction { in_args, .. } => names.extend(in_args.iter().map(|name| bare(name))),
        StepKind::If { condition, .. } | StepKind::While { condition, .. } => names.extend(condition.names()),
        StepKind::Switch { variable, .. } => names.push(variable),
    }
    if let Some(post) = &step.policy.post_condition {
        names.extend(post.condition.names());
    }
    if let Some(Undo::Commands(commands)) = &step.policy.undo {
        names.extend(commands.iter().flat_map(crate::Command::texts).flat_map(used));
    }
    names.sort_unstable();
    names.dedup();
    names
}

/// An argument's name without the `:value` that some write after it.
fn bare(name: &str) -> &str {
    name.strip_suffix(":value").unwrap_or(name)
}

fn results(kind: &StepKind) -> Vec<&str> {
    match kind {
        StepKind::Action { out_args, .. } | StepKind::PlaybookAction { out_args, .. } => {
            out_args.iter().map(|name| bare(name)).collect()
        }
        StepKind::Start
        | StepKind::End
        | StepKind::Parallel { .. }
        | StepKind::If { .. }
        | StepKind::While { .. }
        | StepKind::Switch { .. } => Vec::new(),
    }
}
