//! Typed identifiers: an `Id<Alert>` never fits where an `Id<Silence>` belongs.

use std::{fmt, marker::PhantomData, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Timestamp;

/// Sixteen random bytes handed to a decision by its caller, so that deciding stays pure.
#[derive(Debug, Clone, Copy)]
pub struct Entropy(pub [u8; 16]);

/// A 128-bit identifier of a `T`: 48 bits of milliseconds since 1970, then 80 random bits, so that ids sort by birth.
/// Written as 32 lower-case hexadecimal digits.
pub struct Id<T> {
    bits: u128,
    kind: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    /// Makes the id of a thing born `at`; the first ten bytes of `entropy` make it unique.
    #[must_use]
    pub fn born(at: Timestamp, entropy: Entropy) -> Self {
        let millis = u128::try_from(at.as_millisecond()).unwrap_or(0) & 0xffff_ffff_ffff;
        let random = u128::from_be_bytes(entropy.0) >> 48;
        Self::from_bits((millis << 80) | random)
    }

    /// Wraps bits that an earlier [`Id::bits`] gave.
    #[must_use]
    pub fn from_bits(bits: u128) -> Self {
        Self {
            bits,
            kind: PhantomData,
        }
    }

    /// The 128 bits of the id, for stores.
    #[must_use]
    pub fn bits(self) -> u128 {
        self.bits
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits
    }
}
impl<T> Eq for Id<T> {}
impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.bits.cmp(&other.bits)
    }
}
impl<T> std::hash::Hash for Id<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.bits.hash(state);
    }
}
impl<T> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.bits)
    }
}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not 32 hexadecimal digits.
#[derive(Debug, thiserror::Error)]
#[error("an id is 32 hexadecimal digits")]
pub struct NotAnId;

impl<T> FromStr for Id<T> {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(NotAnId);
        }
        u128::from_str_radix(text, 16).map(Self::from_bits).map_err(|_| NotAnId)
    }
}
impl<T> Serialize for Id<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de, T> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_birth_and_survive_their_text() {
        let early = Id::<()>::born(Timestamp::from_second(10).unwrap(), Entropy([0xff; 16]));
        let late = Id::<()>::born(Timestamp::from_second(11).unwrap(), Entropy([0; 16]));
        assert!(early < late);
        assert_eq!(early.to_string().parse::<Id<()>>().unwrap(), early);
        assert!("+0000000000000000000000000000001".parse::<Id<()>>().is_err());
    }
}
