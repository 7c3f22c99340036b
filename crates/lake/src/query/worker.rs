//! One of those who read a table of the lake. Each part is first held against what statistics, text filters and bloom filters
//! say, then its cheap columns are read, and the rest only of the rows that pass. What cannot be read is named and passed over.

use std::{
    collections::VecDeque,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::Duration,
};

use arrow_array::{RecordBatch, RecordBatchOptions, cast::AsArray};
use arrow_schema::SchemaRef;
use bytes::Bytes;
use datafusion::{
    arrow::compute::filter_record_batch,
    common::{DataFusionError, Result},
    physical_expr::{PhysicalExpr, expressions::Column, utils::collect_columns},
    physical_expr_common::physical_expr::snapshot_physical_expr,
};
use parquet::{
    DecodeResult,
    arrow::{
        ProjectionMask,
        arrow_reader::{ArrowPredicate, RowFilter},
        push_decoder::{ParquetPushDecoder, ParquetPushDecoderBuilder},
    },
    errors::ParquetError,
};

use super::{
    control::{Control, Incomplete, add},
    input::{Footer, Input},
    prune::Pruner,
    row_test::RowTest,
    scan::{Part, Sought},
};
use crate::{Inner, error::Unreadable};

/// Rows that are handed on at once; fewer where whole records are among the columns.
const BATCH_ROWS: usize = 8192;
const BATCH_ROWS_OF_RECORDS: usize = 1024;
/// Row groups that a worker takes at once.
const GROUPS_AT_ONCE: usize = 8;
/// How long a worker that finds nothing waits for others that may find more.
const PAUSE: Duration = Duration::from_micros(500);
/// The columns that hold the record itself, which are read last.
const HEAVY: [&str; 3] = ["fields", "field_types", "raw_shape"];

enum Unit {
    Part(Part),
    Groups(Groups),
}

/// Row groups of a file that may hold wanted rows.
struct Groups {
    name: PathBuf,
    input: Input,
    footer: Footer,
    numbers: VecDeque<usize>,
    file: Arc<Pending>,
}

/// Counts a file as done when its last row groups are.
struct Pending {
    control: Arc<Control>,
    is_file: bool,
    _pin: Option<Arc<()>>,
}

impl Drop for Pending {
    fn drop(&mut self) {
        if self.is_file {
            add(&self.control.files_done, 1);
        }
    }
}

pub(crate) struct Queue {
    units: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    units: VecDeque<Unit>,
    /// Workers that hold a part and may put row groups of it here.
    opening: usize,
    rows: usize,
}

