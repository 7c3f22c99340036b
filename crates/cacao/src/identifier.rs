//! Identifiers: `type--UUID` (section 10.10).

use std::fmt;

use serde::{Deserialize, Serialize};

/// An identifier: a type, two hyphens and a UUID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Identifier(String);

impl Identifier {
    /// Reads an identifier; `None` when the text is not of the form.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        const UUID_BYTES: usize = 36;
        const HYPHENS: [usize; 4] = [8, 13, 18, 23];
        let at = text.len().checked_sub(UUID_BYTES)?;
        let (kind, uuid) = (text.get(..at)?.strip_suffix("--")?, text.get(at..)?);
        let named = kind
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let formed = uuid.bytes().enumerate().all(|(place, byte)| {
            if HYPHENS.contains(&place) {
                byte == b'-'
            } else {
                byte.is_ascii_hexdigit()
            }
        });
        (!kind.is_empty() && named && formed).then(|| Self(text.to_owned()))
    }

    /// The part before `--`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.0.rsplit_once("--").map_or("", |(kind, _)| kind)
    }

    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl TryFrom<String> for Identifier {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::read(&text).ok_or_else(|| format!("'{text}' is not an identifier"))
    }
}

impl From<Identifier> for String {
    fn from(id: Identifier) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::Identifier;

    #[test]
    fn an_identifier_is_a_type_and_a_uuid() {
        let cases = [
            ("action--61a6c41e-6efc-4516-a242-dfbc5c89d562", Some("action")),
            (
                "if-condition--61a6c41e-6efc-4516-a242-dfbc5c89d562",
                Some("if-condition"),
            ),
            ("--61a6c41e-6efc-4516-a242-dfbc5c89d562", None),
            ("action-61a6c41e-6efc-4516-a242-dfbc5c89d562", None),
            ("action--61a6c41e-6efc-4516-a242-dfbc5c89d56", None),
            ("Action--61a6c41e-6efc-4516-a242-dfbc5c89d562", None),
            ("ế--61a6c41e-6efc-4516-a242-dfbc5c89d562", None),
            ("", None),
        ];
        for (text, kind) in cases {
            assert_eq!(Identifier::read(text).as_ref().map(Identifier::kind), kind, "{text}");
        }
    }
}
