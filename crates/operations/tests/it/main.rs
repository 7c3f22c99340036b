//! What is decided, seen from outside: tables of cases, and random lives of a post that keep every invariant.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

mod alerts;
mod api_tokens;
mod browsers;
mod content;
mod deadlines;
mod duty;
mod handover;
mod incidents;
mod memory;
mod notifications;
mod people;
mod random;
mod recovery;
mod roster;
mod silences;
mod sources;
mod staffing;
mod watches;
