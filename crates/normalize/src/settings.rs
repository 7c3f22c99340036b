//! What an operator may say about reading records.

use jiff::tz::Offset;
use serde::{Deserialize, Deserializer};

/// How records are read where they leave something open.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The offset from UTC of times that name no zone, written `+07:00` (Vietnam, the default).
    #[serde(deserialize_with = "offset")]
    pub zoneless_offset: Offset,
    /// Whether records are received as they are written: then a time without a zone that was received just then when it is
    /// read as UTC, and was not by the offset above, is UTC. Servers run on UTC wherever they stand.
    pub receipt_tells_utc: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            zoneless_offset: Offset::constant(7),
            receipt_tells_utc: false,
        }
    }
}

fn offset<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Offset, D::Error> {
    let text = String::deserialize(deserializer)?;
    crate::times::offset(&text).ok_or_else(|| serde::de::Error::custom("an offset from UTC is written +07:00"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_read_and_nonsense_is_refused() {
        let read =
            |text: &str| serde_json::from_str::<Settings>(text).map(|settings| settings.zoneless_offset.seconds());
        assert_eq!(read("{}").unwrap(), 7 * 3600);
        assert_eq!(read(r#"{"zoneless_offset":"-03:30"}"#).unwrap(), -12_600);
        assert!(read(r#"{"zoneless_offset":"Hanoi"}"#).is_err());
    }
}
