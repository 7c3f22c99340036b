//! `/duty/notifications…`: who was paged about what, and what they answered.

use axum::{
    extract::{Path, RawQuery, State},
    response::Redirect,
};
use ledger::{NounFilter, PageAt};
use maud::{Markup, html};
use model::{AnswerWay, Id, Notification, NotificationState, PageOutcome, Permission, Scope};
use operations::Step;

use super::now::{Tab, tabs};
use crate::{
    addresses,
    answering::{Answered, answer},
    desk::{Desk, anew},
    form::Form,
    frame::{self, Place, View},
    guard::Visit,
    marks,
    rosters::Rosters,
    text::visible,
    trouble::Trouble,
    words::Words,
};

const SHOWN_MAX: usize = 50;

/// Answers with the newest notifications.
pub(crate) async fn list(visit: Visit, State(desk): State<Desk>, RawQuery(query): RawQuery) -> Result<Markup, Trouble> {
    let Visit { view, scope, .. } = visit;
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    let (now, after) = (desk.now(), form.one("after").map(str::to_owned));
    let (page, rosters) = desk
        .read(move |ledger| {
            let at = PageAt {
                cursor: after.as_deref(),
                limit: SHOWN_MAX,
            };
            let page = ledger.kept_page::<Notification>(&scope, &NounFilter::default(), at)?;
            Ok((page, Rosters::read(ledger, &scope, now)?))
        })
        .await?;
    let words = view.words;
    let content = html! {
        div.page-head { h1 { (words.duty_notifications()) } (tabs(&view, Tab::Notifications)) p.lead { (words.notification_lead()) } }
        section.card data-live="notifications" {
            @if page.items.is_empty() { div.body { p.muted { (words.notification_none()) } } } @else { (table(&view, &rosters, &page.items)) }
        }
        @if let Some(next) = &page.next { p { a.button href={ "/duty/notifications" (addresses::query(&[("after", next)])) } { (words.more()) } } }
    };
    Ok(frame::page(&view, Place::Duty, words.duty_notifications(), &content))
}

/// Notifications as rows.
pub(crate) fn table(view: &View, rosters: &Rosters, notifications: &[Notification]) -> Markup {
    let words = view.words;
    html! { div.scroll { table.stacked {
        thead { tr { th scope="col" { (words.notification_about()) } th scope="col" { (words.state()) } th scope="col" { (words.notification_paged()) } th scope="col" { (words.notification_started()) } th scope="col" { (words.actions()) } } }
        tbody { @for notification in notifications { tr {
            td data-label=(words.notification_about()) { a href={ "/duty/notifications/" (notification.id) } { (visible(&notification.subject)) }
                @if notification.exercise { " " (marks::exercise(words)) }
                @if let Some(line) = notification.text.lines().next() { br; small { (visible(line)) } } }
            td data-label=(words.state()) { (state(words, notification)) @for name in holders(rosters, notification) { " " strong { (visible(&name)) } } }
            td data-label=(words.notification_paged()) { (visible(&paged(rosters, notification))) }
            td data-label=(words.notification_started()) { (view.moments.both(notification.started_at)) }
            td { (acknowledging(view, notification)) }
        } } }
    } } }
}

/// Who has it now.
fn holders(rosters: &Rosters, notification: &Notification) -> Vec<String> {
    let standing = notification
        .acknowledgements
        .iter()
        .filter(|answer| answer.lapsed_at.is_none());
    standing.map(|answer| rosters.name(answer.person)).collect()
}

