//! A session of one who hunts: the limits and the scope that all of its hunts share.

use std::{collections::BTreeSet, fmt, fs, net::IpAddr, num::NonZeroUsize, sync::Arc};

use arrow_array::{Array, ArrayRef, FixedSizeBinaryArray, RecordBatch, StringArray};
use arrow_schema::{Field, Schema, SchemaRef};
use datafusion::{
    dataframe::DataFrame,
    datasource::MemTable,
    error::DataFusionError,
    execution::{
        SessionStateBuilder,
        context::{SQLOptions, SessionContext},
        disk_manager::{DiskManagerBuilder, DiskManagerMode},
        memory_pool::{FairSpillPool, TrackConsumersPool},
        runtime_env::RuntimeEnvBuilder,
        session_state::SessionState,
    },
    logical_expr::LogicalPlan,
    optimizer::{Analyzer, AnalyzerRule},
    prelude::SessionConfig,
    sql::{
        parser::{DFParser, Statement},
        sqlparser::ast::Statement as SqlStatement,
    },
};
use futures::FutureExt;
use model::SourceId;
use tokio::runtime::{Builder, Handle, Runtime};

use super::{
    addresses::ReadAddresses,
    error::HuntError,
    functions,
    hunt::Hunt,
    planner::FieldsByName,
    table::{LakeTable, schema_of},
    words,
};
use crate::{Inner, Lake, entities::address_bytes, row::Table};

/// How much one who hunts may take; all hunts of a session share the memory and the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HuntLimits {
    /// Bytes of memory that sorting, grouping and joining may take.
    pub memory_bytes_max: usize,
    /// Bytes that may be put aside on the disk when memory does not suffice.
    pub spill_bytes_max: u64,
    /// Seconds after which a hunt answers with what it has seen.
    pub seconds_max: u32,
    /// Rows that are answered.
    pub rows_max: u64,
}

impl Default for HuntLimits {
    fn default() -> Self {
        Self {
            memory_bytes_max: 512 * 1024 * 1024,
            spill_bytes_max: 2 * 1024 * 1024 * 1024,
            seconds_max: 60,
            rows_max: 1_000_000,
        }
    }
}

/// What a hunt may see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HuntScope {
    /// Only events of these sources; all of them without a list.
    pub sources: Option<BTreeSet<SourceId>>,
}

/// A session of one who hunts.
#[derive(Clone)]
pub struct HuntSession {
    state: SessionState,
    runtime: Handle,
    limits: HuntLimits,
    pub(crate) inner: Arc<Inner>,
    /// The names of lists that questions may join with.
    lists: BTreeSet<String>,
}

impl fmt::Debug for HuntSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HuntSession")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// The name under which hunts ask for a table.
fn name_of(table: Table) -> &'static str {
    table.folder()
}

impl Lake {
    /// Opens a session for hunts.
    ///
    /// # Errors
    /// The disk refuses a folder for what is put aside, or the system refuses threads.
    pub fn session(&self, limits: HuntLimits, scope: &HuntScope) -> Result<HuntSession, HuntError> {
        let failed = |error: &dyn fmt::Display| HuntError::Failed(error.to_string());
        let runtime = self
            .hunting
            .get_or_init(runtime)
            .as_ref()
            .map_err(|error| failed(error))?;
        let spill = self.inner.folder.join(SPILL);
        fs::create_dir_all(&spill).map_err(|error| failed(&error))?;
        let memory = FairSpillPool::new(limits.memory_bytes_max);
        let environment = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(TrackConsumersPool::new(memory, CONSUMERS_NAMED)))
            .with_disk_manager_builder(
                DiskManagerBuilder::default()
                    .with_mode(DiskManagerMode::Directories(vec![spill]))
                    .with_max_temp_directory_size(limits.spill_bytes_max),
            )
            .build_arc()
            .map_err(|error| HuntError::of(&error))?;
        let mut config = SessionConfig::new()
            .with_target_partitions(threads())
            .with_default_catalog_and_schema("lake", "hunt")
            .with_information_schema(false);
        config.options_mut().sql_parser.map_string_types_to_utf8view = true;
        let mut rules: Vec<Arc<dyn AnalyzerRule + Send + Sync>> = vec![Arc::new(ReadAddresses)];
        rules.extend(Analyzer::new().rules);
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(environment)
            .with_default_features()
            .with_analyzer_rules(rules)
            .build();
        let context = SessionContext::new_with_state(state);
        for table in Table::ALL {
            let provider = LakeTable {
                inner: Arc::clone(&self.inner),
                table,
                sources: scope.sources.clone(),
            };
            context
                .register_table(name_of(table), Arc::new(provider))
                .map_err(|error| HuntError::of(&error))?;
        }
        for function in functions::all() {
            context.register_udf(function.as_ref().clone());
        }
        let mut state = context.state();
        datafusion::logical_expr::registry::FunctionRegistry::register_expr_planner(&mut state, Arc::new(FieldsByName))
            .map_err(|error| HuntError::of(&error))?;
        Ok(HuntSession {
            state,
            runtime: runtime.handle().clone(),
            limits,
            inner: Arc::clone(&self.inner),
            lists: BTreeSet::new(),
        })
    }
}

