//! YAML with positions: a small tree whose every node knows its line, so that a refused rule can name the place.
//! Reading is bounded in depth, nodes and text, and aliases are paid for as often as they are used.

use std::fmt;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use thiserror::Error;

use crate::limits::{
    DOCUMENTS_MAX, FILE_BYTES_MAX, YAML_DEPTH_MAX, YAML_KEYS_MAX, YAML_NODES_MAX, YAML_TEXT_BYTES_MAX,
};

/// A place in a file: line and column, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A text that is not YAML, or more of it than the limits allow.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{at}: {reason}")]
pub struct YamlError {
    /// Where the reader stopped.
    pub at: Position,
    /// What is wrong, in words.
    pub reason: String,
}

/// A YAML node and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What the node holds.
    pub content: Content,
    /// Where it begins.
    pub at: Position,
}

/// What a YAML node holds; plain scalars are resolved by the YAML 1.2 core schema.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Int(i128),
    /// A number with a fraction or exponent.
    Float(f64),
    /// Text.
    String(String),
    /// A sequence.
    Sequence(Vec<Node>),
    /// A mapping, in the order written; keys are texts and unique.
    Mapping(Vec<Entry>),
}

/// One key of a mapping with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key as text.
    pub key: String,
    /// Where the key begins.
    pub at: Position,
    /// The value.
    pub value: Node,
}

impl Node {
    /// Returns the value under `key` if the node is a mapping that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.value)
    }

    /// Returns the entries of a mapping, or nothing for any other node.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        if let Content::Mapping(entries) = &self.content {
            entries
        } else {
            &[]
        }
    }

    /// Returns the text if the node is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Content::String(text) = &self.content {
            Some(text)
        } else {
            None
        }
    }

    /// Returns any scalar as text: a number or boolean in its canonical form; `None` for null and collections.
    #[must_use]
    pub fn scalar_text(&self) -> Option<String> {
        match &self.content {
            Content::Bool(value) => Some(value.to_string()),
            Content::Int(value) => Some(value.to_string()),
            Content::Float(value) => Some(value.to_string()),
            Content::String(text) => Some(text.clone()),
            Content::Null | Content::Sequence(_) | Content::Mapping(_) => None,
        }
    }

    /// Returns the items of a sequence, the node itself as the only item if it is anything else but null, and nothing for null.
    #[must_use]
    pub fn items(&self) -> &[Node] {
        match &self.content {
            Content::Sequence(items) => items,
            Content::Null => &[],
            Content::Bool(_) | Content::Int(_) | Content::Float(_) | Content::String(_) | Content::Mapping(_) => {
                std::slice::from_ref(self)
            }
        }
    }

    /// Names the kind of the node for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &self.content {
            Content::Null => "null",
            Content::Bool(_) => "a boolean",
            Content::Int(_) | Content::Float(_) => "a number",
            Content::String(_) => "a text",
            Content::Sequence(_) => "a list",
            Content::Mapping(_) => "a map",
        }
    }
}

/// Reads all documents of a YAML text; empty documents are left out.
///
/// # Errors
///
/// Returns the place and reason when the text is not YAML, repeats a key, or exceeds one of [`crate::limits`].
pub fn parse(text: &str) -> Result<Vec<Node>, YamlError> {
    if text.len() > FILE_BYTES_MAX {
        return Err(fail(
            Position::default(),
            format!("the file is larger than {FILE_BYTES_MAX} bytes"),
        ));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader::default();
    let mut documents = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| YamlError {
            at: position_of(error.marker().line(), error.marker().col()),
            reason: format!("not valid YAML: {}", error.info()),
        })?;
        if let Some(document) = reader.take(event, span)? {
            if documents.len() >= DOCUMENTS_MAX {
                return Err(fail(
                    document.at,
                    format!("more than {DOCUMENTS_MAX} documents in one file"),
                ));
            }
            if document.content != Content::Null {
                documents.push(document);
            }
        }
    }
    Ok(documents)
}

fn fail(at: Position, reason: impl Into<String>) -> YamlError {
    YamlError {
        at,
        reason: reason.into(),
    }
}

fn position_of(line: usize, column: usize) -> Position {
    Position {
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column + 1).unwrap_or(u32::MAX),
    }
}

/// A collection whose end has not been seen.
#[derive(Debug)]
struct Open {
    node: Node,
    anchor: usize,
    key: Option<(String, Position)>,
}

