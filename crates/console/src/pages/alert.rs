//! One alert: why it fired, its evidence, what else happened, and what was decided about it.

mod evidence;
mod heading;
pub(crate) mod show;
mod story;
pub(crate) mod work;
