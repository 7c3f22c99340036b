//! `GET /wall`: big figures, updated by themselves, nothing to press.

use axum::extract::State;
use ledger::{AlertFilter, PageAt, StateKind};
use maud::{Markup, html};
use model::{Alert, RuleLevel};

use crate::desk::Desk;
use crate::guard::Visit;
use crate::trouble::Trouble;
use crate::{
    frame::{self, View},
    marks,
    pages::queue::summary::Summary,
    text::visible,
};

/// Answers with the wall.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>) -> Result<Markup, Trouble> {
    let Visit { view, scope, .. } = visit;
    let now = desk.now();
    let filter = AlertFilter {
        states: vec![StateKind::New],
        exercise: Some(false),
        ..AlertFilter::default()
    };
    let (counts, sources, top) = desk
        .read(move |ledger| {
            Ok((
                ledger.counts(&scope, None, now)?,
                ledger.sources(&scope)?,
                ledger.alerts(&scope, &filter, PageAt::first(1))?.items,
            ))
        })
        .await?;
    Ok(render(&view, &Summary::new(counts, sources), top.first()))
}

/// The page; `top` is the new alert that presses most.
pub(crate) fn render(view: &View, summary: &Summary, top: Option<&Alert>) -> Markup {
    let words = view.words;
    let offset = view.moments.zone.to_offset(view.moments.now).seconds();
    let levels = [RuleLevel::Critical, RuleLevel::High, RuleLevel::Medium, RuleLevel::Low];
    let body = html! {
        main.wall #content {
            header {
                h1 { (frame::brand(words)) }
                p.clock data-clock=(offset) {
                    span data-clock-time { (view.moments.absolute(view.moments.now).split(' ').nth(1).unwrap_or_default()) }
                    small data-clock-date { (view.moments.absolute(view.moments.now).split(' ').next().unwrap_or_default()) }
                }
            }
            div.tiles data-live="tiles" {
                @for level in levels {
                    section class={ "tile tile-" (level.as_str()) @if summary.new_of(level) == 0 { " is-zero" } } {
                        h2 { (marks::level(words, level)) }
                        p.figure { (words.number(summary.new_of(level))) }
                        p { (words.unacknowledged()) }
                    }
                }
                section.tile.wide { (oldest(view, summary, top)) }
                section.tile { h2 { (words.in_hand()) } p.figure.is-calm { (words.number(summary.in_hand())) } }
                section.tile { (silent(view, summary)) }
            }
            footer data-live="wall-foot" {
                span { (words.sources(summary.counts.sources)) }
                span { (words.wall_records()) ": " (words.number(summary.received)) }
                @if summary.counts.exercise > 0 { span { (marks::exercise(words)) " " (words.alerts(summary.counts.exercise)) } }
                span.live-state role="status" { (words.live_on()) }
            }
        }
    };
    frame::document(view, words.nav_wall(), "", &body)
}

fn oldest(view: &View, summary: &Summary, top: Option<&Alert>) -> Markup {
    let words = view.words;
    html! {
        h2 { (words.wall_oldest()) }
        @match summary.counts.oldest_new {
            Some(since) => p.middle { (view.moments.waiting(since)) },
            None => p.middle { (words.wall_calm()) },
        }
        @if let Some(top) = top {
            p { (marks::level(words, top.rule.level)) " " (visible(view.rule_title(&top.rule))) " · " (visible(&top.key.entity.name)) }
        }
    }
}

fn silent(view: &View, summary: &Summary) -> Markup {
    let words = view.words;
    html! {
        h2 { (words.wall_silent()) }
        p.figure.bad-number[!summary.silent.is_empty()] { (words.number(summary.silent.len() as u64)) }
        p { @match summary.silent.first() {
            Some(source) => (visible(source.id.as_str())),
            None if summary.unlearned > 0 => (words.sources_unlearned(summary.unlearned)),
            None => (words.wall_all_speaking()),
        } }
    }
}
