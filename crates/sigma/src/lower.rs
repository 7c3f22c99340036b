//! Lowering: what an item asks once its modifiers are applied, as logic over atoms.

mod kind;
mod text;

use std::collections::BTreeMap;

use self::kind::{Kind, kind_of};
pub use self::text::placeholders_of;
use self::text::{expressions_of, texts_of};
use crate::atom::{Atom, Logic, Network, Number, Test};
use crate::condition::{Expression, Quantity};
use crate::document::Fault;
use crate::fold::fold;
use crate::limits::{FILE_EXPRESSIONS_MAX, RULE_ATOMS_MAX};
use crate::modifier::Modifier;
use crate::pattern::Pattern;
use crate::regular::Regular;
use crate::rule::{Detection, Item, Literal, Selection, Value};

/// Lists of values for placeholders, by name without the percent signs.
pub type Placeholders = BTreeMap<String, Vec<String>>;

/// Lowers the whole logic of a rule: the disjunction of its conditions.
///
/// # Errors
///
/// Returns the first fault of an item, or that the rule expands into too many atoms.
pub fn lower_detection(detection: &Detection, placeholders: &Placeholders) -> Result<Logic, Fault> {
    let (mut atoms, mut lowered) = (0, 0);
    let mut selections = Vec::with_capacity(detection.selections.len());
    for named in &detection.selections {
        let logic = lower_selection(&named.selection, placeholders, &mut lowered)
            .map_err(|fault| Fault::new(fault.at, format!("selection `{}`: {}", named.name, fault.reason)))?;
        selections.push(logic);
    }
    let mut conditions = Vec::with_capacity(detection.conditions.len());
    for condition in &detection.conditions {
        let logic = lower_expression(&condition.expression, &selections, &mut atoms);
        conditions.push(logic.map_err(|reason| Fault::new(condition.at, reason))?);
    }
    Ok(Logic::or(conditions))
}

fn lower_expression(expression: &Expression, selections: &[Logic], atoms: &mut usize) -> Result<Logic, String> {
    let mut pick = |index: usize| -> Result<Logic, String> {
        *atoms += count_atoms(&selections[index]);
        if *atoms > RULE_ATOMS_MAX {
            return Err(too_many_values());
        }
        Ok(selections[index].clone())
    };
    match expression {
        Expression::Selection(index) => pick(*index),
        Expression::Of {
            quantity,
            selections: named,
            ..
        } => {
            let parts = named.iter().map(|index| pick(*index)).collect::<Result<_, _>>()?;
            Ok(match quantity {
                Quantity::All => Logic::and(parts),
                Quantity::AtLeast(1) => Logic::or(parts),
                Quantity::AtLeast(count) => Logic::AtLeast(*count, parts),
            })
        }
        Expression::Not(inner) => Ok(lower_expression(inner, selections, atoms)?.negate()),
        Expression::And(parts) => Ok(Logic::and(
            parts
                .iter()
                .map(|part| lower_expression(part, selections, atoms))
                .collect::<Result<_, _>>()?,
        )),
        Expression::Or(parts) => Ok(Logic::or(
            parts
                .iter()
                .map(|part| lower_expression(part, selections, atoms))
                .collect::<Result<_, _>>()?,
        )),
    }
}

fn count_atoms(logic: &Logic) -> usize {
    match logic {
        Logic::And(parts) | Logic::Or(parts) | Logic::AtLeast(_, parts) => parts.iter().map(count_atoms).sum(),
        Logic::Not(inner) => count_atoms(inner),
        Logic::Atom(_) => 1,
    }
}

/// Lowers a selection; `lowered` counts the atoms of the rule so far.
fn lower_selection(selection: &Selection, placeholders: &Placeholders, lowered: &mut usize) -> Result<Logic, Fault> {
    match selection {
        Selection::All(items) => {
            let mut parts = Vec::with_capacity(items.len());
            for item in items {
                let logic = lower_item(item, placeholders)?;
                *lowered += count_atoms(&logic);
                if *lowered > RULE_ATOMS_MAX {
                    return Err(Fault::new(item.at, too_many_values()));
                }
                parts.push(logic);
            }
            Ok(Logic::and(parts))
        }
        Selection::Any(parts) => {
            let parts = parts.iter().map(|part| lower_selection(part, placeholders, lowered));
            Ok(Logic::or(parts.collect::<Result<_, _>>()?))
        }
    }
}

fn too_many_values() -> String {
    format!("the rule expands into more than {RULE_ATOMS_MAX} values")
}

/// Lowers one item: its values joined by or, with `all` by and, negated with `neq`.
///
/// # Errors
///
/// Returns a fault if the modifiers do not fit together or a value does not fit them.
pub fn lower_item(item: &Item, placeholders: &Placeholders) -> Result<Logic, Fault> {
    let mut lowered = lower_values(item, placeholders)?;
    let has = |modifier| item.modifiers.contains(&modifier);
    if lowered.is_empty() {
        lowered.push(Logic::Or(Vec::new()));
    }
    let joined = if has(Modifier::All) {
        Logic::and(lowered)
    } else {
        Logic::or(lowered)
    };
    Ok(if has(Modifier::Neq) { joined.negate() } else { joined })
}

