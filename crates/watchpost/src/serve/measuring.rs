//! Looks once a minute at the running deadlines and at everything that the post can measure about itself, and keeps what it
//! found in the ledger; verifies the stores a few times a day.

use std::{sync::Arc, time::Duration};

use compact_str::CompactString;
use detect::SharedRules;
use jiff::SignedDuration;
use ledger::Ledger;
use model::{Language, Scope, Timestamp};
use operations::{Catalogue, watches::Verification};
use tokio::sync::watch;

use super::pump::Stores;
use crate::{
    clock,
    content_files::ContentFiles,
    look::{self, Beside, Verifications},
};

const LOOK_EVERY: Duration = Duration::from_mins(1);
const RELOAD_EVERY: Duration = Duration::from_secs(10);
const VERIFY_EVERY: Duration = Duration::from_hours(6);
/// A post that begins has a backlog to decide on first.
const VERIFY_FIRST: Duration = Duration::from_mins(2);

/// Reads the content again when a file of its folder changed.
pub(super) async fn reload_content(mut files: ContentFiles, give: watch::Sender<Arc<Catalogue>>) {
    let mut known = None;
    loop {
        tokio::time::sleep(RELOAD_EVERY).await;
        match files.fingerprint() {
            Ok(current) if known != Some(current) => {
                let first = known.replace(current).is_none();
                match files.read() {
                    Ok(catalogue) => {
                        for problem in catalogue.problems.iter().filter(|_| !first) {
                            tracing::warn!("content: {problem}");
                        }
                        give.send_replace(Arc::new(catalogue));
                    }
                    Err(error) => tracing::error!("the content in force stays as it is: {error:#}"),
                }
            }
            Ok(_) => {}
            Err(error) => tracing::error!("the folder of content cannot be looked at: {error:#}"),
        }
    }
}

/// Verifies ledger and lake now and then.
pub(super) async fn verify(stores: Stores, give: watch::Sender<Verifications>) {
    tokio::time::sleep(VERIFY_FIRST).await;
    loop {
        let looked = stores.clone();
        match tokio::task::spawn_blocking(move || verified(&looked)).await {
            Ok(found) => {
                give.send_replace(found);
            }
            Err(error) => tracing::error!("verifying the stores panicked: {error}"),
        }
        tokio::time::sleep(VERIFY_EVERY).await;
    }
}

fn verified(stores: &Stores) -> Verifications {
    let scope = Scope::of_post("measuring");
    let ledger = match stores.ledger.verify(&scope, &[]) {
        Ok(found) => Some(Verification {
            at: clock::now(),
            population: found.entries,
            broken: found.broken.iter().map(|broken| broken.to_string().into()).collect(),
        }),
        Err(error) => {
            tracing::error!("the ledger was not verified: {error}");
            None
        }
    };
    let broken = stores.lake.verify();
    let stats = stores.lake.stats();
    let lake = Some(Verification {
        at: clock::now(),
        population: stats.events.files + stats.rejections.files,
        broken: broken
            .iter()
            .map(|unreadable| format!("lake-file/{}", unreadable.file).into())
            .collect(),
    });
    Verifications { ledger, lake }
}

/// Looks and measures until the post ends.
pub(super) async fn look(
    ledger: Ledger,
    rules: watch::Receiver<SharedRules>,
    catalogue: watch::Receiver<Arc<Catalogue>>,
    verifications: watch::Receiver<Verifications>,
    (language, plans): (Language, Arc<[(CompactString, String)]>),
) {
    let mut looked_at: Option<Timestamp> = None;
    loop {
        let rules = SharedRules::clone(&rules.borrow());
        let catalogue = Arc::clone(&catalogue.borrow());
        let verifications = verifications.borrow().clone();
        let plans = Arc::clone(&plans);
        let forget = looked_at.is_none_or(|last| clock::now().duration_since(last) > SignedDuration::from_hours(24));
        let looked = ledger
            .off_thread(move |ledger| {
                let now = clock::now();
                look::keep_deadlines(ledger, now, language, clock::entropy()?)?;
                let refused: Vec<CompactString> = rules
                    .refused()
                    .iter()
                    .map(|refused| refused.file.to_string().into())
                    .collect();
                let beside = Beside {
                    rules: rules.entries().len() as u64,
                    refused: &refused,
                    catalogue: &catalogue,
                    verifications: &verifications,
                    plans: &plans,
                };
                look::measure(ledger, beside, now)?;
                if forget { look::forget_old(ledger, now) } else { Ok(()) }
            })
            .await;
        match looked {
            Ok(()) if forget => looked_at = Some(clock::now()),
            Ok(()) => {}
            Err(error) => tracing::error!("the post did not measure itself: {error:#}"),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
