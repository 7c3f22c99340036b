//! A value as `pySigma` sees it: characters, wildcards and placeholders, with the string modifiers already turned into wildcards.

use regex::Regex;

/// One element of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Char(char),
    /// `*`
    Many,
    /// `?`
    One,
    /// `%name%` under the `expand` modifier.
    Placeholder(String),
}

/// A value taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Text(pub(super) Vec<Part>);

impl Text {
    /// Reads a value as written: a backslash escapes `*`, `?` and a backslash, and else stands for itself.
    pub(super) fn parse(written: &str) -> Text {
        let mut parts = Vec::new();
        let mut rest = written.chars().peekable();
        while let Some(character) = rest.next() {
            parts.push(match character {
                '\\' => Part::Char(rest.next_if(|next| matches!(next, '\\' | '*' | '?')).unwrap_or('\\')),
                '*' => Part::Many,
                '?' => Part::One,
                other => Part::Char(other),
            });
        }
        Text(parts)
    }

    pub(super) fn literal(text: &str) -> Text {
        Text(text.chars().map(Part::Char).collect())
    }

    /// Turns each `%name%` into a placeholder.
    pub(super) fn with_placeholders(self) -> Text {
        let mut parts: Vec<Part> = Vec::new();
        let mut rest = self.0.as_slice();
        while let Some((first, after)) = rest.split_first() {
            let end = after
                .iter()
                .position(|part| *part == Part::Char('%'))
                .filter(|_| *first == Part::Char('%'));
            let name = end.and_then(|end| name_of(&after[..end]));
            if let (Some(name), Some(end)) = (name, end) {
                parts.push(Part::Placeholder(name));
                rest = &after[end + 1..];
            } else {
                parts.push(first.clone());
                rest = after;
            }
        }
        Text(parts)
    }

    /// Writes the value so that it reads back to the same parts.
    pub(super) fn written(&self) -> String {
        let mut written = String::new();
        for part in &self.0 {
            match part {
                Part::Char(character) => {
                    if matches!(character, '\\' | '*' | '?') {
                        written.push('\\');
                    }
                    written.push(*character);
                }
                Part::Many => written.push('*'),
                Part::One => written.push('?'),
                Part::Placeholder(name) => {
                    written.push('%');
                    written.push_str(name);
                    written.push('%');
                }
            }
        }
        written
    }

    /// Writes the value as `pySigma` shows it to regular expressions and mappings: nothing escaped but, where `escaped`, literal wildcards.
    fn plain_part(part: &Part, escaped: bool) -> String {
        match part {
            Part::Char(character @ ('*' | '?')) if escaped => format!("\\{character}"),
            Part::Char(character) => character.to_string(),
            Part::Many => "*".to_owned(),
            Part::One => "?".to_owned(),
            Part::Placeholder(name) => format!("%{name}%"),
        }
    }

    /// Returns the value as conditions and mappings see it.
    pub(super) fn shown(&self) -> String {
        self.0.iter().map(|part| Self::plain_part(part, false)).collect()
    }

    pub(super) fn has_wildcard(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Many | Part::One))
    }

    /// Puts `*` before and behind, where there is none.
    pub(super) fn wrap(&mut self, before: bool, behind: bool) {
        if before && self.0.first() != Some(&Part::Many) {
            self.0.insert(0, Part::Many);
        }
        if behind && self.0.last() != Some(&Part::Many) {
            self.0.push(Part::Many);
        }
    }

    /// Changes each run of plain characters.
    pub(super) fn map_runs(&self, change: impl Fn(&str) -> Text) -> Text {
        let mut parts = Vec::new();
        let mut run = String::new();
        for part in &self.0 {
            if let Part::Char(character) = part {
                run.push(*character);
                continue;
            }
            parts.extend(change(&std::mem::take(&mut run)).0);
            parts.push(part.clone());
        }
        parts.extend(change(&run).0);
        Text(parts)
    }

    /// Replaces what matches in the value as shown, with literal wildcards escaped. Only replaced text is read anew: what the expression
    /// did not touch keeps its meaning.
    pub(super) fn replace(&self, regex: &Regex, replacement: &str) -> Text {
        let shown: Vec<String> = self.0.iter().map(|part| Self::plain_part(part, true)).collect();
        let plain = shown.concat();
        let mut starts = Vec::with_capacity(shown.len());
        let mut length = 0;
        for piece in &shown {
            starts.push(length);
            length += piece.len();
        }
        let mut builder = Builder {
            text: self,
            shown: &shown,
            starts: &starts,
            parts: Vec::new(),
            fresh: String::new(),
        };
        let mut from = 0;
        for found in regex.captures_iter(&plain) {
            let Some(whole) = found.get(0) else { continue };
            builder.keep(from, whole.start());
            found.expand(replacement, &mut builder.fresh);
            from = whole.end();
        }
        builder.keep(from, plain.len());
        builder.flush();
        Text(builder.parts)
    }
}

