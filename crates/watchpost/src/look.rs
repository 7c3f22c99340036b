//! What the post sees of itself: warnings and breaches of deadlines, and everything that it can measure, read from the ledger
//! and kept in it. The moment comes in as an argument, so that a story of weeks can be told in a second.

use std::collections::{BTreeSet, HashSet};

use anyhow::{Context, Result};
use compact_str::CompactString;
use console::Rosters;
use jiff::SignedDuration;
use ledger::{AlertFilter, Ledger, NounFilter, OutboxState, PageAt, StateKind};
use model::{
    Alert, AlertKey, Change, Deadline, DeadlineState, Decision, Delivery, Entropy, Language, Measurement, RuleLevel,
    Scope, Source, Timestamp, Watch,
};
use operations::{
    Addresses, Catalogue, Known, Moment, browsers, deadlines,
    duty::{Gap, short_staffed},
    silences,
    watches::{self, ACKNOWLEDGED_HOURS, Facts, Phase, Verification},
};

mod readiness;

use crate::{commit::commit, serve::paging};

/// Measurements are kept for so many days.
const KEEP_DAYS: i64 = 400;
/// How the sources of a rehearsal are named.
const EXERCISE: &str = "exercise/";
/// So many days ahead the roster is looked at.
const COVERED_DAYS: i64 = 7;
/// Most alerts of the last day that are looked at.
const ALERTS_MAX: usize = 500;

/// What the last verifications found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Verifications {
    /// Of the ledger.
    pub(crate) ledger: Option<Verification>,
    /// Of the lake.
    pub(crate) lake: Option<Verification>,
}

/// Notes warnings and breaches of running deadlines, and begins to page whom their alerts page.
///
/// # Errors
/// When the ledger fails; somebody else's decision in between is none, the next look sees it.
pub(crate) fn keep_deadlines(ledger: &Ledger, now: Timestamp, language: Language, entropy: Entropy) -> Result<()> {
    let scope = Scope::of_post("deadline-watch");
    let running: Vec<Deadline> = ledger.all_kept(&scope, &NounFilter::in_state("running"))?;
    let contexts = ledger.alert_contexts(&scope, operations::keys_of_deadlines(&running, now))?;
    let known = Known {
        contexts: &contexts,
        silences: &[],
    };
    let moment = Moment { now, entropy };
    let mut addresses = Addresses::new();
    let keepers: BTreeSet<_> = running.iter().filter_map(|deadline| deadline.owner).collect();
    for keeper in keepers {
        let kept = ledger.setting(&scope, &browsers::Kept::setting(keeper))?;
        let browsers = browsers::Kept::read(kept).browsers.into_iter();
        let browsers = browsers.map(|browser| (Delivery::TO_BROWSERS.to_owned(), browser.subscription));
        addresses.insert(keeper, browsers.collect());
    }
    if let Some(mut decision) = operations::decide_deadlines(&running, known, &addresses, moment) {
        paging::add_notifications(ledger, &mut decision, language, entropy)?;
        commit(ledger, &decision).context("what was seen of the deadlines was not committed")?;
    }
    close_what_is_done(ledger, &scope, moment)
}

/// Closes the alerts of deadlines that were met, stopped, or finished late: nobody has to look at them any more.
fn close_what_is_done(ledger: &Ledger, scope: &Scope, moment: Moment) -> Result<()> {
    let mut over = Vec::new();
    for rule in [deadlines::CLOSE, deadlines::BREACHED] {
        let open = AlertFilter {
            rule: Some(rule.into()),
            ..AlertFilter::default()
        };
        for alert in ledger.alerts(scope, &open, PageAt::first(ALERTS_MAX))?.items {
            let deadline: Option<Deadline> = ledger.kept(scope, &alert.key.entity.name)?;
            let is_done = deadline.is_some_and(|deadline| match deadline.state {
                DeadlineState::Running | DeadlineState::Breached { done_late: None, .. } => false,
                DeadlineState::Met { .. } | DeadlineState::Stopped { .. } | DeadlineState::Breached { .. } => true,
            });
            if is_done {
                over.push((alert.key, deadlines::DONE));
            }
        }
    }
    if over.is_empty() {
        return Ok(());
    }
    let keys: HashSet<AlertKey> = over.iter().map(|(key, _)| key.clone()).collect();
    let contexts = ledger.alert_contexts(scope, keys)?;
    let known = Known {
        contexts: &contexts,
        silences: &[],
    };
    match operations::decide_notices(("deadline-watch", "deadline.done"), &[], &over, known, moment) {
        None => Ok(()),
        Some(decision) => commit(ledger, &decision).context("alerts of deadlines that are done were not closed"),
    }
}

