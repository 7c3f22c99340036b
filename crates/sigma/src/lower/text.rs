//! The text modifiers in the order written: placeholders, positions, dashes and encodings, down to patterns.

use super::Placeholders;
use crate::encode;
use crate::limits::{VALUE_BYTES_MAX, VALUE_EXPANSIONS_MAX};
use crate::modifier::Modifier;
use crate::pattern::{DASHES, Pattern, Piece};
use crate::rule::{Item, Literal};

/// Dashes up to this count become separate texts, which the index finds directly; more become a wildcard.
const DASHES_SPELLED_OUT_MAX: usize = 2;

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
pub(super) fn expressions_of(
    item: &Item,
    literal: &Literal,
    placeholders: &Placeholders,
) -> Result<Vec<String>, String> {
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
pub(super) fn texts_of(item: &Item, literal: &Literal, placeholders: &Placeholders) -> Result<Vec<Pattern>, String> {
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
