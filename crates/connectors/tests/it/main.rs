//! The contract of every channel against a peer that behaves and misbehaves, and delivery through real servers.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "the whole crate is a test; what it leaves out it says aloud"
)]

mod contract;
mod peers;
mod real;
