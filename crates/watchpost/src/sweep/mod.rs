//! A sweep: a folder of evidence through the pipeline of the post, without a server.

pub(crate) mod files;
pub(crate) mod lines;
pub(crate) mod report;
pub(crate) mod values;
