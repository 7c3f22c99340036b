//! The facts of reports, compiled from what the ledger holds: one typed struct for each matter that a form can be about.
//! A fact that the ledger does not hold is absent, never guessed; forms mark it as a gap and ask a person.

use std::collections::BTreeMap;

use model::{
    About, Actor, Alert, AlertState, Detection, Disposition, EntityKind, HistoryItem, Id, Language, Organisation,
    Report, RuleLevel, Silence, Source, Timestamp, User,
};
use serde::Serialize;

/// Most rows of each list in the facts; what is beyond is counted.
pub const ROWS_MAX: usize = 2_000;

/// What the ledger holds about the matter of a report.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The organisation, as the setting names it.
    pub organisation: &'a Organisation,
    /// When the report is compiled.
    pub at: Timestamp,
    /// The language of the letter: rules have titles in both.
    pub language: Language,
    /// How people are called.
    pub names: &'a BTreeMap<Id<User>, String>,
    /// The alert that is reported, or all that were open in the time.
    pub alerts: &'a [Alert],
    /// The steps of the alert's life, oldest first.
    pub steps: &'a [HistoryItem],
    /// What was detected in the alert, oldest first.
    pub detections: &'a [Detection],
    /// Silences in force.
    pub silences: &'a [Silence],
    /// All sources.
    pub sources: &'a [Source],
    /// The incident that is reported, or that the alert belongs to.
    pub incident: Option<super::IncidentView<'a>>,
    /// All incidents, for reports about a time.
    pub incidents: &'a [model::Incident],
    /// Reports about the same matter that were sent before.
    pub earlier: &'a [Report],
    /// The watch that is reported.
    pub watch: Option<super::WatchView<'a>>,
}

/// What a report says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportFacts {
    pub(super) id: String,
    pub(super) form: String,
    pub(super) number: Option<String>,
    pub(super) dated_at: Timestamp,
    pub(super) compiled_at: Timestamp,
}

/// Everything about one alert as an incident (Circular 20/2017, Forms 03 and 04; Circular 09/2020 of the State Bank).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IncidentFacts {
    pub(super) report: ReportFacts,
    pub(super) organisation: Organisation,
    pub(super) incident: Incident,
    pub(super) system: System,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) alert: Option<AlertRow>,
    pub(super) timeline: Vec<TimelineRow>,
    pub(super) evidence: Vec<EvidenceRow>,
    pub(super) evidence_total: u64,
    pub(super) initial: Earlier,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Incident {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) detected_at: Timestamp,
    pub(super) began_at: Timestamp,
    pub(super) last_seen_at: Timestamp,
    pub(super) reported_at: Timestamp,
    /// `handled`, `handling` or `open`.
    pub(super) status: &'static str,
    pub(super) found_by: Vec<&'static str>,
    pub(super) closed_at: Option<Timestamp>,
    /// The reason in the closer's words.
    pub(super) result: Option<String>,
    pub(super) disposition: Option<Disposition>,
    /// The root cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cause: Option<String>,
    /// The lessons, one a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lessons: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) damage: Option<String>,
    /// Names of the evidence.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) attachments: Vec<String>,
}

/// Where it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct System {
    pub(super) name: Option<String>,
    pub(super) host: Option<String>,
    pub(super) account: Option<String>,
    pub(super) address: Option<String>,
    pub(super) source: String,
    /// Its level, 1 to 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) level: Option<String>,
    /// The affected services.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) services: Vec<String>,
}

/// A report that went before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Earlier {
    pub(super) number: Option<String>,
    pub(super) sent_at: Option<Timestamp>,
    pub(super) receipt: Option<String>,
}

/// A step in the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimelineRow {
    pub(super) entry: Option<u64>,
    pub(super) at: Timestamp,
    pub(super) who: String,
    pub(super) action: String,
    pub(super) reason: Option<String>,
}

/// A detection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EvidenceRow {
    pub(super) at: Timestamp,
    pub(super) source: String,
    pub(super) host: Option<String>,
    pub(super) summary: String,
    pub(super) event: u64,
}

/// An alert in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AlertRow {
    id: String,
    rule: String,
    title: String,
    level: RuleLevel,
    entity: String,
    entity_kind: EntityKind,
    host: Option<String>,
    source: String,
    summary: String,
    detections: u64,
    hidden: u64,
    exercise: bool,
    opened_at: Timestamp,
    first_seen: Timestamp,
    last_seen: Timestamp,
    state: &'static str,
    owner: Option<String>,
    closed_at: Option<Timestamp>,
    disposition: Option<Disposition>,
    reason: Option<String>,
    tags: Vec<String>,
}

/// The letter that is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplyFacts {
    report: ReportFacts,
    organisation: Organisation,
    letter: ReceivedLetter,
}

/// A letter that was received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReceivedLetter {
    number: String,
    issuer: String,
    date: String,
    subject: String,
}

/// The facts of a report, by its matter.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Facts {
    /// About an alert.
    Incident(Box<IncidentFacts>),
    /// About a time.
    Period(Box<super::PeriodFacts>),
    /// About a letter.
    Reply(Box<ReplyFacts>),
    /// About a watch.
    Watch(Box<super::WatchFacts>),
}

