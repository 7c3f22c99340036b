//! The Sigma language: parse, compile, match and correlate, over any record.

pub mod atom;
pub mod condition;
pub mod correlation;
mod digest;
pub mod document;
mod encode;
pub mod engine;
pub mod explain;
pub mod filter;
pub mod fold;
mod index;
pub mod json;
pub mod limits;
pub mod lower;
pub mod matcher;
mod memo;
pub mod modifier;
pub mod pattern;
pub mod pipeline;
mod plan;
mod program;
pub mod record;
pub mod regular;
mod rewrite;
pub mod rule;
mod time_part;
pub mod yaml;
