//! Reading the keys of a pipeline's maps: each is known, has the kind it must have, or is refused with its place.

use regex::{Regex, RegexBuilder};

use crate::document::Fault;
use crate::pipeline::limits::REGEX_BYTES_MAX;
use crate::yaml::{Content, Node};

/// Refuses keys that are not among the known ones.
pub(super) fn only(node: &Node, what: &str, known: &[&str]) -> Result<(), Fault> {
    match node.entries().iter().find(|entry| !known.contains(&entry.key.as_str())) {
        Some(entry) => Err(Fault::new(
            entry.at,
            format!("{what} has no parameter `{}`; it knows {}", entry.key, known.join(", ")),
        )),
        None => Ok(()),
    }
}

pub(super) fn required<'a>(node: &'a Node, what: &str, key: &str) -> Result<&'a Node, Fault> {
    node.get(key)
        .ok_or_else(|| Fault::new(node.at, format!("{what} needs `{key}`")))
}

pub(super) fn text(node: &Node, what: &str, key: &str) -> Result<String, Fault> {
    let value = required(node, what, key)?;
    value
        .scalar_text()
        .ok_or_else(|| Fault::new(value.at, format!("`{key}` must be a text, not {}", value.kind())))
}

pub(super) fn optional_text(node: &Node, key: &str) -> Result<Option<String>, Fault> {
    match node.get(key) {
        None
        | Some(Node {
            content: Content::Null, ..
        }) => Ok(None),
        Some(value) => {
            let text = value.scalar_text();
            text.map(Some)
                .ok_or_else(|| Fault::new(value.at, format!("`{key}` must be a text, not {}", value.kind())))
        }
    }
}

pub(super) fn flag(node: &Node, key: &str) -> Result<bool, Fault> {
    match node.get(key) {
        None => Ok(false),
        Some(Node {
            content: Content::Bool(value),
            ..
        }) => Ok(*value),
        Some(value) => Err(Fault::new(
            value.at,
            format!("`{key}` must be true or false, not {}", value.kind()),
        )),
    }
}

/// Reads a text or a list of texts.
pub(super) fn texts(node: &Node, key: &str) -> Result<Vec<String>, Fault> {
    let text = |item: &Node| {
        item.scalar_text()
            .ok_or_else(|| Fault::new(item.at, format!("`{key}` must be texts, not {}", item.kind())))
    };
    node.items().iter().map(text).collect()
}

/// Reads a map from texts to a text or several.
pub(super) fn mapping(node: &Node, what: &str) -> Result<Vec<(String, Vec<String>)>, Fault> {
    let map = required(node, what, "mapping")?;
    if !matches!(map.content, Content::Mapping(_)) {
        return Err(Fault::new(
            map.at,
            format!("`mapping` must be a map, not {}", map.kind()),
        ));
    }
    map.entries()
        .iter()
        .map(|entry| Ok((entry.key.clone(), texts(&entry.value, &entry.key)?)))
        .collect()
}

/// Compiles a regular expression of a pipeline, in Python's notation as far as it is a regular language.
pub(super) fn regex(node: &Node, what: &str, key: &str, anchored: bool) -> Result<Regex, Fault> {
    let value = required(node, what, key)?;
    let pattern = text(node, what, key)?;
    compile(&pattern, anchored).map_err(|reason| Fault::new(value.at, format!("`{key}`: {reason}")))
}

pub(super) fn compile(pattern: &str, anchored: bool) -> Result<Regex, String> {
    // Python's `match` holds the beginning, which is what conditions use; replacements search.
    let pattern = if anchored {
        format!(r"\A(?:{pattern})")
    } else {
        pattern.to_owned()
    };
    let built = RegexBuilder::new(&pattern).size_limit(REGEX_BYTES_MAX).build();
    built.map_err(|error| {
        format!(
            "not a regular expression that runs in linear time: {}",
            last_line(&error.to_string())
        )
    })
}

fn last_line(text: &str) -> &str {
    text.lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default()
        .trim()
}

/// Turns a replacement in Python's notation (`\1`, `\g<name>`) into that of the expressions here (`${1}`, `${name}`).
pub(super) fn replacement(python: &str) -> String {
    let mut out = String::new();
    let mut rest = python;
    while let Some(character) = rest.chars().next() {
        rest = &rest[character.len_utf8()..];
        match character {
            '$' => out.push_str("$$"),
            '\\' => {
                let digits = rest.bytes().take_while(u8::is_ascii_digit).take(2).count();
                let named = rest.strip_prefix("g<").and_then(|after| after.split_once('>'));
                if digits > 0 {
                    out.extend(["${", &rest[..digits], "}"]);
                    rest = &rest[digits..];
                } else if let Some((name, after)) = named {
                    out.extend(["${", name, "}"]);
                    rest = after;
                } else if let Some(after) = rest.strip_prefix('\\') {
                    out.push('\\');
                    rest = after;
                } else {
                    out.push('\\');
                }
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacements_are_translated() {
        for (python, expect) in [
            (r"\1-\2", "${1}-${2}"),
            (r"\g<name>x", "${name}x"),
            (r"C:\\Windows", r"C:\Windows"),
            ("$1", "$$1"),
            (r"\10", "${10}"),
            (r"a\", r"a\"),
            (r"\*", r"\*"),
        ] {
            assert_eq!(replacement(python), expect, "{python}");
        }
    }
}
