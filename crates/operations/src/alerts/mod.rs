//! Alerts: how detections become them, how much they press, and the steps that people take with them.

mod notice;
mod steps;
mod triage;
mod urgency;

pub use notice::{notice, notice_key, settle};
pub use steps::{Bulk, acknowledge, assign, bulk, close, reopen, unacknowledge, undo};
pub use triage::{Contexts, MANY, Occurrence, Triaged, contexts_needed, keeps_detail, triage};
pub use urgency::{explain, points_now};

/// So many alerts are changed in one bulk step.
pub const BULK_MAX: usize = 500;
/// Longest reason in bytes.
pub const REASON_BYTES_MAX: usize = 4000;
/// Minutes after closing in which what still comes in belongs to the closed alert.
pub const GRACE_MINUTES: i64 = 15;
/// So many late detections a closed alert takes at least before a new one opens; more when it had more detections.
pub const LATE_MIN: u64 = 20;
/// This many detections of an alert are all kept in detail; after them an ever sparser sample, [`DETAILS_A_DOUBLING`]
/// each time their number doubles. The counts stay exact, and the events are in the lake.
pub const DETAILS_DENSE: u64 = 512;
/// See [`DETAILS_DENSE`].
pub const DETAILS_A_DOUBLING: u64 = 64;
