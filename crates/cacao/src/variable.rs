//! Variables: their kinds, values, and where a text names them (section 10.18).

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, Ipv6Addr},
};

use serde::{Deserialize, Serialize};

/// Variables by name, the name with its underscores (`__address__`).
pub type Variables = BTreeMap<String, Variable>;

/// What a variable may hold (`variable-type-ov`, section 10.18.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VariableKind {
    /// `true` or `false`.
    Bool,
    /// A JSON object.
    Dictionary,
    /// A decimal number.
    Float,
    /// Hexadecimal digits.
    Hexstring,
    /// A whole number of 32 bits.
    Integer,
    /// An IPv4 address or network in CIDR notation.
    Ipv4Addr,
    /// An IPv6 address or network in CIDR notation.
    Ipv6Addr,
    /// A whole number of 64 bits.
    Long,
    /// An EUI-48 address with colons.
    MacAddr,
    /// Any hash, hexadecimal.
    Hash,
    /// An MD5 hash.
    Md5Hash,
    /// A SHA-256 hash.
    Sha256Hash,
    /// A text.
    String,
    /// An absolute URI.
    Uri,
    /// A UUID.
    Uuid,
}

impl VariableKind {
    /// The kinds with their names in the specification.
    pub const ALL: [(&'static str, Self); 15] = [
        ("bool", Self::Bool),
        ("dictionary", Self::Dictionary),
        ("float", Self::Float),
        ("hexstring", Self::Hexstring),
        ("integer", Self::Integer),
        ("ipv4-addr", Self::Ipv4Addr),
        ("ipv6-addr", Self::Ipv6Addr),
        ("long", Self::Long),
        ("mac-addr", Self::MacAddr),
        ("hash", Self::Hash),
        ("md5-hash", Self::Md5Hash),
        ("sha256-hash", Self::Sha256Hash),
        ("string", Self::String),
        ("uri", Self::Uri),
        ("uuid", Self::Uuid),
    ];

    /// The name in the specification.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, kind)| *kind == self)
            .map_or("string", |(name, _)| name)
    }

    /// Whether a text is a value of the kind.
    #[must_use]
    pub fn admits(self, value: &str) -> bool {
        const MD5_DIGITS: usize = 32;
        const SHA256_DIGITS: usize = 64;
        if value.len() > crate::VALUE_BYTES_MAX {
            return false;
        }
        match self {
            Self::Bool => matches!(value, "true" | "false"),
            Self::Dictionary => serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(value).is_ok(),
            Self::Float => value.parse::<f64>().is_ok_and(f64::is_finite),
            Self::Integer => value.parse::<i32>().is_ok(),
            Self::Long => value.parse::<i64>().is_ok(),
            Self::Ipv4Addr => network(value, 32, |text| text.parse::<Ipv4Addr>().is_ok()),
            Self::Ipv6Addr => network(value, 128, |text| text.parse::<Ipv6Addr>().is_ok()),
            Self::MacAddr => mac(value),
            Self::Hexstring | Self::Hash => hexadecimal(value) && !value.is_empty(),
            Self::Md5Hash => hexadecimal(value) && value.len() == MD5_DIGITS,
            Self::Sha256Hash => hexadecimal(value) && value.len() == SHA256_DIGITS,
            Self::String => true,
            Self::Uri => uri(value),
            Self::Uuid => crate::Identifier::read(&format!("uuid--{value}")).is_some(),
        }
    }
}

fn hexadecimal(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn network(value: &str, bits_max: u8, is_address: impl Fn(&str) -> bool) -> bool {
    match value.split_once('/') {
        Some((address, bits)) => is_address(address) && bits.parse::<u8>().is_ok_and(|bits| bits <= bits_max),
        None => is_address(value),
    }
}

fn mac(value: &str) -> bool {
    let pairs: Vec<&str> = value.split(':').collect();
    pairs.len() == 6 && pairs.iter().all(|pair| pair.len() == 2 && hexadecimal(pair))
}

fn uri(value: &str) -> bool {
    value.split_once(':').is_some_and(|(scheme, rest)| {
        !rest.is_empty()
            && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
            && !value.contains(char::is_whitespace)
    })
}

/// A variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// What it may hold.
    pub kind: VariableKind,
    /// What it is for.
    pub description: Option<String>,
    /// What it holds; absent is the specification's NULL, "unknown".
    pub value: Option<String>,
    /// Whether it can never change.
    pub constant: bool,
    /// Whether its value comes from whoever starts the playbook.
    pub external: bool,
}

