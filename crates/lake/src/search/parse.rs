//! Reads a search line: conditions side by side must all hold; `OR` binds weaker, `NOT` and `-` stronger.

use super::{
    Fault, Field, FieldNames, Search, SearchError, Test,
    names::{ALIASES, alias, column, columns, nearest},
    token::{Comparison, Placed, Token, tokens},
    value::{self, Written},
};

/// Longest line in bytes.
pub const SEARCH_BYTES_MAX: usize = 8192;
/// Most conditions in a line.
pub const TERMS_MAX: usize = 512;
/// Deepest brackets in brackets.
pub const NESTED_MAX: usize = 32;

/// How a field of a record is named when a column has the same name, or when nobody has seen it yet.
const OF_RECORD: &str = "fields.";

/// Reads a line. `known` are the names of fields that records have; others are refused unless they are written `fields.name`.
///
/// # Errors
/// The line cannot be read; the error has the place.
pub fn parse(line: &str, known: &FieldNames) -> Result<Search, SearchError> {
    let letters: Vec<char> = line.chars().collect();
    if line.len() > SEARCH_BYTES_MAX {
        let at = (letters.len().saturating_sub(1), letters.len());
        return Err(SearchError {
            at,
            fault: Fault::TooLong,
        });
    }
    let tokens = tokens(&letters)?;
    let mut parser = Parser {
        tokens: &tokens,
        next: 0,
        terms: 0,
        known,
        end: letters.len(),
    };
    if tokens.is_empty() {
        return Ok(Search::All(Vec::new()));
    }
    let search = parser.any(0)?;
    match parser.peek() {
        None => Ok(search),
        Some(placed) => Err(wrong(placed.at, Fault::StrayBracket)),
    }
}

struct Parser<'a> {
    tokens: &'a [Placed],
    next: usize,
    terms: usize,
    known: &'a FieldNames,
    end: usize,
}

#[derive(PartialEq, Eq)]
enum Word {
    And,
    Or,
    Not,
}

fn word_of(token: &Token) -> Option<Word> {
    let Token::Word(word) = token else {
        return None;
    };
    match word.as_str() {
        "AND" | "&&" | "VÀ" => Some(Word::And),
        "OR" | "||" | "HOẶC" => Some(Word::Or),
        "NOT" | "KHÔNG" => Some(Word::Not),
        _others => None,
    }
}

