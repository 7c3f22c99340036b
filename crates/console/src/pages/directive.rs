//! Directives: letters of authorities as they were registered, and the catalogue that they can be taken from.

pub(crate) mod change;
pub(crate) mod choose;
pub(crate) mod form;
pub(crate) mod list;
pub(crate) mod show;
