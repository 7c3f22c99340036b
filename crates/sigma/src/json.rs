//! JSON lines as records: one pass finds where fields and values lie and leaves texts unresolved until a rule asks for them.
//! Lines of one kind have their names in one order, so after each name the scanner expects the one that followed it last time.

mod escape;
mod text;

use thiserror::Error;

pub use self::escape::{has_escapes, unescape_into};
use self::text::end_of_text;
use crate::names::{Name, Names};
use crate::record::{Record, Value};

/// Deepest nesting of objects and arrays in a record.
pub const JSON_DEPTH_MAX: usize = 64;
/// Longest line that is scanned, in bytes.
pub const JSON_LINE_BYTES_MAX: usize = 1 << 30;
/// Most bytes that the dotted names of one record's nested fields may take together.
pub const JSON_NAMES_BYTES_MAX: usize = 16 << 20;

/// A line that is not a JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a JSON object at byte {at}: {reason}")]
pub struct JsonError {
    /// The byte at which reading stopped.
    pub at: usize,
    /// What was expected.
    pub reason: &'static str,
}

/// Bytes from `start` to `end`, of the line or of the scanner's dotted names.
#[derive(Debug, Clone, Copy)]
struct Bytes {
    start: u32,
    end: u32,
}

/// Where a field's name is.
#[derive(Debug, Clone, Copy)]
enum NamePlace {
    /// By its number among the names that the scanner knows.
    Known(u32),
    /// In the line.
    Line(Bytes),
    /// In the scanner's dotted names.
    Dotted(Bytes),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Without escapes.
    Plain,
    /// Perhaps with escapes.
    Text,
    Number,
    True,
    False,
    Null,
    EmptyList,
}

#[derive(Debug, Clone, Copy)]
struct Field {
    name: NamePlace,
    value: Bytes,
    kind: Kind,
}

/// Reads JSON lines; keeps its buffers from line to line.
#[derive(Debug, Default)]
pub struct JsonScanner {
    fields: Vec<Field>,
    known: Names,
    dotted: String,
}

/// A JSON object as a record: nested names are dotted, elements of arrays are values of one field.
#[derive(Debug, Clone, Copy)]
pub struct JsonRecord<'a> {
    line: &'a str,
    fields: &'a [Field],
    known: &'a Names,
    dotted: &'a str,
}

impl JsonScanner {
    /// Makes a scanner.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Finds the fields of a line. Texts and numbers are not validated beyond where they end.
    ///
    /// # Errors
    ///
    /// Returns the place at which the line stops being one JSON object, or that it is nested too deep.
    pub fn scan<'a>(&'a mut self, line: &'a str) -> Result<JsonRecord<'a>, JsonError> {
        self.fields.clear();
        self.dotted.clear();
        self.known.begin();
        let mut cursor = Cursor {
            line,
            bytes: line.as_bytes(),
            at: 0,
            scanner: self,
        };
        if line.len() > JSON_LINE_BYTES_MAX {
            return Err(cursor.error("the line is too long"));
        }
        cursor.skip_space();
        cursor.expect(b'{', "expected `{`")?;
        cursor.object(None, 1)?;
        cursor.skip_space();
        if cursor.at < line.len() {
            return Err(cursor.error("expected the end of the line"));
        }
        Ok(JsonRecord {
            line,
            fields: &self.fields,
            known: &self.known,
            dotted: &self.dotted,
        })
    }
}

impl Bytes {
    fn of(self, text: &str) -> &str {
        &text[self.start as usize..self.end as usize]
    }
}

impl<'a> JsonRecord<'a> {
    #[inline]
    fn name(&self, field: &Field) -> &'a str {
        match field.name {
            NamePlace::Known(number) => self.known.text(number),
            NamePlace::Line(bytes) => bytes.of(self.line),
            NamePlace::Dotted(bytes) => bytes.of(self.dotted),
        }
    }

    #[inline]
    fn value(&self, field: &Field) -> Value<'a> {
        let raw = field.value.of(self.line);
        match field.kind {
            Kind::Plain => Value::Str(raw),
            Kind::Text => Value::JsonStr(raw),
            Kind::Number => Value::JsonNumber(raw),
            Kind::True => Value::Bool(true),
            Kind::False => Value::Bool(false),
            Kind::Null => Value::Null,
            Kind::EmptyList => Value::EmptyList,
        }
    }

    /// Returns the first value of a field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value<'a>> {
        self.fields
            .iter()
            .find(|field| self.name(field) == name)
            .map(|field| self.value(field))
    }
}

