//! Decides whether the conditions of processing items hold, for rules, detection items and field names.

use crate::modifier::Modifier;
use crate::pipeline::condition::{AttributeValue, Comparing, FieldCondition, ItemCondition, RuleCondition, number_of};
use crate::pipeline::item::ProcessingItem;
use crate::pipeline::run::{Run, Subject};
use crate::pipeline::text::Text;
use crate::pipeline::tree::Worked;
use crate::pipeline::values;
use crate::rule::{Item, Literal, Metadata};

impl Run<'_> {
    pub(super) fn rule_holds(&self, condition: &RuleCondition, subject: &Subject<'_>) -> bool {
        let any_item = |holds: &dyn Fn(&Item) -> bool| {
            let Subject::Rule { nodes, .. } = subject else {
                return false;
            };
            let mut found = false;
            for node in nodes {
                node.for_each(&mut |worked| found |= holds(&worked.item));
            }
            found
        };
        match condition {
            RuleCondition::LogSource(source) => match subject {
                Subject::Rule { rule, .. } => source.covers(&rule.log_source),
                Subject::Correlation { sources, .. } => sources.iter().any(|other| source.covers(other)),
            },
            RuleCondition::ContainsField(field) => any_item(&|item| item.field.as_ref() == Some(field)),
            RuleCondition::ContainsItem { field, value } => any_item(&|item| {
                item.field.as_ref() == Some(field) && item.values.iter().any(|held| is_same(item, &held.literal, value))
            }),
            RuleCondition::Applied(id) => self.applied.items.contains(id),
            RuleCondition::State(state) => state.holds(self.applied.state.get(&state.key)),
            RuleCondition::IsRule => matches!(subject, Subject::Rule { .. }),
            RuleCondition::IsCorrelation => matches!(subject, Subject::Correlation { .. }),
            RuleCondition::Attribute {
                attribute,
                value,
                operator,
            } => {
                let meta = match subject {
                    Subject::Rule { rule, .. } => &rule.meta,
                    Subject::Correlation { rule, .. } => &rule.meta,
                };
                self.attribute_holds(meta, attribute, value, *operator)
            }
            RuleCondition::Tag(tag) => {
                let meta = match subject {
                    Subject::Rule { rule, .. } => &rule.meta,
                    Subject::Correlation { rule, .. } => &rule.meta,
                };
                meta.tags.iter().any(|other| other.eq_ignore_ascii_case(tag))
            }
        }
    }

    fn attribute_holds(&self, meta: &Metadata, attribute: &str, value: &AttributeValue, operator: Comparing) -> bool {
        let text = match value {
            AttributeValue::Level(level) => return meta.level.is_some_and(|held| operator.allows(held.cmp(level))),
            AttributeValue::Status(status) => return meta.status.is_some_and(|held| operator.allows(held.cmp(status))),
            AttributeValue::Text(text) => text,
        };
        let list = match attribute {
            "references" => Some(&meta.references),
            "tags" => Some(&meta.tags),
            "falsepositives" => Some(&meta.false_positives),
            "fields" => Some(&meta.fields),
            "scope" => Some(&meta.scope),
            _ => None,
        };
        if let Some(list) = list {
            return match operator {
                Comparing::In => list.contains(text),
                Comparing::NotIn => !list.contains(text),
                // A list is never equal to one value, and has no order with it.
                Comparing::NotEqual => true,
                Comparing::Equal
                | Comparing::GreaterOrEqual
                | Comparing::Greater
                | Comparing::LessOrEqual
                | Comparing::Less => false,
            };
        }
        let held = match attribute {
            "title" => Some(&meta.title),
            "id" => meta.id.as_ref(),
            "name" => meta.name.as_ref(),
            "description" => meta.description.as_ref(),
            "author" => meta.author.as_ref(),
            "date" => meta.date.as_ref(),
            "modified" => meta.modified.as_ref(),
            "taxonomy" => meta.taxonomy.as_ref(),
            "license" => meta.license.as_ref(),
            other => self.applied.attributes.get(other),
        };
        let Some(held) = held else { return false };
        match (held.parse::<f64>(), text.parse::<f64>()) {
            (Ok(left), Ok(right)) => left
                .partial_cmp(&right)
                .is_some_and(|ordering| operator.allows(ordering)),
            // ISO dates stand in the order of their texts.
            _ => operator.allows(held.cmp(text)),
        }
    }

    pub(super) fn item_is_meant(&self, processing: &ProcessingItem, worked: &Worked) -> bool {
        let names_field = |condition: &FieldCondition| match condition {
            FieldCondition::Applied(id) => worked.applied.contains(id),
            FieldCondition::Include(_) | FieldCondition::Exclude(_) | FieldCondition::State(_) => {
                self.field_holds(condition, worked.item.field.as_deref())
                    || (worked.item.modifiers.contains(&Modifier::FieldRef)
                        && worked.item.values.iter().any(|value| match &value.literal {
                            Literal::String(field) => self.field_holds(condition, Some(field)),
                            Literal::Null | Literal::Bool(_) | Literal::Int(_) | Literal::Float(_) => false,
                        }))
            }
        };
        processing.items.is_open(|condition| self.item_holds(condition, worked))
            && processing.fields.is_open(names_field)
    }

    fn item_holds(&self, condition: &ItemCondition, worked: &Worked) -> bool {
        let item = &worked.item;
        let quantified = |all: bool, holds: &dyn Fn(&Literal) -> bool| {
            if all {
                item.values.iter().all(|value| holds(&value.literal))
            } else {
                item.values.iter().any(|value| holds(&value.literal))
            }
        };
        match condition {
            ItemCondition::MatchString { all, pattern, negate } => quantified(*all, &|literal| {
                values::text_of(item, literal).is_some_and(|text| pattern.is_match(&text.shown())) != *negate
            }),
            ItemCondition::MatchValue { all, value } => quantified(*all, &|literal| is_same(item, literal, value)),
            ItemCondition::ContainsWildcard { all } => quantified(*all, &|literal| {
                values::text_of(item, literal).is_some_and(|text| text.has_wildcard())
            }),
            ItemCondition::IsNull { all } => quantified(*all, &|literal| *literal == Literal::Null),
            ItemCondition::Applied(id) => worked.applied.contains(id),
            ItemCondition::State(state) => state.holds(self.applied.state.get(&state.key)),
        }
    }

    pub(super) fn field_holds(&self, condition: &FieldCondition, field: Option<&str>) -> bool {
        match condition {
            FieldCondition::Include(names) => names.contain(field),
            FieldCondition::Exclude(names) => !names.contain(field),
            FieldCondition::Applied(id) => field
                .and_then(|field| self.made_by.get(field))
                .is_some_and(|makers| makers.contains(id)),
            FieldCondition::State(state) => state.holds(self.applied.state.get(&state.key)),
        }
    }
}

/// Compares a value with one of a condition, texts in their parsed form.
fn is_same(item: &Item, held: &Literal, wanted: &Literal) -> bool {
    match (values::text_of(item, held), wanted) {
        (Some(text), Literal::String(wanted)) => text == Text::parse(wanted),
        _ => match (number_of(held), number_of(wanted)) {
            (Some(left), Some(right)) => left.total_cmp(&right).is_eq(),
            _ => held == wanted,
        },
    }
}
