//! The command line, one file for each command.

pub(crate) mod actions;
pub(crate) mod backup;
pub(crate) mod config;
pub(crate) mod content;
pub(crate) mod duty;
pub(crate) mod evidence;
pub(crate) mod exercise;
pub(crate) mod hunt;
pub(crate) mod incident;
pub(crate) mod lake;
pub(crate) mod ledger;
pub(crate) mod notify;
pub(crate) mod plans;
pub(crate) mod report;
pub(crate) mod rules;
pub(crate) mod serve;
pub(crate) mod service;
pub(crate) mod sweep;
pub(crate) mod watch;
