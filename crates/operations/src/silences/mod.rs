//! Silences: hiding what is known to be wrong or accepted, for a time, under somebody's name. Nothing is lost by it.

mod coverage;
mod preview;
mod steps;

pub use coverage::{Index, covers, in_force};
pub use preview::{Example, Preview};
pub use steps::{Draft, create, end, extend, hid, outgrown, undo};

/// The longest time a silence lasts, in days; it can be extended before it ends.
pub const DAYS_MAX: i64 = 365;
/// The longest time a silence for planned work lasts, in days.
pub const MAINTENANCE_DAYS_MAX: i64 = 14;
/// Most fields of a scope.
pub const FIELDS_MAX: usize = 16;
/// Longest comment in bytes.
pub const COMMENT_BYTES_MAX: usize = 4000;
/// A silence that hides this many times more in a day than its preview expected is reported.
pub const OUTGROWN_TIMES: f64 = 10.0;
/// And at least this many in the day.
pub const OUTGROWN_MIN: u64 = 100;
/// The rule id of that report.
pub const OUTGROWN: &str = "watchpost/silence-outgrown";
/// Its title.
pub const OUTGROWN_TITLE: model::Phrase = model::Phrase::new(
    "Lệnh tạm ẩn đang ẩn nhiều hơn hẳn dự kiến",
    "A silence hides far more than was expected of it",
);
