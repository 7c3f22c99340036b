//! The command line, one file for each command.

pub(crate) mod config;
pub(crate) mod exercise;
pub(crate) mod lake;
pub(crate) mod ledger;
pub(crate) mod notify;
pub(crate) mod report;
pub(crate) mod rules;
pub(crate) mod serve;
pub(crate) mod sweep;
