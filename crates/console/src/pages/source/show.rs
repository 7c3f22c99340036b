//! `GET /sources/{id}`: the whole account of one source, what went wrong with its records, and those that were refused.

use axum::extract::{Path, State};
use maud::{Markup, html};
use model::{Rejection, Source};

use super::{list, out_of_balance};
use crate::desk::Desk;
use crate::guard::Visit;
use crate::trouble::Trouble;
use crate::{
    frame::{self, Place, View},
    marks::Mark,
    text::visible,
};
use jiff::SignedDuration;
use lake::Filter;
use lake::Lake;
use model::SourceId;
use model::Timestamp;
use std::ops::ControlFlow;

/// Longest part of a refused record on the page in bytes.
const RAW_BYTES_MAX: usize = 4096;

/// What the page shows.
pub(crate) struct SourcePage {
    pub(crate) source: Source,
    /// Records in each of the last 24 hours, oldest first; `None` where the store cannot say.
    pub(crate) hours: Option<Vec<u64>>,
    /// Refused records, newest first.
    pub(crate) rejections: Vec<Rejection>,
}

impl SourcePage {
    /// Refused records on the page.
    pub(crate) const REJECTIONS_MAX: usize = 50;
}

/// Answers with the page of one source.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>, Path(id): Path<String>) -> Result<Markup, Trouble> {
    let Visit { view, scope, .. } = visit;
    let id = SourceId::new(&id);
    let wanted = id.clone();
    let source = desk
        .read(move |ledger| ledger.source(&scope, &wanted))
        .await?
        .ok_or(Trouble::NotFound)?;
    let now = desk.now();
    let (hours, rejections) = desk
        .fetch(move |lake| {
            (
                by_hour(lake, &id, now),
                lake.rejections(Some(&id), SourcePage::REJECTIONS_MAX).rows,
            )
        })
        .await;
    let page = SourcePage {
        source,
        hours,
        rejections: rejections.into_iter().map(|refused| refused.rejection).collect(),
    };
    Ok(render(&view, &page))
}

/// Hours in the sparkline.
const HOURS: usize = 24;
/// Events counted for the sparkline; a source that sends more in a day is shown without one rather than make the page wait.
const COUNTED_MAX: u64 = 200_000;

