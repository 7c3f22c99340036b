//! The Sigma language: parse, compile, match and correlate, over any record.
//!
//! The crate stands alone. Rules are read from YAML with positions ([`document`]), compiled together into an immutable
//! [`engine::Engine`] that threads share, and matched by one [`matcher::Matcher`] per thread against anything that can show its
//! fields ([`record::Record`]): a JSON line read lazily ([`json::JsonScanner`]), an array of pairs, or a type of your own.
//! What is supported and how the open points of the specification were decided is in `docs/SIGMA.md`.
//!
//! ```
//! use std::sync::Arc;
//! use sigma::document::{self, RuleDocument};
//! use sigma::engine::Engine;
//! use sigma::json::JsonScanner;
//! use sigma::matcher::{LogSourceSet, Matcher};
//! use sigma::rule::LogSource;
//!
//! let file = document::parse("vssadmin.yml", r"
//! title: Shadow copies deleted
//! logsource: {category: process_creation, product: windows}
//! level: high
//! detection:
//!   selection:
//!     Image|endswith: '\vssadmin.exe'
//!     CommandLine|contains|all: [delete, shadows]
//!   condition: selection
//! ");
//! assert!(file.errors.is_empty()); // each refusal names file, line and reason
//!
//! let mut builder = Engine::builder();
//! for document in file.documents {
//!     if let RuleDocument::Rule(rule) = document {
//!         builder.add(Arc::new(*rule))?;
//!     }
//! }
//! let engine = Arc::new(builder.build());
//!
//! // One matcher per thread; an event has a set of log sources, made once for all events of a kind.
//! let mut matcher = Matcher::new(Arc::clone(&engine));
//! let sources = LogSourceSet::new(vec![LogSource::new("process_creation", "windows", "sysmon")]);
//! let mut scanner = JsonScanner::new();
//! let line = r#"{"Image":"C:\\Windows\\vssadmin.exe","CommandLine":"vssadmin Delete Shadows /all"}"#;
//! let record = scanner.scan(line)?;
//! let matched = matcher.matches(&record, &sources).to_vec();
//! assert_eq!(engine.rule(matched[0]).meta.title, "Shadow copies deleted");
//!
//! // Why: selection, field, value and the bytes of it.
//! let why = engine.explain_match(matched[0], &record);
//! assert_eq!((why[1].atom.as_str(), why[1].evidence.bytes.clone()), ("delete", 9..15));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
mod keywords;
pub mod limits;
pub mod lint;
pub mod lower;
pub mod matcher;
mod memo;
pub mod modifier;
pub mod names;
pub mod pattern;
pub mod pipeline;
mod plan;
mod program;
mod reach;
pub mod record;
pub mod regular;
mod rewrite;
pub mod rule;
mod time_part;
pub mod yaml;
