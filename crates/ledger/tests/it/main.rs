//! The ledger from outside: what is committed, what is refused, what is found again.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

mod access;
mod faults;
mod nouns;
mod queue;
mod reports;
mod retention;
mod story;
mod tamper;
mod world;
