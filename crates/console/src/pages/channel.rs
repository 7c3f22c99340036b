//! Channels: how messages leave, and what did not arrive.

pub(crate) mod change;
pub(crate) mod list;
