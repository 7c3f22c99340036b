//! The ledger from outside: what is committed, what is refused, what is found again.

mod access;
mod queue;
mod story;
mod world;
