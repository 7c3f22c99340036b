//! `/api/v1/alerts`: the queue, one alert, and the steps with them.

use axum::{
    Json,
    extract::{Path, RawQuery, State},
};
use ledger::{KeptDetection, PageAt};
use model::{Alert, Id};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Body;
use crate::{
    desk::Desk,
    guard::Visit,
    pages::{
        alert::{show::AlertPage, work::closing},
        queue::filter::QueueFilter,
    },
    trouble::{ErrorBody, Trouble},
    work::{self, Outcome, Seen, Verb},
};

/// A page of alerts, most urgent first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertList {
    #[schema(value_type = Vec<Object>)]
    alerts: Vec<Alert>,
    /// The value of `after` for the next page; absent on the last.
    next: Option<String>,
}

/// One alert with its latest detections, newest first, and why each rule held.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertDetail {
    #[schema(value_type = Object)]
    alert: Alert,
    detections: Vec<DetectionDetail>,
}

/// A detection of an alert.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DetectionDetail {
    /// Its number among all detections of the alert.
    ordinal: u64,
    /// The silence that hides it.
    hidden_by: Option<String>,
    #[schema(value_type = Object)]
    detection: model::Detection,
}

/// An alert as the client saw it.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SeenAlert {
    /// Its id, 32 hexadecimal digits.
    id: String,
    /// Its revision as seen; when a person changed it since, the step is refused. Absent: as it stands.
    revision: Option<u64>,
}

/// Alerts to take a step with, at most 500.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SeenAlerts {
    alerts: Vec<SeenAlert>,
}

/// Alerts to give to somebody.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Assigning {
    alerts: Vec<SeenAlert>,
    /// The person's id; absent: nobody.
    assignee: Option<String>,
}

/// Alerts to close.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Closing {
    alerts: Vec<SeenAlert>,
    /// `true_positive`, `benign`, `false_positive` or (for what the post itself raised) `resolved`.
    disposition: String,
    /// Why, in words; required.
    reason: String,
}

/// A step to undo.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Undoing {
    /// What the step answered as `undo`.
    pub(super) undo: u64,
}

/// What became of a step.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StepResult {
    /// How many alerts changed.
    changed: usize,
    /// The others.
    refused: Vec<RefusedAlert>,
    /// What undoes the step, for ten minutes and by the same person.
    undo: Option<u64>,
}

/// An alert that did not take the step.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefusedAlert {
    id: String,
    /// Why, in the person's language.
    reason: String,
}

