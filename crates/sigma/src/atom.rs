//! Atoms: the single questions that rules put to a field, and the logic that joins them. Equal questions of different rules
//! are one atom, which is what makes the index possible.

use std::cmp::Ordering;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::pattern::{Pattern, Shape};
use crate::regular::Regular;

/// One question to one field: it holds if any value of the field passes the test.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Atom {
    /// The field; `None` asks all values of the record.
    pub field: Option<String>,
    /// The test.
    pub test: Test,
}

/// What is asked of a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Test {
    /// The field is there, with whatever value.
    Present,
    /// The value is null.
    Null,
    /// The text of the value matches; the pattern is folded unless case counts.
    Text {
        /// The pattern.
        pattern: Pattern,
        /// Whether upper and lower case differ.
        cased: bool,
    },
    /// The text of the value contains a match of a regular expression.
    Regex(Regular),
    /// The value is an address in the network.
    Cidr(Network),
    /// The value, or a part of the time that it states, compares so with a number.
    Compare {
        /// The part of the time, or the value itself.
        part: Option<TimePart>,
        /// How.
        comparison: Comparison,
        /// With what.
        bound: Number,
    },
    /// The value compares with a value of another field.
    FieldRef {
        /// The other field.
        other: String,
        /// How.
        relation: Relation,
        /// Whether upper and lower case differ.
        cased: bool,
    },
}

/// How the value of a field relates to that of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// They are equal.
    Equals,
    /// The value begins with the other's.
    StartsWith,
    /// The value ends with the other's.
    EndsWith,
    /// The value contains the other's.
    Contains,
}

impl Relation {
    /// Tells whether the relation holds.
    #[must_use]
    pub fn holds(self, value: &str, other: &str) -> bool {
        match self {
            Self::Equals => value == other,
            Self::StartsWith => value.starts_with(other),
            Self::EndsWith => value.ends_with(other),
            Self::Contains => value.contains(other),
        }
    }
}

/// Atoms joined by and, or and not.
#[derive(Debug, Clone, PartialEq)]
pub enum Logic<A = Atom> {
    /// All hold.
    And(Vec<Logic<A>>),
    /// Any holds.
    Or(Vec<Logic<A>>),
    /// It does not hold.
    Not(Box<Logic<A>>),
    /// So many hold.
    AtLeast(usize, Vec<Logic<A>>),
    /// An atom.
    Atom(A),
}

impl<A> Logic<A> {
    /// Joins by and; a single part stands for itself.
    #[must_use]
    pub fn and(mut parts: Vec<Self>) -> Self {
        if parts.len() == 1 {
            parts.remove(0)
        } else {
            Self::And(parts)
        }
    }

    /// Joins by or; a single part stands for itself.
    #[must_use]
    pub fn or(mut parts: Vec<Self>) -> Self {
        if parts.len() == 1 {
            parts.remove(0)
        } else {
            Self::Or(parts)
        }
    }

    /// Negates.
    #[must_use]
    pub fn negate(self) -> Self {
        Self::Not(Box::new(self))
    }

    /// Replaces each atom.
    pub fn map<B>(self, change: &mut impl FnMut(A) -> B) -> Logic<B> {
        let mut all = |parts: Vec<Self>| parts.into_iter().map(|part| part.map(&mut *change)).collect();
        match self {
            Self::And(parts) => Logic::And(all(parts)),
            Self::Or(parts) => Logic::Or(all(parts)),
            Self::AtLeast(count, parts) => Logic::AtLeast(count, all(parts)),
            Self::Not(inner) => Logic::Not(Box::new(inner.map(change))),
            Self::Atom(atom) => Logic::Atom(change(atom)),
        }
    }

    /// Decides the logic with the truth of each atom.
    pub fn holds(&self, truth: &mut impl FnMut(&A) -> bool) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.holds(truth)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(truth)),
            Self::AtLeast(count, parts) => parts.iter().filter(|part| part.holds(truth)).count() >= *count,
            Self::Not(inner) => !inner.holds(truth),
            Self::Atom(atom) => truth(atom),
        }
    }
}

/// A numeric comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// Less.
    Less,
    /// Less or equal.
    LessOrEqual,
    /// Greater.
    Greater,
    /// Greater or equal.
    GreaterOrEqual,
    /// Equal.
    Equal,
}

impl Comparison {
    /// Tells whether the order of value and bound satisfies the comparison.
    #[must_use]
    pub const fn accepts(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Equal => order.is_eq(),
        }
    }
}

/// A number: integers compare exactly, fractions as IEEE doubles.
#[derive(Debug, Clone, Copy)]
pub enum Number {
    /// An integer.
    Int(i128),
    /// A finite double.
    Float(f64),
}

