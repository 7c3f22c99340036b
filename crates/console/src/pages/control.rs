//! Controls: what one measures, what it found, and how it went over time.

pub(crate) mod show;
