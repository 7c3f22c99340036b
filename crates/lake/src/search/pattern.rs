//! A value with wildcards, compared letter by letter without regard to case and tone marks.

use std::fmt;

use crate::text::fold;

/// A pattern over a whole value: `*` stands for any text, `?` for one letter. A backslash before one of them, or before a
/// backslash that stands before one, takes its meaning; elsewhere a backslash is a backslash, as in Sigma.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    written: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// Folded text.
    Text(String),
    /// One letter.
    One,
    /// Any text.
    Any,
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl Pattern {
    /// Reads a pattern.
    #[must_use]
    pub fn new(written: &str) -> Self {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut letters = written.chars().peekable();
        while let Some(letter) = letters.next() {
            let wildcard = match letter {
                '*' => Piece::Any,
                '?' => Piece::One,
                '\\' => {
                    text.push(match letters.peek() {
                        Some(next @ ('*' | '?' | '\\')) => {
                            let next = *next;
                            letters.next();
                            next
                        }
                        Some(_) | None => '\\',
                    });
                    continue;
                }
                _others => {
                    text.push(letter);
                    continue;
                }
            };
            push_text(&mut pieces, &mut text);
            if wildcard != Piece::Any || pieces.last() != Some(&Piece::Any) {
                pieces.push(wildcard);
            }
        }
        push_text(&mut pieces, &mut text);
        Self {
            written: written.to_owned(),
            pieces,
        }
    }

    /// Whether it has no wildcard.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        matches!(self.pieces.as_slice(), [] | [Piece::Text(_)])
    }

    /// Whether any value matches.
    #[must_use]
    pub fn is_anything(&self) -> bool {
        self.pieces == [Piece::Any]
    }

    /// The folded texts that each matching value holds.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(text.as_str()),
            Piece::One | Piece::Any => None,
        })
    }

    /// Whether a folded value matches.
    pub(crate) fn matches(&self, folded: &[u8]) -> bool {
        let (mut piece, mut at) = (0, 0);
        // Where the last `*` stands, and up to where what it stands for reaches.
        let mut any: Option<(usize, usize)> = None;
        loop {
            let fits = match self.pieces.get(piece) {
                None if at == folded.len() => return true,
                None => None,
                Some(Piece::Any) => {
                    piece += 1;
                    if piece == self.pieces.len() {
                        return true;
                    }
                    any = Some((piece, at));
                    continue;
                }
                Some(Piece::One) => one_letter(&folded[at..]),
                Some(Piece::Text(text)) => folded[at..].starts_with(text.as_bytes()).then_some(text.len()),
            };
            if let Some(length) = fits {
                piece += 1;
                at += length;
                continue;
            }
            let Some((after, reached)) = any else {
                return false;
            };
            let Some(next) = self.next_try(after, &folded[reached..]) else {
                return false;
            };
            any = Some((after, reached + next));
            (piece, at) = (after, reached + next);
        }
    }

    /// How far ahead what follows a `*` may stand next.
    fn next_try(&self, piece: usize, folded: &[u8]) -> Option<usize> {
        let step = one_letter(folded)?;
        match self.pieces.get(piece) {
            Some(Piece::Text(text)) => memchr::memmem::find(&folded[step..], text.as_bytes()).map(|place| place + step),
            Some(Piece::One | Piece::Any) | None => Some(step),
        }
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &mut String) {
    if !text.is_empty() {
        let folded = fold(&std::mem::take(text));
        if !folded.is_empty() {
            pieces.push(Piece::Text(folded));
        }
    }
}

/// How many bytes the first letter takes.
fn one_letter(folded: &[u8]) -> Option<usize> {
    let first = folded.first()?;
    let length = match first {
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ascii_or_stray => 1,
    };
    Some(length.min(folded.len()))
}
