//! What `fields['Image']` means.

use datafusion::{
    common::{DFSchema, Result},
    logical_expr::{
        GetFieldAccess, lit,
        planner::{ExprPlanner, PlannerResult, RawFieldAccessExpr},
    },
};

use super::functions;

/// Plans access to fields of the record by name.
#[derive(Debug)]
pub(crate) struct FieldsByName;

impl ExprPlanner for FieldsByName {
    fn plan_field_access(
        &self,
        access: RawFieldAccessExpr,
        _schema: &DFSchema,
    ) -> Result<PlannerResult<RawFieldAccessExpr>> {
        let name = match &access.field_access {
            GetFieldAccess::NamedStructField { name } => name.try_as_str().flatten().map(str::to_owned),
            GetFieldAccess::ListIndex { key } => key
                .as_literal()
                .and_then(|key| key.try_as_str().flatten().map(str::to_owned)),
            GetFieldAccess::ListRange { .. } => None,
        };
        Ok(match name {
            Some(name) => PlannerResult::Planned(functions::field().call(vec![access.expr, lit(name)])),
            None => PlannerResult::Original(access),
        })
    }
}
