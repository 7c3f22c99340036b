//! Acting as a process: a story from the first alert to the restored service in which the post is killed between every two steps, and
//! what a killed, drifted or late post owes its devices. A firewall in a network namespace stands for the organisation's own.
#![expect(clippy::unwrap_used, reason = "the whole crate is a test")]

mod duties;
mod figures;
mod firewall;
mod post;
mod story;
mod training;
