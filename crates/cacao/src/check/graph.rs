//! The graph of steps: no circle, no step in two branches, none that is never reached.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::place;
use crate::{BRANCH_DEPTH_MAX, FlawKind, Identifier, Playbook, flaw::Flaws};

/// For each step, the step in one of whose branches it lies; `None` for the main line.
pub(super) type Owners<'a> = BTreeMap<&'a Identifier, Option<&'a Identifier>>;

/// Checks the graph; the owners of all steps when it is sound.
pub(super) fn check<'a>(playbook: &'a Playbook, flaws: &mut Flaws) -> Option<Owners<'a>> {
    circles(playbook, flaws);
    if flaws.any() {
        return None;
    }
    let owners = regions(playbook, flaws);
    for id in playbook.workflow.keys().filter(|id| !owners.contains_key(id)) {
        flaws.add(&place(id), FlawKind::Unreachable);
    }
    too_deep(&owners, flaws);
    (!flaws.any()).then_some(owners)
}

fn following<'a>(playbook: &'a Playbook, id: &Identifier) -> Vec<&'a Identifier> {
    let step = &playbook.workflow[id];
    let next = step.next.named().into_iter().map(|(_, next)| next);
    next.chain(step.kind.branches().into_iter().map(|(_, branch)| branch))
        .collect()
}

/// Each step is left once all that follows it was seen; a step that is met again before it was left closes a circle.
fn circles(playbook: &Playbook, flaws: &mut Flaws) {
    let mut done: HashSet<&Identifier> = HashSet::new();
    for first in playbook.workflow.keys() {
        let mut way: Vec<(&Identifier, Vec<&Identifier>)> = Vec::new();
        if !done.contains(first) {
            way.push((first, following(playbook, first)));
        }
        while let Some((id, open)) = way.last_mut() {
            let Some(next) = open.pop() else {
                done.insert(id);
                way.pop();
                continue;
            };
            if let Some(from) = way.iter().position(|(passed, _)| *passed == next) {
                let circle = way[from..]
                    .iter()
                    .map(|(id, _)| *id)
                    .chain([next])
                    .map(ToString::to_string)
                    .collect();
                flaws.add(&place(next), FlawKind::Circle(circle));
            } else if !done.contains(next) {
                way.push((next, following(playbook, next)));
            }
        }
    }
}

/// A line of steps: the main one, or a branch.
struct Line<'a> {
    owner: Option<&'a Identifier>,
    name: String,
    first: &'a Identifier,
}

fn regions<'a>(playbook: &'a Playbook, flaws: &mut Flaws) -> Owners<'a> {
    let main = |first| Line {
        owner: None,
        name: "workflow".to_owned(),
        first,
    };
    let mut open: Vec<Line<'a>> = playbook.exception.iter().chain([&playbook.start]).map(main).collect();
    let mut lines: BTreeMap<&Identifier, (Option<&Identifier>, String)> = BTreeMap::new();
    let mut told: BTreeSet<&Identifier> = BTreeSet::new();
    while let Some(line) = open.pop() {
        let mut walk = vec![line.first];
        while let Some(id) = walk.pop() {
            if let Some((_, name)) = lines.get(id) {
                if *name != line.name && told.insert(id) {
                    let (first, second) = (name.clone(), line.name.clone());
                    flaws.add(&place(id), FlawKind::SharedByBranches { first, second });
                }
                continue;
            }
            lines.insert(id, (line.owner, line.name.clone()));
            let step = &playbook.workflow[id];
            walk.extend(step.next.named().into_iter().map(|(_, next)| next));
            open.extend(step.kind.branches().into_iter().map(|(property, first)| Line {
                owner: Some(id),
                name: format!("{id}/{property}"),
                first,
            }));
        }
    }
    lines.into_iter().map(|(id, (owner, _))| (id, owner)).collect()
}

fn too_deep(owners: &Owners<'_>, flaws: &mut Flaws) {
    for id in owners.keys() {
        let depth = std::iter::successors(owners.get(*id).copied().flatten(), |owner| {
            owners.get(owner).copied().flatten()
        });
        if depth.take(BRANCH_DEPTH_MAX + 1).count() > BRANCH_DEPTH_MAX {
            flaws.add(
                &place(id),
                FlawKind::TooMany {
                    what: "branches within branches",
                    most: BRANCH_DEPTH_MAX,
                },
            );
        }
    }
}
