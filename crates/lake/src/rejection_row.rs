//! The table of refused records: what arrived, why it was refused and what exactly was wrong.

use std::{
    cmp::Ordering,
    sync::{Arc, LazyLock},
};

use arrow_array::{Array, ArrayRef, BinaryArray, BooleanArray, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use model::{FormatHint, RawRecord, Rejection, Seq, SourceId, Timestamp};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    columns::{Columns, not_ours, texts, time_at, time_type, times},
    row::{Row, Table},
};

/// A refused record with its number in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The journal's number of the entry.
    pub seq: Seq,
    /// What was refused and why.
    pub rejection: Rejection,
}

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("seq", DataType::UInt64, false),
        Field::new("source", DataType::Utf8, false),
        Field::new("received_at", time_type(), false),
        Field::new("transport", DataType::Utf8, false),
        Field::new("origin", DataType::Utf8, false),
        Field::new("format", DataType::Utf8, true),
        Field::new("exercise", DataType::Boolean, false),
        Field::new("reason", DataType::Utf8, false),
        Field::new("detail", DataType::Utf8, false),
        Field::new("bytes", DataType::Binary, false),
    ]))
});

/// The name under which serde knows a variant without data.
fn name_of(value: impl Serialize) -> Result<String, ArrowError> {
    let name = serde_json::to_value(value).map_err(not_ours)?;
    name.as_str().map(str::to_owned).ok_or_else(|| not_ours("a name"))
}

fn named<T: DeserializeOwned>(name: &str) -> Result<T, ArrowError> {
    serde_json::from_value(name.into()).map_err(not_ours)
}

impl Row for Refused {
    const TABLE: Table = Table::Rejections;

    fn schema() -> SchemaRef {
        SchemaRef::clone(&SCHEMA)
    }
    fn has_bloom(column: &str) -> bool {
        column == "source"
    }
    fn seq(&self) -> u64 {
        self.seq
    }
    fn source(&self) -> &SourceId {
        &self.rejection.record.source
    }
    fn records(&self) -> u32 {
        1
    }
    fn happened_at(&self) -> Timestamp {
        self.rejection.record.received_at
    }
    fn received_at(&self) -> Timestamp {
        self.rejection.record.received_at
    }
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.rejection.record.bytes.len() + self.rejection.detail.len()
    }
    fn order(&self, other: &Self) -> Ordering {
        self.source().cmp(other.source()).then_with(|| self.seq.cmp(&other.seq))
    }
    fn texts(&self, show: &mut dyn FnMut(&[u8])) {
        show(&self.rejection.record.bytes);
    }
    fn encode(rows: &[&Self]) -> Result<RecordBatch, ArrowError> {
        let records = || rows.iter().map(|row| &row.rejection.record);
        let transports: Vec<String> = records()
            .map(|record| name_of(record.transport))
            .collect::<Result<_, _>>()?;
        let reasons: Vec<String> = rows
            .iter()
            .map(|row| name_of(row.rejection.reason))
            .collect::<Result<_, _>>()?;
        let formats = records().map(|record| match &record.format {
            FormatHint::Unknown => None,
            FormatHint::Named(name) => Some(name.as_str()),
        });
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.seq))),
            texts(records().map(|record| record.source.as_str())),
            times(records().map(|record| record.received_at)),
            texts(transports.iter().map(String::as_str)),
            texts(records().map(|record| record.origin.as_str())),
            Arc::new(formats.collect::<StringArray>()),
            Arc::new(records().map(|record| Some(record.exercise)).collect::<BooleanArray>()),
            texts(reasons.iter().map(String::as_str)),
            texts(rows.iter().map(|row| row.rejection.detail.as_str())),
            Arc::new(BinaryArray::from_iter_values(records().map(|record| &record.bytes))),
        ];
        RecordBatch::try_new(Self::schema(), columns)
    }
    fn decode(batch: &RecordBatch) -> Result<Vec<Self>, ArrowError> {
        let columns = Columns(batch);
        let (seqs, sources, received) = (
            columns.u64s("seq")?,
            columns.texts("source")?,
            columns.times("received_at")?,
        );
        let (transports, origins) = (columns.texts("transport")?, columns.texts("origin")?);
        let (formats, exercise) = (columns.texts("format")?, columns.bools("exercise")?);
        let (reasons, details, bytes) = (
            columns.texts("reason")?,
            columns.texts("detail")?,
            columns.bytes("bytes")?,
        );
        (0..seqs.len())
            .map(|row| {
                let format = if formats.is_valid(row) {
                    FormatHint::Named(formats.value(row).into())
                } else {
                    FormatHint::Unknown
                };
                let record = RawRecord {
                    source: SourceId::new(sources.value(row)),
                    received_at: time_at(received, row)?,
                    transport: named(transports.value(row))?,
                    origin: origins.value(row).into(),
                    format,
                    exercise: exercise.value(row),
                    bytes: bytes.value(row).to_vec().into(),
                };
                let (reason, detail) = (named(reasons.value(row))?, details.value(row).to_owned());
                Ok(Self {
                    seq: seqs.value(row),
                    rejection: Rejection { record, reason, detail },
                })
            })
            .collect()
    }
}
