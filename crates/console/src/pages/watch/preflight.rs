//! `GET /watches/{id}/preflight`: what is there and what is missing before a watch begins.

use axum::{
    extract::{Path, State},
    response::Redirect,
};
use maud::{Markup, html};
use model::{Directive, Permission};
use operations::watches::{self, Check, Ground};

use super::{Sight, Tab, tabs};
use crate::{
    desk::Desk,
    frame::{self, Place, View},
    guard::Visit,
    marks,
    text::visible,
    trouble::Trouble,
};

/// Answers with the checks.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>, Path(id): Path<String>) -> Result<Markup, Trouble> {
    let (sight, checks) = checked(&visit, &desk, &id).await?;
    Ok(render(&visit.view, &sight, &checks))
}

/// Makes tasks of what is missing.
pub(crate) async fn post(visit: Visit, State(desk): State<Desk>, Path(id): Path<String>) -> Result<Redirect, Trouble> {
    let (sight, checks) = checked(&visit, &desk, &id).await?;
    let step = visit.step(&desk);
    desk.apply(watches::make_tasks(&sight.watch, &checks, step)?).await?;
    Ok(Redirect::to(&format!("/watches/{id}#tasks")))
}

async fn checked(visit: &Visit, desk: &Desk, id: &str) -> Result<(Sight, Vec<Check>), Trouble> {
    let mut sight = Sight::of(desk, &visit.scope, id).await?;
    let catalogue = desk.state.catalogue.borrow().clone();
    let mut wanted: Vec<String> = sight
        .watch
        .requirements
        .iter()
        .map(|one| one.directive.to_string())
        .collect();
    wanted.sort();
    wanted.dedup();
    let scope = visit.scope.clone();
    let controls: Vec<String> = catalogue
        .controls
        .iter()
        .map(|control| control.id.to_string())
        .collect();
    let now = visit.view.moments.now;
    let (directives, standing) = desk
        .read(move |ledger| {
            let mut directives = Vec::with_capacity(wanted.len());
            for id in &wanted {
                directives.extend(ledger.kept::<Directive>(&scope, id)?);
            }
            let controls: Vec<&str> = controls.iter().map(String::as_str).collect();
            Ok((directives, ledger.measurements_standing(&scope, &controls, now, 0)?))
        })
        .await?;
    sight.measurements = standing
        .into_iter()
        .map(|(last, trend)| (last.control.clone(), (last, trend)))
        .collect();
    let ground = Ground {
        directives: &directives,
        measurements: &sight.measurements,
        controls: &catalogue.controls,
        today: now.to_zoned_datetime(visit.view.moments.zone.clone()).date(),
        now,
    };
    let checks = watches::preflight(&sight.watch, ground);
    Ok((sight, checks))
}

fn render(view: &View, sight: &Sight, checks: &[Check]) -> Markup {
    let words = view.words;
    let title = format!("{} · {}", words.watch_preflight(), sight.watch.name);
    let content = html! {
        (tabs(view, Tab::Watches))
        div.page-head { h1 { (visible(&title)) } span.end { a href={ "/watches/" (sight.watch.id) } { (visible(&sight.watch.name)) } }
            p.lead { (words.watch_preflight_lead()) } }
        section.card { div.scroll { table.stacked {
            thead { tr { th scope="col" { (words.watch_preflight()) } th scope="col" { (words.requirement_shown_by()) } th scope="col" { (words.watch_tasks()) } } }
            tbody { @for check in checks { (row(view, sight, check)) } }
        } } }
        @if view.may(Permission::WorkWatches) && sight.watch.closed.is_none() {
            form.spaced method="post" action={ "/watches/" (sight.watch.id) "/preflight" } { button.button.primary type="submit" { (words.watch_make_tasks()) } }
        }
    };
    frame::page(view, Place::Watches, &title, &content)
}

fn row(view: &View, sight: &Sight, check: &Check) -> Markup {
    let words = view.words;
    let task = sight
        .watch
        .tasks
        .iter()
        .rev()
        .find(|task| task.check.as_ref() == Some(&check.key));
    html! {
        tr {
            td data-label=(words.watch_preflight()) { strong { (visible(check.title.text(words.0))) } }
            td data-label=(words.requirement_shown_by()) { (marks::standing(words, check.standing)) " " span.muted { (visible(check.detail.text(words.0))) } }
            td data-label=(words.watch_tasks()) {
                @if let Some(task) = task {
                    @if let Some(owner) = task.owner { (sight.people.name(owner)) " · " }
                    @match &task.done { Some(done) => { (words.task_done()) " " (view.moments.relative(done.at)) }, None => { (words.task_due()) " " (view.moments.relative(task.due_at)) } }
                }
            }
        }
    }
}
