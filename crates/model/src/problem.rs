//! What could not be read as it should be: kept beside the result and counted, never an error and never dropped.

use serde::{Deserialize, Serialize};

/// One thing that went wrong, or had to be guessed, while reading a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What sort of problem it is; the unit of counting.
    pub kind: ProblemKind,
    /// What exactly, for the person who mends the source: the field, the text met, what was assumed.
    pub detail: String,
}

impl Problem {
    /// Makes a problem.
    #[must_use]
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
        }
    }
}

/// The kinds of problems, each counted per source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// No format was recognised; the record is kept as one text.
    UnknownFormat,
    /// The format was recognised but the record breaks it; what could be read is there.
    Malformed,
    /// Bytes that are not UTF-8 were replaced by U+FFFD; the raw bytes are kept.
    InvalidUtf8,
    /// No time was found; the time of receipt stands in.
    NoTime,
    /// The time had no year or no zone and was completed by a guess.
    GuessedTime,
    /// The time is outside what is believable and the time of receipt stands in.
    ImplausibleTime,
    /// A name came more than once in one object.
    DuplicateName,
    /// Nesting, field count or length passed a named limit; the rest is only in the raw record.
    LimitReached,
    /// A record that should have been joined with others stayed alone.
    Incomplete,
}