/// Answers with alerts; the query is that of the page `/queue`.
#[utoipa::path(get, path = "/api/v1/alerts",
    params(("state" = Option<String>, Query, description = "new, acknowledged or closed; absent: open"), ("level" = Option<String>, Query, description = "least level"),
        ("mine" = Option<String>, Query, description = "1: only one's own"), ("exercise" = Option<String>, Query, description = "real or exercise"),
        ("rule" = Option<String>, Query, description = "a rule's id"), ("q" = Option<String>, Query, description = "words; tone marks do not matter"), ("after" = Option<String>, Query, description = "next of the page before")),
    responses((status = 200, body = AlertList), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub(crate) async fn list(
    visit: Visit,
    State(desk): State<Desk>,
    RawQuery(query): RawQuery,
) -> Result<Json<AlertList>, Trouble> {
    let filter = QueueFilter::of_query(&query.unwrap_or_default());
    let wanted = filter.wanted(visit.user.id);
    let page = desk
        .read(move |ledger| {
            let cursor = (!filter.after.is_empty()).then_some(filter.after.as_str());
            ledger.alerts(
                &visit.scope,
                &wanted,
                PageAt {
                    cursor,
                    limit: QueueFilter::ROWS_MAX,
                },
            )
        })
        .await?;
    Ok(Json(AlertList {
        alerts: page.items,
        next: page.next,
    }))
}

/// Answers with one alert.
#[utoipa::path(get, path = "/api/v1/alerts/{id}", params(("id" = String, Path)), responses((status = 200, body = AlertDetail), (status = 404, body = ErrorBody)))]
pub(crate) async fn show(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Json<AlertDetail>, Trouble> {
    let id: Id<Alert> = id.parse().map_err(|_| Trouble::NotFound)?;
    let found = desk
        .read(move |ledger| {
            let Some(alert) = ledger.alert(&visit.scope, id)? else {
                return Ok(None);
            };
            let kept = ledger
                .detections(&visit.scope, id, None, PageAt::first(AlertPage::DETECTIONS_MAX))?
                .items;
            Ok(Some((alert, kept)))
        })
        .await?;
    let (alert, kept) = found.ok_or(Trouble::NotFound)?;
    let detail = |kept: KeptDetection| DetectionDetail {
        ordinal: kept.ordinal,
        hidden_by: kept.hidden_by.map(|silence| silence.to_string()),
        detection: kept.detection,
    };
    Ok(Json(AlertDetail {
        alert,
        detections: kept.into_iter().map(detail).collect(),
    }))
}

/// Takes alerts.
#[utoipa::path(post, path = "/api/v1/alerts/acknowledge", request_body = SeenAlerts, responses((status = 200, body = StepResult), (status = 403, body = ErrorBody)))]
pub(crate) async fn acknowledge(
    visit: Visit,
    State(desk): State<Desk>,
    Body(body): Body<SeenAlerts>,
) -> Result<Json<StepResult>, Trouble> {
    take(&visit, &desk, body.alerts, Verb::Acknowledge).await
}

/// Gives alerts back to the queue; they are nobody's then.
#[utoipa::path(post, path = "/api/v1/alerts/unacknowledge", request_body = SeenAlerts, responses((status = 200, body = StepResult), (status = 403, body = ErrorBody)))]
pub(crate) async fn unacknowledge(
    visit: Visit,
    State(desk): State<Desk>,
    Body(body): Body<SeenAlerts>,
) -> Result<Json<StepResult>, Trouble> {
    take(&visit, &desk, body.alerts, Verb::Unacknowledge).await
}

/// Gives alerts to somebody.
#[utoipa::path(post, path = "/api/v1/alerts/assign", request_body = Assigning, responses((status = 200, body = StepResult), (status = 403, body = ErrorBody)))]
pub(crate) async fn assign(
    visit: Visit,
    State(desk): State<Desk>,
    Body(body): Body<Assigning>,
) -> Result<Json<StepResult>, Trouble> {
    let assignee = body
        .assignee
        .map(|id| id.parse())
        .transpose()
        .map_err(|_| Trouble::BadRequest)?;
    take(&visit, &desk, body.alerts, Verb::Assign(assignee)).await
}

/// Closes alerts.
#[utoipa::path(post, path = "/api/v1/alerts/close", request_body = Closing, responses((status = 200, body = StepResult), (status = 403, body = ErrorBody)))]
pub(crate) async fn close(
    visit: Visit,
    State(desk): State<Desk>,
    Body(body): Body<Closing>,
) -> Result<Json<StepResult>, Trouble> {
    take(&visit, &desk, body.alerts, closing(&body.disposition, &body.reason)?).await
}

/// Opens closed alerts again.
#[utoipa::path(post, path = "/api/v1/alerts/reopen", request_body = SeenAlerts, responses((status = 200, body = StepResult), (status = 403, body = ErrorBody)))]
pub(crate) async fn reopen(
    visit: Visit,
    State(desk): State<Desk>,
    Body(body): Body<SeenAlerts>,
) -> Result<Json<StepResult>, Trouble> {
    take(&visit, &desk, body.alerts, Verb::Reopen).await
}

/// Undoes a step of one's own.
#[utoipa::path(post, path = "/api/v1/alerts/undo", request_body = Undoing, responses((status = 200, body = StepResult), (status = 403, body = ErrorBody)))]
pub(crate) async fn undo(
    visit: Visit,
    State(desk): State<Desk>,
    Body(body): Body<Undoing>,
) -> Result<Json<StepResult>, Trouble> {
    let outcome = work::undo(&desk, &visit.scope, body.undo).await?;
    Ok(told(&visit, outcome))
}

async fn take(visit: &Visit, desk: &Desk, alerts: Vec<SeenAlert>, verb: Verb) -> Result<Json<StepResult>, Trouble> {
    let seen: Result<Vec<Seen>, Trouble> = alerts
        .into_iter()
        .map(|seen| {
            Ok(Seen {
                id: seen.id.parse().map_err(|_| Trouble::BadRequest)?,
                revision: seen.revision,
            })
        })
        .collect();
    let outcome = work::take(desk, &visit.scope, seen?, verb).await?;
    Ok(told(visit, outcome))
}

fn told(visit: &Visit, outcome: Outcome) -> Json<StepResult> {
    let refused = outcome.refused.into_iter();
    Json(StepResult {
        changed: outcome.changed,
        refused: refused
            .map(|(id, why)| RefusedAlert {
                id: id.to_string(),
                reason: why.text(visit.view.words.0),
            })
            .collect(),
        undo: outcome.undo,
    })
}
