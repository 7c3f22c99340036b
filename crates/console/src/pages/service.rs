//! `GET /services`: the catalogue in restore order, how each service stands, and how its RTO runs.

use std::collections::BTreeSet;

use axum::extract::State;
use maud::{Markup, html};
use model::{Incident, Service, Timestamp};
use operations::recovery::Standing;

use crate::{
    desk::Desk,
    frame::{self, Place, View},
    guard::Visit,
    incidents::{self, Restoring},
    text::visible,
    trouble::Trouble,
};

/// Answers with the catalogue.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>) -> Result<Markup, Trouble> {
    let Visit { view, scope, .. } = visit;
    let now = desk.now();
    let restoring = desk
        .read(move |ledger| incidents::restoring(ledger, &scope, (&BTreeSet::new(), true), now))
        .await?;
    let words = view.words;
    let content = html! {
        div.page-head { h1 { (words.services_title()) } p.lead { (words.services_lead()) } }
        section.card data-live="services" {
            @if restoring.services.is_empty() { div.empty { strong { (words.services_none()) } } }
            @else { (rows(&view, &restoring, None)) }
        }
    };
    Ok(frame::page(&view, Place::Incidents, words.services_title(), &content))
}

/// The services of an incident, or of the catalogue.
pub(crate) fn rows(view: &View, restoring: &Restoring, incident: Option<&Incident>) -> Markup {
    let words = view.words;
    html! {
        @if let Some(circle) = &restoring.circle { p.body.bad-number { (visible(circle)) } }
        ol.items { @for (n, (service, standing)) in restoring.services.iter().enumerate() { li {
            p { span.muted { (n + 1) ". " } strong { (visible(&service.name)) } " " (shown(view, standing)) }
            p.muted { @if !service.needs.is_empty() { (words.service_needs()) ": " (visible(&service.needs.join(", "))) " · " }
                (targets(service)) @if !service.owner.is_empty() { " · " (visible(&service.owner)) } }
            (clock(view, service, standing, incident))
            @if !service.restore.is_empty() { p { (visible(&service.restore)) } }
        } }
        @for key in &restoring.unknown { li { p { (visible(key)) " " span.badge.badge-warn { (words.service_not_in_catalogue()) } } } } }
    }
}

/// RTO and RPO.
fn targets(service: &Service) -> String {
    let minutes = |minutes: Option<u32>| minutes.map_or_else(|| "–".to_owned(), |minutes| format!("{minutes} min"));
    format!(
        "RTO {} · RPO {}",
        minutes(service.rto_minutes),
        minutes(service.rpo_minutes)
    )
}

fn shown(view: &View, standing: &Standing) -> Markup {
    let words = view.words;
    html! { @match standing {
        Standing::Works => span.badge.badge-good { (words.service_works()) },
        Standing::Unknown => span.badge.badge-warn { (words.service_unknown()) },
        Standing::Cause { why, .. } => { span.badge.badge-bad { (words.service_cause()) } " " small { (visible(why)) } },
        Standing::Follows { causes } => { span.badge.badge-bad { (words.service_follows()) " " (visible(&causes.join(", "))) } },
    } }
}

/// The RTO, running since the service is down, or in an incident since that was detected until the services worked again.
fn clock(view: &View, service: &Service, standing: &Standing, incident: Option<&Incident>) -> Markup {
    let words = view.words;
    let down_since: Option<Timestamp> = match standing {
        Standing::Cause { since, .. } => Some(*since),
        Standing::Works | Standing::Unknown | Standing::Follows { .. } => None,
    };
    let of_incident = incident
        .filter(|incident| incident.marks.recovered.is_none())
        .map(|incident| incident.detected_at);
    let since = of_incident.or(down_since);
    let due = since.zip(service.rto_minutes).and_then(|(since, minutes)| {
        since
            .checked_add(jiff::SignedDuration::from_mins(i64::from(minutes)))
            .ok()
    });
    html! { @if let Some(due) = due {
        @if view.moments.seconds_since(due) > 0 { p.bad-number { (words.service_rto_over()) " " (view.moments.relative(due)) } }
        @else { p { (words.service_rto()) " " strong { (view.moments.relative(due)) } } }
    } }
}
