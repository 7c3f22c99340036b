//! Conditions: comparisons of variables in the STIX patterning grammar (STIX 2.1 section 9), as section 4.8 wants them.

use std::{cmp::Ordering, fmt, net::IpAddr};

use serde::{Deserialize, Serialize};

/// A condition over variables, as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Condition {
    text: String,
    root: Node,
}

/// Why a condition cannot be read: at which byte, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: {what}")]
pub struct ConditionError {
    /// The character, from 1.
    pub at: usize,
    /// What is wrong.
    pub what: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Any(Vec<Node>),
    All(Vec<Node>),
    Not(Box<Node>),
    Compare {
        left: Operand,
        operator: Operator,
        right: Vec<Operand>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Operand {
    Variable(String),
    Constant(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Like,
    Matches,
    IsSubset,
    IsSuperset,
}

const SYMBOLS: [(&str, Operator); 8] = [
    ("==", Operator::Equal),
    ("!=", Operator::Unequal),
    ("<>", Operator::Unequal),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

const WORDS: [(&str, Operator); 5] = [
    ("IN", Operator::In),
    ("LIKE", Operator::Like),
    ("MATCHES", Operator::Matches),
    ("ISSUBSET", Operator::IsSubset),
    ("ISSUPERSET", Operator::IsSuperset),
];

const DEPTH_MAX: usize = 32;

impl Condition {
    /// Reads a condition, with or without STIX's square brackets around it.
    ///
    /// # Errors
    /// The place and what is wrong there.
    pub fn read(text: &str) -> Result<Self, ConditionError> {
        if text.len() > crate::CONDITION_BYTES_MAX {
            return Err(ConditionError {
                at: 1,
                what: format!("longer than {} bytes", crate::CONDITION_BYTES_MAX),
            });
        }
        let inner = text.trim();
        let bare = inner
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(inner);
        let mut parser = Parser { text, rest: bare };
        let root = parser.any(0)?;
        parser.skip();
        if parser.rest.is_empty() {
            Ok(Self {
                text: text.to_owned(),
                root,
            })
        } else {
            Err(parser.error("expected AND, OR or the end".to_owned()))
        }
    }

    /// Whether it holds. A comparison with a variable that has no value does not hold.
    #[must_use]
    pub fn holds(&self, value: &dyn Fn(&str) -> Option<String>) -> bool {
        self.root.holds(value)
    }

    /// The names of the variables it reads.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.root.collect(&mut names);
        names
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl TryFrom<String> for Condition {
    type Error = ConditionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::read(&text)
    }
}

impl From<Condition> for String {
    fn from(condition: Condition) -> Self {
        condition.text
    }
}

impl Node {
    fn holds(&self, value: &dyn Fn(&str) -> Option<String>) -> bool {
        match self {
            Self::Any(nodes) => nodes.iter().any(|node| node.holds(value)),
            Self::All(nodes) => nodes.iter().all(|node| node.holds(value)),
            Self::Not(node) => !node.holds(value),
            Self::Compare { left, operator, right } => {
                let Some(left) = left.value(value) else { return false };
                let compared = |right: &Operand| right.value(value).is_some_and(|right| operator.holds(&left, &right));
                right.iter().any(compared)
            }
        }
    }

    fn collect<'a>(&'a self, names: &mut Vec<&'a str>) {
        match self {
            Self::Any(nodes) | Self::All(nodes) => nodes.iter().for_each(|node| node.collect(names)),
            Self::Not(node) => node.collect(names),
            Self::Compare { left, right, .. } => {
                names.extend(std::iter::once(left).chain(right).filter_map(|operand| match operand {
                    Operand::Variable(name) => Some(name.as_str()),
                    Operand::Constant(_) => None,
                }));
            }
        }
    }
}

impl Operand {
    fn value(&self, value: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        match self {
            Self::Variable(name) => value(name),
            Self::Constant(text) => Some(text.clone()),
        }
    }
}

impl Operator {
    fn holds(self, left: &str, right: &str) -> bool {
        match self {
            Self::Equal | Self::In => left == right || ordered(left, right) == Some(Ordering::Equal),
            Self::Unequal => !Self::Equal.holds(left, right),
            Self::Less => ordered(left, right) == Some(Ordering::Less),
            Self::LessOrEqual => matches!(ordered(left, right), Some(Ordering::Less | Ordering::Equal)),
            Self::Greater => ordered(left, right) == Some(Ordering::Greater),
            Self::GreaterOrEqual => matches!(ordered(left, right), Some(Ordering::Greater | Ordering::Equal)),
            Self::Like => like(left, right),
            Self::Matches => regex::Regex::new(right).is_ok_and(|pattern| pattern.is_match(left)),
            Self::IsSubset => contains(right, left),
            Self::IsSuperset => contains(left, right),
        }
    }
}

/// Numbers are compared as numbers, everything else as text.
fn ordered(left: &str, right: &str) -> Option<Ordering> {
    if let (Ok(left), Ok(right)) = (left.parse::<i64>(), right.parse::<i64>()) {
        return Some(left.cmp(&right));
    }
    match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(left), Ok(right)) => left.partial_cmp(&right),
        _ => Some(left.cmp(right)),
    }
}

/// SQL's LIKE: `%` any run, `_` any character.
fn like(text: &str, pattern: &str) -> bool {
    let mut expression = String::from("(?s)^");
    for character in pattern.chars() {
        match character {
            '%' => expression.push_str(".*"),
            '_' => expression.push('.'),
            other => expression.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    expression.push('$');
    regex::Regex::new(&expression).is_ok_and(|expression| expression.is_match(text))
}

/// Whether one address or network lies within another.
fn contains(outer: &str, inner: &str) -> bool {
    let (Some((outer, outer_bits)), Some((inner, inner_bits))) = (network(outer), network(inner)) else {
        return false;
    };
    let width = match (outer, inner) {
        (IpAddr::V4(_), IpAddr::V4(_)) => 32,
        (IpAddr::V6(_), IpAddr::V6(_)) => 128,
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
    };
    let free = width - outer_bits;
    outer_bits <= inner_bits && bits(outer).checked_shr(free) == bits(inner).checked_shr(free)
}

fn network(text: &str) -> Option<(IpAddr, u32)> {
    let (address, length) = text
        .split_once('/')
        .map_or((text, None), |(address, length)| (address, Some(length)));
    let address: IpAddr = address.parse().ok()?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let length = length.map_or(Some(width), |length| length.parse().ok())?;
    (length <= width).then_some((address, length))
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
}

impl Parser<'_> {
    fn any(&mut self, depth: usize) -> Result<Node, ConditionError> {
        let mut nodes = vec![self.all(depth)?];
        while self.word("OR") {
            nodes.push(self.all(depth)?);
        }
        Ok(if nodes.len() == 1 {
            nodes.remove(0)
        } else {
            Node::Any(nodes)
        })
    }

    fn all(&mut self, depth: usize) -> Result<Node, ConditionError> {
        let mut nodes = vec![self.one(depth)?];
        while self.word("AND") {
            nodes.push(self.one(depth)?);
        }
        Ok(if nodes.len() == 1 {
            nodes.remove(0)
        } else {
            Node::All(nodes)
        })
    }

    fn one(&mut self, depth: usize) -> Result<Node, ConditionError> {
        if depth > DEPTH_MAX {
            return Err(self.error(format!("nested deeper than {DEPTH_MAX}")));
        }
        if self.word("NOT") {
            return Ok(Node::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.symbol("(") {
            let node = self.any(depth + 1)?;
            return if self.symbol(")") {
                Ok(node)
            } else {
                Err(self.error("expected ')'".to_owned()))
            };
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Node, ConditionError> {
        let left = self.operand()?;
        let negated = self.word("NOT");
        let operator = self.operator()?;
        let right = if operator == Operator::In {
            self.set()?
        } else {
            vec![self.operand()?]
        };
        if let (Operator::Matches, [Operand::Constant(pattern)]) = (operator, right.as_slice())
            && let Err(error) = regex::Regex::new(pattern)
        {
            let last = error.to_string().lines().last().unwrap_or_default().to_owned();
            return Err(self.error(format!("not a regular expression: {last}")));
        }
        let compare = Node::Compare { left, operator, right };
        Ok(if negated { Node::Not(Box::new(compare)) } else { compare })
    }

    fn operator(&mut self) -> Result<Operator, ConditionError> {
        if let Some((_, operator)) = WORDS.into_iter().find(|(word, _)| self.word(word)) {
            return Ok(operator);
        }
        SYMBOLS
            .into_iter()
            .find(|(symbol, _)| self.symbol(symbol))
            .map(|(_, operator)| operator)
            .ok_or_else(|| self.error("expected a comparison (=, !=, <, >, IN, LIKE, MATCHES, ISSUBSET …)".to_owned()))
    }

    fn set(&mut self) -> Result<Vec<Operand>, ConditionError> {
        if !self.symbol("(") {
            return Err(self.error("expected '(' after IN".to_owned()));
        }
        let mut items = vec![self.operand()?];
        while self.symbol(",") {
            items.push(self.operand()?);
        }
        if self.symbol(")") {
            Ok(items)
        } else {
            Err(self.error("expected ',' or ')'".to_owned()))
        }
    }

    fn operand(&mut self) -> Result<Operand, ConditionError> {
        self.skip();
        if self.rest.starts_with('\'') {
            return self.quoted();
        }
        let end = self
            .rest
            .find(|character: char| character.is_whitespace() || "()=!<>,'[]".contains(character))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        let operand = match word.strip_suffix(":value") {
            Some(name) if crate::variable::is_name(name) => Operand::Variable(name.to_owned()),
            _ if matches!(word, "true" | "false") || word.parse::<f64>().is_ok() => Operand::Constant(word.to_owned()),
            _ => return Err(self.error("expected '__variable__:value', a number or a text in quotes".to_owned())),
        };
        self.rest = rest;
        Ok(operand)
    }

    fn quoted(&mut self) -> Result<Operand, ConditionError> {
        let mut text = String::new();
        let mut characters = self.rest.char_indices().skip(1);
        while let Some((at, character)) = characters.next() {
            match character {
                '\'' => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(Operand::Constant(text));
                }
                '\\' => text.extend(characters.next().map(|(_, escaped)| escaped)),
                other => text.push(other),
            }
        }
        Err(self.error("the quote is not closed".to_owned()))
    }

    /// Takes a word of the grammar, in any case, when it is next.
    fn word(&mut self, word: &str) -> bool {
        self.skip();
        let Some(head) = self.rest.get(..word.len()) else {
            return false;
        };
        let rest = &self.rest[word.len()..];
        let ends = rest
            .chars()
            .next()
            .is_none_or(|next| next.is_whitespace() || "('".contains(next));
        let taken = ends && head.eq_ignore_ascii_case(word);
        if taken {
            self.rest = rest;
        }
        taken
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        self.skip();
        self.rest.strip_prefix(symbol).map(|rest| self.rest = rest).is_some()
    }

    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn error(&self, what: String) -> ConditionError {
        let offset = self.rest.as_ptr().addr().saturating_sub(self.text.as_ptr().addr());
        let before = self.text.get(..offset).unwrap_or(self.text);
        ConditionError {
            at: before.chars().count() + 1,
            what,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Condition;
    use proptest::prelude::*;

    fn holds(text: &str) -> bool {
        let value = |name: &str| match name {
            "__n__" => Some("10".to_owned()),
            "__ip__" => Some("203.0.113.9".to_owned()),
            "__s__" => Some("lừa đảo".to_owned()),
            _ => None,
        };
        Condition::read(text).unwrap().holds(&value)
    }

    #[test]
    fn comparisons_hold_or_do_not() {
        let cases = [
            ("__n__:value == '10'", true),
            ("__n__:value = 10.0", true),
            ("__n__:value > 9", true),
            ("[__n__:value < '9']", false),
            ("__s__:value LIKE 'l_a %'", true),
            ("__s__:value MATCHES '^lừa\\\\s'", true),
            ("__ip__:value ISSUBSET '203.0.113.0/24'", true),
            ("'0.0.0.0/0' ISSUPERSET __ip__:value", true),
            ("__ip__:value ISSUBSET '2001:db8::/32'", false),
            ("__n__:value IN (1, 2, '10')", true),
            ("__n__:value NOT IN (1, 2)", true),
            ("NOT (__n__:value = 1 OR __n__:value = 10)", false),
            ("__n__:value = 1 OR __n__:value = 10 AND __s__:value != 'x'", true),
            ("__missing__:value != 'x'", false),
        ];
        for (text, expected) in cases {
            assert_eq!(holds(text), expected, "{text}");
        }
    }

    #[test]
    fn an_error_names_the_place() {
        let cases = [
            ("", 1),
            ("__a__ = 1", 1),
            ("__a__:value", 12),
            ("__a__:value = 'x", 15),
            ("__a__:value = 1 AND", 20),
            ("(__a__:value = 1", 17),
            ("__a__:value MATCHES '('", 24),
            ("__a__:value = 1 x", 17),
        ];
        for (text, at) in cases {
            assert_eq!(Condition::read(text).map_err(|error| error.at), Err(at), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
            let _ = Condition::read(&text);
        }

        #[test]
        fn words_of_the_grammar_in_any_order_do_no_harm(words in prop::collection::vec(
            prop::sample::select(vec!["NOT", "(", ")", "AND", "OR", "__a__:value", "=", "'x'", "IN", ",", "[", "]", "'"]), 0..60,
        )) {
            if let Ok(condition) = Condition::read(&words.join(" ")) {
                let _ = condition.holds(&|_| Some("x".to_owned()));
            }
        }
    }
}
