//! What can go wrong in the lake, and what a reader is told of files that could not be read.

use std::{io, path::Path};

/// The lake cannot be opened as it is.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The disk refused.
    #[error("the lake's disk: {0}")]
    Disk(#[from] io::Error),
    /// There are events but no list of them. Making a new list would mean to delete them.
    #[error("{0} has Parquet files but no manifest.json; restore it, or move the folder away to begin anew")]
    ManifestMissing(String),
    /// The list of events is not what was written.
    #[error("{file} is not a manifest of this lake: {cause}")]
    ManifestDamaged {
        /// The file.
        file: String,
        /// What is wrong with it.
        cause: String,
    },
}

/// Why events were not taken. None of the batch is; the journal still has them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// What is in memory has reached its limit, because it cannot be written.
    #[error("the lake holds as much in memory as it may and cannot write it: {0}")]
    Full(String),
}

/// Events in memory could not be written; they stay there, findable, and are tried again.
#[derive(Debug, thiserror::Error)]
pub enum FlushError {
    /// The disk refused.
    #[error("the lake's disk: {0}")]
    Disk(#[from] io::Error),
    /// Events could not be turned into Parquet.
    #[error("events could not be encoded: {0}")]
    Encoding(#[from] parquet::errors::ParquetError),
}

impl From<arrow_schema::ArrowError> for FlushError {
    fn from(error: arrow_schema::ArrowError) -> Self {
        Self::Encoding(error.into())
    }
}

/// What is said of a file whose bytes are not those that were written.
pub(crate) const ANOTHER_HASH: &str = "its hash is another";

/// A file that is listed but could not be read; everything else was read all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The file, relative to the lake's folder.
    pub file: String,
    /// Why.
    pub cause: String,
}

impl Unreadable {
    pub(crate) fn new(file: &Path, cause: impl std::fmt::Display) -> Self {
        Self {
            file: file.display().to_string(),
            cause: cause.to_string(),
        }
    }
}
