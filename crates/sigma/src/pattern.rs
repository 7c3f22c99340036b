//! Texts with wildcards: how a written value is read (`*`, `?`, backslash escapes) and how a pattern with wildcards
//! inside is matched in linear space and without recursion.

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Piece {
    /// This text, never empty.
    Literal(String),
    /// Any number of characters (`*`).
    Any,
    /// Exactly one character (`?`).
    One,
    /// One of the five dash forms of `windash`.
    Dash,
}

/// The characters that `windash` treats as one: hyphen, slash, en dash, em dash, horizontal bar.
pub const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];

/// A text with wildcards, in normal form: no empty or neighbouring literals, no neighbouring `Any`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Pattern {
    pieces: Vec<Piece>,
}

/// Where the one literal of a pattern stands, if the pattern has no other wildcards than at its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape<'a> {
    /// The whole text equals the literal.
    Exact(&'a str),
    /// The text begins with the literal.
    Prefix(&'a str),
    /// The text ends with the literal.
    Suffix(&'a str),
    /// The text contains the literal.
    Contains(&'a str),
    /// Any text.
    Anything,
    /// Wildcards inside.
    Glob,
}

impl Pattern {
    /// Makes a pattern that stands for a plain text.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        let mut pattern = Self::default();
        pattern.push_str(text);
        pattern
    }

    /// Reads a value as written (Sigma specification, "Escaping"): a backslash escapes `*`, `?` and a backslash; before anything
    /// else, and at the end, it stands for itself.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut pattern = Self::default();
        let mut literal = String::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let wildcard = match c {
                '\\' => {
                    literal.push(chars.next_if(|next| matches!(next, '*' | '?' | '\\')).unwrap_or('\\'));
                    continue;
                }
                '*' => Piece::Any,
                '?' => Piece::One,
                _ => {
                    literal.push(c);
                    continue;
                }
            };
            pattern.push_str(&literal);
            literal.clear();
            pattern.push(wildcard);
        }
        pattern.push_str(&literal);
        pattern
    }

    /// Returns the pieces.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Appends a text.
    pub fn push_str(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if let Some(Piece::Literal(literal)) = self.pieces.last_mut() {
            literal.push_str(text);
        } else {
            self.pieces.push(Piece::Literal(text.to_owned()));
        }
    }

    /// Appends a piece.
    pub fn push(&mut self, piece: Piece) {
        match piece {
            Piece::Literal(text) => self.push_str(&text),
            Piece::Any if self.pieces.last() == Some(&Piece::Any) => {}
            Piece::Any | Piece::One | Piece::Dash => self.pieces.push(piece),
        }
    }

    /// Appends all pieces of another pattern.
    pub fn extend(&mut self, other: &Pattern) {
        other.pieces.iter().for_each(|piece| self.push(piece.clone()));
    }

    /// Returns the pattern with `*` before and behind it, as asked.
    #[must_use]
    pub fn wrapped(&self, before: bool, behind: bool) -> Self {
        let mut pattern = Self::default();
        if before {
            pattern.push(Piece::Any);
        }
        pattern.extend(self);
        if behind {
            pattern.push(Piece::Any);
        }
        pattern
    }

    /// Returns the pattern with each literal changed by `change`.
    #[must_use]
    pub fn map_literals(&self, change: impl Fn(&str) -> String) -> Self {
        let mut pattern = Self::default();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => pattern.push_str(&change(text)),
                Piece::Any | Piece::One | Piece::Dash => pattern.push(piece.clone()),
            }
        }
        pattern
    }

    /// Returns the pattern with each of [`DASHES`] replaced by [`Piece::Dash`].
    #[must_use]
    pub fn with_dashes(&self) -> Self {
        let mut pattern = Self::default();
        for piece in &self.pieces {
            let Piece::Literal(text) = piece else {
                pattern.push(piece.clone());
                continue;
            };
            for part in text.split_inclusive(DASHES) {
                let plain = part.trim_end_matches(DASHES);
                pattern.push_str(plain);
                if plain.len() < part.len() {
                    pattern.push(Piece::Dash);
                }
            }
        }
        pattern
    }

    /// Returns the text if the pattern has no wildcards.
    #[must_use]
    pub fn as_plain(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Returns the total length in bytes, a wildcard counting one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Literal(text) => text.len(),
                Piece::Any | Piece::One | Piece::Dash => 1,
            })
            .sum()
    }

    /// Tells whether the pattern stands for the empty text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Returns where the literal stands, or [`Shape::Glob`].
    #[must_use]
    pub fn shape(&self) -> Shape<'_> {
        match self.pieces.as_slice() {
            [] => Shape::Exact(""),
            [Piece::Literal(text)] => Shape::Exact(text),
            [Piece::Any] => Shape::Anything,
            [Piece::Literal(text), Piece::Any] => Shape::Prefix(text),
            [Piece::Any, Piece::Literal(text)] => Shape::Suffix(text),
            [Piece::Any, Piece::Literal(text), Piece::Any] => Shape::Contains(text),
            _ => Shape::Glob,
        }
    }

    /// Returns the longest literal: a text must contain it to match.
    #[must_use]
    pub fn longest_literal(&self) -> Option<&str> {
        let literal = |piece: &'_ Piece| matches!(piece, Piece::Literal(_));
        self.pieces
            .iter()
            .filter(|piece| literal(piece))
            .filter_map(|piece| {
                if let Piece::Literal(text) = piece {
                    Some(text.as_str())
                } else {
                    None
                }
            })
            .max_by_key(|text| text.len())
    }

    /// Tells whether the whole text matches. Time is at most text × pattern, for patterns with many `*` far less.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.find(text).is_some()
    }

    /// Returns the bytes from the first to the last character that anything but an outer `*` stands for, if the text matches.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<(usize, usize)> {
        let mut parts: Vec<&[Piece]> = self.pieces.split(|piece| *piece == Piece::Any).collect();
        let first = parts.remove(0);
        let Some(last) = parts.pop() else {
            return (advance(first, text, 0)? == text.len()).then_some((0, text.len()));
        };
        let mut at = advance(first, text, 0)?;
        let mut start = if first.is_empty() { None } else { Some(0) };
        for part in parts {
            let (begin, end) = search(part, text, at)?;
            start = start.or(Some(begin));
            at = end;
        }
        let tail = retreat(last, text)?;
        if tail < at {
            return None;
        }
        let end = if last.is_empty() { at } else { text.len() };
        Some((start.unwrap_or(if last.is_empty() { 0 } else { tail }), end))
    }
}

