//! `GET /duty/drills`: nights that were rehearsed over the real rosters, matter by matter, with their scores.

use axum::extract::State;
use ledger::{NounFilter, PageAt};
use maud::{Markup, html};
use model::NightDrill;

use super::now::{Tab, tabs};
use crate::{
    desk::Desk,
    frame::{self, Place, View},
    guard::Visit,
    text::visible,
    trouble::Trouble,
};

/// What plays a night.
const COMMAND: &str = "watchpost exercise --night";
/// Nights that the page shows.
const SHOWN_MAX: usize = 20;
/// From so many points of 100 on a night went well.
const GOOD_POINTS: u8 = 80;

/// Answers with the newest nights.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>) -> Result<Markup, Trouble> {
    let Visit { view, scope, .. } = visit;
    let drills = desk
        .read(move |ledger| ledger.kept_page::<NightDrill>(&scope, &NounFilter::default(), PageAt::first(SHOWN_MAX)))
        .await?;
    let words = view.words;
    let content = html! {
        div.page-head { h1 { (words.drills_title()) } (tabs(&view, Tab::Policies)) p.lead { (words.drills_lead()) " " code { (COMMAND) } } }
        div.stack {
            @if drills.items.is_empty() { section.card { div.body { p.muted { (words.drills_none()) } } } }
            @for drill in &drills.items { (night(&view, drill)) }
        }
    };
    Ok(frame::page(&view, Place::Duty, words.drills_title(), &content))
}

fn night(view: &View, drill: &NightDrill) -> Markup {
    let words = view.words;
    let seconds = |seconds: Option<i64>| seconds.map(|seconds| words.span(seconds.unsigned_abs()));
    html! {
        section.card {
            header { h2 { (view.moments.minute(drill.begins)) " – " (view.moments.minute(drill.ends)) } (points(drill.score))
                span.end { @if let Some(channel) = &drill.failed_channel { (words.drills_failed_channel()) " " code { (visible(channel)) } " · " } (view.moments.relative(drill.played_at)) } }
            div.scroll { table.stacked {
                thead { tr { th scope="col" { (words.time()) } th scope="col" { (words.notification_about()) } th scope="col" { (words.notification_paged()) } th scope="col" { (words.notification_acknowledgements()) } th scope="col" { (words.drills_pages()) } th.num scope="col" { (words.drills_points()) } } }
                tbody { @for matter in &drill.matters { tr {
                    td data-label=(words.time()) { (view.moments.minute(matter.at)) }
                    td data-label=(words.notification_about()) { (visible(&matter.subject)) " " small { (visible(&matter.team)) } }
                    td data-label=(words.notification_paged()) { (seconds(matter.paged_after_seconds).unwrap_or_else(|| words.duty_nobody().to_owned())) }
                    td data-label=(words.notification_acknowledgements()) { (seconds(matter.acknowledged_after_seconds).unwrap_or_else(|| words.notification_unanswered().to_owned())) " " small { (visible(&matter.by.join(", "))) } }
                    td data-label=(words.drills_pages()) { (words.drills_counts(matter.pages, matter.failed, matter.skipped)) }
                    td.num data-label=(words.drills_points()) { (points(matter.points)) }
                } } }
            } }
        }
    }
}

fn points(points: u8) -> Markup {
    let class = if points >= GOOD_POINTS {
        "badge badge-good"
    } else {
        "badge badge-bad"
    };
    html! { span class=(class) { (points) "/100" } }
}
