//! `/a/{token}`: a page is acknowledged by the link in its message, without signing in. Looking changes nothing (mail programs
//! fetch links by themselves); pressing the button does, once.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use model::{AnswerWay, Id, Notification, Pager, Scope, User};
use operations::notifications::Answerable;

use super::notification::take;
use crate::{
    desk::Desk,
    frame::{self, View},
    marks::Mark,
    text::visible,
    trouble::Trouble,
};

/// Subjects of a bundle that are named.
const NAMED_MAX: usize = 10;

/// What a token answers, for whom.
struct Asked {
    person: User,
    notifications: Vec<Notification>,
}

impl Asked {
    /// Those that the person can still acknowledge.
    fn open(&self) -> impl Iterator<Item = &Notification> {
        let open =
            |notification: &&Notification| notification.wants_answer() && !notification.acknowledged_by(self.person.id);
        self.notifications.iter().filter(open)
    }
}

/// Shows what would be acknowledged.
pub(crate) async fn get(view: View, State(desk): State<Desk>, Path(token): Path<String>) -> Result<Response, Trouble> {
    let Some(asked) = find(&desk, &token).await? else {
        return Ok((axum::http::StatusCode::NOT_FOUND, over(&view)).into_response());
    };
    if asked.open().next().is_none() {
        return Ok((axum::http::StatusCode::GONE, over(&view)).into_response());
    }
    Ok(question(&view, &asked, &token).into_response())
}

/// Acknowledges.
pub(crate) async fn post(view: View, State(desk): State<Desk>, Path(token): Path<String>) -> Result<Response, Trouble> {
    let Some(asked) = find(&desk, &token).await? else {
        return Ok((axum::http::StatusCode::NOT_FOUND, over(&view)).into_response());
    };
    let ids: Vec<Id<Notification>> = asked.open().map(|notification| notification.id).collect();
    if ids.is_empty() {
        return Ok((axum::http::StatusCode::GONE, over(&view)).into_response());
    }
    take(&desk, &Scope::of_session(&asked.person), ids, AnswerWay::Link).await?;
    let words = view.words;
    let content = html! {
        h1 { (Mark::Check.draw()) " " (words.answer_done()) }
        ul.answered { @for notification in asked.open().take(NAMED_MAX) { li { a href=(notification.link) { strong { (visible(&notification.subject)) } } } } }
        p.muted { (words.answer_as()) " " strong { (visible(&asked.person.display_name)) } ". " (words.answer_done_next()) }
        p { a.button href="/queue" { (words.to_queue()) } }
    };
    Ok(frame::door(&view, words.answer_title(), &content).into_response())
}

/// What a token answers; none when the post did not make it, or its person may not sign in.
async fn find(desk: &Desk, token: &str) -> Result<Option<Asked>, Trouble> {
    let Some(answerable) = desk.state.reach.answer_key.read(token) else {
        return Ok(None);
    };
    let scope = Scope::of_post("answer");
    desk.read(move |ledger| {
        let kept = |id: Id<Notification>| ledger.kept::<Notification>(&scope, &id.to_string());
        let (person, notifications) = match answerable {
            Answerable::Page { notification, page } => {
                let Some(notification) = kept(notification)? else {
                    return Ok(None);
                };
                let Some(person) = notification.pages.get(usize::from(page)).map(|page| page.person) else {
                    return Ok(None);
                };
                (person, vec![notification])
            }
            Answerable::Bundle { person, number } => {
                let pager: Option<Pager> = ledger.kept(&scope, &person.to_string())?;
                let bundle = pager.and_then(|pager| pager.bundles.into_iter().find(|bundle| bundle.number == number));
                let Some(bundle) = bundle else { return Ok(None) };
                let mut notifications = Vec::with_capacity(bundle.pages.len());
                for page in bundle.pages {
                    notifications.extend(kept(page.notification)?);
                }
                (person, notifications)
            }
        };
        let users = ledger.users(&scope)?;
        let account = users.into_iter().find(|user| user.id == person && user.enabled);
        Ok(account.map(|person| Asked { person, notifications }))
    })
    .await
}

fn question(view: &View, asked: &Asked, token: &str) -> Markup {
    let words = view.words;
    let open: Vec<&Notification> = asked.open().collect();
    let word = if open.len() > 1 {
        words.answer_all()
    } else {
        words.notification_acknowledge()
    };
    let content = html! {
        h1 { (words.answer_title()) }
        @for notification in open.iter().take(NAMED_MAX) {
            div.answer { strong { (visible(&notification.subject)) } p.pre { (visible(&notification.text)) } }
        }
        @if open.len() > NAMED_MAX { p.muted { "+ " (words.number((open.len() - NAMED_MAX) as u64)) } }
        form method="post" action={ "/a/" (token) } {
            button.button.primary.answer-button type="submit" { (word) }
        }
        p.muted { (words.answer_as()) " " strong { (visible(&asked.person.display_name)) } }
    };
    frame::door(view, words.answer_title(), &content)
}

fn over(view: &View) -> Markup {
    let words = view.words;
    let content = html! {
        h1 { (words.answer_over()) }
        p { (words.answer_over_next()) }
        p { a.button href="/duty/notifications" { (words.sign_in()) } }
    };
    frame::door(view, words.answer_over(), &content)
}
