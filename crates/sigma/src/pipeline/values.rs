//! Transformations of the values of one detection item.

use regex::Regex;

use crate::document::Fault;
use crate::modifier::Modifier;
use crate::pipeline::condition::shown;
use crate::pipeline::limits::{ITEM_VALUES_MAX, VALUE_BYTES_MAX};
use crate::pipeline::text::{Part, Text};
use crate::pipeline::transformation::{Case, RegexMethod, number};
use crate::pipeline::tree::{Node, Worked};
use crate::rule::{Item, Literal, Value};

/// Returns the texts that stand for a placeholder, the reason why there are none, or `None` to leave it to later items.
pub(super) type Replacements<'a> = dyn Fn(&str) -> Option<Result<Vec<Text>, String>> + 'a;

/// How the values of an item are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Texts, placed in the field by `contains`, `startswith` or `endswith`: these are wildcards in another spelling.
    Placed,
    /// Texts that are encoded or varied afterwards: they are changed as written, before that.
    Encoded,
    /// No texts: expressions, networks, comparisons, names of fields, and the like.
    Other,
}

fn form_of(item: &Item) -> Form {
    let mut form = Form::Placed;
    for modifier in &item.modifiers {
        match modifier {
            Modifier::All
            | Modifier::StartsWith
            | Modifier::EndsWith
            | Modifier::Contains
            | Modifier::Cased
            | Modifier::Neq
            | Modifier::Expand => {}
            Modifier::Windash
            | Modifier::Base64
            | Modifier::Base64Offset
            | Modifier::Utf16Le
            | Modifier::Utf16Be
            | Modifier::Utf16 => form = Form::Encoded,
            Modifier::Exists
            | Modifier::Re
            | Modifier::ReIgnoreCase
            | Modifier::ReMultiLine
            | Modifier::ReDotAll
            | Modifier::Lt
            | Modifier::Lte
            | Modifier::Gt
            | Modifier::Gte
            | Modifier::Minute
            | Modifier::Hour
            | Modifier::Day
            | Modifier::Week
            | Modifier::Month
            | Modifier::Year
            | Modifier::Cidr
            | Modifier::FieldRef => return Form::Other,
        }
    }
    form
}

pub(super) fn has(item: &Item, modifier: Modifier) -> bool {
    item.modifiers.contains(&modifier)
}

/// Returns a value as pySigma's conditions and transformations see it; `None` if it is no text.
pub(super) fn text_of(item: &Item, literal: &Literal) -> Option<Text> {
    let Literal::String(written) = literal else { return None };
    let form = form_of(item);
    if form == Form::Other {
        return None;
    }
    let mut text = Text::parse(written);
    if has(item, Modifier::Expand) {
        text = text.with_placeholders();
    }
    if form == Form::Placed {
        let contains = has(item, Modifier::Contains);
        text.wrap(
            contains || has(item, Modifier::EndsWith),
            contains || has(item, Modifier::StartsWith),
        );
    }
    Some(text)
}

/// Changes the texts of an item; `change` returns what takes a text's place, or nothing to leave it.
fn change_texts(
    worked: &mut Worked,
    mut change: impl FnMut(&Text) -> Result<Option<Vec<Literal>>, Fault>,
) -> Result<bool, Fault> {
    let item = &worked.item;
    let mut values = Vec::new();
    let mut is_changed = false;
    for value in &item.values {
        let text = text_of(item, &value.literal);
        let replaced = text.as_ref().map_or(Ok(None), &mut change)?;
        is_changed |= replaced.is_some();
        let literals = replaced.unwrap_or_else(|| {
            vec![text.map_or_else(|| value.literal.clone(), |text| Literal::String(text.written()))]
        });
        values.extend(literals.into_iter().map(|literal| Value { literal, at: value.at }));
    }
    if is_changed {
        put_values(worked, values)?;
    }
    Ok(is_changed)
}

/// Gives an item values in pySigma's form: the placing modifiers are wildcards in them now.
fn put_values(worked: &mut Worked, values: Vec<Value>) -> Result<(), Fault> {
    let item = &mut worked.item;
    if values.len() > ITEM_VALUES_MAX {
        return Err(Fault::new(
            item.at,
            format!("the pipeline gives this item more than {ITEM_VALUES_MAX} values"),
        ));
    }
    let is_long = |value: &Value| matches!(&value.literal, Literal::String(text) if text.len() > VALUE_BYTES_MAX);
    if let Some(long) = values.iter().find(|value| is_long(value)) {
        return Err(Fault::new(
            long.at,
            format!("the pipeline makes this value longer than {VALUE_BYTES_MAX} bytes"),
        ));
    }
    let is_placed = form_of(item) == Form::Placed;
    item.is_list = item.is_list || values.len() > 1;
    item.values = values;
    if is_placed {
        let placing = [Modifier::Contains, Modifier::StartsWith, Modifier::EndsWith];
        item.modifiers.retain(|modifier| !placing.contains(modifier));
    }
    Ok(())
}

