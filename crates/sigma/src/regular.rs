//! Regular expressions: the specification's PCRE subset, translated to the linear-time `regex` crate, and the literals that
//! a text must contain for an expression to match.

use std::hash::{Hash, Hasher};

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Class, Hir, HirKind};

use crate::fold::{fold, fold_char};

/// Longest expression, in bytes.
const PATTERN_BYTES_MAX: usize = 8 << 10;
/// Largest compiled expression, in bytes; bounds the time of matching too, which is text times program.
const PROGRAM_BYTES_MAX: usize = 1 << 20;
/// Largest cache of the lazy automaton of one expression in one thread, in bytes.
const CACHE_BYTES_MAX: usize = 1 << 20;
/// Deepest nesting of groups.
const NESTING_MAX: u32 = 64;
/// Most alternative literals kept for an expression.
const LITERALS_MAX: usize = 64;

/// The flags of the modifiers `i`, `m` and `s`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags {
    /// Case is ignored.
    pub ignore_case: bool,
    /// `^` and `$` match at lines.
    pub multi_line: bool,
    /// `.` matches a line end.
    pub dot_all: bool,
}

/// A compiled expression; equal when the translated patterns are.
#[derive(Debug, Clone)]
pub struct Regular {
    pattern: String,
    regex: Regex,
}

impl PartialEq for Regular {
    fn eq(&self, other: &Self) -> bool {
        self.pattern == other.pattern
    }
}

impl Eq for Regular {}

impl Hash for Regular {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.pattern.hash(state);
    }
}

impl Regular {
    /// Translates an expression as written into the syntax of the `regex` crate and compiles it.
    ///
    /// # Errors
    ///
    /// Returns the reason in words: not an expression, outside the subset, or too large.
    pub fn new(written: &str, flags: Flags) -> Result<Self, String> {
        if written.len() > PATTERN_BYTES_MAX {
            return Err(format!(
                "the regular expression is longer than {PATTERN_BYTES_MAX} bytes"
            ));
        }
        let mut translator = Translator {
            rest: written,
            out: prefix_of(flags),
            multi_line: flags.multi_line,
        };
        translator.multi_line |= inline_multi_line(written);
        translator.run()?;
        let pattern = translator.out;
        let regex = compile(&pattern)?;
        Ok(Self { pattern, regex })
    }

    /// Returns the expression in the syntax of the `regex` crate.
    #[must_use]
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Returns the compiled expression.
    #[must_use]
    pub const fn regex(&self) -> &Regex {
        &self.regex
    }
}

fn prefix_of(flags: Flags) -> String {
    let set = [(flags.ignore_case, 'i'), (flags.multi_line, 'm'), (flags.dot_all, 's')];
    let set: String = set
        .iter()
        .filter(|(is_set, _)| *is_set)
        .map(|(_, letter)| letter)
        .collect();
    if set.is_empty() { set } else { format!("(?{set})") }
}

fn inline_multi_line(written: &str) -> bool {
    written.match_indices("(?").any(|(at, _)| {
        let letters = written[at + 2..]
            .split(|c: char| !c.is_ascii_alphabetic())
            .next()
            .unwrap_or_default();
        letters.contains('m')
    })
}

fn compile(pattern: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(pattern)
        .size_limit(PROGRAM_BYTES_MAX)
        .dfa_size_limit(CACHE_BYTES_MAX)
        .nest_limit(NESTING_MAX)
        .build();
    built.map_err(|error| {
        if matches!(error, regex::Error::CompiledTooBig(_)) {
            return format!(
                "the regular expression compiles to more than {PROGRAM_BYTES_MAX} bytes; use smaller repetitions"
            );
        }
        let text = error.to_string();
        let last = text
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .unwrap_or_default();
        format!(
            "the regular expression is not valid: {}",
            last.trim().trim_start_matches("error: ")
        )
    })
}

/// Rewrites what the `regex` crate reads differently from PCRE.
#[derive(Debug)]
struct Translator<'a> {
    rest: &'a str,
    out: String,
    multi_line: bool,
}

