//! The table of events: one column for each part of an event, entity columns under their ECS names, the record's own
//! fields as a map of texts with a letter for the type of each, and the record's bytes as a shape over those texts.

use std::{
    cmp::Ordering,
    net::IpAddr,
    sync::{Arc, LazyLock},
};

use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, MapArray, RecordBatch, StringArray, StructArray,
    UInt32Array, UInt64Array, cast::AsArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{ArrowError, DataType, Field, Fields as ArrowFields, Schema, SchemaRef};
use compact_str::CompactString;
use model::{
    Entities, EntityColumn, EntityRef, Event, Field as NamedValue, Fields, LogSource, LogSourceSet, Problem, SourceId,
    Timestamp, Value,
};

use crate::{
    columns::{Columns, list_item, not_ours, text_list_at, text_lists, texts, time_at, time_type, times},
    entities::{EntityKind, address_bytes, address_of, is_sought, kind_of},
    raw::{raw_of, shape_of},
    row::{Row, Table},
};

fn map_entries() -> ArrowFields {
    ArrowFields::from(vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("value", DataType::Utf8, true),
    ])
}

fn map_field() -> Arc<Field> {
    Arc::new(Field::new("key_value", DataType::Struct(map_entries()), false))
}

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let mut fields = vec![
        Field::new("seq", DataType::UInt64, false),
        Field::new("records", DataType::UInt32, false),
        Field::new("source", DataType::Utf8, false),
        Field::new("happened_at", time_type(), false),
        Field::new("received_at", time_type(), false),
        Field::new("format", DataType::Utf8, false),
        Field::new("logsources", DataType::List(list_item()), false),
    ];
    fields.extend(EntityColumn::ALL.iter().map(|column| {
        let stored = match kind_of(*column) {
            EntityKind::Text => DataType::Utf8,
            EntityKind::Address => DataType::FixedSizeBinary(16),
            EntityKind::Number => DataType::UInt32,
        };
        Field::new(column.ecs_name(), stored, true)
    }));
    fields.extend([
        Field::new("fields", DataType::Map(map_field(), false), false),
        Field::new("field_types", DataType::Utf8, false),
        Field::new("raw_shape", DataType::Binary, false),
        Field::new("problems", DataType::List(list_item()), false),
        Field::new("exercise", DataType::Boolean, false),
    ]);
    Arc::new(Schema::new(fields))
});

impl Row for Event {
    const TABLE: Table = Table::Events;

    fn schema() -> SchemaRef {
        SchemaRef::clone(&SCHEMA)
    }
    fn has_bloom(name: &str) -> bool {
        EntityColumn::ALL
            .iter()
            .any(|column| is_sought(*column) && column.ecs_name() == name)
    }
    fn seq(&self) -> u64 {
        self.seq
    }
    fn source(&self) -> &SourceId {
        &self.source
    }
    fn records(&self) -> u32 {
        self.records
    }
    fn happened_at(&self) -> Timestamp {
        self.happened_at
    }
    fn received_at(&self) -> Timestamp {
        self.received_at
    }
    fn bytes(&self) -> usize {
        let heap = |text: &CompactString| if text.is_heap_allocated() { text.len() } else { 0 };
        let fields = self
            .fields
            .iter()
            .map(|field| size_of::<NamedValue>() + heap(&field.name) + field.value.as_text().map_or(0, str::len));
        size_of::<Self>() + self.raw.len() + fields.sum::<usize>()
    }
    /// A host's events stand together in the order of time, so that a timeline reads few pages.
    fn order(&self, other: &Self) -> Ordering {
        self.entities
            .host_name
            .cmp(&other.entities.host_name)
            .then_with(|| self.happened_at.cmp(&other.happened_at))
            .then_with(|| self.seq.cmp(&other.seq))
    }
    fn texts(&self, show: &mut dyn FnMut(&[u8])) {
        show(&self.raw);
        for field in &self.fields {
            match &field.value {
                Value::Text(text) => show(text.as_bytes()),
                Value::List(items) => show(serde_json::to_string(items).unwrap_or_default().as_bytes()),
                other @ (Value::Null | Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Float(_)) => {
                    show(value_text(other).1.unwrap_or_default().as_bytes());
                }
            }
        }
        for column in EntityColumn::ALL {
            if let Some(EntityRef::Text(text)) = self.entities.get(*column) {
                show(text.as_bytes());
            }
        }
    }
    fn encode(rows: &[&Self]) -> Result<RecordBatch, ArrowError> {
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(UInt64Array::from_iter_values(rows.iter().map(|e| e.seq))),
            Arc::new(UInt32Array::from_iter_values(rows.iter().map(|e| e.records))),
            texts(rows.iter().map(|e| e.source.as_str())),
            times(rows.iter().map(|e| e.happened_at)),
            times(rows.iter().map(|e| e.received_at)),
            texts(rows.iter().map(|e| e.format.as_str())),
            text_lists(
                rows.iter()
                    .map(|e| e.logsources.members().iter().map(logsource_text).collect()),
            )?,
        ];
        for column in EntityColumn::ALL {
            columns.push(entity_array(rows, *column)?);
        }
        columns.extend(record_arrays(rows)?);
        columns.push(text_lists(
            rows.iter().map(|e| e.problems.iter().map(problem_text).collect()),
        )?);
        columns.push(Arc::new(
            rows.iter().map(|e| Some(e.exercise)).collect::<BooleanArray>(),
        ));
        RecordBatch::try_new(Self::schema(), columns)
    }
    fn decode(batch: &RecordBatch) -> Result<Vec<Self>, ArrowError> {
        decode_events(&Columns(batch))
    }
}

