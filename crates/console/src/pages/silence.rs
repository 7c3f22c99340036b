//! Silences: what is hidden, why, until when, and who answers for it.

pub(crate) mod change;
pub(crate) mod form;
pub(crate) mod list;
mod preview;
pub(crate) mod show;

pub(crate) use preview::Trial;
