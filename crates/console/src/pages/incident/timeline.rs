//! The timeline of an incident: what was seen, what was decided, what was found, newest first.

use maud::{Markup, html};
use model::{Alert, EntryKind, Id, Permission, Seq, TimelineEntry};

use super::{form::moment_field, show::Shown};
use crate::{addresses, frame::View, people::People, text::visible};

/// The timeline with its form.
pub(crate) fn render(view: &View, people: &People, shown: &Shown) -> Markup {
    let (words, incident) = (view.words, shown.whole.root());
    let here = format!("/incidents/{}", incident.id);
    let address = |malicious: bool, after: Option<&str>| {
        let lines = ["", "malicious"][usize::from(malicious)];
        let query = addresses::query(&[("after", after.unwrap_or_default()), ("lines", lines)]);
        format!("{here}{query}#timeline")
    };
    let tab = |malicious: bool, word: &str| {
        html! {
            a href=(address(malicious, None)) aria-current=[(shown.only_malicious == malicious).then_some("true")] { (word) }
        }
    };
    html! {
        section.card #timeline {
            header { h2 { (words.incident_timeline()) } span.muted { (words.number(shown.whole.lines)) }
                span.end.tabs { (tab(false, words.incident_lines_all())) (tab(true, words.incident_lines_malicious())) } }
            @if view.may(Permission::WorkAlerts) && incident.state.is_open() { (add_form(view, &here)) }
            div.body data-live="incident-timeline" {
                @if shown.lines.items.is_empty() { p.muted { (words.incident_timeline_empty()) } }
                ol.timeline { @for entry in &shown.lines.items { (line(view, people, entry, &here)) } }
                @if let Some(next) = &shown.lines.next {
                    nav.pages { a rel="next" href=(address(shown.only_malicious, Some(next))) { (words.incident_more()) } }
                }
            }
        }
    }
}

fn alert_address(alert: Id<Alert>, event: Option<Seq>) -> String {
    event.map_or_else(
        || format!("/alerts/{alert}"),
        |event| format!("/alerts/{alert}?event={event}"),
    )
}

fn add_form(view: &View, here: &str) -> Markup {
    let words = view.words;
    html! {
        details #add-entry { summary { (words.incident_timeline_add()) }
            form.form.wide.body method="post" action={ (here) "/entry" } {
                (moment_field(view, "at", words.incident_when(), Some(view.moments.now)))
                div.field { label for="entry-text" { (words.incident_what()) } textarea #entry-text name="text" required maxlength="4000" {} }
                label.check { input type="checkbox" name="malicious" value="1"; " " (words.incident_malicious()) }
                div.form-actions { button.button type="submit" { (words.incident_add()) } }
            }
        }
    }
}

fn line(view: &View, people: &People, entry: &TimelineEntry, here: &str) -> Markup {
    let words = view.words;
    let (what, about): (String, Markup) = match &entry.kind {
        EntryKind::Event { alert, event, host } => (
            String::new(),
            html! {
                @if let Some(host) = host { span.chip { (visible(host)) } " " }
                @if let Some(alert) = alert { a href=(alert_address(*alert, *event)) { (words.incident_alerts()) } }
            },
        ),
        EntryKind::Decision { action, alert, entry } => (
            words
                .ledger_action(action)
                .or_else(|| words.incident_action(action))
                .unwrap_or(action)
                .to_owned(),
            html! {
                @if let Some(alert) = alert { a href={ "/alerts/" (alert) } { (words.incident_alerts()) } " " }
                @if let Some(entry) = entry { span.muted { (words.incident_history()) " " (entry) } }
            },
        ),
        EntryKind::Finding { .. } => (String::new(), html! {}),
    };
    html! {
        li .is-malicious[entry.malicious && entry.struck.is_none()] .is-hidden[entry.struck.is_some()] {
            p.when { (view.moments.exact(entry.at)) " · " (people.actor(words, &entry.by)) " " (about) }
            @if !what.is_empty() { p { strong { (what) } } }
            @if let Some(struck) = &entry.struck {
                p { s { (visible(&entry.text)) } } p.muted { (words.incident_struck()) ": " (visible(&struck.how)) }
            } @else if !entry.text.is_empty() { p.text { (visible(&entry.text)) } }
            @if view.may(Permission::WorkAlerts) && entry.struck.is_none() { (line_steps(view, entry, here)) }
        }
    }
}

fn line_steps(view: &View, entry: &TimelineEntry, here: &str) -> Markup {
    let words = view.words;
    html! {
        details.line-steps { summary aria-label=(words.actions()) { "…" }
            form.actions method="post" action={ (here) "/judge" } {
                input type="hidden" name="entry" value=(entry.id);
                input type="hidden" name="malicious" value=(if entry.malicious { "0" } else { "1" });
                button.button.small type="submit" { (if entry.malicious { words.incident_not_malicious() } else { words.incident_mark_malicious() }) }
            }
            form.actions method="post" action={ (here) "/strike" } {
                input type="hidden" name="entry" value=(entry.id);
                input name="why" required aria-label=(words.reason()) placeholder=(words.reason());
                button.button.small type="submit" { (words.incident_strike()) }
            }
        }
    }
}
