//! The Vietnamese calendar of work, as deadlines and watches are reckoned by it.

pub(crate) mod show;