fn entity_array(rows: &[&Event], column: EntityColumn) -> Result<ArrayRef, ArrowError> {
    let values = rows.iter().map(|event| event.entities.get(column));
    Ok(match kind_of(column) {
        EntityKind::Text => Arc::new(
            values
                .map(|value| match value {
                    Some(EntityRef::Text(text)) => Some(text.as_str()),
                    Some(EntityRef::Address(_) | EntityRef::Number(_)) | None => None,
                })
                .collect::<StringArray>(),
        ),
        EntityKind::Number => Arc::new(
            values
                .map(|value| match value {
                    Some(EntityRef::Number(number)) => Some(*number),
                    Some(EntityRef::Address(_) | EntityRef::Text(_)) | None => None,
                })
                .collect::<UInt32Array>(),
        ),
        EntityKind::Address => {
            let bytes = values.map(|value| match value {
                Some(EntityRef::Address(address)) => Some(address_bytes(*address)),
                Some(EntityRef::Number(_) | EntityRef::Text(_)) | None => None,
            });
            Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(bytes, 16)?)
        }
    })
}

/// The columns `fields`, `field_types` and `raw_shape`.
fn record_arrays(rows: &[&Event]) -> Result<[ArrayRef; 3], ArrowError> {
    let count = rows.iter().map(|event| event.fields.len()).sum();
    let mut names = Vec::with_capacity(count);
    let mut values: Vec<Option<std::borrow::Cow<'_, str>>> = Vec::with_capacity(count);
    let mut types = Vec::with_capacity(rows.len());
    let mut shapes = Vec::with_capacity(rows.len());
    for event in rows {
        let begin = values.len();
        let mut letters = String::with_capacity(event.fields.len());
        for field in &event.fields {
            let (letter, text) = value_text(&field.value);
            letters.push(letter);
            names.push(field.name.as_str());
            values.push(text);
        }
        let pairs = names[begin..].iter().zip(&values[begin..]);
        shapes.push(shape_of(
            &event.raw,
            pairs.map(|(name, text)| (*name, text.as_deref().unwrap_or_default())),
        ));
        types.push(letters);
    }
    let entries = StructArray::try_new(
        map_entries(),
        vec![
            Arc::new(StringArray::from_iter_values(names)),
            Arc::new(values.iter().map(Option::as_deref).collect::<StringArray>()),
        ],
        None,
    )?;
    let offsets = OffsetBuffer::from_lengths(rows.iter().map(|event| event.fields.len()));
    Ok([
        Arc::new(MapArray::try_new(map_field(), offsets, entries, None, false)?),
        Arc::new(StringArray::from_iter_values(types)),
        Arc::new(BinaryArray::from_iter_values(shapes)),
    ])
}

/// The letter of a value's type and its text; a list is its JSON.
fn value_text(value: &Value) -> (char, Option<std::borrow::Cow<'_, str>>) {
    match value {
        Value::Null => ('n', None),
        Value::Bool(truth) => ('b', Some(if *truth { "true" } else { "false" }.into())),
        Value::Int(number) => ('i', Some(number.to_string().into())),
        Value::Uint(number) => ('u', Some(number.to_string().into())),
        Value::Float(number) => ('f', Some(number.to_string().into())),
        Value::Text(text) => ('s', Some(text.as_str().into())),
        Value::List(items) => ('l', serde_json::to_string(items).ok().map(Into::into)),
    }
}

