//! A quick answer to "can any of these few literals be in this text at all", by SIMD over the text as it came — JSON escapes
//! unresolved, only ASCII case folded. It may say yes for nothing, never no for something.

use aho_corasick::packed::{Config, MatchKind, Searcher};

/// Most needles that one SIMD search handles well.
const NEEDLES_PER_SEARCH: usize = 60;
/// Most searches over one text.
const SEARCHES_MAX: usize = 6;
/// Most needles that a prefilter can have.
pub(crate) const NEEDLES_MAX: usize = NEEDLES_PER_SEARCH * (SEARCHES_MAX - 2);
/// From this length on a needle is rare enough: the SIMD search compares four bytes at once if all its needles have them.
const LONG_NEEDLE_BYTES: usize = 4;
/// Shortest needle worth searching.
const NEEDLE_BYTES_MIN: usize = 2;

/// What makes ASCII letters appear in the folded and resolved text although the text as it came does not show them: JSON escapes
/// of ASCII and of the two other characters that fold to ASCII.
const DISGUISES: [&str; 3] = ["\\u00", "\\u212a", "\\u017f"];
/// The two other characters that fold to ASCII.
const FOLDING_TO_ASCII: [&str; 2] = ["\u{212a}", "\u{17f}"];

/// A search for needles of which a text must contain one to match anything.
#[derive(Debug, Clone)]
pub(crate) struct Prefilter {
    searchers: Vec<Searcher>,
    /// Whether a needle has a slash, which JSON may write with a backslash.
    has_slash: bool,
}

impl Prefilter {
    /// Makes a prefilter, unless there are too many needles.
    pub(crate) fn new<'a>(needles: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut all: Vec<&str> = needles.collect();
        let has_slash = all.iter().any(|needle| needle.contains('/'));
        all.sort_unstable();
        all.dedup();
        let (mut long, short): (Vec<&str>, Vec<&str>) = all.into_iter().partition(|n| n.len() >= LONG_NEEDLE_BYTES);
        long.splice(0..0, DISGUISES);
        let groups: Vec<&[&str]> = long
            .chunks(NEEDLES_PER_SEARCH)
            .chain(short.chunks(NEEDLES_PER_SEARCH))
            .collect();
        if groups.len() > SEARCHES_MAX {
            return None;
        }
        let build = |group: &[&str]| {
            Config::new()
                .match_kind(MatchKind::LeftmostFirst)
                .builder()
                .extend(group)
                .build()
        };
        let searchers = groups.into_iter().map(build).collect::<Option<_>>()?;
        Some(Self { searchers, has_slash })
    }

    /// Tells whether a text that was prepared by [`fold_bytes`] may match.
    pub(crate) fn may_match(&self, folded: &[u8]) -> bool {
        self.searchers.iter().any(|searcher| searcher.find(folded).is_some())
            || (self.has_slash && memchr::memmem::find(folded, b"\\/").is_some())
    }
}

/// Puts the text with ASCII letters in lower case into `buffer`; returns `false` if it has other characters that fold to ASCII, so
/// that no prefilter may speak for it.
pub(crate) fn fold_bytes(text: &str, buffer: &mut Vec<u8>) -> bool {
    buffer.clear();
    buffer.extend(text.bytes().map(|byte| byte.to_ascii_lowercase()));
    text.is_ascii()
        || !FOLDING_TO_ASCII
            .iter()
            .any(|c| memchr::memmem::find(text.as_bytes(), c.as_bytes()).is_some())
}

/// Returns the part of a folded literal that any text containing it shows even with JSON's escapes: ASCII without quotes,
/// backslashes and control characters, and no part of a number, which may be written otherwise.
pub(crate) fn needle_of(literal: &str) -> Option<&str> {
    let is_plain = |c: char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
    let runs = |keep_slash: bool| literal.split(move |c: char| !is_plain(c) || (c == '/' && !keep_slash));
    let best = |keep_slash: bool, least: usize| {
        let fit = runs(keep_slash).filter(|run| run.len() >= least && !may_be_number(run));
        fit.map(|run| rarest_part(run, least))
            .min_by_key(|part| commonness(part))
    };
    best(false, LONG_NEEDLE_BYTES)
        .or_else(|| best(true, LONG_NEEDLE_BYTES))
        .or_else(|| best(true, NEEDLE_BYTES_MIN))
}

fn may_be_number(part: &str) -> bool {
    part.bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'))
}

/// Cuts off the beginning of a needle up to its rarest bytes, by which the SIMD search recognises it.
fn rarest_part(run: &str, least: usize) -> &str {
    // Behind the last byte that no number has, a rest would be a number.
    let bound = run
        .bytes()
        .rposition(|byte| !(byte.is_ascii_digit() || matches!(byte, b'.' | b'-')))
        .unwrap_or_default();
    let starts = 0..=bound.min(run.len() - least);
    let start = starts
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
    part.bytes().take(LONG_NEEDLE_BYTES).map(weight).product()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_matches_is_missed() {
        let prefilter = Prefilter::new(["kiss", "secret", "a/b"].into_iter()).unwrap();
        let mut buffer = Vec::new();
        for (text, expect) in [
            ("a SECRET b", true),
            ("\u{212a}iss", true),
            ("\\u212Aiss", true),
            ("\\u006biss", true),
            ("x a\\/b y", true),
            ("ki\u{17f}s", true),
            ("C:\\\\Users\\\\x", false),
            ("nothing", false),
            ("", false),
        ] {
            let may = !fold_bytes(text, &mut buffer) || prefilter.may_match(&buffer);
            assert_eq!(may, expect, "{text}");
        }
    }

    #[test]
    fn needles_survive_escaping() {
        for (literal, expect) in [
            (r"\temp\file.exe", Some("e.exe")),
            ("sekurlsa::", Some("kurlsa::")),
            ("a/bc", Some("a/bc")),
            ("../..", Some("../..")),
            ("x\"y", None),
            ("10.0.0.1", None),
            ("điện ý", Some("n ")),
            ("ệ", None),
            ("lsass", Some("lsass")),
        ] {
            assert_eq!(needle_of(literal), expect, "{literal}");
        }
    }
}