/// The folder in that of the lake where hunts put aside what memory does not hold.
pub(crate) const SPILL: &str = "hunts";

/// How many of those who take memory are named when it does not suffice.
const CONSUMERS_NAMED: NonZeroUsize = NonZeroUsize::new(3).expect("is not zero");

/// How much less hunts are worth to the system than everything else that the post does: an unhurried process (nice 10).
const NICE: i32 = 10;

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(threads())
        .thread_name("lake-hunt")
        .on_thread_start(|| {
            // Where the system does not allow it, hunts are as hurried as the rest.
            let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
        })
        .enable_time()
        .build()
}

/// Whether a statement is a query, or asks how one would be carried out.
fn only_asks(statement: &Statement) -> bool {
    match statement {
        Statement::Statement(inner) => matches!(inner.as_ref(), SqlStatement::Query(_)),
        Statement::Explain(explain) => only_asks(&explain.statement),
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => false,
    }
}

impl HuntSession {
    /// Begins a hunt with a question in SQL.
    ///
    /// # Errors
    /// The question cannot be read, names what is not known, or would change something.
    pub fn sql(&self, question: &str) -> Result<Hunt, HuntError> {
        self.query(self.plan(question)?)
    }

    /// Reads a question in SQL without asking it.
    ///
    /// # Errors
    /// As [`HuntSession::sql`].
    pub fn plan(&self, question: &str) -> Result<LogicalPlan, HuntError> {
        let mut statements = DFParser::parse_sql(question).map_err(|error| HuntError::of(&error).in_text(question))?;
        let (Some(mut statement), true) = (statements.pop_front(), statements.is_empty()) else {
            return Err(HuntError::NotAQuestion("write one SELECT".to_owned()));
        };
        if !only_asks(&statement) {
            return Err(HuntError::NotAQuestion("write a SELECT".to_owned()));
        }
        words::complete(&mut statement, &column_names());
        let plan = self.plan_statement(statement)?;
        let reading = SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false);
        reading
            .verify_plan(&plan)
            .map_err(|error| HuntError::NotAQuestion(error.strip_backtrace()))?;
        Ok(plan)
    }

    fn plan_statement(&self, statement: Statement) -> Result<LogicalPlan, HuntError> {
        let references = self
            .state
            .resolve_table_references(&statement)
            .map_err(|error| HuntError::of(&error))?;
        if let Some(unknown) = references
            .iter()
            .find(|table| table.schema().is_none() && !self.tables().any(|known| known == table.table()))
        {
            let known = self.tables().map(str::to_owned);
            return Err(HuntError::unknown(unknown.table(), known));
        }
        match self.state.statement_to_plan(statement).now_or_never() {
            Some(planned) => planned.map_err(|error| HuntError::of(&error)),
            None => Err(HuntError::Failed("the tables are not at hand".to_owned())),
        }
    }

    fn tables(&self) -> impl Iterator<Item = &str> {
        let tables = Table::ALL.iter().map(|table| name_of(*table));
        tables.chain(self.lists.iter().map(String::as_str))
    }

    /// A session whose questions may also name a list of addresses, as a table with the column `address`.
    ///
    /// # Errors
    /// There is a table of this name.
    pub fn with_addresses(&self, name: &str, addresses: &[IpAddr]) -> Result<Self, HuntError> {
        let failed = |error: DataFusionError| HuntError::of(&error);
        let stored = addresses.iter().map(|address| address_bytes(*address));
        let column = FixedSizeBinaryArray::try_from_iter(stored).map_err(|error| failed(error.into()))?;
        self.with_list(name, "address", Arc::new(column))
    }

    /// A session whose questions may also name a list of texts, as a table with the column `value`.
    ///
    /// # Errors
    /// There is a table of this name.
    pub fn with_texts<'a>(&self, name: &str, texts: impl IntoIterator<Item = &'a String>) -> Result<Self, HuntError> {
        self.with_list(name, "value", Arc::new(StringArray::from_iter_values(texts)))
    }

    fn with_list(&self, name: &str, column: &str, values: ArrayRef) -> Result<Self, HuntError> {
        if self.tables().any(|known| known == name) {
            return Err(HuntError::Meaningless(format!("there is a table {name} already")));
        }
        let failed = |error: DataFusionError| HuntError::of(&error);
        let field = Field::new(column, values.data_type().clone(), false);
        let schema: SchemaRef = Arc::new(Schema::new(vec![field]));
        let batch = RecordBatch::try_new(SchemaRef::clone(&schema), vec![values]);
        let batch = batch.map_err(|error| failed(error.into()))?;
        let list = MemTable::try_new(schema, vec![vec![batch]]).map_err(failed)?;
        let context = SessionContext::new_with_state(self.state.clone());
        // The catalogue is shared by all clones of a session: a later list takes the place of an earlier one.
        context.deregister_table(name).map_err(failed)?;
        context.register_table(name, Arc::new(list)).map_err(failed)?;
        let mut lists = self.lists.clone();
        lists.insert(name.to_owned());
        Ok(Self {
            state: context.state(),
            lists,
            ..self.clone()
        })
    }

    /// Begins a hunt with a plan that was made from [`HuntSession::table`] or [`HuntSession::plan`].
    ///
    /// # Errors
    /// The plan would change something.
    pub fn query(&self, plan: LogicalPlan) -> Result<Hunt, HuntError> {
        Ok(Hunt::begin(self.state.clone(), &self.runtime, plan, self.limits))
    }

    /// A table to build a plan on.
    ///
    /// # Errors
    /// The table is not at hand, which would be a bug.
    pub fn table(&self, table: Table) -> Result<DataFrame, HuntError> {
        let context = SessionContext::new_with_state(self.state.clone());
        match context.table(name_of(table)).now_or_never() {
            Some(found) => found.map_err(|error| HuntError::of(&error)),
            None => Err(HuntError::Failed("the tables are not at hand".to_owned())),
        }
    }

    /// The columns of a table.
    #[must_use]
    pub fn schema(&self, table: Table) -> SchemaRef {
        schema_of(table)
    }

    /// A function of the lake as a plan calls it: `raw`, `has_text`, `field`, `cidr_match`, `list_has`, `address_text`, `fold`,
    /// or one of SQL's.
    ///
    /// # Errors
    /// There is no such function.
    pub fn function(&self, name: &str) -> Result<Arc<datafusion::logical_expr::ScalarUDF>, HuntError> {
        let known = self.state.scalar_functions();
        match known.get(name) {
            Some(function) => Ok(Arc::clone(function)),
            None => Err(HuntError::unknown(name, known.keys().cloned())),
        }
    }
}

fn column_names() -> BTreeSet<String> {
    let schemas = Table::ALL.map(schema_of);
    let names = schemas.iter().flat_map(|schema| schema.fields().iter());
    names.map(|field| field.name().clone()).collect()
}
