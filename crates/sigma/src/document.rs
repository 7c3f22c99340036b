//! Rule files: one or more YAML documents, each a detection rule, a correlation or a filter, with `action: global`,
//! `reset` and `repeat`. A broken document is refused by itself and its neighbours stand.

mod detection;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use thiserror::Error;

pub use self::detection::{detection_of, selection_of};
use crate::limits::YAML_NODES_MAX;
use crate::rule::{Level, LogSource, Metadata, Related, Rule, Status};
use crate::yaml::{self, Content, Entry, Node, Position};

/// One document of a rule file.
#[derive(Debug, Clone, PartialEq)]
pub enum RuleDocument {
    /// A detection rule.
    Rule(Box<Rule>),
    /// A correlation; its body is read by [`crate::correlation`].
    Correlation(Body),
    /// A filter; its body is read by [`crate::filter`].
    Filter(Body),
}

/// A document whose logic is not that of a detection rule, with positions.
#[derive(Debug, Clone, PartialEq)]
pub struct Body {
    /// What people read about it.
    pub meta: Metadata,
    /// The whole document.
    pub node: Node,
    /// The file that it came from, as the caller named it.
    pub file: Arc<str>,
    /// Where it begins.
    pub at: Position,
}

/// Why a document was refused: the place and a reason that its author can act on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct RuleError {
    /// The file, as the caller named it.
    pub file: Arc<str>,
    /// The place in it; line 0 if the whole file is meant.
    pub at: Position,
    /// The title or identifier of the rule, if it was read.
    pub rule: Option<String>,
    /// What is wrong, in words.
    pub reason: String,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.at)?;
        if let Some(rule) = &self.rule {
            write!(f, "{rule}: ")?;
        }
        f.write_str(&self.reason)
    }
}

/// What a rule file holds: the documents that stand and the refusals.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuleFile {
    /// The documents, in order.
    pub documents: Vec<RuleDocument>,
    /// The documents that were refused.
    pub errors: Vec<RuleError>,
}

/// A fault at a place, before file and rule are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The place.
    pub at: Position,
    /// What is wrong, in words.
    pub reason: String,
}

impl Fault {
    /// Makes a fault.
    pub fn new(at: Position, reason: impl Into<String>) -> Self {
        Self {
            at,
            reason: reason.into(),
        }
    }

    /// Says in which file and rule the fault is.
    #[must_use]
    pub fn within(self, file: &Arc<str>, rule: Option<String>) -> RuleError {
        RuleError {
            file: Arc::clone(file),
            at: self.at,
            rule,
            reason: self.reason,
        }
    }
}

/// Reads a rule file; `file` is only a name for messages.
#[must_use]
pub fn parse(file: &str, text: &str) -> RuleFile {
    let file: Arc<str> = Arc::from(file);
    let nodes = match yaml::parse(text) {
        Ok(nodes) => nodes,
        Err(error) => {
            let error = Fault::new(error.at, error.reason).within(&file, None);
            return RuleFile {
                documents: Vec::new(),
                errors: vec![error],
            };
        }
    };
    let mut parsed = RuleFile::default();
    let mut merger = Merger::default();
    for node in nodes {
        match merger.take(node) {
            Ok(None) => {}
            Ok(Some(node)) => match document_of(&file, &node) {
                Ok(document) => parsed.documents.push(document),
                Err(fault) => parsed.errors.push(fault.within(&file, name_of(&node))),
            },
            Err(fault) => parsed.errors.push(fault.within(&file, None)),
        }
    }
    if parsed.documents.is_empty() && parsed.errors.is_empty() {
        let fault = Fault::new(Position::default(), "the file holds no rule");
        parsed.errors.push(fault.within(&file, None));
    }
    parsed
}

fn name_of(node: &Node) -> Option<String> {
    ["title", "id", "name"]
        .into_iter()
        .find_map(|key| node.get(key)?.scalar_text())
}

/// Carries `action: global` and the previous document through a multi-document file.
#[derive(Debug, Default)]
struct Merger {
    global: Option<Node>,
    previous: Option<Node>,
    merged_nodes: usize,
}

