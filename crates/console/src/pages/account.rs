//! One's own account.

pub(crate) mod browsers;
pub(crate) mod change;
pub(crate) mod show;
pub(crate) mod tokens;
