//! Why a rule fired, and the event that made it fire, with the matched bytes marked.

use maud::{Markup, html};
use model::{AlertOrigin, Detection, EntityColumn, Event, FoundBy, MatchedField, Value};

use super::show::AlertPage;
use crate::{
    frame::View,
    text::{marked, visible},
};

/// Longest raw record on a page in bytes; the rest is in the store.
const RAW_BYTES_MAX: usize = 64 * 1024;

/// Selection, field, what was wanted and what was found.
pub(crate) fn why(view: &View, shown: &AlertPage) -> Markup {
    let words = view.words;
    let detection = shown.chosen().map(|gathered| &gathered.detection);
    html! {
        section.card {
            header { h2 { (words.why_fired()) }
                @if detection.is_some_and(|detection| detection.found_by == FoundBy::LookBack) { span.badge { (words.look_back()) } } }
            div.body {
                @match detection {
                    Some(detection) if !detection.matched.is_empty() => ol.why { @for matched in &detection.matched { (reason(view, matched)) } },
                    Some(_) | None => p {
                        @if shown.alert.origin == AlertOrigin::Post { (words.why_post()) } @else { (visible(&shown.alert.summary)) }
                    }
                }
            }
        }
    }
}

fn reason(view: &View, matched: &MatchedField) -> Markup {
    let words = view.words;
    html! {
        li {
            p.rule-part {
                (words.selection()) " " code { (visible(&matched.selection)) } " · "
                @if matched.field.is_empty() { (words.keyword()) } @else { code { strong { (visible(&matched.field)) } } }
                " · " (words.wanted()) " " code { (visible(&matched.wanted)) }
            }
            p.value { (marked(&matched.value, matched.span.as_slice())) }
        }
    }
}

/// The event: key facts, all fields with the matching ones marked, problems, the raw record.
pub(crate) fn event(view: &View, shown: &AlertPage) -> Markup {
    let words = view.words;
    let Some(event) = &shown.event else {
        return html! { section.card { header { h2 { (words.evidence()) } } div.body { p.muted { (words.evidence_gone()) } } } };
    };
    let detection = shown.chosen().map(|gathered| &gathered.detection);
    html! {
        section.card {
            header { h2 { (words.evidence()) }
                span.muted { (view.moments.exact(event.happened_at)) }
                @if event.exercise { (crate::marks::exercise(words)) }
            }
            div.body { (facts(view, event)) }
            table.fields {
                caption.visually-hidden { (words.fields()) }
                tbody {
                    @for field in &event.fields {
                        @let matches = hits(detection, &field.name);
                        tr.is-hit[!matches.is_empty()] { th scope="row" { (visible(&field.name)) } td { (value(&field.value, &matches)) } }
                    }
                }
            }
        }
        details.card #raw-record {
            summary { (words.raw_record()) }
            pre.raw tabindex="0" role="region" aria-label=(words.raw_record()) { (visible(&String::from_utf8_lossy(&event.raw[..event.raw.len().min(RAW_BYTES_MAX)]))) }
        }
    }
}

fn facts(view: &View, event: &Event) -> Markup {
    let words = view.words;
    html! {
        dl.facts {
            @for column in EntityColumn::ALL {
                @if let Some(value) = event.entities.get(*column) { dt { code { (column.ecs_name()) } } dd { (visible(&value.to_string())) } }
            }
            dt { (words.received()) } dd { (view.moments.exact(event.received_at)) }
            dt { (words.format()) } dd { (visible(&event.format)) }
            dt { (words.event_number()) } dd { (event.seq) }
            @if !event.problems.is_empty() {
                dt { (words.problems()) } dd { ul { @for problem in &event.problems { li { (words.problem_kind(problem.kind)) ": " (visible(&problem.detail)) } } } }
            }
        }
    }
}

fn hits<'a>(detection: Option<&'a Detection>, field: &str) -> Vec<&'a MatchedField> {
    detection.map_or_else(Vec::new, |detection| {
        detection
            .matched
            .iter()
            .filter(|matched| matched.field == field)
            .collect()
    })
}

/// A field's value; the spans of a match are marked where the value is the one that was matched.
fn value(value: &Value, matches: &[&MatchedField]) -> Markup {
    match value {
        Value::Null => html! { span.muted { "null" } },
        Value::Bool(truth) => html! { (truth) },
        Value::Int(number) => html! { (number) },
        Value::Uint(number) => html! { (number) },
        Value::Float(number) => html! { (number) },
        Value::Text(text) => {
            let spans: Vec<(u32, u32)> = matches
                .iter()
                .filter(|matched| text.starts_with(matched.value.as_str()))
                .filter_map(|matched| matched.span)
                .collect();
            marked(text, &spans)
        }
        Value::List(values) => html! { ul { @for element in values { li { (self::value(element, matches)) } } } },
    }
}