fn by_hour(lake: &Lake, source: &SourceId, now: Timestamp) -> Option<Vec<u64>> {
    let from = now.checked_sub(SignedDuration::from_hours(24)).ok()?;
    let filter = Filter {
        from: Some(from),
        before: Some(now),
        source: Some(source.clone()),
        ..Filter::default()
    };
    let (mut hours, mut counted) = (vec![0; HOURS], 0);
    let unreadable = lake.scan(&filter, |event| {
        let hour = usize::try_from((event.happened_at.as_second() - from.as_second()) / 3600).unwrap_or(0);
        hours[hour.min(HOURS - 1)] += 1;
        counted += 1;
        if counted < COUNTED_MAX {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    (counted < COUNTED_MAX && unreadable.is_empty()).then_some(hours)
}

/// The page.
pub(crate) fn render(view: &View, shown: &SourcePage) -> Markup {
    let words = view.words;
    let source = &shown.source;
    let content = html! {
        div.page-head { h1 { (visible(source.id.as_str())) } span { (list::state(view, source)) } }
        div.columns {
            div.stack {
                section.card data-live="balance" { header { h2 { (words.source_balance()) } } div.body { (balance(view, source)) } }
                @if let Some(hours) = &shown.hours { section.card { header { h2 { (words.source_activity()) } } div.body { (sparkline(view, hours)) } } }
                (rejections(view, &shown.rejections))
            }
            div.stack { (health(view, source)) (counts(view, source)) (problems(view, source)) }
        }
    };
    frame::page(view, Place::Sources, source.id.as_str(), &content)
}

fn balance(view: &View, source: &Source) -> Markup {
    let words = view.words;
    let account = &source.account;
    let parts = [
        ("=", words.source_stored(), account.stored),
        ("+", words.source_rejected(), account.rejected_total()),
        ("+", words.source_lost(), account.lost),
        ("+", words.source_pending(), account.pending()),
    ];
    html! {
        p.balance {
            span.part { b { (words.number(account.received)) } small { (words.source_received()) } }
            @for (sign, word, count) in parts { span.op { (sign) } span.part { b { (words.number(count)) } small { (word) } } }
        }
        @if out_of_balance(account) { p.notice.bad role="alert" { (Mark::Warning.draw()) span { strong { (words.source_imbalance()) } " · " (words.source_imbalance_hint()) } } }
    }
}

fn health(view: &View, source: &Source) -> Markup {
    let words = view.words;
    html! {
        section.card { div.body { dl.facts {
            dt { (words.source_last_heard()) } dd { (view.moments.both(source.last_heard)) }
            dt { (words.source_first_heard()) } dd { (view.moments.both(source.first_heard)) }
            dt { (words.source_expected()) } dd { (list::rate(view, source)) }
            @if let Some(gap) = source.health.ordinary_gap_seconds {
                dt { (words.source_ordinary_gap()) } dd { (words.decimal(gap / 60.0)) " " (words.minutes()) }
            }
            @if let Some(since) = source.health.silent_since { dt { (words.source_silent_since()) } dd { (view.moments.both(since)) } }
        } } }
    }
}

fn counts(view: &View, source: &Source) -> Markup {
    let words = view.words;
    let account = &source.account;
    html! {
        @if !account.rejected.is_empty() {
            section.card { header { h2 { (words.source_reasons()) } } table { tbody {
                @for (reason, count) in &account.rejected { tr { th scope="row" { (words.reject_reason(*reason)) } td.num { (words.number(*count)) } } }
            } } }
        }
        @if !account.problems.is_empty() {
            section.card { header { h2 { (words.source_problem_kinds()) } } table { tbody {
                @for (kind, count) in &account.problems { tr { th scope="row" { (words.problem_kind(*kind)) } td.num { (words.number(*count)) } } }
            } } }
        }
    }
}

fn problems(view: &View, source: &Source) -> Markup {
    let words = view.words;
    html! {
        section.card { header { h2 { (words.source_recent_problems()) } } div.body {
            @if source.recent_problems.is_empty() { p.muted { (words.source_no_problems()) } }
            @else { ul.stack { @for problem in source.recent_problems.iter().rev() {
                li { strong { (words.problem_kind(problem.kind)) } br; code { (visible(&problem.detail)) } }
            } } }
        } }
    }
}

fn rejections(view: &View, rejections: &[Rejection]) -> Markup {
    let words = view.words;
    html! {
        section.card {
            header { h2 { (words.source_rejected_records()) } }
            @if rejections.is_empty() { div.body { p.muted { (words.source_rejected_none()) } } }
            @for rejection in rejections {
                div.body {
                    p { strong { (words.reject_reason(rejection.reason)) } " · " (visible(&rejection.detail)) }
                    p.muted { (view.moments.exact(rejection.record.received_at)) " · " (words.source_origin()) " " (visible(&rejection.record.origin)) }
                    pre.raw tabindex="0" role="region" aria-label=(words.raw_record()) { (visible(&String::from_utf8_lossy(&rejection.record.bytes[..rejection.record.bytes.len().min(RAW_BYTES_MAX)]))) }
                }
            }
        }
    }
}

/// A bar an hour; an hour without records keeps a low grey bar, so that nothing and no answer look different.
fn sparkline(view: &View, hours: &[u64]) -> Markup {
    let words = view.words;
    let most = hours.iter().copied().max().unwrap_or(0).max(1);
    let total: u64 = hours.iter().sum();
    html! {
        svg.sparkline viewBox="0 0 240 60" preserveAspectRatio="none" role="img" aria-label={ (words.source_activity()) ": " (words.number(total)) } {
            @for (place, count) in hours.iter().enumerate() {
                @let height = (count.saturating_mul(56) / most).max(1);
                rect.zero[*count == 0] x=(place * 10 + 1) y=(58 - height) width="8" height=(height) { title { (words.number(*count)) } }
            }
            line x1="0" y1="59" x2="240" y2="59" {}
        }
    }
}