/// Whom it called so far, the first first.
fn paged(rosters: &Rosters, notification: &Notification) -> String {
    let mut names: Vec<String> = Vec::new();
    for page in &notification.pages {
        let name = rosters.name(page.person);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(" → ")
}

fn state(words: Words, notification: &Notification) -> Markup {
    match &notification.state {
        NotificationState::Escalating { .. } => html! { span.badge.badge-warn { (words.notification_escalating()) } },
        NotificationState::Acknowledged { .. } => {
            html! { span.badge.badge-good { (words.notification_acknowledged()) } }
        }
        NotificationState::Unanswered { .. } => html! { span.badge.badge-bad { (words.notification_unanswered()) } },
        NotificationState::Over { .. } => html! { span.badge { (words.notification_over()) } },
    }
}

fn acknowledging(view: &View, notification: &Notification) -> Markup {
    let mine = view
        .user
        .as_ref()
        .is_some_and(|user| notification.acknowledged_by(user.id));
    let over = matches!(notification.state, NotificationState::Over { .. });
    html! { @if view.may(Permission::WorkAlerts) && !mine && !over {
        form method="post" action={ "/duty/notifications/" (notification.id) "/acknowledge" } {
            button class={ "button small" @if notification.wants_answer() { " primary" } } type="submit" { (view.words.notification_acknowledge()) }
        }
    } }
}

/// Answers with one notification.
pub(crate) async fn show(visit: Visit, State(desk): State<Desk>, Path(id): Path<String>) -> Result<Markup, Trouble> {
    let found: Notification = desk.found(&visit.scope, &id).await?;
    Ok(render(&visit.view, &desk.rosters(&visit.scope).await?, &found))
}

fn render(view: &View, rosters: &Rosters, notification: &Notification) -> Markup {
    let words = view.words;
    let content = html! {
        div.page-head { h1 { (visible(&notification.subject)) } (tabs(view, Tab::Notifications)) }
        div.stack data-live="notification" {
            section.card { div.body {
                p { (state(words, notification)) " " @if notification.exercise { (marks::exercise(words)) } " " (words.notification_started()) " " (view.moments.exact(notification.started_at))
                    @if let Some(due) = notification.due_at { " · " (words.notification_next()) " " (view.moments.exact(due)) } }
                p.pre { (visible(&notification.text)) }
                p { a href=(notification.link) { (words.open()) } }
                (acknowledging(view, notification))
                @if !notification.acknowledgements.is_empty() {
                    h3 { (words.notification_acknowledgements()) }
                    ul { @for answer in &notification.acknowledgements { li {
                        strong { (visible(&rosters.name(answer.person))) } " " (words.answer_way(answer.way)) ", " (view.moments.exact(answer.at)) ", "
                        @match answer.lapsed_at { Some(at) => { (words.notification_lapsed()) " " (view.moments.exact(at)) }, None => { (words.notification_lapses()) " " (view.moments.exact(answer.lapses_at)) } }
                    } } }
                }
                @if !notification.skipped.is_empty() { p.muted { (words.notification_skipped()) ": "
                    @for skipped in &notification.skipped { (skipped.round + 1) "." (skipped.step + 1) " " } } }
            } }
            (pages(view, rosters, notification))
        }
    };
    frame::page(view, Place::Duty, &notification.subject, &content)
}

fn pages(view: &View, rosters: &Rosters, notification: &Notification) -> Markup {
    let words = view.words;
    html! { section.card { header { h2 { (words.notification_paged()) } } div.scroll { table.stacked {
        thead { tr { th scope="col" { (words.time()) } th scope="col" { (words.notification_step()) } th scope="col" { (words.duty_person()) } th scope="col" { (words.mine_channel()) } th scope="col" { (words.state()) } } }
        tbody { @for page in &notification.pages { tr {
            td data-label=(words.time()) { (view.moments.exact(page.at)) }
            td data-label=(words.notification_step()) { (page.round + 1) "." (page.step + 1) }
            td data-label=(words.duty_person()) { (visible(&rosters.name(page.person))) }
            td data-label=(words.mine_channel()) { code { (visible(&page.channel)) } @if page.bundled { " " small { (words.notification_bundled()) } } }
            td data-label=(words.state()) { @match &page.outcome {
                PageOutcome::Waiting => { @if !page.bundled { (words.page_waiting()) } },
                PageOutcome::Accepted { at } => { span.badge.badge-good { (words.page_accepted()) } " " small { (view.moments.exact(*at)) } },
                PageOutcome::Failed { reason, .. } => { span.badge.badge-bad { (words.page_failed()) } " " small { (visible(reason)) } },
            } }
        } } }
    } } } }
}

/// Acknowledges a notification, and takes its alert where it is about one.
pub(crate) async fn acknowledge_one(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Redirect, Trouble> {
    let id: Id<Notification> = id.parse().map_err(|_| Trouble::NotFound)?;
    take(&desk, &visit.scope, vec![id], AnswerWay::Console).await?;
    Ok(Redirect::to("/duty/notifications"))
}

/// Notes that a person acknowledges notifications, all that still want it, in one decision; says how many.
pub(crate) async fn take(
    desk: &Desk,
    scope: &Scope,
    ids: Vec<Id<Notification>>,
    way: AnswerWay,
) -> Result<usize, Trouble> {
    anew(|| {
        let (scope, ids, now) = (scope.clone(), ids.clone(), desk.now());
        desk.state
            .ledger
            .off_thread(move |ledger| take_once(ledger, Step { scope: &scope, at: now }, &ids, way))
    })
    .await
}

fn take_once(
    ledger: &ledger::Ledger,
    step: Step<'_>,
    ids: &[Id<Notification>],
    way: AnswerWay,
) -> Result<usize, Trouble> {
    match answer(ledger, step, ids, way)? {
        Answered::Taken(decision, count) => {
            ledger.apply(&decision)?;
            Ok(count)
        }
        Answered::Refused(Some(why)) => Err(Trouble::Rejected(why)),
        Answered::Refused(None) => Err(Trouble::NotFound),
    }
}