impl Merger {
    fn take(&mut self, mut node: Node) -> Result<Option<Node>, Fault> {
        if !matches!(node.content, Content::Mapping(_)) {
            return Err(Fault::new(
                node.at,
                format!("a rule must be a map, not {}", node.kind()),
            ));
        }
        let action = remove(&mut node, "action");
        let Some(action) = action else {
            let merged = self.merge(self.global.clone(), node)?;
            self.previous = Some(merged.clone());
            return Ok(Some(merged));
        };
        match action.value.as_str() {
            Some("global") => {
                self.global = Some(self.merge(self.global.clone(), node)?);
                Ok(None)
            }
            Some("reset") => {
                self.global = None;
                Ok(None)
            }
            Some("repeat") => {
                let previous = self.previous.clone();
                let previous =
                    previous.ok_or_else(|| Fault::new(action.at, "`action: repeat` without a rule before"))?;
                let merged = self.merge(Some(previous), node)?;
                self.previous = Some(merged.clone());
                Ok(Some(merged))
            }
            _ => Err(Fault::new(
                action.value.at,
                "`action` must be `global`, `reset` or `repeat`",
            )),
        }
    }

    /// Lays `node` over `base`, map by map, within the limit on nodes.
    fn merge(&mut self, base: Option<Node>, node: Node) -> Result<Node, Fault> {
        let Some(mut base) = base else { return Ok(node) };
        self.merged_nodes += size_of(&base);
        if self.merged_nodes > YAML_NODES_MAX {
            return Err(Fault::new(
                node.at,
                format!("`action` documents unfold to more than {YAML_NODES_MAX} nodes"),
            ));
        }
        base.at = node.at;
        lay_over(&mut base, node);
        Ok(base)
    }
}

fn size_of(node: &Node) -> usize {
    1 + match &node.content {
        Content::Mapping(entries) => entries.iter().map(|entry| size_of(&entry.value)).sum(),
        Content::Sequence(items) => items.iter().map(size_of).sum(),
        Content::Null | Content::Bool(_) | Content::Int(_) | Content::Float(_) | Content::String(_) => 0,
    }
}

fn remove(node: &mut Node, key: &str) -> Option<Entry> {
    let Content::Mapping(entries) = &mut node.content else {
        return None;
    };
    let index = entries.iter().position(|entry| entry.key == key)?;
    Some(entries.remove(index))
}

fn lay_over(base: &mut Node, over: Node) {
    match (&mut base.content, over.content) {
        (Content::Mapping(entries), Content::Mapping(news)) => {
            for new in news {
                match entries.iter_mut().find(|entry| entry.key == new.key) {
                    Some(entry) => {
                        entry.at = new.at;
                        lay_over(&mut entry.value, new.value);
                    }
                    None => entries.push(new),
                }
            }
        }
        (content, new) => {
            *content = new;
            base.at = over.at;
        }
    }
}

fn document_of(file: &Arc<str>, node: &Node) -> Result<RuleDocument, Fault> {
    let meta = metadata_of(node)?;
    let body = |meta, node: &Node| Body {
        meta,
        node: node.clone(),
        file: Arc::clone(file),
        at: node.at,
    };
    if node.get("correlation").is_some() {
        return Ok(RuleDocument::Correlation(body(meta, node)));
    }
    if node.get("filter").is_some() {
        return Ok(RuleDocument::Filter(body(meta, node)));
    }
    if meta.title.is_empty() {
        return Err(Fault::new(node.at, "`title` is missing"));
    }
    let log_source = node
        .get("logsource")
        .ok_or_else(|| Fault::new(node.at, "`logsource` is missing"))?;
    let detection = node
        .get("detection")
        .ok_or_else(|| Fault::new(node.at, "`detection` is missing"))?;
    Ok(RuleDocument::Rule(Box::new(Rule {
        meta,
        log_source: log_source_of(log_source)?,
        detection: detection_of(detection)?,
        file: Arc::clone(file),
        at: node.at,
    })))
}

