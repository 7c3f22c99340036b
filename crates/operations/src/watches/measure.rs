//! Measuring: from what the post knows to measurements, each with those that fell short and the question that was asked.

use compact_str::CompactString;
use jiff::{SignedDuration, ToSpan};
use model::{
    Alert, AlertState, Bound, Deadline, DeadlineState, Finding, Measurement, RuleLevel, Silence, Source, Timestamp,
};
use sha2::{Digest, Sha256};

use super::{controls::Control, readiness::Readiness};

/// How far back acknowledgement times are looked at, in hours.
pub const ACKNOWLEDGED_HOURS: i64 = 24;

/// What the post knows when it measures.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// This moment.
    pub now: Timestamp,
    /// The sources, without those of rehearsals.
    pub sources: &'a [Source],
    /// How many rules are in force.
    pub rules: u64,
    /// The rule files that were refused.
    pub rules_refused: &'a [CompactString],
    /// The alerts that are open, or were opened in the last [`ACKNOWLEDGED_HOURS`], without those of rehearsals.
    pub alerts: &'a [Alert],
    /// Within how many minutes alerts of level high or above must be taken; absent outside watches: the control's own.
    pub acknowledge_minutes: Option<u32>,
    /// The silences in force.
    pub silences: &'a [Silence],
    /// Those of them that hide far more than was expected.
    pub silences_outgrown: &'a [CompactString],
    /// The deadlines that run, and those breached.
    pub deadlines: &'a [Deadline],
    /// Stretches of the next days in which somebody is missing on duty; absent when no roster is kept.
    pub gaps: Option<&'a [CompactString]>,
    /// Messages waiting or given up.
    pub messages: u64,
    /// Those given up.
    pub messages_dead: &'a [CompactString],
    /// When something last came through the real pipeline as a rehearsal.
    pub last_exercise: Option<Timestamp>,
    /// What is known of plans, incidents, actions, drills and services.
    pub readiness: &'a Readiness,
    /// When the ledger was last verified, its entries, and what was found wrong.
    pub ledger: Option<&'a Verification>,
    /// When the lake was last verified, its files, and which are broken.
    pub lake: Option<&'a Verification>,
}

/// A verification of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// When.
    pub at: Timestamp,
    /// What was looked at.
    pub population: u64,
    /// What is wrong.
    pub broken: Vec<CompactString>,
}

/// A value before it is judged.
pub(super) struct Found {
    pub(super) value: Option<f64>,
    pub(super) population: u64,
    pub(super) failed: Vec<CompactString>,
    pub(super) query: String,
    pub(super) note: Option<String>,
    pub(super) at: Option<Timestamp>,
    pub(super) window: SignedDuration,
    pub(super) bound: Option<Bound>,
}

impl Found {
    pub(super) fn failing(query: impl Into<String>, population: usize, failed: Vec<CompactString>) -> Self {
        Self {
            value: Some(float(failed.len())),
            population: population as u64,
            failed,
            query: query.into(),
            note: None,
            at: None,
            window: SignedDuration::ZERO,
            bound: None,
        }
    }

    pub(super) fn unknown(query: &str, note: &str) -> Self {
        Self {
            value: None,
            note: Some(note.to_owned()),
            ..Self::failing(query, 0, Vec::new())
        }
    }
}

/// Measures all controls.
#[must_use]
pub fn measure(controls: &[Control], facts: &Facts<'_>) -> Vec<Measurement> {
    controls
        .iter()
        .map(|control| judged(control, found(control, facts), facts.now))
        .collect()
}

/// Whether a measurement is worth keeping beside the last one kept: it says something else, or the last is about to be old.
#[must_use]
pub fn worth_keeping(measurement: &Measurement, last: Option<&Measurement>, control: &Control) -> bool {
    let Some(last) = last else { return true };
    if last.at == measurement.at {
        return false;
    }
    let due = last.at.checked_add(i64::from(control.every_minutes).minutes());
    last.finding != measurement.finding
        || last.failed_count != measurement.failed_count
        || due.is_ok_and(|due| measurement.at >= due)
}

