//! The wall display: what a whole room must see, from across it.

pub(crate) mod show;
