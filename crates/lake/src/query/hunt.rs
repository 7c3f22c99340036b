//! A hunt under way: its answer batch by batch, how far it has come, and at the end whether the answer is whole.

use std::{fmt, sync::Arc, time::Duration};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use datafusion::{
    error::DataFusionError,
    execution::{SendableRecordBatchStream, session_state::SessionState},
    logical_expr::LogicalPlan,
    physical_plan::execute_stream,
};
use futures::StreamExt;
use tokio::{
    runtime::Handle,
    sync::mpsc::{Receiver, Sender, channel},
    task::AbortHandle,
    time::{sleep, timeout},
};

use super::{
    HuntLimits,
    addresses::{readable, readable_schema},
    control::{Control, Incomplete, Progress},
    error::HuntError,
};

/// Batches that wait for whoever reads the answer.
const BATCHES_WAITING_MAX: usize = 4;
/// Seconds beyond its limit that a hunt gets to sum up what it has seen.
const SUMMING_UP: Duration = Duration::from_secs(10);

/// A hunt under way. Dropping it ends it.
pub struct Hunt {
    schema: SchemaRef,
    batches: Receiver<Result<RecordBatch, HuntError>>,
    handle: HuntHandle,
}

/// Looks at a hunt, and can stop it, while another reads its answer.
#[derive(Clone)]
pub struct HuntHandle {
    control: Arc<Control>,
    task: AbortHandle,
}

impl fmt::Debug for Hunt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hunt")
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for HuntHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HuntHandle")
            .field("progress", &self.progress())
            .finish()
    }
}

impl Drop for Hunt {
    fn drop(&mut self) {
        self.handle.control.stop(Incomplete::Cancelled);
        self.handle.task.abort();
    }
}

impl HuntHandle {
    /// How far the hunt has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.control.progress()
    }

    /// Why the answer is not whole, as far as is known by now; nothing if it is.
    #[must_use]
    pub fn incomplete(&self) -> Vec<Incomplete> {
        self.control.incomplete()
    }

    /// Ends the hunt; what it has seen by now is still answered.
    pub fn cancel(&self) {
        self.control.stop(Incomplete::Cancelled);
    }
}

impl Hunt {
    pub(crate) fn begin(mut state: SessionState, runtime: &Handle, plan: LogicalPlan, limits: HuntLimits) -> Self {
        let control = Arc::new(Control::default());
        state.config_mut().set_extension(Arc::clone(&control));
        let schema = readable_schema(plan.schema().as_arrow());
        let (send, batches) = channel(BATCHES_WAITING_MAX);
        let runner = Runner {
            state,
            control: Arc::clone(&control),
            schema: SchemaRef::clone(&schema),
            send,
            limits,
        };
        let task = runtime.spawn(runner.run(plan)).abort_handle();
        Self {
            schema,
            batches,
            handle: HuntHandle { control, task },
        }
    }

    /// The columns of the answer; addresses are text in it.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    /// Waits for the next rows; nothing when there are no more. Then [`Hunt::incomplete`] says whether that is all.
    ///
    /// # Errors
    /// The hunt failed.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, HuntError> {
        self.batches.recv().await.transpose()
    }

    /// As [`Hunt::next`], for threads that may be blocked.
    ///
    /// # Errors
    /// The hunt failed.
    pub fn next_blocking(&mut self) -> Result<Option<RecordBatch>, HuntError> {
        self.batches.blocking_recv().transpose()
    }

    /// Reads the whole answer.
    ///
    /// # Errors
    /// The hunt failed.
    pub fn collect_blocking(&mut self) -> Result<Vec<RecordBatch>, HuntError> {
        let mut all = Vec::new();
        while let Some(batch) = self.next_blocking()? {
            all.push(batch);
        }
        Ok(all)
    }

    /// For looking at the hunt from elsewhere.
    #[must_use]
    pub fn handle(&self) -> HuntHandle {
        self.handle.clone()
    }

    /// How far the hunt has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.handle.progress()
    }

    /// Why the answer is not whole; nothing if it is.
    #[must_use]
    pub fn incomplete(&self) -> Vec<Incomplete> {
        self.handle.incomplete()
    }
}

struct Runner {
    state: SessionState,
    control: Arc<Control>,
    schema: SchemaRef,
    send: Sender<Result<RecordBatch, HuntError>>,
    limits: HuntLimits,
}

impl Runner {
    async fn run(self, plan: LogicalPlan) {
        let seconds = self.limits.seconds_max;
        let limit = Duration::from_secs(seconds.into());
        let asking = self.ask(&plan);
        tokio::pin!(asking);
        let outcome = tokio::select! {
            outcome = &mut asking => Some(outcome),
            () = sleep(limit) => None,
        };
        let outcome = if let Some(outcome) = outcome {
            outcome
        } else {
            // Reading ends here; what was read is still sorted, grouped and answered, unless that takes too long as well.
            self.control.stop(Incomplete::TimeLimit { seconds });
            timeout(SUMMING_UP, asking).await.unwrap_or(Ok(()))
        };
        match outcome {
            Ok(()) => {}
            Err(error) if is_about_memory(&error) => {
                let detail = error.find_root().strip_backtrace();
                let detail = detail.lines().next().unwrap_or_default().to_owned();
                self.control.stop(Incomplete::MemoryLimit { detail });
            }
            Err(error) => {
                // Nobody may be listening any more.
                let _ = self.send.send(Err(HuntError::of(&error))).await;
            }
        }
    }

    async fn ask(&self, plan: &LogicalPlan) -> Result<(), DataFusionError> {
        let physical = self.state.create_physical_plan(plan).await?;
        let mut answer: SendableRecordBatchStream = execute_stream(physical, self.state.task_ctx())?;
        let mut left = self.limits.rows_max;
        while let Some(batch) = answer.next().await {
            let batch = readable(&batch?, &self.schema)?;
            let rows = batch.num_rows() as u64;
            let batch = if rows > left {
                self.control.stop(Incomplete::RowLimit {
                    rows: self.limits.rows_max,
                });
                batch.slice(0, usize::try_from(left).unwrap_or(0))
            } else {
                batch
            };
            if batch.num_rows() > 0 && self.send.send(Ok(batch)).await.is_err() {
                return Ok(());
            }
            if rows > left {
                return Ok(());
            }
            left -= rows;
        }
        Ok(())
    }
}

/// Whether a hunt failed because neither memory nor what may be put aside on the disk sufficed.
fn is_about_memory(error: &DataFusionError) -> bool {
    matches!(error.find_root(), DataFusionError::ResourcesExhausted(_))
        // The limit on the disk has no kind of its own.
        || error.to_string().contains("max_temp_directory_size")
}
