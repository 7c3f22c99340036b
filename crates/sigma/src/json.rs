//! JSON lines as records: one pass finds where fields and values lie and leaves texts unresolved until a rule asks for them.

use memchr::memchr;
use thiserror::Error;

use crate::record::{Record, Value};

/// Deepest nesting of objects and arrays in a record.
pub const JSON_DEPTH_MAX: usize = 64;
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

/// Bytes from `start` to `end`, of the line or of the scanner's names.
#[derive(Debug, Clone, Copy)]
struct Bytes {
    start: usize,
    end: usize,
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
    name: Bytes,
    is_own_name: bool,
    value: Bytes,
    kind: Kind,
}

/// Reads JSON lines; keeps its buffers from line to line.
#[derive(Debug, Default)]
pub struct JsonScanner {
    fields: Vec<Field>,
    names: String,
}

/// A JSON object as a record: nested names are dotted, elements of arrays are values of one field.
#[derive(Debug, Clone, Copy)]
pub struct JsonRecord<'a> {
    line: &'a str,
    fields: &'a [Field],
    names: &'a str,
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
        self.names.clear();
        let mut cursor = Cursor {
            bytes: line.as_bytes(),
            at: 0,
            scanner: self,
        };
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
            names: &self.names,
        })
    }
}

impl<'a> JsonRecord<'a> {
    fn name(&self, field: &Field) -> &'a str {
        let from = if field.is_own_name { self.names } else { self.line };
        &from[field.name.start..field.name.end]
    }

    fn value(&self, field: &Field) -> Value<'a> {
        let raw = &self.line[field.value.start..field.value.end];
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
}

/// How many groups of eight bytes are looked at before the search for the closing quote is handed to SIMD.
const SHORT_CHUNKS: usize = 4;

/// Marks the bytes of a word that equal `byte` by their highest bit; bytes above the first marked one may be marked wrongly.
const fn lanes_equal(word: u64, byte: u8) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let differences = word ^ (ONES * byte as u64);
    differences.wrapping_sub(ONES) & !differences & (ONES << 7)
}

#[derive(Debug)]
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    scanner: &'a mut JsonScanner,
}

/// A field's name and whether it lies in the scanner's names instead of the line.
#[derive(Debug, Clone, Copy)]
struct Name {
    bytes: Bytes,
    is_own: bool,
}

const fn bytes_between(start: usize, end: usize) -> Bytes {
    Bytes { start, end }
}

