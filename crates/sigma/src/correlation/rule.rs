//! The parts of a correlation document (Sigma correlation rules specification 2.1, with the aggregations of its schema).

use crate::correlation::expression::Expression;
use crate::yaml::Position;

/// The `correlation` section of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Correlation {
    /// What is measured over the window.
    pub kind: CorrelationKind,
    /// The rules and correlations that feed it, by `id` or `name`, in the order written.
    pub rules: Vec<Reference>,
    /// The fields whose equal values form one group; empty means one group for everything.
    pub group_by: Vec<String>,
    /// The window, in microseconds.
    pub timespan_us: i64,
    /// Names that stand for different fields in different rules.
    pub aliases: Vec<Alias>,
    /// When the measure makes a match.
    pub condition: Condition,
    /// True when the rules that feed it also report on their own.
    pub generate: bool,
    /// Where the section begins.
    pub at: Position,
}

/// The types of correlation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CorrelationKind {
    /// Counts events.
    EventCount,
    /// Counts the distinct values of the condition's `field`.
    ValueCount,
    /// Sums the numbers in `field`.
    ValueSum,
    /// Averages the numbers in `field`.
    ValueAvg,
    /// Takes the least number in `field`.
    ValueMin,
    /// Takes the greatest number in `field`.
    ValueMax,
    /// Takes the number in `field` below which `percentile` per cent of them lie, with linear interpolation.
    ValuePercentile,
    /// Takes the middle number in `field`: the 50th percentile.
    ValueMedian,
    /// Counts which of the rules occur, in any order.
    Temporal,
    /// Counts which of the rules occur in the order written.
    TemporalOrdered,
}

impl CorrelationKind {
    /// Every kind with the word that a document writes for it.
    pub const ALL: [(CorrelationKind, &'static str); 10] = [
        (CorrelationKind::EventCount, "event_count"),
        (CorrelationKind::ValueCount, "value_count"),
        (CorrelationKind::ValueSum, "value_sum"),
        (CorrelationKind::ValueAvg, "value_avg"),
        (CorrelationKind::ValueMin, "value_min"),
        (CorrelationKind::ValueMax, "value_max"),
        (CorrelationKind::ValuePercentile, "value_percentile"),
        (CorrelationKind::ValueMedian, "value_median"),
        (CorrelationKind::Temporal, "temporal"),
        (CorrelationKind::TemporalOrdered, "temporal_ordered"),
    ];

    /// Returns the word that a document writes for the kind.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(kind, _)| *kind == self)
            .map_or("", |(_, name)| name)
    }

    /// Returns true for the two kinds that look at which rules occur.
    #[must_use]
    pub fn is_temporal(self) -> bool {
        matches!(self, CorrelationKind::Temporal | CorrelationKind::TemporalOrdered)
    }

    /// Returns true for the kinds that need `condition.field`.
    #[must_use]
    pub fn needs_field(self) -> bool {
        !self.is_temporal() && self != CorrelationKind::EventCount
    }
}

/// A rule or correlation named by its `id` or `name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The `id` or `name`.
    pub to: String,
    /// Where it is written.
    pub at: Position,
}

/// A name that stands for a different field in each rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The name that `group-by` uses.
    pub name: String,
    /// For each rule (by the reference used in `rules`), the field of its events.
    pub fields: Vec<(Reference, String)>,
}

/// When a measure makes a match.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// All comparisons must hold.
    Compare {
        /// The comparisons; at least one.
        comparisons: Vec<Comparison>,
        /// The fields measured: none for counts of events, one or more for `value_count`, one for the others.
        fields: Vec<String>,
        /// The percentile in per cent, from 0 to 100.
        percentile: Option<f64>,
    },
    /// A condition over which rules occur, for the temporal kinds.
    Expression(Expression),
}

/// One comparison of the measure with a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// How it is compared.
    pub operator: Operator,
    /// The number on the right.
    pub number: f64,
}

/// The comparisons of a correlation condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `gt`
    Greater,
    /// `gte`
    GreaterOrEqual,
    /// `lt`
    Less,
    /// `lte`
    LessOrEqual,
    /// `eq`
    Equal,
    /// `neq`
    NotEqual,
}

impl Operator {
    /// Every operator with the word that a document writes for it.
    pub const ALL: [(Operator, &'static str); 6] = [
        (Operator::Greater, "gt"),
        (Operator::GreaterOrEqual, "gte"),
        (Operator::Less, "lt"),
        (Operator::LessOrEqual, "lte"),
        (Operator::Equal, "eq"),
        (Operator::NotEqual, "neq"),
    ];
}

impl Comparison {
    /// Returns whether the comparison holds for a measure.
    #[must_use]
    pub fn holds(self, measure: f64) -> bool {
        match self.operator {
            Operator::Greater => measure > self.number,
            Operator::GreaterOrEqual => measure >= self.number,
            Operator::Less => measure < self.number,
            Operator::LessOrEqual => measure <= self.number,
            Operator::Equal => (measure - self.number).abs() <= f64::EPSILON * measure.abs().max(1.0),
            Operator::NotEqual => (measure - self.number).abs() > f64::EPSILON * measure.abs().max(1.0),
        }
    }

    /// Returns true for `gt` and `gte`.
    #[must_use]
    pub fn is_lower_bound(self) -> bool {
        matches!(self.operator, Operator::Greater | Operator::GreaterOrEqual)
    }

    /// Returns true for `lt` and `lte`.
    #[must_use]
    pub fn is_upper_bound(self) -> bool {
        matches!(self.operator, Operator::Less | Operator::LessOrEqual)
    }
}
