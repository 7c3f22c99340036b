//! The facts of a watch's closing report: what was asked, how each requirement stood at the end, by which measurements,
//! answers and waivers, and what changed in between.

use std::collections::BTreeMap;

use model::{
    Bound, Closing, Deadline, DeadlineState, Directive, Finding, Id, Measurement, Organisation, Question, Timestamp,
    Unit, User, Waiver, WaiverState, Watch, Wording,
};
use serde::Serialize;
use serde_json::Number;

use super::{
    facts::{ROWS_MAX, ReportFacts, View, person},
    period::{AlertFigures, Period},
};

/// What the ledger holds about a watch.
#[derive(Debug, Clone, Copy)]
pub struct WatchView<'a> {
    /// The watch.
    pub watch: &'a Watch,
    /// The moment at which it is judged: when it was closed, or when the report is compiled.
    pub as_of: Timestamp,
    /// How each requirement stood then, by its key.
    pub judged: &'a [Judged],
    /// The measurements of each control within the watch.
    pub measured: &'a [Measured],
    /// Its directives.
    pub directives: &'a [Directive],
    /// Its questions.
    pub questions: &'a [Question],
    /// Its waivers.
    pub waivers: &'a [Waiver],
    /// The deadlines that ran within it.
    pub deadlines: &'a [Deadline],
}

/// How a requirement stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Its key within the watch.
    pub key: u32,
    /// `falls_short`, `unknown`, `stale`, `waived` or `holds`.
    pub standing: &'static str,
    /// How it would have stood without its waiver.
    pub beneath: &'static str,
}

/// What one control measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// What people call it.
    pub title: Wording,
    /// Its measurements within the watch and the last one before it, oldest first; never empty.
    pub all: Vec<Measurement>,
    /// Whether there were more than were read; the oldest are left out.
    pub cut: bool,
}

/// Everything about a watch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WatchFacts {
    report: ReportFacts,
    organisation: Organisation,
    period: Period,
    watch: WatchHead,
    directives: Vec<DirectiveRow>,
    requirements: Vec<RequirementRow>,
    measurements: Vec<MeasurementRow>,
    changes: Vec<ChangeRow>,
    questions: Vec<QuestionRow>,
    waivers: Vec<WaiverRow>,
    tasks: Vec<TaskRow>,
    deadlines: Vec<DeadlineRow>,
    alerts: AlertFigures,
    /// Rows beyond [`ROWS_MAX`] that the lists above do not hold.
    rows_cut: u64,
}

/// The watch itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WatchHead {
    id: String,
    name: String,
    from: Timestamp,
    until: Timestamp,
    as_of: Timestamp,
    lead: String,
    people_min: u32,
    acknowledge_minutes: u32,
    opened_at: Timestamp,
    opened_by: String,
    closed_at: Option<Timestamp>,
    closed_by: Option<String>,
    /// What was said of it at its end.
    words: Option<String>,
    requirements: usize,
    /// How many requirements stood how.
    tally: BTreeMap<&'static str, u64>,
    tasks_open: u64,
}

/// A letter that the watch was opened on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DirectiveRow {
    number: String,
    issuer: String,
    issued_on: String,
    received_on: String,
    subject: Wording,
    file_sha256: Option<String>,
}

/// A requirement as it stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequirementRow {
    key: u32,
    number: String,
    letter_key: String,
    text: Wording,
    standing: &'static str,
    beneath: &'static str,
    owner: Option<String>,
    controls: Vec<String>,
    evidence: Vec<String>,
}

/// A control's last measurement, and how often it held.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MeasurementRow {
    control: String,
    title: Wording,
    at: Timestamp,
    window_from: Timestamp,
    value: Option<Number>,
    unit: Unit,
    bound: String,
    population: u64,
    failed_count: u64,
    failed: Vec<String>,
    finding: Finding,
    note: Option<String>,
    query: String,
    query_sha256: String,
    kept: usize,
    held: usize,
    fell_short: usize,
    unknown: usize,
    cut: bool,
}

/// A moment at which a control came to be judged otherwise.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangeRow {
    at: Timestamp,
    control: String,
    title: Wording,
    finding: Finding,
    value: Option<Number>,
    failed: Vec<String>,
}

/// A question with its last answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuestionRow {
    requirement: u32,
    words: Wording,
    person: String,
    answered_at: Option<Timestamp>,
    holds: Option<bool>,
    answer: Option<String>,
}

/// A waiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WaiverRow {
    requirement: u32,
    reason: String,
    asked_by: String,
    /// `asked`, `granted`, `refused` or `ended`.
    state: &'static str,
    decided_by: Option<String>,
    expires_at: Timestamp,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskRow {
    title: Wording,
    owner: Option<String>,
    due_at: Timestamp,
    done_at: Option<Timestamp>,
    words: Option<String>,
}

