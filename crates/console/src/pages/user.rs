//! Accounts: who may do what.

pub(crate) mod change;
pub(crate) mod list;
