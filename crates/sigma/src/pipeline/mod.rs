//! Processing pipelines in pySigma's YAML format: they rewrite rules for records that do not follow the Sigma taxonomy, before the rules
//! are compiled. Whatever a pipeline asks for is done or refused with file and line; nothing is skipped.

mod condition;
mod gate;
mod item;
mod judge;
mod keys;
pub mod limits;
mod rename;
mod run;
mod split;
#[cfg(test)]
mod tests;
mod text;
mod transformation;
mod tree;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::correlation::CorrelationRule;
use crate::document::{Fault, RuleError};
use crate::pipeline::item::ProcessingItem;
use crate::rule::{Literal, LogSource, Rule};
use crate::yaml::{self, Content, Node, Position};

/// A processing pipeline.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// The name that it gives itself.
    pub name: Option<String>,
    /// Pipelines are applied in rising order of priority.
    pub priority: i64,
    /// What the placeholders of rules stand for.
    vars: BTreeMap<String, Vec<String>>,
    items: Vec<ProcessingItem>,
}

/// What pipelines did to a rule.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Applied {
    /// The ids of the processing items that were applied; those without an id are left out by [`Applied::ids`].
    items: BTreeSet<String>,
    /// What `set_state` stored.
    pub state: BTreeMap<String, Literal>,
    /// What `set_custom_attribute` stored.
    pub attributes: BTreeMap<String, String>,
}

impl Applied {
    /// Yields the ids of the processing items that were applied, sorted.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.items
            .iter()
            .map(String::as_str)
            .filter(|id| !id.starts_with('\u{0}'))
    }
}

impl Pipeline {
    /// Reads a pipeline; `file` is only a name for messages.
    ///
    /// # Errors
    ///
    /// Returns file, place and reason for anything that is unknown, contradictory, refused or beyond [`limits`].
    pub fn read(file: &str, text: &str) -> Result<Pipeline, RuleError> {
        let file: Arc<str> = Arc::from(file);
        Self::read_text(&file, text).map_err(|fault| fault.within(&file, None))
    }

    fn read_text(file: &Arc<str>, text: &str) -> Result<Pipeline, Fault> {
        let documents = yaml::parse(text).map_err(|error| Fault::new(error.at, error.reason))?;
        let [document] = documents.as_slice() else {
            return Err(Fault::new(
                Position::default(),
                "a pipeline file holds exactly one document",
            ));
        };
        if !matches!(document.content, Content::Mapping(_)) {
            return Err(Fault::new(
                document.at,
                format!("a pipeline must be a map, not {}", document.kind()),
            ));
        }
        let known = [
            "name",
            "priority",
            "vars",
            "transformations",
            "postprocessing",
            "finalizers",
            "allowed_backends",
        ];
        keys::only(document, "a pipeline", &known)?;
        for key in ["postprocessing", "finalizers"] {
            if let Some(list) = document.get(key).filter(|list| !list.items().is_empty()) {
                let reason =
                    format!("`{key}` works on the query text of another backend, and this engine makes no query");
                return Err(Fault::new(list.at, reason));
            }
        }
        let mut count = 0;
        let items = document
            .get("transformations")
            .map(|list| ProcessingItem::read_all(list, 0, &mut count));
        let mut items = items.transpose()?.unwrap_or_default();
        for item in &mut items {
            item.place_in(file);
        }
        Ok(Pipeline {
            name: keys::optional_text(document, "name")?,
            priority: read_priority(document)?,
            vars: read_vars(document)?,
            items,
        })
    }
}

fn read_priority(document: &Node) -> Result<i64, Fault> {
    match document.get("priority") {
        None => Ok(0),
        Some(Node {
            content: Content::Int(number),
            at,
        }) => i64::try_from(*number).map_err(|_| Fault::new(*at, "`priority` is out of range")),
        Some(node) => Err(Fault::new(
            node.at,
            format!("`priority` must be a whole number, not {}", node.kind()),
        )),
    }
}

fn read_vars(document: &Node) -> Result<BTreeMap<String, Vec<String>>, Fault> {
    let Some(vars) = document.get("vars") else {
        return Ok(BTreeMap::new());
    };
    if !matches!(vars.content, Content::Mapping(_) | Content::Null) {
        return Err(Fault::new(
            vars.at,
            format!("`vars` must be a map, not {}", vars.kind()),
        ));
    }
    vars.entries()
        .iter()
        .map(|entry| Ok((entry.key.clone(), keys::texts(&entry.value, &entry.key)?)))
        .collect()
}

/// Several pipelines in the order in which they are applied.
#[derive(Debug, Clone, Default)]
pub struct Pipelines {
    items: Vec<ProcessingItem>,
    vars: BTreeMap<String, Vec<String>>,
}

impl Pipelines {
    /// Joins pipelines in rising order of priority, equal ones as given; a later one's `vars` replace an earlier one's of the same name.
    #[must_use]
    pub fn new(mut pipelines: Vec<Pipeline>) -> Pipelines {
        pipelines.sort_by_key(|pipeline| pipeline.priority);
        let mut joined = Pipelines::default();
        for pipeline in pipelines {
            joined.items.extend(pipeline.items);
            joined.vars.extend(pipeline.vars);
        }
        joined
    }

    /// Rewrites a rule.
    ///
    /// # Errors
    ///
    /// Returns the rule's file and the place when a pipeline refuses the rule (`rule_failure`, `detection_item_failure`, a placeholder
    /// without values) or makes it larger than [`limits`] allow; the rule is left as it was.
    pub fn apply(&self, rule: &mut Rule) -> Result<Applied, RuleError> {
        let mut changed = rule.clone();
        match run::transform(&mut changed, &self.items, &self.vars) {
            Ok(applied) => {
                *rule = changed;
                Ok(applied)
            }
            Err(fault) => Err(fault.within(&rule.file, Some(rule.meta.title.clone()))),
        }
    }

    /// Rewrites the fields of a correlation over rules of the given log sources.
    ///
    /// # Errors
    ///
    /// Returns the correlation's file and the place when a pipeline refuses it or maps one of its fields to several; the correlation is
    /// left as it was.
    pub fn apply_to_correlation(
        &self,
        rule: &mut CorrelationRule,
        sources: &[LogSource],
    ) -> Result<Applied, RuleError> {
        let mut changed = rule.clone();
        match run::transform_correlation(&mut changed, sources, &self.items, &self.vars) {
            Ok(applied) => {
                *rule = changed;
                Ok(applied)
            }
            Err(fault) => Err(fault.within(&rule.file, Some(rule.meta.title.clone()))),
        }
    }
}
