//! The fields of a record under the names the record itself gave them, flattened to dotted paths.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// One value of a field. Objects are flattened into dotted field names before they get here; arrays stay lists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// JSON `null`, or a field that was present and empty in a format that has such a notion.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number above [`i64::MAX`].
    Uint(u64),
    /// Any other number.
    Float(f64),
    /// Text, as the record had it.
    Text(CompactString),
    /// Several values under one name; elements are never lists of lists deeper than the parsers' named limit.
    List(Vec<Value>),
}

impl Value {
    /// The text, when the value is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Uint(_) | Self::Float(_) | Self::List(_) => None,
        }
    }

    /// Makes a text value.
    #[must_use]
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::Text(CompactString::new(text))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

/// A named value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// The record's own name for it (`Image`, `a0`, `cs-uri-query`, `userIdentity.arn`).
    pub name: CompactString,
    /// What the record says.
    pub value: Value,
}

/// Fields in the order of the record. A name that the record repeats is kept as often as it came.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fields(Vec<Field>);

impl Fields {
    /// Makes room for `count` fields.
    #[must_use]
    pub fn with_capacity(count: usize) -> Self {
        Self(Vec::with_capacity(count))
    }

    /// Adds a field after the ones already there.
    pub fn push(&mut self, name: impl Into<CompactString>, value: Value) {
        self.0.push(Field {
            name: name.into(),
            value,
        });
    }

    /// The first value under exactly this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|field| field.name == name).map(|field| &field.value)
    }

    /// The first text under exactly this name.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_text)
    }

    /// All fields in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Field> {
        self.0.iter()
    }

    /// All fields in order, to be changed in place.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Field> {
        self.0.iter_mut()
    }

    /// Keeps only the fields for which `keep` holds, in their order.
    pub fn retain(&mut self, keep: impl FnMut(&Field) -> bool) {
        self.0.retain(keep);
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl IntoIterator for Fields {
    type Item = Field;
    type IntoIter = std::vec::IntoIter<Field>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Fields {
    type Item = &'a Field;
    type IntoIter = std::slice::Iter<'a, Field>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a> IntoIterator for &'a mut Fields {
    type Item = &'a mut Field;
    type IntoIter = std::slice::IterMut<'a, Field>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}
