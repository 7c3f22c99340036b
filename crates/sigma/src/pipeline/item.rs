//! A processing item: a transformation and the conditions under which it is applied.

use std::sync::Arc;

use crate::document::Fault;
use crate::pipeline::condition::{FieldCondition, ItemCondition, RuleCondition};
use crate::pipeline::gate::Gate;
use crate::pipeline::keys;
use crate::pipeline::limits::{ITEMS_MAX, NEST_DEPTH_MAX};
use crate::pipeline::transformation::Transformation;
use crate::yaml::{Content, Node, Position};

/// A transformation with its conditions.
#[derive(Debug, Clone)]
pub(super) struct ProcessingItem {
    pub(super) id: String,
    pub(super) transformation: Transformation,
    pub(super) rules: Gate<RuleCondition>,
    pub(super) items: Gate<ItemCondition>,
    pub(super) fields: Gate<FieldCondition>,
    /// Where it is written, for those whose rule it refuses.
    pub(super) at: Position,
    pub(super) file: Arc<str>,
}

impl ProcessingItem {
    /// Reads a list of processing items; `count` holds the limit over all nested ones.
    pub(super) fn read_all(list: &Node, depth: usize, count: &mut usize) -> Result<Vec<ProcessingItem>, Fault> {
        if depth > NEST_DEPTH_MAX {
            return Err(Fault::new(
                list.at,
                format!("transformations are nested deeper than {NEST_DEPTH_MAX} levels"),
            ));
        }
        if matches!(list.content, Content::Mapping(_)) {
            return Err(Fault::new(list.at, "transformations are a list, not a map"));
        }
        list.items().iter().map(|node| Self::read(node, depth, count)).collect()
    }

    fn read(node: &Node, depth: usize, count: &mut usize) -> Result<ProcessingItem, Fault> {
        *count += 1;
        if *count > ITEMS_MAX {
            return Err(Fault::new(node.at, format!("more than {ITEMS_MAX} processing items")));
        }
        if !matches!(node.content, Content::Mapping(_)) {
            return Err(Fault::new(
                node.at,
                format!("a processing item must be a map, not {}", node.kind()),
            ));
        }
        let id = keys::optional_text(node, "id")?;
        Ok(ProcessingItem {
            // An item without an id gets one that no file can name.
            id: id.unwrap_or_else(|| format!("\u{0}{}", node.at)),
            transformation: Transformation::read(node, depth, count)?,
            rules: Gate::read(node, "rule", RuleCondition::read)?,
            items: Gate::read(node, "detection_item", ItemCondition::read)?,
            fields: Gate::read(node, "field_name", FieldCondition::read)?,
            at: node.at,
            file: Arc::from(""),
        })
    }

    /// Says in which file it and those nested in it are written.
    pub(super) fn place_in(&mut self, file: &Arc<str>) {
        self.file = Arc::clone(file);
        if let Transformation::Nest(items) = &mut self.transformation {
            for item in items {
                item.place_in(file);
            }
        }
    }

    /// Makes the fault by which it refuses a rule at a place of the rule.
    pub(super) fn refuse(&self, at: Position, reason: &str) -> Fault {
        Fault::new(
            at,
            format!("{reason} (by the pipeline item at {}:{})", self.file, self.at),
        )
    }
}
