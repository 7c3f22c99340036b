//! The tables that hunts ask: what is in files and what is still in memory, as one.

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
};

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::{
    arrow::compute::cast,
    catalog::{Session, TableProvider},
    common::{DFSchema, Result, ScalarValue, internal_err},
    datasource::TableType,
    logical_expr::{Expr, Operator, TableProviderFilterPushDown, col, lit},
    physical_expr::{
        PhysicalExpr,
        expressions::{BinaryExpr, Column, Literal},
        split_conjunction,
    },
    physical_plan::ExecutionPlan,
};
use model::{Event, SourceId, Timestamp};

use super::{
    control::Control,
    prune::Pruner,
    scan::{LakeScan, Part, Sought},
};
use crate::{Inner, catalog::Catalog, filter::Filter, memory::Stored, rejection_row::Refused, row::Table};

static EVENTS: LazyLock<SchemaRef> = LazyLock::new(|| hunted(&<Event as crate::row::Row>::schema()));
static REJECTIONS: LazyLock<SchemaRef> = LazyLock::new(|| hunted(&<Refused as crate::row::Row>::schema()));

/// The columns of a table as hunts see them: texts as views, which are read without copying them.
pub(crate) fn schema_of(table: Table) -> SchemaRef {
    SchemaRef::clone(match table {
        Table::Events => &EVENTS,
        Table::Rejections => &REJECTIONS,
    })
}

fn hunted(stored: &Schema) -> SchemaRef {
    let fields: Vec<Arc<Field>> = stored
        .fields()
        .iter()
        .map(|field| {
            if *field.data_type() == DataType::Utf8 {
                Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View))
            } else {
                Arc::clone(field)
            }
        })
        .collect();
    Arc::new(Schema::new(fields))
}

fn time_column(table: Table) -> &'static str {
    match table {
        Table::Events => "happened_at",
        Table::Rejections => "received_at",
    }
}

/// One table of the lake, as far as those who ask may see it.
pub(crate) struct LakeTable {
    pub(crate) inner: Arc<Inner>,
    pub(crate) table: Table,
    /// The sources that may be seen; all of them if there is no list.
    pub(crate) sources: Option<BTreeSet<SourceId>>,
}

impl std::fmt::Debug for LakeTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LakeTable")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for LakeTable {
    fn schema(&self) -> SchemaRef {
        schema_of(self.table)
    }
    fn table_type(&self) -> TableType {
        TableType::Base
    }
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Exact; filters.len()])
    }
    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(control) = state.config().get_extension::<Control>() else {
            return internal_err!("a table of the lake is asked outside a hunt");
        };
        let schema = self.schema();
        let by_name = DFSchema::try_from(SchemaRef::clone(&schema))?;
        let mut conditions = Vec::new();
        for filter in filters.iter().cloned().chain(self.allowed()) {
            let condition = state.create_physical_expr(filter, &by_name)?;
            conditions.extend(split_conjunction(&condition).into_iter().cloned());
        }
        let sought = Sought {
            projection: projection
                .cloned()
                .unwrap_or_else(|| (0..schema.fields().len()).collect()),
            time_column: time_column(self.table),
            schema,
            conditions,
            limit,
        };
        let parts = match self.table {
            Table::Events => self.parts::<Event>(&sought, &control)?,
            Table::Rejections => self.parts::<Refused>(&sought, &control)?,
        };
        let partitions = state.config().target_partitions();
        Ok(Arc::new(LakeScan::new(
            sought,
            parts,
            Arc::clone(&self.inner),
            partitions,
        )))
    }
}

impl LakeTable {
    /// The condition under which rows may be seen.
    fn allowed(&self) -> Option<Expr> {
        let sources = self.sources.as_ref()?;
        Some(col("source").in_list(sources.iter().map(|source| lit(source.as_str())).collect(), false))
    }

    /// Everything that may hold wanted rows at this moment, newest first.
    fn parts<R: Stored>(&self, sought: &Sought, control: &Control) -> Result<Vec<Part>> {
        let pin = Arc::clone(&self.inner.pins);
        let (from, before) = times(&sought.conditions, sought.time_column);
        let filter = Filter {
            from,
            before,
            ..Filter::default()
        };
        let (snapshot, view) = {
            let state = self.inner.lock();
            (R::rows(&state.memory).snapshot(&filter), Arc::clone(&state.view))
        };
        let mut parts = Vec::new();
        let waiting = snapshot.pieces.iter().map(|rows| rows.as_slice());
        for rows in std::iter::once(snapshot.fresh.as_slice()).chain(waiting) {
            let rows: Vec<&R> = rows.iter().filter(|row| row.is_wanted(&filter)).collect();
            if !rows.is_empty() {
                parts.push(Part::Rows(hunted_batch(&R::encode(&rows)?, &sought.schema)?));
            }
        }
        for segment in snapshot
            .segments
            .iter()
            .filter(|segment| filter.may_be_in(&segment.facts))
        {
            parts.push(Part::Memory(segment.parquet.clone()));
        }
        let pruner = Pruner::new(&sought.conditions, &sought.schema);
        let mut files: Vec<_> = view.files(self.table).collect();
        files.sort_by_key(|(_, file)| std::cmp::Reverse(file.facts.happened_at.1));
        let facts: Vec<_> = files.iter().map(|(_, file)| &file.facts).collect();
        let wanted = pruner.files(&facts, sought.time_column);
        for ((day, file), _) in files.into_iter().zip(wanted).filter(|(_, wanted)| *wanted) {
            let path = Catalog::path_of(&self.inner.folder, self.table, day, file);
            control.files.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            control
                .bytes
                .fetch_add(file.bytes, std::sync::atomic::Ordering::Relaxed);
            parts.push(Part::File {
                path,
                bytes: file.bytes,
                facts: file.facts.clone(),
                pin: Arc::clone(&pin),
            });
        }
        Ok(parts)
    }
}

fn hunted_batch(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns
        .map(|(column, field)| Ok(cast(column, field.data_type())?))
        .collect::<Result<_>>()?;
    Ok(RecordBatch::try_new(SchemaRef::clone(schema), columns)?)
}

/// The bounds that the conditions set on the time, so that rows in memory outside them are not even copied.
fn times(conditions: &[Arc<dyn PhysicalExpr>], column: &str) -> (Option<Timestamp>, Option<Timestamp>) {
    let (mut from, mut before) = (None, None);
    for condition in conditions {
        let Some(compared) = condition.downcast_ref::<BinaryExpr>() else {
            continue;
        };
        let is_time = compared
            .left()
            .downcast_ref::<Column>()
            .is_some_and(|left| left.name() == column);
        let moment = compared.right().downcast_ref::<Literal>().and_then(|right| {
            let ScalarValue::TimestampMicrosecond(Some(micros), _) = right.value() else {
                return None;
            };
            Timestamp::from_microsecond(*micros).ok()
        });
        let Some(moment) = moment.filter(|_| is_time) else {
            continue;
        };
        let op = compared.op();
        if matches!(op, Operator::Gt | Operator::GtEq) {
            from = from.max(Some(moment));
        }
        if matches!(op, Operator::Lt | Operator::LtEq) {
            // What happened within the microsecond is still wanted.
            let after = moment
                .checked_add(jiff::SignedDuration::from_micros(1))
                .unwrap_or(Timestamp::MAX);
            before = Some(before.map_or(after, |before: Timestamp| before.min(after)));
        }
    }
    (from, before)
}
