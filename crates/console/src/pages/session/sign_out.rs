//! `POST /sign-out`: ends the session that asks.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Redirect, Response},
};
use operations::{Step, people};

use crate::{desk::Desk, guard::Visit, session, trouble::Trouble};

/// Ends the session and takes the cookie away.
pub(crate) async fn post(visit: Visit, State(desk): State<Desk>) -> Result<Response, Trouble> {
    let (scope, user, at) = (visit.scope.clone(), visit.user.id, desk.now());
    let sessions = desk.read(move |ledger| ledger.sessions_of(&scope, user, at)).await?;
    if let Some(this) = sessions.iter().find(|session| session.digest == visit.session) {
        desk.apply(people::end_session(
            this,
            Step {
                scope: &visit.scope,
                at,
            },
        )?)
        .await?;
    }
    Ok((
        [(header::SET_COOKIE, session::set_cookie(&desk, None))],
        Redirect::to("/sign-in"),
    )
        .into_response())
}