fn value_of(letter: char, text: Option<&str>) -> Result<Value, ArrowError> {
    let wrong = || not_ours(format!("the field type {letter} does not fit its value"));
    let text = match (letter, text) {
        ('n', _) => return Ok(Value::Null),
        (_, Some(text)) => text,
        (_, None) => return Err(wrong()),
    };
    match letter {
        'b' => text.parse().map(Value::Bool).map_err(|_| wrong()),
        'i' => text.parse().map(Value::Int).map_err(|_| wrong()),
        'u' => text.parse().map(Value::Uint).map_err(|_| wrong()),
        'f' => text.parse().map(Value::Float).map_err(|_| wrong()),
        's' => Ok(Value::Text(text.into())),
        'l' => serde_json::from_str(text).map(Value::List).map_err(|_| wrong()),
        _unknown => Err(wrong()),
    }
}

/// `category/product/service`, with `/` and `%` inside a part written as `%2F` and `%25`.
pub(crate) fn logsource_text(logsource: &LogSource) -> String {
    let part = |part: &Option<CompactString>| {
        part.as_deref()
            .unwrap_or_default()
            .replace('%', "%25")
            .replace('/', "%2F")
    };
    [&logsource.category, &logsource.product, &logsource.service]
        .map(part)
        .join("/")
}

pub(crate) fn logsource_of(text: &str) -> LogSource {
    let mut parts = text.split('/').map(|part| part.replace("%2F", "/").replace("%25", "%"));
    let mut next = || parts.next().unwrap_or_default();
    let (category, product, service) = (next(), next(), next());
    LogSource::new(&category, &product, &service)
}

/// `kind: detail`.
fn problem_text(problem: &Problem) -> String {
    let kind = serde_json::to_value(problem.kind).unwrap_or_default();
    format!("{}: {}", kind.as_str().unwrap_or_default(), problem.detail)
}

fn problem_of(text: &str) -> Result<Problem, ArrowError> {
    let (kind, detail) = text
        .split_once(": ")
        .ok_or_else(|| not_ours("a problem without a kind"))?;
    let kind = serde_json::from_value(kind.into()).map_err(not_ours)?;
    Ok(Problem::new(kind, detail))
}

fn decode_events(columns: &Columns<'_>) -> Result<Vec<Event>, ArrowError> {
    let (seqs, records) = (columns.u64s("seq")?, columns.u32s("records")?);
    let (sources, formats) = (columns.texts("source")?, columns.texts("format")?);
    let (happened, received) = (columns.times("happened_at")?, columns.times("received_at")?);
    let (logsources, problems) = (columns.lists("logsources")?, columns.lists("problems")?);
    let exercise = columns.bools("exercise")?;
    let record = Records::of(columns)?;
    let mut entities = decode_entities(columns, seqs.len())?.into_iter();
    let mut known: std::collections::HashMap<Vec<String>, LogSourceSet> = std::collections::HashMap::new();
    (0..seqs.len())
        .map(|row| {
            let (fields, raw) = record.at(row)?;
            let names = text_list_at(logsources, row)?;
            let set = known
                .entry(names)
                .or_insert_with_key(|names| LogSourceSet::new(names.iter().map(|name| logsource_of(name))));
            Ok(Event {
                seq: seqs.value(row),
                records: records.value(row),
                source: SourceId::new(sources.value(row)),
                happened_at: time_at(happened, row)?,
                received_at: time_at(received, row)?,
                format: formats.value(row).into(),
                logsources: set.clone(),
                fields,
                entities: entities.next().unwrap_or_default(),
                raw: raw.into(),
                problems: text_list_at(problems, row)?
                    .iter()
                    .map(|text| problem_of(text))
                    .collect::<Result<_, _>>()?,
                exercise: exercise.value(row),
            })
        })
        .collect()
}

/// The columns that hold the record itself.
struct Records<'a> {
    map: &'a MapArray,
    names: &'a StringArray,
    values: &'a StringArray,
    types: &'a StringArray,
    shapes: &'a BinaryArray,
}