#[derive(Debug, Default)]
struct Reader {
    open: Vec<Open>,
    root: Option<Node>,
    anchors: Vec<(usize, Node)>,
    nodes: usize,
    text_bytes: usize,
}

impl Reader {
    /// Takes one parser event and returns the document that it completes, if it does.
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<Option<Node>, YamlError> {
        let at = position_of(span.start.line(), span.start.col());
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd => {}
            Event::DocumentStart(_) => {
                self.root = None;
                self.anchors.clear();
            }
            Event::DocumentEnd => return Ok(self.root.take()),
            Event::Alias(anchor) => {
                let node = self
                    .anchors
                    .iter()
                    .rev()
                    .find(|(id, _)| *id == anchor)
                    .map(|(_, node)| node.clone());
                let node = node.ok_or_else(|| fail(at, "an alias to an anchor that is not complete before it"))?;
                self.pay_for(&node, at)?;
                self.place(node, 0)?;
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.pay(at, text.len())?;
                let content = resolve(&text, style, tag.as_deref());
                self.place(Node { content, at }, anchor)?;
            }
            Event::SequenceStart(anchor, _) => self.begin(Content::Sequence(Vec::new()), at, anchor)?,
            Event::MappingStart(anchor, _) => self.begin(Content::Mapping(Vec::new()), at, anchor)?,
            Event::SequenceEnd | Event::MappingEnd => {
                let open = self.open.pop().expect("the parser balances starts and ends");
                self.place(open.node, open.anchor)?;
            }
        }
        Ok(None)
    }

    fn begin(&mut self, content: Content, at: Position, anchor: usize) -> Result<(), YamlError> {
        self.pay(at, 0)?;
        if self.open.len() >= YAML_DEPTH_MAX {
            return Err(fail(at, format!("nested deeper than {YAML_DEPTH_MAX} levels")));
        }
        self.open.push(Open {
            node: Node { content, at },
            anchor,
            key: None,
        });
        Ok(())
    }

    /// Puts a complete node where it belongs: as an item, a key, a value or the root.
    fn place(&mut self, node: Node, anchor: usize) -> Result<(), YamlError> {
        if anchor > 0 {
            self.pay_for(&node, node.at)?;
            self.anchors.push((anchor, node.clone()));
        }
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut parent.node.content {
            Content::Sequence(items) => items.push(node),
            Content::Mapping(entries) => {
                if let Some((key, at)) = parent.key.take() {
                    entries.push(Entry { key, at, value: node });
                } else {
                    parent.key = Some((key_of(&node, entries)?, node.at));
                }
            }
            Content::Null | Content::Bool(_) | Content::Int(_) | Content::Float(_) | Content::String(_) => {
                unreachable!("only collections are opened")
            }
        }
        Ok(())
    }

    fn pay(&mut self, at: Position, bytes: usize) -> Result<(), YamlError> {
        self.nodes += 1;
        self.text_bytes += bytes;
        if self.nodes > YAML_NODES_MAX || self.text_bytes > YAML_TEXT_BYTES_MAX {
            return Err(fail(
                at,
                format!(
                    "more than {YAML_NODES_MAX} nodes or {YAML_TEXT_BYTES_MAX} bytes of text (aliases are counted each time)"
                ),
            ));
        }
        Ok(())
    }

    fn pay_for(&mut self, node: &Node, at: Position) -> Result<(), YamlError> {
        match &node.content {
            Content::Sequence(items) => {
                self.pay(at, 0)?;
                items.iter().try_for_each(|item| self.pay_for(item, at))
            }
            Content::Mapping(entries) => {
                self.pay(at, 0)?;
                entries.iter().try_for_each(|entry| {
                    self.pay(at, entry.key.len())?;
                    self.pay_for(&entry.value, at)
                })
            }
            Content::String(text) => self.pay(at, text.len()),
            Content::Null | Content::Bool(_) | Content::Int(_) | Content::Float(_) => self.pay(at, 0),
        }
    }
}

/// Takes a node as the next key of a map.
fn key_of(node: &Node, entries: &[Entry]) -> Result<String, YamlError> {
    let key = if node.content == Content::Null {
        Some(String::new())
    } else {
        node.scalar_text()
    };
    let key = key.ok_or_else(|| fail(node.at, format!("a key must be a text, not {}", node.kind())))?;
    if entries.iter().any(|entry| entry.key == key) {
        return Err(fail(node.at, format!("the key `{key}` is repeated in the same map")));
    }
    if entries.len() >= YAML_KEYS_MAX {
        return Err(fail(node.at, format!("more than {YAML_KEYS_MAX} keys in one map")));
    }
    Ok(key)
}

