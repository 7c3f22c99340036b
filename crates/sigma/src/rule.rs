//! The detection rule as written: metadata, log source, selections with their items, modifiers and values, and conditions.
//! The tree keeps what the author wrote and where, so that pipelines and filters can rewrite it before it is compiled.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::condition::Condition;
use crate::modifier::Modifier;
use crate::yaml::Position;

/// A Sigma detection rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// What people read about the rule.
    pub meta: Metadata,
    /// The kind of events that the rule looks at.
    pub log_source: LogSource,
    /// Selections and conditions.
    pub detection: Detection,
    /// The file that the rule came from, as the caller named it.
    pub file: Arc<str>,
    /// Where the rule's document begins in the file.
    pub at: Position,
}

/// Everything about a document of the Sigma language that is not its logic.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metadata {
    /// The title; empty only if the document has none.
    pub title: String,
    /// The globally unique identifier, normally a UUID.
    pub id: Option<String>,
    /// The name by which correlations and filters may refer to the rule.
    pub name: Option<String>,
    /// How mature the rule is.
    pub status: Option<Status>,
    /// How grave a match is.
    pub level: Option<Level>,
    /// What the rule detects.
    pub description: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// When it was made, as written.
    pub date: Option<String>,
    /// When it was last changed, as written.
    pub modified: Option<String>,
    /// Where the idea comes from.
    pub references: Vec<String>,
    /// Tags such as `attack.t1059.001`.
    pub tags: Vec<String>,
    /// Known reasons for a match that is no attack.
    pub false_positives: Vec<String>,
    /// Fields that an analyst should be shown.
    pub fields: Vec<String>,
    /// Related rules: identifier and kind of relation.
    pub related: Vec<Related>,
    /// Kinds of machines that the rule is meant for.
    pub scope: Vec<String>,
    /// The taxonomy of its field names, if not Sigma's own.
    pub taxonomy: Option<String>,
    /// The licence (an SPDX expression).
    pub license: Option<String>,
    /// Attributes that the specification does not know, where they are texts (`title_vi`).
    pub custom: BTreeMap<String, String>,
}

impl Metadata {
    /// Yields the ATT&CK technique ids among the tags, in upper case, such as `T1059.001`.
    pub fn techniques(&self) -> impl Iterator<Item = String> + '_ {
        self.tags.iter().filter_map(|tag| {
            let technique = tag.strip_prefix("attack.")?;
            let digits = technique.strip_prefix(['t', 'T'])?;
            digits
                .starts_with(|first: char| first.is_ascii_digit())
                .then(|| technique.to_ascii_uppercase())
        })
    }

    /// Yields the ATT&CK tactics among the tags, as written after `attack.`, such as `initial-access`.
    pub fn tactics(&self) -> impl Iterator<Item = &str> {
        self.tags.iter().filter_map(|tag| {
            let name = tag.strip_prefix("attack.")?;
            let mut rest = name.chars().skip(1);
            let is_numbered = name.starts_with(['t', 'T', 'g', 'G', 's', 'S'])
                && rest.next().is_some_and(|second| second.is_ascii_digit());
            (!is_numbered).then_some(name)
        })
    }
}

/// A relation to another rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// The other rule's identifier.
    pub id: String,
    /// The kind, such as `derived`, `obsolete`, `merged`, `renamed` or `similar`.
    pub kind: String,
}

/// The maturity of a rule (Sigma specification, `status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Replaced or not useful any more.
    Unsupported,
    /// Replaced by a related rule.
    Deprecated,
    /// May raise many false positives.
    Experimental,
    /// Tried, may need tuning.
    Test,
    /// Fit for production.
    Stable,
}

impl Status {
    /// Reads the word of the specification, in any case.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "stable" => Self::Stable,
            "test" => Self::Test,
            "experimental" => Self::Experimental,
            "deprecated" => Self::Deprecated,
            "unsupported" => Self::Unsupported,
            _ => return None,
        })
    }

    /// Returns the word of the specification.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Test => "test",
            Self::Experimental => "experimental",
            Self::Deprecated => "deprecated",
            Self::Unsupported => "unsupported",
        }
    }
}

/// The gravity of a match (Sigma specification, `level`), from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Enriches events; no alert.
    Informational,
    /// Notable, rarely an incident.
    Low,
    /// Relevant, to be reviewed regularly.
    Medium,
    /// Should raise an alert.
    High,
    /// Borders certainty.
    Critical,
}

