//! What was heard: which kinds of events the lake has of a time, from whom, and with which fields. Of a file only the columns that
//! say so are read, none of the values, so that millions of events take seconds.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    ops::ControlFlow,
    sync::{Arc, PoisonError},
};

use compact_str::CompactString;
use model::{Event, Heard, HeardKind, LogSourceSet, SourceId, Timestamp};
use parquet::{
    data_type::{BoolType, ByteArrayType, DataType, Int64Type},
    errors::{ParquetError, Result},
    file::{
        metadata::RowGroupMetaData,
        reader::{ChunkReader, FileReader, RowGroupReader, SerializedFileReader},
        statistics::Statistics,
    },
    schema::types::SchemaDescriptor,
};

use crate::{
    Lake,
    catalog::Catalog,
    event_row::{logsource_of, logsource_text},
    filter::Filter,
    row::Table,
    segment::decoding,
};

/// Most kinds of events that are told apart.
const KINDS_MAX: usize = 1_000;
/// Most fields that are told apart in a kind of events.
const FIELDS_MAX: usize = 2_000;
/// Most sources that are told apart in a kind of events.
const SOURCES_MAX: usize = 1_000;
/// Rows of which columns are read at once.
const ROWS_AT_ONCE: usize = 1_024;

impl Lake {
    /// What was received from `from` on and before `until`. The newest days are looked at first, and no further file once `events_max`
    /// events have been.
    #[must_use]
    pub fn heard(&self, from: Timestamp, until: Timestamp, events_max: u64) -> Heard {
        let _reading = self.inner.readers.read().unwrap_or_else(PoisonError::into_inner);
        let (snapshot, view) = {
            let state = self.inner.lock();
            (
                state.memory.events.snapshot(&Filter::default()),
                Arc::clone(&state.view),
            )
        };
        let mut listener = Listener::new(from, until, events_max);
        let waiting = snapshot.pieces.iter().flat_map(|rows| rows.iter());
        snapshot
            .fresh
            .iter()
            .chain(waiting)
            .for_each(|event| listener.take_event(event));
        for segment in &snapshot.segments {
            listener.take_file(segment.facts.rows, "memory", || Ok(segment.parquet.clone()));
        }
        let mut files: Vec<_> = view.files(Table::Events).collect();
        files.reverse();
        for (day, file) in files {
            let path = Catalog::path_of(&self.inner.folder, Table::Events, day, file);
            let name = path
                .strip_prefix(&self.inner.folder)
                .unwrap_or(&path)
                .display()
                .to_string();
            listener.take_file(file.facts.rows, &name, || Ok(File::open(&path)?));
        }
        listener.finish()
    }
}

/// Hears events.
struct Listener {
    /// Microseconds since 1970.
    time: std::ops::Range<i64>,
    events_max: u64,
    heard: Heard,
    /// By the texts of their log sources.
    kinds: HashMap<Vec<u8>, Kind>,
}

struct Kind {
    events: u64,
    received_at: (i64, i64),
    sources: HashMap<CompactString, u64>,
    /// How many events had the field, and the last that was counted.
    fields: HashMap<CompactString, (u64, u64)>,
}

/// One event, as its columns show it.
struct Row<'a, F> {
    source: &'a str,
    received_at: i64,
    /// The texts of its log sources, each with a line end.
    kind: &'a [u8],
    fields: F,
}

impl Listener {
    fn new(from: Timestamp, until: Timestamp, events_max: u64) -> Self {
        let heard = Heard {
            from,
            until,
            ..Heard::default()
        };
        Self {
            time: from.as_microsecond()..until.as_microsecond(),
            events_max,
            heard,
            kinds: HashMap::new(),
        }
    }

    fn take_event(&mut self, event: &Event) {
        if event.exercise {
            return;
        }
        let mut kind = Vec::new();
        for source in event.logsources.members() {
            kind.extend_from_slice(logsource_text(source).as_bytes());
            kind.push(b'\n');
        }
        self.take(Row {
            source: event.source.as_str(),
            received_at: event.received_at.as_microsecond(),
            kind: &kind,
            fields: event.fields.iter().map(|field| field.name.as_str()),
        });
    }