/// Matches pieces without `Any` at a place and returns where they end.
fn advance(pieces: &[Piece], text: &str, mut at: usize) -> Option<usize> {
    for piece in pieces {
        let rest = &text[at..];
        at += match piece {
            Piece::Literal(literal) => rest.starts_with(literal.as_str()).then_some(literal.len())?,
            Piece::One => rest.chars().next()?.len_utf8(),
            Piece::Dash => rest.chars().next().filter(|c| DASHES.contains(c))?.len_utf8(),
            Piece::Any => unreachable!("pieces were split at Any"),
        };
    }
    Some(at)
}

/// Matches pieces without `Any` at the end of the text and returns where they begin.
fn retreat(pieces: &[Piece], text: &str) -> Option<usize> {
    let mut rest = text;
    for piece in pieces.iter().rev() {
        rest = match piece {
            Piece::Literal(literal) => rest.strip_suffix(literal.as_str())?,
            Piece::One => drop_last(rest, |_| true)?,
            Piece::Dash => drop_last(rest, |c| DASHES.contains(&c))?,
            Piece::Any => unreachable!("pieces were split at Any"),
        };
    }
    Some(rest.len())
}

fn drop_last(text: &str, accept: impl Fn(char) -> bool) -> Option<&str> {
    let last = text.chars().next_back().filter(|c| accept(*c))?;
    Some(&text[..text.len() - last.len_utf8()])
}

/// Finds the first place from `from` on where pieces without `Any` match.
fn search(pieces: &[Piece], text: &str, from: usize) -> Option<(usize, usize)> {
    if let [Piece::Literal(literal)] = pieces {
        let begin = from + text[from..].find(literal.as_str())?;
        return Some((begin, begin + literal.len()));
    }
    text[from..]
        .char_indices()
        .map(|(offset, _)| from + offset)
        .chain(std::iter::once(text.len()))
        .find_map(|begin| Some((begin, advance(pieces, text, begin)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(pattern: &Pattern) -> String {
        pattern
            .pieces()
            .iter()
            .map(|piece| match piece {
                Piece::Literal(text) => format!("<{text}>"),
                Piece::Any => "*".to_owned(),
                Piece::One => "?".to_owned(),
                Piece::Dash => "~".to_owned(),
            })
            .collect()
    }

    #[test]
    fn escapes_are_those_of_the_specification() {
        for (text, expect) in [
            (r"\cmd.exe", r"<\cmd.exe>"),
            (r"\\cmd.exe", r"<\cmd.exe>"),
            (r"a*b?c", "<a>*<b>?<c>"),
            (r"\*", "<*>"),
            (r"\?", "<?>"),
            (r"\\*", r"<\>*"),
            (r"\\\*", r"<\*>"),
            (r"\\\", r"<\\>"),
            (r"\\\\", r"<\\>"),
            (r"C:\", r"<C:\>"),
            (r"C:\\*", r"<C:\>*"),
            ("**a***", "*<a>*"),
            ("", ""),
        ] {
            assert_eq!(written(&Pattern::parse(text)), expect, "{text}");
        }
    }

    #[test]
    fn globs_match_whole_texts() {
        for (pattern, text, expect) in [
            ("a*c", "abc", Some((0, 3))),
            ("a*c", "ac", Some((0, 2))),
            ("a*c", "acd", None),
            ("a?c", "aéc", Some((0, 4))),
            ("a?c", "ac", None),
            ("*a*b*", "xxaxbx", Some((2, 5))),
            ("*ab", "xab", Some((1, 3))),
            ("ab*ab", "ab", None),
            ("ab*ab", "abab", Some((0, 4))),
            ("*?b", "b", None),
            ("??", "é", None),
            ("?*?", "ab", Some((0, 2))),
            ("*", "", Some((0, 0))),
            ("", "", Some((0, 0))),
            ("", "a", None),
        ] {
            assert_eq!(Pattern::parse(pattern).find(text), expect, "{pattern} on {text}");
        }
    }

    #[test]
    fn dashes_stand_for_each_other() {
        let pattern = Pattern::parse(" -f/").with_dashes();
        assert_eq!(written(&pattern), "< >~<f>~");
        for (text, expect) in [
            (" -f/", true),
            (" /f-", true),
            (" \u{2013}f\u{2015}", true),
            (" +f/", false),
        ] {
            assert_eq!(pattern.matches(text), expect, "{text}");
        }
    }
}
