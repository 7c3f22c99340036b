//! What can go wrong when the ledger is opened, read or written, told apart as far as callers act differently.

use model::Permission;

/// The store itself failed; the text is for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the ledger's store failed: {0}")]
pub struct StoreError(pub(crate) String);

/// Why the ledger does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file was written by a newer version of the program.
    #[error(
        "{path}: the ledger has schema version {found}, this program knows versions up to {known}; start the newer program again"
    )]
    NewerSchema {
        /// The file.
        path: String,
        /// The version in it.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// The folder or file cannot be used.
    #[error("{path}: {cause}")]
    Unusable {
        /// The file.
        path: String,
        /// What the system said.
        cause: String,
    },
}

/// Why a query has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The scope does not include the permission.
    #[error("not allowed for this role")]
    NotAllowed(Permission),
    /// The cursor of a page is not one that this ledger gave.
    #[error("the page's cursor is not valid")]
    BadCursor,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a decision was not committed. Nothing of it is in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// It was decided on something that changed in the meantime: read again, decide again.
    #[error("{subject} was changed in the meantime")]
    Conflict {
        /// What changed, as in [`crate::Entry::subjects`] (`alert:…`, `pipeline`).
        subject: String,
    },
    /// There is no room; reading goes on, and writing does once there is room again.
    #[error("the disk is full")]
    DiskFull,
    /// Another process holds the ledger for longer than [`crate::Ledger::BUSY_SECONDS_MAX`].
    #[error("another process is writing to the ledger")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self(format!("a row is not what this program wrote: {error}"))
    }
}

impl From<serde_json::Error> for ReadError {
    fn from(error: serde_json::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<serde_json::Error> for ApplyError {
    fn from(error: serde_json::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<rusqlite::Error> for ApplyError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::DiskFull,
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => Self::Busy,
            _ => Self::Store(error.into()),
        }
    }
}

/// Turns a broken uniqueness or a missing row into a conflict about `subject`.
pub(crate) fn conflict_about(subject: &str) -> impl Fn(rusqlite::Error) -> ApplyError {
    move |error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => conflict(subject),
        _ => error.into(),
    }
}

/// A conflict about `subject`.
pub(crate) fn conflict(subject: &str) -> ApplyError {
    ApplyError::Conflict {
        subject: subject.to_owned(),
    }
}
