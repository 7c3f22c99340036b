//! What a running post does now and then: looks for silent sources, keeps the lake within its budget, forgets details whose time is over,
//! reloads changed rules.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use detect::SharedRules;
use jiff::SignedDuration;
use lake::Dropped;
use ledger::{Ledger, NounFilter};
use model::{Change, Decision, Language, Scope, SourceId, Timestamp};
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
/// Sources that are named in what is said of a dropped day.
const SOURCES_NAMED_MAX: usize = 20;
/// Bytes of the lake's files that are held against their hashes at a look; a full lake is through within days.
const CHECKED_BYTES: u64 = 64 * 1024 * 1024;
/// Damaged files that are named.
const DAMAGED_NAMED_MAX: usize = 20;
/// The setting that says which files are damaged.
const DAMAGED: &str = "lake.damaged";
/// How far a clock may be from what was expected.
const JUMP_MAX: SignedDuration = SignedDuration::from_hours(24);
/// How far beyond the newest event a clock is believed at once.
const BEYOND_THE_NEWEST_MAX: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long a clock must stand by a jump to be believed.
const DOUBTED_FOR: Duration = Duration::from_hours(24);
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

/// Keeps the lake within its days and bytes, and looks at its files for damage; what is dropped or damaged is written in the ledger.
pub(super) async fn keep_the_lake(stores: Stores) {
    let newest = stores.lake.stats().events.happened_at.map(|(_, newest)| newest);
    let mut today = SteadyClock::begin(clock::now(), newest);
    loop {
        let kept = stores.clone();
        let now = today.now(clock::now(), tokio::time::Instant::now());
        let looked = tokio::task::spawn_blocking(move || {
            kept.lake.check_some(CHECKED_BYTES);
            tell_of_damage(&kept)?;
            drop_what_is_over(&kept, now)
        })
        .await;
        match looked {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!("the lake was not kept within its budget: {error:#}"),
            Err(error) => tracing::error!("looking after the lake panicked: {error}"),
        }
        tokio::time::sleep(LOOK_AT_THE_LAKE_EVERY).await;
    }
}

/// The time by which the age of what is kept is judged. A system clock that jumps ahead must not make everything look old enough to
/// be dropped, so a jump is believed only when the clock has stood by it for a day.
struct SteadyClock {
    believed: Timestamp,
    /// When `believed` was the time, on a clock that does not jump.
    since: tokio::time::Instant,
    /// Since when the system's clock has been elsewhere.
    doubted_since: Option<tokio::time::Instant>,
}

impl SteadyClock {
    /// Begins at the time of the system, unless it is far beyond the newest event.
    fn begin(now: Timestamp, newest: Option<Timestamp>) -> Self {
        let latest = newest.and_then(|newest| newest.checked_add(BEYOND_THE_NEWEST_MAX).ok());
        Self {
            believed: latest.map_or(now, |latest| now.min(latest)),
            since: tokio::time::Instant::now(),
            doubted_since: None,
        }
    }

    fn now(&mut self, told: Timestamp, at: tokio::time::Instant) -> Timestamp {
        let passed = SignedDuration::try_from(at.duration_since(self.since)).unwrap_or_default();
        let expected = self.believed.checked_add(passed).unwrap_or(self.believed);
        // A clock that goes back only keeps things longer.
        if told.duration_since(expected) <= JUMP_MAX {
            self.doubted_since = None;
        } else {
            let since = *self.doubted_since.get_or_insert_with(|| {
                tracing::warn!("the clock says {told}, {expected} was expected: nothing is dropped for its age until it has said so for a day");
                at
            });
            if at.duration_since(since) < DOUBTED_FOR {
                return expected;
            }
            self.doubted_since = None;
        }
        self.believed = told;
        self.since = at;
        told
    }
}

