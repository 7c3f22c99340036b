//! Hunting: search lines and SQL over everything that the lake holds, read-only and within limits. [`Lake::session`] gives a session to one
//! who hunts; [`HuntSession::sql`] and [`HuntSession::query`] begin a hunt, whose answer comes batch by batch.
//!
//! Tables are `events` and `rejections`. Beside SQL's own functions there are `fields['name']`, `raw()`, `has_text('…')`, `matches(text, 'an*')`,
//! `cidr_match(address, '203.0.113.0/24')`, `list_has(list, 'item')`, `address_text(address)` and `fold(text)`.

mod addresses;
mod asking;
mod conditions;
mod control;
mod error;
mod functions;
mod hunt;
mod input;
mod names;
pub mod output;
mod planner;
mod prune;
mod row_test;
mod scan;
mod session;
mod summary;
mod table;
mod words;
mod worker;

/// A piece of an answer.
pub use arrow_array::RecordBatch;

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
    asking::{Asked, Chosen, Inquiry, InquiryError, USUAL_COLUMNS},
    control::{Incomplete, Progress},
    error::HuntError,
    hunt::{Hunt, HuntHandle},
    session::{HuntLimits, HuntScope, HuntSession},
    summary::{BARS_MAX, FACETED_EVENTS_MAX, Facet, Span, Summary, Summing},
};

#[cfg(test)]
mod asking_tests;
#[cfg(test)]
mod tests;
