//! `POST /account/…`: one's own password, language and sessions.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use model::Session;
use operations::people;

use super::show::{Note, answer};
use crate::{desk::Desk, form::Form, guard::Visit, secrets, trouble::Trouble, words::Words};

/// Changes the password; whoever stole a session loses it, because all others end.
pub(crate) async fn password(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Response, Trouble> {
    let (current, new) = (form.required("current")?.to_owned(), form.required("new")?.to_owned());
    let words = visit.view.words;
    if let Err(rejected) = people::check_password(&new, &visit.user.login) {
        let problem = rejected.text(words.0);
        let page = answer(visit, &desk, Some(Note::Bad(&problem))).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    }
    let hash = visit.user.password_hash.clone();
    if !desk
        .hashing(move || secrets::verify_password(&current, Some(&hash)))
        .await
    {
        let page = answer(visit, &desk, Some(Note::Bad(words.account_password_wrong()))).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    }
    let hash = desk.hash_password(new).await;
    let mut others = own_sessions(&visit, &desk).await?;
    others.retain(|session| session.digest != visit.session);
    desk.apply(people::change_password(&visit.user, hash, &others, visit.step(&desk))?)
        .await?;
    let page = answer(visit, &desk, Some(Note::Good(words.account_password_changed()))).await?;
    Ok(page.into_response())
}

/// Changes the language.
pub(crate) async fn language(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Redirect, Trouble> {
    let words = Words::of_tag(form.required("language")?).ok_or(Trouble::BadRequest)?;
    if words != visit.view.words {
        desk.apply(people::change_profile(
            &visit.user,
            &visit.user.display_name,
            words.tag(),
            visit.step(&desk),
        )?)
        .await?;
    }
    Ok(Redirect::to("/account"))
}

/// Ends one of one's own sessions.
pub(crate) async fn end_session(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Redirect, Trouble> {
    let digest = form.required("digest")?;
    let sessions = own_sessions(&visit, &desk).await?;
    let wanted = sessions
        .iter()
        .find(|session| session.digest == digest)
        .ok_or(Trouble::NotFound)?;
    desk.apply(people::end_session(wanted, visit.step(&desk))?).await?;
    Ok(Redirect::to("/account"))
}

async fn own_sessions(visit: &Visit, desk: &Desk) -> Result<Vec<Session>, Trouble> {
    let (scope, user, now) = (visit.scope.clone(), visit.user.id, desk.now());
    desk.read(move |ledger| ledger.sessions_of(&scope, user, now)).await
}