/// A deadline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadlineRow {
    what: Wording,
    matter: String,
    source: String,
    started_at: Timestamp,
    due_at: Timestamp,
    /// `running`, `met`, `breached` or `stopped`.
    state: &'static str,
    ended_at: Option<Timestamp>,
    evidence: Option<String>,
}

pub(super) fn watch(seen: &WatchView<'_>, report: ReportFacts, view: &View<'_>) -> WatchFacts {
    let asked = seen.watch;
    let changes = changes(seen);
    let rows_cut = changes.len().saturating_sub(ROWS_MAX) as u64;
    WatchFacts {
        report,
        organisation: view.organisation.clone(),
        period: Period::new(asked.from, seen.as_of.max(asked.from)),
        watch: head(seen, view),
        directives: seen.directives.iter().map(directive_row).collect(),
        requirements: asked
            .requirements
            .iter()
            .map(|one| {
                let judged = seen.judged.iter().find(|judged| judged.key == one.key);
                RequirementRow {
                    key: one.key,
                    number: one.number.clone(),
                    letter_key: one.requirement.key.to_string(),
                    text: one.requirement.text.clone(),
                    standing: judged.map_or("unknown", |judged| judged.standing),
                    beneath: judged.map_or("unknown", |judged| judged.beneath),
                    owner: one.owner.map(|owner| person(owner, view)),
                    controls: one.requirement.controls.iter().map(ToString::to_string).collect(),
                    evidence: evidence(one.key, seen, view),
                }
            })
            .collect(),
        measurements: seen.measured.iter().filter_map(measurement_row).collect(),
        changes: changes.into_iter().take(ROWS_MAX).collect(),
        questions: seen.questions.iter().map(|one| question_row(one, view)).collect(),
        waivers: seen.waivers.iter().map(|one| waiver_row(one, view)).collect(),
        tasks: asked
            .tasks
            .iter()
            .map(|task| TaskRow {
                title: task.title.clone(),
                owner: task.owner.map(|owner| person(owner, view)),
                due_at: task.due_at,
                done_at: task.done.as_ref().map(|done| done.at),
                words: task.done.as_ref().map(|done| done.words.clone()),
            })
            .collect(),
        deadlines: seen.deadlines.iter().map(deadline_row).collect(),
        alerts: super::period::figures((asked.from, seen.as_of.max(asked.from)), view),
        rows_cut,
    }
}

fn head(seen: &WatchView<'_>, view: &View<'_>) -> WatchHead {
    let watch = seen.watch;
    let mut tally: BTreeMap<&'static str, u64> = ["holds", "falls_short", "stale", "unknown", "waived"]
        .into_iter()
        .map(|standing| (standing, 0))
        .collect();
    for judged in seen.judged {
        *tally.entry(judged.standing).or_default() += 1;
    }
    let closing = watch.closed.as_ref();
    let by = |closing: &Closing| person(closing.by, view);
    WatchHead {
        id: watch.id.to_string(),
        name: watch.name.clone(),
        from: watch.from,
        until: watch.until,
        as_of: seen.as_of,
        lead: person(watch.lead, view),
        people_min: watch.people_min,
        acknowledge_minutes: watch.acknowledge_minutes,
        opened_at: watch.opened_at,
        opened_by: person(watch.opened_by, view),
        closed_at: closing.map(|closing| closing.at),
        closed_by: closing.map(by),
        words: closing.map(|closing| closing.words.clone()),
        requirements: watch.requirements.len(),
        tally,
        tasks_open: watch.tasks.iter().filter(|task| task.done.is_none()).count() as u64,
    }
}

fn directive_row(directive: &Directive) -> DirectiveRow {
    DirectiveRow {
        number: directive.number.clone(),
        issuer: directive.issuer.clone(),
        issued_on: directive.issued_on.strftime("%d/%m/%Y").to_string(),
        received_on: directive.received_on.strftime("%d/%m/%Y").to_string(),
        subject: directive.subject.clone(),
        file_sha256: directive.file.as_ref().map(|file| file.sha256.clone()),
    }
}

/// What showed a requirement, in a line each.
fn evidence(key: u32, seen: &WatchView<'_>, view: &View<'_>) -> Vec<String> {
    let requirement = seen.watch.requirements.iter().find(|one| one.key == key);
    let controls = requirement.map_or(&[][..], |one| one.requirement.controls.as_slice());
    let measured = controls.iter().map(|control| {
        let row = seen
            .measured
            .iter()
            .filter_map(measurement_row)
            .find(|row| row.control == *control);
        match row {
            None => format!("{control}: –"),
            Some(row) => {
                let value = row.value.map_or_else(|| "?".to_owned(), |value| value.to_string());
                format!(
                    "{control}: {value} ({}), {}/{}",
                    row.bound, row.failed_count, row.population
                )
            }
        }
    });
    let answers = seen
        .questions
        .iter()
        .filter(|one| one.requirement == key)
        .map(|question| {
            let who = person(question.person, view);
            match &question.answer {
                None => format!("{who}: –"),
                Some(answer) => format!("{who}: {}", answer.words),
            }
        });
    measured.chain(answers).collect()
}

