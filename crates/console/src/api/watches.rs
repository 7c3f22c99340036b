//! `/api/v1/watches` and `/api/v1/measurements`: where watches stand, by what; opening and closing them.

use axum::{
    Json,
    extract::{Path, RawQuery, State},
    http::StatusCode,
};
use jiff::SignedDuration;
use ledger::{NounFilter, PageAt};
use model::{Directive, Id, Measurement, Question, Timestamp, User, Waiver, Watch};
use operations::watches;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Body, directives::Made};
use crate::{
    desk::Desk,
    form::Form,
    guard::Visit,
    pages::watch::Sight,
    secrets,
    trouble::{ErrorBody, Trouble},
};

/// Watches listed at most.
const WATCHES_MAX: usize = 200;
/// Measurements answered at once.
const MEASUREMENTS_MAX: usize = 1000;
/// How far back measurements go when the request does not say.
const DAYS: i64 = 1;

/// Watches.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WatchList {
    /// The watches, the last one first.
    #[schema(value_type = Vec<Object>)]
    watches: Vec<Watch>,
}

/// A watch as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WatchStanding {
    #[schema(value_type = Object)]
    watch: Watch,
    /// The moment at which it is judged: when it was closed, or now.
    #[schema(value_type = String)]
    as_of: Timestamp,
    /// How many requirements stand how, the worst first.
    tally: Vec<(&'static str, usize)>,
    requirements: Vec<RequirementState>,
    #[schema(value_type = Vec<Object>)]
    waivers: Vec<Waiver>,
    #[schema(value_type = Vec<Object>)]
    questions: Vec<Question>,
    /// The last measurement of each control that a requirement names.
    #[schema(value_type = Vec<Object>)]
    measurements: Vec<Measurement>,
}

/// How one requirement stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequirementState {
    key: u32,
    /// `falls_short`, `unknown`, `stale`, `waived` or `holds`.
    state: &'static str,
    /// How it would stand without its waiver.
    beneath: &'static str,
}

/// A watch in the making.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WatchDraft {
    name: String,
    #[schema(value_type = String)]
    from: Timestamp,
    #[schema(value_type = String)]
    until: Timestamp,
    people_min: u32,
    acknowledge_minutes: u32,
    directives: Vec<DirectiveChoice>,
    /// Whoever opens it, when absent.
    #[schema(value_type = Option<String>)]
    lead: Option<Id<User>>,
}

/// A directive, with the keys of the requirements that are taken; all, when there are none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DirectiveChoice {
    id: String,
    #[serde(default)]
    requirements: Vec<String>,
}

/// What is said of a watch at its end.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ClosingWords {
    words: String,
}

/// Measurements.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MeasurementList {
    /// The measurements, the last one first.
    #[schema(value_type = Vec<Object>)]
    measurements: Vec<Measurement>,
}

/// Answers with the watches.
#[utoipa::path(get, path = "/api/v1/watches", responses((status = 200, body = WatchList)))]
pub(crate) async fn list(visit: Visit, State(desk): State<Desk>) -> Result<Json<WatchList>, Trouble> {
    let page = desk
        .read(move |ledger| ledger.kept_page(&visit.scope, &NounFilter::default(), PageAt::first(WATCHES_MAX)))
        .await?;
    Ok(Json(WatchList { watches: page.items }))
}

/// Answers with one watch as it stands.
#[utoipa::path(get, path = "/api/v1/watches/{id}", params(("id" = String, Path)), responses((status = 200, body = WatchStanding), (status = 404, body = ErrorBody)))]
pub(crate) async fn show(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Json<WatchStanding>, Trouble> {
    let sight = Sight::of(&desk, &visit.scope, &id).await?;
    let standings = sight.standing();
    let tally = watches::tally(&standings);
    let requirements = standings.iter().map(|one| RequirementState {
        key: one.requirement.key,
        state: one.standing.as_str(),
        beneath: one.beneath.as_str(),
    });
    let requirements = requirements.collect();
    let mut measurements: Vec<Measurement> = sight.measurements.values().map(|(last, _)| last.clone()).collect();
    measurements.sort_by(|a, b| a.control.cmp(&b.control));
    Ok(Json(WatchStanding {
        as_of: sight.as_of,
        tally: tally
            .iter()
            .map(|(standing, count)| (standing.as_str(), *count))
            .collect(),
        requirements,
        measurements,
        waivers: sight.waivers,
        questions: sight.questions,
        watch: sight.watch,
    }))
}

/// Opens a watch.
#[utoipa::path(post, path = "/api/v1/watches", request_body = WatchDraft, responses((status = 201, body = Made), (status = 422, body = ErrorBody)))]
pub(crate) async fn open(
    visit: Visit,
    State(desk): State<Desk>,
    Body(draft): Body<WatchDraft>,
) -> Result<(StatusCode, Json<Made>), Trouble> {
    let mut directives = Vec::with_capacity(draft.directives.len());
    for choice in draft.directives {
        let directive: Directive = desk.found(&visit.scope, &choice.id).await?;
        directives.push((directive, choice.requirements));
    }
    let step = visit.step(&desk);
    let entropy = secrets::entropy(desk.state.randomness.as_ref());
    let draft = watches::Draft {
        name: draft.name,
        from: draft.from,
        until: draft.until,
        people_min: draft.people_min,
        acknowledge_minutes: draft.acknowledge_minutes,
        directives: directives
            .iter()
            .map(|(directive, keys)| (directive, keys.clone()))
            .collect(),
        lead: draft.lead.unwrap_or(visit.user.id),
    };
    desk.apply(watches::open(&draft, step, entropy)?).await?;
    let id: Id<Watch> = Id::born(step.at, entropy);
    Ok((StatusCode::CREATED, Json(Made { id: id.to_string() })))
}

/// Closes a watch with words about it.
#[utoipa::path(post, path = "/api/v1/watches/{id}/close", params(("id" = String, Path)), request_body = ClosingWords, responses((status = 204), (status = 409, body = ErrorBody)))]
pub(crate) async fn close(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Body(closing): Body<ClosingWords>,
) -> Result<StatusCode, Trouble> {
    let watch: Watch = desk.found(&visit.scope, &id).await?;
    let step = visit.step(&desk);
    desk.apply(watches::close(&watch, &closing.words, step)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Answers with the measurements of one control, the last one first: `control`, and `days` back.
#[utoipa::path(get, path = "/api/v1/measurements", params(("control" = String, Query), ("days" = Option<i64>, Query)), responses((status = 200, body = MeasurementList)))]
pub(crate) async fn measurements(
    visit: Visit,
    State(desk): State<Desk>,
    RawQuery(query): RawQuery,
) -> Result<Json<MeasurementList>, Trouble> {
    let asked = Form::parse(query.unwrap_or_default().as_bytes());
    let control = asked.required("control")?.to_owned();
    let days = asked
        .one("days")
        .and_then(|days| days.parse().ok())
        .unwrap_or(DAYS)
        .clamp(1, 400);
    let now = desk.now();
    let from = now - SignedDuration::from_hours(24 * days);
    let measurements = desk
        .read(move |ledger| ledger.measurements(&visit.scope, &control, (from, now), MEASUREMENTS_MAX))
        .await?;
    Ok(Json(MeasurementList { measurements }))
}