impl Record for JsonRecord<'_> {
    fn visit<'a, F: FnMut(&'a str, Value<'a>)>(&'a self, mut visit: F) {
        for field in self.fields {
            visit(self.name(field), self.value(field));
        }
    }

    fn haystack(&self) -> Option<&str> {
        Some(self.line)
    }

    fn names(&self) -> Option<&Names> {
        Some(self.known)
    }

    #[inline]
    fn visit_some<'a, P, W, F>(&'a self, wants: W, mut visit: F)
    where
        W: Fn(Name<'a>) -> Option<P>,
        F: FnMut(P, Value<'a>),
    {
        for field in self.fields {
            let name = match field.name {
                NamePlace::Known(number) => Name::Numbered(number),
                NamePlace::Line(bytes) => Name::Text(bytes.of(self.line)),
                NamePlace::Dotted(bytes) => Name::Text(bytes.of(self.dotted)),
            };
            if let Some(place) = wants(name) {
                visit(place, self.value(field));
            }
        }
    }
}

#[derive(Debug)]
struct Cursor<'a, 's> {
    line: &'a str,
    bytes: &'a [u8],
    at: usize,
    scanner: &'s mut JsonScanner,
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "lines and dotted names are limited far below 4 GiB"
)]
const fn bytes_between(start: usize, end: usize) -> Bytes {
    Bytes {
        start: start as u32,
        end: end as u32,
    }
}

