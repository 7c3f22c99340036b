//! `POST /silences…`: makes a silence, extends and ends one, and takes that back.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use model::{Id, Rejected, Silence};

use super::{
    form::{Draft, render},
    show,
};
use crate::{
    desk::Desk,
    form::Form,
    guard::Visit,
    silencing::{self, Taken},
    toast::{self, Done},
    trial,
    trouble::Trouble,
};

/// Makes the silence, or shows the form again with what is wrong.
pub(crate) async fn create(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Response, Trouble> {
    let draft = Draft::of_form(&form);
    match silencing::create(&desk, &visit.scope, &draft).await {
        Ok(taken) => Ok(told(taken, Done::SilenceMade).into_response()),
        Err(Trouble::Rejected(rejected)) => refused(&visit, &desk, &draft, &rejected).await,
        Err(trouble) => Err(trouble),
    }
}

/// Moves the end of a silence, or shows its page again with what is wrong.
pub(crate) async fn extend(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Trouble> {
    let id = known(&id)?;
    let hours = form.one("hours").and_then(|hours| hours.parse().ok());
    let why = form.one("reason").unwrap_or_default();
    let taken = silencing::extend(&desk, &visit.scope, id, (hours, why)).await;
    shown_again(visit, &desk, id, taken, Done::SilenceExtended).await
}

/// Ends a silence before its time, or shows its page again with what is wrong.
pub(crate) async fn end(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Trouble> {
    let id = known(&id)?;
    let why = form.one("reason").unwrap_or_default();
    let taken = silencing::end(&desk, &visit.scope, id, why).await;
    shown_again(visit, &desk, id, taken, Done::SilenceEnded).await
}

/// Takes back one's own last step with a silence.
pub(crate) async fn undo(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Trouble> {
    let id = known(&id)?;
    let entry = form.required("undo")?.parse().map_err(|_| Trouble::BadRequest)?;
    let taken = silencing::undo(&desk, &visit.scope, id, entry).await;
    // What was undone is not undone again: the history shows both.
    let taken = taken.map(|taken| Taken { entry: None, ..taken });
    shown_again(visit, &desk, id, taken, Done::SilenceUndone).await
}

fn known(id: &str) -> Result<Id<Silence>, Trouble> {
    id.parse().map_err(|_| Trouble::NotFound)
}

fn told(taken: Taken, done: Done) -> Redirect {
    Redirect::to(&toast::silence_address(taken.silence, done, taken.entry))
}

async fn shown_again(
    visit: Visit,
    desk: &Desk,
    id: Id<Silence>,
    taken: Result<Taken, Trouble>,
    done: Done,
) -> Result<Response, Trouble> {
    match taken {
        Ok(taken) => Ok(told(taken, done).into_response()),
        Err(Trouble::Rejected(rejected)) => {
            let status = Trouble::Rejected(rejected.clone()).status();
            let problem = rejected.text(visit.view.words.0);
            let page = show::answer(visit, desk, id, Some(&problem)).await?;
            Ok((status, page).into_response())
        }
        Err(trouble) => Err(trouble),
    }
}

async fn refused(visit: &Visit, desk: &Desk, draft: &Draft, rejected: &Rejected) -> Result<Response, Trouble> {
    let preview = if draft.scope_given() {
        Some(trial::run(desk, &visit.scope, draft.scope()).await?)
    } else {
        None
    };
    let problem = rejected.text(visit.view.words.0);
    let page = render(&visit.view, draft, preview.as_ref(), Some(&problem));
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}