fn name_of(parts: &[Part]) -> Option<String> {
    let name: Option<String> = parts
        .iter()
        .map(|part| {
            if let Part::Char(character) = part {
                Some(*character)
            } else {
                None
            }
        })
        .collect();
    name.filter(|name| !name.is_empty() && !name.contains('\\'))
}

/// Joins parts that were kept with text that a replacement made.
struct Builder<'a> {
    text: &'a Text,
    shown: &'a [String],
    starts: &'a [usize],
    parts: Vec<Part>,
    fresh: String,
}

impl Builder<'_> {
    /// Keeps the parts between two places of the shown value; half an escaped wildcard goes to the replaced text.
    fn keep(&mut self, from: usize, to: usize) {
        if from >= to {
            return;
        }
        let first = self.starts.partition_point(|start| *start < from).saturating_sub(1);
        for at in first..self.shown.len() {
            let (start, end) = (self.starts[at], self.starts[at] + self.shown[at].len());
            if start >= to {
                break;
            }
            if end <= from {
                continue;
            }
            if start >= from && end <= to {
                self.flush();
                self.parts.push(self.text.0[at].clone());
            } else {
                self.fresh
                    .push_str(&self.shown[at][from.max(start) - start..to.min(end) - start]);
            }
        }
    }

    /// Reads replaced text: a backslash escapes only a wildcard.
    fn flush(&mut self) {
        let fresh = std::mem::take(&mut self.fresh);
        let mut rest = fresh.chars().peekable();
        while let Some(character) = rest.next() {
            self.parts.push(match character {
                '\\' => Part::Char(rest.next_if(|next| matches!(next, '*' | '?')).unwrap_or('\\')),
                '*' => Part::Many,
                '?' => Part::One,
                other => Part::Char(other),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn replacements_keep_what_they_do_not_touch() {
        for (written, regex, replacement, expect) in [
            (r"C:\Windows\*", "Windows", "WinNT", r"C:\\WinNT*"),
            (r"C:\\Windows\\*", "Windows", "WinNT", r"C:\\WinNT\\*"),
            (r"*\cmd.exe", r"^\*\\", "/", "/cmd.exe"),
            (r"a\*b", r"\\\*", "-", "a-b"),
            (r"a*b?", "[*?]", "x", "axbx"),
            ("abc", "b", "*", "a*c"),
            ("abc", "b", r"\*", r"a\*c"),
            ("abc", "(?P<x>b)", "[${x}${x}]", "a[bb]c"),
            ("abc", "z*", "-", "-a-b-c-"),
            (r"\?x", "x", "", r"\?"),
        ] {
            let regex = Regex::new(regex).unwrap();
            let replaced = Text::parse(written).replace(&regex, replacement);
            assert_eq!(replaced, Text::parse(&replaced.written()), "{written} reads back");
            let expect = Text::parse(expect);
            if written == r"C:\Windows\*" {
                // The written star was escaped by its backslash, so it stays a character.
                assert_eq!(replaced.0.last(), Some(&Part::Char('*')));
            } else {
                assert_eq!(replaced, expect, "{written}");
            }
        }
    }

    #[test]
    fn placeholders_are_names_between_percent_signs() {
        for (written, expect) in [
            ("%admins%", vec!["admins"]),
            ("x%a%y%b c%", vec!["a", "b c"]),
            ("100% of %%x", vec![" of "]),
            ("%a*b%", vec![]),
            ("%", vec![]),
        ] {
            let found = Text::parse(written).with_placeholders().0.into_iter();
            let found: Vec<String> = found
                .filter_map(|part| {
                    if let Part::Placeholder(name) = part {
                        Some(name)
                    } else {
                        None
                    }
                })
                .collect();
            assert_eq!(found, expect, "{written}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(written in r"[a\\*?%]{0,12}") {
            let text = Text::parse(&written);
            prop_assert_eq!(Text::parse(&text.written()), text);
        }
    }
}
