//! `/api/v1/incidents`: the incidents, one of them with all that hangs on it, its timeline, and the steps with it.

use axum::{
    Json,
    extract::{Path, RawQuery, State},
};
use ledger::{NounFilter, PageAt};
use model::{
    Alert, Evidence, Id, Incident, IncidentKind, IncidentNote, IncidentOrigin, IncidentTask, Observable, Severity,
    TimelineEntry, Timestamp,
};
use operations::incidents::{self as ops, Draft, NewEntry};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Body;
use crate::{
    desk::Desk,
    form::{Form, named},
    guard::Visit,
    incidents,
    trouble::{ErrorBody, Trouble},
};

/// Incidents, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IncidentList {
    #[schema(value_type = Vec<Object>)]
    incidents: Vec<Incident>,
    /// The value of `after` for the next page; absent on the last.
    next: Option<String>,
}

/// An incident with what hangs on it and on those that it took in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IncidentDetail {
    #[schema(value_type = Object)]
    incident: Incident,
    /// Incidents that go on as part of it.
    #[schema(value_type = Vec<Object>)]
    absorbed: Vec<Incident>,
    #[schema(value_type = Vec<Object>)]
    alerts: Vec<Alert>,
    #[schema(value_type = Vec<Object>)]
    observables: Vec<Observable>,
    #[schema(value_type = Vec<Object>)]
    tasks: Vec<IncidentTask>,
    #[schema(value_type = Vec<Object>)]
    notes: Vec<IncidentNote>,
    #[schema(value_type = Vec<Object>)]
    evidence: Vec<Evidence>,
    /// How many entries the timeline has.
    timeline_entries: u64,
}

/// Entries of a timeline, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimelinePage {
    #[schema(value_type = Vec<Object>)]
    entries: Vec<TimelineEntry>,
    /// The value of `after` for the next page; absent on the last.
    next: Option<String>,
}

/// An incident to open.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Opening {
    /// Its name; needed without alerts.
    #[serde(default)]
    title: String,
    /// A kind of Form 05 (`malware`, `intrusion` …).
    kind: Option<String>,
    /// `low`, `medium`, `high` or `critical`.
    severity: Option<String>,
    #[serde(default)]
    description: String,
    /// RFC 3339.
    #[schema(value_type = Option<String>)]
    detected_at: Option<Timestamp>,
    /// Ids of alerts, at most 500.
    #[serde(default)]
    alerts: Vec<String>,
    #[serde(default)]
    exercise: bool,
}

/// An entry to write into a timeline.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Writing {
    /// When it happened, RFC 3339.
    #[schema(value_type = String)]
    at: Timestamp,
    text: String,
    /// Whether the attacker did it.
    #[serde(default)]
    malicious: bool,
}

/// A step forward.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Advancing {
    /// `confirm`, `contain`, `eradicate`, `recover`, `close` or `reopen`.
    to: String,
    /// When it became true, RFC 3339; absent: now.
    #[schema(value_type = Option<String>)]
    at: Option<Timestamp>,
    /// How it is known.
    how: String,
    /// For `close`: `real`, `attempted`, `benign` or `false_alarm`.
    outcome: Option<String>,
    /// For `close`: the root cause.
    #[serde(default)]
    cause: String,
    /// The revision as seen; when somebody changed it since, the step is refused.
    revision: Option<u64>,
}

/// Answers with incidents.
#[utoipa::path(get, path = "/api/v1/incidents",
    params(("state" = Option<String>, Query, description = "open, closed, merged or one state; absent: all"), ("after" = Option<String>, Query, description = "next of the page before")),
    responses((status = 200, body = IncidentList), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub(crate) async fn list(
    visit: Visit,
    State(desk): State<Desk>,
    RawQuery(query): RawQuery,
) -> Result<Json<IncidentList>, Trouble> {
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    let filter = NounFilter {
        states: match form.one("state") {
            None | Some("") => Vec::new(),
            Some("open") => model::IncidentState::OPEN.map(str::to_owned).to_vec(),
            Some(state) => vec![state.to_owned()],
        },
        ..NounFilter::default()
    };
    let cursor = form.one("after").map(str::to_owned);
    let page = desk
        .read(move |ledger| {
            let at = PageAt {
                cursor: cursor.as_deref(),
                limit: 100,
            };
            ledger.kept_page(&visit.scope, &filter, at)
        })
        .await?;
    Ok(Json(IncidentList {
        incidents: page.items,
        next: page.next,
    }))
}

/// Answers with one incident.
#[utoipa::path(get, path = "/api/v1/incidents/{id}", params(("id" = String, Path)),
    responses((status = 200, body = IncidentDetail), (status = 404, body = ErrorBody)))]