fn wrong(at: (usize, usize), fault: Fault) -> SearchError {
    SearchError { at, fault }
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Placed> {
        self.tokens.get(self.next)
    }

    fn take(&mut self) -> Option<&'a Placed> {
        let placed = self.peek()?;
        self.next += 1;
        Some(placed)
    }

    fn is_next(&self, word: &Word) -> bool {
        self.peek().and_then(|placed| word_of(&placed.token)).as_ref() == Some(word)
    }

    fn any(&mut self, depth: usize) -> Result<Search, SearchError> {
        let mut parts = vec![self.all(depth)?];
        while self.is_next(&Word::Or) {
            let or = self.take().map_or((self.end, self.end), |placed| placed.at);
            if self.at_end() {
                return Err(wrong(or, Fault::NothingToJoin("OR".to_owned())));
            }
            parts.push(self.all(depth)?);
        }
        Ok(one_or(parts, Search::Any))
    }

    fn at_end(&self) -> bool {
        self.peek()
            .is_none_or(|placed| matches!(placed.token, Token::Close) || word_of(&placed.token) == Some(Word::Or))
    }

    fn all(&mut self, depth: usize) -> Result<Search, SearchError> {
        let mut parts = Vec::new();
        loop {
            if self.is_next(&Word::And) {
                let and = self.take().map_or((self.end, self.end), |placed| placed.at);
                if parts.is_empty() || self.at_end() || self.is_next(&Word::And) {
                    return Err(wrong(and, Fault::NothingToJoin("AND".to_owned())));
                }
            }
            if self.at_end() {
                break;
            }
            parts.push(self.one(depth)?);
        }
        if parts.is_empty() {
            let (at, word) = self.peek().map_or(((self.end, self.end), "()"), |placed| {
                (placed.at, if word_of(&placed.token).is_some() { "OR" } else { "()" })
            });
            return Err(wrong(at, Fault::NothingToJoin(word.to_owned())));
        }
        Ok(one_or(parts, Search::All))
    }

    fn one(&mut self, depth: usize) -> Result<Search, SearchError> {
        let mut negated = false;
        let mut last = (self.end, self.end);
        while let Some(placed) = self.peek() {
            if placed.token != Token::Minus && word_of(&placed.token) != Some(Word::Not) {
                break;
            }
            negated = !negated;
            last = placed.at;
            self.next += 1;
        }
        if self.at_end() || self.is_next(&Word::And) {
            return Err(wrong(last, Fault::NothingToJoin("NOT".to_owned())));
        }
        let search = self.term(depth)?;
        Ok(if negated { Search::Not(Box::new(search)) } else { search })
    }

    fn term(&mut self, depth: usize) -> Result<Search, SearchError> {
        let end = (self.end, self.end);
        let Some(placed) = self.take() else {
            return Err(wrong(end, Fault::NothingToJoin("NOT".to_owned())));
        };
        self.terms += 1;
        if self.terms > TERMS_MAX {
            return Err(wrong(placed.at, Fault::TooMany));
        }
        match &placed.token {
            Token::Open => self.bracket(placed.at, depth, Self::any),
            Token::Word(text) | Token::Phrase(text) => {
                let quoted = matches!(placed.token, Token::Phrase(_));
                if let Some(Placed {
                    token: Token::Comparison(comparison),
                    ..
                }) = self.peek()
                {
                    let comparison = *comparison;
                    self.next += 1;
                    let fields = self.fields(text, placed.at)?;
                    return self.values(&fields, (text, placed.at), comparison, depth);
                }
                free_text(text, quoted).map_err(|fault| wrong(placed.at, fault))
            }
            Token::Close | Token::CloseRange => Err(wrong(placed.at, Fault::StrayBracket)),
            Token::OpenRange => Err(wrong(placed.at, Fault::NotARange)),
            Token::Comparison(_) | Token::Minus => Err(wrong(placed.at, Fault::NoValue(String::new()))),
        }
    }

    fn bracket(
        &mut self,
        opened: (usize, usize),
        depth: usize,
        inside: impl FnOnce(&mut Self, usize) -> Result<Search, SearchError>,
    ) -> Result<Search, SearchError> {
        if depth >= NESTED_MAX {
            return Err(wrong(opened, Fault::TooDeep));
        }
        if self.peek().is_none() {
            return Err(wrong(opened, Fault::OpenBracket));
        }
        let search = inside(self, depth + 1)?;
        match self.take() {
            Some(Placed {
                token: Token::Close, ..
            }) => Ok(search),
            Some(_) | None => Err(wrong(opened, Fault::OpenBracket)),
        }
    }

    /// What a name stands for.
    fn fields(&self, name: &str, at: (usize, usize)) -> Result<Vec<Field>, SearchError> {
        if let Some(own) = name.strip_prefix(OF_RECORD).filter(|own| !own.is_empty()) {
            let spelled = self.known.spellings(own);
            let names = if spelled.is_empty() {
                vec![own.to_owned()]
            } else {
                spelled
            };
            return Ok(names.into_iter().map(Field::Record).collect());
        }
        if let Some(column) = column(name) {
            return Ok(vec![Field::Column(column)]);
        }
        if let Some(names) = alias(name) {
            return Ok(names
                .iter()
                .filter_map(|name| column(name))
                .map(Field::Column)
                .collect());
        }
        let spelled = self.known.spellings(name);
        if !spelled.is_empty() {
            return Ok(spelled.into_iter().map(Field::Record).collect());
        }
        let all = columns()
            .iter()
            .map(|column| column.name)
            .chain(ALIASES.iter().map(|(alias, _)| *alias))
            .chain(self.known.iter());
        let near = nearest(name, all);
        let name = name.to_owned();
        Err(wrong(at, Fault::UnknownField { name, near }))
    }

    /// What stands behind the comparison: a value, several in brackets, or a range.
    fn values(
        &mut self,
        fields: &[Field],
        name: (&str, (usize, usize)),
        comparison: Comparison,
        depth: usize,
    ) -> Result<Search, SearchError> {
        let Some(placed) = self.take() else {
            return Err(wrong(name.1, Fault::NoValue(name.0.to_owned())));
        };
        if word_of(&placed.token).is_some() && self.is_apart() {
            return Err(wrong(name.1, Fault::NoValue(name.0.to_owned())));
        }
        match &placed.token {
            Token::Word(text) | Token::Phrase(text) => {
                let quoted = matches!(placed.token, Token::Phrase(_));
                let compared = fields.iter().map(|field| {
                    let must = value::test(field, comparison, &Written { text, quoted });
                    must.map(|must| Search::Field(field.clone(), must))
                });
                let compared: Result<Vec<_>, Fault> = compared.collect();
                Ok(one_or(compared.map_err(|fault| wrong(placed.at, fault))?, Search::Any))
            }
            Token::Open if comparison == Comparison::Has || comparison == Comparison::Is => {
                self.bracket(placed.at, depth, |parser, depth| {
                    parser.choices(fields, name, comparison, depth)
                })
            }
            Token::OpenRange => self.range(fields, placed.at),
            Token::Open | Token::Close | Token::CloseRange | Token::Comparison(_) | Token::Minus => {
                Err(wrong(name.1, Fault::NoValue(name.0.to_owned())))
            }
        }
    }

    /// Whether what was just taken does not stand right behind what was taken before.
    fn is_apart(&self) -> bool {
        let place = |back: usize| self.next.checked_sub(back).and_then(|index| self.tokens.get(index));
        match (place(2), place(1)) {
            (Some(before), Some(here)) => before.at.1 != here.at.0,
            (None, _) | (_, None) => false,
        }
    }

    /// `(a OR b)`, `(a b)` and `(NOT a)` behind a name.
    fn choices(
        &mut self,
        fields: &[Field],
        name: (&str, (usize, usize)),
        comparison: Comparison,
        depth: usize,
    ) -> Result<Search, SearchError> {
        let mut choices = Vec::new();
        let mut all = vec![];
        loop {
            let negated =
                self.is_next(&Word::Not) || matches!(self.peek(), Some(placed) if placed.token == Token::Minus);
            if negated {
                self.next += 1;
            }
            let value = self.values(fields, name, comparison, depth)?;
            self.terms += 1;
            if self.terms > TERMS_MAX {
                return Err(wrong(name.1, Fault::TooMany));
            }
            all.push(if negated { Search::Not(Box::new(value)) } else { value });
            if self.is_next(&Word::Or) {
                self.next += 1;
                choices.push(one_or(std::mem::take(&mut all), Search::All));
            } else if self.is_next(&Word::And) {
                self.next += 1;
            } else if matches!(
                self.peek(),
                None | Some(Placed {
                    token: Token::Close,
                    ..
                })
            ) {
                choices.push(one_or(all, Search::All));
                return Ok(one_or(choices, Search::Any));
            }
        }
    }

    /// `[from TO to]`, both included; `*` leaves a side open.
    fn range(&mut self, fields: &[Field], opened: (usize, usize)) -> Result<Search, SearchError> {
        let mut bounds = Vec::new();
        let mut closed = false;
        while let Some(placed) = self.take() {
            match &placed.token {
                Token::CloseRange => {
                    closed = true;
                    break;
                }
                Token::Word(text) | Token::Phrase(text) if bounds.len() < 3 => bounds.push((text.as_str(), placed.at)),
                Token::Word(_)
                | Token::Phrase(_)
                | Token::Open
                | Token::Close
                | Token::OpenRange
                | Token::Comparison(_)
                | Token::Minus => return Err(wrong(placed.at, Fault::NotARange)),
            }
        }
        let [from, ("TO", _), to] = bounds.as_slice() else {
            let fault = if closed { Fault::NotARange } else { Fault::OpenBracket };
            return Err(wrong(opened, fault));
        };
        if !closed {
            return Err(wrong(opened, Fault::OpenBracket));
        }
        let sides = [(from, Comparison::GreaterOrEqual), (to, Comparison::LessOrEqual)];
        let within = fields.iter().map(|field| {
            let mut both = Vec::new();
            for ((text, at), comparison) in sides.iter().filter(|((text, _), _)| *text != "*") {
                let written = Written { text, quoted: true };
                let test = value::test(field, *comparison, &written).map_err(|fault| wrong(*at, fault))?;
                both.push(Search::Field(field.clone(), test));
            }
            if both.is_empty() {
                both.push(Search::Field(field.clone(), Test::Present));
            }
            Ok(one_or(both, Search::All))
        });
        Ok(one_or(within.collect::<Result<_, SearchError>>()?, Search::Any))
    }
}

fn one_or(mut parts: Vec<Search>, many: impl FnOnce(Vec<Search>) -> Search) -> Search {
    if parts.len() == 1 { parts.remove(0) } else { many(parts) }
}

/// A text that is found anywhere; stars at its ends say nothing more.
fn free_text(text: &str, quoted: bool) -> Result<Search, Fault> {
    if quoted {
        return Ok(if text.is_empty() {
            Search::All(Vec::new())
        } else {
            Search::Text(text.to_owned())
        });
    }
    let bare = text.trim_matches('*');
    if bare.is_empty() {
        return Ok(Search::All(Vec::new()));
    }
    if bare.contains('*') {
        return Err(Fault::InnerWildcard(text.to_owned()));
    }
    Ok(Search::Text(bare.to_owned()))
}