    fn take<'a>(&mut self, row: Row<'_, impl Iterator<Item = &'a str>>) {
        if !self.time.contains(&row.received_at) {
            return;
        }
        self.heard.events += 1;
        if !self.kinds.contains_key(row.kind) {
            if self.kinds.len() >= KINDS_MAX {
                self.heard.is_cut = true;
                return;
            }
            self.kinds.insert(row.kind.to_vec(), Kind::new(row.received_at));
        }
        if let Some(kind) = self.kinds.get_mut(row.kind) {
            self.heard.is_cut |= kind.take(row).is_break();
        }
    }

    fn take_file<I: ChunkReader + 'static>(&mut self, rows: u64, name: &str, open: impl FnOnce() -> Result<I>) {
        if self.heard.events >= self.events_max {
            self.heard.left_out += rows;
            return;
        }
        let read = decoding(|| self.read(open()?));
        if let Err(error) = read {
            self.heard.unreadable.push(format!("{name}: {error}"));
        }
    }

    fn read<I: ChunkReader + 'static>(&mut self, input: I) -> Result<()> {
        let reader = SerializedFileReader::new(input)?;
        let columns = Columns::of(reader.metadata().file_metadata().schema_descr())?;
        for index in 0..reader.num_row_groups() {
            let group = reader.get_row_group(index)?;
            if self.may_be_in(group.metadata(), columns.received_at) {
                self.read_group(&*group, &columns)?;
            }
        }
        Ok(())
    }

    fn may_be_in(&self, group: &RowGroupMetaData, leaf: usize) -> bool {
        match group.column(leaf).statistics() {
            Some(Statistics::Int64(range)) => {
                let (min, max) = (range.min_opt(), range.max_opt());
                min.is_none_or(|min| *min < self.time.end) && max.is_none_or(|max| self.time.start <= *max)
            }
            Some(_) | None => true,
        }
    }

    fn read_group(&mut self, group: &dyn RowGroupReader, columns: &Columns) -> Result<()> {
        let mut source = Leaf::<ByteArrayType>::of(group, columns.source)?;
        let mut received_at = Leaf::<Int64Type>::of(group, columns.received_at)?;
        let mut exercise = Leaf::<BoolType>::of(group, columns.exercise)?;
        let mut logsource = Leaf::<ByteArrayType>::of(group, columns.logsource)?;
        let mut field = Leaf::<ByteArrayType>::of(group, columns.field)?;
        let mut kind = Vec::new();
        loop {
            let rows = received_at.read()?;
            if rows == 0 {
                return Ok(());
            }
            if [source.read()?, exercise.read()?, logsource.read()?, field.read()?] != [rows; 4] {
                return Err(ParquetError::General("columns of different lengths".to_owned()));
            }
            for row in 0..rows {
                kind.clear();
                for text in logsource.of_row(row) {
                    kind.extend_from_slice(text.data());
                    kind.push(b'\n');
                }
                let (Some(is_exercise), Some(at), Some(name)) =
                    (exercise.one(row), received_at.one(row), source.one(row))
                else {
                    return Err(ParquetError::General("a row without a source or a time".to_owned()));
                };
                if !is_exercise {
                    self.take(Row {
                        source: std::str::from_utf8(name.data())?,
                        received_at: *at,
                        kind: &kind,
                        fields: field
                            .of_row(row)
                            .iter()
                            .filter_map(|name| std::str::from_utf8(name.data()).ok()),
                    });
                }
            }
        }
    }

    fn finish(self) -> Heard {
        let mut heard = self.heard;
        heard.kinds = self
            .kinds
            .into_iter()
            .map(|(texts, kind)| kind.finish(&texts))
            .collect();
        heard.kinds.sort_by(|one, other| {
            other
                .events
                .cmp(&one.events)
                .then_with(|| one.logsources.members().cmp(other.logsources.members()))
        });
        heard
    }
}

impl Kind {
    fn new(received_at: i64) -> Self {
        Self {
            events: 0,
            received_at: (received_at, received_at),
            sources: HashMap::new(),
            fields: HashMap::new(),
        }
    }

