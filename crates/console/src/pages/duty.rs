//! Duty: who is on it, the rosters, one's own part, notifications, and how people are paged.

pub(crate) mod answer;
pub(crate) mod calendar;
pub(crate) mod change;
pub(crate) mod drills;
pub(crate) mod edit;
pub(crate) mod fields;
pub(crate) mod me;
pub(crate) mod mine;
pub(crate) mod notification;
pub(crate) mod now;
pub(crate) mod policy;
pub(crate) mod roster;
pub(crate) mod sheet;
pub(crate) mod swap;
