//! Tokens of sources.

pub(crate) mod change;
pub(crate) mod list;
mod snippets;
