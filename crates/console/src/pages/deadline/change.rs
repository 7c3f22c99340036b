//! `POST /deadlines/{id}/…`: met, done late, stopped.

use axum::{
    extract::{Path, State},
    response::Redirect,
};
use model::{Deadline, Decision, Rejected};
use operations::{Step, deadlines};

use crate::{desk::Desk, form::Form, guard::Visit, pages::watch::change::found, trouble::Trouble};

/// Says that it was done in time.
pub(crate) async fn meet(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Redirect, Trouble> {
    let evidence = form.one("evidence").unwrap_or_default();
    step(&visit, &desk, &id, |deadline, step| {
        deadlines::meet(deadline, evidence, step)
    })
    .await
}

/// Says that it was done after its time.
pub(crate) async fn late(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Redirect, Trouble> {
    let evidence = form.one("evidence").unwrap_or_default();
    step(&visit, &desk, &id, |deadline, step| {
        deadlines::finish_late(deadline, evidence, step)
    })
    .await
}

/// Stops a clock that should not run.
pub(crate) async fn stop(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Redirect, Trouble> {
    let reason = form.one("reason").unwrap_or_default();
    step(&visit, &desk, &id, |deadline, step| {
        deadlines::stop(deadline, reason, step)
    })
    .await
}

/// Takes a step; a deadline that somebody else ended meanwhile refuses it with its reason.
async fn step(
    visit: &Visit,
    desk: &Desk,
    id: &str,
    decide: impl FnOnce(&Deadline, Step<'_>) -> Result<Decision, Rejected>,
) -> Result<Redirect, Trouble> {
    let deadline: Deadline = found(desk, &visit.scope, id).await?;
    let step = Step {
        scope: &visit.scope,
        at: desk.now(),
    };
    desk.apply(decide(&deadline, step)?).await?;
    Ok(Redirect::to(&format!("/deadlines#d-{id}")))
}
