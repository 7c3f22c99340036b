//! Logs that name their columns in a header line: W3C extended (`#Fields: date time …`) and Zeek (`#fields⇥ts⇥uid⇥…`).
//! Records are read one by one, so whoever reads a file follows its header and says it with each record as the hint.

use compact_str::CompactString;
use model::FormatHint;

/// Follows the header lines of one file, or of one connection, in their order. What a later header says replaces what
/// an earlier one said: IIS writes a new header at each restart.
///
/// A reader that begins in the middle of a file shows it the header lines before that place first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeaderFollower {
    zeek_path: CompactString,
    hint: Option<CompactString>,
}

/// Longest header that is followed; a longer one is a line like any other.
pub const HEADER_BYTES_MAX: usize = 16 * 1024;

impl HeaderFollower {
    /// Looks at the next line of the file. Cheap for lines that are no header.
    pub fn observe(&mut self, line: &[u8]) {
        if line.first() != Some(&b'#') || line.len() > HEADER_BYTES_MAX {
            return;
        }
        let Ok(line) = std::str::from_utf8(line) else { return };
        let line = line.trim_end_matches(['\n', '\r']);
        if let Some(path) = line.strip_prefix("#path\t") {
            self.zeek_path = CompactString::new(path.trim());
        } else if let Some(names) = line.strip_prefix("#fields\t") {
            self.hint = Some(
                ["zeek_tsv ", &self.zeek_path, " ", &names.replace('\t', " ")]
                    .concat()
                    .into(),
            );
        } else if let Some(types) = line.strip_prefix("#types\t") {
            self.mark_lists(types);
        } else if let Some(names) = line.strip_prefix("#Fields:") {
            self.hint = Some(["w3c ", names.trim()].concat().into());
        } else if line.starts_with("#close") {
            self.hint = None;
        }
    }

    /// What to say of the format of the lines that follow; [`FormatHint::Unknown`] while no header was seen.
    #[must_use]
    pub fn hint(&self) -> FormatHint {
        self.hint.clone().map_or(FormatHint::Unknown, FormatHint::Named)
    }

    /// Zeek's sets and vectors are lists: their columns get `[]` behind the name.
    fn mark_lists(&mut self, types: &str) {
        let Some(hint) = &self.hint else { return };
        let Some((head, names)) = hint.strip_prefix("zeek_tsv ").and_then(|rest| rest.split_once(' ')) else {
            return;
        };
        let mut marked = format!("zeek_tsv {head}");
        let mut kinds = types.split('\t');
        for name in names.split(' ') {
            marked.push(' ');
            marked.push_str(name);
            let kind = kinds.next().unwrap_or_default();
            if (kind.starts_with("set[") || kind.starts_with("vector[")) && !name.ends_with("[]") {
                marked.push_str("[]");
            }
        }
        self.hint = Some(marked.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &[&str], expect: &str) {
        let mut follower = HeaderFollower::default();
        for line in lines {
            follower.observe(line.as_bytes());
        }
        let hint = match follower.hint() {
            FormatHint::Named(hint) => hint,
            FormatHint::Unknown => "unknown".into(),
        };
        assert_eq!(hint, expect);
    }

    #[test]
    fn headers_become_hints() {
        check(&["no header"], "unknown");
        check(
            &["#Software: IIS", "#Fields: date time c-ip\r\n", "2026-03-14 …"],
            "w3c date time c-ip",
        );
        check(&["#Fields: a", "#Fields: b c"], "w3c b c");
        let zeek = [
            "#separator \\x09",
            "#path\tdns",
            "#fields\tts\tuid\tanswers",
            "#types\ttime\tstring\tvector[string]",
        ];
        check(&zeek, "zeek_tsv dns ts uid answers[]");
        check(&[zeek.as_slice(), &["#close\t2026-03-14-00-00-00"]].concat(), "unknown");
    }
}
