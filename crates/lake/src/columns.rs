//! Typed access to the columns of a batch, by name: a file from elsewhere with other columns is an error, not a panic.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, ListArray, MapArray, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt32Array, UInt64Array,
    cast::AsArray,
    types::{TimestampMicrosecondType, UInt32Type, UInt64Type},
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{ArrowError, DataType, Field, TimeUnit};
use model::Timestamp;

pub(crate) const UTC: &str = "UTC";

pub(crate) fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()))
}

pub(crate) fn list_item() -> Arc<Field> {
    Arc::new(Field::new("element", DataType::Utf8, false))
}

pub(crate) fn times(values: impl Iterator<Item = Timestamp>) -> ArrayRef {
    let micros = values.map(Timestamp::as_microsecond);
    Arc::new(TimestampMicrosecondArray::from_iter_values(micros).with_timezone(UTC))
}

pub(crate) fn texts<'a>(values: impl Iterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

/// A list of texts for each row.
pub(crate) fn text_lists<T: AsRef<str>>(rows: impl Iterator<Item = Vec<T>>) -> Result<ArrayRef, ArrowError> {
    let mut lengths = Vec::new();
    let mut items = Vec::new();
    for row in rows {
        lengths.push(row.len());
        items.extend(row);
    }
    let values = StringArray::from_iter_values(items.iter().map(AsRef::as_ref));
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(
        list_item(),
        offsets,
        Arc::new(values),
        None::<NullBuffer>,
    )?))
}

/// Reads columns by name.
pub(crate) struct Columns<'a>(pub(crate) &'a RecordBatch);

impl<'a> Columns<'a> {
    fn column<T>(&self, name: &str, cast: impl FnOnce(&'a dyn Array) -> Option<&'a T>) -> Result<&'a T, ArrowError> {
        self.0
            .column_by_name(name)
            .and_then(|column| cast(column.as_ref()))
            .ok_or_else(|| ArrowError::SchemaError(format!("there is no column {name} of the expected type")))
    }

    pub(crate) fn texts(&self, name: &str) -> Result<&'a StringArray, ArrowError> {
        self.column(name, |array| array.as_string_opt::<i32>())
    }
    pub(crate) fn bytes(&self, name: &str) -> Result<&'a BinaryArray, ArrowError> {
        self.column(name, |array| array.as_binary_opt::<i32>())
    }
    pub(crate) fn u64s(&self, name: &str) -> Result<&'a UInt64Array, ArrowError> {
        self.column(name, |array| array.as_primitive_opt::<UInt64Type>())
    }
    pub(crate) fn u32s(&self, name: &str) -> Result<&'a UInt32Array, ArrowError> {
        self.column(name, |array| array.as_primitive_opt::<UInt32Type>())
    }
    pub(crate) fn times(&self, name: &str) -> Result<&'a TimestampMicrosecondArray, ArrowError> {
        self.column(name, |array| array.as_primitive_opt::<TimestampMicrosecondType>())
    }
    pub(crate) fn bools(&self, name: &str) -> Result<&'a BooleanArray, ArrowError> {
        self.column(name, |array| array.as_boolean_opt())
    }
    pub(crate) fn addresses(&self, name: &str) -> Result<&'a FixedSizeBinaryArray, ArrowError> {
        self.column(name, |array| array.as_fixed_size_binary_opt())
            .and_then(|array| {
                if array.value_length() == 16 {
                    Ok(array)
                } else {
                    Err(not_ours("an address has 16 bytes"))
                }
            })
    }
    pub(crate) fn lists(&self, name: &str) -> Result<&'a ListArray, ArrowError> {
        self.column(name, |array| array.as_list_opt::<i32>())
    }
    pub(crate) fn map(&self, name: &str) -> Result<&'a MapArray, ArrowError> {
        self.column(name, |array| array.as_map_opt())
    }
}

/// What a file says that this lake never wrote.
pub(crate) fn not_ours(what: impl std::fmt::Display) -> ArrowError {
    ArrowError::ParseError(what.to_string())
}

pub(crate) fn time_at(times: &TimestampMicrosecondArray, row: usize) -> Result<Timestamp, ArrowError> {
    Timestamp::from_microsecond(times.value(row)).map_err(not_ours)
}

pub(crate) fn text_list_at(lists: &ListArray, row: usize) -> Result<Vec<String>, ArrowError> {
    let items = lists.value(row);
    let items = items
        .as_string_opt::<i32>()
        .ok_or_else(|| not_ours("a list of texts"))?;
    Ok(items.iter().flatten().map(str::to_owned).collect())
}