/// Compiles the facts; none when the alert or the watch that the report is about is not in the view.
#[must_use]
pub fn compile(report: &Report, view: &View<'_>) -> Option<Facts> {
    let own = ReportFacts {
        id: report.id.to_string(),
        form: report.form.clone(),
        number: report.number.clone(),
        dated_at: view.at,
        compiled_at: view.at,
    };
    let organisation = view.organisation.clone();
    match &report.about {
        About::Incident { .. } => Some(Facts::Incident(Box::new(super::incident::facts(
            view.incident.as_ref()?,
            own,
            view,
        )))),
        About::Alert { .. } if view.incident.is_some() => Some(Facts::Incident(Box::new(super::incident::facts(
            view.incident.as_ref()?,
            own,
            view,
        )))),
        About::Watch { watch } => {
            let seen = view.watch.as_ref().filter(|seen| seen.watch.id == *watch)?;
            Some(Facts::Watch(Box::new(super::watch::watch(seen, own, view))))
        }
        About::Alert { alert } => {
            let alert = view.alerts.iter().find(|known| known.id == *alert)?;
            Some(Facts::Incident(Box::new(incident(alert, own, view))))
        }
        About::Period { from, to } => Some(Facts::Period(Box::new(super::period::period(*from, *to, own, view)))),
        About::Letter {
            number,
            issuer,
            date,
            subject,
        } => Some(Facts::Reply(Box::new(ReplyFacts {
            report: own,
            organisation,
            letter: ReceivedLetter {
                number: number.clone(),
                issuer: issuer.clone(),
                date: date.clone(),
                subject: subject.clone(),
            },
        }))),
    }
}

fn incident(alert: &Alert, report: ReportFacts, view: &View<'_>) -> IncidentFacts {
    let named = |kind: EntityKind| (alert.key.entity.kind == kind).then(|| alert.key.entity.name.to_string());
    let (status, closed_at, result, disposition) = match &alert.state {
        AlertState::New => ("open", None, None, None),
        AlertState::Acknowledged { .. } => ("handling", None, None, None),
        AlertState::Closed {
            at,
            disposition,
            reason,
            ..
        } => ("handled", Some(*at), Some(reason.clone()), Some(*disposition)),
    };
    IncidentFacts {
        report,
        organisation: view.organisation.clone(),
        incident: Incident {
            name: format!("{} – {}", alert.rule.title_in(view.language), alert.key.entity.name),
            description: alert.summary.clone(),
            detected_at: alert.opened_at,
            began_at: alert.first_seen,
            last_seen_at: alert.last_seen,
            reported_at: view.at,
            status,
            found_by: vec!["log_review"],
            closed_at,
            result,
            disposition,
            cause: None,
            lessons: None,
            damage: None,
            attachments: Vec::new(),
        },
        system: System {
            name: alert
                .host
                .as_ref()
                .map(ToString::to_string)
                .or_else(|| named(EntityKind::Host)),
            host: alert.host.as_ref().map(ToString::to_string),
            account: named(EntityKind::User),
            address: named(EntityKind::Address),
            source: alert.source.as_str().to_owned(),
            level: None,
            services: Vec::new(),
        },
        alert: Some(alert_row(alert, view)),
        timeline: view
            .steps
            .iter()
            .take(ROWS_MAX)
            .map(|step| timeline_row(step, view))
            .collect(),
        evidence: view.detections.iter().take(ROWS_MAX).map(evidence_row).collect(),
        evidence_total: alert.detections,
        initial: initial(view),
    }
}

/// The initial report, when it was sent.
pub(super) fn initial(view: &View<'_>) -> Earlier {
    view.earlier
        .iter()
        .filter(|earlier| earlier.form == "incident-initial")
        .find_map(|earlier| {
            let sending = earlier.sent.last()?;
            Some(Earlier {
                number: earlier.number.clone(),
                sent_at: Some(sending.at),
                receipt: Some(sending.receipt.clone()).filter(|receipt| !receipt.is_empty()),
            })
        })
        .unwrap_or_default()
}

fn timeline_row(step: &HistoryItem, view: &View<'_>) -> TimelineRow {
    TimelineRow {
        entry: Some(step.number),
        at: step.at,
        who: called(&step.actor, view),
        action: step.action.clone(),
        reason: step.reason.clone(),
    }
}

fn evidence_row(detection: &Detection) -> EvidenceRow {
    EvidenceRow {
        at: detection.happened_at,
        source: detection.source.as_str().to_owned(),
        host: detection.host.as_ref().map(ToString::to_string),
        summary: detection.summary.clone(),
        event: detection.event,
    }
}

/// How an actor is called.
pub(super) fn called(actor: &Actor, view: &View<'_>) -> String {
    match actor {
        Actor::Person { user, login, token: _ } => view.names.get(user).unwrap_or(login).clone(),
        Actor::Post { part } => format!("watchpost/{part}"),
    }
}

pub(super) fn person(user: Id<User>, view: &View<'_>) -> String {
    view.names.get(&user).cloned().unwrap_or_else(|| user.to_string())
}

pub(super) fn alert_row(alert: &Alert, view: &View<'_>) -> AlertRow {
    let (state, closed_at, disposition, reason) = match &alert.state {
        AlertState::New => ("new", None, None, None),
        AlertState::Acknowledged { .. } => ("acknowledged", None, None, None),
        AlertState::Closed {
            at,
            disposition,
            reason,
            ..
        } => ("closed", Some(*at), Some(*disposition), Some(reason.clone())),
    };
    AlertRow {
        id: alert.id.to_string(),
        rule: alert.rule.id.to_string(),
        title: alert.rule.title_in(view.language).to_owned(),
        level: alert.rule.level,
        entity: alert.key.entity.name.to_string(),
        entity_kind: alert.key.entity.kind,
        host: alert.host.as_ref().map(ToString::to_string),
        source: alert.source.as_str().to_owned(),
        summary: alert.summary.clone(),
        detections: alert.detections,
        hidden: alert.hidden,
        exercise: alert.key.exercise,
        opened_at: alert.opened_at,
        first_seen: alert.first_seen,
        last_seen: alert.last_seen,
        state,
        owner: alert.assignee.map(|user| person(user, view)),
        closed_at,
        disposition,
        reason,
        tags: alert.rule.tags.iter().map(ToString::to_string).collect(),
    }
}
