//! Applies processing items to one rule or correlation, with the state that passes from item to item.

use std::collections::{BTreeMap, BTreeSet};

use crate::condition::Expression;
use crate::correlation::CorrelationRule;
use crate::document::Fault;
use crate::pipeline::condition::shown;
use crate::pipeline::item::ProcessingItem;
use crate::pipeline::text::{Part, Text};
use crate::pipeline::transformation::{ItemChange, Placeholders, RuleChange, Transformation};
use crate::pipeline::tree::{Node, Worked};
use crate::pipeline::{Applied, split, values};
use crate::rewrite::{conjoin, drop_empty};
use crate::rule::{Literal, LogSource, Metadata, NamedSelection, Rule, Selection};
use crate::yaml::Position;

/// Changes one item and returns what takes its place.
type ChangeOne<'c, R> = dyn FnMut(&mut R, Worked) -> Result<Option<Node>, Fault> + 'c;

/// What is transformed.
pub(super) enum Subject<'a> {
    Rule {
        rule: &'a mut Rule,
        nodes: Vec<Node>,
    },
    Correlation {
        rule: &'a mut CorrelationRule,
        sources: &'a [LogSource],
    },
}

/// The state of one run.
pub(super) struct Run<'a> {
    vars: &'a BTreeMap<String, Vec<String>>,
    pub(super) applied: Applied,
    /// For each field name, the items that made it.
    pub(super) made_by: BTreeMap<String, BTreeSet<String>>,
    /// Every field name that a mapping was applied to or led to.
    pub(super) mapped: BTreeSet<String>,
}

/// Applies items to a rule.
pub(super) fn transform(
    rule: &mut Rule,
    items: &[ProcessingItem],
    vars: &BTreeMap<String, Vec<String>>,
) -> Result<Applied, Fault> {
    let mut nodes = Vec::new();
    for named in &mut rule.detection.selections {
        nodes.push(Node::from_selection(std::mem::replace(
            &mut named.selection,
            Selection::All(Vec::new()),
        )));
    }
    let mut run = Run {
        vars,
        applied: Applied::default(),
        made_by: BTreeMap::new(),
        mapped: BTreeSet::new(),
    };
    let mut subject = Subject::Rule { rule, nodes };
    run.all(items, &mut subject)?;
    if let Subject::Rule { rule, nodes } = subject {
        for (named, node) in rule.detection.selections.iter_mut().zip(nodes) {
            named.selection = node.into_selection(named.at)?;
        }
        drop_empty(rule)?;
    }
    Ok(run.applied)
}

/// Applies items to a correlation over rules of these log sources.
pub(super) fn transform_correlation(
    rule: &mut CorrelationRule,
    sources: &[LogSource],
    items: &[ProcessingItem],
    vars: &BTreeMap<String, Vec<String>>,
) -> Result<Applied, Fault> {
    let mut run = Run {
        vars,
        applied: Applied::default(),
        made_by: BTreeMap::new(),
        mapped: BTreeSet::new(),
    };
    run.all(items, &mut Subject::Correlation { rule, sources })?;
    Ok(run.applied)
}