/// Everything that is read from the ledger for one look.
struct Read {
    sources: Vec<Source>,
    alerts: Vec<Alert>,
    silences: Vec<model::Silence>,
    deadlines: Vec<Deadline>,
    messages: u64,
    messages_dead: Vec<CompactString>,
    last_exercise: Option<Timestamp>,
    acknowledge_minutes: Option<u32>,
    gaps: Option<Vec<CompactString>>,
}

/// What is known beside the ledger.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beside<'a> {
    /// How many rules are in force.
    pub(crate) rules: u64,
    /// The rule files that were refused.
    pub(crate) refused: &'a [CompactString],
    /// The controls.
    pub(crate) catalogue: &'a Catalogue,
    /// The last verifications.
    pub(crate) verifications: &'a Verifications,
    /// The response plans by name, each with its identifier.
    pub(crate) plans: &'a [(CompactString, String)],
}

/// Measures everything that can be measured, and keeps what says something new.
///
/// # Errors
/// When the ledger fails.
pub(crate) fn measure(ledger: &Ledger, beside: Beside<'_>, now: Timestamp) -> Result<()> {
    let scope = Scope::of_post("measuring");
    let read = read(ledger, &scope, now)?;
    let Beside {
        rules,
        refused,
        catalogue,
        verifications,
        plans,
    } = beside;
    let readiness = readiness::read(ledger, &scope, plans, now)?;
    let outgrown: Vec<CompactString> = read
        .silences
        .iter()
        .filter(|silence| silences::outgrown(silence))
        .map(|silence| format!("silence/{}", silence.id).into())
        .collect();
    let facts = Facts {
        now,
        sources: &read.sources,
        rules,
        rules_refused: refused,
        alerts: &read.alerts,
        acknowledge_minutes: read.acknowledge_minutes,
        silences: &read.silences,
        silences_outgrown: &outgrown,
        deadlines: &read.deadlines,
        gaps: read.gaps.as_deref(),
        messages: read.messages,
        messages_dead: &read.messages_dead,
        last_exercise: read.last_exercise,
        readiness: &readiness,
        ledger: verifications.ledger.as_ref(),
        lake: verifications.lake.as_ref(),
    };
    let mut worth = Vec::new();
    for measurement in watches::measure(&catalogue.controls, &facts) {
        if is_worth_keeping(ledger, &scope, catalogue, &measurement)? {
            worth.push(measurement);
        }
    }
    if worth.is_empty() {
        return Ok(());
    }
    let changes = vec![Change::AddMeasurements { measurements: worth }];
    commit(ledger, &decided(&scope, now, "watch.measure", changes)).context("measurements were not committed")
}

fn is_worth_keeping(ledger: &Ledger, scope: &Scope, catalogue: &Catalogue, measurement: &Measurement) -> Result<bool> {
    let last = ledger.measurement(scope, &measurement.control)?;
    let control = catalogue
        .controls
        .iter()
        .find(|control| control.id == measurement.control);
    Ok(control.is_some_and(|control| watches::worth_keeping(measurement, last.as_ref(), control)))
}