fn judged(control: &Control, found: Found, now: Timestamp) -> Measurement {
    let at = found.at.unwrap_or(now);
    let bound = found.bound.unwrap_or_else(|| control.bound());
    let finding = match found.value {
        None => Finding::Unknown,
        Some(value) if bound.holds(value) => Finding::Holds,
        Some(_) => Finding::FallsShort,
    };
    let failed_count = found.failed.len() as u64;
    let mut failed = found.failed;
    failed.truncate(Measurement::FAILED_MAX);
    Measurement {
        control: control.id.clone(),
        at,
        window_from: at.checked_sub(found.window).unwrap_or(at),
        value: found.value,
        unit: control.unit,
        bound,
        population: found.population,
        failed,
        failed_count,
        query_hash: sha256(&found.query),
        query: found.query,
        finding,
        note: found.note,
        expires_at: at
            .checked_add(i64::from(control.expires_minutes).minutes())
            .unwrap_or(at),
    }
}

fn found(control: &Control, facts: &Facts<'_>) -> Found {
    match control.id.as_str() {
        "sources.reporting" => sources_reporting(facts),
        "rules.loaded" => rules_loaded(facts),
        "alerts.waiting" => alerts_waiting(facts, control),
        "alerts.acknowledge_time" => acknowledge_time(facts, control),
        "silences.outgrown" => Found::failing(
            "silences in force that hide more than ten times what was expected",
            facts.silences.len(),
            facts.silences_outgrown.to_vec(),
        ),
        "deadlines.kept" => deadlines_kept(facts),
        "duty.coverage" => match facts.gaps {
            Some(gaps) => Found::failing("gaps in the roster, next 7 days", gaps.len(), gaps.to_vec()),
            None => Found::unknown(
                "gaps in the roster, next 7 days",
                "chưa có bảng trực / no roster is kept",
            ),
        },
        "messages.delivered" => Found::failing(
            "messages in the outbox that were given up",
            usize::try_from(facts.messages).unwrap_or(usize::MAX),
            facts.messages_dead.to_vec(),
        ),
        "exercise.age" => exercise_age(facts),
        "plans.rehearsed" => facts.readiness.plans_rehearsed(facts.now),
        "incidents.contain_time" => {
            let limit = control
                .at_most
                .and_then(|most| SignedDuration::try_from_secs_f64(most).ok());
            facts
                .readiness
                .contain_time(limit.unwrap_or(SignedDuration::MAX), facts.now)
        }
        "actions.watched" => facts.readiness.actions_watched(),
        "drills.passed" => facts.readiness.drills_passed(facts.now),
        "services.within_rto" => facts.readiness.within_rto(facts.now),
        "ledger.verified" => verified("flaws in the ledger's chain and state", facts.ledger),
        "lake.verified" => verified("broken files of the lake", facts.lake),
        other => Found::unknown(other, "chương trình không đo được / the program cannot measure it"),
    }
}

fn sources_reporting(facts: &Facts<'_>) -> Found {
    let query = "sources unusually silent, of all sources";
    if facts.sources.is_empty() {
        return Found::unknown(query, "chưa có nguồn log nào / there is no source yet");
    }
    let silent: Vec<CompactString> = facts
        .sources
        .iter()
        .filter(|source| source.health.silent_since.is_some())
        .map(|source| format!("source/{}", source.id.as_str()).into())
        .collect();
    let all = facts.sources.len();
    let share = 100.0 * float(all - silent.len()) / float(all);
    Found {
        value: Some(share),
        ..Found::failing(query, all, silent)
    }
}

fn rules_loaded(facts: &Facts<'_>) -> Found {
    let query = "rule files refused, of all rules";
    if facts.rules == 0 {
        return Found::unknown(query, "không có luật nào / there are no rules");
    }
    let refused = facts
        .rules_refused
        .iter()
        .map(|file| format!("rule-file/{file}").into())
        .collect();
    let all = usize::try_from(facts.rules).unwrap_or(usize::MAX);
    Found::failing(query, all + facts.rules_refused.len(), refused)
}

fn weighs(alert: &Alert) -> bool {
    alert.rule.level >= RuleLevel::High
}