impl Queue {
    pub(crate) fn of(parts: &[Part]) -> Self {
        let waiting = Waiting {
            units: parts.iter().cloned().map(Unit::Part).collect(),
            ..Waiting::default()
        };
        Self {
            units: Mutex::new(waiting),
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.units.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads parts until there are no more.
pub(crate) struct Worker {
    sought: Sought,
    dynamic: Vec<Arc<dyn PhysicalExpr>>,
    pruner: Pruner,
    output: SchemaRef,
    queue: Arc<Queue>,
    inner: Arc<Inner>,
    control: Arc<Control>,
    current: Option<Reading>,
}

struct Reading {
    decoder: ParquetPushDecoder,
    groups: Groups,
}

enum Taken {
    Unit(Box<Unit>),
    Wait,
    End,
}

impl Worker {
    pub(crate) fn new(
        sought: &Sought,
        dynamic: &[Arc<dyn PhysicalExpr>],
        (output, queue): (SchemaRef, Arc<Queue>),
        inner: Arc<Inner>,
        control: Arc<Control>,
    ) -> Self {
        Self {
            pruner: Pruner::new(&sought.conditions, &sought.schema),
            sought: sought.clone(),
            dynamic: dynamic.to_vec(),
            output,
            queue,
            inner,
            control,
            current: None,
        }
    }

    pub(crate) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if self.control.is_stopped() || self.has_enough() {
                self.current = None;
                return Ok(None);
            }
            if self.current.is_some() {
                if let Some(batch) = self.decode()? {
                    return Ok(Some(batch));
                }
                continue;
            }
            match self.take() {
                Taken::End => return Ok(None),
                Taken::Wait => tokio::time::sleep(PAUSE).await,
                Taken::Unit(unit) => {
                    if let Some(batch) = self.begin(*unit)? {
                        return Ok(Some(batch));
                    }
                    // Others share the thread; a part that is passed over must not keep it.
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    fn has_enough(&self) -> bool {
        self.sought
            .limit
            .is_some_and(|limit| self.queue.waiting().rows >= limit)
    }

    fn take(&self) -> Taken {
        let mut waiting = self.queue.waiting();
        match waiting.units.pop_front() {
            Some(unit) => {
                if matches!(unit, Unit::Part(_)) {
                    waiting.opening += 1;
                }
                Taken::Unit(Box::new(unit))
            }
            None if waiting.opening > 0 => Taken::Wait,
            None => Taken::End,
        }
    }

    fn begin(&mut self, unit: Unit) -> Result<Option<RecordBatch>> {
        match unit {
            Unit::Groups(groups) => self.begin_groups(groups),
            Unit::Part(part) => {
                let opened = self.open(part);
                self.queue.waiting().opening -= 1;
                opened
            }
        }
    }

    fn open(&mut self, part: Part) -> Result<Option<RecordBatch>> {
        let (name, input, pin) = match part {
            Part::Rows(rows) => return self.pass(&rows),
            Part::Memory(bytes) => (PathBuf::from("memory"), Input::Memory(bytes), None),
            Part::File {
                path,
                bytes,
                facts,
                pin,
            } => {
                let file = self.relative(&path);
                if let Some(cause) = self.inner.set_aside_cause(&file) {
                    self.control.lacks(Incomplete::SetAside(Unreadable { file, cause }));
                    self.pass_over(bytes);
                    return Ok(None);
                }
                let live = self.live();
                if !live.is_empty()
                    && !Pruner::new(&live, &self.sought.schema).files(&[&facts], self.sought.time_column)[0]
                {
                    self.pass_over(bytes);
                    return Ok(None);
                }
                match Input::open(&path) {
                    Ok(input) => (path, input, Some(pin)),
                    Err(error) => {
                        self.set_aside(&path, &error);
                        self.pass_over(bytes);
                        return Ok(None);
                    }
                }
            }
        };
        let file = Arc::new(Pending {
            control: Arc::clone(&self.control),
            is_file: pin.is_some(),
            _pin: pin,
        });
        match catch_unwind(AssertUnwindSafe(|| self.look(&name, &input))) {
            Ok(Ok((footer, groups))) => self.begin_groups(Groups {
                name,
                input,
                footer,
                numbers: groups.into(),
                file,
            }),
            Ok(Err(error)) => {
                self.set_aside(&name, &error);
                Ok(None)
            }
            Err(_) => {
                self.set_aside(&name, &"its footer cannot be read");
                Ok(None)
            }
        }
    }

    fn pass_over(&self, bytes: u64) {
        add(&self.control.bytes_done, bytes);
        add(&self.control.files_done, 1);
    }

    /// What the conditions that change say at this moment.
    fn live(&self) -> Vec<Arc<dyn PhysicalExpr>> {
        let snapshots = self
            .dynamic
            .iter()
            .map(|filter| snapshot_physical_expr(Arc::clone(filter)));
        snapshots.filter_map(Result::ok).collect()
    }

    /// Reads the footer and finds the row groups that may hold wanted rows, latest first.
    fn look(&self, name: &Path, input: &Input) -> Result<(Footer, Vec<usize>), ParquetError> {
        let footer = match input {
            Input::File(..) => self.inner.footers.get(name, input, &self.sought.schema)?,
            Input::Memory(_) => Footer::read(input, &self.sought.schema)?,
        };
        let mut groups = self.pruner.row_groups(input, &footer)?;
        let live = self.live();
        if !live.is_empty() && !groups.is_empty() {
            let allowed = Pruner::new(&live, &self.sought.schema).row_groups(input, &footer)?;
            groups.retain(|group| allowed.contains(group));
        }
        groups.reverse();
        let all = footer.metadata.metadata().num_row_groups();
        add(&self.control.row_groups_spared, (all - groups.len()) as u64);
        if let Input::File(_, length) = input {
            let read: u64 = groups.iter().map(|group| size_of_group(&footer, *group)).sum();
            add(&self.control.bytes_done, length.saturating_sub(read));
        }
        Ok((footer, groups))
    }

    /// Takes some of the row groups and leaves the rest to whoever comes next.
    fn begin_groups(&mut self, mut groups: Groups) -> Result<Option<RecordBatch>> {
        if groups.numbers.len() > GROUPS_AT_ONCE {
            let rest = Groups {
                name: groups.name.clone(),
                input: groups.input.clone(),
                footer: groups.footer.clone(),
                numbers: groups.numbers.split_off(GROUPS_AT_ONCE),
                file: Arc::clone(&groups.file),
            };
            self.queue.waiting().units.push_front(Unit::Groups(rest));
        }
        if groups.numbers.is_empty() {
            return Ok(None);
        }
        if self.sought.projection.is_empty() && self.sought.conditions.is_empty() && self.dynamic.is_empty() {
            return self.count(&groups);
        }
        let decoder = self.decoder(&groups.footer, groups.numbers.iter().copied().collect());
        match decoder {
            Ok(decoder) => self.current = Some(Reading { decoder, groups }),
            Err(error) => self.set_aside(&groups.name, &error),
        }
        Ok(None)
    }

    /// Rows that are only counted need not be read.
    fn count(&mut self, groups: &Groups) -> Result<Option<RecordBatch>> {
        let facts = groups.footer.metadata.metadata();
        let rows = groups.numbers.iter().map(|group| facts.row_group(*group).num_rows());
        let rows = usize::try_from(rows.sum::<i64>()).unwrap_or(0);
        for group in &groups.numbers {
            add(&self.control.bytes_done, size_of_group(&groups.footer, *group));
        }
        add(&self.control.rows_found, rows as u64);
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(SchemaRef::clone(&self.output), Vec::new(), &options)?;
        Ok(Some(batch))
    }

    fn decoder(&self, footer: &Footer, groups: Vec<usize>) -> Result<ParquetPushDecoder, ParquetError> {
        let parquet = footer.metadata.parquet_schema();
        let schema = &self.sought.schema;
        let is_heavy = |index: &usize| HEAVY.contains(&schema.field(*index).name().as_str());
        let (mut light, mut heavy) = (Vec::new(), Vec::new());
        for condition in self.sought.conditions.iter().chain(&self.dynamic) {
            let columns: Vec<usize> = collect_columns(condition).iter().map(Column::index).collect();
            if columns.iter().any(is_heavy) {
                heavy.push(Arc::clone(condition));
            } else {
                light.push(Arc::clone(condition));
            }
        }
        let mut tests: Vec<Box<dyn ArrowPredicate>> = Vec::new();
        for conditions in [light, heavy].into_iter().filter(|conditions| !conditions.is_empty()) {
            let test = RowTest::new(&conditions, schema, Arc::clone(&self.control));
            let (columns, test) = test.map_err(|error| ParquetError::External(Box::new(error)))?;
            tests.push(Box::new(test.over(ProjectionMask::roots(parquet, columns))));
        }
        let rows = if self.sought.projection.iter().any(is_heavy) {
            BATCH_ROWS_OF_RECORDS
        } else {
            BATCH_ROWS
        };
        ParquetPushDecoderBuilder::new_with_metadata(footer.metadata.clone())
            .with_row_groups(groups)
            .with_projection(ProjectionMask::roots(parquet, self.sought.projection.iter().copied()))
            .with_row_filter(RowFilter::new(tests))
            .with_batch_size(rows)
            .build()
    }

    /// Decodes one batch, or comes to the end of what is being read.
    fn decode(&mut self) -> Result<Option<RecordBatch>> {
        let Some(reading) = &mut self.current else {
            return Ok(None);
        };
        let step = catch_unwind(AssertUnwindSafe(|| reading.step(&self.control)));
        let failure = self.control.take_failure();
        if let Some(failure) = failure {
            return Err(failure);
        }
        let cause = match step {
            Ok(Ok(Some(batch))) => return self.hand_on(&batch),
            Ok(Ok(None)) => {
                let groups = &reading.groups;
                let read: u64 = groups
                    .numbers
                    .iter()
                    .map(|group| size_of_group(&groups.footer, *group))
                    .sum();
                add(&self.control.row_groups_read, groups.numbers.len() as u64);
                if matches!(groups.input, Input::File(..)) {
                    add(&self.control.bytes_done, read);
                }
                self.current = None;
                return Ok(None);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "its pages cannot be decoded".to_owned(),
        };
        let name = reading.groups.name.clone();
        self.current = None;
        self.set_aside(&name, &cause);
        Ok(None)
    }

    fn hand_on(&self, batch: &RecordBatch) -> Result<Option<RecordBatch>> {
        let batch = in_order(batch, &self.output)?;
        let rows = batch.num_rows();
        self.queue.waiting().rows += rows;
        add(&self.control.rows_found, rows as u64);
        Ok((rows > 0).then_some(batch))
    }

    /// The wanted ones of rows that are not Parquet.
    fn pass(&mut self, rows: &RecordBatch) -> Result<Option<RecordBatch>> {
        let mut passed = rows.clone();
        for condition in &self.sought.conditions {
            let array = condition.evaluate(&passed)?.into_array(passed.num_rows())?;
            passed = filter_record_batch(&passed, array.as_boolean())?;
        }
        let passed = passed.project(&self.sought.projection)?;
        self.hand_on(&passed)
    }

    fn relative(&self, path: &Path) -> String {
        path.strip_prefix(&self.inner.folder)
            .unwrap_or(path)
            .display()
            .to_string()
    }

    fn set_aside(&self, path: &Path, cause: &dyn fmt::Display) {
        let file = Unreadable {
            file: self.relative(path),
            cause: cause.to_string(),
        };
        self.inner.set_aside(&file);
        self.control.lacks(Incomplete::SetAside(file));
    }
}

fn size_of_group(footer: &Footer, group: usize) -> u64 {
    let group = footer.metadata.metadata().row_group(group);
    group.compressed_size().cast_unsigned()
}

/// Brings the columns of a batch, which come in the order of the file, into the order that was asked for.
fn in_order(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = schema.fields().iter().map(|field| {
        let column = batch.column_by_name(field.name());
        column
            .cloned()
            .ok_or_else(|| DataFusionError::Internal(format!("there is no column {}", field.name())))
    });
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let columns = columns.collect::<Result<Vec<_>>>()?;
    Ok(RecordBatch::try_new_with_options(
        SchemaRef::clone(schema),
        columns,
        &options,
    )?)
}

impl Reading {
    fn step(&mut self, control: &Control) -> Result<Option<RecordBatch>, ParquetError> {
        loop {
            match self.decoder.try_decode()? {
                DecodeResult::Data(batch) => return Ok(Some(batch)),
                DecodeResult::Finished => return Ok(None),
                DecodeResult::NeedsData(ranges) => {
                    let pieces = ranges.iter().map(|range| self.groups.input.read(range.clone()));
                    let pieces: Vec<Bytes> = pieces.collect::<Result<_, _>>()?;
                    let read: usize = pieces.iter().map(Bytes::len).sum();
                    control.bytes_read.fetch_add(read as u64, Ordering::Relaxed);
                    self.decoder.push_ranges(ranges, pieces)?;
                }
            }
        }
    }
}
