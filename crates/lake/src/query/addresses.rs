//! Addresses are stored as 16 bytes, so that they compare as addresses; in a question and in an answer they are text.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use datafusion::{
    common::{
        DFSchema, Result, ScalarValue,
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode},
    },
    logical_expr::{Between, BinaryExpr, Expr, ExprSchemable, LogicalPlan, expr::InList, utils::merge_schema},
    optimizer::AnalyzerRule,
};

use super::functions::{CIDR_MATCH, address, address_texts, network, stored};

/// How an address is stored.
const STORED: DataType = DataType::FixedSizeBinary(16);

/// Reads texts that are compared with addresses as addresses, and networks as the range that statistics can be held against.
#[derive(Debug)]
pub(crate) struct ReadAddresses;

impl AnalyzerRule for ReadAddresses {
    fn name(&self) -> &'static str {
        "read_addresses"
    }
    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| {
            let mut schema = merge_schema(&plan.inputs());
            if let LogicalPlan::TableScan(scan) = &plan {
                schema.merge(scan.projected_schema.as_ref());
            }
            plan.map_expressions(|expression| expression.transform_up(|part| read(part, &schema)))
        })
        .map(|done| done.data)
    }
}

fn is_address(expression: &Expr, schema: &DFSchema) -> bool {
    expression.get_type(schema).is_ok_and(|kind| kind == STORED)
}

fn text_of(expression: &Expr) -> Option<&str> {
    let Expr::Literal(value, _) = expression else {
        return None;
    };
    value.try_as_str().flatten()
}

fn literal(value: ScalarValue) -> Expr {
    Expr::Literal(value, None)
}

fn read_text(expression: Expr) -> Result<Expr> {
    match text_of(&expression) {
        Some(text) => Ok(literal(address(text)?)),
        None => Ok(expression),
    }
}

fn read(part: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    if let Expr::BinaryExpr(BinaryExpr { left, op, right }) = part {
        let (mut left, mut right) = (*left, *right);
        if is_address(&left, schema) {
            right = read_text(right)?;
        } else if is_address(&right, schema) {
            left = read_text(left)?;
        }
        let (left, right) = (Box::new(left), Box::new(right));
        return Ok(Transformed::yes(Expr::BinaryExpr(BinaryExpr { left, op, right })));
    }
    if let Expr::InList(InList { expr, list, negated }) = part {
        let list = if is_address(&expr, schema) {
            list.into_iter().map(read_text).collect::<Result<_>>()?
        } else {
            list
        };
        return Ok(Transformed::yes(Expr::InList(InList { expr, list, negated })));
    }
    if let Expr::Between(between) = part {
        if !is_address(&between.expr, schema) {
            return Ok(Transformed::no(Expr::Between(between)));
        }
        return Ok(Transformed::yes(Expr::Between(Between {
            low: Box::new(read_text(*between.low)?),
            high: Box::new(read_text(*between.high)?),
            ..between
        })));
    }
    if let Expr::ScalarFunction(call) = &part
        && call.func.name() == CIDR_MATCH
        && let [column, text] = call.args.as_slice()
        && let Some(text) = text_of(text).filter(|_| is_address(column, schema))
    {
        let (first, last) = network(text)?;
        return Ok(Transformed::yes(Expr::Between(Between {
            expr: Box::new(column.clone()),
            negated: false,
            low: Box::new(literal(stored(first))),
            high: Box::new(literal(stored(last))),
        })));
    }
    Ok(Transformed::no(part))
}

/// The schema of an answer in which addresses are text.
pub(crate) fn readable_schema(schema: &Schema) -> SchemaRef {
    let fields: Vec<Arc<Field>> = schema
        .fields()
        .iter()
        .map(|field| {
            if *field.data_type() == STORED {
                Arc::new(Field::new(field.name(), DataType::Utf8, field.is_nullable()))
            } else {
                Arc::clone(field)
            }
        })
        .collect();
    Arc::new(Schema::new(fields))
}

/// Turns the addresses of a batch into text.
pub(crate) fn readable(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns: Vec<ArrayRef> = batch
        .columns()
        .iter()
        .map(|column| {
            if *column.data_type() == STORED {
                address_texts(column)
            } else {
                Ok(Arc::clone(column))
            }
        })
        .collect::<Result<_>>()?;
    let rows = arrow_array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        SchemaRef::clone(schema),
        columns,
        &rows,
    )?)
}
