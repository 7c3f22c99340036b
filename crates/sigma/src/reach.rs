//! Whether a rule can hold at all when records have only some of the fields that it reads.

use crate::condition::{Expression, Quantity};
use crate::modifier::Modifier;
use crate::rule::{Item, Literal, Rule, Selection};

/// Which truths a part of a rule can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Possible {
    yes: bool,
    no: bool,
}

impl Possible {
    const BOTH: Self = Self { yes: true, no: true };

    const fn only(truth: bool) -> Self {
        Self { yes: truth, no: !truth }
    }

    fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        let start = Self::only(true);
        parts.into_iter().fold(start, |sum, part| Self {
            yes: sum.yes && part.yes,
            no: sum.no || part.no,
        })
    }

    fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::all(parts.into_iter().map(Self::negated)).negated()
    }

    fn at_least(count: usize, parts: &[Self]) -> Self {
        Self {
            yes: parts.iter().filter(|part| part.yes).count() >= count,
            no: parts.iter().filter(|part| !part.no).count() < count,
        }
    }

    const fn negated(self) -> Self {
        Self {
            yes: self.no,
            no: self.yes,
        }
    }
}

impl Rule {
    /// Tells whether the rule can hold on a record that has no other fields than those of which `has` says so. Its parts are taken as
    /// independent of each other, so a rule of which this says yes may still contradict itself.
    #[must_use]
    pub fn can_hold_with(&self, has: impl Fn(&str) -> bool) -> bool {
        let selections: Vec<Possible> = self
            .detection
            .selections
            .iter()
            .map(|named| of_selection(&named.selection, &has))
            .collect();
        let conditions = self.detection.conditions.iter();
        Possible::any(conditions.map(|condition| of_expression(&condition.expression, &selections))).yes
    }
}

fn of_expression(expression: &Expression, selections: &[Possible]) -> Possible {
    match expression {
        Expression::Selection(index) => selections[*index],
        Expression::Of {
            quantity,
            selections: named,
            ..
        } => {
            let parts: Vec<Possible> = named.iter().map(|index| selections[*index]).collect();
            match quantity {
                Quantity::All => Possible::all(parts),
                Quantity::AtLeast(count) => Possible::at_least(*count, &parts),
            }
        }
        Expression::Not(inner) => of_expression(inner, selections).negated(),
        Expression::And(parts) => Possible::all(parts.iter().map(|part| of_expression(part, selections))),
        Expression::Or(parts) => Possible::any(parts.iter().map(|part| of_expression(part, selections))),
    }
}

fn of_selection(selection: &Selection, has: &impl Fn(&str) -> bool) -> Possible {
    match selection {
        Selection::All(items) => Possible::all(items.iter().map(|item| of_item(item, has))),
        Selection::Any(parts) => Possible::any(parts.iter().map(|part| of_selection(part, has))),
    }
}

fn of_item(item: &Item, has: &impl Fn(&str) -> bool) -> Possible {
    let is_there = item.field.as_deref().is_none_or(has);
    let modified = |modifier| item.modifiers.contains(&modifier);
    let mut values = item.values.iter().map(|value| match &value.literal {
        // Two fields are compared only where both are there.
        Literal::String(other) if modified(Modifier::FieldRef) && !has(other) => Possible::only(false),
        Literal::Null | Literal::Bool(_) | Literal::Int(_) | Literal::Float(_) | Literal::String(_) if is_there => {
            Possible::BOTH
        }
        Literal::Null => Possible::only(true),
        Literal::Bool(wanted) => Possible::only(modified(Modifier::Exists) && !wanted),
        Literal::String(word) => Possible::only(modified(Modifier::Exists) && is_no(word)),
        Literal::Int(_) | Literal::Float(_) => Possible::only(false),
    });
    let joined = if modified(Modifier::All) && !item.values.is_empty() {
        Possible::all(values)
    } else {
        Possible::any(&mut values)
    };
    if modified(Modifier::Neq) {
        joined.negated()
    } else {
        joined
    }
}

fn is_no(word: &str) -> bool {
    matches!(word.to_lowercase().as_str(), "false" | "no")
}

#[cfg(test)]
mod tests {
    use crate::document::{self, RuleDocument};

    #[test]
    fn a_rule_that_cannot_hold_without_a_field_says_so() {
        for (detection, fields, expect) in [
            ("s: {A: x}\n  condition: s", "", false),
            ("s: {A: x}\n  condition: s", "A", true),
            ("s: {A: x, B: y}\n  condition: s", "A", false),
            ("s:\n    - A: x\n    - B: y\n  condition: s", "A", true),
            ("s: {A: [null, x]}\n  condition: s", "", true),
            ("s: {A|exists: false}\n  condition: s", "", true),
            ("s: {A|exists: 'no'}\n  condition: s", "", true),
            ("s: {A|exists: true}\n  condition: s", "", false),
            ("s: {A|neq: x}\n  condition: s", "", true),
            ("s: {A|contains|all: [x, y]}\n  condition: s", "", false),
            ("s: {A|fieldref: B}\n  condition: s", "A", false),
            ("s: {A|fieldref: B}\n  condition: s", "A B", true),
            ("s: {A|fieldref|neq: B}\n  condition: s", "A", true),
            ("s: {A: x}\n  f: {B: y}\n  condition: s and not f", "A", true),
            ("s: {A: x}\n  f: {B: null}\n  condition: s and not f", "A", false),
            ("s: {A: x}\n  f: {B: y}\n  condition: 1 of them", "B", true),
            ("s: {A: x}\n  f: {B: y}\n  condition: all of them", "B", false),
            (
                "s: {A: x}\n  f: {B: y}\n  g: {C: y}\n  condition: 2 of them",
                "B",
                false,
            ),
            (
                "s: {A: x}\n  f: {B: y}\n  g: {C: y}\n  condition: 2 of them",
                "B C",
                true,
            ),
            ("s: [word]\n  condition: s", "", true),
        ] {
            let text = format!("title: t\nlogsource: {{product: p}}\ndetection:\n  {detection}\n");
            let read = document::parse("t.yml", &text);
            let [RuleDocument::Rule(rule)] = &read.documents[..] else {
                panic!("{text}: {:?}", read.errors)
            };
            let has = |field: &str| fields.split(' ').any(|name| name == field);
            assert_eq!(rule.can_hold_with(has), expect, "{text} with {fields:?}");
        }
    }
}
