//! Conditions: the expression over search identifiers, parsed with the specification's precedence
//! (`or` binds least, then `and`, `not`, `x of y`, brackets) and resolved to the selections that each reference names.

use crate::limits::{CONDITION_BYTES_MAX, CONDITION_DEPTH_MAX, CONDITION_REFERENCES_MAX};
use crate::yaml::Position;

/// A condition as written and as resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The text as written.
    pub text: String,
    /// The expression; selections are indices into [`crate::rule::Detection::selections`].
    pub expression: Expression,
    /// Where it is written.
    pub at: Position,
}

/// A node of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// All hold.
    And(Vec<Expression>),
    /// Any holds.
    Or(Vec<Expression>),
    /// The inner one does not hold.
    Not(Box<Expression>),
    /// A selection by its index.
    Selection(usize),
    /// `1 of pattern`, `all of pattern`, `3 of them`.
    Of {
        /// How many must hold.
        quantity: Quantity,
        /// The pattern or `them`, as written.
        pattern: String,
        /// The indices of the selections that the pattern names.
        selections: Vec<usize>,
    },
}

/// How many of the selections must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// At least so many; never zero.
    AtLeast(usize),
    /// All of them.
    All,
}

/// Parses a condition and resolves its references against the names of the selections.
///
/// # Errors
///
/// Returns the reason in words when the text is not a condition, names an unknown selection or exceeds a limit.
pub fn parse(text: &str, selections: &[&str]) -> Result<Expression, String> {
    if text.len() > CONDITION_BYTES_MAX {
        return Err(format!("the condition is longer than {CONDITION_BYTES_MAX} bytes"));
    }
    let tokens = tokens_of(text)?;
    if tokens.is_empty() {
        return Err("the condition is empty".to_owned());
    }
    let mut parser = Parser {
        tokens: &tokens,
        next: 0,
        selections,
        depth: 0,
        references: 0,
    };
    let expression = parser.or()?;
    match parser.peek() {
        None => Ok(expression),
        Some(")") => Err("a closing bracket without an opening one".to_owned()),
        Some(token) => Err(format!("expected `and`, `or` or the end before `{token}`")),
    }
}

fn tokens_of(text: &str) -> Result<Vec<&str>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' | ')' => 1,
            '|' => {
                return Err("aggregation expressions after `|` are deprecated; use a correlation rule".to_owned());
            }
            _ => rest
                .find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '|'))
                .unwrap_or(rest.len()),
        };
        tokens.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

#[derive(Debug)]
struct Parser<'a> {
    tokens: &'a [&'a str],
    next: usize,
    selections: &'a [&'a str],
    depth: usize,
    references: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.next).copied()
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.eq_ignore_ascii_case(word));
        self.next += usize::from(found);
        found
    }

    fn or(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.and()?];
        while self.take_word("or") {
            parts.push(self.and()?);
        }
        Ok(if parts.len() == 1 {
            parts.remove(0)
        } else {
            Expression::Or(parts)
        })
    }

    fn and(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.unary()?];
        while self.take_word("and") {
            parts.push(self.unary()?);
        }
        Ok(if parts.len() == 1 {
            parts.remove(0)
        } else {
            Expression::And(parts)
        })
    }

    fn unary(&mut self) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > CONDITION_DEPTH_MAX {
            return Err(format!(
                "the condition is nested deeper than {CONDITION_DEPTH_MAX} levels"
            ));
        }
        let expression = if self.take_word("not") {
            Expression::Not(Box::new(self.unary()?))
        } else if self.take_word("(") {
            let inner = self.or()?;
            if !self.take_word(")") {
                return Err("an opening bracket is not closed".to_owned());
            }
            inner
        } else {
            self.reference()?
        };
        self.depth -= 1;
        Ok(expression)
    }

    fn reference(&mut self) -> Result<Expression, String> {
        let token = self.peek().ok_or("the condition ends where a selection is expected")?;
        self.next += 1;
        let lower = token.to_ascii_lowercase();
        if matches!(lower.as_str(), ")" | "and" | "or" | "of" | "them") {
            return Err(format!("expected a selection, found `{token}`"));
        }
        let is_of = self.peek().is_some_and(|next| next.eq_ignore_ascii_case("of"));
        let quantity = match lower.as_str() {
            "all" => Some(Quantity::All),
            "any" => Some(Quantity::AtLeast(1)),
            _ => lower.parse().ok().map(Quantity::AtLeast),
        };
        match quantity {
            Some(quantity) if is_of => {
                self.next += 1;
                self.of(quantity)
            }
            _ => self.selection(token),
        }
    }

    fn of(&mut self, quantity: Quantity) -> Result<Expression, String> {
        if quantity == Quantity::AtLeast(0) {
            return Err("`0 of` always holds; negate `1 of` instead".to_owned());
        }
        let pattern = self.peek().ok_or("`of` without the selections that it counts")?;
        self.next += 1;
        let is_them = pattern.eq_ignore_ascii_case("them");
        let named = |name: &str| {
            if is_them {
                !name.starts_with('_')
            } else {
                names(pattern, name)
            }
        };
        let selections: Vec<usize> = self
            .selections
            .iter()
            .enumerate()
            .filter(|(_, name)| named(name))
            .map(|(index, _)| index)
            .collect();
        if selections.is_empty() {
            return Err(format!(
                "no selection is named by `{pattern}`; there are: {}",
                self.selections.join(", ")
            ));
        }
        if let Quantity::AtLeast(count) = quantity
            && count > selections.len()
        {
            return Err(format!(
                "`{count} of {pattern}` can never hold: it names {} selections",
                selections.len()
            ));
        }
        self.refer(selections.len())?;
        Ok(Expression::Of {
            quantity,
            pattern: pattern.to_owned(),
            selections,
        })
    }

    fn selection(&mut self, name: &str) -> Result<Expression, String> {
        self.refer(1)?;
        match self.selections.iter().position(|selection| *selection == name) {
            Some(index) => Ok(Expression::Selection(index)),
            None => Err(format!(
                "`{name}` is not a selection of this rule; there are: {}",
                self.selections.join(", ")
            )),
        }
    }

    fn refer(&mut self, count: usize) -> Result<(), String> {
        self.references += count;
        if self.references > CONDITION_REFERENCES_MAX {
            return Err(format!(
                "the condition refers to more than {CONDITION_REFERENCES_MAX} selections"
            ));
        }
        Ok(())
    }
}

