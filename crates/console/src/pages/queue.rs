//! The queue: what needs a person now.

pub(crate) mod filter;
pub(crate) mod list;
mod row;
pub(crate) mod summary;
