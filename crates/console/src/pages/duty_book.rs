//! The duty book: every decision, in order, chained by hash.

pub(crate) mod list;

use crate::words::Words;

/// The words for an action; one that has none is shown as it is written.
pub(crate) fn action(words: Words, action: &str) -> String {
    words
        .ledger_action(action)
        .map_or_else(|| action.to_owned(), str::to_owned)
}
