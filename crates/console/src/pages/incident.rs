//! Pages of incidents.

pub(crate) mod change;
pub(crate) mod form;
pub(crate) mod head;
pub(crate) mod list;
pub(crate) mod metrics;
pub(crate) mod response;
pub(crate) mod show;
pub(crate) mod side;
pub(crate) mod timeline;
