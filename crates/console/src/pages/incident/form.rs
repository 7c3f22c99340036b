//! `GET /incidents/new`: an incident that somebody reports by hand or by letter. And how forms name things.

use axum::extract::State;
use jiff::{civil::DateTime, tz::TimeZone};
use maud::{Markup, html};
use model::{IncidentKind, Severity, Timestamp};

use crate::{
    desk::Desk,
    frame::{self, Place, View},
    guard::Visit,
    trouble::Trouble,
};

/// How `<input type=datetime-local>` writes moments.
const LOCAL: &str = "%Y-%m-%dT%H:%M";

/// Answers with the form.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>) -> Result<Markup, Trouble> {
    Ok(render(&visit.view, desk.now()))
}

fn render(view: &View, now: Timestamp) -> Markup {
    let words = view.words;
    let content = html! {
        div.page-head { h1 { (words.incident_new()) } }
        form.form.card.body method="post" action="/incidents" {
            (text_field("title", words.incident_name(), "", true))
            (kind_field(view, IncidentKind::Other))
            (severity_field(view, Severity::Medium))
            (moment_field(view, "detected_at", words.incident_detected(), Some(now)))
            div.field { label for="description" { (words.incident_description()) } textarea #description name="description" maxlength="8000" {} }
            (text_field("letter_number", words.incident_letter_number(), "", false))
            (text_field("letter_issuer", words.incident_letter_issuer(), "", false))
            label.check { input type="checkbox" name="exercise" value="1"; " " (words.exercise()) }
            div.form-actions { button.button.primary type="submit" { (words.incident_new()) } a.button href="/incidents" { (words.cancel()) } }
        }
    };
    frame::page(view, Place::Incidents, words.incident_new(), &content)
}

/// One line of text.
pub(crate) fn text_field(name: &str, label: &str, value: &str, required: bool) -> Markup {
    html! { div.field { label for=(name) { (label) } input id=(name) name=(name) value=(value) required[required] maxlength="300"; } }
}

/// A choice of the kinds of Form 05.
pub(crate) fn kind_field(view: &View, chosen: IncidentKind) -> Markup {
    html! { div.field { label for="kind" { (view.words.incident_kind()) } select #kind name="kind" {
        @for kind in IncidentKind::ALL { option value=(kind.as_str()) selected[kind == chosen] { (view.words.kind_of_incident(kind)) } }
    } } }
}

/// A choice of severities.
pub(crate) fn severity_field(view: &View, chosen: Severity) -> Markup {
    html! { div.field { label for="severity" { (view.words.incident_severity()) } select #severity name="severity" {
        @for severity in Severity::ALL { option value=(severity.as_str()) selected[severity == chosen] { (view.words.severity(severity)) } }
    } } }
}

/// A moment in the post's zone.
pub(crate) fn moment_field(view: &View, name: &str, label: &str, at: Option<Timestamp>) -> Markup {
    let local = at.map(|at| {
        at.to_zoned_datetime(view.moments.zone.clone())
            .strftime(LOCAL)
            .to_string()
    });
    html! { div.field { label for=(name) { (label) } input id=(name) type="datetime-local" name=(name) value=[local]; } }
}

/// Reads a moment of the form; none when the field is empty.
pub(crate) fn moment_of(zone: &TimeZone, text: Option<&str>) -> Result<Option<Timestamp>, Trouble> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let local: DateTime = text.parse().map_err(|_| Trouble::BadRequest)?;
    zone.to_timestamp(local).map(Some).map_err(|_| Trouble::BadRequest)
}
