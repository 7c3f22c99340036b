//! Envelopes: what carries a record and tells its host, time and program, with the content inside.

pub(crate) mod stamp;
pub(crate) mod syslog;
