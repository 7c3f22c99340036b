//! `GET /users`: everybody with an account, and a form for a new one.

use axum::extract::State;
use maud::{Markup, html};
use model::{Role, User};

use crate::desk::Desk;
use crate::guard::Visit;
use crate::trouble::Trouble;
use crate::{
    frame::{self, Place, View},
    marks::Mark,
    text::visible,
};

/// Answers with all accounts.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>) -> Result<Markup, Trouble> {
    let Visit { view, scope, .. } = visit;
    let users = desk.read(move |ledger| ledger.users(&scope)).await?;
    Ok(render(&view, &users, None))
}

/// The page; `problem` says what kept a change from being made.
pub(crate) fn render(view: &View, users: &[User], problem: Option<&str>) -> Markup {
    let words = view.words;
    let content = html! {
        div.page-head { h1 { (words.users_title()) } }
        @if let Some(problem) = problem { p.notice.bad role="alert" { (Mark::Warning.draw()) span { (problem) } } }
        div.columns {
            section.card { div.scroll { table.stacked {
                thead { tr { th scope="col" { (words.display_name()) } th scope="col" { (words.login()) } th scope="col" { (words.role()) } th scope="col" { (words.state()) } th scope="col" { (words.users_created()) } } }
                tbody { @for user in users { (row(view, user)) } }
            } } }
            (new_form(view))
        }
    };
    frame::page(view, Place::Users, words.users_title(), &content)
}

fn row(view: &View, user: &User) -> Markup {
    let words = view.words;
    let myself = view.user.as_ref().is_some_and(|reader| reader.id == user.id);
    html! {
        tr {
            td data-label=(words.display_name()) { (visible(&user.display_name)) @if myself { " (" (words.you()) ")" } }
            td data-label=(words.login()) { code { (visible(&user.login)) } }
            td data-label=(words.role()) { form.actions method="post" action={ "/users/" (user.id) "/role" } {
                input type="hidden" name="revision" value=(user.revision);
                select name="role" aria-label={ (words.role()) ": " (visible(&user.display_name)) } { (roles(view, Some(user.role))) }
                button.button.small type="submit" { (words.save()) }
            } }
            td data-label=(words.state()) { form.actions method="post" action={ "/users/" (user.id) "/enabled" } {
                input type="hidden" name="revision" value=(user.revision);
                @if user.enabled {
                    span.badge.badge-good { (words.users_enabled()) }
                    button.button.small.danger type="submit" name="enabled" value="0" { (words.users_disable()) }
                } @else {
                    span.badge { (words.users_disabled()) }
                    button.button.small type="submit" name="enabled" value="1" { (words.users_enable()) }
                }
            } }
            td data-label=(words.users_created()) { (view.moments.exact(user.created_at)) }
        }
    }
}

fn roles(view: &View, chosen: Option<Role>) -> Markup {
    html! { @for role in Role::ALL { option value=(role_name(role)) selected[chosen == Some(role)] { (view.words.role_word(role)) } } }
}

fn new_form(view: &View) -> Markup {
    let words = view.words;
    html! {
        section.card { header { h2 { (words.users_new()) } } div.body {
            form.form method="post" action="/users" autocomplete="off" {
                div.field { label for="display-name" { (words.display_name()) } input #display-name name="display_name" required maxlength="100"; }
                div.field { label for="login" { (words.login()) } input #login name="login" required maxlength="64" pattern="[a-z0-9._\\-]{2,64}" autocapitalize="none" spellcheck="false" aria-describedby="login-hint";
                    p.hint #login-hint { (words.login_hint()) } }
                div.field { label for="role" { (words.role()) } select #role name="role" { (roles(view, Some(Role::DutyOfficer))) } }
                div.field { label for="initial" { (words.users_initial_password()) } input #initial type="password" name="password" required minlength="15" maxlength="1024" autocomplete="new-password" aria-describedby="initial-hint";
                    p.hint #initial-hint { (words.password_hint()) } }
                button.button.primary type="submit" { (words.users_new()) }
            }
        } }
    }
}

/// The name of a role in forms and in the API.
pub(crate) fn role_name(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::DutyOfficer => "duty_officer",
        Role::ShiftLead => "shift_lead",
        Role::Administrator => "administrator",
        Role::Auditor => "auditor",
    }
}

/// The role of a name.
pub(crate) fn role_of(name: &str) -> Option<Role> {
    Role::ALL.into_iter().find(|role| role_name(*role) == name)
}
