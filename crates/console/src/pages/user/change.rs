//! `POST /users…`: new accounts, roles, and who may sign in.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use model::{Decision, Id, Rejected, User};
use operations::people;

use super::list::{render, role_of};
use crate::{desk::Desk, form::Form, guard::Visit, secrets, trouble::Trouble};

/// Makes an account.
pub(crate) async fn create(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Response, Trouble> {
    let password = form.required("password")?.to_owned();
    let login = form.required("login")?.trim().to_lowercase();
    let display_name = form.required("display_name")?.to_owned();
    let role = form.one("role").and_then(role_of).ok_or(Trouble::BadRequest)?;
    if let Err(rejected) = people::check_password(&password, &login) {
        return refused(visit, &desk, &rejected).await;
    }
    let scope = visit.scope.clone();
    let users = desk.read(move |ledger| ledger.users(&scope)).await?;
    let draft = people::Draft {
        login,
        display_name,
        role,
        password_hash: desk.hash_password(password).await,
        language: visit.view.words.tag().to_owned(),
    };
    let entropy = secrets::entropy(desk.state.randomness.as_ref());
    let decision = people::create(draft, &users, visit.step(&desk), entropy);
    finish(visit, &desk, decision).await
}

/// Changes a role.
pub(crate) async fn role(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Trouble> {
    let role = form.one("role").and_then(role_of).ok_or(Trouble::BadRequest)?;
    let (user, users) = found(&visit, &desk, &id, &form).await?;
    let decision = people::change_role(&user, role, &users, visit.step(&desk));
    finish(visit, &desk, decision).await
}

/// Lets somebody sign in, or no longer. Their sessions are refused from then on.
pub(crate) async fn enabled(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Trouble> {
    let enabled = form.required("enabled")? == "1";
    let (user, users) = found(&visit, &desk, &id, &form).await?;
    let decision = people::enable(&user, enabled, &users, visit.step(&desk));
    finish(visit, &desk, decision).await
}

/// The account as the form saw it, and all accounts.
async fn found(visit: &Visit, desk: &Desk, id: &str, form: &Form) -> Result<(User, Vec<User>), Trouble> {
    let id: Id<User> = id.parse().map_err(|_| Trouble::NotFound)?;
    let revision: u64 = form.required("revision")?.parse().map_err(|_| Trouble::BadRequest)?;
    let scope = visit.scope.clone();
    let users = desk.read(move |ledger| ledger.users(&scope)).await?;
    let user = users
        .iter()
        .find(|user| user.id == id)
        .cloned()
        .ok_or(Trouble::NotFound)?;
    if user.revision == revision {
        Ok((user, users))
    } else {
        Err(Trouble::Outdated)
    }
}

async fn finish(visit: Visit, desk: &Desk, decision: Result<Decision, Rejected>) -> Result<Response, Trouble> {
    match decision {
        Ok(decision) => {
            desk.apply(decision).await?;
            Ok(Redirect::to("/users").into_response())
        }
        Err(rejected) => refused(visit, desk, &rejected).await,
    }
}

async fn refused(visit: Visit, desk: &Desk, rejected: &Rejected) -> Result<Response, Trouble> {
    let problem = rejected.text(visit.view.words.0);
    let Visit { view, scope, .. } = visit;
    let users = desk.read(move |ledger| ledger.users(&scope)).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&view, &users, Some(&problem))).into_response())
}
