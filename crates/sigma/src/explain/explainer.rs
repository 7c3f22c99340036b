//! The plain evaluation behind an explanation, part by part over the record's fields.

use std::ops::Range;

use super::{EVIDENCE_MAX, Evidence, Explained, Instead, Kind, SHOWN_VALUES_MAX, part};
use crate::atom::{Atom, Logic, Number, Test, address_bits};
use crate::condition::{Expression, Quantity};
use crate::fold::{fold, fold_with_places};
use crate::lower::{self, Placeholders};
use crate::modifier::Modifier;
use crate::record::{Record, Value};
use crate::rule::{Item, Literal, Rule, Selection};
use crate::time_part::time_part;
use crate::yaml::Position;

/// The record's fields, held as owned texts.
#[derive(Debug, Default)]
pub(super) struct Fields {
    fields: Vec<(String, Given)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Given {
    Text(String),
    Null,
    EmptyList,
}

impl Fields {
    pub(super) fn of<R: Record + ?Sized>(record: &R) -> Self {
        let mut fields = Vec::new();
        record.visit(|name, value| {
            let given = match value.text() {
                Some(text) => Given::Text(text.into_owned()),
                None if value == Value::Null => Given::Null,
                None => Given::EmptyList,
            };
            fields.push((name.to_owned(), given));
        });
        Self { fields }
    }

    fn named<'a>(&'a self, field: Option<&'a str>) -> impl Iterator<Item = (&'a str, &'a Given)> {
        let fits = move |name: &str| field.is_none_or(|field| field == name);
        self.fields
            .iter()
            .filter(move |(name, _)| fits(name))
            .map(|(name, given)| (name.as_str(), given))
    }
}

#[derive(Debug)]
pub(super) struct Explainer<'a> {
    pub(super) rule: &'a Rule,
    pub(super) placeholders: &'a Placeholders,
    pub(super) fields: Fields,
}