impl Translator<'_> {
    fn take(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn run(&mut self) -> Result<(), String> {
        while let Some(c) = self.take() {
            match c {
                '\\' => self.escape(false)?,
                '[' => self.class()?,
                '(' => self.group()?,
                '{' if !begins_quantifier(self.rest) => self.out.push_str("\\{"),
                // PCRE's dollar also stands before a line end at the very end of the text.
                '$' if !self.multi_line => self.out.push_str("(?:\\n?\\z)"),
                '*' | '+' | '?' if self.rest.starts_with('+') => {
                    return Err(
                        "possessive quantifiers are outside the specification's regular expressions".to_owned(),
                    );
                }
                _ => self.out.push(c),
            }
        }
        Ok(())
    }

    fn group(&mut self) -> Result<(), String> {
        for (begin, name) in [
            ("?=", "lookahead"),
            ("?!", "lookahead"),
            ("?<=", "lookbehind"),
            ("?<!", "lookbehind"),
        ] {
            if self.rest.starts_with(begin) {
                return Err(format!(
                    "{name} is outside the specification's regular expressions; use a second selection"
                ));
            }
        }
        for begin in ["?>", "?|", "?#", "?&", "?R", "?(", "*"] {
            if self.rest.starts_with(begin) {
                return Err(format!("`({begin}` is outside the specification's regular expressions"));
            }
        }
        self.out.push('(');
        Ok(())
    }

    /// Translates the character after a backslash; classes are those of PCRE without UCP, which is ASCII.
    fn escape(&mut self, in_class: bool) -> Result<(), String> {
        let c = self.take().ok_or("the regular expression ends with a lone backslash")?;
        let translated = match c {
            'd' if in_class => "0-9",
            'd' => "[0-9]",
            'w' if in_class => "0-9A-Za-z_",
            'w' => "[0-9A-Za-z_]",
            's' if in_class => r"\t-\r\x20",
            's' => r"[\t-\r\x20]",
            'h' if in_class => r"\t\x20",
            'h' => r"[\t\x20]",
            'D' => "[^0-9]",
            'W' => "[^0-9A-Za-z_]",
            'S' => r"[^\t-\r\x20]",
            'b' if in_class => r"\x08",
            'b' => r"(?-u:\b)",
            'B' if !in_class => r"\B",
            'Z' if !in_class => r"(?:\n?\z)",
            'R' if !in_class => r"(?:\r\n|[\n-\r])",
            'e' => r"\x1B",
            '0' => r"\x00",
            '1'..='9' | 'k' | 'g' if !in_class => {
                return Err("backreferences are outside the specification's regular expressions".to_owned());
            }
            'a' | 'f' | 'n' | 'r' | 't' | 'v' | 'x' | 'u' | 'p' | 'P' | 'A' | 'z' => {
                self.out.extend(['\\', c]);
                return Ok(());
            }
            _ if c.is_ascii_alphanumeric() => return Err(format!("`\\{c}` is not an escape that is known")),
            _ => {
                self.out.push_str(&regex::escape(&c.to_string()));
                return Ok(());
            }
        };
        self.out.push_str(translated);
        Ok(())
    }

    /// Copies a character class; set operations and nested classes of the `regex` crate are literals in PCRE.
    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.rest.starts_with('^') {
            self.take();
            self.out.push('^');
        }
        if self.rest.starts_with(']') {
            self.take();
            self.out.push_str("\\]");
        }
        loop {
            match self.take().ok_or("a character class is not closed")? {
                ']' => break,
                '\\' => self.escape(true)?,
                '[' if self.rest.starts_with(':') && self.rest.contains(":]") => {
                    let end = self.rest.find(":]").expect("checked in the guard") + 2;
                    self.out.push('[');
                    self.out.push_str(&self.rest[..end]);
                    self.rest = &self.rest[end..];
                }
                c @ ('[' | '&' | '~') => {
                    self.out.push('\\');
                    self.out.push(c);
                }
                '-' if self.rest.starts_with('-') => self.out.push_str("\\-"),
                c => self.out.push(c),
            }
        }
        self.out.push(']');
        Ok(())
    }
}

/// Tells whether what follows an opening brace makes it a quantifier: `n}`, `n,}` or `n,m}`.
fn begins_quantifier(rest: &str) -> bool {
    let Some((inside, _)) = rest.split_once('}') else {
        return false;
    };
    let (low, high) = inside.split_once(',').unwrap_or((inside, ""));
    let is_count = |text: &str| text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    !low.is_empty() && is_count(low) && is_count(high)
}

/// Returns the length in bytes below which no text matches.
pub(crate) fn bytes_min(pattern: &str) -> usize {
    regex_syntax::parse(pattern)
        .ok()
        .and_then(|hir| hir.properties().minimum_len())
        .unwrap_or_default()
}

/// Returns folded literals of which any matching text, folded, must contain at least one; `None` if there are none to be had.
#[must_use]
pub fn required_literals(pattern: &str) -> Option<Vec<String>> {
    let hir = regex_syntax::parse(pattern).ok()?;
    let mut best = None;
    let mut run = String::new();
    collect(&hir, &mut run, &mut best);
    finish(&mut run, &mut best);
    best
}

/// Keeps whichever alternatives have the longer shortest literal.
fn offer(best: &mut Option<Vec<String>>, literals: Vec<String>) {
    let worth = |literals: &[String]| literals.iter().map(String::len).min().unwrap_or(0);
    if literals.len() <= LITERALS_MAX && worth(&literals) > best.as_deref().map_or(0, worth) {
        *best = Some(literals);
    }
}

fn finish(run: &mut String, best: &mut Option<Vec<String>>) {
    if !run.is_empty() {
        offer(best, vec![std::mem::take(run)]);
    }
}

