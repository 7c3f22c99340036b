//! Measurements: what was found when a control was looked at, with everything needed to check it again later.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// How a measurement judged its control. Only what holds is green.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The value is within its bound.
    Holds,
    /// It could not be measured; the reason is in `note`.
    Unknown,
    /// The value is out of its bound.
    FallsShort,
}

/// The bound that a value was held against.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Holds when the value is at most this.
    AtMost(f64),
    /// Holds when the value is at least this.
    AtLeast(f64),
}

impl Bound {
    /// Whether a value is within the bound.
    #[must_use]
    pub fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }
}

/// The unit of a measured value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Things counted.
    Count,
    /// A share of the population in percent, 0 to 100.
    Percent,
    /// Seconds.
    Seconds,
}

/// What was found when a control was looked at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Which control (`sources.reporting`); a saved hunt measures as `hunt/<its key>`, a question as `question/<its key>`.
    pub control: CompactString,
    /// When it was looked at.
    pub at: Timestamp,
    /// From when on it looked; until `at`.
    pub window_from: Timestamp,
    /// The value; absent when it could not be measured.
    pub value: Option<f64>,
    /// The unit of the value.
    pub unit: Unit,
    /// The bound it was held against.
    pub bound: Bound,
    /// Among how many things.
    pub population: u64,
    /// Those that fell short (`source/syslog/203.0.113.7`, `alert/…`), at most [`Measurement::FAILED_MAX`].
    pub failed: Vec<CompactString>,
    /// How many fell short altogether.
    pub failed_count: u64,
    /// What was asked, so that it can be asked again.
    pub query: String,
    /// SHA-256 of the query, lower-case hexadecimal.
    pub query_hash: String,
    /// How it is judged.
    pub finding: Finding,
    /// Why it could not be measured, or what else a reader should know.
    pub note: Option<String>,
    /// From when on it says nothing any more.
    pub expires_at: Timestamp,
}

impl Measurement {
    /// Most failed subjects that are named; `failed_count` has them all.
    pub const FAILED_MAX: usize = 100;
}

/// One point of a trend.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TrendPoint {
    /// When.
    pub at: Timestamp,
    /// The value, where there was one.
    pub value: Option<f64>,
    /// How it was judged.
    pub finding: Finding,
}
