//! Templates of requests: text with `{{name}}` in it, where each value is written as the format around it demands, so that nothing that a
//! message says can break out of its place.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// How values are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Inside strings of JSON.
    #[default]
    Json,
    /// As parts of a form or a query (`application/x-www-form-urlencoded`).
    Form,
    /// Inside text and attributes of XML.
    Xml,
    /// As they are.
    Text,
}

impl Format {
    /// The media type of a body that is written so.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Form => "application/x-www-form-urlencoded",
            Self::Xml => "application/xml; charset=utf-8",
            Self::Text => "text/plain; charset=utf-8",
        }
    }
}

/// Why a template is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It is longer than [`Template::BYTES_MAX`].
    #[error("longer than {} bytes", Template::BYTES_MAX)]
    TooLong,
    /// A `{{` has no `}}`.
    #[error("`{{{{` at byte {0} is not closed by `}}}}`")]
    Open(usize),
    /// A change of a value is unknown.
    #[error("`{{{{…|{0}}}}}`: known are `ascii` and `line`")]
    UnknownFilter(String),
    /// A name is not one.
    #[error("`{{{{{0}}}}}` is no name")]
    NotAName(String),
}

/// A template, parsed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Value { name: String, filter: Filter },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filter {
    None,
    /// Without tone marks and anything else beyond ASCII.
    Ascii,
    /// On one line.
    Line,
}

impl Template {
    /// Longest template in bytes.
    pub const BYTES_MAX: usize = 64 << 10;
    /// Longest name of a value in bytes.
    pub const NAME_BYTES_MAX: usize = 64;

    /// Parses a template.
    ///
    /// # Errors
    /// When it is too long, a `{{` is left open, or a name or filter is not one.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.len() > Self::BYTES_MAX {
            return Err(TemplateError::TooLong);
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("{{") {
            if start > 0 {
                pieces.push(Piece::Literal(rest[..start].to_owned()));
            }
            let inside = &rest[start + 2..];
            let end = inside
                .find("}}")
                .ok_or(TemplateError::Open(text.len() - rest.len() + start))?;
            pieces.push(value(&inside[..end])?);
            rest = &inside[end + 2..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.to_owned()));
        }
        Ok(Self { pieces })
    }

    /// The names of the values that it shows.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Literal(_) => None,
            Piece::Value { name, .. } => Some(name.as_str()),
        })
    }

    /// Fills it. `values` gives the value of a name; one that it does not know is left empty.
    #[must_use]
    pub fn fill(&self, format: Format, values: &dyn Fn(&str) -> Option<String>) -> String {
        self.fill_with(&|name| (format, values(name)))
    }

    /// Fills it, with a format for each value.
    pub(crate) fn fill_with(&self, values: &dyn Fn(&str) -> (Format, Option<String>)) -> String {
        let mut filled = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => filled.push_str(text),
                Piece::Value { name, filter } => {
                    let (format, value) = values(name);
                    let value = value.unwrap_or_default();
                    let value = match filter {
                        Filter::None => value,
                        Filter::Ascii => plain_ascii(&value),
                        Filter::Line => super::one_line(&value),
                    };
                    write(&mut filled, format, &value);
                }
            }
        }
        filled
    }
}

fn value(inside: &str) -> Result<Piece, TemplateError> {
    let (name, filter) = match inside.split_once('|') {
        None => (inside, Filter::None),
        Some((name, filter)) => match filter.trim() {
            "ascii" => (name, Filter::Ascii),
            "line" => (name, Filter::Line),
            other => return Err(TemplateError::UnknownFilter(super::shortened(other, 64))),
        },
    };
    let name = name.trim();
    let sound = !name.is_empty()
        && name.len() <= Template::NAME_BYTES_MAX
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
    if !sound {
        return Err(TemplateError::NotAName(super::shortened(
            name,
            Template::NAME_BYTES_MAX,
        )));
    }
    Ok(Piece::Value {
        name: name.to_owned(),
        filter,
    })
}

