//! What the post heard: asked of the post that runs on the data folder, or read from its lake when none does.

use std::path::Path;

use anyhow::{Context, Result};
use jiff::SignedDuration;
use lake::Lake;
use model::{Heard, Timestamp};
use tokio::net::UnixStream;

use crate::{
    clock,
    configuration::Configuration,
    control::{self, Answer, Question},
};

/// Events after which no further file is looked at: seconds of one core.
pub(crate) const EVENTS_MAX: u64 = 5_000_000;

/// The time that ends now.
pub(crate) fn last_days(days: u16) -> (Timestamp, Timestamp) {
    let now = clock::now();
    let length = SignedDuration::from_hours(24 * i64::from(days));
    (now.checked_sub(length).unwrap_or(Timestamp::MIN), now)
}

/// What was heard in the last days; nothing when the data folder has no lake, so that nothing can be known.
///
/// # Errors
/// When the lake cannot be opened, or the running post does not answer.
pub(crate) fn heard(configuration: &Configuration, days: u16) -> Result<Option<Heard>> {
    let (from, until) = last_days(days);
    let folder = configuration.data.join("lake");
    if !folder.exists() {
        return Ok(None);
    }
    let question = Question::Heard {
        from,
        until,
        events_max: EVENTS_MAX,
    };
    if let Some(heard) = ask(&configuration.data, &question)? {
        return Ok(Some(heard));
    }
    let lake = Lake::open(&folder, configuration.lake.clone()).context("opening the lake")?;
    Ok(Some(lake.heard(from, until, EVENTS_MAX)))
}

/// Asks the running post, if there is one.
fn ask(data: &Path, question: &Question) -> Result<Option<Heard>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    runtime.block_on(async {
        if UnixStream::connect(control::socket(data)).await.is_err() {
            return Ok(None);
        }
        match control::ask(data, question).await? {
            Answer::Heard(heard) => Ok(Some(*heard)),
            Answer::Accepted { .. } | Answer::LookedBack { .. } | Answer::Refused { .. } => {
                anyhow::bail!("the post answered another question")
            }
        }
    })
}