fn read(ledger: &Ledger, scope: &Scope, now: Timestamp) -> Result<Read> {
    let (rehearsed, sources): (Vec<Source>, Vec<Source>) = ledger
        .sources(scope)?
        .into_iter()
        .partition(|source| source.id.as_str().starts_with(EXERCISE));
    let open: Vec<Watch> = ledger.all_kept(scope, &NounFilter::in_state("open"))?;
    let dead = ledger.outbox(scope, OutboxState::Dead, Measurement::FAILED_MAX)?;
    let counts = ledger.counts(scope, None, now)?;
    let mut deadlines: Vec<Deadline> = ledger.all_kept(scope, &NounFilter::in_state("running"))?;
    deadlines.extend(ledger.all_kept::<Deadline>(scope, &NounFilter::in_state("breached"))?);
    Ok(Read {
        sources,
        alerts: weighty_alerts(ledger, scope, now)?,
        silences: ledger.silences_in_force(scope, now)?,
        deadlines,
        messages: counts.outbox_waiting + counts.outbox_dead,
        messages_dead: dead
            .iter()
            .map(|row| format!("message/{}-{}", row.entry, row.position).into())
            .collect(),
        last_exercise: rehearsed.iter().map(|source| source.last_heard).max(),
        gaps: gaps(ledger, scope, &open, now)?,
        acknowledge_minutes: open
            .iter()
            .filter(|watch| watches::phase(watch, now) == Phase::Running)
            .map(|watch| watch.acknowledge_minutes)
            .min(),
    })
}

/// Stretches of the coming days in which somebody is missing on duty: in a position, or of the people that a watch asks for.
/// None when no roster is kept.
fn gaps(ledger: &Ledger, scope: &Scope, open: &[Watch], now: Timestamp) -> Result<Option<Vec<CompactString>>> {
    let rosters = Rosters::read(ledger, scope, now)?;
    if rosters.all().next().is_none() {
        return Ok(None);
    }
    let all: Vec<_> = rosters.all().collect();
    let until = now + SignedDuration::from_hours(24 * COVERED_DAYS);
    let mut gaps: Vec<CompactString> = Vec::new();
    for (team, gap) in rosters.gaps(now, COVERED_DAYS) {
        let Gap {
            position, from, until, ..
        } = gap;
        gaps.push(format!("team/{}/{position} {from} – {until}", team.name).into());
    }
    for watch in open {
        let (from, until) = (watch.from.max(now), watch.until.min(until));
        for short in short_staffed(&all, watch.people_min, from, until) {
            let (there, wanted) = (short.people.len(), watch.people_min);
            gaps.push(format!("watch/{} {there}/{wanted} {} – {}", watch.name, short.from, short.until).into());
        }
    }
    Ok(Some(gaps))
}

/// The alerts of level high or above, real ones, that are open or were opened in the last day.
fn weighty_alerts(ledger: &Ledger, scope: &Scope, now: Timestamp) -> Result<Vec<Alert>> {
    let window = SignedDuration::from_hours(ACKNOWLEDGED_HOURS);
    let filter = |states| AlertFilter {
        states,
        levels: vec![RuleLevel::Critical, RuleLevel::High],
        exercise: Some(false),
        ..AlertFilter::default()
    };
    let open = ledger.alerts(scope, &filter(Vec::new()), PageAt::first(ALERTS_MAX))?;
    let closed = AlertFilter {
        order: ledger::AlertOrder::LastSeen,
        ..filter(vec![StateKind::Closed])
    };
    let closed = ledger.alerts(scope, &closed, PageAt::first(ALERTS_MAX))?;
    let lately = closed
        .items
        .into_iter()
        .filter(|alert| now.duration_since(alert.opened_at) <= window);
    Ok(open.items.into_iter().chain(lately).collect())
}

/// Forgets measurements whose time is over.
///
/// # Errors
/// When the ledger fails.
pub(crate) fn forget_old(ledger: &Ledger, now: Timestamp) -> Result<()> {
    let scope = Scope::of_post("measuring");
    let before = now - SignedDuration::from_hours(24 * KEEP_DAYS);
    if !ledger.has_measurements_before(&scope, before)? {
        return Ok(());
    }
    let changes = vec![Change::ForgetMeasurements { before }];
    commit(ledger, &decided(&scope, now, "watch.forget", changes)).context("old measurements were not forgotten")
}

fn decided(scope: &Scope, at: Timestamp, action: &str, changes: Vec<Change>) -> Decision {
    Decision {
        at,
        actor: scope.actor().clone(),
        action: action.to_owned(),
        reason: None,
        changes,
        effects: Vec::new(),
    }
}