fn write(filled: &mut String, format: Format, value: &str) {
    match format {
        Format::Text => filled.push_str(value),
        Format::Json => {
            let quoted = serde_json::to_string(value).expect("a text is always JSON");
            filled.push_str(&quoted[1..quoted.len() - 1]);
        }
        Format::Form => {
            for byte in value.bytes() {
                if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
                    filled.push(char::from(byte));
                } else {
                    write!(filled, "%{byte:02X}").expect("a text takes everything");
                }
            }
        }
        Format::Xml => {
            for sign in value.chars() {
                match sign {
                    '&' => filled.push_str("&amp;"),
                    '<' => filled.push_str("&lt;"),
                    '>' => filled.push_str("&gt;"),
                    '"' => filled.push_str("&quot;"),
                    '\'' => filled.push_str("&apos;"),
                    '\n' | '\t' => filled.push(sign),
                    _ if sign.is_control() || matches!(sign, '\u{fffe}' | '\u{ffff}') => filled.push(' '),
                    _ => filled.push(sign),
                }
            }
        }
    }
}

/// A text in ASCII: Vietnamese without its marks (`lừa đảo` becomes `lua dao`), the rest as `?`.
pub(crate) fn plain_ascii(text: &str) -> String {
    text.nfd()
        .filter(|sign| !is_combining_mark(*sign))
        .map(|sign| match sign {
            'đ' => 'd',
            'Đ' => 'D',
            '…' => '.',
            '–' | '—' => '-',
            '“' | '”' => '"',
            '‘' | '’' => '\'',
            '\u{a0}' => ' ',
            _ if sign.is_ascii() => sign,
            _ => '?',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filled(template: &str, format: Format, value: &str) -> String {
        Template::parse(template)
            .unwrap()
            .fill(format, &|name| (name == "text").then(|| value.to_owned()))
    }

    #[test]
    fn a_value_is_written_as_its_place_demands() {
        for (template, format, value, expected) in [
            (r#"{"text":"{{text}}"}"#, Format::Json, "a\"b\n", r#"{"text":"a\"b\n"}"#),
            ("to=1&text={{text}}", Format::Form, "a&b đ", "to=1&text=a%26b%20%C4%91"),
            ("<m>{{text}}</m>", Format::Xml, "</m>&\u{1}", "<m>&lt;/m&gt;&amp; </m>"),
            (
                "{{text|ascii}}",
                Format::Text,
                "Cảnh báo: lừa đảo…",
                "Canh bao: lua dao.",
            ),
            ("{{text|line}}", Format::Text, "a\r\nb", "a  b"),
            ("{{ text }}{{other}}", Format::Text, "x", "x"),
            (r#"{"a":{"b":"{{text}}"}}"#, Format::Json, "x", r#"{"a":{"b":"x"}}"#),
        ] {
            assert_eq!(filled(template, format, value), expected, "{template}");
        }
    }

    #[test]
    fn what_is_no_template_says_why() {
        for (text, expected) in [
            ("ab{{text", TemplateError::Open(2)),
            ("{{text|upper}}", TemplateError::UnknownFilter("upper".into())),
            ("{{a b}}", TemplateError::NotAName("a b".into())),
            ("{{}}", TemplateError::NotAName(String::new())),
        ] {
            assert_eq!(Template::parse(text), Err(expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_said_breaks_out_of_json(value in any::<String>()) {
            let body = filled(r#"{"text":"{{text}}"}"#, Format::Json, &value);
            let read: serde_json::Value = serde_json::from_str(&body).unwrap();
            prop_assert_eq!(read["text"].as_str(), Some(value.as_str()));
        }

        #[test]
        fn any_text_is_a_template_or_an_error(text in "[{}a|\u{1eeb} ]{0,40}") {
            if let Ok(template) = Template::parse(&text) {
                prop_assert!(template.fill(Format::Text, &|_| None).len() <= text.len());
            }
        }
    }
}
