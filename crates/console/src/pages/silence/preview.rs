//! What a silence would have hidden, had it been in force from the beginning.

use maud::{Markup, html};
use model::Alert;
use operations::silences::Preview;

use crate::{frame::View, marks, text::visible};

/// The answer of a trial run over the detections that are kept.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Trial {
    pub(crate) preview: Preview,
    /// Whether older detections exist that were not looked at.
    pub(crate) cut: bool,
    /// The open alerts they belong to, and how many of each alert's kept detections fit, most first.
    pub(crate) alerts: Vec<(Alert, u64)>,
    /// The hosts they happened on, most first.
    pub(crate) hosts: Vec<(String, u64)>,
}

impl Trial {
    /// Alerts and hosts that are named.
    pub(crate) const NAMED_MAX: usize = 12;
}

/// The preview beside the form; `None` while no scope is given.
pub(crate) fn render(view: &View, trial: Option<&Trial>) -> Markup {
    let words = view.words;
    let Some(Trial {
        preview,
        cut,
        alerts,
        hosts,
    }) = trial
    else {
        return html! { p.muted { (words.preview_wait()) } };
    };
    html! {
        p.figure { (words.would_have_hidden(preview.hidden, preview.looked_at)) }
        (meter(preview))
        @if *cut { p.muted { (words.looked_at_most(preview.looked_at)) } }
        @if preview.unsure > 0 { p.notice { (words.preview_unsure(preview.unsure)) } }
        @if preview.hidden == 0 { p { (words.preview_nothing()) } }
        @if !alerts.is_empty() {
            h3 { (words.preview_alerts()) }
            ul.stack { @for (alert, hidden) in alerts.iter().take(Trial::NAMED_MAX) {
                li {
                    (marks::level(words, alert.rule.level)) " " a href={ "/alerts/" (alert.id) } { (visible(view.rule_title(&alert.rule))) }
                    br; small { (visible(&alert.key.entity.name)) " · " (words.times(*hidden)) @if *hidden >= alert.detections { " · " (words.preview_whole_alerts()) } }
                }
            } }
        }
        @if !hosts.is_empty() {
            h3 { (words.preview_hosts()) }
            p.chips { @for (host, hidden) in hosts.iter().take(Trial::NAMED_MAX) { span.chip { (visible(host)) " × " (words.number(*hidden)) } } }
        }
    }
}

fn meter(preview: &Preview) -> Markup {
    let share = preview
        .hidden
        .saturating_mul(1000)
        .checked_div(preview.looked_at)
        .unwrap_or(0);
    html! {
        svg.meter viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            rect.whole width="1000" height="8" {} rect.part width=(share) height="8" {}
        }
    }
}
