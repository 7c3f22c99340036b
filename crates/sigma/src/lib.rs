//! The Sigma language: parse, compile, match and correlate, over any record.
