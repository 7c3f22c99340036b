//! Changes to rules after they were read: selections added with their condition, and selections that lost all their items taken out.

use crate::condition::{Condition, Expression, Quantity};
use crate::document::Fault;
use crate::rule::{NamedSelection, Rule, Selection};
use crate::yaml::Position;

/// Adds selections to a rule under new names and demands, besides each of its conditions, an expression over them.
///
/// The expression counts the added selections from zero. `prefix` begins with an underscore so that `them`, where it is read again, passes
/// over what was added.
pub(crate) fn conjoin(rule: &mut Rule, prefix: &str, added: &[NamedSelection], expression: &Expression, at: Position) {
    let first = rule.detection.selections.len();
    let prefix = free_prefix(rule, prefix);
    for named in added {
        let name = format!("{prefix}_{}", named.name);
        rule.detection.selections.push(NamedSelection {
            name,
            selection: named.selection.clone(),
            at: named.at,
        });
    }
    let demanded = shifted(expression, first, &prefix);
    for condition in &mut rule.detection.conditions {
        let old = std::mem::replace(&mut condition.expression, Expression::Selection(0));
        condition.expression = Expression::And(vec![old, demanded.clone()]);
        condition.text = render(&condition.expression, &rule.detection.selections);
        condition.at = if condition.at == Position::default() {
            at
        } else {
            condition.at
        };
    }
}

fn free_prefix(rule: &Rule, prefix: &str) -> String {
    let is_taken = |candidate: &str| {
        let begins = |named: &NamedSelection| {
            named
                .name
                .strip_prefix(candidate)
                .is_some_and(|rest| rest.starts_with('_'))
        };
        rule.detection.selections.iter().any(begins)
    };
    let numbered = (1..).map(|number| format!("{prefix}{number}"));
    let mut candidates = std::iter::once(prefix.to_owned()).chain(numbered);
    candidates
        .find(|candidate| !is_taken(candidate))
        .expect("the numbers do not end")
}

fn shifted(expression: &Expression, by: usize, prefix: &str) -> Expression {
    let all = |parts: &[Expression]| parts.iter().map(|part| shifted(part, by, prefix)).collect();
    match expression {
        Expression::And(parts) => Expression::And(all(parts)),
        Expression::Or(parts) => Expression::Or(all(parts)),
        Expression::Not(part) => Expression::Not(Box::new(shifted(part, by, prefix))),
        Expression::Selection(index) => Expression::Selection(index + by),
        Expression::Of {
            quantity,
            pattern,
            selections,
        } => Expression::Of {
            quantity: *quantity,
            pattern: if pattern.eq_ignore_ascii_case("them") {
                format!("{prefix}_*")
            } else {
                format!("{prefix}_{pattern}")
            },
            selections: selections.iter().map(|index| index + by).collect(),
        },
    }
}

/// Writes an expression as a condition that reads back to it.
pub(crate) fn render(expression: &Expression, selections: &[NamedSelection]) -> String {
    let join = |parts: &[Expression], word: &str| {
        let parts: Vec<String> = parts.iter().map(|part| bracketed(part, selections)).collect();
        parts.join(word)
    };
    match expression {
        Expression::And(parts) => join(parts, " and "),
        Expression::Or(parts) => join(parts, " or "),
        Expression::Not(part) => format!("not {}", bracketed(part, selections)),
        Expression::Selection(index) => selections[*index].name.clone(),
        Expression::Of {
            quantity: Quantity::All,
            pattern,
            ..
        } => format!("all of {pattern}"),
        Expression::Of {
            quantity: Quantity::AtLeast(count),
            pattern,
            ..
        } => format!("{count} of {pattern}"),
    }
}

fn bracketed(expression: &Expression, selections: &[NamedSelection]) -> String {
    let text = render(expression, selections);
    match expression {
        Expression::And(_) | Expression::Or(_) => format!("({text})"),
        Expression::Not(_) | Expression::Selection(_) | Expression::Of { .. } => text,
    }
}

/// Takes the selections that hold nothing any more out of a rule and its conditions: what was dropped neither holds nor fails.
///
/// # Errors
///
/// Returns a fault when a condition has nothing left that could decide it.
pub(crate) fn drop_empty(rule: &mut Rule) -> Result<(), Fault> {
    for named in &mut rule.detection.selections {
        prune(&mut named.selection);
    }
    let keeps: Vec<bool> = rule
        .detection
        .selections
        .iter()
        .map(|named| !is_empty(&named.selection))
        .collect();
    if keeps.iter().all(|keeps| *keeps) {
        return Ok(());
    }
    let mut place = Vec::new();
    let mut kept = 0;
    for keeps in keeps {
        place.push(keeps.then_some(kept));
        kept += usize::from(keeps);
    }
    let mut conditions = Vec::new();
    for condition in &rule.detection.conditions {
        let expression = without(&condition.expression, &place).ok_or_else(|| {
            Fault::new(
                condition.at,
                "the pipeline dropped every item that this condition depends on",
            )
        })?;
        conditions.push((expression, condition.at));
    }
    rule.detection.selections.retain(|named| !is_empty(&named.selection));
    let selections = &rule.detection.selections;
    let rewritten = conditions.into_iter().map(|(expression, at)| {
        let text = render(&expression, selections);
        Condition { text, expression, at }
    });
    rule.detection.conditions = rewritten.collect();
    Ok(())
}

fn prune(selection: &mut Selection) {
    if let Selection::Any(parts) = selection {
        parts.iter_mut().for_each(prune);
        parts.retain(|part| !is_empty(part));
    }
}

fn is_empty(selection: &Selection) -> bool {
    match selection {
        Selection::All(items) => items.is_empty(),
        Selection::Any(parts) => parts.is_empty(),
    }
}

/// Returns the expression over the selections that are left; `place` gives each old selection its new index.
fn without(expression: &Expression, place: &[Option<usize>]) -> Option<Expression> {
    let all =
        |parts: &[Expression]| -> Vec<Expression> { parts.iter().filter_map(|part| without(part, place)).collect() };
    let joined = |mut parts: Vec<Expression>, join: fn(Vec<Expression>) -> Expression| match parts.len() {
        0 => None,
        1 => Some(parts.remove(0)),
        _ => Some(join(parts)),
    };
    match expression {
        Expression::And(parts) => joined(all(parts), Expression::And),
        Expression::Or(parts) => joined(all(parts), Expression::Or),
        Expression::Not(part) => without(part, place).map(|part| Expression::Not(Box::new(part))),
        Expression::Selection(index) => place[*index].map(Expression::Selection),
        Expression::Of {
            quantity,
            pattern,
            selections,
        } => {
            let left: Vec<usize> = selections.iter().filter_map(|index| place[*index]).collect();
            let quantity = match quantity {
                Quantity::AtLeast(count) => Quantity::AtLeast((*count).min(left.len())),
                Quantity::All => Quantity::All,
            };
            (!left.is_empty()).then(|| Expression::Of {
                quantity,
                pattern: pattern.clone(),
                selections: left,
            })
        }
    }
}
