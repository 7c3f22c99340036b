//! Hunting in the lake.

pub(crate) mod show;
