//! `GET /rules`: the loaded rules with their hits, and those that were refused with the reason.

use axum::extract::{RawQuery, State};
use maud::{Markup, html};

use crate::desk::Desk;
use crate::guard::Visit;
use crate::{
    addresses,
    frame::{self, Place, View},
    marks::{self, Mark},
    rules::{RuleCatalog, RuleListing},
    text::visible,
    tone_marks::Needle,
};

/// Rules on one page.
const ROWS_MAX: usize = 200;

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct RuleFilter {
    pub(crate) search: String,
    pub(crate) only_hits: bool,
}

impl RuleFilter {
    /// Longest search in characters; the rest is ignored.
    const SEARCH_CHARACTERS_MAX: usize = 200;

    /// Reads the query of an address.
    pub(crate) fn of_query(query: &str) -> Self {
        let mut filter = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "q" => filter.search = value.chars().take(Self::SEARCH_CHARACTERS_MAX).collect(),
                "hits" => filter.only_hits = value == "1",
                _ => {}
            }
        }
        filter
    }

    fn fits(&self, rule: &RuleListing, needle: &Needle) -> bool {
        let texts = [
            rule.identity.title.as_str(),
            rule.identity.title_vi.as_str(),
            rule.identity.id.as_str(),
            rule.log_source.as_str(),
            &rule.file,
        ];
        (!self.only_hits || rule.hits > 0)
            && needle.fits(
                texts
                    .into_iter()
                    .chain(rule.identity.tags.iter().map(compact_str::CompactString::as_str)),
            )
    }
}

/// Answers with the rules that fit the filter of the address.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>, RawQuery(query): RawQuery) -> Markup {
    let filter = RuleFilter::of_query(&query.unwrap_or_default());
    render(&visit.view, &desk.state.rules.catalog(), &filter)
}

/// The page.
pub(crate) fn render(view: &View, catalog: &RuleCatalog, filter: &RuleFilter) -> Markup {
    let words = view.words;
    let needle = Needle::new(&filter.search);
    let mut fitting: Vec<&RuleListing> = catalog
        .loaded
        .iter()
        .filter(|rule| filter.fits(rule, &needle))
        .collect();
    fitting.sort_by(|a, b| {
        b.hits
            .cmp(&a.hits)
            .then(b.identity.level.cmp(&a.identity.level))
            .then_with(|| a.identity.title.cmp(&b.identity.title))
    });
    let shown = &fitting[..fitting.len().min(ROWS_MAX)];
    let content = html! {
        div.page-head { h1 { (words.rules_title()) } span.muted { (words.rules_loaded()) ": " (words.number(catalog.loaded.len() as u64)) }
            @if !catalog.refused.is_empty() { a.badge.badge-warn href="#refused" { (words.rules_refused()) ": " (words.number(catalog.refused.len() as u64)) } } }
        form.filters method="get" action="/rules" role="search" data-submit-on-change {
            div.seek { (Mark::Search.draw()) input type="search" name="q" value=(filter.search) placeholder=(words.rules_search()) aria-label=(words.search()) data-search; kbd aria-hidden="true" { "/" } }
            label.button { input type="checkbox" name="hits" value="1" checked[filter.only_hits]; (words.rule_only_hits()) }
        }
        div.stack {
            section.card {
                @if shown.is_empty() { div.empty { (Mark::Rule.draw()) strong { (words.rules_empty()) } } }
                @else { div.scroll { table.stacked {
                    thead { tr { th scope="col" { (words.level()) } th scope="col" { (words.rule()) } th scope="col" { (words.rule_log_source()) } th.num scope="col" { (words.rule_hits()) } } }
                    tbody { @for rule in shown { (row(view, rule)) } }
                } } }
            }
            @if fitting.len() > shown.len() { p.pages { (words.rows_of(1, shown.len() as u64, fitting.len() as u64)) } }
            (refused(view, catalog))
        }
    };
    frame::page(view, Place::Rules, words.rules_title(), &content)
}

fn row(view: &View, rule: &RuleListing) -> Markup {
    let words = view.words;
    html! {
        tr {
            td data-label=(words.level()) { (marks::level(words, rule.identity.level)) }
            td data-label=(words.rule()) { a href={ "/rules/" (addresses::segment(&rule.identity.id)) } { (visible(view.rule_title(&rule.identity))) } }
            td data-label=(words.rule_log_source()) { code { (visible(&rule.log_source)) } }
            td.num data-label=(words.rule_hits()) { (words.number(rule.hits)) }
        }
    }
}

fn refused(view: &View, catalog: &RuleCatalog) -> Markup {
    let words = view.words;
    html! {
        @if !catalog.refused.is_empty() {
            section.card #refused { header { h2 { (words.rules_refused()) } span.muted { (words.rules_refused_lead()) } }
                div.scroll { table.stacked {
                    thead { tr { th scope="col" { (words.rule_file()) } th scope="col" { (words.reason()) } } }
                    tbody { @for refused in catalog.refused.iter().take(ROWS_MAX) { tr {
                        td.break data-label=(words.rule_file()) { code { (visible(&refused.file)) @if let Some(line) = refused.line { ":" (line) } } }
                        td.break data-label=(words.reason()) { (visible(&refused.reason)) }
                    } } }
                } } }
        }
    }
}