/// Reads the metadata that rules, correlations and filters share.
///
/// # Errors
///
/// Returns a fault for a field of the wrong kind, or an unknown status or level.
pub fn metadata_of(node: &Node) -> Result<Metadata, Fault> {
    let text = |key: &str| -> Result<Option<String>, Fault> {
        let Some(value) = node.get(key) else { return Ok(None) };
        match &value.content {
            Content::Null => Ok(None),
            Content::Sequence(items) => Ok(Some(
                items
                    .iter()
                    .filter_map(Node::scalar_text)
                    .collect::<Vec<_>>()
                    .join(", "),
            )),
            Content::Mapping(_) => Err(Fault::new(value.at, format!("`{key}` must be a text, not a map"))),
            Content::Bool(_) | Content::Int(_) | Content::Float(_) | Content::String(_) => Ok(value.scalar_text()),
        }
    };
    let list = |key: &str| -> Vec<String> {
        node.get(key)
            .map(|value| value.items().iter().filter_map(Node::scalar_text).collect())
            .unwrap_or_default()
    };
    let word = |key: &str| node.get(key).filter(|value| value.content != Content::Null);
    let status = word("status").map(|value| {
        let status = value.as_str().and_then(Status::from_word);
        status.ok_or_else(|| {
            Fault::new(
                value.at,
                "`status` must be stable, test, experimental, deprecated or unsupported",
            )
        })
    });
    let level = word("level").map(|value| {
        let level = value.as_str().and_then(Level::from_word);
        level.ok_or_else(|| Fault::new(value.at, "`level` must be informational, low, medium, high or critical"))
    });
    Ok(Metadata {
        title: text("title")?.unwrap_or_default(),
        id: text("id")?,
        name: text("name")?,
        status: status.transpose()?,
        level: level.transpose()?,
        description: text("description")?,
        author: text("author")?,
        date: text("date")?,
        modified: text("modified")?,
        references: list("references"),
        tags: list("tags"),
        false_positives: list("falsepositives"),
        fields: list("fields"),
        related: related_of(node),
        scope: list("scope"),
        taxonomy: text("taxonomy")?,
        license: text("license")?,
        custom: custom_of(node),
    })
}

/// The attributes that the specification does not know, where they are texts: it allows any (Sigma specification 2.1, "Custom attributes").
fn custom_of(node: &Node) -> BTreeMap<String, String> {
    const KNOWN: &[&str] = &[
        "action",
        "author",
        "correlation",
        "date",
        "description",
        "detection",
        "falsepositives",
        "fields",
        "filter",
        "id",
        "level",
        "license",
        "logsource",
        "modified",
        "name",
        "references",
        "related",
        "scope",
        "status",
        "tags",
        "taxonomy",
        "title",
    ];
    let Content::Mapping(entries) = &node.content else {
        return BTreeMap::new();
    };
    entries
        .iter()
        .filter(|entry| !KNOWN.contains(&entry.key.as_str()))
        .filter_map(|entry| Some((entry.key.clone(), entry.value.scalar_text()?)))
        .collect()
}

fn related_of(node: &Node) -> Vec<Related> {
    let relations = node.get("related").map(Node::items).unwrap_or_default();
    let text = |relation: &Node, key| relation.get(key).and_then(Node::scalar_text);
    relations
        .iter()
        .filter_map(|relation| {
            Some(Related {
                id: text(relation, "id")?,
                kind: text(relation, "type")?,
            })
        })
        .collect()
}

/// Reads a `logsource`.
///
/// # Errors
///
/// Returns a fault if it is no map, or names neither category, product nor service.
pub fn log_source_of(node: &Node) -> Result<LogSource, Fault> {
    if !matches!(node.content, Content::Mapping(_)) {
        return Err(Fault::new(
            node.at,
            format!("`logsource` must be a map, not {}", node.kind()),
        ));
    }
    let part = |key: &str| -> Result<String, Fault> {
        let Some(value) = node.get(key) else {
            return Ok(String::new());
        };
        match &value.content {
            Content::Null => Ok(String::new()),
            Content::String(text) => Ok(text.trim().to_owned()),
            Content::Bool(_) | Content::Int(_) | Content::Float(_) => Ok(value.scalar_text().unwrap_or_default()),
            Content::Sequence(_) | Content::Mapping(_) => Err(Fault::new(
                value.at,
                format!("`{key}` must be a text, not {}", value.kind()),
            )),
        }
    };
    let source = LogSource::new(&part("category")?, &part("product")?, &part("service")?);
    if source == LogSource::default() {
        return Err(Fault::new(
            node.at,
            "`logsource` must name a category, a product or a service",
        ));
    }
    Ok(source)
}