pub(crate) async fn show(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Json<IncidentDetail>, Trouble> {
    let id = id.parse().map_err(|_| Trouble::NotFound)?;
    let whole = desk
        .read(move |ledger| incidents::whole(ledger, &visit.scope, id))
        .await?
        .ok_or(Trouble::NotFound)?;
    let incident = whole.root().clone();
    Ok(Json(IncidentDetail {
        incident,
        absorbed: whole.members.into_iter().skip(1).collect(),
        alerts: whole.alerts,
        observables: whole.observables,
        tasks: whole.tasks,
        notes: whole.notes,
        evidence: whole.evidence,
        timeline_entries: whole.lines,
    }))
}

/// Answers with a page of the timeline.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/timeline",
    params(("id" = String, Path), ("after" = Option<String>, Query, description = "next of the page before")),
    responses((status = 200, body = TimelinePage), (status = 404, body = ErrorBody)))]
pub(crate) async fn timeline(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<TimelinePage>, Trouble> {
    let id = id.parse().map_err(|_| Trouble::NotFound)?;
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    let cursor = form.one("after").map(str::to_owned);
    let page = desk
        .read(move |ledger| {
            let Some(members) = incidents::family(ledger, &visit.scope, id)? else {
                return Ok(None);
            };
            let at = PageAt {
                cursor: cursor.as_deref(),
                limit: 500,
            };
            incidents::timeline(ledger, &visit.scope, &members, &[], at).map(Some)
        })
        .await?
        .ok_or(Trouble::NotFound)?;
    Ok(Json(TimelinePage {
        entries: page.items,
        next: page.next,
    }))
}

/// Opens an incident.
#[utoipa::path(post, path = "/api/v1/incidents", request_body = Opening,
    responses((status = 200, description = "The incident", body = serde_json::Value), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub(crate) async fn open(
    visit: Visit,
    State(desk): State<Desk>,
    Body(opening): Body<Opening>,
) -> Result<Json<Incident>, Trouble> {
    let mut alerts: Vec<Id<Alert>> = Vec::new();
    for id in &opening.alerts {
        alerts.push(id.parse().map_err(|_| Trouble::BadRequest)?);
    }
    let origin = if alerts.is_empty() {
        IncidentOrigin::Hand
    } else {
        IncidentOrigin::Alerts
    };
    let kind = opening.kind.as_deref();
    let severity = opening.severity.as_deref();
    let draft = Draft {
        title: opening.title,
        kind: kind
            .map(|_| named(IncidentKind::ALL, IncidentKind::as_str, kind))
            .transpose()?,
        severity: severity
            .map(|_| named(Severity::ALL, Severity::as_str, severity))
            .transpose()?,
        description: opening.description,
        detected_at: opening.detected_at,
        exercise: opening.exercise,
        ..Draft::from(origin)
    };
    let incident = incidents::open(&desk, &visit.scope, draft, alerts).await?;
    incidents::start_clocks(&desk, &visit.scope, incident.id).await?;
    Ok(Json(incident))
}

/// Writes an entry into the timeline.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/entries", params(("id" = String, Path)), request_body = Writing,
    responses((status = 200, description = "It is written"), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub(crate) async fn write_entry(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Body(writing): Body<Writing>,
) -> Result<Json<()>, Trouble> {
    let id = id.parse().map_err(|_| Trouble::NotFound)?;
    incidents::change(&desk, &visit.scope, (id, None), move |incident, ground| {
        let new = NewEntry {
            at: writing.at,
            text: writing.text.clone(),
            malicious: writing.malicious,
            evidence: None,
        };
        Ok(ops::add_entry(incident, &new, ground.step, ground.entropy)?)
    })
    .await?;
    Ok(Json(()))
}

/// Takes a step forward.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/advance", params(("id" = String, Path)), request_body = Advancing,
    responses((status = 200, description = "It is so"), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub(crate) async fn advance(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Body(step): Body<Advancing>,
) -> Result<Json<()>, Trouble> {
    let id = id.parse().map_err(|_| Trouble::NotFound)?;
    let to = incidents::advance_of(&step.to, step.outcome.as_deref(), step.cause)?;
    let (at, how, seen) = (step.at, step.how, step.revision);
    incidents::change(&desk, &visit.scope, (id, seen), move |incident, ground| {
        Ok(ops::advance(
            incident,
            &to,
            at.unwrap_or(ground.step.at),
            &how,
            ground.step,
        )?)
    })
    .await?;
    incidents::start_clocks(&desk, &visit.scope, id).await?;
    Ok(Json(()))
}
