//! The conditions of a hunt, tried on the rows of a file while it is decoded.

use std::sync::Arc;

use arrow_array::{BooleanArray, RecordBatch, cast::AsArray};
use arrow_schema::{ArrowError, SchemaRef};
use datafusion::{
    common::Result,
    physical_expr::{
        PhysicalExpr,
        utils::{collect_columns, reassign_expr_columns},
    },
};
use parquet::arrow::{ProjectionMask, arrow_reader::ArrowPredicate};

use super::control::Control;

/// Conditions over some columns of the rows of a file.
pub(crate) struct RowTest {
    mask: ProjectionMask,
    conditions: Vec<Arc<dyn PhysicalExpr>>,
    control: Arc<Control>,
}

impl RowTest {
    /// The test, and the columns it is over.
    pub(crate) fn new(
        conditions: &[Arc<dyn PhysicalExpr>],
        schema: &SchemaRef,
        control: Arc<Control>,
    ) -> Result<(Vec<usize>, Self)> {
        let mut columns: Vec<usize> = conditions
            .iter()
            .flat_map(|condition| collect_columns(condition).into_iter().map(|column| column.index()))
            .collect();
        columns.sort_unstable();
        columns.dedup();
        let narrow: SchemaRef = Arc::new(schema.project(&columns)?);
        let conditions = conditions
            .iter()
            .map(|condition| reassign_expr_columns(Arc::clone(condition), &narrow))
            .collect::<Result<_>>()?;
        let test = Self {
            mask: ProjectionMask::all(),
            conditions,
            control,
        };
        Ok((columns, test))
    }

    pub(crate) fn over(self, mask: ProjectionMask) -> Self {
        Self { mask, ..self }
    }

    fn passed(&self, batch: &RecordBatch) -> Result<BooleanArray> {
        let mut passed: Option<BooleanArray> = None;
        for condition in &self.conditions {
            let array = condition.evaluate(batch)?.into_array(batch.num_rows())?;
            let here = array.as_boolean();
            passed = Some(match passed {
                None => here.clone(),
                Some(before) => datafusion::arrow::compute::and_kleene(&before, here)?,
            });
        }
        Ok(passed.unwrap_or_else(|| BooleanArray::from(vec![true; batch.num_rows()])))
    }
}

impl ArrowPredicate for RowTest {
    fn projection(&self) -> &ProjectionMask {
        &self.mask
    }
    fn evaluate(&mut self, batch: RecordBatch) -> Result<BooleanArray, ArrowError> {
        self.passed(&batch).map_err(|error| {
            let told = ArrowError::ComputeError(error.to_string());
            self.control.fail(error);
            told
        })
    }
}