fn allowed(facts: &Facts<'_>, control: &Control) -> SignedDuration {
    let own = match (control.unit, control.at_most) {
        (model::Unit::Seconds, Some(most)) => most,
        (model::Unit::Seconds | model::Unit::Count | model::Unit::Percent, _) => 1800.0,
    };
    match facts.acknowledge_minutes {
        Some(minutes) => SignedDuration::from_mins(i64::from(minutes)),
        None => SignedDuration::try_from_secs_f64(own).unwrap_or(SignedDuration::from_mins(30)),
    }
}

fn alerts_waiting(facts: &Facts<'_>, control: &Control) -> Found {
    let limit = allowed(facts, control);
    let new = |alert: &&Alert| alert.state == AlertState::New && weighs(alert);
    let waiting: Vec<CompactString> = facts
        .alerts
        .iter()
        .filter(new)
        .filter(|alert| facts.now.duration_since(alert.opened_at) > limit)
        .map(|alert| format!("alert/{}", alert.id).into())
        .collect();
    let query = format!("alerts of level high or above, new for more than {} s", limit.as_secs());
    Found::failing(query, facts.alerts.iter().filter(new).count(), waiting)
}

/// Nine tenths of the times to acknowledge; an alert that nobody took yet counts with the time it has waited.
fn acknowledge_time(facts: &Facts<'_>, control: &Control) -> Found {
    let limit = allowed(facts, control);
    let window = SignedDuration::from_hours(ACKNOWLEDGED_HOURS);
    let query = format!(
        "90th percentile of seconds until taken, alerts of level high or above opened in {ACKNOWLEDGED_HOURS} h"
    );
    let mut times: Vec<(i64, CompactString)> = facts
        .alerts
        .iter()
        .filter(|alert| weighs(alert) && facts.now.duration_since(alert.opened_at) <= window)
        .map(|alert| {
            let taken = match &alert.state {
                AlertState::New => facts.now,
                AlertState::Acknowledged { at, .. } | AlertState::Closed { at, .. } => *at,
            };
            let seconds = taken.duration_since(alert.opened_at).as_secs().max(0);
            (seconds, format!("alert/{}", alert.id).into())
        })
        .collect();
    times.sort();
    let rank = (times.len() * 9).div_ceil(10).saturating_sub(1);
    let value = times.get(rank).map_or(0, |(seconds, _)| *seconds);
    let late = times.iter().filter(|(seconds, _)| *seconds > limit.as_secs());
    Found {
        value: Some(float_of(value)),
        window,
        bound: Some(Bound::AtMost(limit.as_secs_f64())),
        note: times
            .is_empty()
            .then(|| "không có cảnh báo nào trong 24 giờ / no alert in 24 hours".to_owned()),
        ..Found::failing(query, times.len(), late.map(|(_, name)| name.clone()).collect())
    }
}

fn deadlines_kept(facts: &Facts<'_>) -> Found {
    let over: Vec<CompactString> = facts
        .deadlines
        .iter()
        .filter(|deadline| match &deadline.state {
            DeadlineState::Running => facts.now > deadline.due_at,
            DeadlineState::Breached { done_late, .. } => done_late.is_none(),
            DeadlineState::Met { .. } | DeadlineState::Stopped { .. } => false,
        })
        .map(|deadline| format!("deadline/{}", deadline.id).into())
        .collect();
    Found::failing("deadlines that passed and are not done", facts.deadlines.len(), over)
}

fn exercise_age(facts: &Facts<'_>) -> Found {
    let query = "seconds since the last rehearsal through the pipeline";
    match facts.last_exercise {
        None => Found::unknown(query, "chưa diễn tập lần nào / there was no rehearsal yet"),
        Some(at) => Found {
            value: Some(float_of(facts.now.duration_since(at).as_secs().max(0))),
            population: 1,
            ..Found::failing(query, 1, Vec::new())
        },
    }
}

fn verified(query: &str, verification: Option<&Verification>) -> Found {
    match verification {
        None => Found::unknown(query, "chưa kiểm tra từ khi khởi động / not verified since the start"),
        Some(done) => Found {
            at: Some(done.at),
            population: done.population,
            ..Found::failing(query, 0, done.broken.clone())
        },
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn float(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "seconds far below 2^52")]
pub(super) fn float_of(seconds: i64) -> f64 {
    seconds as f64
}

/// SHA-256 in lower-case hexadecimal.
pub(super) fn sha256(text: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(text.as_bytes())
        .iter()
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}
