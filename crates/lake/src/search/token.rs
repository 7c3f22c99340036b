//! A search line as words, phrases, brackets and comparisons, each with its place.

use super::{Fault, SearchError};

/// A piece of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A word as written.
    Word(String),
    /// A text in quotes, unescaped.
    Phrase(String),
    Open,
    Close,
    OpenRange,
    CloseRange,
    /// What stands between a field and its value.
    Comparison(Comparison),
    /// `-` or `!` before something.
    Minus,
}

/// What stands between a field and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    /// `:`
    Has,
    /// `=`
    Is,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A piece and its place in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) at: (usize, usize),
}

struct Reader<'a> {
    letters: &'a [char],
    at: usize,
}

/// Cuts a line into its pieces.
pub(super) fn tokens(letters: &[char]) -> Result<Vec<Placed>, SearchError> {
    let mut reader = Reader { letters, at: 0 };
    let mut found: Vec<Placed> = Vec::new();
    while let Some(letter) = reader.peek(0) {
        if letter.is_whitespace() {
            reader.at += 1;
            continue;
        }
        let first = reader.at;
        // After a comparison comes a value, in which a colon is a colon.
        let is_value = matches!(found.last(), Some(Placed { token: Token::Comparison(_), at }) if at.1 == first);
        let in_range = found.iter().rev().find_map(|placed| match placed.token {
            Token::OpenRange => Some(true),
            Token::CloseRange => Some(false),
            Token::Word(_) | Token::Phrase(_) | Token::Open | Token::Close | Token::Comparison(_) | Token::Minus => {
                None
            }
        });
        let token = reader.token(letter, is_value, in_range == Some(true))?;
        found.push(Placed {
            token,
            at: (first, reader.at),
        });
        if let Some(comparison) = reader.comparison_after(&found, is_value) {
            found.push(comparison);
        }
    }
    Ok(found)
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.letters.get(self.at + ahead).copied()
    }

    fn token(&mut self, letter: char, is_value: bool, in_range: bool) -> Result<Token, SearchError> {
        let single = match letter {
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            '[' if is_value => Some(Token::OpenRange),
            ']' if in_range => Some(Token::CloseRange),
            '-' | '!' if !is_value && !in_range && self.peek(1).is_some_and(|next| !next.is_whitespace()) => {
                Some(Token::Minus)
            }
            _others => None,
        };
        if let Some(token) = single {
            self.at += 1;
            return Ok(token);
        }
        if letter == '"' {
            return self.phrase();
        }
        Ok(self.word(is_value || in_range, in_range))
    }

    fn phrase(&mut self) -> Result<Token, SearchError> {
        let first = self.at;
        self.at += 1;
        let mut text = String::new();
        while let Some(letter) = self.peek(0) {
            self.at += 1;
            match letter {
                '"' => return Ok(Token::Phrase(text)),
                '\\' if self.peek(0) == Some('"') => {
                    self.at += 1;
                    text.push('"');
                }
                _others => text.push(letter),
            }
        }
        Err(SearchError {
            at: (first, self.at),
            fault: Fault::OpenQuote,
        })
    }

    fn word(&mut self, is_value: bool, in_range: bool) -> Token {
        let first = self.at;
        let may_be_name = !is_value
            && self
                .peek(0)
                .is_some_and(|letter| letter.is_alphabetic() || "_@".contains(letter));
        while let Some(letter) = self.peek(0) {
            if letter.is_whitespace() || "()\"".contains(letter) || (in_range && letter == ']') {
                break;
            }
            if may_be_name && is_comparison(letter) {
                break;
            }
            self.at += 1;
        }
        Token::Word(self.letters[first..self.at].iter().collect())
    }

    /// The comparison right behind a name.
    fn comparison_after(&mut self, found: &[Placed], is_value: bool) -> Option<Placed> {
        let is_name = match &found.last()?.token {
            Token::Word(word) => {
                !is_value && word.starts_with(|letter: char| letter.is_alphabetic() || "_@".contains(letter))
            }
            Token::Phrase(_) => !is_value,
            Token::Open | Token::Close | Token::OpenRange | Token::CloseRange | Token::Comparison(_) | Token::Minus => {
                false
            }
        };
        if !is_name || !is_comparison(self.peek(0)?) {
            return None;
        }
        let first = self.at;
        if self.peek(0) == Some(':') {
            self.at += 1;
        }
        let comparison = match (self.peek(0), self.peek(1)) {
            (Some('>'), Some('=')) => self.past(2, Comparison::GreaterOrEqual),
            (Some('<'), Some('=')) => self.past(2, Comparison::LessOrEqual),
            (Some('>'), _) => self.past(1, Comparison::Greater),
            (Some('<'), _) => self.past(1, Comparison::Less),
            (Some('='), _) => self.past(1, Comparison::Is),
            _others => Comparison::Has,
        };
        Some(Placed {
            token: Token::Comparison(comparison),
            at: (first, self.at),
        })
    }

    fn past(&mut self, letters: usize, comparison: Comparison) -> Comparison {
        self.at += letters;
        comparison
    }
}

fn is_comparison(letter: char) -> bool {
    ":=<>".contains(letter)
}
