//! Transformations that take the values of a detection item apart into items for several fields.

use std::collections::BTreeMap;

use regex::Regex;

use crate::document::Fault;
use crate::modifier::Modifier;
use crate::pipeline::text::Text;
use crate::pipeline::transformation::{Hashes, number};
use crate::pipeline::tree::{Node, Worked};
use crate::pipeline::values::{has, text_of};
use crate::rule::{Item, Literal, Value};

/// Takes `SHA1=…` and the like apart into one item for each kind of hash, any of which must hold.
pub(super) fn split_hashes(worked: &Worked, hashes: &Hashes) -> Result<Option<Node>, Fault> {
    let item = &worked.item;
    let is_meant = item.field.as_ref().is_some_and(|field| hashes.fields.contains(field));
    let texts: Option<Vec<Text>> = item.values.iter().map(|value| text_of(item, &value.literal)).collect();
    let Some(texts) = texts.filter(|_| is_meant) else {
        return Ok(None);
    };
    let mut by_field: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (text, value) in texts.iter().zip(&item.values) {
        let plain = text.shown();
        let (algorithm, hash) = algorithm_of(&plain);
        if hashes.algorithms.contains(&algorithm) {
            let field = if hashes.drops_algorithm {
                hashes.prefix.clone()
            } else {
                hashes.prefix.clone() + &algorithm
            };
            let literal = Literal::String(hash.to_owned());
            by_field.entry(field).or_default().push(Value { literal, at: value.at });
        }
    }
    if by_field.is_empty() {
        let reason = format!("no hash here is one of {}", hashes.algorithms.join(", "));
        return Err(Fault::new(item.at, reason));
    }
    let parts = by_field.into_iter().map(|(field, values)| {
        let mut part = worked.clone();
        part.item.is_list = values.len() > 1;
        part.item = Item {
            field: (field != "keyword").then_some(field),
            modifiers: Vec::new(),
            values,
            ..part.item
        };
        Node::Item(Box::new(part))
    });
    Ok(Some(Node::Any(parts.collect())))
}

fn algorithm_of(plain: &str) -> (String, &str) {
    let separator = if plain.contains('|') { '|' } else { '=' };
    let parts: Vec<&str> = plain.split(separator).collect();
    let bare = |text: &'_ str| -> std::ops::Range<usize> {
        let start = text.len() - text.trim_start_matches(['*', '?']).len();
        start..start.max(text.trim_end_matches(['*', '?']).len())
    };
    if let [algorithm, hash] = parts.as_slice() {
        return (algorithm.trim_start_matches('*').to_uppercase(), &hash[bare(hash)]);
    }
    let hash = &parts[0][bare(parts[0])];
    let algorithm = match hash.len() {
        32 => "MD5",
        40 => "SHA1",
        64 => "SHA256",
        128 => "SHA512",
        _ => "",
    };
    (algorithm.to_owned(), hash)
}

/// Takes values apart by the named groups of an expression: one item for each group, all of which must hold.
pub(super) fn extract_fields(
    worked: &Worked,
    regex: &Regex,
    prefix: Option<&str>,
    keeps_unmatched: bool,
) -> Option<Node> {
    let item = &worked.item;
    let texts: Option<Vec<Text>> = item.values.iter().map(|value| text_of(item, &value.literal)).collect();
    let mut parts = Vec::new();
    for (text, value) in texts?.iter().zip(&item.values) {
        let plain = text.shown();
        let Some(found) = regex.captures(&plain) else {
            if keeps_unmatched {
                let literal = Literal::String(text.written());
                let kept = Item {
                    modifiers: Vec::new(),
                    values: vec![Value { literal, at: value.at }],
                    is_list: false,
                    ..item.clone()
                };
                parts.push(Node::Item(Box::new(Worked {
                    item: kept,
                    applied: worked.applied.clone(),
                })));
            }
            continue;
        };
        let named = regex
            .capture_names()
            .flatten()
            .filter_map(|name| Some((name, found.name(name)?.as_str())));
        let items = named.filter(|(_, text)| !text.is_empty()).map(|(name, text)| {
            let field = prefix.map_or_else(|| name.to_owned(), |prefix| format!("{prefix}.{name}"));
            let values = vec![Value {
                literal: extracted(text),
                at: value.at,
            }];
            let item = Item {
                field: Some(field),
                modifiers: Vec::new(),
                values,
                is_list: false,
                at: item.at,
            };
            Node::Item(Box::new(Worked {
                item,
                applied: worked.applied.clone(),
            }))
        });
        let items: Vec<Node> = items.collect();
        if !items.is_empty() {
            parts.push(Node::All(items));
        }
    }
    match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ if has(item, Modifier::All) => Some(Node::All(parts)),
        _ => Some(Node::Any(parts)),
    }
}

/// Reads an extracted text: `null`, a number without leading zeros, or a text.
fn extracted(text: &str) -> Literal {
    if ["null", "none"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return Literal::Null;
    }
    if text != "0" && text.starts_with('0') {
        return Literal::String(text.to_owned());
    }
    number(text).unwrap_or_else(|| Literal::String(text.to_owned()))
}
