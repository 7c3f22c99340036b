//! `POST /silences…`: makes a silence, and ends one.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use model::{Id, Rejected, Silence};

use super::form::{Draft, render};
use crate::{desk::Desk, form::Form, guard::Visit, silencing, trial, trouble::Trouble};

/// Makes the silence, or shows the form again with what is wrong.
pub(crate) async fn create(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Response, Trouble> {
    let draft = Draft::of_form(&form);
    match silencing::create(&desk, &visit.scope, &draft).await {
        Ok(()) => Ok(Redirect::to("/silences").into_response()),
        Err(Trouble::Rejected(rejected)) => refused(&visit, &desk, &draft, &rejected).await,
        Err(trouble) => Err(trouble),
    }
}

/// Ends a silence before its time.
pub(crate) async fn end(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Redirect, Trouble> {
    let id: Id<Silence> = id.parse().map_err(|_| Trouble::NotFound)?;
    silencing::end(&desk, &visit.scope, id, form.one("reason").unwrap_or_default()).await?;
    Ok(Redirect::to("/silences"))
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
