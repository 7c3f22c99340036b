//! Deadlines: rules as data, and running timers that end once, as met, breached or stopped.

mod rule;
mod steps;

pub use rule::{Reckoning, Rule, RulesFile, Within};
pub use steps::{Start, Ticked, finish_late, hand_to, meet, start, stop, tick};

/// The id of the post's notice about a deadline that is close to its end.
pub const CLOSE: &str = "watchpost/deadline-close";
/// The id of the post's notice about a deadline that passed.
pub const BREACHED: &str = "watchpost/deadline-breached";
/// What both are closed with.
pub const DONE: &str = "Việc có thời hạn này đã xong · It is done";
/// The title of the first.
pub const CLOSE_TITLE: model::Phrase = model::Phrase::new("Thời hạn sắp hết", "A deadline is close");
/// The title of the second.
pub const BREACHED_TITLE: model::Phrase = model::Phrase::new("Đã quá thời hạn", "A deadline has passed");
/// Longest words of a person in bytes.
pub const WORDS_BYTES_MAX: usize = 4000;
/// A warning is given when so many percent of the time have passed.
pub const WARN_AT_PERCENT: [i64; 3] = [50, 75, 90];
