//! Lowering: what an item asks once its modifiers are applied, as logic over atoms.

use std::collections::BTreeMap;

use crate::atom::{Atom, Comparison, Logic, Network, Number, Relation, Test, TimePart};
use crate::condition::{Expression, Quantity};
use crate::document::Fault;
use crate::encode;
use crate::fold::fold;
use crate::limits::{RULE_ATOMS_MAX, VALUE_BYTES_MAX, VALUE_EXPANSIONS_MAX};
use crate::modifier::Modifier;
use crate::pattern::{DASHES, Pattern, Piece};
use crate::regular::{Flags, Regular};
use crate::rule::{Detection, Item, Literal, Selection, Value};

/// Lists of values for placeholders, by name without the percent signs.
pub type Placeholders = BTreeMap<String, Vec<String>>;

/// Dashes up to this count become separate texts, which the index finds directly; more become a wildcard.
const DASHES_SPELLED_OUT_MAX: usize = 2;

/// Lowers the whole logic of a rule: the disjunction of its conditions.
///
/// # Errors
///
/// Returns the first fault of an item, or that the rule expands into too many atoms.
pub fn lower_detection(detection: &Detection, placeholders: &Placeholders) -> Result<Logic, Fault> {
    let mut atoms = 0;
    let mut selections = Vec::with_capacity(detection.selections.len());
    for named in &detection.selections {
        let logic = lower_selection(&named.selection, placeholders)
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
            return Err(format!("the rule expands into more than {RULE_ATOMS_MAX} values"));
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

fn lower_selection(selection: &Selection, placeholders: &Placeholders) -> Result<Logic, Fault> {
    match selection {
        Selection::All(items) => {
            let parts = items.iter().map(|item| lower_item(item, placeholders));
            Ok(Logic::and(parts.collect::<Result<_, _>>()?))
        }
        Selection::Any(parts) => {
            let parts = parts.iter().map(|part| lower_selection(part, placeholders));
            Ok(Logic::or(parts.collect::<Result<_, _>>()?))
        }
    }
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
    item.values
        .iter()
        .map(|value| {
            let lowered = lower_value(item, value, kind, placeholders);
            lowered.map_err(|reason| Fault::new(value.at, reason))
        })
        .collect()
}

/// What the modifiers make of the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Regex(Flags),
    Cidr,
    Compare(Option<TimePart>, Comparison),
    FieldRef(Relation),
    Exists,
}

/// Decides the kind and refuses modifiers that contradict each other.
fn kind_of(item: &Item) -> Result<Kind, String> {
    let mut kind: Option<(Kind, Modifier)> = None;
    let mut flags = Flags::default();
    let mut relation = None;
    let mut part = None;
    let mut texts = Vec::new();
    for (index, modifier) in item.modifiers.iter().copied().enumerate() {
        if item.modifiers[..index].contains(&modifier) {
            return Err(format!("the modifier `{}` is repeated", modifier.name()));
        }
        let own = match modifier {
            Modifier::Re => Some(Kind::Regex(Flags::default())),
            Modifier::Cidr => Some(Kind::Cidr),
            Modifier::Lt => Some(Kind::Compare(None, Comparison::Less)),
            Modifier::Lte => Some(Kind::Compare(None, Comparison::LessOrEqual)),
            Modifier::Gt => Some(Kind::Compare(None, Comparison::Greater)),
            Modifier::Gte => Some(Kind::Compare(None, Comparison::GreaterOrEqual)),
            Modifier::FieldRef => Some(Kind::FieldRef(Relation::Equals)),
            Modifier::Exists => Some(Kind::Exists),
            Modifier::StartsWith | Modifier::EndsWith | Modifier::Contains => {
                if let Some(other) = relation.replace(modifier) {
                    return Err(contradiction(other, modifier));
                }
                None
            }
            Modifier::ReIgnoreCase | Modifier::ReMultiLine | Modifier::ReDotAll => {
                flags.ignore_case |= modifier == Modifier::ReIgnoreCase;
                flags.multi_line |= modifier == Modifier::ReMultiLine;
                flags.dot_all |= modifier == Modifier::ReDotAll;
                if !item.modifiers[..index].contains(&Modifier::Re) {
                    return Err(format!("the modifier `{}` only stands after `re`", modifier.name()));
                }
                None
            }
            Modifier::Windash
            | Modifier::Base64
            | Modifier::Base64Offset
            | Modifier::Utf16
            | Modifier::Utf16Le
            | Modifier::Utf16Be => {
                texts.push(modifier);
                None
            }
            Modifier::Minute | Modifier::Hour | Modifier::Day | Modifier::Week | Modifier::Month | Modifier::Year => {
                if let Some((_, other)) = part.replace((time_part_of(modifier), modifier)) {
                    return Err(contradiction(other, modifier));
                }
                None
            }
            Modifier::All | Modifier::Cased | Modifier::Neq | Modifier::Expand => None,
        };
        if let Some(own) = own
            && let Some((_, other)) = kind.replace((own, modifier))
        {
            return Err(contradiction(other, modifier));
        }
    }
    settle(
        item,
        kind,
        &Parts {
            flags,
            relation,
            part,
            texts,
        },
    )
}

/// The modifiers that refine a kind.
#[derive(Debug)]
struct Parts {
    flags: Flags,
    relation: Option<Modifier>,
    part: Option<(Option<TimePart>, Modifier)>,
    texts: Vec<Modifier>,
}

fn settle(item: &Item, kind: Option<(Kind, Modifier)>, parts: &Parts) -> Result<Kind, String> {
    let (kind, main) = match (kind, parts.part) {
        (None, None) => (Kind::Text, None),
        (None, Some((part, modifier))) => (Kind::Compare(part, Comparison::Equal), Some(modifier)),
        (Some((Kind::Compare(_, comparison), modifier)), Some((part, _))) => {
            (Kind::Compare(part, comparison), Some(modifier))
        }
        (Some((_, modifier)), Some((_, other))) => return Err(contradiction(modifier, other)),
        (Some((kind, modifier)), None) => (kind, Some(modifier)),
    };
    let kind = match (kind, parts.relation) {
        (Kind::Regex(_), None) => Kind::Regex(parts.flags),
        (Kind::FieldRef(_), Some(Modifier::StartsWith)) => Kind::FieldRef(Relation::StartsWith),
        (Kind::FieldRef(_), Some(Modifier::EndsWith)) => Kind::FieldRef(Relation::EndsWith),
        (Kind::FieldRef(_), Some(_)) => Kind::FieldRef(Relation::Contains),
        (Kind::Text, _) | (_, None) => kind,
        (_, Some(relation)) => return Err(contradiction(main.unwrap_or(relation), relation)),
    };
    if let (Some(main), Some(text)) = (main, parts.texts.first()) {
        return Err(contradiction(main, *text));
    }
    let keywords_fit = matches!(kind, Kind::Text | Kind::Regex(_));
    if item.field.is_none() && !keywords_fit {
        let name = main.map_or("", Modifier::name);
        return Err(format!("`{name}` needs a field"));
    }
    Ok(kind)
}

fn contradiction(one: Modifier, other: Modifier) -> String {
    format!(
        "the modifiers `{}` and `{}` contradict each other",
        one.name(),
        other.name()
    )
}

const fn time_part_of(modifier: Modifier) -> Option<TimePart> {
    match modifier {
        Modifier::Minute => Some(TimePart::Minute),
        Modifier::Hour => Some(TimePart::Hour),
        Modifier::Day => Some(TimePart::Day),
        Modifier::Week => Some(TimePart::Week),
        Modifier::Month => Some(TimePart::Month),
        Modifier::Year => Some(TimePart::Year),
        Modifier::All
        | Modifier::StartsWith
        | Modifier::EndsWith
        | Modifier::Contains
        | Modifier::Exists
        | Modifier::Cased
        | Modifier::Neq
        | Modifier::Windash
        | Modifier::Re
        | Modifier::ReIgnoreCase
        | Modifier::ReMultiLine
        | Modifier::ReDotAll
        | Modifier::Base64
        | Modifier::Base64Offset
        | Modifier::Utf16Le
        | Modifier::Utf16Be
        | Modifier::Utf16
        | Modifier::Lt
        | Modifier::Lte
        | Modifier::Gt
        | Modifier::Gte
        | Modifier::Cidr
        | Modifier::Expand
        | Modifier::FieldRef => None,
    }
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

/// Writes a literal as the text that a record would hold.
fn text_of(literal: &Literal) -> String {
    match literal {
        Literal::Null => String::new(),
        Literal::Bool(value) => value.to_string(),
        Literal::Int(value) => value.to_string(),
        Literal::Float(value) => crate::record::number_text(*value),
        Literal::String(text) => text.clone(),
    }
}

/// Returns the raw texts of a regular expression or network, placeholders replaced.
fn expressions_of(item: &Item, literal: &Literal, placeholders: &Placeholders) -> Result<Vec<String>, String> {
    let text = text_of(literal);
    if !item.modifiers.contains(&Modifier::Expand) {
        return Ok(vec![text]);
    }
    let mut texts = vec![String::new()];
    for part in split_placeholders(&text) {
        let options = match part {
            Part::Text(text) => vec![text],
            Part::Placeholder(name) => placeholders.get(name).cloned().unwrap_or_default(),
        };
        bounded(texts.len() * options.len().max(1))?;
        texts = texts
            .iter()
            .flat_map(|text| options.iter().map(move |option| format!("{text}{option}")))
            .collect();
    }
    Ok(texts)
}

fn bounded(count: usize) -> Result<(), String> {
    if count > VALUE_EXPANSIONS_MAX {
        return Err(format!("the value expands into more than {VALUE_EXPANSIONS_MAX}"));
    }
    Ok(())
}

/// A part of a value with placeholders.
#[derive(Debug)]
enum Part<'a> {
    Text(String),
    Placeholder(&'a str),
}

/// Splits at `%name%`; `\%` is a plain percent sign.
fn split_placeholders(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("\\%") {
            plain.push('%');
            rest = after;
            continue;
        }
        if let Some((name, after)) = rest.strip_prefix('%').and_then(|inner| inner.split_once('%'))
            && !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
        {
            parts.push(Part::Text(std::mem::take(&mut plain)));
            parts.push(Part::Placeholder(name));
            rest = after;
            continue;
        }
        plain.push(c);
        rest = &rest[c.len_utf8()..];
    }
    parts.push(Part::Text(plain));
    parts
}

/// Returns the names of the placeholders that an item asks for.
#[must_use]
pub fn placeholders_of(item: &Item) -> Vec<&str> {
    if !item.modifiers.contains(&Modifier::Expand) {
        return Vec::new();
    }
    let texts = item.values.iter().filter_map(|value| match &value.literal {
        Literal::String(text) => Some(text.as_str()),
        Literal::Null | Literal::Bool(_) | Literal::Int(_) | Literal::Float(_) => None,
    });
    let names = texts.flat_map(split_placeholders).filter_map(|part| match part {
        Part::Placeholder(name) => Some(name),
        Part::Text(_) => None,
    });
    names.collect()
}

/// A value on its way through the modifiers.
#[derive(Debug, Clone)]
enum Draft {
    Pattern(Pattern),
    Bytes(Vec<u8>),
}

/// Applies the text modifiers in the order written and returns the patterns that a value stands for.
fn texts_of(item: &Item, literal: &Literal, placeholders: &Placeholders) -> Result<Vec<Pattern>, String> {
    let mut drafts = initial_drafts(item, literal, placeholders)?;
    for modifier in &item.modifiers {
        let mut next = Vec::with_capacity(drafts.len());
        for draft in drafts {
            apply(*modifier, draft, &mut next)?;
        }
        bounded(next.len())?;
        drafts = next;
    }
    let has = |modifier| item.modifiers.contains(&modifier);
    let placed = has(Modifier::Contains) || has(Modifier::StartsWith) || has(Modifier::EndsWith);
    drafts
        .into_iter()
        .map(|draft| {
            let pattern = pattern_of(draft)?;
            if pattern.len() > VALUE_BYTES_MAX {
                return Err(format!("the value is longer than {VALUE_BYTES_MAX} bytes"));
            }
            let is_keyword = item.field.is_none() && !placed;
            Ok(if is_keyword {
                pattern.wrapped(true, true)
            } else {
                pattern
            })
        })
        .collect()
}

fn initial_drafts(item: &Item, literal: &Literal, placeholders: &Placeholders) -> Result<Vec<Draft>, String> {
    let Literal::String(text) = literal else {
        return Ok(vec![Draft::Pattern(Pattern::literal(&text_of(literal)))]);
    };
    if !item.modifiers.contains(&Modifier::Expand) {
        return Ok(vec![Draft::Pattern(Pattern::parse(text))]);
    }
    let mut patterns = vec![Pattern::default()];
    for part in split_placeholders(text) {
        let options: Vec<Pattern> = match part {
            Part::Text(text) => vec![Pattern::parse(&text)],
            Part::Placeholder(name) => placeholders
                .get(name)
                .map(|list| list.iter().map(|text| Pattern::parse(text)).collect())
                .unwrap_or_default(),
        };
        bounded(patterns.len() * options.len().max(1))?;
        patterns = patterns
            .iter()
            .flat_map(|pattern| options.iter().map(|option| joined(pattern, option)))
            .collect();
    }
    Ok(patterns.into_iter().map(Draft::Pattern).collect())
}

fn joined(one: &Pattern, other: &Pattern) -> Pattern {
    let mut pattern = one.clone();
    pattern.extend(other);
    pattern
}

fn apply(modifier: Modifier, draft: Draft, out: &mut Vec<Draft>) -> Result<(), String> {
    match modifier {
        Modifier::Contains => out.push(Draft::Pattern(pattern_of(draft)?.wrapped(true, true))),
        Modifier::StartsWith => out.push(Draft::Pattern(pattern_of(draft)?.wrapped(false, true))),
        Modifier::EndsWith => out.push(Draft::Pattern(pattern_of(draft)?.wrapped(true, false))),
        Modifier::Windash => spell_out_dashes(&pattern_of(draft)?.with_dashes(), out),
        Modifier::Base64 => out.push(Draft::Pattern(Pattern::literal(&encode::base64(&bytes_of(
            draft, modifier,
        )?)))),
        Modifier::Base64Offset => {
            let texts = encode::base64_offsets(&bytes_of(draft, modifier)?);
            if texts.iter().any(String::is_empty) {
                return Err("the value is too short for `base64offset`: nothing of it is constant".to_owned());
            }
            out.extend(texts.iter().map(|text| Draft::Pattern(Pattern::literal(text))));
        }
        Modifier::Utf16Le => out.push(Draft::Bytes(encode::utf16_le(&plain_of(draft, modifier)?))),
        Modifier::Utf16Be => out.push(Draft::Bytes(encode::utf16_be(&plain_of(draft, modifier)?))),
        Modifier::Utf16 => out.push(Draft::Bytes(encode::utf16_marked(&plain_of(draft, modifier)?))),
        Modifier::All
        | Modifier::Exists
        | Modifier::Cased
        | Modifier::Neq
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
        | Modifier::Expand
        | Modifier::FieldRef => out.push(draft),
    }
    Ok(())
}

fn pattern_of(draft: Draft) -> Result<Pattern, String> {
    match draft {
        Draft::Pattern(pattern) => Ok(pattern),
        Draft::Bytes(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Pattern::literal(&text)),
            Err(_) => {
                Err("the value in UTF-16 is not text that a record can hold; add `base64` or `base64offset`".to_owned())
            }
        },
    }
}