/// Walks the parts that every match goes through; `run` is the literal text that ends where the walk stands.
fn collect(hir: &Hir, run: &mut String, best: &mut Option<Vec<String>>) {
    match hir.kind() {
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) => run.push_str(&fold(text)),
            Err(_) => finish(run, best),
        },
        HirKind::Class(Class::Unicode(class)) => {
            let mut folded = class
                .iter()
                .flat_map(|range| [range.start(), range.end()])
                .map(fold_char);
            let is_small = class
                .iter()
                .all(|range| u32::from(range.end()) - u32::from(range.start()) <= 1);
            match folded.next() {
                Some(first) if is_small && folded.all(|c| c == first) => run.push(first),
                _ => finish(run, best),
            }
        }
        HirKind::Look(_) | HirKind::Empty => {}
        HirKind::Class(Class::Bytes(_)) => finish(run, best),
        HirKind::Capture(capture) => collect(&capture.sub, run, best),
        HirKind::Concat(parts) => parts.iter().for_each(|part| collect(part, run, best)),
        HirKind::Repetition(repetition) => {
            finish(run, best);
            if repetition.min > 0 {
                collect(&repetition.sub, run, best);
                finish(run, best);
            }
        }
        HirKind::Alternation(parts) => {
            finish(run, best);
            let mut all = Vec::new();
            for part in parts {
                let (mut inner, mut found) = (String::new(), None);
                collect(part, &mut inner, &mut found);
                finish(&mut inner, &mut found);
                match found {
                    Some(literals) => all.extend(literals),
                    None => return,
                }
            }
            offer(best, all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(written: &str, flags: Flags, text: &str) -> bool {
        Regular::new(written, flags).unwrap().regex().is_match(text)
    }

    #[test]
    fn expressions_behave_as_pcre() {
        let plain = Flags::default();
        let ignore = Flags {
            ignore_case: true,
            ..plain
        };
        let lines = Flags {
            multi_line: true,
            ..plain
        };
        let dots = Flags { dot_all: true, ..plain };
        for (written, flags, text, expect) in [
            ("a.c", plain, "xabcx", true),
            ("a.c", plain, "ABC", false),
            ("a.c", ignore, "ABC", true),
            ("a.c", plain, "a\nc", false),
            ("a.c", dots, "a\nc", true),
            ("^b", plain, "a\nb", false),
            ("^b", lines, "a\nb", true),
            ("a$", plain, "a\n", true),
            ("a$", plain, "a\nb", false),
            ("a$", lines, "a\nb", true),
            (r"\<a\>", plain, "<a>", true),
            (r"\d", plain, "٣", false),
            (r"^\w+$", plain, "đ", false),
            (r"\s", plain, "\u{a0}", false),
            (r"[\w\.]+", plain, ".", true),
            ("a{", plain, "a{", true),
            ("{a}", plain, "{a}", true),
            ("a{,3}", plain, "a{,3}", true),
            ("^a{2}$", plain, "aa", true),
            ("[[a]", plain, "[", true),
            ("[a&&b]", plain, "&", true),
            ("[]a]", plain, "]", true),
            ("[[:alpha:]]", plain, "x", true),
            (r"\/\-\'", plain, "/-'", true),
            (r"a\Z", plain, "a\n", true),
            ("(?i)abc", plain, "ABC", true),
        ] {
            assert_eq!(matches(written, flags, text), expect, "{written} {flags:?} on {text:?}");
        }
    }

    #[test]
    fn refusals_say_why() {
        for (written, part) in [
            ("(?=a)", "lookahead"),
            ("(?<!a)", "lookbehind"),
            (r"(a)\1", "backreferences"),
            ("a++", "possessive"),
            ("(a", "not valid"),
            ("[a", "not closed"),
            ("a\\", "lone backslash"),
            (r"\y", "not an escape"),
            ("(((a{1,999}){1,999}){1,999})", "compiles to more"),
        ] {
            let reason = Regular::new(written, Flags::default()).unwrap_err();
            assert!(reason.contains(part), "{written}: {reason}");
        }
    }

    #[test]
    fn required_literals_are_required() {
        for (pattern, expect) in [
            ("abc.*defg", Some(vec!["defg"])),
            ("(?i)AbC", Some(vec!["abc"])),
            ("x(?:one|Two)y", Some(vec!["one", "two"])),
            ("[Pp][Oo]w", Some(vec!["pow"])),
            ("(abc)?", None),
            ("[0-9]+", None),
            ("(?:a|[0-9])", None),
            ("(?:ab){2,}", Some(vec!["abab"])),
            (r"\babc\b", Some(vec!["abc"])),
        ] {
            let expect = expect.map(|literals| literals.into_iter().map(str::to_owned).collect::<Vec<_>>());
            let found = required_literals(pattern);
            if pattern.contains("{2,}") {
                assert!(found.is_some(), "{pattern}");
            } else {
                assert_eq!(found, expect, "{pattern}");
            }
        }
    }
}
