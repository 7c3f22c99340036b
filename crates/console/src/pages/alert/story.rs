//! What happened around an alert: other events, its detections over time, what was decided, and what came before it.

use ledger::KeptDetection;
use maud::{Markup, html};
use model::{EntityColumn, Event};

use super::{heading::verdict, show::AlertPage};
use crate::{addresses, frame::View, pages::duty_book, people::People, text::visible};

/// Longest line of an event in the table, in characters.
const LINE_CHARACTERS_MAX: usize = 220;

/// Events of the same host in the minutes before and after.
pub(crate) fn around(view: &View, shown: &AlertPage) -> Markup {
    let words = view.words;
    let Some(event) = &shown.event else { return html! {} };
    html! {
        section.card #around {
            header { h2 { (words.related()) }
                span.end.tabs { @for minutes in AlertPage::MINUTES {
                    a href={ "?minutes=" (minutes) "&event=" (event.seq) "#around" } aria-current=[(minutes == shown.minutes).then_some("true")] { "±" (minutes) }
                } }
                span.muted { (words.minutes_around()) }
            }
            (crate::pages::hunt::show::pivots(view, event))
            @if event.entities.host_name.is_none() { div.body { p.muted { (words.related_no_host()) } } }
            @if shown.around.len() <= 1 { div.body { p.muted { (words.related_empty()) } } }
            @else { div.scroll { table.stacked {
                thead { tr { th scope="col" { (words.time()) } th scope="col" { (words.format()) } th scope="col" { (words.event_column()) } } }
                tbody { @for other in &shown.around { tr.is-this[other.seq == event.seq] {
                    td data-label=(words.time()) { time datetime=(other.happened_at) title=(view.moments.absolute(other.happened_at)) { (view.moments.short(other.happened_at)) } }
                    td data-label=(words.format()) { (visible(&other.format)) @if let Some(code) = &other.entities.event_code { " " code { (visible(code)) } } }
                    td.break data-label=(words.event_column()) { code { (line(other)) } @if other.seq == event.seq { " " span.badge { (words.this_event()) } } }
                } } }
            } } }
        }
    }
}

/// One line for an event: who did what with what.
fn line(event: &Event) -> String {
    let columns = [
        EntityColumn::UserName,
        EntityColumn::ProcessCommandLine,
        EntityColumn::ProcessExecutable,
        EntityColumn::SourceIp,
        EntityColumn::DestinationIp,
        EntityColumn::DestinationPort,
        EntityColumn::UrlDomain,
        EntityColumn::UrlPath,
        EntityColumn::FilePath,
    ];
    let has_command = event.entities.process_command_line.is_some();
    let parts: Vec<String> = columns
        .into_iter()
        .filter(|column| !(has_command && *column == EntityColumn::ProcessExecutable))
        .filter_map(|column| event.entities.get(column).map(|value| value.to_string()))
        .collect();
    let whole = if parts.len() > 1 || has_command {
        parts.join(" · ")
    } else {
        String::from_utf8_lossy(&event.raw[..event.raw.len().min(4 * LINE_CHARACTERS_MAX)]).into_owned()
    };
    visible(&whole.chars().take(LINE_CHARACTERS_MAX).collect::<String>())
}

/// The detections, newest first; a click shows the evidence of another one.
pub(crate) fn timeline(view: &View, shown: &AlertPage) -> Markup {
    let words = view.words;
    html! {
        section.card {
            header { h2 { (words.timeline()) }
                span.muted { (words.number(shown.alert.detections)) " " (words.shown()) @if shown.alert.hidden > 0 { ", " (words.number(shown.alert.hidden)) " " (words.hidden()) } } }
            div.body { ol.timeline { @for (place, gathered) in shown.detections.iter().enumerate() { (detection(view, gathered, place == shown.chosen)) } } }
        }
    }
}

fn detection(view: &View, gathered: &KeptDetection, chosen: bool) -> Markup {
    let words = view.words;
    let detection = &gathered.detection;
    html! {
        li.is-hidden[gathered.hidden_by.is_some()] {
            a href={ "?event=" (detection.event) } aria-current=[chosen.then_some("true")] { (view.moments.absolute(detection.happened_at)) }
            @if let Some(silence) = gathered.hidden_by { " " a.badge href={ "/silences#s-" (silence) } { (words.hidden()) } }
            p.when {
                @if let Some(host) = &detection.host { (visible(host)) " · " }
                (visible(detection.source.as_str())) " · " (words.event()) " " (detection.event)
            }
        }
    }
}

/// What was decided, newest first.
pub(crate) fn history(view: &View, people: &People, shown: &AlertPage) -> Markup {
    let words = view.words;
    html! {
        section.card {
            header { h2 { (words.history()) } }
            div.body { ol.timeline {
                @for entry in &shown.history {
                    li {
                        strong { (duty_book::action(words, &entry.action)) } " · " (people.actor(words, &entry.actor))
                        @if let Some(reason) = &entry.reason { p { (visible(reason)) } }
                        p.when { (view.moments.exact(entry.at)) " · " (words.duty_book_number()) " " (entry.number) }
                    }
                }
            } }
        }
    }
}

/// The closed alert with the same key before this one.
pub(crate) fn previous(view: &View, people: &People, shown: &AlertPage) -> Markup {
    let words = view.words;
    html! {
        section.card {
            header { h2 { (words.previous_alert()) }
                @if let Some(previous) = &shown.previous { a.end href={ "/alerts/" (previous.id) } { (words.open()) } } }
            div.body {
                @match &shown.previous {
                    Some(previous) => (verdict(view, people, &previous.state)),
                    None => p.muted { (words.previous_none()) }
                }
                p { a href={ "/queue" (addresses::query(&[("state", "closed"), ("rule", &shown.alert.key.rule)])) } { (words.rule_alerts()) } }
            }
        }
    }
}
