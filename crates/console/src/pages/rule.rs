//! Rules: what is watched for, and what could not be loaded.

pub(crate) mod list;
pub(crate) mod show;