/// Lowers each value of an item by itself; `all` and `neq` are left to [`lower_item`].
///
/// # Errors
///
/// Returns a fault if the modifiers do not fit together or a value does not fit them.
pub fn lower_values(item: &Item, placeholders: &Placeholders) -> Result<Vec<Logic>, Fault> {
    let kind = kind_of(item).map_err(|reason| Fault::new(item.at, reason))?;
    if matches!(kind, Kind::Regex(_)) && item.values.len() > FILE_EXPRESSIONS_MAX {
        return Err(Fault::new(
            item.at,
            format!("more than {FILE_EXPRESSIONS_MAX} regular expressions"),
        ));
    }
    let mut lowered = Vec::with_capacity(item.values.len());
    let mut atoms = 0;
    for value in &item.values {
        let logic = lower_value(item, value, kind, placeholders).map_err(|reason| Fault::new(value.at, reason))?;
        atoms += count_atoms(&logic);
        if atoms > RULE_ATOMS_MAX {
            return Err(Fault::new(value.at, too_many_values()));
        }
        lowered.push(logic);
    }
    Ok(lowered)
}

fn lower_value(item: &Item, value: &Value, kind: Kind, placeholders: &Placeholders) -> Result<Logic, String> {
    let atom = |test| {
        Logic::Atom(Atom {
            field: item.field.clone(),
            test,
        })
    };
    let cased = item.modifiers.contains(&Modifier::Cased);
    if value.literal == Literal::Null {
        return lower_null(item, kind);
    }
    match kind {
        Kind::Text => {
            let texts = texts_of(item, &value.literal, placeholders)?;
            let test = |pattern: Pattern| Test::Text {
                pattern: if cased { pattern } else { pattern.map_literals(fold) },
                cased,
            };
            Ok(Logic::or(
                texts.into_iter().map(|pattern| atom(test(pattern))).collect(),
            ))
        }
        Kind::Regex(flags) => {
            let expressions = expressions_of(item, &value.literal, placeholders)?;
            let parts = expressions
                .iter()
                .map(|written| Ok(atom(Test::Regex(Regular::new(written, flags)?))));
            Ok(Logic::or(parts.collect::<Result<_, String>>()?))
        }
        Kind::Cidr => {
            let networks = expressions_of(item, &value.literal, placeholders)?;
            let parts = networks
                .iter()
                .map(|written| Ok(atom(Test::Cidr(Network::parse(written)?))));
            Ok(Logic::or(parts.collect::<Result<_, String>>()?))
        }
        Kind::Compare(part, comparison) => {
            let bound = number_of(&value.literal).ok_or("a comparison needs a number")?;
            Ok(atom(Test::Compare {
                part,
                comparison,
                bound,
            }))
        }
        Kind::FieldRef(relation) => match &value.literal {
            Literal::String(other) if !other.is_empty() => Ok(atom(Test::FieldRef {
                other: other.clone(),
                relation,
                cased,
            })),
            Literal::String(_) | Literal::Null | Literal::Bool(_) | Literal::Int(_) | Literal::Float(_) => {
                Err("`fieldref` needs the name of a field".to_owned())
            }
        },
        Kind::Exists => {
            let wanted = truth_of(&value.literal).ok_or("`exists` needs true or false")?;
            let present = atom(Test::Present);
            Ok(if wanted { present } else { present.negate() })
        }
    }
}

fn number_of(literal: &Literal) -> Option<Number> {
    match literal {
        Literal::Int(int) => Some(Number::Int(*int)),
        Literal::Float(float) => Some(Number::Float(*float)),
        Literal::String(text) => Number::parse(text.trim()),
        Literal::Bool(_) | Literal::Null => None,
    }
}

fn truth_of(literal: &Literal) -> Option<bool> {
    match literal {
        Literal::Bool(wanted) => Some(*wanted),
        Literal::String(word) if matches!(word.to_lowercase().as_str(), "true" | "yes") => Some(true),
        Literal::String(word) if matches!(word.to_lowercase().as_str(), "false" | "no") => Some(false),
        Literal::String(_) | Literal::Int(_) | Literal::Float(_) | Literal::Null => None,
    }
}

/// A null asks that the field is missing or null.
fn lower_null(item: &Item, kind: Kind) -> Result<Logic, String> {
    let plain = |modifier: &Modifier| matches!(modifier, Modifier::All | Modifier::Neq | Modifier::Cased);
    if item.field.is_none() {
        return Err("null is no keyword".to_owned());
    }
    if kind != Kind::Text || !item.modifiers.iter().all(plain) {
        return Err("null does not go with these modifiers; write it in a selection of its own".to_owned());
    }
    let atom = |test| {
        Logic::Atom(Atom {
            field: item.field.clone(),
            test,
        })
    };
    Ok(Logic::Or(vec![atom(Test::Present).negate(), atom(Test::Null)]))
}