impl Level {
    /// Reads the word of the specification, in any case.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "informational" => Self::Informational,
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            "critical" => Self::Critical,
            _ => return None,
        })
    }

    /// Returns the word of the specification.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// A log source: any of category, product and service, in lower case. As a rule's, a missing part means "any".
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct LogSource {
    /// A kind of activity, such as `process_creation`.
    pub category: Option<String>,
    /// A product, such as `windows`.
    pub product: Option<String>,
    /// A log of the product, such as `security`.
    pub service: Option<String>,
}

impl LogSource {
    /// Makes a log source; an empty part is a missing one, and parts are put in lower case.
    #[must_use]
    pub fn new(category: &str, product: &str, service: &str) -> Self {
        let part = |text: &str| (!text.is_empty()).then(|| text.to_lowercase());
        Self {
            category: part(category),
            product: part(product),
            service: part(service),
        }
    }

    /// Tells whether every part that `self` names is named the same by `event`.
    #[must_use]
    pub fn covers(&self, event: &LogSource) -> bool {
        let part = |own: &Option<String>, other: &Option<String>| own.is_none() || own == other;
        part(&self.category, &event.category)
            && part(&self.product, &event.product)
            && part(&self.service, &event.service)
    }
}

/// The logic of a rule.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Detection {
    /// The search identifiers, in the order written.
    pub selections: Vec<NamedSelection>,
    /// The conditions; the rule matches when any of them holds.
    pub conditions: Vec<Condition>,
    /// The deprecated `timeframe`, as written.
    pub timeframe: Option<String>,
}

/// A search identifier with its definition.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedSelection {
    /// The identifier.
    pub name: String,
    /// What it stands for.
    pub selection: Selection,
    /// Where it is written.
    pub at: Position,
}

/// The definition of a search identifier, or a part of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Selection {
    /// A map: all items hold.
    All(Vec<Item>),
    /// A list: any part holds.
    Any(Vec<Selection>),
}

impl Selection {
    /// Calls `change` for each item, for pipelines that rename fields or change values.
    pub fn for_each_item_mut(&mut self, change: &mut impl FnMut(&mut Item)) {
        match self {
            Self::All(items) => items.iter_mut().for_each(change),
            Self::Any(parts) => parts.iter_mut().for_each(|part| part.for_each_item_mut(change)),
        }
    }

    /// Calls `visit` for each item.
    pub fn for_each_item<'a>(&'a self, visit: &mut impl FnMut(&'a Item)) {
        match self {
            Self::All(items) => items.iter().for_each(visit),
            Self::Any(parts) => parts.iter().for_each(|part| part.for_each_item(visit)),
        }
    }
}

/// One line of a map: a field with modifiers and the values asked for; without a field, keywords.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The field; `None` searches all values of the record.
    pub field: Option<String>,
    /// The modifiers, in the order written.
    pub modifiers: Vec<Modifier>,
    /// The values; any of them, or with `all` each of them, must hold.
    pub values: Vec<Value>,
    /// Whether the values were written as a list.
    pub is_list: bool,
    /// Where the field is written.
    pub at: Position,
}

/// A value of an item and where it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// The value as written, before modifiers.
    pub literal: Literal,
    /// Where it is written.
    pub at: Position,
}

/// A value as YAML gives it.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `null`: the field is missing or null.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i128),
    /// A number with a fraction.
    Float(f64),
    /// A text; wildcards and escapes are not resolved.
    String(String),
}

impl Rule {
    /// Returns the names of all fields that the rule reads, sorted, each once; `fieldref` targets included.
    #[must_use]
    pub fn fields_read(&self) -> Vec<&str> {
        let mut fields = Vec::new();
        for named in &self.detection.selections {
            named.selection.for_each_item(&mut |item| {
                fields.extend(item.field.as_deref());
                if item.modifiers.contains(&Modifier::FieldRef) {
                    fields.extend(item.values.iter().filter_map(|value| match &value.literal {
                        Literal::String(name) => Some(name.as_str()),
                        Literal::Null | Literal::Bool(_) | Literal::Int(_) | Literal::Float(_) => None,
                    }));
                }
            });
        }
        fields.sort_unstable();
        fields.dedup();
        fields
    }

    /// Tells whether the rule searches keywords over all values of a record.
    #[must_use]
    pub fn has_keywords(&self) -> bool {
        let mut found = false;
        for named in &self.detection.selections {
            named.selection.for_each_item(&mut |item| found |= item.field.is_none());
        }
        found
    }
}
