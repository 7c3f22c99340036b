//! `GET /directives`: the letters that were registered, the last one first.

use axum::extract::State;
use ledger::{NounFilter, PageAt};
use maud::{Markup, html};
use model::{Directive, Permission};
use operations::{Catalogue, directives::Authority};

use super::show::day;
use crate::{
    desk::Desk,
    frame::{self, Place, View},
    guard::Visit,
    marks::Mark,
    pages::watch::{Tab, list::content_problems, tabs},
    text::visible,
    trouble::Trouble,
};

/// Letters listed at most.
const DIRECTIVES_MAX: usize = 200;

/// Answers with the list.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>) -> Result<Markup, Trouble> {
    let Visit { view, scope, .. } = visit;
    let directives: Vec<Directive> = desk
        .read(move |ledger| ledger.kept_page(&scope, &NounFilter::default(), PageAt::first(DIRECTIVES_MAX)))
        .await?
        .items;
    let catalogue = desk.state.catalogue.borrow().clone();
    Ok(render(&view, &directives, &catalogue))
}

fn render(view: &View, directives: &[Directive], catalogue: &Catalogue) -> Markup {
    let words = view.words;
    let content = html! {
        (tabs(view, Tab::Directives))
        div.page-head { h1 { (words.nav_directives()) }
            @if view.may(Permission::WriteWatches) { a.button.primary.end href="/directives/new" { (words.directive_register()) } }
            p.lead { (words.directives_lead()) } }
        (content_problems(view, &catalogue.problems))
        @if directives.is_empty() { div.card { div.empty { (Mark::Letter.draw()) strong { (words.directives_empty()) } } } }
        @else { section.card { div.scroll { table.stacked {
            thead { tr {
                th scope="col" { (words.directive_number()) }
                th scope="col" { (words.directive_subject()) }
                th scope="col" { (words.directive_issued_on()) }
                th scope="col" { (words.directive_received_on()) }
                th.num scope="col" { (words.watch_requirements()) }
                th scope="col" { (words.directive_file()) }
            } }
            tbody { @for directive in directives { (row(view, directive)) } }
        } } } }
        section.card.spaced { header { h2 { (words.directive_authorities()) } } ul.rows {
            @for authority in &catalogue.authorities { li { (competent(view, authority, &catalogue.authorities)) } }
        } }
    };
    frame::page(view, Place::Watches, words.nav_directives(), &content)
}

fn row(view: &View, directive: &Directive) -> Markup {
    let words = view.words;
    html! {
        tr {
            th scope="row" data-label=(words.directive_number()) { a href={ "/directives/" (directive.id) } { (visible(&directive.number)) } small { " " (visible(&directive.issuer)) } }
            td data-label=(words.directive_subject()) { (visible(directive.subject.text(words.0))) }
            td data-label=(words.directive_issued_on()) { (day(directive.issued_on)) }
            td data-label=(words.directive_received_on()) { (day(directive.received_on)) }
            td.num data-label=(words.watch_requirements()) { (words.number(directive.requirements.len() as u64)) }
            td data-label=(words.directive_file()) { @match &directive.file {
                Some(file) => a href={ "/directives/" (directive.id) "/file" } { (visible(&file.name)) },
                None => span.muted { (words.directive_no_file()) },
            } }
        }
    }
}

/// An authority with the time in which it is competent: whom a report goes to depends on its day.
fn competent(view: &View, authority: &Authority, all: &[Authority]) -> Markup {
    let words = view.words;
    let successor = authority
        .succeeded_by
        .as_ref()
        .and_then(|id| all.iter().find(|other| other.id == *id));
    html! {
        div.row-head { strong { (visible(authority.name.text(words.0))) }
            span.muted {
                @if let Some(from) = authority.from { (words.authority_from()) " " (day(from)) " " }
                @if let Some(until) = authority.until { (words.authority_until()) " " (day(until)) }
                @if let Some(successor) = successor { " · " (words.authority_succeeded()) " " (visible(successor.name.text(words.0))) }
            } }
        p { (visible(authority.role.text(words.0))) }
        @if !authority.telephones.is_empty() || !authority.emails.is_empty() {
            p { (words.authority_reach()) ": " @for way in authority.telephones.iter().chain(&authority.emails) { code { (visible(way)) } " " } }
        }
        p.muted { @match authority.confirmed_on {
            Some(on) => { (words.directive_confirmed()) " " (day(on)) },
            None => (words.directive_unconfirmed()),
        } " · " (visible(&authority.source)) }
    }
}
