//! The head of an alert: what it is, where it stands, what can be done; and its facts.

use maud::{Markup, html};
use model::{AlertOrigin, AlertState, Permission};
use operations::alerts::explain;

use super::show::AlertPage;
use crate::{addresses, frame::View, marks, pages::queue::list::disposition_name, people::People, text::visible};

/// Title, state and actions.
pub(crate) fn render(view: &View, people: &People, shown: &AlertPage) -> Markup {
    let (words, alert) = (view.words, &shown.alert);
    html! {
        header.alert-head {
            div.line {
                (marks::level(words, alert.rule.level))
                (marks::alert_state(words, &alert.state))
                @if alert.key.exercise { (marks::exercise(words)) }
                span { (words.times(alert.detections)) }
                @if alert.hidden > 0 { span { (words.hidden_detections(alert.hidden)) } }
                span { (words.last_seen()) " " (view.moments.relative(alert.last_seen)) }
            }
            h1 { (visible(view.rule_title(&alert.rule))) }
            p.line {
                span { (words.entity_kind(alert.key.entity.kind)) " " strong { (visible(&alert.key.entity.name)) } }
                @if let Some(host) = alert.host.as_ref().filter(|host| **host != alert.key.entity.name) {
                    span { (words.host()) " " strong { (visible(host)) } }
                }
            }
            p.summary { (visible(&alert.summary)) }
            @if let AlertState::Closed { disposition, reason, by, at, .. } = &alert.state {
                p.notice { span { strong { (words.disposition(*disposition)) } " · " (people.actor(words, by)) " · " (view.moments.exact(*at)) br; (reason) } }
            }
            (actions(view, shown))
        }
    }
}

fn actions(view: &View, shown: &AlertPage) -> Markup {
    let (words, alert) = (view.words, &shown.alert);
    let open = alert.state.is_open();
    let silence = addresses::query(&[
        ("rule", &alert.key.rule),
        ("entity_kind", kind_name(alert)),
        ("entity_name", &alert.key.entity.name),
    ]);
    html! {
        div.actions {
            @if view.may(Permission::WorkAlerts) {
                form #alert-form method="post" action="/alerts/acknowledge" data-in-place {
                    input type="hidden" name="alert" value={ (alert.id) ":" (alert.revision) };
                    input type="hidden" name="back" value={ "/alerts/" (alert.id) };
                    @if matches!(alert.state, AlertState::New) {
                        button.button.primary type="submit" data-key="a" { (words.acknowledge()) " " kbd aria-hidden="true" { "a" } }
                    }
                    @if matches!(alert.state, AlertState::Acknowledged { .. }) {
                        button.button type="submit" formaction="/alerts/unacknowledge" { (words.unacknowledge()) }
                    }
                    @if open {
                        button.button type="button" data-dialog="close-dialog" { (words.close()) "… " kbd aria-hidden="true" { "c" } }
                    } @else {
                        button.button type="submit" formaction="/alerts/reopen" { (words.reopen()) }
                    }
                    @if open {
                        select name="assignee" aria-label=(words.assign_to()) {
                            option value="" { (words.unassign()) }
                            @for user in shown.people.iter().filter(|user| user.enabled && user.role.allows(Permission::WorkAlerts)) {
                                option value=(user.id) selected[alert.assignee == Some(user.id)] { (user.display_name) }
                            }
                        }
                        button.button type="submit" formaction="/alerts/assign" { (words.assign()) }
                    }
                }
            }
            @match &shown.incident {
                Some(incident) => { span { (words.incident_belongs_to()) " " a href={ "/incidents/" (incident.id) } { strong { (incident.number) } } } }
                None => { @if view.may(Permission::WorkAlerts) { (into_incident(view, shown)) } },
            }
            @if view.may(Permission::WriteSilences) { a.button.quiet href={ "/silences/new" (silence) } { (words.silence_this()) } }
        }
    }
}

fn into_incident(view: &View, shown: &AlertPage) -> Markup {
    let (words, alert) = (view.words, &shown.alert);
    html! {
        form method="post" action="/incidents" {
            input type="hidden" name="alert" value=(alert.id);
            button.button type="submit" { (words.incident_new()) }
        }
        @let open: Vec<_> = shown.open_incidents.iter().filter(|incident| incident.exercise == alert.key.exercise).collect();
        @if !open.is_empty() {
            form method="post" action="/incidents/link" {
                input type="hidden" name="alert" value=(alert.id);
                select name="incident" aria-label=(words.incident_put_into()) {
                    @for incident in open { option value=(incident.id) { (incident.number) " " (visible(&incident.title)) } }
                }
                button.button type="submit" { (words.incident_put_into()) }
            }
        }
    }
}

fn kind_name(alert: &model::Alert) -> &'static str {
    crate::pages::silence::form::kind_name(alert.key.entity.kind)
}

/// The facts beside the evidence.
pub(crate) fn facts(view: &View, people: &People, shown: &AlertPage) -> Markup {
    let (words, alert) = (view.words, &shown.alert);
    html! {
        section.card { div.body {
            dl.facts {
                dt { (words.assigned_to()) } dd { @match alert.assignee { Some(id) => (people.name(id)), None => span.muted { (words.unassigned()) } } }
                dt { (words.first_seen()) } dd { (view.moments.both(alert.first_seen)) }
                dt { (words.last_seen()) } dd { (view.moments.both(alert.last_seen)) }
                dt { (words.opened_at()) } dd { (view.moments.both(alert.opened_at)) }
                dt { (words.source()) } dd { a href={ "/sources/" (addresses::segment(alert.source.as_str())) } { (visible(alert.source.as_str())) } }
                @if alert.origin == AlertOrigin::Rule {
                    dt { (words.rule()) } dd {
                        // A list of indicators has no page of a rule.
                        @if alert.key.rule.starts_with("indicators/") { (visible(&alert.key.rule)) }
                        @else { a href={ "/rules/" (addresses::segment(&alert.key.rule)) } { (visible(&alert.key.rule)) } }
                    }
                }
                @if !alert.rule.tags.is_empty() {
                    dt { (words.tags()) } dd { span.chips { @for tag in &alert.rule.tags { span.chip { (visible(tag)) } } } }
                }
                @let why = explain(alert, view.moments.now, words.0);
                @if !why.is_empty() { dt { (words.why_urgent()) } dd { ul { @for reason in why { li { (reason) } } } } }
            }
        } }
    }
}

/// A closed alert in one line, for whoever meets the same again.
pub(crate) fn verdict(view: &View, people: &People, state: &AlertState) -> Markup {
    let words = view.words;
    html! {
        @match state {
            AlertState::Closed { at, by, disposition, reason, .. } => {
                p data-disposition=(disposition_name(*disposition)) { strong { (words.disposition(*disposition)) } " · " (people.actor(words, by)) " · " (view.moments.relative(*at)) }
                p { (reason) }
            }
            AlertState::New | AlertState::Acknowledged { .. } => p { (marks::alert_state(words, state)) }
        }
    }
}