    /// Counts an event; breaks when something of it is not told apart.
    fn take<'a>(&mut self, row: Row<'_, impl Iterator<Item = &'a str>>) -> ControlFlow<()> {
        let mut told = ControlFlow::Continue(());
        self.events += 1;
        self.received_at = (
            self.received_at.0.min(row.received_at),
            self.received_at.1.max(row.received_at),
        );
        if let Some(count) = self.sources.get_mut(row.source) {
            *count += 1;
        } else if self.sources.len() < SOURCES_MAX {
            self.sources.insert(row.source.into(), 1);
        } else {
            told = ControlFlow::Break(());
        }
        for name in row.fields {
            if let Some((count, last)) = self.fields.get_mut(name) {
                *count += u64::from(*last != self.events);
                *last = self.events;
            } else if self.fields.len() < FIELDS_MAX {
                self.fields.insert(name.into(), (1, self.events));
            } else {
                told = ControlFlow::Break(());
            }
        }
        told
    }

    fn finish(self, texts: &[u8]) -> HeardKind {
        let at = |micros| Timestamp::from_microsecond(micros).unwrap_or_default();
        let texts = String::from_utf8_lossy(texts);
        HeardKind {
            logsources: LogSourceSet::new(texts.lines().map(logsource_of)),
            events: self.events,
            received_at: (at(self.received_at.0), at(self.received_at.1)),
            sources: self
                .sources
                .into_iter()
                .map(|(name, count)| (SourceId::new(&name), count))
                .collect(),
            fields: self
                .fields
                .into_iter()
                .map(|(name, (count, _))| (name, count))
                .collect::<BTreeMap<_, _>>(),
        }
    }
}

/// Where the columns are among the leaves of the schema.
struct Columns {
    source: usize,
    received_at: usize,
    exercise: usize,
    logsource: usize,
    field: usize,
}

impl Columns {
    fn of(schema: &SchemaDescriptor) -> Result<Self> {
        let leaf = |path: &[&str]| {
            let found = schema.columns().iter().position(|column| column.path().parts() == path);
            found.ok_or_else(|| ParquetError::General(format!("there is no column {}", path.join("."))))
        };
        Ok(Self {
            source: leaf(&["source"])?,
            received_at: leaf(&["received_at"])?,
            exercise: leaf(&["exercise"])?,
            logsource: leaf(&["logsources", "list", "element"])?,
            field: leaf(&["fields", "key_value", "key"])?,
        })
    }
}

/// A column of a row group, read piece by piece.
struct Leaf<T: DataType> {
    reader: parquet::column::reader::ColumnReaderImpl<T>,
    is_list: bool,
    values: Vec<T::T>,
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
    /// Where the values of each row end.
    ends: Vec<usize>,
}

impl<T: DataType> Leaf<T> {
    fn of(group: &dyn RowGroupReader, leaf: usize) -> Result<Self> {
        let column = group.metadata().schema_descr().column(leaf);
        let reader = group.get_column_reader(leaf)?;
        let is_ours = column.physical_type() == T::get_physical_type();
        if !is_ours || column.max_rep_level() > 1 || column.max_def_level() != column.max_rep_level() {
            return Err(ParquetError::General(format!(
                "the column {} is of another type",
                column.path()
            )));
        }
        Ok(Self {
            reader: parquet::column::reader::get_typed_column_reader(reader),
            is_list: column.max_rep_level() == 1,
            values: Vec::new(),
            definitions: Vec::new(),
            repetitions: Vec::new(),
            ends: Vec::new(),
        })
    }

    /// Reads on, and says how many rows there are; none at the end.
    fn read(&mut self) -> Result<usize> {
        self.values.clear();
        self.definitions.clear();
        self.repetitions.clear();
        self.ends.clear();
        if !self.is_list {
            let (rows, _, _) = self.reader.read_records(ROWS_AT_ONCE, None, None, &mut self.values)?;
            self.ends.extend(1..=self.values.len().min(rows));
            return Ok(rows);
        }
        let (rows, _, _) = self.reader.read_records(
            ROWS_AT_ONCE,
            Some(&mut self.definitions),
            Some(&mut self.repetitions),
            &mut self.values,
        )?;
        let mut end = 0;
        for (level, (definition, repetition)) in self.definitions.iter().zip(&self.repetitions).enumerate() {
            if *repetition == 0 && level > 0 {
                self.ends.push(end);
            }
            end += usize::from(*definition == 1);
        }
        if rows > 0 {
            self.ends.push(end);
        }
        Ok(rows)
    }

    fn of_row(&self, row: usize) -> &[T::T] {
        let start = row
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .copied()
            .unwrap_or(0);
        let end = self.ends.get(row).copied().unwrap_or(start);
        self.values.get(start..end).unwrap_or_default()
    }

    fn one(&self, row: usize) -> Option<&T::T> {
        self.of_row(row).first()
    }
}
