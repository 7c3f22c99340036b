//! `GET /setup/{token}`: the form for the first account, reached by the one-time link.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use model::{Role, Scope, SetupLink};
use operations::people;

use crate::desk::Desk;
use crate::form::Form;
use crate::guard::ClientAddress;
use crate::pages::session::sign_in;
use crate::secrets;
use crate::trouble::Trouble;
use crate::{
    frame::{self, View},
    marks::Mark,
};

/// What was typed, to be shown again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Typed {
    pub(crate) login: String,
    pub(crate) display_name: String,
}

/// Answers with the form, while the link works.
pub(crate) async fn get(view: View, State(desk): State<Desk>, Path(token): Path<String>) -> Result<Markup, Trouble> {
    link(&desk, &token).await?;
    Ok(render(&view, &token, &Typed::default(), None))
}

/// Makes the account with the link, once, and signs it in.
pub(crate) async fn post(
    view: View,
    State(desk): State<Desk>,
    Path(token): Path<String>,
    (ClientAddress(address), headers): (ClientAddress, HeaderMap),
    form: Form,
) -> Result<Response, Trouble> {
    let link = link(&desk, &token).await?;
    let text = |name| form.one(name).unwrap_or_default().to_owned();
    let typed = Typed {
        login: text("login").trim().to_lowercase(),
        display_name: text("display_name"),
    };
    match make(&desk, &view, (link, &typed), text("password")).await {
        Ok(()) => {}
        Err(Trouble::Rejected(rejected)) => {
            let problem = rejected.text(view.words.0);
            return Ok((
                StatusCode::UNPROCESSABLE_ENTITY,
                render(&view, &token, &typed, Some(&problem)),
            )
                .into_response());
        }
        // Somebody used the link between the look-up and the decision.
        Err(Trouble::Outdated) => return Err(Trouble::SetupOver),
        Err(trouble) => return Err(trouble),
    }
    let login = typed.login.clone();
    let user = desk
        .read(move |ledger| ledger.user_by_login(&Scope::of_post("setup"), &login))
        .await?
        .ok_or(Trouble::Unavailable)?;
    let (secret, decision) = sign_in::new_session(&desk, &user, &address, &headers);
    desk.apply(decision).await?;
    Ok(sign_in::entered(&desk, &secret, "/queue"))
}

async fn make(desk: &Desk, view: &View, (link, typed): (SetupLink, &Typed), password: String) -> Result<(), Trouble> {
    people::check_password(&password, &typed.login)?;
    let users = desk.read(|ledger| ledger.users(&Scope::of_post("setup"))).await?;
    let draft = people::Draft {
        login: typed.login.clone(),
        display_name: typed.display_name.clone(),
        role: Role::Administrator,
        password_hash: desk.hash_password(password).await,
        language: view.words.tag().to_owned(),
    };
    let entropy = secrets::entropy(desk.state.randomness.as_ref());
    desk.apply(people::create_first_account(
        Some(&link),
        &users,
        draft,
        desk.now(),
        entropy,
    )?)
    .await?;
    Ok(())
}

async fn link(desk: &Desk, token: &str) -> Result<SetupLink, Trouble> {
    let (digest, now) = (people::digest(token), desk.now());
    let link = desk
        .read(move |ledger| ledger.setup_link(&Scope::of_post("setup"), &digest, now))
        .await?;
    link.filter(|link| link.used_at.is_none() && now < link.expires_at)
        .ok_or(Trouble::SetupOver)
}

/// The page.
pub(crate) fn render(view: &View, token: &str, typed: &Typed, problem: Option<&str>) -> Markup {
    let words = view.words;
    let content = html! {
        h1 { (words.setup_title()) }
        p.lead { (words.setup_lead()) }
        @if let Some(problem) = problem { p.notice.bad role="alert" { (Mark::Warning.draw()) span { (problem) } } }
        form.form method="post" action={ "/setup/" (token) } {
            input type="hidden" name="language" value=(words.tag());
            div.field { label for="display-name" { (words.display_name()) } input #display-name name="display_name" value=(typed.display_name) required maxlength="100" autocomplete="name" autofocus; }
            div.field { label for="login" { (words.login()) } input #login name="login" value=(typed.login) required maxlength="64" autocomplete="username" autocapitalize="none" spellcheck="false" aria-describedby="login-hint";
                p.hint #login-hint { (words.login_hint()) } }
            div.field { label for="password" { (words.password()) } input #password type="password" name="password" required minlength="15" maxlength="1024" autocomplete="new-password" aria-describedby="password-hint";
                p.hint #password-hint { (words.password_hint()) } }
            button.button.primary type="submit" { (words.setup_create()) }
        }
    };
    frame::door(view, words.setup_title(), &content)
}