/// Tells whether a pattern with `*` wildcards names a selection.
fn names(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else {
        return rest.is_empty();
    };
    for piece in pieces {
        let Some(found) = rest.find(piece) else { return false };
        rest = &rest[found + piece.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 5] = ["selection_a", "selection_b", "filter_main_x", "keywords", "_hidden"];

    fn shape(expression: &Expression) -> String {
        let join =
            |parts: &[Expression], word: &str| format!("({})", parts.iter().map(shape).collect::<Vec<_>>().join(word));
        match expression {
            Expression::And(parts) => join(parts, " & "),
            Expression::Or(parts) => join(parts, " | "),
            Expression::Not(inner) => format!("!{}", shape(inner)),
            Expression::Selection(index) => index.to_string(),
            Expression::Of {
                quantity, selections, ..
            } => format!("{quantity:?}{selections:?}"),
        }
    }

    #[test]
    fn precedence_and_patterns() {
        for (text, expect) in [
            ("selection_a", "0"),
            ("selection_a or selection_b and keywords", "(0 | (1 & 3))"),
            ("(selection_a or selection_b) and not keywords", "((0 | 1) & !3)"),
            ("not selection_a and keywords", "(!0 & 3)"),
            ("NOT selection_a AND keywords", "(!0 & 3)"),
            ("1 of selection_*", "AtLeast(1)[0, 1]"),
            (
                "all of selection_* and not 1 of filter_main_*",
                "(All[0, 1] & !AtLeast(1)[2])",
            ),
            ("1 of them", "AtLeast(1)[0, 1, 2, 3]"),
            ("any of *_a", "AtLeast(1)[0]"),
            ("2 of sel*ion_*", "AtLeast(2)[0, 1]"),
            ("all of keywords", "All[3]"),
            ("selection_a and(not(keywords))", "(0 & !3)"),
        ] {
            assert_eq!(parse(text, &NAMES).map(|e| shape(&e)), Ok(expect.to_owned()), "{text}");
        }
    }

    #[test]
    fn selections_may_be_called_like_quantities() {
        assert_eq!(
            parse("all and 1", &["all", "1"]).map(|e| shape(&e)),
            Ok("(0 & 1)".to_owned())
        );
    }

    #[test]
    fn refusals_say_what_to_do() {
        for (text, part) in [
            ("", "empty"),
            ("selection_c", "not a selection"),
            ("1 of nothing*", "no selection is named"),
            ("selection_a and", "ends where"),
            ("(selection_a", "not closed"),
            ("selection_a)", "without an opening"),
            ("selection_a selection_b", "expected `and`"),
            ("selection_a | count() > 5", "correlation"),
            ("3 of selection_*", "can never hold"),
            ("0 of them", "always holds"),
            ("or selection_a", "expected a selection"),
        ] {
            let reason = parse(text, &NAMES).unwrap_err();
            assert!(reason.contains(part), "{text}: {reason}");
        }
        assert!(
            parse(&format!("{}selection_a", "not ".repeat(100)), &NAMES)
                .unwrap_err()
                .contains("deeper")
        );
    }
}
