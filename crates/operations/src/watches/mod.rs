//! Watches: opening and closing them, what must be there before, how each requirement stands, waivers, questions, tasks.

mod controls;
mod measure;
mod preflight;
mod questions;
mod readiness;
mod standing;
mod steps;
mod waivers;

pub use controls::{Control, ControlsFile, MEASURED};
pub use measure::{ACKNOWLEDGED_HOURS, Facts, Verification, measure, worth_keeping};
pub use preflight::{Check, Ground, Tally, make_tasks, preflight};
pub use questions::{answer, hand_to};
pub use readiness::{CONTAINED_DAYS, REHEARSED_DAYS, Readiness, ServiceStands};
pub use standing::{
    RequirementStanding, Seen, Shown, Standing, controls_of, of_measurement, of_question, standing, tally, waives,
};
pub use steps::{Draft, NewTask, add_task, close, finish_task, give_requirement, open, phase};
pub use waivers::{ask, decide, end};

/// Longest words of a person in bytes.
pub const WORDS_BYTES_MAX: usize = 4000;
/// Most requirements of a watch.
pub const REQUIREMENTS_MAX: usize = 500;
/// Most tasks of a watch.
pub const TASKS_MAX: usize = 500;
/// The longest watch in days.
pub const DAYS_MAX: i64 = 120;
/// How many hours an answer is good for, unless the question says otherwise.
pub const ANSWER_HOURS: u32 = 24;
/// The longest waiver in days.
pub const WAIVER_DAYS_MAX: i64 = 90;

/// When a watch is, seen from a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Before its time.
    Ahead,
    /// In its time.
    Running,
    /// Its time is over, and it is not closed.
    Over,
    /// Closed.
    Closed,
}

mod words {
    use model::{Phrase, Rejected};

    const MISSING: Phrase = Phrase::new("hãy ghi rõ", "say what");
    const LONG: Phrase = Phrase::new("quá dài", "too long");

    /// The words of a person, trimmed.
    pub(super) fn required(field: &'static str, text: &str) -> Result<String, Rejected> {
        let text = text.trim();
        let problem = if text.is_empty() {
            MISSING
        } else if text.len() > super::WORDS_BYTES_MAX {
            LONG
        } else {
            return Ok(text.to_owned());
        };
        Err(Rejected::Invalid { field, problem })
    }
}
