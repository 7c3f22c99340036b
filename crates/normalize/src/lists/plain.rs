//! Plain lists: one indicator a line, alone or as the first column. Comments, the form of a hosts file, addresses of the web and what was made
//! harmless (`hxxp://`, `[.]`) are understood; what is not read is counted and named.

use std::{collections::BTreeSet, net::IpAddr};

/// What a list asks to be looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Indicators {
    /// Network addresses.
    pub addresses: BTreeSet<IpAddr>,
    /// Names of domains, lower case; each stands for itself, not for what is below it.
    pub domains: BTreeSet<String>,
    /// MD5, SHA-1 and SHA-256 of files, lower-case hexadecimal.
    pub hashes: BTreeSet<String>,
    /// Lines that are none of these.
    pub unread: u64,
    /// The first of them, at most [`Indicators::EXAMPLES_MAX`].
    pub examples: Vec<String>,
}

impl Indicators {
    /// Indicators that are taken from a list; lines beyond count as not read.
    pub const ENTRIES_MAX: usize = 1_000_000;
    /// Lines that are named because they were not read.
    pub const EXAMPLES_MAX: usize = 5;
    /// Bytes of a line that are looked at.
    pub const LINE_BYTES_MAX: usize = 4096;
    const EXAMPLE_LETTERS_MAX: usize = 120;

    /// Reads a list. Never fails: what is no indicator is counted.
    #[must_use]
    pub fn read(list: &[u8]) -> Self {
        let mut read = Self::default();
        for line in list.split(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(&line[..line.len().min(Self::LINE_BYTES_MAX)]);
            let line = line.trim_start_matches('\u{feff}').trim();
            if line.is_empty() || line.starts_with(['#', ';']) || line.starts_with("//") {
                continue;
            }
            if read.len() >= Self::ENTRIES_MAX || read.take(line).is_none() {
                read.unread += 1;
                if read.examples.len() < Self::EXAMPLES_MAX {
                    read.examples
                        .push(line.chars().take(Self::EXAMPLE_LETTERS_MAX).collect());
                }
            }
        }
        read
    }

    /// How many indicators there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.addresses.len() + self.domains.len() + self.hashes.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn take(&mut self, line: &str) -> Option<()> {
        let columns = line.split([',', ';', '\t', ' ']);
        let mut columns = columns
            .map(|column| column.trim_matches(['"', '\'']))
            .filter(|column| !column.is_empty());
        let first = columns.next()?;
        let sends_nowhere = |address: IpAddr| address.is_unspecified() || address.is_loopback();
        // A hosts file says where a name is to lead; the name is what matters.
        let word = if first.parse().is_ok_and(sends_nowhere) {
            columns.next()?
        } else {
            first
        };
        let word = live(word);
        if let Some(address) = address(&word) {
            self.addresses.insert(address);
        } else if is_hash(&word) {
            self.hashes.insert(word);
        } else {
            let host = host(&word)?;
            match host.parse() {
                Ok(address) if !sends_nowhere(address) => {
                    self.addresses.insert(address);
                }
                Err(_) if is_domain(host) => {
                    self.domains.insert(host.to_owned());
                }
                Ok(_) | Err(_) => return None,
            }
        }
        Some(())
    }
}

/// What was made harmless, as it was.
fn live(word: &str) -> String {
    let mut word = word.to_lowercase();
    for (harmless, meant) in [("[.]", "."), ("(.)", "."), ("[:]", ":"), ("[://]", "://")] {
        word = word.replace(harmless, meant);
    }
    word
}

/// An address, also as a network of one.
fn address(word: &str) -> Option<IpAddr> {
    let alone = word
        .strip_suffix("/32")
        .or_else(|| word.strip_suffix("/128"))
        .unwrap_or(word);
    alone
        .parse()
        .ok()
        .filter(|address: &IpAddr| !address.is_unspecified() && !address.is_loopback())
}