/// Whether a text is the name of a variable (`__name__`).
pub(crate) fn is_name(text: &str) -> bool {
    const NAME_BYTES_MAX: usize = 200;
    text.strip_prefix("__")
        .and_then(|rest| rest.strip_suffix("__"))
        .is_some_and(|name| {
            name.len() <= NAME_BYTES_MAX
                && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        })
}

const USE: &str = "__:value";

/// The variables that a text uses, in order: `__name__:value` with the place of each use.
pub(crate) fn uses(text: &str) -> Vec<(std::ops::Range<usize>, &str)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find(USE) {
        let name_end = from + at + 2;
        let end = from + at + USE.len();
        let start = text[from..name_end]
            .rmatch_indices("__")
            .map(|(place, _)| from + place)
            .filter(|start| is_name(&text[*start..name_end]))
            .last();
        if let Some(start) = start {
            found.push((start..end, &text[start..name_end]));
        }
        from = end;
    }
    found
}

/// A text with the values of its variables in place of their names. The value is put in as it is, once: a value that
/// looks like a variable stays text.
///
/// # Errors
/// The name of a variable that has no value.
pub(crate) fn fill(text: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut from = 0;
    for (place, name) in uses(text) {
        filled.push_str(&text[from..place.start]);
        filled.push_str(&value(name).ok_or_else(|| name.to_owned())?);
        from = place.end;
    }
    filled.push_str(&text[from..]);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::{VariableKind, fill, uses};

    #[test]
    fn each_kind_admits_its_values_only() {
        let cases = [
            ("bool", "true", true),
            ("bool", "yes", false),
            ("integer", "2147483648", false),
            ("long", "2147483648", true),
            ("float", "NaN", false),
            ("ipv4-addr", "203.0.113.0/24", true),
            ("ipv4-addr", "203.0.113.0/33", false),
            ("ipv4-addr", "203.0.113", false),
            ("ipv6-addr", "2001:db8::/32", true),
            ("mac-addr", "00:11:22:aa:bb:cc", true),
            ("mac-addr", "00:11:22:aa:bb", false),
            ("md5-hash", "d41d8cd98f00b204e9800998ecf8427e", true),
            ("sha256-hash", "d41d8cd98f00b204e9800998ecf8427e", false),
            ("uri", "https://a.example/x", true),
            ("uri", "a.example", false),
            ("uuid", "61a6c41e-6efc-4516-a242-dfbc5c89d562", true),
            ("dictionary", "{\"a\":1}", true),
            ("dictionary", "[1]", false),
        ];
        for (kind, value, admitted) in cases {
            let (_, kind) = VariableKind::ALL.into_iter().find(|(name, _)| *name == kind).unwrap();
            assert_eq!(kind.admits(value), admitted, "{} {value}", kind.name());
        }
    }

    #[test]
    fn a_use_is_a_name_with_value() {
        let cases: [(&str, &[&str]); 6] = [
            ("block __a__:value now", &["__a__"]),
            ("__a__ alone is text", &[]),
            ("__a__:value,__b-2__:value", &["__a__", "__b-2__"]),
            ("x__a__:value", &["__a__"]),
            ("____:value", &[]),
            ("ế__a__:valueế", &["__a__"]),
        ];
        for (text, names) in cases {
            let found: Vec<&str> = uses(text).into_iter().map(|(_, name)| name).collect();
            assert_eq!(found, names, "{text}");
        }
    }

    #[test]
    fn a_value_that_looks_like_a_variable_stays_text() {
        let filled = fill("drop __a__:value", |_| Some("__b__:value".to_owned()));
        assert_eq!(filled, Ok("drop __b__:value".to_owned()));
        assert_eq!(fill("drop __a__:value", |_| None), Err("__a__".to_owned()));
    }
}
