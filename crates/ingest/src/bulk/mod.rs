//! Elasticsearch's `_bulk` format: requests into items, and the item-by-item answer.

mod answer;
mod parse;

pub(crate) use answer::{Outcome, write_answer, write_document};
pub(crate) use parse::{BulkLimits, Content, Item, Operation, check_document, parse};
