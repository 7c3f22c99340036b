//! `GET /alerts/{id}`: everything about one alert on one page.

use axum::extract::{Path, RawQuery, State};
use ledger::{KeptDetection, PageAt, Person};
use maud::{Markup, html};
use model::{Alert, Event, HistoryItem, Permission};

use super::{evidence, heading, story};
use crate::desk::Desk;
use crate::form::Form;
use crate::guard::Visit;
use crate::incidents;
use crate::toast;
use crate::trouble::Trouble;
use crate::{
    frame::{self, Place, View},
    pages::queue::list::close_dialog,
    people::People,
};
use jiff::SignedDuration;
use lake::EntityValue;
use lake::Filter;
use lake::Lake;
use model::EntityColumn;
use model::Id;
use model::Incident;
use model::Seq;

/// What the page shows.
pub(crate) struct AlertPage {
    pub(crate) alert: Alert,
    /// Newest first, at most [`AlertPage::DETECTIONS_MAX`].
    pub(crate) detections: Vec<KeptDetection>,
    /// Which of them is looked at.
    pub(crate) chosen: usize,
    /// The event of the chosen detection, while it is kept.
    pub(crate) event: Option<Event>,
    /// Events around it, oldest first.
    pub(crate) around: Vec<Event>,
    /// How many minutes before and after are looked at.
    pub(crate) minutes: u32,
    /// What was decided about the alert, newest first.
    pub(crate) history: Vec<HistoryItem>,
    pub(crate) previous: Option<Alert>,
    pub(crate) people: Vec<Person>,
    /// The incident that it belongs to.
    pub(crate) incident: Option<Incident>,
    /// Open incidents that it may be put into.
    pub(crate) open_incidents: Vec<Incident>,
}

impl AlertPage {
    /// Detections on the page; the alert counts them all.
    pub(crate) const DETECTIONS_MAX: usize = 50;
    /// Events around the evidence.
    pub(crate) const AROUND_MAX: usize = 60;
    /// The lengths of time around the evidence that are offered, in minutes.
    pub(crate) const MINUTES: [u32; 4] = [1, 5, 15, 60];

    pub(crate) fn chosen(&self) -> Option<&KeptDetection> {
        self.detections.get(self.chosen)
    }
}

/// Answers with the page of one alert; `event` in the address chooses a detection, `minutes` how much around it.
pub(crate) async fn get(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Markup, Trouble> {
    let id: Id<Alert> = id.parse().map_err(|_| Trouble::NotFound)?;
    let query = query.unwrap_or_default();
    let form = Form::parse(query.as_bytes());
    let Visit { mut view, scope, .. } = visit;
    view.toast = toast::of_query(view.words, &query, &format!("/alerts/{id}"));
    let event = form.one("event").and_then(|event| event.parse().ok());
    let minutes = form.one("minutes").and_then(|minutes| minutes.parse().ok());
    let known = desk
        .read(move |ledger| {
            let Some(alert) = ledger.alert(&scope, id)? else {
                return Ok(None);
            };
            let detections = ledger
                .detections(&scope, id, None, PageAt::first(AlertPage::DETECTIONS_MAX))?
                .items;
            let previous = alert.previous.map(|id| ledger.alert(&scope, id)).transpose()?.flatten();
            Ok(Some((
                alert,
                detections,
                previous,
                ledger.alert_history(&scope, id)?,
                ledger.people(&scope)?,
                incidents::of_alert(ledger, &scope, id)?,
                incidents::open_incidents(ledger, &scope)?,
            )))
        })
        .await?;
    let (alert, detections, previous, history, people, incident, open_incidents) = known.ok_or(Trouble::NotFound)?;
    let minutes = AlertPage::MINUTES
        .into_iter()
        .find(|offered| Some(*offered) == minutes)
        .unwrap_or(AlertPage::MINUTES[1]);
    let chosen = detections
        .iter()
        .position(|kept| Some(kept.detection.event) == event)
        .unwrap_or(0);
    let seq = detections
        .get(chosen)
        .map_or(alert.last_event, |kept| kept.detection.event);
    let (event, around) = desk.fetch(move |lake| surroundings(lake, seq, minutes)).await;
    let page = AlertPage {
        alert,
        detections,
        chosen,
        event,
        around,
        minutes,
        history,
        previous,
        people,
        incident,
        open_incidents,
    };
    Ok(render(&view, &page))
}

/// The event and what happened around it on the same host, or from the same source where no host is named.
fn surroundings(lake: &Lake, seq: Seq, minutes: u32) -> (Option<Event>, Vec<Event>) {
    let Some(event) = lake.get(seq).rows.into_iter().next() else {
        return (None, Vec::new());
    };
    let around = SignedDuration::from_mins(i64::from(minutes));
    let host = event.entities.host_name.clone();
    let filter = Filter {
        from: event.happened_at.checked_sub(around).ok(),
        before: event.happened_at.checked_add(around).ok(),
        source: host.is_none().then(|| event.source.clone()),
        entities: host
            .map(|host| (EntityColumn::HostName, EntityValue::Text(host)))
            .into_iter()
            .collect(),
        ..Filter::default()
    };
    let around = lake.around(&filter, event.happened_at, AlertPage::AROUND_MAX).rows;
    (Some(event), around)
}

/// The page.
pub(crate) fn render(view: &View, shown: &AlertPage) -> Markup {
    let words = view.words;
    let people = People::new(&shown.people);
    let alert = &shown.alert;
    let here = format!("/alerts/{}", alert.id);
    let picked = html! { input type="hidden" name="alert" value={ (alert.id) ":" (alert.revision) }; };
    let content = html! {
        div data-live="alert-head" { (heading::render(view, &people, shown)) }
        div.columns {
            div.stack {
                (evidence::why(view, shown))
                (evidence::event(view, shown))
                (story::around(view, shown))
            }
            div.stack {
                div data-live="facts" { (heading::facts(view, &people, shown)) }
                div data-live="history" { (story::history(view, &people, shown)) }
                div data-live="timeline" { (story::timeline(view, shown)) }
                (story::previous(view, &people, shown))
            }
        }
        @if view.may(Permission::WorkAlerts) { (close_dialog(words, &here, &picked)) }
    };
    frame::page(view, Place::Queue, view.rule_title(&alert.rule), &content)
}