impl Explainer<'_> {
    pub(super) fn expression(&self, expression: &Expression, at: Position) -> Explained {
        let all = |parts: &[Expression]| parts.iter().map(|part| self.expression(part, at)).collect::<Vec<_>>();
        match expression {
            Expression::And(inner) => {
                let parts = all(inner);
                let holds = parts.iter().all(|part| part.holds);
                Explained {
                    parts,
                    ..part(Kind::All, "and".to_owned(), at, holds)
                }
            }
            Expression::Or(inner) => {
                let parts = all(inner);
                let holds = parts.iter().any(|part| part.holds);
                Explained {
                    parts,
                    ..part(Kind::Any, "or".to_owned(), at, holds)
                }
            }
            Expression::Not(inner) => {
                let inner = self.expression(inner, at);
                let holds = !inner.holds;
                Explained {
                    parts: vec![inner],
                    ..part(Kind::Not, "not".to_owned(), at, holds)
                }
            }
            Expression::Selection(index) => self.selection(*index),
            Expression::Of {
                quantity,
                pattern,
                selections,
            } => {
                let parts: Vec<_> = selections.iter().map(|index| self.selection(*index)).collect();
                let count = parts.iter().filter(|part| part.holds).count();
                let (word, holds) = match quantity {
                    Quantity::All => ("all".to_owned(), count == parts.len()),
                    Quantity::AtLeast(least) => (least.to_string(), count >= *least),
                };
                Explained {
                    parts,
                    ..part(Kind::Of, format!("{word} of {pattern}"), at, holds)
                }
            }
        }
    }

    fn selection(&self, index: usize) -> Explained {
        let named = &self.rule.detection.selections[index];
        let inner = self.definition(&named.selection, named.at);
        let holds = inner.holds;
        // A map needs no level of its own below the selection's name.
        let parts = if inner.kind == Kind::All {
            inner.parts
        } else {
            vec![inner]
        };
        Explained {
            parts,
            ..part(Kind::Selection, named.name.clone(), named.at, holds)
        }
    }

    fn definition(&self, selection: &Selection, at: Position) -> Explained {
        match selection {
            Selection::All(items) => {
                let parts: Vec<_> = items.iter().map(|item| self.item(item)).collect();
                let holds = parts.iter().all(|part| part.holds);
                Explained {
                    parts,
                    ..part(Kind::All, "and".to_owned(), at, holds)
                }
            }
            Selection::Any(inner) => {
                let parts: Vec<_> = inner.iter().map(|inner| self.definition(inner, at)).collect();
                let holds = parts.iter().any(|part| part.holds);
                Explained {
                    parts,
                    ..part(Kind::Any, "or".to_owned(), at, holds)
                }
            }
        }
    }

    fn item(&self, item: &Item) -> Explained {
        let mut text = item.field.clone().unwrap_or_default();
        for modifier in &item.modifiers {
            text.push('|');
            text.push_str(modifier.name());
        }
        let lowered = lower::lower_values(item, self.placeholders).unwrap_or_default();
        let parts: Vec<Explained> = item
            .values
            .iter()
            .zip(&lowered)
            .map(|(value, logic)| {
                let mut evidence = Vec::new();
                let holds = self.logic(logic, &mut evidence);
                evidence.truncate(EVIDENCE_MAX);
                Explained {
                    evidence,
                    ..part(Kind::Value, written(&value.literal), value.at, holds)
                }
            })
            .collect();
        let has = |modifier| item.modifiers.contains(&modifier);
        let mut values = parts.iter().map(|part| part.holds);
        let joined = if has(Modifier::All) {
            values.all(|holds| holds)
        } else {
            values.any(|holds| holds)
        };
        let holds = joined != has(Modifier::Neq);
        let instead = (!holds).then(|| self.instead(item)).flatten();
        Explained {
            parts,
            instead,
            ..part(Kind::Item, text, item.at, holds)
        }
    }

    fn instead(&self, item: &Item) -> Option<Instead> {
        let field = item.field.as_deref()?;
        let values = self.fields.named(Some(field)).filter_map(|(_, given)| match given {
            Given::Text(text) => Some(Some(text.clone())),
            Given::Null => Some(None),
            Given::EmptyList => None,
        });
        let is_missing = self.fields.named(Some(field)).next().is_none();
        Some(if is_missing {
            Instead::Missing
        } else {
            Instead::Values(values.take(SHOWN_VALUES_MAX).collect())
        })
    }

    fn logic(&self, logic: &Logic, evidence: &mut Vec<Evidence>) -> bool {
        match logic {
            // Every alternative is looked at, so that all evidence is shown.
            Logic::Or(parts) => parts.iter().filter(|part| self.logic(part, evidence)).count() > 0,
            Logic::And(parts) => parts.iter().filter(|part| self.logic(part, evidence)).count() == parts.len(),
            Logic::AtLeast(count, parts) => parts.iter().filter(|part| self.logic(part, evidence)).count() >= *count,
            Logic::Not(inner) => !self.logic(inner, &mut Vec::new()),
            Logic::Atom(atom) => self.atom(atom, evidence),
        }
    }

    fn atom(&self, atom: &Atom, evidence: &mut Vec<Evidence>) -> bool {
        let mut holds = false;
        for (name, given) in self.fields.named(atom.field.as_deref()) {
            let found = match given {
                Given::Text(text) => self.find(&atom.test, text),
                Given::Null => atom.test.holds_for_null().then_some(0..0),
                Given::EmptyList => (atom.test == Test::Present).then_some(0..0),
            };
            let Some(bytes) = found else { continue };
            holds = true;
            let value = if let Given::Text(text) = given {
                text.clone()
            } else {
                String::new()
            };
            if evidence.len() < EVIDENCE_MAX {
                evidence.push(Evidence {
                    field: name.to_owned(),
                    value,
                    bytes,
                });
            }
        }
        holds
    }

    /// Returns the bytes of a text by which it passes a test.
    fn find(&self, question: &Test, text: &str) -> Option<Range<usize>> {
        let whole = || 0..text.len();
        match question {
            Test::Present => Some(whole()),
            Test::Null => None,
            Test::Text { pattern, cased: true } => pattern.find(text).map(|(start, end)| start..end),
            Test::Text { pattern, cased: false } => {
                let (folded, places) = fold_with_places(text);
                pattern.find(&folded).map(|(start, end)| places[start]..places[end])
            }
            Test::Regex(regular) => regular.regex().find(text).map(|found| found.range()),
            Test::Cidr(network) => address_bits(text)
                .is_some_and(|address| network.contains(address))
                .then(whole),
            Test::Compare {
                part,
                comparison,
                bound,
            } => {
                let value = match part {
                    None => Number::parse(text),
                    Some(part) => time_part(text, *part).map(|value| Number::Int(value.into())),
                };
                value
                    .is_some_and(|value| comparison.accepts(value.order(*bound)))
                    .then(whole)
            }
            Test::FieldRef { other, relation, cased } => {
                let others = self.fields.named(Some(other)).filter_map(|(_, given)| match given {
                    Given::Text(text) => Some(text),
                    Given::Null | Given::EmptyList => None,
                });
                let holds = |other: &String| {
                    if *cased {
                        relation.holds(text, other)
                    } else {
                        relation.holds(&fold(text), &fold(other))
                    }
                };
                others.into_iter().any(holds).then(whole)
            }
        }
    }
}

fn written(literal: &Literal) -> String {
    match literal {
        Literal::Null => "null".to_owned(),
        Literal::Bool(value) => value.to_string(),
        Literal::Int(value) => value.to_string(),
        Literal::Float(value) => value.to_string(),
        Literal::String(text) => text.clone(),
    }
}
