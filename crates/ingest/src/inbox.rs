//! Where listeners put what they received: the journal, or in tests an inbox that is slow, full or broken.

use std::{future::Future, io::ErrorKind, pin::Pin};

use journal::{AppendError, Journal};
use model::{JournalEntry, Seq};

/// What an inbox method returns: a boxed future, so that listeners need not know the inbox's type.
pub type InboxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Takes entries and answers when they are durable.
pub trait Inbox: Send + Sync + 'static {
    /// Appends all entries or none, in order. Returns the number of the first once all are durable.
    fn append(&self, entries: Vec<JournalEntry>) -> InboxFuture<'_, Result<Seq, Refused>>;

    /// Lists the entries with a number greater than `after`, oldest first, at most `entries_max`: after a crash they say
    /// what followed the last checkpoint of a follower.
    fn after(&self, after: Seq, entries_max: usize) -> InboxFuture<'_, Result<Vec<(Seq, JournalEntry)>, Refused>>;
}

/// Why an inbox took nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no room now; the sender must keep its records and come back.
    #[error("no room now: the journal is full, or holds more than can be decided on in time")]
    Full,
    /// Writing failed; whether anything is durable is unknown, so the sender must come back.
    #[error("the journal failed: {0}")]
    Failed(String),
}

impl Refused {
    /// The HTTP status that tells a sender of it: 429 or 503, both of which shippers answer by coming back.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Full => 429,
            Self::Failed(_) => 503,
        }
    }
}

/// Most bytes read at once while looking for what followed a checkpoint.
const READ_BYTES_MAX: usize = 4 * 1024 * 1024;

impl Inbox for Journal {
    fn append(&self, entries: Vec<JournalEntry>) -> InboxFuture<'_, Result<Seq, Refused>> {
        Box::pin(async move {
            match Journal::append(self, entries).await {
                Ok(range) => Ok(range.start),
                Err(AppendError::Full) => Err(Refused::Full),
                Err(AppendError::Disk(error)) if error.kind == ErrorKind::StorageFull => Err(Refused::Full),
                Err(error @ (AppendError::Disk(_) | AppendError::TooLarge { .. } | AppendError::Closed)) => {
                    Err(Refused::Failed(error.to_string()))
                }
            }
        })
    }

    fn after(&self, after: Seq, entries_max: usize) -> InboxFuture<'_, Result<Vec<(Seq, JournalEntry)>, Refused>> {
        let journal = self.clone();
        Box::pin(async move {
            let read = move || journal.read(after.saturating_add(1), entries_max, READ_BYTES_MAX);
            match tokio::task::spawn_blocking(read).await {
                Ok(Ok(entries)) => Ok(entries),
                Ok(Err(error)) => Err(Refused::Failed(error.to_string())),
                Err(error) => Err(Refused::Failed(error.to_string())),
            }
        })
    }
}