impl Run<'_> {
    fn all(&mut self, items: &[ProcessingItem], subject: &mut Subject<'_>) -> Result<(), Fault> {
        for item in items {
            if item.rules.is_open(|condition| self.rule_holds(condition, subject)) {
                self.apply(item, subject)?;
                self.applied.items.insert(item.id.clone());
            }
        }
        Ok(())
    }

    fn apply(&mut self, item: &ProcessingItem, subject: &mut Subject<'_>) -> Result<(), Fault> {
        match &item.transformation {
            Transformation::Nest(items) => self.all(items, subject),
            Transformation::Rule(change) => self.change_rule(item, change, subject),
            Transformation::Names(renaming) => {
                self.rename_meta(item, renaming, subject)?;
                let Subject::Rule { nodes, .. } = subject else {
                    return Ok(());
                };
                self.change_items(item, nodes, &mut |run, worked| {
                    Ok(Some(run.rename_item(item, renaming, worked)))
                })
            }
            Transformation::Items(change) => {
                let Subject::Rule { nodes, .. } = subject else {
                    return Ok(());
                };
                self.change_items(item, nodes, &mut |run, worked| run.change_item(item, change, worked))
            }
        }
    }

    fn change_rule(
        &mut self,
        item: &ProcessingItem,
        change: &RuleChange,
        subject: &mut Subject<'_>,
    ) -> Result<(), Fault> {
        match change {
            RuleChange::Fail(message) => return Err(item.refuse(place_of(subject), message)),
            RuleChange::SetState { key, value } => {
                self.applied.state.insert(key.clone(), value.clone());
            }
            RuleChange::SetAttribute { attribute, value } => {
                self.applied.attributes.insert(attribute.clone(), value.clone());
            }
            RuleChange::AddFields(fields) => meta_of(subject).fields.extend(fields.iter().cloned()),
            RuleChange::RemoveFields(fields) => meta_of(subject).fields.retain(|field| !fields.contains(field)),
            RuleChange::SetFields(fields) => meta_of(subject).fields.clone_from(fields),
            RuleChange::LogSource(source) => {
                if let Subject::Rule { rule, .. } = subject {
                    rule.log_source = source.clone();
                }
            }
            RuleChange::AddCondition {
                selection,
                name,
                is_template,
                is_negated,
            } => {
                let Subject::Rule { rule, nodes } = subject else {
                    return Ok(());
                };
                let mut selection = selection.clone();
                if *is_template {
                    fill_template(&mut selection, &rule.log_source);
                }
                let name = name.clone().unwrap_or_else(|| "added".to_owned());
                let added = NamedSelection {
                    name,
                    selection,
                    at: rule.at,
                };
                let one = Expression::Selection(0);
                let demanded = if *is_negated {
                    Expression::Not(Box::new(one))
                } else {
                    one
                };
                conjoin(rule, "_condition", &[added], &demanded, rule.at);
                let last = rule.detection.selections.last_mut().expect("a selection was added");
                nodes.push(Node::from_selection(std::mem::replace(
                    &mut last.selection,
                    Selection::All(Vec::new()),
                )));
            }
            RuleChange::FailUnmapped => {
                if let Subject::Rule { rule, nodes } = subject {
                    self.demand_mapped(item, rule.at, nodes)?;
                }
            }
        }
        Ok(())
    }

    fn change_items(
        &mut self,
        item: &ProcessingItem,
        nodes: &mut [Node],
        change: &mut ChangeOne<'_, Self>,
    ) -> Result<(), Fault> {
        for node in nodes {
            let old = std::mem::replace(node, Node::All(Vec::new()));
            let changed = old.replace(&mut |worked| {
                if self.item_is_meant(item, &worked) {
                    change(self, *worked)
                } else {
                    Ok(Some(Node::Item(worked)))
                }
            })?;
            *node = changed.unwrap_or(Node::All(Vec::new()));
        }
        Ok(())
    }

    /// Returns what takes the item's place; nothing when it is dropped.
    fn change_item(
        &mut self,
        processing: &ProcessingItem,
        change: &ItemChange,
        mut worked: Worked,
    ) -> Result<Option<Node>, Fault> {
        let is_changed = match change {
            ItemChange::Drop => return Ok(None),
            ItemChange::Fail(message) => return Err(processing.refuse(worked.item.at, message)),
            ItemChange::SplitHashes(hashes) => {
                let split = split::split_hashes(&worked, hashes)?;
                return Ok(Some(split.unwrap_or_else(|| Node::Item(Box::new(worked)))));
            }
            ItemChange::ExtractFields {
                regex,
                prefix,
                keeps_unmatched,
            } => {
                let extracted = split::extract_fields(&worked, regex, prefix.as_deref(), *keeps_unmatched);
                return Ok(Some(extracted.unwrap_or_else(|| Node::Item(Box::new(worked)))));
            }
            ItemChange::ToRegex(method) => {
                worked.applied.insert(processing.id.clone());
                return values::to_regex(worked, *method).map(Some);
            }
            ItemChange::WildcardPlaceholders(placeholders) => {
                let many = |name: &str| placeholders.handles(name).then(|| Ok(vec![Text(vec![Part::Many])]));
                values::replace_placeholders(&mut worked, &many)?
            }
            ItemChange::ValuePlaceholders(placeholders) => {
                values::replace_placeholders(&mut worked, &|name| self.values_of(placeholders, name))?
            }
            ItemChange::ReplaceString {
                regex,
                replacement,
                skips_special,
                reads_special,
            } => values::replace_string(&mut worked, regex, replacement, (*skips_special, *reads_special))?,
            ItemChange::MapStrings(mapping) => values::map_strings(&mut worked, mapping)?,
            ItemChange::SetValue(value) => values::set_value(&mut worked, value),
            ItemChange::ConvertType { to_number } => values::convert_type(&mut worked, *to_number)?,
            ItemChange::Case(case) => values::change_case(&mut worked, *case)?,
        };
        if is_changed {
            worked.applied.insert(processing.id.clone());
        }
        Ok(Some(Node::Item(Box::new(worked))))
    }

    fn values_of(&self, placeholders: &Placeholders, name: &str) -> Option<Result<Vec<Text>, String>> {
        placeholders.handles(name).then(|| match self.vars.get(name) {
            Some(values) => Ok(values.iter().map(|value| Text::parse(value)).collect()),
            None => Err(format!("the pipeline has no `vars` entry for the placeholder `{name}`")),
        })
    }

    fn demand_mapped(&self, processing: &ProcessingItem, at: Position, nodes: &[Node]) -> Result<(), Fault> {
        let mut unmapped: BTreeSet<&str> = BTreeSet::new();
        for node in nodes {
            node.for_each(&mut |worked| {
                unmapped.extend(
                    worked
                        .item
                        .field
                        .as_deref()
                        .filter(|field| !self.mapped.contains(*field)),
                );
            });
        }
        if unmapped.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = unmapped.into_iter().collect();
        Err(processing.refuse(at, &format!("these fields are not mapped: {}", names.join(", "))))
    }
}

pub(super) fn place_of(subject: &Subject<'_>) -> Position {
    match subject {
        Subject::Rule { rule, .. } => rule.at,
        Subject::Correlation { rule, .. } => rule.correlation.at,
    }
}

pub(super) fn meta_of<'a>(subject: &'a mut Subject<'_>) -> &'a mut Metadata {
    match subject {
        Subject::Rule { rule, .. } => &mut rule.meta,
        Subject::Correlation { rule, .. } => &mut rule.meta,
    }
}

/// Puts the rule's log source into `$category`, `$product` and `$service`.
fn fill_template(selection: &mut Selection, source: &LogSource) {
    let parts = [
        ("category", &source.category),
        ("product", &source.product),
        ("service", &source.service),
    ];
    selection.for_each_item_mut(&mut |item| {
        for value in &mut item.values {
            let mut text = shown(&value.literal);
            if !matches!(value.literal, Literal::String(_)) {
                continue;
            }
            for (name, part) in parts {
                let part = part.as_deref().unwrap_or_default();
                text = text
                    .replace(&format!("${{{name}}}"), part)
                    .replace(&format!("${name}"), part);
            }
            value.literal = Literal::String(text);
        }
    });
}
