//! What can be matched: a record that shows its fields and values by reference, without building a tree.

use std::borrow::Cow;

use crate::names::{Name, Names};

/// A value of a field, borrowed from the record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// A text.
    Str(&'a str),
    /// A text between JSON's quotes whose escapes are not resolved yet; resolving is left until it proves necessary.
    JsonStr(&'a str),
    /// A number in JSON's notation.
    JsonNumber(&'a str),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// A double.
    Float(f64),
    /// A boolean.
    Bool(bool),
    /// Null: the field is there without a value.
    Null,
    /// The field is there as a list without elements.
    EmptyList,
}

/// A record: an event as rules see it.
pub trait Record {
    /// Calls `visit` with each field and value. A nested field has a dotted name; each element of a list is a call of its own.
    fn visit<'a, F: FnMut(&'a str, Value<'a>)>(&'a self, visit: F);

    /// Returns a text in which the text of every value occurs, as it is or with JSON's escapes, if the record has one at hand;
    /// it lets keyword searches skip the record in one step.
    fn haystack(&self) -> Option<&str> {
        None
    }

    /// Returns the names whose numbers the record uses in [`Record::visit_some`], if it does.
    fn names(&self) -> Option<&Names> {
        None
    }

    /// Calls `visit` as [`Record::visit`] does, but only for the fields whose name `wants` takes, with what it gave for the name.
    #[inline]
    fn visit_some<'a, P, W, F>(&'a self, wants: W, mut visit: F)
    where
        W: Fn(Name<'a>) -> Option<P>,
        F: FnMut(P, Value<'a>),
    {
        self.visit(|name, value| {
            if let Some(place) = wants(Name::Text(name)) {
                visit(place, value);
            }
        });
    }
}

impl<R: Record + ?Sized> Record for &R {
    fn visit<'a, F: FnMut(&'a str, Value<'a>)>(&'a self, visit: F) {
        (**self).visit(visit);
    }

    fn haystack(&self) -> Option<&str> {
        (**self).haystack()
    }

    fn names(&self) -> Option<&Names> {
        (**self).names()
    }

    fn visit_some<'a, P, W, F>(&'a self, wants: W, visit: F)
    where
        W: Fn(Name<'a>) -> Option<P>,
        F: FnMut(P, Value<'a>),
    {
        (**self).visit_some(wants, visit);
    }
}

/// Pairs of field and value are a record.
impl Record for [(&str, Value<'_>)] {
    fn visit<'a, F: FnMut(&'a str, Value<'a>)>(&'a self, mut visit: F) {
        for (name, value) in self {
            visit(name, *value);
        }
    }
}

impl<const N: usize> Record for [(&str, Value<'_>); N] {
    fn visit<'a, F: FnMut(&'a str, Value<'a>)>(&'a self, visit: F) {
        self.as_slice().visit(visit);
    }
}

impl Record for Vec<(String, String)> {
    fn visit<'a, F: FnMut(&'a str, Value<'a>)>(&'a self, mut visit: F) {
        for (name, value) in self {
            visit(name, Value::Str(value));
        }
    }
}

impl<'a> Value<'a> {
    /// Returns the text by which patterns match the value: numbers in canonical decimal notation, `true` or `false`, and
    /// nothing for null and the empty list.
    #[must_use]
    pub fn text(self) -> Option<Cow<'a, str>> {
        Some(match self {
            Self::Str(text) => Cow::Borrowed(text),
            Self::JsonStr(raw) if raw.contains('\\') => {
                let mut text = String::with_capacity(raw.len());
                crate::json::unescape_into(raw, &mut text);
                Cow::Owned(text)
            }
            Self::JsonStr(raw) => Cow::Borrowed(raw),
            Self::JsonNumber(raw) if is_canonical_integer(raw) => Cow::Borrowed(raw),
            Self::JsonNumber(raw) => finite(raw).map_or(Cow::Borrowed(raw), |float| Cow::Owned(number_text(float))),
            Self::Int(int) => Cow::Owned(int.to_string()),
            Self::Uint(int) => Cow::Owned(int.to_string()),
            Self::Float(float) => Cow::Owned(number_text(float)),
            Self::Bool(value) => Cow::Borrowed(if value { "true" } else { "false" }),
            Self::Null | Self::EmptyList => return None,
        })
    }
}

/// Tells whether a JSON number is an integer written without leading zeros, whose notation is its text.
#[must_use]
pub fn is_canonical_integer(raw: &str) -> bool {
    let digits = raw.strip_prefix('-').unwrap_or(raw).as_bytes();
    digits.iter().all(u8::is_ascii_digit)
        && !digits.is_empty()
        && (digits[0] != b'0' || (digits.len() == 1 && raw.len() == 1))
}

/// Reads a JSON number that is within the range of doubles; one beyond it keeps its own notation as text.
#[must_use]
pub fn finite(raw: &str) -> Option<f64> {
    raw.parse().ok().filter(|float: &f64| float.is_finite())
}

/// Writes a double: a whole number as an integer, anything else in the shortest notation that reads back.
#[must_use]
pub fn number_text(float: f64) -> String {
    let float = if float == 0.0 { 0.0 } else { float };
    float.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_text() {
        for (value, expect) in [
            (Value::JsonNumber("4624"), "4624"),
            (Value::JsonNumber("-7"), "-7"),
            (Value::JsonNumber("1.0"), "1"),
            (Value::JsonNumber("1e3"), "1000"),
            (Value::JsonNumber("-0"), "0"),
            (Value::JsonNumber("0.50"), "0.5"),
            (Value::JsonNumber("18446744073709551616"), "18446744073709551616"),
            (Value::JsonNumber("1e999"), "1e999"),
            (Value::Float(2.0), "2"),
            (Value::Uint(u64::MAX), "18446744073709551615"),
            (Value::Bool(true), "true"),
            (Value::JsonStr(r"a\\bé\n"), "a\\b\u{e9}\n"),
        ] {
            assert_eq!(value.text().as_deref(), Some(expect), "{value:?}");
        }
        assert_eq!(Value::Null.text(), None);
    }
}
