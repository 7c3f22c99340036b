//! Which rows are wanted, and how whole files, row groups and pages are passed over without reading them.

use std::{collections::BTreeSet, net::IpAddr, sync::Arc};

use arrow_array::{Array, BooleanArray, RecordBatch};
use arrow_schema::ArrowError;
use compact_str::CompactString;
use model::{EntityColumn, EntityRef, Event, Seq, SourceId, Timestamp};
use parquet::file::{metadata::RowGroupMetaData, statistics::Statistics};

use crate::{columns::Columns, entities::address_bytes, manifest::Facts, rejection_row::Refused, row::Row};

/// The value an entity column must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntityValue {
    /// Exactly this text.
    Text(CompactString),
    /// This address.
    Address(IpAddr),
    /// This number.
    Number(u32),
}

impl From<EntityRef<'_>> for EntityValue {
    fn from(value: EntityRef<'_>) -> Self {
        match value {
            EntityRef::Text(text) => Self::Text(text.clone()),
            EntityRef::Address(address) => Self::Address(*address),
            EntityRef::Number(number) => Self::Number(*number),
        }
    }
}

/// Which events are wanted: all conditions must hold. An absent condition holds always.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Happened at this moment or later.
    pub from: Option<Timestamp>,
    /// Happened before this moment.
    pub before: Option<Timestamp>,
    /// Sent by this source.
    pub source: Option<SourceId>,
    /// Columns that have these values.
    pub entities: Vec<(EntityColumn, EntityValue)>,
    /// Has one of these numbers.
    pub seqs: Option<Arc<BTreeSet<Seq>>>,
}

impl Filter {
    /// Everything that happened at this moment or later.
    #[must_use]
    pub fn since(from: Timestamp) -> Self {
        Self {
            from: Some(from),
            ..Self::default()
        }
    }

    pub(crate) fn of_seqs(seqs: &[Seq]) -> Self {
        let seqs = Some(Arc::new(seqs.iter().copied().collect()));
        Self {
            seqs,
            ..Self::default()
        }
    }

    fn matches(&self, row: &impl Row) -> bool {
        self.from.is_none_or(|from| from <= row.happened_at())
            && self.before.is_none_or(|before| row.happened_at() < before)
            && self.source.as_ref().is_none_or(|source| source == row.source())
            && self.seqs.as_ref().is_none_or(|seqs| seqs.contains(&row.seq()))
    }

    /// Whether a file of which these facts are known may have rows that are wanted.
    pub(crate) fn may_be_in(&self, facts: &Facts) -> bool {
        self.from
            .is_none_or(|from| from.as_microsecond() <= facts.happened_at.1)
            && self
                .before
                .is_none_or(|before| facts.happened_at.0 <= before.as_microsecond())
            && self
                .source
                .as_ref()
                .is_none_or(|source| facts.sources.contains_key(source))
            && self
                .seqs
                .as_ref()
                .is_none_or(|seqs| any_between(seqs, facts.seqs.0, facts.seqs.1))
    }

    /// The conditions, each on one column.
    pub(crate) fn tests(&self, time_column: &'static str) -> Vec<Test> {
        let mut tests = Vec::new();
        if let Some(seqs) = &self.seqs {
            tests.push(Test {
                column: "seq",
                wanted: Wanted::Seqs(Arc::clone(seqs)),
            });
        }
        if let Some(source) = &self.source {
            tests.push(Test {
                column: "source",
                wanted: Wanted::Text(source.as_str().into()),
            });
        }
        for (column, value) in &self.entities {
            let wanted = match value {
                EntityValue::Text(text) => Wanted::Text(text.clone()),
                EntityValue::Address(address) => Wanted::Address(address_bytes(*address)),
                EntityValue::Number(number) => Wanted::Number(*number),
            };
            tests.push(Test {
                column: column.ecs_name(),
                wanted,
            });
        }
        if self.from.is_some() || self.before.is_some() {
            let from = self.from.map_or(i64::MIN, Timestamp::as_microsecond);
            // Times are kept in microseconds: a bound inside one still takes in what happened at its beginning.
            let before = self.before.map_or(i64::MAX, |before| {
                before.as_microsecond() + i64::from(before.subsec_nanosecond() % 1000 > 0)
            });
            tests.push(Test {
                column: time_column,
                wanted: Wanted::Time { from, before },
            });
        }
        tests
    }
}

fn any_between(seqs: &BTreeSet<Seq>, min: Seq, max: Seq) -> bool {
    min <= max && seqs.range(min..=max).next().is_some()
}

