//! `GET /incidents`: the open ones, what may be one, and those that were closed lately.

use axum::extract::State;
use ledger::{AlertFilter, NounFilter, PageAt};
use maud::{Markup, html};
use model::{AlertLink, Incident, Permission};
use operations::incidents::{Group, propose_groups};

use crate::{
    desk::Desk,
    frame::{self, Place, View},
    guard::Visit,
    incidents,
    marks::{self, Mark},
    people::People,
    text::visible,
    trouble::Trouble,
};

/// Alerts that are looked through for what may be an incident.
const ALERTS_MAX: usize = 500;
/// Proposals on the page.
const PROPOSED_MAX: usize = 8;
/// Closed incidents on the page.
const CLOSED_MAX: usize = 50;

/// Answers with the incidents.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>) -> Result<Markup, Trouble> {
    let Visit { view, scope, .. } = visit;
    let (open, closed, alerts, people) = desk
        .read(move |ledger| {
            let open = incidents::open_incidents(ledger, &scope)?;
            let closed =
                ledger.kept_page::<Incident>(&scope, &NounFilter::in_state("closed"), PageAt::first(CLOSED_MAX))?;
            let mut alerts = ledger
                .alerts(&scope, &AlertFilter::default(), PageAt::first(ALERTS_MAX))?
                .items;
            let mut free = Vec::with_capacity(alerts.len());
            for alert in alerts.drain(..) {
                let link: Option<AlertLink> = ledger.kept(&scope, &alert.id.to_string())?;
                if link.is_none_or(|link| link.incident.is_none()) {
                    free.push(alert);
                }
            }
            Ok((open, closed.items, free, ledger.people(&scope)?))
        })
        .await?;
    let mut groups = propose_groups(&alerts);
    groups.truncate(PROPOSED_MAX);
    Ok(render(&view, (&open, &closed), &groups, &People::new(&people)))
}

/// The page.
fn render(view: &View, (open, closed): (&[Incident], &[Incident]), groups: &[Group], people: &People) -> Markup {
    let words = view.words;
    let mut open: Vec<&Incident> = open.iter().collect();
    open.sort_by_key(|incident| (std::cmp::Reverse(incident.severity), incident.detected_at));
    let closed: Vec<&Incident> = closed.iter().collect();
    let content = html! {
        div.page-head { h1 { (words.incidents_title()) }
            span.end.actions {
                a.button.quiet href="/services" { (words.services_title()) }
                a.button.quiet href="/incidents/metrics" { (words.metrics_title()) }
                @if view.may(Permission::WorkAlerts) { a.button.primary href="/incidents/new" { (words.incident_new()) } }
            }
            p.lead { (words.incidents_lead()) } }
        div.stack data-live="incidents" {
            @if open.is_empty() { div.card { div.empty { (Mark::Check.draw()) strong { (words.incidents_none()) } } } }
            @else { (table(view, people, words.incidents_open(), &open)) }
            @if !groups.is_empty() { (proposals(view, groups)) }
            @if !closed.is_empty() { (table(view, people, words.incidents_closed(), &closed)) }
        }
    };
    frame::page(view, Place::Incidents, words.incidents_title(), &content)
}

fn table(view: &View, people: &People, title: &str, incidents: &[&Incident]) -> Markup {
    let words = view.words;
    html! {
        section.card {
            header { h2 { (title) } span.muted { (words.number(incidents.len() as u64)) } }
            div.scroll { table.stacked {
                thead { tr {
                    th scope="col" { (words.incident_number()) } th scope="col" { (words.incident_name()) }
                    th scope="col" { (words.incident_severity()) } th scope="col" { (words.incident_state()) }
                    th scope="col" { (words.incident_owner()) } th scope="col" { (words.incident_detected()) }
                } }
                tbody { @for incident in incidents { tr {
                    td data-label=(words.incident_number()) { a.nowrap href={ "/incidents/" (incident.id) } { (incident.number) } }
                    td data-label=(words.incident_name()) {
                        a.title href={ "/incidents/" (incident.id) } { strong { (visible(&incident.title)) } }
                        @if incident.exercise { " " (marks::exercise(words)) }
                        br; small { (words.kind_of_incident(incident.kind)) }
                    }
                    td data-label=(words.incident_severity()) { (marks::severity(words, incident.severity)) }
                    td data-label=(words.incident_state()) { (words.incident_state_word(incident.state.as_str()))
                        @if let Some(phase) = incident.state.phase() { br; small { (words.phase(phase)) } } }
                    td data-label=(words.incident_owner()) { @match incident.owner { Some(owner) => (people.name(owner)), None => span.warn-number { (words.incident_nobody()) } } }
                    td data-label=(words.incident_detected()) { (view.moments.both(incident.detected_at)) }
                } } }
            } }
        }
    }
}

fn proposals(view: &View, groups: &[Group]) -> Markup {
    let words = view.words;
    html! {
        section.card {
            header { h2 { (words.incidents_proposed()) } p.muted { (words.incidents_proposed_lead()) } }
            div.scroll { table.stacked {
                thead { tr {
                    th scope="col" { (words.level()) } th.num scope="col" { (words.incident_alerts()) } th scope="col" { (words.incident_shared()) }
                    th scope="col" { (words.incident_chain()) } th scope="col" { (words.incident_span()) } th scope="col" { span.visually-hidden { (words.actions()) } }
                } }
                tbody { @for group in groups { tr {
                    td data-label=(words.level()) { (marks::level(words, group.level)) @if group.exercise { br; (marks::exercise(words)) } }
                    td.num data-label=(words.incident_alerts()) { (words.number(group.alerts.len() as u64)) }
                    td data-label=(words.incident_shared()) { span.chips { @for (name, count) in group.shared.iter().take(5) { span.chip { (visible(name)) " ×" (count) } } } }
                    td data-label=(words.incident_chain()) { (group.tactics.join(" → ")) }
                    td data-label=(words.incident_span()) { (view.moments.short(group.from)) " – " (view.moments.short(group.to)) }
                    td.num {
                        @if view.may(Permission::WorkAlerts) {
                            form method="post" action="/incidents" {
                                @for alert in &group.alerts { input type="hidden" name="alert" value=(alert); }
                                button.button.small type="submit" { (words.incident_new()) }
                            }
                        }
                    }
                } } }
            } }
        }
    }
}
