//! The pages: a folder for each noun, a file for each verb, with its template beside its handler.

pub(crate) mod account;
pub(crate) mod action;
pub(crate) mod alert;
pub(crate) mod calendar;
pub(crate) mod channel;
pub(crate) mod control;
pub(crate) mod deadline;
pub(crate) mod directive;
pub(crate) mod duty;
pub(crate) mod duty_book;
pub(crate) mod handover;
pub(crate) mod hunt;
pub(crate) mod incident;
pub(crate) mod plan;
pub(crate) mod problem;
pub(crate) mod queue;
pub(crate) mod rule;
pub(crate) mod service;
pub(crate) mod session;
pub(crate) mod setup;
pub(crate) mod silence;
pub(crate) mod source;
pub(crate) mod token;
pub(crate) mod user;
pub(crate) mod wall;
pub(crate) mod watch;