fn is_hash(word: &str) -> bool {
    matches!(word.len(), 32 | 40 | 64) && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The host in an address of the web, or the word itself without a port. A network of many addresses has none.
fn host(word: &str) -> Option<&str> {
    let (has_scheme, rest) = match word.split_once("://") {
        Some((_, rest)) => (true, rest),
        None => (false, word),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = &rest[..end];
    if !has_scheme && end < rest.len() && authority.parse::<IpAddr>().is_ok() {
        return None;
    }
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(literal) => literal.split_once(']')?.0,
        None => match host.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') && port.bytes().all(|digit| digit.is_ascii_digit()) => name,
            Some(_) | None => host,
        },
    };
    Some(host.trim_end_matches('.'))
}

/// RFC 1035, 2.3.4, with the underscores and letters beyond ASCII that are in use.
fn is_domain(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .chars()
                .all(|letter| letter.is_alphanumeric() || letter == '-' || letter == '_')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    host.len() <= 253
        && host.contains('.')
        && host.split('.').all(is_label)
        && !last.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(list: &str) -> String {
        let read = Indicators::read(list.as_bytes());
        let addresses = read.addresses.iter().map(IpAddr::to_string);
        let all = addresses.chain(read.domains).chain(read.hashes);
        format!("{} unread={}", all.collect::<Vec<_>>().join(" "), read.unread)
    }

    #[test]
    fn indicators_are_read_as_they_are_published() {
        for (line, expected) in [
            ("203.0.113.9", "203.0.113.9 unread=0"),
            ("203.0.113.9,2026-11-25,C2,high", "203.0.113.9 unread=0"),
            ("\"203.0.113.9\";\"C2\"", "203.0.113.9 unread=0"),
            ("203[.]0[.]113[.]9:8443", "203.0.113.9 unread=0"),
            ("203.0.113.9/32 # one", "203.0.113.9 unread=0"),
            ("2001:db8::7", "2001:db8::7 unread=0"),
            ("http://[2001:db8::7]:8080/a", "2001:db8::7 unread=0"),
            ("hxxps://User:x@Evil[.]example/a?b#c", "evil.example unread=0"),
            ("evil.example.", "evil.example unread=0"),
            ("0.0.0.0 ads.example # hosts file", "ads.example unread=0"),
            ("127.0.0.1\tads.example", "ads.example unread=0"),
            ("bệnh-viện.vn", "bệnh-viện.vn unread=0"),
            (
                "D41D8CD98F00B204E9800998ECF8427E  a.exe",
                "d41d8cd98f00b204e9800998ecf8427e unread=0",
            ),
            ("# comment\n\n; comment\n// comment\r\n", " unread=0"),
            ("203.0.113.0/24", " unread=1"),
            ("127.0.0.1", " unread=1"),
            ("localhost", " unread=1"),
            ("1.2.3.4.5", " unread=1"),
            ("not an indicator", " unread=1"),
            ("http://", " unread=1"),
            (",,,", " unread=1"),
        ] {
            assert_eq!(told(line), expected, "{line}");
        }
    }

    #[test]
    fn what_is_not_read_is_named() {
        let read = Indicators::read("x\n".repeat(9).as_bytes());
        assert_eq!((read.unread, read.examples.len(), read.is_empty()), (9, 5, true));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_list(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let lines = bytes.split(|byte| *byte == b'\n').count();
            let read = Indicators::read(&bytes);
            prop_assert!(read.len() + usize::try_from(read.unread).unwrap() <= lines);
        }

        #[test]
        fn a_list_without_what_is_around_is_the_same(address in any::<[u8; 4]>(), around in "[ \t]{0,3}") {
            let address = IpAddr::from(address);
            prop_assume!(!address.is_unspecified() && !address.is_loopback());
            let read = Indicators::read(format!("{around}{address}{around}\r\n").as_bytes());
            prop_assert_eq!(read.addresses.into_iter().collect::<Vec<_>>(), vec![address]);
        }
    }
}
