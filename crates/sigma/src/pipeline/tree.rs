//! A selection while a pipeline works on it: items that remember which processing items changed them, nested as the changes need.

use std::collections::BTreeSet;

use crate::document::Fault;
use crate::pipeline::limits::SELECTION_ITEMS_MAX;
use crate::rule::{Item, Selection};
use crate::yaml::Position;

/// An item and the ids of the processing items that changed it.
#[derive(Debug, Clone)]
pub(super) struct Worked {
    pub(super) item: Item,
    pub(super) applied: BTreeSet<String>,
}

/// A selection or a part of one.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Item(Box<Worked>),
    All(Vec<Node>),
    Any(Vec<Node>),
}

impl Node {
    pub(super) fn from_selection(selection: Selection) -> Node {
        match selection {
            Selection::All(items) => Node::All(
                items
                    .into_iter()
                    .map(|item| {
                        Node::Item(Box::new(Worked {
                            item,
                            applied: BTreeSet::new(),
                        }))
                    })
                    .collect(),
            ),
            Selection::Any(parts) => Node::Any(parts.into_iter().map(Node::from_selection).collect()),
        }
    }

    pub(super) fn for_each<'a>(&'a self, visit: &mut impl FnMut(&'a Worked)) {
        match self {
            Node::Item(worked) => visit(worked),
            Node::All(parts) | Node::Any(parts) => parts.iter().for_each(|part| part.for_each(visit)),
        }
    }

    /// Replaces items; what `change` returns takes the item's place, and nothing drops it.
    pub(super) fn replace(
        self,
        change: &mut impl FnMut(Box<Worked>) -> Result<Option<Node>, Fault>,
    ) -> Result<Option<Node>, Fault> {
        let mut all = |parts: Vec<Node>| -> Result<Vec<Node>, Fault> {
            let mut kept = Vec::with_capacity(parts.len());
            for part in parts {
                kept.extend(part.replace(change)?);
            }
            Ok(kept)
        };
        Ok(match self {
            Node::Item(worked) => change(worked)?,
            Node::All(parts) => Some(Node::All(all(parts)?)),
            // A part that lost all its items holds nothing; kept, it would hold always.
            Node::Any(parts) => Some(Node::Any(
                all(parts)?.into_iter().filter(|part| !part.is_empty()).collect(),
            )),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Node::Item(_) => false,
            Node::All(parts) | Node::Any(parts) => parts.iter().all(Node::is_empty),
        }
    }

    /// Returns the selection that the rule keeps: alternatives inside a map are multiplied out, within the limit.
    pub(super) fn into_selection(self, at: Position) -> Result<Selection, Fault> {
        match self {
            Node::Any(parts) => {
                let parts = parts.into_iter().map(|part| part.into_selection(at));
                Ok(Selection::Any(parts.collect::<Result<_, _>>()?))
            }
            Node::Item(_) | Node::All(_) => {
                let mut alternatives = self.alternatives(at)?;
                Ok(match alternatives.len() {
                    1 => Selection::All(alternatives.remove(0)),
                    _ => Selection::Any(alternatives.into_iter().map(Selection::All).collect()),
                })
            }
        }
    }

    fn alternatives(self, at: Position) -> Result<Vec<Vec<Item>>, Fault> {
        match self {
            Node::Item(worked) => Ok(vec![vec![worked.item]]),
            Node::Any(parts) => {
                let mut all = Vec::new();
                for part in parts {
                    all.extend(part.alternatives(at)?);
                    bounded(&all, at)?;
                }
                Ok(all)
            }
            Node::All(parts) => {
                let mut all: Vec<Vec<Item>> = vec![Vec::new()];
                for part in parts.into_iter().filter(|part| !part.is_empty()) {
                    let more = part.alternatives(at)?;
                    let joined = all
                        .iter()
                        .flat_map(|items| more.iter().map(move |other| [items.as_slice(), other].concat()));
                    let joined: Vec<Vec<Item>> = joined.take(SELECTION_ITEMS_MAX + 1).collect();
                    bounded(&joined, at)?;
                    all = joined;
                }
                Ok(all)
            }
        }
    }
}

fn bounded(alternatives: &[Vec<Item>], at: Position) -> Result<(), Fault> {
    let items: usize = alternatives.iter().map(|items| items.len().max(1)).sum();
    if items > SELECTION_ITEMS_MAX {
        return Err(Fault::new(
            at,
            format!("the pipeline turns this selection into more than {SELECTION_ITEMS_MAX} items"),
        ));
    }
    Ok(())
}
