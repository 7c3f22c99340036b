//! `/api/v1/deadlines`: the clocks that run or passed; starting and ending them.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use ledger::{NounFilter, PageAt};
use model::{Deadline, Id, Timestamp, User};
use operations::{
    Step,
    deadlines::{self, Reckoning, Rule, Start},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Body;
use crate::{
    clocks,
    desk::Desk,
    guard::Visit,
    secrets,
    trouble::{ErrorBody, Trouble},
};

/// Deadlines that passed, at most.
const BREACHED_MAX: usize = 200;

/// Deadlines.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeadlineList {
    /// Those that run, the nearest end first.
    #[schema(value_type = Vec<Object>)]
    running: Vec<Deadline>,
    /// Those that passed, the last one first.
    #[schema(value_type = Vec<Object>)]
    breached: Vec<Deadline>,
}

/// Clocks in the making.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ClockDraft {
    /// Ids of the rules, of several regimes at once.
    rules: Vec<String>,
    /// What they are about.
    matter: String,
    /// When they started; now, when absent.
    #[schema(value_type = Option<String>)]
    started_at: Option<Timestamp>,
    /// Who keeps them; whoever asks, when absent.
    #[schema(value_type = Option<String>)]
    owner: Option<Id<User>>,
}

/// What proves or explains an end.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct EndOfClock {
    words: String,
}

/// Answers with the deadlines that run, and those that passed.
#[utoipa::path(get, path = "/api/v1/deadlines", responses((status = 200, body = DeadlineList)))]
pub(crate) async fn list(visit: Visit, State(desk): State<Desk>) -> Result<Json<DeadlineList>, Trouble> {
    let scope = visit.scope;
    let mut list = desk
        .read(move |ledger| {
            let breached = NounFilter::in_state("breached");
            Ok(DeadlineList {
                running: ledger.all_kept(&scope, &NounFilter::in_state("running"))?,
                breached: ledger.kept_page(&scope, &breached, PageAt::first(BREACHED_MAX))?.items,
            })
        })
        .await?;
    list.running.sort_by_key(|one| one.due_at);
    Ok(Json(list))
}

/// Starts clocks.
#[utoipa::path(post, path = "/api/v1/deadlines", request_body = ClockDraft, responses((status = 201), (status = 422, body = ErrorBody)))]
pub(crate) async fn start(
    visit: Visit,
    State(desk): State<Desk>,
    Body(draft): Body<ClockDraft>,
) -> Result<StatusCode, Trouble> {
    let catalogue = desk.state.catalogue.borrow().clone();
    let rules: Vec<&Rule> = catalogue
        .deadlines
        .iter()
        .filter(|rule| draft.rules.contains(&rule.id))
        .collect();
    if rules.len() != draft.rules.len() {
        return Err(Trouble::NotFound);
    }
    let now = desk.now();
    let working = |date| catalogue.calendar.is_working(date);
    let reckoning = Reckoning {
        zone: &visit.view.moments.zone,
        working: &working,
    };
    let start = Start {
        rules: &rules,
        matter: &draft.matter,
        at: draft.started_at.unwrap_or(now),
        owner: draft.owner,
    };
    let step = Step {
        scope: &visit.scope,
        at: now,
    };
    let entropy = secrets::entropy(desk.state.randomness.as_ref());
    let decision = deadlines::start(start, reckoning, step, entropy)?;
    desk.apply(decision).await?;
    Ok(StatusCode::CREATED)
}

/// Says that a deadline was met, with what proves it.
#[utoipa::path(post, path = "/api/v1/deadlines/{id}/meet", params(("id" = String, Path)), request_body = EndOfClock, responses((status = 204), (status = 409, body = ErrorBody)))]
pub(crate) async fn meet(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Body(end): Body<EndOfClock>,
) -> Result<StatusCode, Trouble> {
    clocks::take(&visit, &desk, &id, |deadline, step| {
        deadlines::meet(deadline, &end.words, step)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says that it was done after its time; the breach stays.
#[utoipa::path(post, path = "/api/v1/deadlines/{id}/late", params(("id" = String, Path)), request_body = EndOfClock, responses((status = 204), (status = 409, body = ErrorBody)))]
pub(crate) async fn late(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Body(end): Body<EndOfClock>,
) -> Result<StatusCode, Trouble> {
    clocks::take(&visit, &desk, &id, |deadline, step| {
        deadlines::finish_late(deadline, &end.words, step)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stops a clock that should not run, with the reason.
#[utoipa::path(post, path = "/api/v1/deadlines/{id}/stop", params(("id" = String, Path)), request_body = EndOfClock, responses((status = 204), (status = 409, body = ErrorBody)))]
pub(crate) async fn stop(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Body(end): Body<EndOfClock>,
) -> Result<StatusCode, Trouble> {
    clocks::take(&visit, &desk, &id, |deadline, step| {
        deadlines::stop(deadline, &end.words, step)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
