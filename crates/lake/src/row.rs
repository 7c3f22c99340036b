//! What the two tables of the lake have in common: events, and records that were refused.

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use jiff::{ToSpan, civil::Date, tz::Offset};
use model::{SourceId, Timestamp};

/// The name of a table, which is also its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    /// Events.
    Events,
    /// Refused records.
    Rejections,
}

impl Table {
    pub(crate) const ALL: [Self; 2] = [Self::Events, Self::Rejections];

    /// The folder of the table.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Rejections => "rejections",
        }
    }
}

/// A row of a table.
pub(crate) trait Row: Clone + Send + Sync + Sized + 'static {
    const TABLE: Table;

    fn schema() -> SchemaRef;
    /// Whether a column gets bloom filters.
    fn has_bloom(column: &str) -> bool;
    fn seq(&self) -> u64;
    fn source(&self) -> &SourceId;
    /// How many journal records it stands for.
    fn records(&self) -> u32;
    fn happened_at(&self) -> Timestamp;
    fn received_at(&self) -> Timestamp;
    /// About how many bytes it takes in memory.
    fn bytes(&self) -> usize;
    /// The order of rows in a file.
    fn order(&self, other: &Self) -> std::cmp::Ordering;
    /// Shows everything in which text is looked for.
    fn texts(&self, show: &mut dyn FnMut(&[u8]));
    fn encode(rows: &[&Self]) -> Result<RecordBatch, ArrowError>;
    fn decode(batch: &RecordBatch) -> Result<Vec<Self>, ArrowError>;
}

/// The day under which a row is kept: when it happened, if that is believable, otherwise when it was received. So clocks
/// that are wrong cannot make more than `days_back` + 2 folders a day.
pub(crate) fn day_of<R: Row>(row: &R, days_back: u16) -> Date {
    let day = |at: Timestamp| Offset::UTC.to_datetime(at).date();
    let (happened, received) = (day(row.happened_at()), day(row.received_at()));
    let earliest = received.saturating_sub(i32::from(days_back).days());
    let latest = received.saturating_add(1.day());
    if (earliest..=latest).contains(&happened) {
        happened
    } else {
        received
    }
}
