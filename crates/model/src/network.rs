//! An address or a network, in the one form in which two of them can be compared.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An address, or a network with its length; nothing is set behind the length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    address: IpAddr,
    length: u8,
}

/// The text is no address and no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no address and no network")]
pub struct NotANetwork(String);

impl Network {
    /// Makes a network; what stands behind the length is dropped. None when the length is more than the address has.
    #[must_use]
    pub fn new(address: IpAddr, length: u8) -> Option<Self> {
        let masked = match address {
            IpAddr::V4(v4) if length <= 32 => {
                let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
                IpAddr::V4((u32::from(v4) & mask).into())
            }
            IpAddr::V6(v6) if length <= 128 => {
                let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
                IpAddr::V6((u128::from(v6) & mask).into())
            }
            IpAddr::V4(_) | IpAddr::V6(_) => return None,
        };
        Some(Self {
            address: masked,
            length,
        })
    }

    /// Its first address.
    #[must_use]
    pub const fn address(self) -> IpAddr {
        self.address
    }

    /// Its length in bits.
    #[must_use]
    pub const fn length(self) -> u8 {
        self.length
    }

    /// Whether it is of IPv4.
    #[must_use]
    pub const fn is_v4(self) -> bool {
        self.address.is_ipv4()
    }

    /// Whether it is one address.
    #[must_use]
    pub const fn is_single(self) -> bool {
        self.length == if self.address.is_ipv4() { 32 } else { 128 }
    }

    /// Whether the other one lies within it.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.is_v4() == other.is_v4()
            && self.length <= other.length
            && Self::new(other.address, self.length).is_some_and(|cut| cut.address == self.address)
    }

    /// Whether the two have an address in common.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.contains(other) || other.contains(self)
    }
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        let length = if address.is_ipv4() { 32 } else { 128 };
        Self { address, length }
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    /// Reads `192.0.2.9`, `192.0.2.0/24`, `2001:db8::/32`. An IPv4 address that is written as IPv6 is taken as what it is.
    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let wrong = || NotANetwork(text.chars().take(64).collect());
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let Some(length) = length else {
            return Ok(address.to_canonical().into());
        };
        let plain = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
        let length = length.parse().ok().filter(|_| plain).ok_or_else(wrong)?;
        let canonical = address.to_canonical();
        if canonical.is_ipv4() != address.is_ipv4() {
            return Err(wrong());
        }
        Self::new(address, length).ok_or_else(wrong)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_single() {
            write!(formatter, "{}", self.address)
        } else {
            write!(formatter, "{}/{}", self.address, self.length)
        }
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_has_one_form() {
        for (text, expected) in [
            ("192.0.2.9", Some("192.0.2.9")),
            ("192.0.2.9/24", Some("192.0.2.0/24")),
            ("0.0.0.0/0", Some("0.0.0.0/0")),
            ("192.0.2.9/32", Some("192.0.2.9")),
            ("2001:DB8::1/64", Some("2001:db8::/64")),
            ("::/0", Some("::/0")),
            ("::ffff:192.0.2.9", Some("192.0.2.9")),
            ("::ffff:192.0.2.9/120", None),
            ("192.0.2.9/33", None),
            ("192.0.2.9/+8", None),
            ("192.0.2.9/", None),
            ("192.0.2", None),
            ("web-01", None),
        ] {
            let read = text.parse::<Network>().ok().map(|network| network.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn what_lies_within_is_told() {
        assert!(network("10.0.0.0/8").contains(network("10.1.2.3")));
        assert!(!network("10.1.0.0/16").contains(network("10.0.0.0/8")));
        assert!(network("10.1.0.0/16").overlaps(network("10.0.0.0/8")));
        assert!(!network("10.0.0.0/8").overlaps(network("::/0")));
    }
}
