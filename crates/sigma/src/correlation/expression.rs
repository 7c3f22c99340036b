//! The extended condition of temporal correlations: rule references joined by `and`, `or`, `not` and brackets.

use crate::correlation::limits::{EXPRESSION_BYTES_MAX, EXPRESSION_DEPTH_MAX};

/// A condition over which of the referenced rules occur in the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// The rule of this name or id occurs.
    Rule(String),
    /// All of them hold.
    And(Vec<Expression>),
    /// At least one of them holds.
    Or(Vec<Expression>),
    /// It does not hold.
    Not(Box<Expression>),
}

impl Expression {
    /// Reads an expression; `not` binds tighter than `and`, `and` tighter than `or`, and the words may be in any case.
    ///
    /// # Errors
    ///
    /// Returns the reason, with the byte at which the text stops making sense.
    pub fn parse(text: &str) -> Result<Expression, String> {
        if text.len() > EXPRESSION_BYTES_MAX {
            return Err(format!("the condition is longer than {EXPRESSION_BYTES_MAX} bytes"));
        }
        let mut parser = Parser {
            tokens: tokens(text)?,
            next: 0,
            depth: 0,
        };
        let expression = parser.either()?;
        match parser.tokens.get(parser.next) {
            None => Ok(expression),
            Some((at, token)) => Err(format!("unexpected `{token}` at byte {at} of the condition")),
        }
    }

    /// Returns the referenced names in the order in which they first appear.
    #[must_use]
    pub fn references(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found
    }

    fn collect<'a>(&'a self, found: &mut Vec<&'a str>) {
        match self {
            Expression::Rule(name) => {
                if !found.contains(&name.as_str()) {
                    found.push(name);
                }
            }
            Expression::And(parts) | Expression::Or(parts) => parts.iter().for_each(|part| part.collect(found)),
            Expression::Not(part) => part.collect(found),
        }
    }

    /// Returns whether the expression holds when exactly the rules for which `occurs` is true have occurred.
    pub fn holds(&self, occurs: &impl Fn(&str) -> bool) -> bool {
        match self {
            Expression::Rule(name) => occurs(name),
            Expression::And(parts) => parts.iter().all(|part| part.holds(occurs)),
            Expression::Or(parts) => parts.iter().any(|part| part.holds(occurs)),
            Expression::Not(part) => !part.holds(occurs),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<(usize, &str)>, String> {
    let mut found = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some((start, character)) = rest.next() {
        if character.is_whitespace() {
            continue;
        }
        let mut end = start + character.len_utf8();
        if !matches!(character, '(' | ')') {
            if !is_name(character) {
                return Err(format!("unexpected `{character}` at byte {start} of the condition"));
            }
            while let Some((at, character)) = rest.next_if(|(_, character)| is_name(*character)) {
                end = at + character.len_utf8();
            }
        }
        found.push((start, &text[start..end]));
    }
    Ok(found)
}

/// Ids are UUIDs, so a hyphen belongs to a name.
fn is_name(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '.')
}

struct Parser<'a> {
    tokens: Vec<(usize, &'a str)>,
    next: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn either(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.both()?];
        while self.take_word("or") {
            parts.push(self.both()?);
        }
        Ok(if parts.len() == 1 {
            parts.remove(0)
        } else {
            Expression::Or(parts)
        })
    }

    fn both(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.single()?];
        while self.take_word("and") {
            parts.push(self.single()?);
        }
        Ok(if parts.len() == 1 {
            parts.remove(0)
        } else {
            Expression::And(parts)
        })
    }

    fn single(&mut self) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > EXPRESSION_DEPTH_MAX {
            return Err(format!(
                "the condition is nested deeper than {EXPRESSION_DEPTH_MAX} levels"
            ));
        }
        let result = self.operand();
        self.depth -= 1;
        result
    }

    fn operand(&mut self) -> Result<Expression, String> {
        if self.take_word("not") {
            return Ok(Expression::Not(Box::new(self.single()?)));
        }
        let Some((at, token)) = self.tokens.get(self.next).copied() else {
            return Err("the condition ends where a rule is expected".to_owned());
        };
        self.next += 1;
        if token == "(" {
            let inner = self.either()?;
            return if self.take_word(")") {
                Ok(inner)
            } else {
                Err(format!("the bracket at byte {at} is not closed"))
            };
        }
        if token == ")" || ["and", "or"].iter().any(|word| token.eq_ignore_ascii_case(word)) {
            return Err(format!("expected a rule, not `{token}`, at byte {at} of the condition"));
        }
        Ok(Expression::Rule(token.to_owned()))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self
            .tokens
            .get(self.next)
            .is_some_and(|(_, token): &(usize, &'a str)| token.eq_ignore_ascii_case(word));
        self.next += usize::from(found);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_read_by_precedence() {
        for (text, present, expect) in [
            ("a and b", "a", false),
            ("a and b", "a b", true),
            ("a or b and c", "a", true),
            ("(a or b) and c", "a", false),
            ("not a and b", "b", true),
            ("not (a and b)", "a b", false),
            ("not not a", "a", true),
            ("A AND b", "A b", true),
            (
                "5638f7c0-ac70-491d-8465-2a65075e0d86 OR x",
                "5638f7c0-ac70-491d-8465-2a65075e0d86",
                true,
            ),
        ] {
            let expression = Expression::parse(text).unwrap();
            let present: Vec<&str> = present.split(' ').collect();
            assert_eq!(expression.holds(&|name| present.contains(&name)), expect, "{text}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused_with_its_place() {
        for (text, part) in [
            ("", "ends where a rule is expected"),
            ("a and", "ends where a rule is expected"),
            ("a b", "unexpected `b` at byte 2"),
            ("and a", "expected a rule, not `and`"),
            ("(a or b", "bracket at byte 0"),
            ("a | count() > 3", "unexpected `|` at byte 2"),
        ] {
            let error = Expression::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!(
            Expression::parse(&"(".repeat(500))
                .unwrap_err()
                .contains("nested deeper")
        );
        assert!(
            Expression::parse(&"not ".repeat(500))
                .unwrap_err()
                .contains("nested deeper")
        );
    }

    #[test]
    fn references_come_in_order_of_appearance() {
        assert_eq!(
            Expression::parse("b and (a or not b) and c").unwrap().references(),
            ["b", "a", "c"]
        );
    }
}
