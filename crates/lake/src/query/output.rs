//! Answers of hunts as other programs read them: NDJSON and Parquet exactly, CSV for spreadsheets.

use std::io::{self, Write};

use arrow_array::{
    Array, RecordBatch,
    cast::AsArray,
    types::{Float32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType, UInt32Type, UInt64Type},
};
use arrow_schema::{DataType, SchemaRef, TimeUnit};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use model::Timestamp;
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::{metadata::KeyValue, properties::WriterProperties},
};
use serde_json::{Map, Value};

/// A cell of an answer as JSON: numbers, texts, lists, and the fields of a record as an object.
#[must_use]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what SQL can yield beyond these is formatted by Arrow"
)]
pub fn cell(column: &dyn Array, row: usize) -> Value {
    if column.is_null(row) || *column.data_type() == DataType::Null {
        return Value::Null;
    }
    let known = match column.data_type() {
        DataType::Utf8 => Some(column.as_string::<i32>().value(row).into()),
        DataType::LargeUtf8 => Some(column.as_string::<i64>().value(row).into()),
        DataType::Utf8View => Some(column.as_string_view().value(row).into()),
        DataType::Boolean => Some(column.as_boolean().value(row).into()),
        DataType::Int32 => Some(column.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => Some(column.as_primitive::<Int64Type>().value(row).into()),
        DataType::UInt32 => Some(column.as_primitive::<UInt32Type>().value(row).into()),
        DataType::UInt64 => Some(column.as_primitive::<UInt64Type>().value(row).into()),
        DataType::Float32 => Some(f64::from(column.as_primitive::<Float32Type>().value(row)).into()),
        DataType::Float64 => Some(column.as_primitive::<Float64Type>().value(row).into()),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
            Timestamp::from_microsecond(micros).ok().map(|at| at.to_string().into())
        }
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            Some((0..items.len()).map(|item| cell(&items, item)).collect())
        }
        DataType::Map(..) => Some(object(&column.as_map().value(row))),
        _others => None,
    };
    known.unwrap_or_else(|| {
        let formatter = ArrayFormatter::try_new(column, &FormatOptions::default());
        formatter.map_or(Value::Null, |formatter| formatter.value(row).to_string().into())
    })
}

/// The entries of a map; a name that comes again has a list of its values.
fn object(entries: &dyn Array) -> Value {
    let entries = entries.as_struct();
    let mut object: Map<String, Value> = Map::new();
    let mut again = std::collections::BTreeSet::new();
    for entry in 0..entries.len() {
        let name = match cell(entries.column(0), entry) {
            Value::String(name) => name,
            other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                other.to_string()
            }
        };
        let value = cell(entries.column(1), entry);
        match object.get_mut(&name) {
            None => {
                object.insert(name, value);
            }
            Some(Value::Array(values)) if again.contains(&name) => values.push(value),
            Some(first) => {
                let values = vec![first.take(), value];
                *first = values.into();
                again.insert(name);
            }
        }
    }
    object.into()
}

/// A row of an answer as a JSON object.
#[must_use]
pub fn row(batch: &RecordBatch, row: usize) -> Map<String, Value> {
    let schema = batch.schema();
    let cells = schema.fields().iter().zip(batch.columns());
    cells
        .map(|(field, column)| (field.name().clone(), cell(column, row)))
        .collect()
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Ndjson,
    /// RFC 4180 with a header; a text that a spreadsheet would take for a formula has an apostrophe before it.
    Csv,
    /// Parquet, compressed with zstd.
    Parquet,
}

impl Format {
    /// By the ending of a file or the name of the format.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            "ndjson" | "json" | "jsonl" => Some(Self::Ndjson),
            "csv" => Some(Self::Csv),
            "parquet" => Some(Self::Parquet),
            _others => None,
        }
    }

    /// The media type of what is written.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// The ending of a file's name.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}

/// Writes an answer batch by batch.
pub struct Output<W: Write + Send> {
    writer: Writer<W>,
}

enum Writer<W: Write + Send> {
    Ndjson(W),
    Csv(W),
    Parquet(Box<ArrowWriter<W>>),
}

impl<W: Write + Send> std::fmt::Debug for Output<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output").finish_non_exhaustive()
    }
}

impl<W: Write + Send> Output<W> {
    /// Begins to write.
    ///
    /// # Errors
    /// Nobody takes what is written, or Parquet has no such columns.
    pub fn begin(format: Format, schema: &SchemaRef, mut out: W) -> io::Result<Self> {
        let writer = match format {
            Format::Ndjson => Writer::Ndjson(out),
            Format::Csv => {
                let names: Vec<String> = schema.fields().iter().map(|field| csv_text(field.name())).collect();
                write!(out, "{}\r\n", names.join(","))?;
                Writer::Csv(out)
            }
            Format::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::default()))
                    .build();
                let writer = ArrowWriter::try_new(out, SchemaRef::clone(schema), Some(properties));
                Writer::Parquet(Box::new(writer.map_err(io::Error::other)?))
            }
        };
        Ok(Self { writer })
    }

    /// Writes some rows.
    ///
    /// # Errors
    /// Nobody takes what is written.
    pub fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        match &mut self.writer {
            Writer::Ndjson(out) => {
                for number in 0..batch.num_rows() {
                    serde_json::to_writer(&mut *out, &row(batch, number))?;
                    out.write_all(b"\n")?;
                }
                Ok(())
            }
            Writer::Csv(out) => {
                for number in 0..batch.num_rows() {
                    let cells = batch.columns().iter().map(|column| csv_cell(&cell(column, number)));
                    write!(out, "{}\r\n", cells.collect::<Vec<_>>().join(","))?;
                }
                Ok(())
            }
            Writer::Parquet(writer) => writer.write(batch).map_err(io::Error::other),
        }
    }

    /// Says in what is written that it is not whole: as a last row, in Parquet under `watchpost.incomplete` in the footer.
    ///
    /// # Errors
    /// Nobody takes what is written.
    pub fn lacks(&mut self, why: &str) -> io::Result<()> {
        match &mut self.writer {
            Writer::Ndjson(out) => writeln!(out, "{}", serde_json::json!({ "_incomplete": why })),
            Writer::Csv(out) => write!(out, "{}\r\n", csv_text(&format!("# incomplete: {why}"))),
            Writer::Parquet(writer) => {
                writer.append_key_value_metadata(KeyValue::new("watchpost.incomplete".to_owned(), why.to_owned()));
                Ok(())
            }
        }
    }

    /// Ends what is written and gives back where it went.
    ///
    /// # Errors
    /// Nobody takes what is written.
    pub fn finish(self) -> io::Result<W> {
        let mut out = match self.writer {
            Writer::Ndjson(out) | Writer::Csv(out) => out,
            Writer::Parquet(writer) => writer.into_inner().map_err(io::Error::other)?,
        };
        out.flush()?;
        Ok(out)
    }
}

fn csv_cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => csv_text(text),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(_) | Value::Object(_) => csv_text(&value.to_string()),
    }
}

fn csv_text(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
    let guard = if formula { "'" } else { "" };
    if formula || text.contains([',', '"', '\n', '\r']) {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
