//! How the post's own looks at things commit what they decide.

use anyhow::Result;
use ledger::{ApplyError, Ledger};
use model::Decision;

/// Commits what a look decided. Somebody's decision in between is no failure: the next look decides on what they made of it.
///
/// # Errors
/// When the ledger does not take it for another reason.
pub(crate) fn commit(ledger: &Ledger, decision: &Decision) -> Result<()> {
    match ledger.apply(decision) {
        Ok(_) | Err(ApplyError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
