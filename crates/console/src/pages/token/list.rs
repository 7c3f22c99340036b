//! `GET /tokens`: the tokens there are, a form for a new one, and configurations to copy.

use axum::{extract::State, http::HeaderMap};
use maud::{Markup, html};
use model::SourceToken;

use super::snippets;
use crate::desk::Desk;
use crate::guard::Visit;
use crate::trouble::Trouble;
use crate::{
    addresses,
    frame::{self, Place, View},
    marks::Mark,
    state::Intake,
    text::visible,
};

/// A token that was just made; its text is shown this once.
#[derive(Debug, Clone)]
pub(crate) struct Fresh {
    pub(crate) source: String,
    pub(crate) text: String,
}

/// Answers with all tokens.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>, headers: HeaderMap) -> Result<Markup, Trouble> {
    let Visit { view, scope, .. } = visit;
    let tokens = desk.read(move |ledger| ledger.tokens(&scope)).await?;
    let intake = (&desk.state.intake, addresses::host(&headers));
    Ok(render(&view, &tokens, intake, (None, None)))
}

/// The page: `intake` with the name by which the reader's browser came, and what just happened.
pub(crate) fn render(
    view: &View,
    tokens: &[SourceToken],
    (intake, here): (&Intake, &str),
    (fresh, problem): (Option<&Fresh>, Option<&str>),
) -> Markup {
    let words = view.words;
    let content = html! {
        div.page-head { h1 { (words.tokens_title()) } p.lead { (words.tokens_lead()) } }
        @if let Some(problem) = problem { p.notice.bad role="alert" { (Mark::Warning.draw()) span { (problem) } } }
        @if let Some(fresh) = fresh { (shown_once(view, fresh)) }
        div.columns {
            div.stack { (table(view, tokens)) (snippets::render(words, intake, here, fresh)) }
            section.card { header { h2 { (words.token_make()) } } div.body {
                form.form method="post" action="/tokens" {
                    div.field {
                        label for="source" { (words.token_source_name()) }
                        input #source name="source" required maxlength="200" autocomplete="off" aria-describedby="source-hint";
                        p.hint #source-hint { (words.token_source_hint()) }
                    }
                    button.button.primary type="submit" { (words.token_make()) }
                }
            } }
        }
    };
    frame::page(view, Place::Sources, words.tokens_title(), &content)
}

fn shown_once(view: &View, fresh: &Fresh) -> Markup {
    let words = view.words;
    html! {
        section.card role="status" { header { h2 { (words.token_made()) ": " (visible(&fresh.source)) } } div.body {
            p { (words.token_once()) }
            div.snippet { p.secret #fresh-token { (fresh.text) }
                button.button.small.copy type="button" data-copy="fresh-token" { (words.copy()) } }
        } }
    }
}

fn table(view: &View, tokens: &[SourceToken]) -> Markup {
    let words = view.words;
    html! {
        section.card {
            @if tokens.is_empty() { div.body { p.muted { (words.tokens_empty()) } } }
            @else { div.scroll { table.stacked {
                thead { tr { th scope="col" { (words.source()) } th scope="col" { (words.token_digest()) } th scope="col" { (words.time()) } th scope="col" { (words.state()) } th scope="col" { span.visually-hidden { (words.actions()) } } } }
                tbody { @for token in tokens { tr {
                    td data-label=(words.source()) { a href={ "/sources/" (addresses::segment(token.source.as_str())) } { (visible(token.source.as_str())) } }
                    td data-label=(words.token_digest()) { span.hash { (token.digest.chars().take(12).collect::<String>()) "…" } }
                    td data-label=(words.time()) { (view.moments.exact(token.created_at)) }
                    td data-label=(words.state()) { @match token.revoked_at {
                        Some(at) => { span.badge { (words.token_revoked()) } " " small { (view.moments.relative(at)) } }
                        None => span.badge.badge-good { (words.token_valid()) },
                    } }
                    td.num { @if token.revoked_at.is_none() {
                        form method="post" action="/tokens/revoke" { input type="hidden" name="digest" value=(token.digest); button.button.small.danger type="submit" { (words.token_revoke()) } }
                    } }
                } } }
            } } }
        }
    }
}