impl Cursor<'_, '_> {
    const fn error(&self, reason: &'static str) -> JsonError {
        JsonError { at: self.at, reason }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    #[inline]
    fn expect(&mut self, byte: u8, reason: &'static str) -> Result<(), JsonError> {
        if self.peek() != Some(byte) {
            return Err(self.error(reason));
        }
        self.at += 1;
        Ok(())
    }

    /// Reads the rest of a text whose opening quote has been read, and returns what stands between the quotes and whether it is
    /// known to have no escapes.
    #[inline]
    fn text(&mut self) -> Result<(Bytes, bool), JsonError> {
        let start = self.at;
        let Some((quote, is_plain)) = end_of_text(self.bytes, start) else {
            return Err(self.error("a text is not closed"));
        };
        self.at = quote + 1;
        Ok((bytes_between(start, quote), is_plain))
    }

    /// Reads the members of an object whose opening brace has been read.
    fn object(&mut self, parent: Option<NamePlace>, depth: usize) -> Result<(), JsonError> {
        if depth > JSON_DEPTH_MAX {
            return Err(self.error("nested too deep"));
        }
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.skip_space();
            self.expect(b'"', "expected a name in quotes")?;
            let name = match parent {
                None => self.top_name()?,
                Some(parent) => self.nested_name(parent)?,
            };
            self.skip_space();
            self.value(name, depth, false)?;
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.error("expected `,` or `}`")),
            }
        }
    }

    /// Reads a name that is not nested, with its colon.
    #[inline]
    fn top_name(&mut self) -> Result<NamePlace, JsonError> {
        if let Some((number, bytes)) = self.scanner.known.take(&self.bytes[self.at..]) {
            self.at += bytes;
            return Ok(NamePlace::Known(number));
        }
        self.unexpected_name()
    }

    fn unexpected_name(&mut self) -> Result<NamePlace, JsonError> {
        let (key, is_plain) = self.key()?;
        let raw = key.of(self.line);
        if !is_plain && has_escapes(raw) {
            let start = self.scanner.dotted.len();
            unescape_into(raw, &mut self.scanner.dotted);
            return self.dotted_since(start);
        }
        Ok(match self.scanner.known.meet(raw) {
            Some(number) => NamePlace::Known(number),
            None => NamePlace::Line(key),
        })
    }

    /// Reads a name and its colon, and returns what stands between the quotes and whether it is known to have no escapes.
    fn key(&mut self) -> Result<(Bytes, bool), JsonError> {
        let key = self.text()?;
        self.skip_space();
        self.expect(b':', "expected `:`")?;
        Ok(key)
    }

    /// Reads the name of a member of an object with a name, dotted.
    fn nested_name(&mut self, parent: NamePlace) -> Result<NamePlace, JsonError> {
        let (key, _) = self.key()?;
        let start = self.scanner.dotted.len();
        let JsonScanner { dotted, known, .. } = &mut *self.scanner;
        match parent {
            NamePlace::Dotted(bytes) => dotted.extend_from_within(bytes.start as usize..bytes.end as usize),
            NamePlace::Known(number) => dotted.push_str(known.text(number)),
            NamePlace::Line(bytes) => {
                dotted.push_str(bytes.of(self.line));
            }
        }
        dotted.push('.');
        let raw = key.of(self.line);
        unescape_into(raw, &mut self.scanner.dotted);
        self.dotted_since(start)
    }

    fn dotted_since(&self, start: usize) -> Result<NamePlace, JsonError> {
        let end = self.scanner.dotted.len();
        if end > JSON_NAMES_BYTES_MAX {
            return Err(self.error("the dotted names of nested fields are too long"));
        }
        Ok(NamePlace::Dotted(bytes_between(start, end)))
    }

    #[inline]
    fn value(&mut self, name: NamePlace, depth: usize, in_list: bool) -> Result<(), JsonError> {
        let start = self.at;
        let (kind, value) = match self.peek() {
            Some(b'"') => {
                self.at += 1;
                let (text, is_plain) = self.text()?;
                (if is_plain { Kind::Plain } else { Kind::Text }, text)
            }
            Some(b'{') => {
                self.at += 1;
                return self.object(Some(name), depth + 1);
            }
            Some(b'[') => {
                self.at += 1;
                return self.list(name, depth + 1, in_list);
            }
            Some(b'0'..=b'9' | b'-') => {
                while matches!(self.peek(), Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')) {
                    self.at += 1;
                }
                (Kind::Number, bytes_between(start, self.at))
            }
            Some(b't') => (Kind::True, self.word("true")?),
            Some(b'f') => (Kind::False, self.word("false")?),
            Some(b'n') => (Kind::Null, self.word("null")?),
            _ => return Err(self.error("expected a value")),
        };
        self.scanner.fields.push(Field { name, value, kind });
        Ok(())
    }

    fn word(&mut self, word: &'static str) -> Result<Bytes, JsonError> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.error("expected true, false or null"));
        }
        let start = self.at;
        self.at += word.len();
        Ok(bytes_between(start, self.at))
    }

    /// Reads the elements of an array whose opening bracket has been read.
    fn list(&mut self, name: NamePlace, depth: usize, in_list: bool) -> Result<(), JsonError> {
        if depth > JSON_DEPTH_MAX {
            return Err(self.error("nested too deep"));
        }
        self.skip_space();
        if self.peek() == Some(b']') {
            if !in_list {
                let value = bytes_between(self.at, self.at);
                let kind = Kind::EmptyList;
                self.scanner.fields.push(Field { name, value, kind });
            }
            self.at += 1;
            return Ok(());
        }
        loop {
            self.skip_space();
            self.value(name, depth, true)?;
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.error("expected `,` or `]`")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn flat(line: &str) -> Result<Vec<(String, String)>, JsonError> {
        let mut scanner = JsonScanner::new();
        let record = scanner.scan(line)?;
        let mut out = Vec::new();
        record.visit(|name, value| {
            let text = value
                .text()
                .map_or_else(|| format!("{value:?}"), std::borrow::Cow::into_owned);
            out.push((name.to_owned(), text));
        });
        Ok(out)
    }

    #[test]
    fn fields_are_flattened() {
        for (line, expect) in [
            (r#"{"a":"x","b":1}"#, "a=x b=1"),
            (r#" { "a" : { "b" : [ 1 , "x" , null ] } } "#, "a.b=1 a.b=x a.b=Null"),
            (r#"{"a":[{"b":1},{"b":2}]}"#, "a.b=1 a.b=2"),
            (r#"{"a":[]}"#, "a=EmptyList"),
            (r#"{"a":[[],[1]]}"#, "a=1"),
            (r#"{"a\"b":"c\\\"d\\"}"#, r#"a"b=c\"d\"#),
            (r#"{"aA":"🇩x\ud83dy"}"#, "aA=\u{1f1e9}x\u{fffd}y"),
            (r#"{"x":{"y\n":{"z":true}}}"#, "x.y\n.z=true"),
            ("{}", ""),
        ] {
            let found = flat(line).unwrap();
            let found: Vec<String> = found.iter().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!(found.join(" "), expect, "{line}");
        }
    }

    #[test]
    fn what_is_no_object_is_refused_with_its_place() {
        for (line, at) in [
            ("", 0),
            ("[1]", 0),
            (r#"{"a":1"#, 6),
            (r#"{"a" 1}"#, 5),
            (r#"{"a":tru}"#, 5),
            (r#"{"a":"x}"#, 6),
            (r#"{"a":1} x"#, 8),
            (r#"{"a":}"#, 5),
        ] {
            assert_eq!(flat(line).unwrap_err().at, at, "{line}");
        }
        assert!(flat(&format!("{{\"a\":{}", "[".repeat(10_000))).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(line in r#"[{}\[\]",:\\ua0-9é ]{0,40}"#) {
            let _ = flat(&line);
        }

        #[test]
        fn texts_come_back(text in any::<String>(), name in any::<String>()) {
            let line = serde_json::json!({ name.clone(): text.clone() }).to_string();
            prop_assert_eq!(flat(&line).unwrap(), vec![(name, text)]);
        }
    }
}
