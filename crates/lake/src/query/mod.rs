//! Hunting: SQL over everything that the lake holds, read-only and within limits. [`Lake::session`] gives a session to one
//! who hunts; [`HuntSession::sql`] and [`HuntSession::query`] begin a hunt, whose answer comes batch by batch.
//!
//! Tables are `events` and `rejections`. Beside SQL's own functions there are `fields['name']`, `raw()`, `has_text('…')`,
//! `cidr_match(address, '203.0.113.0/24')`, `list_has(list, 'item')`, `address_text(address)` and `fold(text)`.

mod addresses;
mod control;
mod error;
mod functions;
mod hunt;
mod input;
mod planner;
mod prune;
mod row_test;
mod scan;
mod session;
mod table;
mod words;
mod worker;

/// What the modules of this crate that ask the lake need of DataFusion.
pub use datafusion::{
    common::DFSchema,
    dataframe::DataFrame,
    functions_aggregate,
    logical_expr::{Expr, LogicalPlan},
    prelude::{col, ident, lit},
};

pub(crate) use self::input::Footers;
pub use self::{
    control::{Incomplete, Progress},
    error::HuntError,
    hunt::{Hunt, HuntHandle},
    session::{HuntLimits, HuntScope, HuntSession},
};

#[cfg(test)]
mod tests;
