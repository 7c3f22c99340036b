//! `POST /deadlines/{id}/…`: met, done late, stopped.

use axum::{
    extract::{Path, State},
    response::Redirect,
};
use operations::deadlines;

use crate::{clocks, desk::Desk, form::Form, guard::Visit, trouble::Trouble};

/// Says that it was done in time.
pub(crate) async fn meet(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Redirect, Trouble> {
    let evidence = form.one("evidence").unwrap_or_default();
    clocks::take(&visit, &desk, &id, |deadline, step| {
        deadlines::meet(deadline, evidence, step)
    })
    .await?;
    Ok(back_to(&id))
}

/// Says that it was done after its time.
pub(crate) async fn late(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Redirect, Trouble> {
    let evidence = form.one("evidence").unwrap_or_default();
    clocks::take(&visit, &desk, &id, |deadline, step| {
        deadlines::finish_late(deadline, evidence, step)
    })
    .await?;
    Ok(back_to(&id))
}

/// Stops a clock that should not run.
pub(crate) async fn stop(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Redirect, Trouble> {
    let reason = form.one("reason").unwrap_or_default();
    clocks::take(&visit, &desk, &id, |deadline, step| {
        deadlines::stop(deadline, reason, step)
    })
    .await?;
    Ok(back_to(&id))
}

fn back_to(id: &str) -> Redirect {
    Redirect::to(&format!("/deadlines#d-{id}"))
}