/// A number without a fraction where it has none.
fn number(value: f64) -> Option<Number> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "only whole numbers that a double holds exactly"
    )]
    if value.fract() == 0.0 && value.abs() < 9e15 {
        return Some(Number::from(value as i64));
    }
    Number::from_f64((value * 100.0).round() / 100.0)
}

fn measurement_row(measured: &Measured) -> Option<MeasurementRow> {
    let newest = measured.all.last()?;
    let count = |finding: Finding| measured.all.iter().filter(|one| one.finding == finding).count();
    let (sign, bound) = match newest.bound {
        Bound::AtMost(most) => ("≤", most),
        Bound::AtLeast(least) => ("≥", least),
    };
    let bound = number(bound).map_or_else(String::new, |bound| bound.to_string());
    Some(MeasurementRow {
        control: newest.control.to_string(),
        title: measured.title.clone(),
        at: newest.at,
        window_from: newest.window_from,
        value: newest.value.and_then(number),
        unit: newest.unit,
        bound: format!("{sign} {bound}"),
        population: newest.population,
        failed_count: newest.failed_count,
        failed: newest.failed.iter().map(ToString::to_string).collect(),
        finding: newest.finding,
        note: newest.note.clone(),
        query: newest.query.clone(),
        query_sha256: newest.query_hash.clone(),
        kept: measured.all.len(),
        held: count(Finding::Holds),
        fell_short: count(Finding::FallsShort),
        unknown: count(Finding::Unknown),
        cut: measured.cut,
    })
}

/// When controls came to be judged otherwise within the watch, oldest first.
fn changes(seen: &WatchView<'_>) -> Vec<ChangeRow> {
    let mut changes = Vec::new();
    for measured in seen.measured {
        for (before, after) in measured.all.iter().zip(measured.all.iter().skip(1)) {
            if before.finding != after.finding {
                changes.push(ChangeRow {
                    at: after.at,
                    control: after.control.to_string(),
                    title: measured.title.clone(),
                    finding: after.finding,
                    value: after.value.and_then(number),
                    failed: after.failed.iter().map(ToString::to_string).collect(),
                });
            }
        }
    }
    changes.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.control.cmp(&b.control)));
    changes
}

fn question_row(question: &Question, view: &View<'_>) -> QuestionRow {
    let answer = question.answer.as_ref();
    QuestionRow {
        requirement: question.requirement,
        words: question.words.clone(),
        person: person(question.person, view),
        answered_at: answer.map(|answer| answer.at),
        holds: answer.map(|answer| answer.holds),
        answer: answer.map(|answer| answer.words.clone()),
    }
}

fn waiver_row(waiver: &Waiver, view: &View<'_>) -> WaiverRow {
    let (state, by): (&'static str, Option<Id<User>>) = match &waiver.state {
        WaiverState::Asked => ("asked", None),
        WaiverState::Granted { by, .. } => ("granted", Some(*by)),
        WaiverState::Refused { by, .. } => ("refused", Some(*by)),
        WaiverState::Ended { by, .. } => ("ended", Some(*by)),
    };
    WaiverRow {
        requirement: waiver.requirement,
        reason: waiver.reason.clone(),
        asked_by: person(waiver.asked_by, view),
        state,
        decided_by: by.map(|by| person(by, view)),
        expires_at: waiver.expires_at,
    }
}

fn deadline_row(deadline: &Deadline) -> DeadlineRow {
    let (state, ended_at, evidence) = match &deadline.state {
        DeadlineState::Running => ("running", None, None),
        DeadlineState::Met { at, evidence, .. } => ("met", Some(*at), Some(evidence.clone())),
        DeadlineState::Breached { done_late, .. } => {
            let late = done_late.as_ref();
            (
                "breached",
                late.map(|(at, ..)| *at),
                late.map(|(.., evidence)| evidence.clone()),
            )
        }
        DeadlineState::Stopped { at, reason, .. } => ("stopped", Some(*at), Some(reason.clone())),
    };
    DeadlineRow {
        what: deadline.what.clone(),
        matter: deadline.matter.clone(),
        source: deadline.source.clone(),
        started_at: deadline.started_at,
        due_at: deadline.due_at,
        state,
        ended_at,
        evidence,
    }
}
