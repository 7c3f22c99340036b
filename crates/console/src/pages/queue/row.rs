//! One alert in the queue.

use maud::{Markup, html};
use model::{Alert, AlertState};

use super::summary::waits_too_long;
use crate::{frame::View, marks, people::People, text::visible};

/// The row: pick, level, what and about whom, how often, when, and who has it.
pub(crate) fn row(view: &View, people: &People, alert: &Alert, pickable: bool) -> Markup {
    let words = view.words;
    let id = alert.id;
    html! {
        li.alert {
            @if pickable {
                label.pick {
                    input type="checkbox" name="alert" value={ (id) ":" (alert.revision) } form="queue-form"
                        aria-label={ (words.select_alert()) " " (visible(view.rule_title(&alert.rule))) };
                }
            } @else { span.pick {} }
            (marks::level(words, alert.rule.level))
            div.what {
                a.title id={ "t-" (id) } href={ "/alerts/" (id) } { (visible(view.rule_title(&alert.rule))) }
                div.about {
                    @if alert.key.exercise { (marks::exercise(words)) }
                    span.entity title=(words.entity_kind(alert.key.entity.kind)) { (visible(&alert.key.entity.name)) }
                    @if let Some(host) = alert.host.as_ref().filter(|host| **host != alert.key.entity.name) {
                        span { (visible(host)) }
                    }
                    span.summary { (visible(&alert.summary)) }
                }
            }
            div.times.tally {
                strong { (words.number(alert.detections)) } span.muted { "×" }
                @if alert.hidden > 0 { small { (words.hidden_detections(alert.hidden)) } }
            }
            div.times { span.moment { (view.moments.relative(alert.last_seen)) small { (view.moments.absolute(alert.last_seen)) } } }
            (who(view, people, alert))
        }
    }
}

fn who(view: &View, people: &People, alert: &Alert) -> Markup {
    let words = view.words;
    html! {
        div.who {
            @match &alert.state {
                AlertState::New => {
                    (marks::alert_state(words, &alert.state))
                    span.name.wait-long[waits_too_long(alert, view.moments.now)] {
                        @if let Some(assignee) = alert.assignee { (people.name(assignee)) " · " }
                        (words.waiting_for()) " " (view.moments.waiting(alert.opened_at))
                    }
                }
                AlertState::Acknowledged { at, by } => {
                    (marks::alert_state(words, &alert.state)) small { " · " (view.moments.relative(*at)) }
                    span.name { (people.name(alert.assignee.unwrap_or(*by))) }
                }
                AlertState::Closed { at, disposition, .. } => {
                    (marks::alert_state(words, &alert.state)) small { " · " (view.moments.relative(*at)) }
                    span.name { (words.disposition(*disposition)) }
                }
            }
        }
    }
}