fn plain_of(draft: Draft, modifier: Modifier) -> Result<String, String> {
    let pattern = pattern_of(draft)?;
    let plain = pattern.as_plain().map(str::to_owned);
    plain.ok_or_else(|| format!("`{}` needs a value without wildcards before it", modifier.name()))
}

fn bytes_of(draft: Draft, modifier: Modifier) -> Result<Vec<u8>, String> {
    match draft {
        Draft::Bytes(bytes) => Ok(bytes),
        Draft::Pattern(_) => plain_of(draft, modifier).map(String::into_bytes),
    }
}

/// Writes few dashes out as separate texts and leaves many as wildcards.
fn spell_out_dashes(pattern: &Pattern, out: &mut Vec<Draft>) {
    let dashes = pattern.pieces().iter().filter(|piece| **piece == Piece::Dash).count();
    if dashes > DASHES_SPELLED_OUT_MAX {
        out.push(Draft::Pattern(pattern.clone()));
        return;
    }
    let mut texts = vec![Pattern::default()];
    for piece in pattern.pieces() {
        let options: Vec<Piece> = match piece {
            Piece::Dash => DASHES.iter().map(|dash| Piece::Literal(dash.to_string())).collect(),
            Piece::Literal(_) | Piece::Any | Piece::One => vec![piece.clone()],
        };
        texts = texts
            .iter()
            .flat_map(|text| {
                options.iter().map(|option| {
                    let mut text = text.clone();
                    text.push(option.clone());
                    text
                })
            })
            .collect();
    }
    out.extend(texts.into_iter().map(Draft::Pattern));
}
