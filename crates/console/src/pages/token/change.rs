//! `POST /tokens…`: makes and revokes tokens of sources.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use model::SourceId;
use operations::people;

use super::list::{Fresh, render};
use crate::{addresses, desk::Desk, form::Form, guard::Visit, secrets, trouble::Trouble};

/// Makes a token and shows it, this once.
pub(crate) async fn create(
    visit: Visit,
    State(desk): State<Desk>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, Trouble> {
    let source = form.required("source")?.trim();
    let secret = secrets::secret("wp_", desk.state.randomness.as_ref());
    let made = people::create_token(SourceId::new(source), source, &secret, visit.step(&desk));
    let (status, fresh, problem) = match made {
        Ok(decision) => {
            desk.apply(decision).await?;
            (
                StatusCode::OK,
                Some(Fresh {
                    source: source.to_owned(),
                    text: secret.text,
                }),
                None,
            )
        }
        Err(rejected) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            None,
            Some(rejected.text(visit.view.words.0)),
        ),
    };
    let scope = visit.scope.clone();
    let tokens = desk.read(move |ledger| ledger.tokens(&scope)).await?;
    let intake = (&desk.state.intake, addresses::host(&headers));
    let news = (fresh.as_ref(), problem.as_deref());
    Ok((status, render(&visit.view, &tokens, intake, news)).into_response())
}

/// Revokes a token; its sender is refused from now on.
pub(crate) async fn revoke(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Redirect, Trouble> {
    let digest = form.required("digest")?.to_owned();
    let scope = visit.scope.clone();
    let token = desk
        .read(move |ledger| ledger.token(&scope, &digest))
        .await?
        .ok_or(Trouble::NotFound)?;
    desk.apply(people::revoke_token(&token, visit.step(&desk))?).await?;
    Ok(Redirect::to("/tokens"))
}
