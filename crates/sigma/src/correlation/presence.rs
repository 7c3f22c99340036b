//! Which of a temporal correlation's references must occur, must not, and in what order.

use crate::correlation::expression::Expression;
use crate::correlation::limits::SEQUENCES_MAX;

/// References that must follow one another, and those that must not occur.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sequence {
    pub(super) steps: Vec<usize>,
    pub(super) forbidden: u64,
}

/// An extended condition over the bits of a presence word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Presence {
    Bit(usize),
    And(Vec<Presence>),
    Or(Vec<Presence>),
    Not(Box<Presence>),
}

impl Presence {
    pub(super) fn holds(&self, present: u64) -> bool {
        match self {
            Presence::Bit(bit) => present & (1 << bit) != 0,
            Presence::And(parts) => parts.iter().all(|part| part.holds(present)),
            Presence::Or(parts) => parts.iter().any(|part| part.holds(present)),
            Presence::Not(part) => !part.holds(present),
        }
    }

    pub(super) fn from_expression(expression: &Expression, position: &impl Fn(&str) -> usize) -> Presence {
        let all = |parts: &[Expression]| parts.iter().map(|part| Self::from_expression(part, position)).collect();
        match expression {
            Expression::Rule(name) => Presence::Bit(position(name)),
            Expression::And(parts) => Presence::And(all(parts)),
            Expression::Or(parts) => Presence::Or(all(parts)),
            Expression::Not(part) => Presence::Not(Box::new(Self::from_expression(part, position))),
        }
    }

    /// Returns the ways to make the presence hold, as pairs of bits that must and bits that must not be set; `None` beyond the limit.
    pub(super) fn terms(&self, wanted: bool) -> Option<Vec<(u64, u64)>> {
        let (parts, is_and) = match (self, wanted) {
            (Presence::Bit(bit), true) => return Some(vec![(1 << bit, 0)]),
            (Presence::Bit(bit), false) => return Some(vec![(0, 1 << bit)]),
            (Presence::Not(part), _) => return part.terms(!wanted),
            (Presence::And(parts), _) => (parts, wanted),
            (Presence::Or(parts), _) => (parts, !wanted),
        };
        let mut terms: Vec<(u64, u64)> = if is_and { vec![(0, 0)] } else { Vec::new() };
        for part in parts {
            let more = part.terms(wanted)?;
            terms = if is_and {
                let joined = terms
                    .iter()
                    .flat_map(|(with, without)| more.iter().map(move |(a, b)| (with | a, without | b)));
                joined.filter(|(with, without)| with & without == 0).collect()
            } else {
                terms.into_iter().chain(more).collect()
            };
            terms.sort_unstable();
            terms.dedup();
            if terms.len() > SEQUENCES_MAX {
                return None;
            }
        }
        Some(terms)
    }
}