/// Resolves a scalar by the YAML 1.2 core schema (§10.3.2); only plain scalars are anything else than text.
fn resolve(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Content {
    let is_text = tag.is_some_and(|tag| tag.suffix == "str" || (tag.handle == "!" && tag.suffix.is_empty()));
    if style != ScalarStyle::Plain || is_text {
        return Content::String(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Content::Null,
        "true" | "True" | "TRUE" => return Content::Bool(true),
        "false" | "False" | "FALSE" => return Content::Bool(false),
        _ => {}
    }
    resolve_number(text).unwrap_or_else(|| Content::String(text.to_owned()))
}

fn resolve_number(text: &str) -> Option<Content> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let first = digits.bytes().next()?;
    if !first.is_ascii_digit() && first != b'.' {
        return None;
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return i128::from_str_radix(hex, 16)
            .ok()
            .filter(|_| !hex.starts_with(['+', '-']))
            .map(Content::Int);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return i128::from_str_radix(octal, 8)
            .ok()
            .filter(|_| !octal.starts_with(['+', '-']))
            .map(Content::Int);
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(Content::Int);
    }
    let allowed = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-');
    if digits.bytes().all(allowed) {
        return text
            .parse::<f64>()
            .ok()
            .filter(|value| value.is_finite())
            .map(Content::Float);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(text: &str) -> Node {
        let mut documents = parse(text).unwrap();
        assert_eq!(documents.len(), 1, "{text}");
        documents.remove(0)
    }

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        for (text, expect) in [
            ("a: 4624", Content::Int(4624)),
            ("a: -1", Content::Int(-1)),
            ("a: 0x17", Content::Int(0x17)),
            ("a: 0o17", Content::Int(0o17)),
            ("a: 1.50", Content::Float(1.5)),
            ("a: 10.0.0.1", Content::String("10.0.0.1".into())),
            ("a: 2024-01-02", Content::String("2024-01-02".into())),
            ("a: yes", Content::String("yes".into())),
            ("a: True", Content::Bool(true)),
            ("a: ~", Content::Null),
            ("a:", Content::Null),
            ("a: ''", Content::String(String::new())),
            ("a: '4624'", Content::String("4624".into())),
            ("a: !!str 4624", Content::String("4624".into())),
            ("a: .", Content::String(".".into())),
            ("a: 1e400", Content::String("1e400".into())),
        ] {
            assert_eq!(only(text).get("a").unwrap().content, expect, "{text}");
        }
    }

    #[test]
    fn nodes_know_their_place() {
        let root = only("title: x\ndetection:\n  sel:\n    - A: 1\n    - B: 2\n");
        let list = root.get("detection").unwrap().get("sel").unwrap();
        assert_eq!(list.items()[1].get("B").unwrap().at, Position { line: 5, column: 10 });
        assert_eq!(root.entries()[1].at, Position { line: 2, column: 1 });
    }

    #[test]
    fn anchors_are_followed_and_bombs_refused() {
        let root = only("a: &x [1, 2]\nb: *x\n");
        assert_eq!(
            root.get("a").unwrap().items().len(),
            root.get("b").unwrap().items().len()
        );
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for n in 1..12 {
            let aliases = vec![format!("*a{}", n - 1); 10].join(", ");
            bomb.extend(["a", &n.to_string(), ": &a", &n.to_string(), " [", &aliases, "]\n"]);
        }
        assert!(
            parse(&bomb).unwrap_err().reason.contains("more than"),
            "a bomb is refused"
        );
    }

    #[test]
    fn refusals_name_the_place_and_reason() {
        for (text, line, part) in [
            ("a: 1\na: 2\n", 2, "repeated"),
            ("a: [1, 2\n", 2, "not valid YAML"),
            ("a:\n  b: 'x\n", 3, "not valid YAML"),
            ("[1]: x\n", 1, "a key must be a text"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.reason.contains(part), "{text}: {error}");
            assert!(error.at.line <= line && error.at.line > 0, "{text}: {error}");
        }
        let deep = "[".repeat(1000);
        assert!(parse(&deep).is_err());
    }
}
