//! `GET /actions/new`: asks for an action at a device.

use axum::extract::State;
use maud::{Markup, html};

use crate::{
    desk::Desk,
    form::Form,
    frame::{self, Place, View},
    guard::Visit,
    marks::Mark,
    trouble::Trouble,
};

/// Answers with the form.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>) -> Result<Markup, Trouble> {
    Ok(render(&visit.view, &desk, (&Form::default(), None)))
}

/// The form with what was typed, and with what is wrong, where something is.
pub(super) fn render(view: &View, desk: &Desk, (typed, problem): (&Form, Option<&str>)) -> Markup {
    let words = view.words;
    let devices = desk
        .state
        .response
        .devices
        .iter()
        .filter(|device| matches!(device.kind, "nftables" | "rpz"));
    let content = html! {
        div.page-head { h1 { (words.action_new()) } }
        @if let Some(problem) = problem { p.notice.bad role="alert" { (Mark::Warning.draw()) span { (problem) } } }
        section.card { div.body { form.form method="post" action="/actions" {
            div.field { label for="device" { (words.action_device()) } select #device name="device" required {
                @for device in devices { option value=(device.name) selected[typed.one("device") == Some(device.name.as_str())] { (device.name) " (" (device.kind) ")" } } } }
            div.field { label for="elements" { (words.action_elements()) } textarea #elements name="elements" rows="4" required aria-describedby="elements-hint" { (typed.one("elements").unwrap_or_default()) }
                p.hint #elements-hint { (words.action_elements_hint()) } }
            div.field { label for="why" { (words.action_why()) } input #why name="why" value=[typed.one("why")] required maxlength="2000"; }
            div.field { label for="letter" { (words.action_letter()) } input #letter name="letter" value=[typed.one("letter")] maxlength="200"; }
            div.field { label for="hours" { (words.action_hours()) } input #hours name="hours" type="number" value=[typed.one("hours")] min="1" max="87600"; }
            button.button.primary type="submit" { (words.action_new()) }
        } } }
    };
    frame::page(view, Place::Actions, words.action_new(), &content)
}
