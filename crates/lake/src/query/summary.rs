//! What is told about the events of a hunt beside the events: how many, when, and the most frequent values of some columns.

use std::collections::HashMap;

use arrow_array::{Array, RecordBatch, cast::AsArray, types::TimestampMicrosecondType};
use arrow_schema::DataType;
use datafusion::arrow::compute::cast;
use model::Timestamp;

use super::{HuntError, hunt::Hunt};

/// Bars of a histogram at most.
pub const BARS_MAX: usize = 80;
/// Events of which values are counted; the newest come first.
pub const FACETED_EVENTS_MAX: u64 = 2_000_000;
/// Different values of a column that are counted at most.
const FACET_VALUES_MAX: usize = 50_000;
/// Longest value that is counted as it is, in bytes.
const VALUE_BYTES_MAX: usize = 1024;

/// The widths that a bar may have, in seconds.
const WIDTHS: [i64; 18] = [
    1, 5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000,
];

/// A span of time cut into bars of equal width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// When the first bar begins, in seconds since 1970.
    pub first: i64,
    /// The width of a bar in seconds.
    pub seconds: i64,
    /// How many bars.
    pub bars: usize,
}

impl Span {
    /// Cuts the time between two moments, the second of which no longer belongs to it.
    #[must_use]
    pub fn of((from, before): (Timestamp, Timestamp)) -> Self {
        let begin = from.as_second();
        let end = before.as_second() + i64::from(before.subsec_nanosecond() > 0);
        let length = (end - begin).max(1);
        let bars_max = i64::try_from(BARS_MAX).unwrap_or(i64::MAX);
        let fits = |seconds: &&i64| length / **seconds + 2 <= bars_max;
        let widest = WIDTHS[WIDTHS.len() - 1];
        let seconds = WIDTHS
            .iter()
            .find(fits)
            .copied()
            .unwrap_or_else(|| (length / (bars_max - 2) / widest + 1) * widest);
        let first = begin.div_euclid(seconds) * seconds;
        let bars = usize::try_from((end - first).div_euclid(seconds) + i64::from((end - first) % seconds > 0));
        Self {
            first,
            seconds,
            bars: bars.unwrap_or(0).clamp(1, BARS_MAX),
        }
    }

    fn bar(&self, micros: i64) -> usize {
        let place = (micros.div_euclid(1_000_000) - self.first).div_euclid(self.seconds);
        usize::try_from(place).unwrap_or(0).min(self.bars - 1)
    }
}

/// The most frequent values of a column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facet {
    /// The column.
    pub name: String,
    /// The values and how often each occurs, most frequent first.
    pub values: Vec<(String, u64)>,
    /// Events without a value.
    pub missing: u64,
    /// Events with a value that is not among those counted.
    pub others: u64,
    /// How many different values were counted.
    pub distinct: u64,
}

/// What is told about the events of a hunt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Events.
    pub total: u64,
    /// When the bars are.
    pub span: Span,
    /// Events in each bar.
    pub histogram: Vec<u64>,
    /// The columns.
    pub facets: Vec<Facet>,
    /// Of how many events the values were counted.
    pub faceted: u64,
}

/// A summary in the making.
#[derive(Debug)]
pub struct Summing {
    /// The hunt beneath.
    pub hunt: Hunt,
    span: Span,
    total: u64,
    histogram: Vec<u64>,
    faceted: u64,
    facets: Vec<Counting>,
}

#[derive(Debug)]
struct Counting {
    name: String,
    values: HashMap<Box<str>, u64>,
    missing: u64,
    others: u64,
}

impl Summing {
    pub(crate) fn new(hunt: Hunt, span: Span, names: Vec<String>) -> Self {
        let counting = |name| Counting {
            name,
            values: HashMap::new(),
            missing: 0,
            others: 0,
        };
        Self {
            hunt,
            span,
            total: 0,
            histogram: vec![0; span.bars],
            faceted: 0,
            facets: names.into_iter().map(counting).collect(),
        }
    }

    /// Takes in some events; says whether there may be more.
    ///
    /// # Errors
    /// The hunt failed.
    pub fn advance_blocking(&mut self) -> Result<bool, HuntError> {
        match self.hunt.next_blocking()? {
            None => Ok(false),
            Some(batch) => self.take(&batch).map(|()| true),
        }
    }

    fn take(&mut self, batch: &RecordBatch) -> Result<(), HuntError> {
        let failed = |error: arrow_schema::ArrowError| HuntError::Failed(error.to_string());
        let times = batch.column(0).as_primitive_opt::<TimestampMicrosecondType>();
        for micros in times.into_iter().flat_map(|times| times.values().iter()) {
            self.histogram[self.span.bar(*micros)] += 1;
        }
        self.total += batch.num_rows() as u64;
        if self.faceted >= FACETED_EVENTS_MAX {
            return Ok(());
        }
        self.faceted += batch.num_rows() as u64;
        for (counting, column) in self.facets.iter_mut().zip(batch.columns().iter().skip(1)) {
            counting.take(&cast(column, &DataType::Utf8View).map_err(failed)?);
        }
        Ok(())
    }

    /// What is known by now, with `values_max` values for each column.
    #[must_use]
    pub fn summary(&self, values_max: usize) -> Summary {
        Summary {
            total: self.total,
            span: self.span,
            histogram: self.histogram.clone(),
            facets: self.facets.iter().map(|counting| counting.facet(values_max)).collect(),
            faceted: self.faceted,
        }
    }
}

impl Counting {
    fn take(&mut self, column: &dyn Array) {
        let texts = column.as_string_view();
        // Neighbours are often alike: they are counted together.
        let mut run: Option<(&str, u64)> = None;
        for text in texts {
            match (text, &mut run) {
                (None, _) => self.missing += 1,
                (Some(text), Some((same, count))) if text == *same => *count += 1,
                (Some(text), _) => {
                    if let Some((text, count)) = run.replace((text, 1)) {
                        self.count(text, count);
                    }
                }
            }
        }
        if let Some((text, count)) = run {
            self.count(text, count);
        }
    }

    fn count(&mut self, text: &str, times: u64) {
        if let Some(count) = self.values.get_mut(text) {
            *count += times;
        } else if self.values.len() < FACET_VALUES_MAX && text.len() <= VALUE_BYTES_MAX {
            self.values.insert(text.into(), times);
        } else {
            self.others += times;
        }
    }

    fn facet(&self, values_max: usize) -> Facet {
        let mut values: Vec<(&str, u64)> = self
            .values
            .iter()
            .map(|(text, count)| (text.as_ref(), *count))
            .collect();
        values.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let shown = values.iter().take(values_max);
        Facet {
            name: self.name.clone(),
            values: shown.map(|(text, count)| ((*text).to_owned(), *count)).collect(),
            missing: self.missing,
            others: self.others + values.iter().skip(values_max).map(|(_, count)| count).sum::<u64>(),
            distinct: values.len() as u64,
        }
    }
}