pub(super) fn replace_string(
    worked: &mut Worked,
    regex: &Regex,
    replacement: &str,
    special: (bool, bool),
) -> Result<bool, Fault> {
    let (skips_special, reads_special) = special;
    let form = form_of(&worked.item);
    for value in &mut worked.item.values {
        // Numbers are replaced in as the text that they are written as.
        if form != Form::Other && matches!(value.literal, Literal::Int(_) | Literal::Float(_)) {
            value.literal = Literal::String(shown(&value.literal));
        }
    }
    change_texts(worked, |text| {
        let replaced = if skips_special {
            text.map_runs(|run| {
                let replaced = regex.replace_all(run, replacement);
                if reads_special {
                    Text::parse(&replaced)
                } else {
                    Text::literal(&replaced)
                }
            })
        } else {
            text.replace(regex, replacement)
        };
        Ok((replaced != *text).then(|| vec![Literal::String(replaced.written())]))
    })
}

pub(super) fn map_strings(worked: &mut Worked, mapping: &[(String, Vec<String>)]) -> Result<bool, Fault> {
    change_texts(worked, |text| {
        let shown = text.shown();
        let found = mapping.iter().find(|(from, _)| *from == shown);
        Ok(found.map(|(_, to)| to.iter().cloned().map(Literal::String).collect()))
    })
}

pub(super) fn change_case(worked: &mut Worked, case: Case) -> Result<bool, Fault> {
    let change = |run: &str| match case {
        Case::Lower => run.to_lowercase(),
        Case::Upper => run.to_uppercase(),
        Case::Snake => {
            let mut snake = String::new();
            for (at, character) in run.char_indices() {
                if at > 0 && character.is_ascii_uppercase() {
                    snake.push('_');
                }
                snake.extend(character.to_lowercase());
            }
            snake
        }
    };
    change_texts(worked, |text| {
        let changed = text.map_runs(|run| Text::literal(&change(run)));
        Ok(Some(vec![Literal::String(changed.written())]))
    })
}

/// Sets every value; modifiers that said how the old ones were to be read go with them.
pub(super) fn set_value(worked: &mut Worked, value: &Literal) -> bool {
    for held in &mut worked.item.values {
        held.literal = value.clone();
    }
    worked
        .item
        .modifiers
        .retain(|modifier| matches!(modifier, Modifier::All | Modifier::Neq));
    true
}

pub(super) fn convert_type(worked: &mut Worked, to_number: bool) -> Result<bool, Fault> {
    if form_of(&worked.item) == Form::Other {
        return Ok(false);
    }
    let mut is_changed = false;
    for value in &mut worked.item.values {
        let converted = match &value.literal {
            Literal::Int(_) | Literal::Float(_) if !to_number => Literal::String(shown(&value.literal)),
            Literal::String(text) if to_number => {
                let refused = || {
                    Fault::new(
                        value.at,
                        format!("the pipeline wants a number here, and `{text}` is none"),
                    )
                };
                number(text).ok_or_else(refused)?
            }
            Literal::Null | Literal::Bool(_) | Literal::Int(_) | Literal::Float(_) | Literal::String(_) => continue,
        };
        value.literal = converted;
        is_changed = true;
    }
    Ok(is_changed)
}

/// Replaces placeholders by each of the texts that `values` returns; `None` leaves a placeholder to later items.
pub(super) fn replace_placeholders(worked: &mut Worked, values: &Replacements<'_>) -> Result<bool, Fault> {
    if !has(&worked.item, Modifier::Expand) {
        return Ok(false);
    }
    let mut is_changed = false;
    let mut is_pending = false;
    let mut replaced = Vec::new();
    for value in &worked.item.values {
        let Literal::String(written) = &value.literal else {
            replaced.push(value.clone());
            continue;
        };
        // Placing modifiers stay: what comes in for the placeholder is placed with the rest.
        let text = Text::parse(written).with_placeholders();
        for text in expand(&text, values, &mut is_changed).map_err(|reason| Fault::new(value.at, reason))? {
            is_pending |= text.0.iter().any(|part| matches!(part, Part::Placeholder(_)));
            replaced.push(Value {
                literal: Literal::String(text.written()),
                at: value.at,
            });
        }
        if replaced.len() > ITEM_VALUES_MAX {
            return Err(Fault::new(
                value.at,
                format!("placeholders give this item more than {ITEM_VALUES_MAX} values"),
            ));
        }
    }
    if is_changed {
        worked.item.is_list = worked.item.is_list || replaced.len() > 1;
        worked.item.values = replaced;
        if !is_pending {
            worked.item.modifiers.retain(|modifier| *modifier != Modifier::Expand);
        }
    }
    Ok(is_changed)
}