impl Number {
    /// Reads decimal notation with optional fraction and exponent; nothing else counts as a number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let first = text.strip_prefix(['-', '+']).unwrap_or(text).bytes().next()?;
        if !first.is_ascii_digit() && first != b'.' {
            return None;
        }
        if let Ok(int) = text.parse() {
            return Some(Self::Int(int));
        }
        text.parse()
            .ok()
            .filter(|float: &f64| float.is_finite())
            .map(Self::Float)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "an integer next to a fraction compares as a double"
    )]
    fn as_f64(self) -> f64 {
        match self {
            Self::Int(int) => int as f64,
            Self::Float(float) => float,
        }
    }

    /// Orders two numbers.
    #[must_use]
    pub fn order(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(&b),
            (a, b) => a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal),
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::Int(_), Self::Float(_)) | (Self::Float(_), Self::Int(_)) => false,
        }
    }
}

impl Eq for Number {}

impl std::hash::Hash for Number {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        match self {
            Self::Int(int) => int.hash(state),
            Self::Float(float) => float.to_bits().hash(state),
        }
    }
}

/// An IP network; addresses are kept as 128 bits, IPv4 in the mapped range `::ffff:0:0/96`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    /// The address with all host bits zero.
    pub base: u128,
    /// The length of the prefix within 128 bits.
    pub length: u8,
}

impl Network {
    /// Reads `address/length`; an address alone is a network of one. Host bits may be set and are ignored.
    ///
    /// # Errors
    ///
    /// Returns the reason in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (address, length) = text
            .split_once('/')
            .map_or((text, None), |(address, length)| (address, Some(length)));
        let Ok(address) = address.trim().parse::<IpAddr>() else {
            return Err(format!(
                "`{text}` is not a network: write address/length, as in 10.0.0.0/8 or fe80::/10"
            ));
        };
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let length = match length.map(|length| length.trim().parse::<u8>()) {
            None => longest,
            Some(Ok(length)) if length <= longest => length,
            Some(_) => return Err(format!("`{text}`: the prefix length must be 0 to {longest}")),
        };
        let length = 128 - longest + length;
        Ok(Self {
            base: bits_of(address) & mask(length),
            length,
        })
    }

    /// Tells whether the address is in the network.
    #[must_use]
    pub const fn contains(&self, address: u128) -> bool {
        address & mask(self.length) == self.base
    }
}

/// Returns the mask of a prefix length within 128 bits.
#[must_use]
pub const fn mask(length: u8) -> u128 {
    if length == 0 { 0 } else { u128::MAX << (128 - length) }
}

/// Reads an address, IPv6 also with brackets or a zone, as the 128 bits that [`Network`] compares.
#[must_use]
pub fn address_bits(text: &str) -> Option<u128> {
    let first = text.bytes().next()?;
    if text.len() > 64 || !(first.is_ascii_hexdigit() || matches!(first, b':' | b'[')) {
        return None;
    }
    if let Ok(v4) = text.parse::<Ipv4Addr>() {
        return Some(bits_of(IpAddr::V4(v4)));
    }
    let bare = text
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'))
        .unwrap_or(text);
    let bare = bare.split_once('%').map_or(bare, |(address, _)| address);
    bare.parse::<Ipv6Addr>().ok().map(u128::from)
}

fn bits_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_ipv6_mapped()),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

/// A part of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimePart {
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// Day of the month, 1 to 31.
    Day,
    /// ISO 8601 week, 1 to 53.
    Week,
    /// 1 to 12.
    Month,
    /// The year.
    Year,
}

impl Test {
    /// Tells whether a null passes.
    #[must_use]
    pub const fn holds_for_null(&self) -> bool {
        matches!(self, Self::Null | Self::Present)
    }

    /// Returns the literal that a text must contain, folded if the test ignores case, for ranking.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        let Self::Text { pattern, .. } = self else { return None };
        match pattern.shape() {
            Shape::Exact(text) | Shape::Prefix(text) | Shape::Suffix(text) | Shape::Contains(text) => Some(text),
            Shape::Anything => None,
            Shape::Glob => pattern.longest_literal(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_their_addresses() {
        for (network, address, expect) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.1.2.3/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("fe80::/10", "fe80::1%eth0", true),
            ("fe80::/10", "[fe80::1]", true),
            ("2001:db8::/32", "2001:db9::", false),
            ("192.168.1.1", "192.168.1.1", true),
            ("192.168.1.1", "192.168.1.2", false),
            ("10.0.0.0/8", "10.0.0.1:80", false),
            ("10.0.0.0/8", "", false),
        ] {
            let network = Network::parse(network).unwrap();
            let found = address_bits(address).is_some_and(|bits| network.contains(bits));
            assert_eq!(found, expect, "{network:?} {address}");
        }
        for text in ["10.0.0.0/33", "10.0.0.0/x", "host/8", "fe80::/129"] {
            assert!(Network::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_compare_exactly() {
        for (a, b, expect) in [
            ("9007199254740993", "9007199254740992", Ordering::Greater),
            ("1.5", "1", Ordering::Greater),
            ("-0.0", "0", Ordering::Equal),
            ("1e3", "1000", Ordering::Equal),
        ] {
            let order = Number::parse(a).unwrap().order(Number::parse(b).unwrap());
            assert_eq!(order, expect, "{a} {b}");
        }
        for text in ["", "x", "inf", "nan", "0x10", " 1", "-", "1e999"] {
            assert!(Number::parse(text).is_none(), "{text}");
        }
    }
}
