//! `GET /sources`: one row a source, silent ones first.

use axum::extract::State;
use maud::{Markup, html};
use model::{Permission, Source};

use super::out_of_balance;
use crate::desk::Desk;
use crate::guard::Visit;
use crate::pages::queue::summary::is_learned;
use crate::trouble::Trouble;
use crate::{
    addresses,
    frame::{self, Place, View},
    marks::Mark,
    text::visible,
};

/// Answers with all sources.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>) -> Result<Markup, Trouble> {
    let Visit { view, scope, .. } = visit;
    let sources = desk.read(move |ledger| ledger.sources(&scope)).await?;
    Ok(render(&view, &sources))
}

/// The page.
pub(crate) fn render(view: &View, sources: &[Source]) -> Markup {
    let words = view.words;
    let mut rows: Vec<&Source> = sources.iter().collect();
    rows.sort_by_key(|source| {
        (
            source.health.silent_since.is_none(),
            !out_of_balance(&source.account),
            source.id.clone(),
        )
    });
    let content = html! {
        div.page-head { h1 { (words.sources_title()) }
            @if view.may(Permission::WriteSources) { a.button.end href="/tokens" { (words.tokens_title()) } }
            p.lead { (words.sources_lead()) } }
        section.card data-live="sources" {
            @if rows.is_empty() { div.empty.warn { (Mark::Source.draw()) strong { (words.sources_empty()) }
                @if view.may(Permission::WriteSources) { a.button.primary href="/tokens" { (words.token_make()) } } } }
            @else { div.scroll { table.stacked {
                thead { tr {
                    th scope="col" { (words.source()) } th scope="col" { (words.state()) }
                    th.num scope="col" { (words.source_received()) } th.num scope="col" { "= " (words.source_stored()) } th.num scope="col" { "+ " (words.source_rejected()) }
                    th.num scope="col" { "+ " (words.source_lost()) } th.num scope="col" { "+ " (words.source_pending()) } th.num scope="col" { (words.source_problems()) }
                    th scope="col" { (words.source_last_heard()) } th.num scope="col" { (words.source_expected()) }
                } }
                tbody { @for source in rows { (row(view, source)) } }
            } } }
        }
    };
    frame::page(view, Place::Sources, words.sources_title(), &content)
}

fn row(view: &View, source: &Source) -> Markup {
    let words = view.words;
    let account = &source.account;
    let rejected = account.rejected_total();
    let problems: u64 = account.problems.values().sum();
    html! {
        tr {
            td data-label=(words.source()) { a href={ "/sources/" (addresses::segment(source.id.as_str())) } { (visible(source.id.as_str())) } }
            td data-label=(words.state()) { (state(view, source)) }
            td.num data-label=(words.source_received()) { (words.number(account.received)) }
            td.num data-label=(words.source_stored()) { (words.number(account.stored)) }
            td.num data-label=(words.source_rejected()) { span.warn-number[rejected > 0] { (words.number(rejected)) } }
            td.num data-label=(words.source_lost()) { span.bad-number[account.lost > 0] { (words.number(account.lost)) } }
            td.num data-label=(words.source_pending()) { (words.number(account.pending())) }
            td.num data-label=(words.source_problems()) { (words.number(problems)) }
            td data-label=(words.source_last_heard()) { (view.moments.both(source.last_heard)) }
            td.num data-label=(words.source_expected()) { (rate(view, source)) }
        }
    }
}

/// Whether it speaks, and whether its account balances, in words.
pub(crate) fn state(view: &View, source: &Source) -> Markup {
    let words = view.words;
    html! {
        @match source.health.silent_since {
            Some(since) => { span.badge.badge-bad { (words.source_silent()) } " " small { (view.moments.relative(since)) } }
            None if is_learned(source) => span.badge.badge-good { (words.source_speaking()) },
            None => span.badge title=(words.source_unlearned_hint()) { (words.source_unlearned()) },
        }
        @if out_of_balance(&source.account) { " " span.badge.badge-bad title=(words.source_imbalance_hint()) { (words.source_imbalance()) } }
    }
}

/// The learned rate; not yet learned is said, never shown as zero.
pub(crate) fn rate(view: &View, source: &Source) -> Markup {
    let words = view.words;
    html! {
        @match source.health.expected_per_hour {
            Some(rate) => { (words.decimal(rate)) " " small { (words.source_per_hour()) } }
            None => span.muted { (words.source_not_learned()) },
        }
    }
}
