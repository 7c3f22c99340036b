//! Where time and chance enter the house: everything below is handed them as arguments.

use anyhow::{Context, Result};
use model::{Entropy, Timestamp};

/// The wall clock of the machine.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// Sixteen bytes from the operating system's random source.
///
/// # Errors
/// When the operating system has no random source.
pub(crate) fn entropy() -> Result<Entropy> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).context("the operating system gave no random bytes")?;
    Ok(Entropy(bytes))
}
