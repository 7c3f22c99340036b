//! `GET /sign-in`: the door.

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use model::{Decision, Scope, User};
use operations::people::{self, Secret};

use crate::addresses;
use crate::desk::Desk;
use crate::form::Form;
use crate::guard::ClientAddress;
use crate::secrets;
use crate::session;
use crate::trouble::Trouble;
use crate::{
    frame::{self, View},
    marks::Mark,
};
use axum::http::StatusCode;
use jiff::SignedDuration;

/// `GET /`: to the queue, which sends on to the door whoever is not signed in.
pub(crate) async fn home() -> Redirect {
    Redirect::to("/queue")
}

/// Answers with the door.
pub(crate) async fn get(view: View, RawQuery(query): RawQuery) -> Markup {
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    render(&view, "", form.one("back").unwrap_or_default(), None)
}

/// Signs in, or says that name and password do not go together, without saying which of them was wrong.
pub(crate) async fn post(
    view: View,
    State(desk): State<Desk>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, Trouble> {
    let (login, password) = (
        form.required("login")?.trim().to_lowercase(),
        form.required("password")?.to_owned(),
    );
    let back = form.one("back").unwrap_or_default();
    let refuse = |status: StatusCode, problem| (status, render(&view, &login, back, Some(problem))).into_response();
    if login.len() > people::LOGIN_BYTES_MAX || password.len() > people::PASSWORD_BYTES_MAX {
        return Ok(refuse(StatusCode::UNAUTHORIZED, view.words.sign_in_wrong()));
    }
    let scope = Scope::of_post("console");
    let since = desk
        .now()
        .saturating_sub(SignedDuration::from_mins(people::SIGN_IN_MINUTES))
        .unwrap_or_default();
    let (wanted, from) = (login.clone(), address.clone());
    let (failures, user) = desk
        .read(move |ledger| {
            Ok((
                ledger.sign_in_failures(&scope, &wanted, &from, since)?,
                ledger.user_by_login(&scope, &wanted)?,
            ))
        })
        .await?;
    if !people::may_try_to_sign_in(failures.of_login, failures.of_address) {
        return Ok(refuse(StatusCode::TOO_MANY_REQUESTS, view.words.sign_in_limited()));
    }
    let user = user.filter(|user| user.enabled);
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let right = desk
        .hashing(move || secrets::verify_password(&password, hash.as_deref()))
        .await;
    let Some(user) = user.filter(|_| right) else {
        let (login, now) = (login.clone(), desk.now());
        desk.state
            .ledger
            .off_thread(move |ledger| ledger.note_sign_in_failure(&login, &address, now))
            .await?;
        return Ok(refuse(StatusCode::UNAUTHORIZED, view.words.sign_in_wrong()));
    };
    let name = login.clone();
    desk.state
        .ledger
        .off_thread(move |ledger| ledger.forget_sign_in_failures(&name))
        .await?;
    let (secret, decision) = new_session(&desk, &user, &address, &headers);
    desk.apply(decision).await?;
    Ok(entered(&desk, &secret, &addresses::way_back(back)))
}

/// A fresh session of a person; its secret goes to the browser, its digest into the ledger.
pub(crate) fn new_session(desk: &Desk, user: &User, address: &str, headers: &HeaderMap) -> (Secret, Decision) {
    let secret = secrets::secret("", desk.state.randomness.as_ref());
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or_default();
    let decision = people::open_session(user, &secret, (address, agent), desk.now());
    (secret, decision)
}

/// The answer that gives the browser its session and sends it on.
pub(crate) fn entered(desk: &Desk, secret: &Secret, to: &str) -> Response {
    (
        [(header::SET_COOKIE, session::set_cookie(desk, Some(&secret.text)))],
        Redirect::to(to),
    )
        .into_response()
}

/// The page; `problem` says why the last attempt did not succeed, `back` where to go after signing in.
pub(crate) fn render(view: &View, login: &str, back: &str, problem: Option<&str>) -> Markup {
    let words = view.words;
    let content = html! {
        p.lead { (words.sign_in_lead()) }
        @if let Some(problem) = problem { p.notice.bad role="alert" { (Mark::Warning.draw()) span { (problem) } } }
        form.form method="post" action="/sign-in" {
            h1.visually-hidden { (words.sign_in()) }
            input type="hidden" name="back" value=(back);
            div.field { label for="login" { (words.login()) } input #login name="login" value=(login) required maxlength="64" autocomplete="username" autocapitalize="none" spellcheck="false" autofocus[login.is_empty()]; }
            div.field { label for="password" { (words.password()) } input #password type="password" name="password" required maxlength="1024" autocomplete="current-password" autofocus[!login.is_empty()]; }
            button.button.primary type="submit" { (words.sign_in()) }
        }
    };
    frame::door(view, words.sign_in(), &content)
}
