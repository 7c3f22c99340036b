//! Whether a playbook that was read makes sense as a whole: what it refers to exists, everything in it can run, and
//! everything that runs ends.

mod graph;
mod variables;

use std::collections::{BTreeMap, HashSet};

use crate::{Flaw, FlawKind, Identifier, Playbook, StepKind, flaw::Flaws, read::escaped};

/// Checks a playbook.
pub(crate) fn check(playbook: &Playbook, flaws: &mut Flaws) {
    references(playbook, flaws);
    if flaws.any() {
        return;
    }
    let Some(regions) = graph::check(playbook, flaws) else {
        return;
    };
    variables::check(playbook, &regions, flaws);
}

/// The place of a step.
fn place(id: &Identifier) -> String {
    format!("/workflow/{}", escaped(id.as_str()))
}

fn references(playbook: &Playbook, flaws: &mut Flaws) {
    let mut defined = |at: &str, what: &'static str, id: &Identifier, there: bool| {
        if !there {
            flaws.add(
                at,
                FlawKind::Dangling {
                    what,
                    id: id.to_string(),
                },
            );
        }
    };
    let steps = &playbook.workflow;
    defined(
        "/workflow_start",
        "step",
        &playbook.start,
        steps.contains_key(&playbook.start),
    );
    if let Some(exception) = &playbook.exception {
        defined("/workflow_exception", "step", exception, steps.contains_key(exception));
    }
    for (id, step) in steps {
        let at = place(id);
        for (property, next) in step.next.named() {
            defined(&format!("{at}/{property}"), "step", next, steps.contains_key(next));
        }
        for (property, branch) in step.kind.branches() {
            defined(&format!("{at}/{property}"), "step", branch, steps.contains_key(branch));
        }
        if let StepKind::Action { agent, targets, .. } = &step.kind {
            defined(
                &format!("{at}/agent"),
                "agent",
                agent,
                playbook.agents.contains_key(agent),
            );
            for (number, target) in targets.iter().enumerate() {
                let there = playbook.targets.contains_key(target);
                defined(&format!("{at}/targets/{number}"), "target", target, there);
            }
        }
    }
}

/// Checks that the playbooks which others call are there, and that none calls itself.
#[must_use]
pub fn check_library(library: &[&Playbook]) -> Vec<(Identifier, Flaw)> {
    let known: BTreeMap<&Identifier, &Playbook> = library.iter().map(|playbook| (&playbook.id, *playbook)).collect();
    let mut flaws = Vec::new();
    for playbook in library {
        for (step, called, version) in calls(playbook) {
            let at = format!("{}/playbook_id", place(step));
            let fits = |found: &&Playbook| version.is_none_or(|version| found.modified.to_string() == *version);
            if !known.get(called).is_some_and(fits) {
                let id = version.map_or_else(|| called.to_string(), |version| format!("{called} of {version}"));
                flaws.push((
                    playbook.id.clone(),
                    Flaw {
                        at,
                        kind: FlawKind::Dangling { what: "playbook", id },
                    },
                ));
            } else if let Some(circle) = circle(&playbook.id, called, &known) {
                flaws.push((
                    playbook.id.clone(),
                    Flaw {
                        at,
                        kind: FlawKind::CallsItself(circle),
                    },
                ));
            }
        }
    }
    flaws
}

fn calls(playbook: &Playbook) -> impl Iterator<Item = (&Identifier, &Identifier, Option<&String>)> {
    playbook.workflow.iter().filter_map(|(step, body)| match &body.kind {
        StepKind::PlaybookAction { playbook, version, .. } => Some((step, playbook, version.as_ref())),
        StepKind::Start
        | StepKind::End
        | StepKind::Action { .. }
        | StepKind::Parallel { .. }
        | StepKind::If { .. }
        | StepKind::While { .. }
        | StepKind::Switch { .. } => None,
    })
}

/// The way from a called playbook back to its caller.
fn circle(own: &Identifier, called: &Identifier, known: &BTreeMap<&Identifier, &Playbook>) -> Option<Vec<String>> {
    let mut seen = HashSet::new();
    let mut open = vec![vec![called]];
    while let Some(way) = open.pop() {
        let last = *way.last().expect("a way has at least its first playbook");
        if last == own {
            let way = std::iter::once(own).chain(way);
            return Some(
                way.map(|id| known.get(id).map_or_else(|| id.to_string(), |found| found.name.clone()))
                    .collect(),
            );
        }
        if seen.insert(last) {
            let further = known.get(last).into_iter().flat_map(|playbook| calls(playbook));
            open.extend(further.map(|(_, next, _)| way.iter().copied().chain([next]).collect()));
        }
    }
    None
}

#[cfg(test)]
mod tests;
