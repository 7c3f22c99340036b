//! Renames fields: in detection items, in references to other fields, in the fields shown to analysts, and in correlations.

use crate::correlation::Condition;
use crate::document::Fault;
use crate::modifier::Modifier;
use crate::pipeline::item::ProcessingItem;
use crate::pipeline::run::{Run, Subject, meta_of};
use crate::pipeline::transformation::Renaming;
use crate::pipeline::tree::{Node, Worked};
use crate::rule::{Item, Literal, Value};

impl Run<'_> {
    /// Returns what a renaming transformation makes of a field; `None` leaves it.
    fn renamed(&self, processing: &ProcessingItem, renaming: &Renaming, field: Option<&str>) -> Option<Vec<String>> {
        let one = |name: String| Some(vec![name]);
        let renamed = match (renaming, field) {
            (Renaming::Map(mapping), field) => mapping
                .iter()
                .find(|(from, _)| from.as_deref() == field)
                .map(|(_, to)| to.clone()),
            (Renaming::MapPrefixes(mapping), Some(field)) => {
                let found = mapping
                    .iter()
                    .find_map(|(prefix, to)| Some((field.strip_prefix(prefix.as_str())?, to)));
                found.map(|(rest, to)| to.iter().map(|prefix| format!("{prefix}{rest}")).collect())
            }
            (Renaming::AddSuffix(suffix), Some(field)) => one(format!("{field}{suffix}")),
            (Renaming::AddPrefix(prefix), Some(field)) => one(format!("{prefix}{field}")),
            (Renaming::MapPrefixes(_) | Renaming::AddSuffix(_) | Renaming::AddPrefix(_), None) => None,
        };
        renamed.filter(|_| {
            processing
                .fields
                .is_open(|condition| self.field_holds(condition, field))
        })
    }

    pub(super) fn rename_item(&mut self, processing: &ProcessingItem, renaming: &Renaming, mut worked: Worked) -> Node {
        if worked.item.modifiers.contains(&Modifier::FieldRef) {
            let mut is_changed = false;
            let values = std::mem::take(&mut worked.item.values).into_iter().flat_map(|value| {
                let renamed = match &value.literal {
                    Literal::String(field) => self.renamed(processing, renaming, Some(field)),
                    Literal::Null | Literal::Bool(_) | Literal::Int(_) | Literal::Float(_) => None,
                };
                is_changed |= renamed.is_some();
                let made = |names: Vec<String>| {
                    names
                        .into_iter()
                        .map(|name| Value {
                            literal: Literal::String(name),
                            at: value.at,
                        })
                        .collect()
                };
                renamed.map_or_else(|| vec![value.clone()], made)
            });
            worked.item.values = values.collect();
            if is_changed {
                worked.applied.insert(processing.id.clone());
            }
        }
        let Some(names) = self.renamed(processing, renaming, worked.item.field.as_deref()) else {
            return Node::Item(Box::new(worked));
        };
        self.mapped.extend(worked.item.field.clone());
        self.mapped.extend(names.iter().cloned());
        worked.applied.insert(processing.id.clone());
        if worked.item.field.is_none() {
            values_wrapped(&mut worked.item);
        }
        let is_negative = worked.item.modifiers.contains(&Modifier::Neq);
        let mut parts: Vec<Node> = names
            .into_iter()
            .map(|name| {
                let mut part = worked.clone();
                part.item.field = Some(name);
                Node::Item(Box::new(part))
            })
            .collect();
        match parts.len() {
            1 => parts.remove(0),
            // A field that must differ must differ under each of its names.
            _ if is_negative => Node::All(parts),
            _ => Node::Any(parts),
        }
    }

    /// Renames what stands outside the selections: the fields shown to analysts, and the fields of correlations.
    pub(super) fn rename_meta(
        &mut self,
        processing: &ProcessingItem,
        renaming: &Renaming,
        subject: &mut Subject<'_>,
    ) -> Result<(), Fault> {
        let fields = std::mem::take(&mut meta_of(subject).fields);
        let renamed = fields
            .into_iter()
            .flat_map(|field| self.rename_listed(processing, renaming, field))
            .collect();
        meta_of(subject).fields = renamed;
        let Subject::Correlation { rule, .. } = subject else {
            return Ok(());
        };
        let correlation = &mut rule.correlation;
        let at = correlation.at;
        let single = |run: &mut Self, field: &mut String| {
            let mut names = run.rename_listed(processing, renaming, field.clone());
            if names.len() != 1 {
                return Err(processing.refuse(
                    at,
                    &format!("`{field}` would become several fields, which a correlation cannot have"),
                ));
            }
            *field = names.remove(0);
            Ok(())
        };
        for (_, field) in correlation.aliases.iter_mut().flat_map(|alias| &mut alias.fields) {
            single(self, field)?;
        }
        if let Condition::Compare { fields, .. } = &mut correlation.condition {
            for field in fields {
                single(self, field)?;
            }
        }
        let aliases: Vec<String> = correlation.aliases.iter().map(|alias| alias.name.clone()).collect();
        let group_by = std::mem::take(&mut correlation.group_by).into_iter();
        correlation.group_by = group_by
            .flat_map(|field| {
                if aliases.contains(&field) {
                    vec![field]
                } else {
                    self.rename_listed(processing, renaming, field)
                }
            })
            .collect();
        Ok(())
    }

    fn rename_listed(&mut self, processing: &ProcessingItem, renaming: &Renaming, field: String) -> Vec<String> {
        let Some(names) = self.renamed(processing, renaming, Some(&field)) else {
            return vec![field];
        };
        if names != [field.as_str()] {
            let mut makers = self.made_by.remove(&field).unwrap_or_default();
            makers.insert(processing.id.clone());
            for name in &names {
                self.made_by.insert(name.clone(), makers.clone());
            }
        }
        names
    }
}

/// A keyword may stand anywhere; under a field's name it must say so.
fn values_wrapped(item: &mut Item) {
    let is_text = |modifier: &Modifier| {
        matches!(
            modifier,
            Modifier::All | Modifier::Cased | Modifier::Neq | Modifier::Windash
        )
    };
    if item.modifiers.iter().all(is_text) {
        item.modifiers.insert(0, Modifier::Contains);
    }
}
