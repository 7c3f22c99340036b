//! What a running post does now and then: looks for silent sources, keeps the lake within its budget, forgets details whose time is over,
//! reloads changed rules.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use detect::SharedRules;
use jiff::SignedDuration;
use lake::Dropped;
use ledger::Ledger;
use model::{Change, Decision, Language, Scope, Timestamp};
use operations::{Known, Moment};
use tokio::sync::watch;

use super::pump::Stores;
use crate::{clock, commit::commit, rule_files::RuleFolders};

const LOOK_AT_SOURCES_EVERY: Duration = Duration::from_mins(1);
const LOOK_AT_THE_LAKE_EVERY: Duration = Duration::from_mins(5);
const FORGET_EVERY: Duration = Duration::from_hours(1);
const LOOK_AT_RULES_EVERY: Duration = Duration::from_secs(10);
/// How the sources of a rehearsal are named.
const EXERCISE: &str = "exercise/";
/// The setting that says what was dropped last.
const DROPPED: &str = "lake.dropped";

/// Looks once a minute whether a source fell silent or came back.
pub(super) async fn watch_sources(ledger: Ledger, listening_since: Timestamp, language: Language) {
    loop {
        tokio::time::sleep(LOOK_AT_SOURCES_EVERY).await;
        let looked = ledger
            .off_thread(move |ledger| look_at_sources(ledger, listening_since, language))
            .await;
        if let Err(error) = looked {
            tracing::error!("silent sources were not looked for: {error:#}");
        }
    }
}

fn look_at_sources(ledger: &Ledger, listening_since: Timestamp, language: Language) -> Result<()> {
    let scope = Scope::of_post("source-watch");
    let now = clock::now();
    let mut sources = ledger.sources(&scope)?;
    // A rehearsal ends, and its sources with it.
    sources.retain(|source| !source.id.as_str().starts_with(EXERCISE));
    let silences = ledger.silences_in_force(&scope, now)?;
    let keys = operations::keys_of_watch(&sources, listening_since, now);
    let contexts = ledger.alert_contexts(&scope, keys)?;
    let known = Known {
        contexts: &contexts,
        silences: &silences,
    };
    let moment = Moment {
        now,
        entropy: clock::entropy()?,
    };
    let Some(mut decision) = operations::decide_watch(&sources, listening_since, known, moment) else {
        return Ok(());
    };
    super::paging::add_notifications(ledger, &mut decision, language, moment.entropy)?;
    commit(ledger, &decision).context("what was seen of the sources was not committed")
}

/// Keeps the lake within its days and bytes; what is dropped is written in the ledger.
pub(super) async fn keep_the_lake(stores: Stores) {
    loop {
        let kept = stores.clone();
        let looked = tokio::task::spawn_blocking(move || drop_what_is_over(&kept)).await;
        match looked {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!("the lake was not kept within its budget: {error:#}"),
            Err(error) => tracing::error!("looking after the lake panicked: {error}"),
        }
        tokio::time::sleep(LOOK_AT_THE_LAKE_EVERY).await;
    }
}

fn drop_what_is_over(stores: &Stores) -> Result<()> {
    let now = clock::now();
    let dropped = stores.lake.retain(now)?;
    if dropped.is_empty() {
        return Ok(());
    }
    let scope = Scope::of_post("lake");
    let revision = stores
        .ledger
        .setting(&scope, DROPPED)?
        .map_or(0, |(_, revision)| revision);
    let value = dropped.iter().map(in_words).collect::<serde_json::Value>().to_string();
    let decision = Decision {
        at: now,
        actor: scope.actor().clone(),
        action: "lake.drop".to_owned(),
        reason: Some(value.clone()),
        changes: vec![Change::PutSetting {
            name: DROPPED.to_owned(),
            value,
            revision: revision + 1,
        }],
        effects: Vec::new(),
    };
    stores
        .ledger
        .apply(&decision)
        .context("what the lake dropped was not written in the ledger")?;
    Ok(())
}

fn in_words(dropped: &Dropped) -> String {
    let why = if dropped.expired {
        "beyond the days to be kept"
    } else {
        "no room"
    };
    format!(
        "{}: {} rows, {} files, {} bytes, {why}",
        dropped.day, dropped.rows, dropped.files, dropped.bytes
    )
}

/// Forgets the details of detections whose alerts were closed long enough ago; the duty book says which.
pub(super) async fn forget_details(ledger: Ledger, days: u16) {
    loop {
        let forgotten = ledger.off_thread(move |ledger| forget_old_details(ledger, days)).await;
        if let Err(error) = forgotten {
            tracing::error!("old details of detections were not forgotten: {error:#}");
        }
        tokio::time::sleep(FORGET_EVERY).await;
    }
}

fn forget_old_details(ledger: &Ledger, days: u16) -> Result<()> {
    let scope = Scope::of_post("ledger");
    let now = clock::now();
    let before = now.saturating_sub(SignedDuration::from_hours(24 * i64::from(days)))?;
    while ledger.has_detections_to_forget(&scope, before)? {
        let decision = Decision {
            at: now,
            actor: scope.actor().clone(),
            action: "detections.forget".to_owned(),
            reason: Some(format!("their alerts were done with more than {days} days ago")),
            changes: vec![Change::ForgetDetections { before }],
            effects: Vec::new(),
        };
        ledger.apply(&decision).context("old details were not forgotten")?;
    }
    Ok(())
}

/// Loads the rules again when a file changed.
pub(super) async fn reload_rules(folders: RuleFolders, give: watch::Sender<SharedRules>) {
    let folders = Arc::new(folders);
    let mut known = fingerprint(&folders).await;
    loop {
        tokio::time::sleep(LOOK_AT_RULES_EVERY).await;
        let current = fingerprint(&folders).await;
        if current == known || current.is_none() {
            continue;
        }
        known = current;
        let loading = Arc::clone(&folders);
        match tokio::task::spawn_blocking(move || loading.load()).await {
            Ok(Ok(rules)) => {
                tracing::info!(
                    rules = rules.entries().len(),
                    refused = rules.refused().len(),
                    "rules loaded again"
                );
                give.send_replace(rules);
            }
            Ok(Err(error)) => tracing::error!("the rules in force stay as they are: {error:#}"),
            Err(error) => tracing::error!("loading rules panicked: {error}"),
        }
    }
}

async fn fingerprint(folders: &Arc<RuleFolders>) -> Option<u64> {
    let folders = Arc::clone(folders);
    match tokio::task::spawn_blocking(move || folders.fingerprint()).await {
        Ok(Ok(fingerprint)) => Some(fingerprint),
        Ok(Err(error)) => {
            tracing::error!("the folders of rules cannot be looked at: {error:#}");
            None
        }
        Err(_) => None,
    }
}
