//! Reading a table of the lake as a node of a plan: its parts become a queue, from which as many workers take as there are
//! processors.

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use bytes::Bytes;
use datafusion::{
    common::{Result, config::ConfigOptions, internal_err, tree_node::TreeNodeRecursion},
    execution::{SendableRecordBatchStream, TaskContext},
    physical_expr::{
        EquivalenceProperties, Partitioning, PhysicalExpr, expressions::DynamicFilterPhysicalExpr,
        utils::reassign_expr_columns,
    },
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
        execution_plan::{Boundedness, EmissionType},
        filter_pushdown::{ChildPushdownResult, FilterPushdownPhase, FilterPushdownPropagation, PushedDown},
        stream::RecordBatchStreamAdapter,
    },
};
use futures::stream;

use super::{
    control::Control,
    worker::{Queue, Worker},
};
use crate::{Inner, manifest::Facts};

/// What is to be read.
#[derive(Debug, Clone)]
pub(crate) struct Sought {
    /// The whole table's columns.
    pub(crate) schema: SchemaRef,
    /// Which of them, in which order.
    pub(crate) projection: Vec<usize>,
    /// Which rows: all of these must hold, over the whole table's columns.
    pub(crate) conditions: Vec<Arc<dyn PhysicalExpr>>,
    /// How many rows are enough.
    pub(crate) limit: Option<usize>,
    pub(crate) time_column: &'static str,
}

/// A part of the table.
#[derive(Clone)]
pub(crate) enum Part {
    /// Rows that are not Parquet yet.
    Rows(RecordBatch),
    /// Parquet in memory.
    Memory(Bytes),
    File {
        path: PathBuf,
        bytes: u64,
        facts: Facts,
        /// Held so that the file is not removed.
        pin: Arc<()>,
    },
}

/// The node of a plan that reads a table of the lake.
pub(crate) struct LakeScan {
    sought: Sought,
    /// Conditions that change while the hunt runs, because other parts of the plan learn what cannot matter any more.
    dynamic: Vec<Arc<dyn PhysicalExpr>>,
    parts: Arc<Vec<Part>>,
    inner: Arc<Inner>,
    properties: Arc<PlanProperties>,
    queue: OnceLock<Arc<Queue>>,
}

impl LakeScan {
    pub(crate) fn new(sought: Sought, parts: Vec<Part>, inner: Arc<Inner>, partitions: usize) -> Self {
        let schema: SchemaRef = Arc::new(projected(&sought));
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            sought,
            dynamic: Vec::new(),
            parts: Arc::new(parts),
            inner,
            properties: Arc::new(properties),
            queue: OnceLock::new(),
        }
    }

    fn queue(&self) -> Arc<Queue> {
        Arc::clone(self.queue.get_or_init(|| Arc::new(Queue::of(&self.parts))))
    }
}

fn projected(sought: &Sought) -> Schema {
    let fields = sought
        .projection
        .iter()
        .map(|index| sought.schema.field(*index).clone());
    Schema::new(fields.collect::<Vec<_>>())
}

impl fmt::Debug for LakeScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LakeScan")
            .field("sought", &self.sought)
            .finish_non_exhaustive()
    }
}

impl DisplayAs for LakeScan {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let conditions = self.sought.conditions.iter().chain(&self.dynamic);
        let conditions: Vec<String> = conditions.map(ToString::to_string).collect();
        write!(
            f,
            "LakeScan: parts={} conditions=[{}]",
            self.parts.len(),
            conditions.join(", ")
        )
    }
}

impl ExecutionPlan for LakeScan {
    fn name(&self) -> &'static str {
        "LakeScan"
    }
    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }
    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }
    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        for expression in self.sought.conditions.iter().chain(&self.dynamic) {
            if f(expression)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }
    fn replace_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }
    fn with_new_children(self: Arc<Self>, _children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }
    fn handle_child_pushdown_result(
        &self,
        _phase: FilterPushdownPhase,
        result: ChildPushdownResult,
        _config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        let filters: Vec<_> = result.parent_filters.into_iter().map(|parent| parent.filter).collect();
        let answer = FilterPushdownPropagation::with_parent_pushdown_result(vec![PushedDown::No; filters.len()]);
        let mut dynamic = self.dynamic.clone();
        for filter in filters.into_iter().filter(is_dynamic) {
            dynamic.push(reassign_expr_columns(filter, &self.sought.schema)?);
        }
        if dynamic.len() == self.dynamic.len() {
            return Ok(answer);
        }
        Ok(answer.with_updated_node(Arc::new(Self {
            sought: self.sought.clone(),
            dynamic,
            parts: Arc::clone(&self.parts),
            inner: Arc::clone(&self.inner),
            properties: Arc::clone(&self.properties),
            queue: OnceLock::new(),
        }) as Arc<dyn ExecutionPlan>))
    }
    fn execute(&self, _partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some(control) = context.session_config().get_extension::<Control>() else {
            return internal_err!("a table of the lake is read outside a hunt");
        };
        let schema: SchemaRef = Arc::new(projected(&self.sought));
        let worker = Worker::new(
            &self.sought,
            &self.dynamic,
            (Arc::clone(&schema), self.queue()),
            Arc::clone(&self.inner),
            control,
        );
        let batches = stream::try_unfold(worker, |mut worker| async move {
            let batch = worker.next().await?;
            Ok(batch.map(|batch| (batch, worker)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }
}

fn is_dynamic(filter: &Arc<dyn PhysicalExpr>) -> bool {
    filter.downcast_ref::<DynamicFilterPhysicalExpr>().is_some()
}
