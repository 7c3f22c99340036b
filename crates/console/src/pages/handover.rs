//! Handovers and daily reports: made from the ledger, signed, taken over or refused.

pub(crate) mod change;
mod gather;
pub(crate) mod list;
pub(crate) mod show;
