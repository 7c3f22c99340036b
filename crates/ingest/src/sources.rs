//! Who sent it: tokens that name a source, and bounded naming of senders that have none.

use std::{
    collections::HashSet,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use model::{FormatHint, SourceId};

/// A source that a token or the configuration names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownSource {
    /// Its name.
    pub id: SourceId,
    /// What is known of the format of its records.
    pub format: FormatHint,
    /// Whether what it sends is a rehearsal.
    pub exercise: bool,
}

impl KnownSource {
    /// A source of which only the name is known.
    #[must_use]
    pub fn named(id: SourceId) -> Self {
        Self {
            id,
            format: FormatHint::Unknown,
            exercise: false,
        }
    }
}

/// Looks up the token that a sender presents. Whoever implements it compares hashes, so that neither storage nor timing
/// gives a token away; it is asked once per request and must answer from memory.
pub trait SourceTokens: Send + Sync + 'static {
    /// The source that the token stands for, or nothing when it is unknown or revoked.
    fn source_of(&self, token: &str) -> Option<KnownSource>;
}

/// No token is known: only anonymous senders are heard, where the configuration allows them.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTokens;

impl SourceTokens for NoTokens {
    fn source_of(&self, _token: &str) -> Option<KnownSource> {
        None
    }
}

/// Names senders that present no token by what is known of them. A sender can forge its address or its user agent, so the
/// number of names is bounded: what comes after is gathered in one source per transport.
#[derive(Debug)]
pub struct SourceNames {
    known: Mutex<HashSet<SourceId>>,
    names_max: usize,
}

/// Longest product name taken from a `User-Agent` header, in bytes.
const PRODUCT_BYTES_MAX: usize = 32;

impl Default for SourceNames {
    fn default() -> Self {
        Self::new(Self::NAMES_MAX)
    }
}

impl SourceNames {
    /// Names that a post gives to senders without a token unless told otherwise.
    pub const NAMES_MAX: usize = 4096;

    /// Makes an empty register of at most `names_max` names.
    #[must_use]
    pub fn new(names_max: usize) -> Self {
        Self {
            known: Mutex::default(),
            names_max,
        }
    }

    /// `syslog/ADDRESS`, or `syslog/others` when there are too many names.
    #[must_use]
    pub fn syslog(&self, peer: IpAddr) -> SourceId {
        self.admit("syslog", &peer.to_canonical().to_string())
    }

    /// `http/ADDRESS/PRODUCT` with the first product of the `User-Agent` header (RFC 9110, clause 10.1.5), or `http/others`.
    #[must_use]
    pub fn http(&self, peer: IpAddr, user_agent: Option<&str>) -> SourceId {
        let product = user_agent.map_or_else(String::new, product);
        let peer = peer.to_canonical();
        if product.is_empty() {
            self.admit("http", &peer.to_string())
        } else {
            self.admit("http", &format!("{peer}/{product}"))
        }
    }

    fn admit(&self, kind: &str, name: &str) -> SourceId {
        let id = SourceId::new(&format!("{kind}/{name}"));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(&id) {
            return id;
        }
        if known.len() >= self.names_max {
            return SourceId::new(&format!("{kind}/others"));
        }
        known.insert(id.clone());
        id
    }
}

fn product(user_agent: &str) -> String {
    user_agent
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        .take(PRODUCT_BYTES_MAX)
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anonymous_senders_are_named_by_what_is_known_of_them() {
        let names = SourceNames::new(10);
        let peer: IpAddr = "::ffff:192.0.2.7".parse().unwrap();
        let cases = [
            (Some("Filebeat/8.11.0 (linux; amd64)"), "http/192.0.2.7/filebeat"),
            (Some("elasticsearch-py/8.1"), "http/192.0.2.7/elasticsearch-py"),
            (Some("../../etc"), "http/192.0.2.7/...."),
            (Some("\u{1f600}"), "http/192.0.2.7"),
            (None, "http/192.0.2.7"),
        ];
        for (agent, expected) in cases {
            let expected = expected.replace("/....", "/..");
            assert_eq!(names.http(peer, agent).as_str(), expected, "{agent:?}");
        }
        assert_eq!(names.syslog(peer).as_str(), "syslog/192.0.2.7");
    }

    #[test]
    fn forged_names_end_in_one_source() {
        let names = SourceNames::new(2);
        let peer = |last| IpAddr::from([192, 0, 2, last]);
        assert_eq!(names.syslog(peer(1)).as_str(), "syslog/192.0.2.1");
        assert_eq!(names.syslog(peer(2)).as_str(), "syslog/192.0.2.2");
        assert_eq!(names.syslog(peer(3)).as_str(), "syslog/others");
        assert_eq!(names.syslog(peer(1)).as_str(), "syslog/192.0.2.1");
    }
}
