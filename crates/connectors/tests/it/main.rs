//! The contract of every channel against a peer that behaves and misbehaves, and delivery through real servers.
#![expect(clippy::unwrap_used, reason = "the whole crate is a test")]

mod contract;
mod peers;
mod real;
mod restic;