/// A row that can be asked whether it is wanted.
pub(crate) trait Wantable: Row {
    const TIME_COLUMN: &'static str;
    fn is_wanted(&self, filter: &Filter) -> bool;
}

impl Wantable for Event {
    const TIME_COLUMN: &'static str = "happened_at";
    fn is_wanted(&self, filter: &Filter) -> bool {
        filter.matches(self)
            && filter.entities.iter().all(|(column, wanted)| {
                self.entities.get(*column).is_some_and(|value| match (value, wanted) {
                    (EntityRef::Address(has), EntityValue::Address(wanted)) => {
                        address_bytes(*has) == address_bytes(*wanted)
                    }
                    (value, wanted) => EntityValue::from(value) == *wanted,
                })
            })
    }
}

impl Wantable for Refused {
    const TIME_COLUMN: &'static str = "received_at";
    fn is_wanted(&self, filter: &Filter) -> bool {
        filter.matches(self) && filter.entities.is_empty()
    }
}

/// A condition on one column.
#[derive(Debug, Clone)]
pub(crate) struct Test {
    pub(crate) column: &'static str,
    pub(crate) wanted: Wanted,
}

#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    Text(CompactString),
    Address([u8; 16]),
    Number(u32),
    Seqs(Arc<BTreeSet<Seq>>),
    /// Microseconds since 1970: from, and before.
    Time {
        from: i64,
        before: i64,
    },
}

impl Test {
    /// Whether a row group may have rows that pass, as far as its statistics say.
    pub(crate) fn may_be_in(&self, group: &RowGroupMetaData, leaf: usize) -> bool {
        let Some(statistics) = group.column(leaf).statistics() else {
            return true;
        };
        match (&self.wanted, statistics) {
            (Wanted::Text(text), statistics) => bytes_within(text.as_bytes(), statistics),
            (Wanted::Address(address), statistics) => bytes_within(address, statistics),
            (Wanted::Number(number), Statistics::Int32(range)) => {
                let (min, max) = (range.min_opt(), range.max_opt());
                min.is_none_or(|min| min.cast_unsigned() <= *number)
                    && max.is_none_or(|max| *number <= max.cast_unsigned())
            }
            (Wanted::Seqs(seqs), Statistics::Int64(range)) => match (range.min_opt(), range.max_opt()) {
                (Some(min), Some(max)) => any_between(seqs, min.cast_unsigned(), max.cast_unsigned()),
                (_, _) => true,
            },
            (Wanted::Time { from, before }, Statistics::Int64(range)) => {
                range.max_opt().is_none_or(|max| from <= max) && range.min_opt().is_none_or(|min| min < before)
            }
            (Wanted::Number(_) | Wanted::Seqs(_) | Wanted::Time { .. }, _) => true,
        }
    }

    /// The bytes to ask a bloom filter for, where there can be one.
    pub(crate) fn bloom_bytes(&self) -> Option<&[u8]> {
        match &self.wanted {
            Wanted::Text(text) => Some(text.as_bytes()),
            Wanted::Address(address) => Some(address),
            Wanted::Number(_) | Wanted::Seqs(_) | Wanted::Time { .. } => None,
        }
    }

    /// Which rows of a batch pass.
    pub(crate) fn pass(&self, batch: &RecordBatch) -> Result<BooleanArray, ArrowError> {
        let columns = Columns(batch);
        let rows = 0..batch.num_rows();
        let passed: Vec<bool> = match &self.wanted {
            Wanted::Text(text) => {
                let array = columns.texts(self.column)?;
                rows.map(|row| array.is_valid(row) && array.value(row) == text)
                    .collect()
            }
            Wanted::Address(address) => {
                let array = columns.addresses(self.column)?;
                rows.map(|row| array.is_valid(row) && array.value(row) == address)
                    .collect()
            }
            Wanted::Number(number) => {
                let array = columns.u32s(self.column)?;
                rows.map(|row| array.is_valid(row) && array.value(row) == *number)
                    .collect()
            }
            Wanted::Seqs(seqs) => {
                let array = columns.u64s(self.column)?;
                rows.map(|row| seqs.contains(&array.value(row))).collect()
            }
            Wanted::Time { from, before } => {
                let array = columns.times(self.column)?;
                rows.map(|row| (*from..*before).contains(&array.value(row))).collect()
            }
        };
        Ok(BooleanArray::from(passed))
    }
}

fn bytes_within(bytes: &[u8], statistics: &Statistics) -> bool {
    statistics.min_bytes_opt().is_none_or(|min| min <= bytes)
        && statistics.max_bytes_opt().is_none_or(|max| bytes <= max)
}
