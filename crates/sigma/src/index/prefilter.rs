//! A quick answer to "can any of these few literals be in this text at all", by SIMD over the text as it came — JSON escapes
//! unresolved, only ASCII case folded. It may say yes for nothing, never no for something.

use aho_corasick::packed::{Config, MatchKind, Searcher};

/// Most needles that the SIMD search handles well.
const NEEDLES_MAX: usize = 60;
/// Shortest needle worth searching: the SIMD search compares this many bytes at once if all needles are as long.
const NEEDLE_BYTES_MIN: usize = 4;

/// What makes ASCII letters appear in the folded and resolved text although the text as it came does not show them: JSON escapes
/// of ASCII and of the two other characters that fold to ASCII.
const DISGUISES: [&str; 3] = ["\\u00", "\\u212a", "\\u017f"];
/// The two other characters that fold to ASCII.
const FOLDING_TO_ASCII: [char; 2] = ['\u{212a}', '\u{17f}'];

/// A search for needles of which a text must contain one to match anything.
#[derive(Debug, Clone)]
pub(crate) struct Prefilter {
    searcher: Searcher,
}

impl Prefilter {
    /// Makes a prefilter, unless there are too many needles.
    pub(crate) fn new<'a>(needles: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut all: Vec<&str> = needles.chain(DISGUISES).collect();
        all.sort_unstable();
        all.dedup();
        if all.len() > NEEDLES_MAX + DISGUISES.len() {
            return None;
        }
        let searcher = Config::new()
            .match_kind(MatchKind::LeftmostFirst)
            .builder()
            .extend(&all)
            .build()?;
        Some(Self { searcher })
    }

    /// Tells whether a text may match; `buffer` is overwritten.
    pub(crate) fn may_match(&self, text: &str, buffer: &mut Vec<u8>) -> bool {
        buffer.clear();
        // One pass folds the bytes and finds out whether all are ASCII; bytes of other characters stay as they are.
        let mut union = 0;
        buffer.extend(text.bytes().map(|byte| {
            union |= byte;
            byte.to_ascii_lowercase()
        }));
        self.searcher.find(&*buffer).is_some() || (!union.is_ascii() && text.contains(FOLDING_TO_ASCII))
    }
}

/// Returns the part of a folded literal that any text containing it shows even with JSON's escapes: ASCII without quotes, slashes,
/// backslashes and control characters, and with a letter, so that no other notation of a number hides it.
pub(crate) fn needle_of(literal: &str) -> Option<&str> {
    let is_plain = |c: char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | '/');
    let runs = literal.split(|c: char| !is_plain(c));
    runs.filter(|run| run.len() >= NEEDLE_BYTES_MIN && run.bytes().any(|byte| byte.is_ascii_alphabetic()))
        .map(rarest_part)
        .min_by_key(|part| commonness(part))
}

/// Cuts off the beginning of a needle up to its rarest four bytes, by which the SIMD search recognises it.
fn rarest_part(run: &str) -> &str {
    let starts = 0..=run.len() - NEEDLE_BYTES_MIN;
    let has_letter = |start: &usize| run[*start..].bytes().any(|byte| byte.is_ascii_alphabetic());
    let start = starts
        .filter(has_letter)
        .min_by_key(|start| commonness(&run[*start..]))
        .unwrap_or_default();
    &run[start..]
}

/// Ranks how common the first four bytes are in logs.
fn commonness(part: &str) -> u32 {
    let weight = |byte: u8| match byte {
        b'e' | b't' | b'a' | b'i' | b'o' | b'n' | b's' | b'r' => 100,
        b' ' => 80,
        b'l' | b'd' | b'c' | b'm' | b'u' | b'p' | b'h' | b'g' => 60,
        b'0'..=b'9' => 50,
        b':' | b'.' | b'-' | b'_' | b',' => 40,
        b'f' | b'w' | b'y' | b'b' | b'v' | b'k' | b'x' => 30,
        b'j' | b'q' | b'z' => 10,
        _ => 5,
    };
    part.bytes().take(NEEDLE_BYTES_MIN).map(weight).product()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_matches_is_missed() {
        let prefilter = Prefilter::new(["kiss", "secret"].into_iter()).unwrap();
        let mut buffer = Vec::new();
        for (text, expect) in [
            ("a SECRET b", true),
            ("\u{212a}iss", true),
            ("\\u212Aiss", true),
            ("\\u006biss", true),
            ("ki\u{17f}s", true),
            ("C:\\\\Users\\\\x", false),
            ("nothing", false),
            ("", false),
        ] {
            assert_eq!(prefilter.may_match(text, &mut buffer), expect, "{text}");
        }
    }

    #[test]
    fn needles_survive_escaping() {
        for (literal, expect) in [
            (r"\temp\file.exe", Some("e.exe")),
            ("sekurlsa::", Some("kurlsa::")),
            ("a/bc", None),
            ("10.0.0.1", None),
            ("điện ý", None),
            ("lsass", Some("lsass")),
        ] {
            assert_eq!(needle_of(literal), expect, "{literal}");
        }
    }
}
