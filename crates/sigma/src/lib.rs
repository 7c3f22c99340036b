//! The Sigma language: parse, compile, match and correlate, over any record.

pub mod condition;
pub mod correlation;
pub mod document;
pub mod limits;
pub mod modifier;
pub mod rule;
pub mod yaml;
