//! `GET /watches`: all watches, those that run first, each with how it stands.

use axum::extract::State;
use ledger::{NounFilter, PageAt};
use maud::{Markup, html};
use model::{Permission, Watch};
use operations::watches::{self, Phase, Standing, tally};

use super::{Sight, Tab, tabs};
use crate::{
    desk::Desk,
    frame::{self, Place, View},
    guard::Visit,
    marks::{self, Mark},
    text::visible,
    trouble::Trouble,
};

/// Watches listed at most.
const WATCHES_MAX: usize = 100;

/// Answers with the list.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>) -> Result<Markup, Trouble> {
    let Visit { view, scope, .. } = visit;
    let reader = scope.clone();
    let watches: Vec<Watch> = desk
        .read(move |ledger| ledger.kept_page(&reader, &NounFilter::default(), PageAt::first(WATCHES_MAX)))
        .await?
        .items;
    let mut sights = Vec::with_capacity(watches.len());
    for watch in watches {
        sights.push(Sight::of(&desk, &scope, &watch.id.to_string()).await?);
    }
    let now = view.moments.now;
    sights.sort_by_key(|sight| order(watches::phase(&sight.watch, now)));
    Ok(render(&view, &sights, &desk.state.catalogue.borrow().problems))
}

fn order(phase: Phase) -> u8 {
    match phase {
        Phase::Running => 0,
        Phase::Over => 1,
        Phase::Ahead => 2,
        Phase::Closed => 3,
    }
}

fn render(view: &View, sights: &[Sight], problems: &[String]) -> Markup {
    let words = view.words;
    let content = html! {
        (tabs(view, Tab::Watches))
        div.page-head { h1 { (words.nav_watches()) }
            @if view.may(Permission::WriteWatches) { a.button.primary.end href="/watches/new" { (words.watch_new()) } }
            p.lead { (words.watches_lead()) } }
        (content_problems(view, problems))
        div.stack data-live="watches" {
            @if sights.is_empty() { div.card { div.empty.warn { (Mark::Watch.draw()) strong { (words.watches_empty()) } } } }
            @for sight in sights { (card(view, sight)) }
        }
    };
    frame::page(view, Place::Watches, words.nav_watches(), &content)
}

/// What is wrong with files of the content, for those who can mend it.
pub(crate) fn content_problems(view: &View, problems: &[String]) -> Markup {
    html! {
        @if !problems.is_empty() {
            div.notice.bad role="alert" { (Mark::Warning.draw()) div {
                strong { (view.words.content_problems()) }
                ul { @for problem in problems.iter().take(10) { li { code { (visible(problem)) } } } }
            } }
        }
    }
}

fn card(view: &View, sight: &Sight) -> Markup {
    let words = view.words;
    let watch = &sight.watch;
    let standings = sight.standing();
    html! {
        section.card {
            header { h2 { a href={ "/watches/" (watch.id) } { (visible(&watch.name)) } }
                span.badge { (words.watch_phase(watches::phase(watch, view.moments.now))) }
                span.muted.end { (span_of(view, watch)) } }
            div.body { p.tallies {
                @for (standing, count) in tally(&standings) { @if count > 0 || standing == Standing::Holds {
                    span { strong { (words.number(count as u64)) } " " (marks::standing(words, standing)) }
                } }
            } }
        }
    }
}

/// When a watch is, in words and to the minute.
pub(crate) fn span_of(view: &View, watch: &Watch) -> Markup {
    html! { (super::moment_text(view, watch.from)) " – " (super::moment_text(view, watch.until)) }
}
