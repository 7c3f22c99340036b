//! The outside, as the post reaches it: one file per product behind one trait per kind, safe to repeat, bounded in time and size.

pub mod backups;
pub mod channels;
#[cfg(test)]
mod corpus;
pub mod enforcement;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod outbound;
pub mod probes;
mod secret;
mod tls;

pub use secret::{Secret, SecretError, SecretReference};
