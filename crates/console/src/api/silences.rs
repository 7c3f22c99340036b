//! `/api/v1/silences`: what is hidden, what a silence would hide, making, extending and ending them.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use model::{EntityKind, Id, Silence, SilenceReason};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Body;
use crate::{
    desk::Desk,
    guard::Visit,
    pages::silence::form::Draft,
    silencing::{self, Taken},
    trial,
    trouble::{ErrorBody, Trouble},
};

/// The silences in force.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SilenceList {
    #[schema(value_type = Vec<Object>)]
    silences: Vec<Silence>,
}

/// A silence in the making; a scope names at least a rule or an entity.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SilenceDraft {
    /// A rule's id.
    #[serde(default)]
    rule: String,
    /// `host`, `user`, `address` or `source`.
    #[schema(value_type = Option<String>)]
    entity_kind: Option<EntityKind>,
    #[serde(default)]
    entity_name: String,
    /// One condition a line, as `Field=value`.
    #[serde(default)]
    fields: String,
    /// `false_positive`, `accepted_risk` or `maintenance`; a preview does without.
    #[schema(value_type = Option<String>)]
    reason: Option<SilenceReason>,
    #[serde(default)]
    comment: String,
    /// For how many hours.
    hours: Option<u32>,
}

/// What a silence would have hidden in the last 30 days.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewResult {
    hidden: u64,
    looked_at: u64,
    /// Detections whose events are gone, so that conditions on fields could not be judged.
    unsure: u64,
    /// Whether older detections exist that were not looked at.
    cut: bool,
    /// The open alerts concerned, with how many of their detections.
    alerts: Vec<PreviewAlert>,
    /// Hosts with how many detections.
    hosts: Vec<(String, u64)>,
}

/// An alert concerned by a preview.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewAlert {
    id: String,
    title: String,
    entity: String,
    hidden: u64,
}

/// For how long a silence goes on, and why.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Extending {
    /// How many hours later it ends.
    hours: Option<u32>,
    #[serde(default)]
    reason: String,
}

/// A step with a silence.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SilenceStep {
    /// The silence.
    id: String,
    /// What undoes the step, for ten minutes and by the same person.
    undo: Option<u64>,
}

impl From<Taken> for SilenceStep {
    fn from(taken: Taken) -> Self {
        Self {
            id: taken.silence.to_string(),
            undo: taken.entry,
        }
    }
}

/// Why a silence ends early.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Ending {
    #[serde(default)]
    reason: String,
}

impl From<SilenceDraft> for Draft {
    fn from(draft: SilenceDraft) -> Self {
        let SilenceDraft {
            rule,
            entity_kind,
            entity_name,
            fields,
            reason,
            comment,
            hours,
        } = draft;
        Self {
            rule,
            entity_kind,
            entity_name,
            fields,
            reason,
            comment,
            hours,
        }
    }
}

/// Answers with the silences in force.
#[utoipa::path(get, path = "/api/v1/silences", responses((status = 200, body = SilenceList)))]
pub(crate) async fn list(visit: Visit, State(desk): State<Desk>) -> Result<Json<SilenceList>, Trouble> {
    let now = desk.now();
    let silences = desk
        .read(move |ledger| ledger.silences_in_force(&visit.scope, now))
        .await?;
    Ok(Json(SilenceList { silences }))
}

/// Makes a silence.
#[utoipa::path(post, path = "/api/v1/silences", request_body = SilenceDraft, responses((status = 201, body = SilenceStep), (status = 422, body = ErrorBody)))]
pub(crate) async fn create(
    visit: Visit,
    State(desk): State<Desk>,
    Body(draft): Body<SilenceDraft>,
) -> Result<(StatusCode, Json<SilenceStep>), Trouble> {
    let taken = silencing::create(&desk, &visit.scope, &draft.into()).await?;
    Ok((StatusCode::CREATED, Json(taken.into())))
}

/// Says what a silence would have hidden; nothing is changed.
#[utoipa::path(post, path = "/api/v1/silences/preview", request_body = SilenceDraft, responses((status = 200, body = PreviewResult)))]
pub(crate) async fn preview(
    visit: Visit,
    State(desk): State<Desk>,
    Body(draft): Body<SilenceDraft>,
) -> Result<Json<PreviewResult>, Trouble> {
    let trial = trial::run(&desk, &visit.scope, Draft::from(draft).scope()).await?;
    let concerned = |(alert, hidden): (model::Alert, u64)| PreviewAlert {
        id: alert.id.to_string(),
        title: visit.view.rule_title(&alert.rule).to_owned(),
        entity: alert.key.entity.name.to_string(),
        hidden,
    };
    Ok(Json(PreviewResult {
        hidden: trial.preview.hidden,
        looked_at: trial.preview.looked_at,
        unsure: trial.preview.unsure,
        cut: trial.cut,
        alerts: trial.alerts.into_iter().map(concerned).collect(),
        hosts: trial.hosts,
    }))
}

/// Moves the end of a silence to later.
#[utoipa::path(post, path = "/api/v1/silences/{id}/extend", params(("id" = String, Path)), request_body = Extending, responses((status = 200, body = SilenceStep), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub(crate) async fn extend(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Body(extending): Body<Extending>,
) -> Result<Json<SilenceStep>, Trouble> {
    let asked = (extending.hours, extending.reason.as_str());
    let taken = silencing::extend(&desk, &visit.scope, known(&id)?, asked).await?;
    Ok(Json(taken.into()))
}

/// Ends a silence before its time.
#[utoipa::path(post, path = "/api/v1/silences/{id}/end", params(("id" = String, Path)), request_body = Ending, responses((status = 200, body = SilenceStep), (status = 409, body = ErrorBody)))]
pub(crate) async fn end(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Body(ending): Body<Ending>,
) -> Result<Json<SilenceStep>, Trouble> {
    let taken = silencing::end(&desk, &visit.scope, known(&id)?, &ending.reason).await?;
    Ok(Json(taken.into()))
}

/// Takes back one's own last step with a silence, within ten minutes.
#[utoipa::path(post, path = "/api/v1/silences/{id}/undo", params(("id" = String, Path)), request_body = super::alerts::Undoing, responses((status = 200, body = SilenceStep), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub(crate) async fn undo(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Body(undoing): Body<super::alerts::Undoing>,
) -> Result<Json<SilenceStep>, Trouble> {
    let taken = silencing::undo(&desk, &visit.scope, known(&id)?, undoing.undo).await?;
    Ok(Json(taken.into()))
}

fn known(id: &str) -> Result<Id<Silence>, Trouble> {
    id.parse().map_err(|_| Trouble::NotFound)
}