/// Writes in the ledger which files are damaged, whenever that has changed.
fn tell_of_damage(stores: &Stores) -> Result<()> {
    let damaged = stores.lake.set_aside();
    let scope = Scope::of_post("lake");
    let told = stores.ledger.setting(&scope, DAMAGED)?;
    let named = damaged.iter().take(DAMAGED_NAMED_MAX);
    let value = named
        .map(|file| format!("{}: {}", file.file, file.cause))
        .collect::<serde_json::Value>()
        .to_string();
    let (before, revision) = told.unwrap_or_else(|| ("[]".to_owned(), 0));
    if before == value {
        return Ok(());
    }
    if !damaged.is_empty() {
        tracing::error!("files of the lake are damaged and set aside: {value}");
    }
    let decision = Decision {
        at: clock::now(),
        actor: scope.actor().clone(),
        action: if damaged.is_empty() {
            "lake.whole"
        } else {
            "lake.damaged"
        }
        .to_owned(),
        reason: Some(value.clone()),
        changes: vec![Change::PutSetting {
            name: DAMAGED.to_owned(),
            value,
            revision: revision + 1,
        }],
        effects: Vec::new(),
    };
    let written = stores.ledger.apply(&decision);
    written.context("what is damaged in the lake was not written in the ledger")?;
    Ok(())
}

fn drop_what_is_over(stores: &Stores, now: Timestamp) -> Result<()> {
    let scope = Scope::of_post("lake");
    let holds: Vec<model::EventHold> = stores.ledger.all_kept(&scope, &NounFilter::default())?;
    let in_force: Vec<lake::Hold> = holds
        .iter()
        .filter(|hold| hold.released_at.is_none())
        .map(hold_of)
        .collect();
    let dropped = stores.lake.retain(now, &in_force)?;
    if dropped.is_empty() {
        return Ok(());
    }
    let revision = stores
        .ledger
        .setting(&scope, DROPPED)?
        .map_or(0, |(_, revision)| revision);
    let value = dropped.iter().map(in_words).collect::<serde_json::Value>().to_string();
    let decision = Decision {
        at: clock::now(),
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

fn hold_of(hold: &model::EventHold) -> lake::Hold {
    lake::Hold {
        from: hold.from,
        before: hold.before,
        sources: hold.sources.clone(),
    }
}

fn in_words(dropped: &Dropped) -> String {
    let why = if dropped.expired {
        "beyond the days to be kept"
    } else {
        "no room"
    };
    let sources: Vec<&str> = dropped
        .sources
        .keys()
        .take(SOURCES_NAMED_MAX)
        .map(SourceId::as_str)
        .collect();
    format!(
        "{}: {} rows of {}, {} files, {} bytes, {why}",
        dropped.day,
        dropped.rows,
        sources.join(", "),
        dropped.files,
        dropped.bytes
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_jumps_ahead_is_believed_after_a_day() {
        let begin: Timestamp = "2026-11-25T00:00:00Z".parse().unwrap();
        let later: Timestamp = "2099-01-01T00:00:00Z".parse().unwrap();
        let mut clock = SteadyClock::begin(begin, None);
        let start = clock.since;
        let minutes = |count: u64| start + Duration::from_mins(count);
        let on = |time: Timestamp, count: i64| time + SignedDuration::from_mins(count);
        assert_eq!(clock.now(on(begin, 5), minutes(5)), on(begin, 5));
        assert_eq!(
            clock.now(on(later, 10), minutes(10)),
            on(begin, 10),
            "a jump is doubted"
        );
        assert_eq!(
            clock.now(on(begin, 15), minutes(15)),
            on(begin, 15),
            "and forgotten when it is over"
        );
        assert_eq!(clock.now(later, minutes(20)), on(begin, 20));
        assert_eq!(clock.now(on(later, 1439), minutes(20 + 1439)), on(begin, 1459));
        assert_eq!(
            clock.now(on(later, 1440), minutes(20 + 1440)),
            on(later, 1440),
            "a day later it is believed"
        );
        let past: Timestamp = "1970-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(clock.now(past, minutes(1500)), past, "what goes back drops nothing");
    }

    #[test]
    fn a_post_that_wakes_up_in_2099_does_not_take_everything_for_old() {
        let newest: Timestamp = "2026-11-25T00:00:00Z".parse().unwrap();
        let told: Timestamp = "2099-01-01T00:00:00Z".parse().unwrap();
        let mut clock = SteadyClock::begin(told, Some(newest));
        let believed = clock.now(told, clock.since);
        assert_eq!(believed, newest + BEYOND_THE_NEWEST_MAX);
    }
}
