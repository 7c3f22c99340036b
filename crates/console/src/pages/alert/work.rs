//! `POST /alerts/…`: steps with one or several alerts, and undoing them.

use axum::{extract::State, response::Redirect};
use model::Disposition;

use crate::{
    desk::Desk,
    form::Form,
    guard::Visit,
    pages::queue::list::disposition_name,
    toast::{self, Done},
    trouble::Trouble,
    work::{self, Outcome, Seen, Verb},
};

/// Takes alerts.
pub(crate) async fn acknowledge(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Redirect, Trouble> {
    take(&visit, &desk, &form, (Verb::Acknowledge, Done::Acknowledge)).await
}

/// Gives alerts back to the queue.
pub(crate) async fn unacknowledge(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Redirect, Trouble> {
    take(&visit, &desk, &form, (Verb::Unacknowledge, Done::Unacknowledge)).await
}

/// Gives alerts to somebody, or to nobody.
pub(crate) async fn assign(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Redirect, Trouble> {
    let assignee = form.required("assignee")?;
    let assignee = if assignee.is_empty() {
        None
    } else {
        Some(assignee.parse().map_err(|_| Trouble::BadRequest)?)
    };
    take(&visit, &desk, &form, (Verb::Assign(assignee), Done::Assign)).await
}

/// Closes alerts with what they were, and why.
pub(crate) async fn close(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Redirect, Trouble> {
    let verb = closing(
        form.one("disposition").unwrap_or_default(),
        form.one("reason").unwrap_or_default(),
    )?;
    take(&visit, &desk, &form, (verb, Done::Close)).await
}

/// Opens closed alerts again.
pub(crate) async fn reopen(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Redirect, Trouble> {
    take(&visit, &desk, &form, (Verb::Reopen, Done::Reopen)).await
}

/// Undoes a step of one's own.
pub(crate) async fn undo(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Redirect, Trouble> {
    let entry = form.required("undo")?.parse().map_err(|_| Trouble::BadRequest)?;
    let outcome = work::undo(&desk, &visit.scope, entry).await?;
    Ok(back(&form, Done::Undo, &outcome))
}

/// The step that closes, when what it was is one of the dispositions; operations look at the reason.
pub(crate) fn closing(disposition: &str, reason: &str) -> Result<Verb, Trouble> {
    let disposition = Disposition::ALL
        .into_iter()
        .find(|known| disposition_name(*known) == disposition)
        .ok_or(Trouble::BadRequest)?;
    Ok(Verb::Close {
        disposition,
        reason: reason.trim().to_owned(),
    })
}

async fn take(visit: &Visit, desk: &Desk, form: &Form, (verb, done): (Verb, Done)) -> Result<Redirect, Trouble> {
    let seen: Vec<Seen> = form.all("alert").filter_map(Seen::of_text).collect();
    let outcome = work::take(desk, &visit.scope, seen, verb).await?;
    Ok(back(form, done, &outcome))
}

fn back(form: &Form, done: Done, outcome: &Outcome) -> Redirect {
    let undo = outcome.undo.map(|entry| entry.to_string());
    let back = form.one("back").unwrap_or_default();
    Redirect::to(&toast::address(
        back,
        done,
        outcome.changed,
        outcome.refused.len(),
        undo.as_deref(),
    ))
}