impl Cursor<'_> {
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
        // Most names and values are short: eight bytes at a time without a call.
        for chunk in 0..SHORT_CHUNKS {
            let from = start + chunk * 8;
            let Some(bytes) = self.bytes.get(from..from + 8).and_then(|bytes| bytes.first_chunk()) else {
                break;
            };
            let word = u64::from_le_bytes(*bytes);
            let (quotes, escapes) = (lanes_equal(word, b'"'), lanes_equal(word, b'\\'));
            if quotes | escapes == 0 {
                continue;
            }
            if quotes.trailing_zeros() < escapes.trailing_zeros() {
                let quote = from + quotes.trailing_zeros() as usize / 8;
                self.at = quote + 1;
                return Ok((bytes_between(start, quote), true));
            }
            break;
        }
        self.long_text(start)
    }

    fn long_text(&mut self, start: usize) -> Result<(Bytes, bool), JsonError> {
        loop {
            let Some(found) = memchr(b'"', &self.bytes[self.at..]) else {
                return Err(self.error("a text is not closed"));
            };
            let quote = self.at + found;
            self.at = quote + 1;
            let escapes = self.bytes[start..quote]
                .iter()
                .rev()
                .take_while(|byte| **byte == b'\\')
                .count();
            if escapes % 2 == 0 {
                return Ok((bytes_between(start, quote), false));
            }
        }
    }

    /// Reads the members of an object whose opening brace has been read.
    fn object(&mut self, parent: Option<Name>, depth: usize) -> Result<(), JsonError> {
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
            let (key, is_plain) = self.text()?;
            self.skip_space();
            self.expect(b':', "expected `:`")?;
            self.skip_space();
            let name = self.name_of(parent, key, is_plain)?;
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

    /// Names a member: its key as it stands in the line if it is plain and not nested, else resolved and dotted.
    #[inline]
    fn name_of(&mut self, parent: Option<Name>, key: Bytes, is_plain: bool) -> Result<Name, JsonError> {
        let raw = &self.bytes[key.start..key.end];
        if parent.is_none() && (is_plain || memchr(b'\\', raw).is_none()) {
            return Ok(Name {
                bytes: key,
                is_own: false,
            });
        }
        let start = self.scanner.names.len();
        if let Some(parent) = parent {
            let (from, to) = (parent.bytes.start, parent.bytes.end);
            if parent.is_own {
                self.scanner.names.extend_from_within(from..to);
            } else {
                self.scanner
                    .names
                    .push_str(std::str::from_utf8(&self.bytes[from..to]).unwrap_or_default());
            }
            self.scanner.names.push('.');
        }
        unescape_into(std::str::from_utf8(raw).unwrap_or_default(), &mut self.scanner.names);
        if self.scanner.names.len() > JSON_NAMES_BYTES_MAX {
            return Err(self.error("the dotted names of nested fields are too long"));
        }
        Ok(Name {
            bytes: bytes_between(start, self.scanner.names.len()),
            is_own: true,
        })
    }

    #[inline]
    fn value(&mut self, name: Name, depth: usize, in_list: bool) -> Result<(), JsonError> {
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
        self.scanner.fields.push(Field {
            name: name.bytes,
            is_own_name: name.is_own,
            value,
            kind,
        });
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
    fn list(&mut self, name: Name, depth: usize, in_list: bool) -> Result<(), JsonError> {
        if depth > JSON_DEPTH_MAX {
            return Err(self.error("nested too deep"));
        }
        self.skip_space();
        if self.peek() == Some(b']') {
            if !in_list {
                let value = bytes_between(self.at, self.at);
                let field = Field {
                    name: name.bytes,
                    is_own_name: name.is_own,
                    value,
                    kind: Kind::EmptyList,
                };
                self.scanner.fields.push(field);
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

/// Appends a JSON text with its escapes resolved; a broken escape stands for itself, half a surrogate pair for U+FFFD.
pub fn unescape_into(raw: &str, out: &mut String) {
    let mut rest = raw;
    while let Some(at) = memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(c) = rest.chars().next() else {
            out.push('\\');
            return;
        };
        rest = &rest[c.len_utf8()..];
        match c {
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'u' => rest = unescape_unicode(rest, out),
            '"' | '\\' | '/' => out.push(c),
            _ => out.extend(['\\', c]),
        }
    }
    out.push_str(rest);
}

fn unescape_unicode<'a>(rest: &'a str, out: &mut String) -> &'a str {
    let unit = |text: &str| {
        let digits = text.get(..4)?;
        digits
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit())
            .then(|| u32::from_str_radix(digits, 16).ok())?
    };
    let Some(first) = unit(rest) else {
        out.push_str("\\u");
        return rest;
    };
    let after = &rest[4..];
    if !(0xd800..0xe000).contains(&first) {
        out.push(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        return after;
    }
    let low = after
        .strip_prefix("\\u")
        .and_then(unit)
        .filter(|low| (0xdc00..0xe000).contains(low));
    match low {
        Some(low) if first < 0xdc00 => {
            let point = 0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00);
            out.push(char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER));
            &after[6..]
        }
        _ => {
            out.push(char::REPLACEMENT_CHARACTER);
            after
        }
    }
}

/// Tells whether a text between JSON's quotes has escapes.
#[must_use]
pub fn has_escapes(raw: &str) -> bool {
    memchr(b'\\', raw.as_bytes()).is_some()
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
