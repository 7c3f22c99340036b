//! Writes the JSON of a log record piece by piece.

use std::fmt::{Display, Write};

use base64::{Engine, engine::general_purpose::STANDARD};

/// A JSON object being written.
pub(crate) struct ObjectWriter(String);

impl ObjectWriter {
    pub(crate) fn new() -> Self {
        Self(String::from("{"))
    }

    /// Writes a name; its value must follow.
    pub(crate) fn name(&mut self, name: &str) -> &mut String {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        write_text(&mut self.0, name);
        self.0.push(':');
        &mut self.0
    }

    pub(crate) fn text(&mut self, name: &str, value: &str) {
        write_text(self.name(name), value);
    }

    pub(crate) fn shown(&mut self, name: &str, value: impl Display) {
        write!(self.name(name), "{value}").expect("writing to memory does not fail");
    }

    /// Writes a value that is JSON already.
    pub(crate) fn json(&mut self, name: &str, value: &str) {
        self.name(name).push_str(value);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.len() == 1
    }

    pub(crate) fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

pub(crate) fn write_text(to: &mut String, text: &str) {
    to.push_str(&serde_json::to_string(text).expect("a text can always be written as JSON"));
}

/// A number that JSON cannot express is written as OTLP's JSON mapping does: `"NaN"`, `"Infinity"`, `"-Infinity"`.
pub(crate) fn write_double(to: &mut String, value: f64) {
    let text = if value.is_nan() {
        "\"NaN\"".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "\"Infinity\"" } else { "\"-Infinity\"" }.to_owned()
    } else {
        serde_json::to_string(&value).expect("a finite number can be written as JSON")
    };
    to.push_str(&text);
}

/// Bytes stay apart from texts: `{"bytesValue":"BASE64"}`.
pub(crate) fn write_bytes(to: &mut String, bytes: &[u8]) {
    to.push_str("{\"bytesValue\":\"");
    to.push_str(&STANDARD.encode(bytes));
    to.push_str("\"}");
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to memory does not fail");
        text
    })
}

/// Writes a list of values.
pub(crate) fn write_list<T, E>(
    to: &mut String,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut String, T) -> Result<(), E>,
) -> Result<(), E> {
    to.push('[');
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            to.push(',');
        }
        write(to, item)?;
    }
    to.push(']');
    Ok(())
}
