//! Deadlines: clocks that laws and letters have started, those that passed, and how each ended.

pub(crate) mod change;
pub(crate) mod form;
pub(crate) mod list;