fn expand(text: &Text, values: &Replacements<'_>, is_changed: &mut bool) -> Result<Vec<Text>, String> {
    let mut expanded = vec![Text::default()];
    for part in &text.0 {
        let choices = match part {
            Part::Placeholder(name) => values(name).transpose()?,
            Part::Char(_) | Part::Many | Part::One => None,
        };
        *is_changed |= choices.is_some();
        let choices = choices.unwrap_or_else(|| vec![Text(vec![part.clone()])]);
        if expanded.len().saturating_mul(choices.len()) > ITEM_VALUES_MAX {
            return Err(format!(
                "placeholders give this value more than {ITEM_VALUES_MAX} forms"
            ));
        }
        if let [only] = choices.as_slice() {
            for text in &mut expanded {
                text.0.extend_from_slice(&only.0);
            }
        } else {
            let joined = expanded.iter().flat_map(|before| {
                choices
                    .iter()
                    .map(|after| Text([before.0.as_slice(), &after.0].concat()))
            });
            expanded = joined.collect();
        }
    }
    Ok(expanded)
}

/// Turns texts into expressions that match exactly what the texts did, but for the case if the method says so.
pub(super) fn to_regex(worked: Worked, method: RegexMethod) -> Result<Node, Fault> {
    if form_of(&worked.item) != Form::Placed || worked.item.field.is_none() {
        return Ok(Node::Item(Box::new(worked)));
    }
    let (mut texts, mut others) = (Vec::new(), Vec::new());
    for value in &worked.item.values {
        match text_of(&worked.item, &value.literal) {
            Some(text) if !text.0.is_empty() => {
                let pattern = pattern_of(&text, method).map_err(|reason| Fault::new(value.at, reason))?;
                texts.push(Value {
                    literal: Literal::String(pattern),
                    at: value.at,
                });
            }
            _ => others.push(value.clone()),
        }
    }
    if texts.is_empty() {
        return Ok(Node::Item(Box::new(worked)));
    }
    let mut expressions = worked.clone();
    put_values(&mut expressions, texts)?;
    expressions
        .item
        .modifiers
        .retain(|modifier| matches!(modifier, Modifier::All | Modifier::Neq));
    expressions.item.modifiers.extend([Modifier::Re, Modifier::ReDotAll]);
    if method == RegexMethod::IgnoreCaseFlag {
        expressions.item.modifiers.push(Modifier::ReIgnoreCase);
    }
    if others.is_empty() {
        return Ok(Node::Item(Box::new(expressions)));
    }
    let demands_all = has(&worked.item, Modifier::All) != has(&worked.item, Modifier::Neq);
    let mut rest = worked;
    rest.item.values = others;
    let parts = vec![Node::Item(Box::new(expressions)), Node::Item(Box::new(rest))];
    Ok(if demands_all {
        Node::All(parts)
    } else {
        Node::Any(parts)
    })
}

fn pattern_of(text: &Text, method: RegexMethod) -> Result<String, String> {
    let mut pattern = String::from("^");
    for part in &text.0 {
        match part {
            Part::Char(character) => {
                let (lower, upper) = (
                    character.to_lowercase().to_string(),
                    character.to_uppercase().to_string(),
                );
                let is_letter = lower != upper && lower.chars().count() == 1 && upper.chars().count() == 1;
                if method == RegexMethod::IgnoreCaseBrackets && is_letter {
                    pattern.extend(["[", &lower, &upper, "]"]);
                } else {
                    pattern.push_str(&regex::escape(&character.to_string()));
                }
            }
            Part::Many => pattern.push_str(".*"),
            Part::One => pattern.push('.'),
            Part::Placeholder(name) => {
                return Err(format!(
                    "the placeholder `{name}` must be replaced before the value becomes an expression"
                ));
            }
        }
    }
    pattern.push('$');
    Ok(pattern)
}
