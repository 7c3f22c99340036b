//! `GET /directives/new`: where a letter is taken from: the catalogue, or its own text, from which requirements are proposed.

use axum::extract::State;
use maud::{Markup, html};
use operations::{Catalogue, directives::CatalogueEntry};

use super::{
    form::{Typed, render as render_form},
    show::day,
};
use crate::{
    addresses,
    desk::Desk,
    form::Form,
    frame::{self, Place, View},
    guard::Visit,
    pages::watch::{Tab, list::content_problems, tabs},
    text::visible,
    trouble::Trouble,
};

/// Answers with the catalogue and a place for a letter's text.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>) -> Markup {
    let catalogue = desk.state.catalogue.borrow().clone();
    render(&visit.view, &catalogue)
}

/// Reads a letter's text and shows the form with what it proposes. Nothing is kept yet.
pub(crate) async fn propose(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Markup, Trouble> {
    let text = form.required("text")?;
    let proposal = operations::directives::propose(text);
    let catalogue = desk.state.catalogue.borrow().clone();
    let typed = Typed::of_proposal(&visit.view, proposal);
    Ok(render_form(&visit.view, &catalogue, &typed, None))
}

fn render(view: &View, catalogue: &Catalogue) -> Markup {
    let words = view.words;
    let content = html! {
        (tabs(view, Tab::Directives))
        div.page-head { h1 { (words.directive_register()) } p.lead { (words.directives_lead()) } }
        (content_problems(view, &catalogue.problems))
        div.columns.halves {
            section.card {
                header { h2 { (words.directive_from_catalogue()) } }
                ul.rows { @for entry in &catalogue.directives { li { (offered(view, entry)) } } }
            }
            section.card {
                header { h2 { (words.directive_from_text()) } }
                div.body { form.form.wide method="post" action="/directives/propose" {
                    div.field {
                        label for="text" { (words.directive_text()) }
                        textarea.tall #text name="text" required maxlength=(operations::directives::TEXT_BYTES_MAX) aria-describedby="text-hint" {}
                        p.hint #text-hint { (words.directive_text_hint()) }
                    }
                    div.form-actions { button.button.primary type="submit" { (words.directive_propose()) }
                        a.button href="/directives/form" { (words.directive_by_hand()) } }
                } }
            }
        }
    };
    frame::page(view, Place::Watches, words.directive_register(), &content)
}

fn offered(view: &View, entry: &CatalogueEntry) -> Markup {
    let words = view.words;
    html! {
        div.row-head {
            strong { (visible(&entry.number)) }
            span.muted { (day(entry.issued_on)) " · " (visible(&entry.issuer)) }
            @if !entry.complete { span.badge { (words.directive_press_only()) } }
            a.button.small.end href={ "/directives/form" (addresses::query(&[("catalogue", &entry.id)])) } { (words.directive_use()) }
        }
        p { (visible(entry.subject.text(words.0))) }
        p.muted { (words.requirements(entry.requirements.len() as u64)) " · " (words.directive_source()) ": " (visible(&entry.source)) }
        @if let Some(note) = &entry.note { p.muted { (visible(note.text(words.0))) } }
    }
}