impl<'a> Records<'a> {
    fn of(columns: &Columns<'a>) -> Result<Self, ArrowError> {
        let map = columns.map("fields")?;
        let texts = |array: &'a ArrayRef| array.as_string_opt::<i32>().ok_or_else(|| not_ours("a map of texts"));
        Ok(Self {
            map,
            names: texts(map.keys())?,
            values: texts(map.values())?,
            types: columns.texts("field_types")?,
            shapes: columns.bytes("raw_shape")?,
        })
    }

    fn at(&self, row: usize) -> Result<(Fields, Vec<u8>), ArrowError> {
        let offsets = self.map.value_offsets();
        let begin = usize::try_from(offsets[row]).map_err(not_ours)?;
        let end = usize::try_from(offsets[row + 1]).map_err(not_ours)?;
        let text_at = |index: usize| self.values.is_valid(index).then(|| self.values.value(index));
        let mut fields = Fields::with_capacity(end - begin);
        let mut letters = self.types.value(row).chars();
        for index in begin..end {
            let letter = letters.next().ok_or_else(|| not_ours("fewer types than fields"))?;
            fields.push(self.names.value(index), value_of(letter, text_at(index))?);
        }
        let raw = raw_of(self.shapes.value(row), |index| {
            (begin + index < end).then(|| text_at(begin + index)).flatten()
        });
        Ok((fields, raw.map_err(not_ours)?))
    }
}

fn decode_entities(columns: &Columns<'_>, count: usize) -> Result<Vec<Entities>, ArrowError> {
    let mut all = vec![Entities::default(); count];
    for column in EntityColumn::ALL {
        let name = column.ecs_name();
        match kind_of(*column) {
            EntityKind::Text => {
                let array = columns.texts(name)?;
                each_valid(array, &mut all, |row, entities| {
                    set_text(entities, *column, array.value(row).into());
                });
            }
            EntityKind::Number => {
                let array = columns.u32s(name)?;
                each_valid(array, &mut all, |row, entities| {
                    set_number(entities, *column, array.value(row));
                });
            }
            EntityKind::Address => {
                let array = columns.addresses(name)?;
                each_valid(array, &mut all, |row, entities| {
                    set_address(entities, *column, address_of(array.value(row)));
                });
            }
        }
    }
    Ok(all)
}

fn each_valid(array: &dyn Array, all: &mut [Entities], mut set: impl FnMut(usize, &mut Entities)) {
    for (row, entities) in all.iter_mut().enumerate().filter(|(row, _)| array.is_valid(*row)) {
        set(row, entities);
    }
}

fn set_text(entities: &mut Entities, column: EntityColumn, text: CompactString) {
    let slot = match column {
        EntityColumn::HostName => &mut entities.host_name,
        EntityColumn::UserName => &mut entities.user_name,
        EntityColumn::UserDomain => &mut entities.user_domain,
        EntityColumn::ProcessExecutable => &mut entities.process_executable,
        EntityColumn::ProcessCommandLine => &mut entities.process_command_line,
        EntityColumn::ProcessParentExecutable => &mut entities.process_parent_executable,
        EntityColumn::FilePath => &mut entities.file_path,
        EntityColumn::FileHashMd5 => &mut entities.file_hash_md5,
        EntityColumn::FileHashSha1 => &mut entities.file_hash_sha1,
        EntityColumn::FileHashSha256 => &mut entities.file_hash_sha256,
        EntityColumn::UrlDomain => &mut entities.url_domain,
        EntityColumn::UrlPath => &mut entities.url_path,
        EntityColumn::EventCode => &mut entities.event_code,
        EntityColumn::SourceIp
        | EntityColumn::SourcePort
        | EntityColumn::DestinationIp
        | EntityColumn::DestinationPort
        | EntityColumn::ProcessPid => return,
    };
    *slot = Some(text);
}

fn set_number(entities: &mut Entities, column: EntityColumn, number: u32) {
    if column == EntityColumn::SourcePort {
        entities.source_port = Some(number);
    } else if column == EntityColumn::DestinationPort {
        entities.destination_port = Some(number);
    } else if column == EntityColumn::ProcessPid {
        entities.process_pid = Some(number);
    }
}

fn set_address(entities: &mut Entities, column: EntityColumn, address: Option<IpAddr>) {
    if column == EntityColumn::SourceIp {
        entities.source_ip = address;
    } else if column == EntityColumn::DestinationIp {
        entities.destination_ip = address;
    }
}
