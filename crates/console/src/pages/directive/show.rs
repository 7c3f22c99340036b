//! `GET /directives/{id}`: a letter as it was registered, its file, its contacts and what it asks for.

use axum::{
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use jiff::civil::Date;
use ledger::{NounFilter, PageAt};
use maud::{Markup, html};
use model::{Directive, Permission, Requirement, Watch};
use operations::Catalogue;

use crate::{
    addresses,
    desk::Desk,
    frame::{self, Place, View},
    guard::Visit,
    marks::Mark,
    pages::watch::{Tab, tabs},
    people::People,
    text::visible,
    trouble::Trouble,
};

/// Watches looked through for those that were opened on a letter.
const WATCHES_MAX: usize = 200;

/// A day as people write it.
pub(crate) fn day(date: Date) -> String {
    date.strftime("%d/%m/%Y").to_string()
}

/// Answers with the page.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>, Path(id): Path<String>) -> Result<Markup, Trouble> {
    let directive: Directive = desk.found(&visit.scope, &id).await?;
    let scope = visit.scope.clone();
    let (watches, people) = desk
        .read(move |ledger| {
            let page = ledger.kept_page::<Watch>(&scope, &NounFilter::default(), PageAt::first(WATCHES_MAX))?;
            Ok((page.items, People::new(&ledger.people(&scope)?)))
        })
        .await?;
    let on_it: Vec<&Watch> = watches
        .iter()
        .filter(|watch| watch.requirements.iter().any(|one| one.directive == directive.id))
        .collect();
    let catalogue = desk.state.catalogue.borrow().clone();
    Ok(render(&visit.view, &directive, (&on_it, &people), &catalogue))
}

/// Answers with the letter's file as it came in: to be saved, never to be shown inside the console.
pub(crate) async fn file(visit: Visit, State(desk): State<Desk>, Path(id): Path<String>) -> Result<Response, Trouble> {
    let directive: Directive = desk.found(&visit.scope, &id).await?;
    let file = directive.file.ok_or(Trouble::NotFound)?;
    let letters = desk.state.letters.clone();
    let sha256 = file.sha256.clone();
    let bytes = tokio::task::spawn_blocking(move || letters.get(&sha256))
        .await
        .map_err(|_| Trouble::Unavailable)?
        .ok_or(Trouble::NotFound)?;
    let name = format!("attachment; filename*=UTF-8''{}", addresses::segment(&file.name));
    let name = HeaderValue::from_str(&name).map_err(|_| Trouble::NotFound)?;
    let kind = HeaderValue::from_static("application/octet-stream");
    Ok((
        [(header::CONTENT_DISPOSITION, name), (header::CONTENT_TYPE, kind)],
        bytes,
    )
        .into_response())
}

fn render(view: &View, directive: &Directive, (on_it, people): (&[&Watch], &People), catalogue: &Catalogue) -> Markup {
    let words = view.words;
    let content = html! {
        (tabs(view, Tab::Directives))
        div.page-head { h1 { (visible(&directive.number)) } span { (visible(&directive.issuer)) }
            @if view.may(Permission::WriteWatches) { span.end.actions {
                a.button href={ "/directives/" (directive.id) "/edit" } { (words.directive_revise()) }
                a.button.primary href={ "/watches/new" (addresses::query(&[("directive", &directive.id.to_string())])) } { (words.watch_new()) }
            } }
            p.lead.large { (visible(directive.subject.text(words.0))) }
        }
        div.columns {
            div.stack { (requirements(view, directive, catalogue)) }
            aside.stack {
                (facts(view, directive, people))
                (contacts(view, directive))
                section.card { header { h2 { (words.nav_watches()) } } div.body {
                    @if on_it.is_empty() { p.muted { (words.directive_no_watch()) } }
                    ul { @for watch in on_it { li { a href={ "/watches/" (watch.id) } { (visible(&watch.name)) } } } }
                } }
            }
        }
    };
    frame::page(view, Place::Watches, &directive.number, &content)
}

fn facts(view: &View, directive: &Directive, people: &People) -> Markup {
    let words = view.words;
    html! {
        section.card { div.body { dl.facts {
            dt { (words.directive_issued_on()) } dd { (day(directive.issued_on)) }
            dt { (words.directive_received_on()) } dd { (day(directive.received_on)) }
            dt { (words.directive_registered()) } dd { (people.name(directive.registered_by)) br; small { (view.moments.exact(directive.registered_at)) } }
            dt { (words.directive_file()) }
            dd { @match &directive.file {
                None => span.muted { (words.directive_no_file()) },
                Some(file) => {
                    a href={ "/directives/" (directive.id) "/file" } { (visible(&file.name)) } " "
                    small { (words.bytes(file.bytes)) }
                    p.hash { (words.directive_file_hash()) " " (file.sha256) }
                }
            } }
        } } }
    }
}

fn contacts(view: &View, directive: &Directive) -> Markup {
    let words = view.words;
    html! {
        section.card #contacts { header { h2 { (words.directive_contacts()) } } ul.rows {
            @for (n, contact) in directive.contacts.iter().enumerate() { li {
                p { strong { (visible(contact.name.text(words.0))) } }
                p { @for telephone in &contact.telephones { code { (visible(telephone)) } " " } @for email in &contact.emails { code { (visible(email)) } " " } }
                p.muted { @match contact.confirmed_on {
                    Some(on) => { (Mark::Check.draw()) (words.directive_confirmed()) " " (day(on)) },
                    None => { (Mark::Warning.draw()) (words.directive_unconfirmed()) },
                } " · " (visible(&contact.source)) }
                @if view.may(Permission::WorkWatches) { form.inline method="post" action={ "/directives/" (directive.id) "/contacts" } {
                    input type="hidden" name="contact" value=(n);
                    button.button.small type="submit" { (words.directive_called()) }
                } }
            } }
        } }
    }
}

fn requirements(view: &View, directive: &Directive, catalogue: &Catalogue) -> Markup {
    let words = view.words;
    let mut part = None;
    html! {
        section.card { header { h2 { (words.watch_requirements()) } span.muted { (words.requirements(directive.requirements.len() as u64)) } }
            ol.rows { @for requirement in &directive.requirements {
                @let here = requirement.part.text(words.0);
                @if part.replace(here) != Some(here) && !here.is_empty() { li.part { h3 { (visible(here)) } } }
                li { (asked(view, requirement, catalogue)) }
            } }
        }
    }
}

fn asked(view: &View, requirement: &Requirement, catalogue: &Catalogue) -> Markup {
    let words = view.words;
    html! {
        p { strong { (visible(&requirement.key)) } " " (visible(requirement.text.text(words.0))) }
        p.muted { (words.addressee(requirement.addressee))
            @if let Some(due) = requirement.due_on { " · " (words.requirement_due()) ": " (day(due)) } }
        ul.shown {
            @for id in &requirement.controls {
                @let title = catalogue.controls.iter().find(|control| control.id == *id).map_or(id.as_str(), |control| control.title.text(words.0));
                li { a.evidence href={ "/controls/" (addresses::segment(id)) } { (Mark::Source.draw()) span.evidence-title { (title) } } }
            }
            @if let Some(question) = &requirement.question { li { span.evidence { (Mark::Account.draw()) span.evidence-title { (visible(question.text(words.0))) } } } }
        }
        @if let Some(note) = &requirement.note { p.muted { (words.requirement_note()) ": " (visible(note.text(words.0))) } }
    }
}
