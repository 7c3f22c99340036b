//! `GET /account`: password, language, and the sessions that are open.

use axum::extract::State;
use maud::{Markup, html};
use model::Session;

use super::browsers;
use crate::desk::Desk;
use crate::guard::Visit;
use crate::trouble::Trouble;
use crate::{
    frame::{self, Place, View},
    marks::Mark,
    text::visible,
    words::Words,
};

/// What to tell at the top of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Note<'a> {
    Good(&'a str),
    Bad(&'a str),
}

/// Answers with the page.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>) -> Result<Markup, Trouble> {
    answer(visit, &desk, None).await
}

/// The page with a note at its top.
pub(crate) async fn answer(visit: Visit, desk: &Desk, note: Option<Note<'_>>) -> Result<Markup, Trouble> {
    let kept = browsers::kept(&visit, desk).await?;
    let Visit {
        view,
        scope,
        user,
        session,
    } = visit;
    let now = desk.now();
    let sessions = desk
        .read(move |ledger| ledger.sessions_of(&scope, user.id, now))
        .await?;
    let browsers = browsers::card(&view, &kept, &desk.state.reach.push_key);
    Ok(render(&view, &sessions, &session, (note, &browsers)))
}

/// The page; `this` is the digest of the session that looks.
pub(crate) fn render(
    view: &View,
    sessions: &[Session],
    this: &str,
    (note, browsers): (Option<Note<'_>>, &Markup),
) -> Markup {
    let words = view.words;
    let content = html! {
        div.page-head { h1 { (words.account_title()) }
            @if let Some(user) = &view.user { span.muted { (visible(&user.display_name)) " · " code { (visible(&user.login)) } " · " (words.role_word(user.role)) } } }
        @match note {
            Some(Note::Good(text)) => p.notice.good role="status" { (Mark::Check.draw()) span { (text) } },
            Some(Note::Bad(text)) => p.notice.bad role="alert" { (Mark::Warning.draw()) span { (text) } },
            None => {}
        }
        div.columns {
            (sessions_card(view, sessions, this))
            div.stack { (browsers) (tokens_card(words)) (password_card(words)) (language_card(words)) }
        }
    };
    frame::page(view, Place::Account, words.account_title(), &content)
}

fn tokens_card(words: Words) -> Markup {
    html! {
        section.card { header { h2 { (words.api_tokens_title()) } } div.body {
            p { (words.api_tokens_lead()) }
            p { a.button href="/account/tokens" { (words.api_tokens_manage()) } }
        } }
    }
}

fn password_card(words: Words) -> Markup {
    html! {
        section.card { header { h2 { (words.account_password()) } } div.body {
            form.form method="post" action="/account/password" {
                div.field { label for="current" { (words.account_password_current()) } input #current type="password" name="current" required autocomplete="current-password"; }
                div.field { label for="new" { (words.account_password_new()) } input #new type="password" name="new" required minlength="15" maxlength="1024" autocomplete="new-password" aria-describedby="new-hint";
                    p.hint #new-hint { (words.password_hint()) } }
                button.button.primary type="submit" { (words.account_password()) }
            }
        } }
    }
}

fn language_card(words: Words) -> Markup {
    html! {
        section.card { header { h2 { (words.account_language()) } } div.body {
            form.actions method="post" action="/account/language" {
                @for other in Words::ALL {
                    button.button.primary[other == words] type="submit" name="language" value=(other.tag()) lang=(other.tag()) aria-pressed=(other == words) { (other.own_name()) }
                }
            }
        } }
    }
}

fn sessions_card(view: &View, sessions: &[Session], this: &str) -> Markup {
    let words = view.words;
    html! {
        section.card { header { h2 { (words.account_sessions()) } span.muted { (words.account_sessions_lead()) } }
            div.scroll { table.stacked {
                thead { tr { th scope="col" { (words.session_where()) } th scope="col" { (words.session_started()) } th scope="col" { (words.session_until()) } th scope="col" { span.visually-hidden { (words.actions()) } } } }
                tbody { @for session in sessions { tr {
                    td.break data-label=(words.session_where()) { (visible(&session.address)) @if session.digest == this { " " span.badge.badge-good { (words.session_this()) } } br; small { (visible(&session.agent)) } }
                    td data-label=(words.session_started()) { (view.moments.both(session.created_at)) }
                    td data-label=(words.session_until()) { (view.moments.both(session.expires_at)) }
                    td.num { form method="post" action="/account/sessions/end" { input type="hidden" name="digest" value=(session.digest); button.button.small type="submit" { (words.session_end()) } } }
                } } }
            } }
        }
    }
}
