//! `GET /incidents/{id}`: everything about one incident on one page.

use axum::extract::{Path, RawQuery, State};
use ledger::{Ledger, NounFilter, Page, PageAt, Person, ReadError};
use maud::{Markup, html};
use model::{Deadline, HistoryItem, Id, Incident, IncidentState, Report, Scope, TimelineEntry};
use operations::{incidents::propose, response::PlanRun};

use super::{head, response, side, timeline};
use crate::{
    desk::Desk,
    form::Form,
    frame::{self, Place, View},
    guard::Visit,
    incidents::{self, Restoring, Whole},
    people::People,
    trouble::Trouble,
};

/// What the page shows.
pub(crate) struct Shown {
    pub(crate) whole: Whole,
    pub(crate) lines: Page<TimelineEntry>,
    pub(crate) only_malicious: bool,
    pub(crate) deadlines: Vec<Deadline>,
    pub(crate) reports: Vec<Report>,
    /// Newest first.
    pub(crate) history: Vec<HistoryItem>,
    pub(crate) people: Vec<Person>,
    pub(crate) restoring: Restoring,
    /// Runs of plans that were started for it.
    pub(crate) runs: Vec<PlanRun>,
    /// The number of the incident that this one goes on as part of.
    pub(crate) merged_into: Option<String>,
    /// Other open incidents, that this one may take in.
    pub(crate) others: Vec<Incident>,
}

impl Shown {
    /// Lines of the timeline on a page.
    const LINES_MAX: usize = 100;
}

/// Answers with the page; `after` in the address turns the timeline's page, `lines=malicious` shows only the attacker's.
pub(crate) async fn get(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Markup, Trouble> {
    let id: Id<Incident> = id.parse().map_err(|_| Trouble::NotFound)?;
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    let cursor = form.one("after").map(str::to_owned);
    let only_malicious = form.one("lines") == Some("malicious");
    let Visit { view, scope, .. } = visit;
    let now = desk.now();
    let shown = desk
        .read(move |ledger| {
            let Some(whole) = incidents::whole(ledger, &scope, id)? else {
                return Ok(None);
            };
            let states: &[&str] = if only_malicious { &["malicious"] } else { &[] };
            let at = PageAt {
                cursor: cursor.as_deref(),
                limit: Shown::LINES_MAX,
            };
            let lines = incidents::timeline(ledger, &scope, &whole.members, states, at)?;
            let merged_into = match &whole.root().state {
                IncidentState::Merged { into, .. } => ledger.kept::<Incident>(&scope, &into.to_string())?,
                IncidentState::Reported(_)
                | IncidentState::Confirmed(_)
                | IncidentState::Contained(_)
                | IncidentState::Eradicated(_)
                | IncidentState::Recovered(_)
                | IncidentState::Closed { .. } => None,
            };
            let mut others = incidents::open_incidents(ledger, &scope)?;
            others.retain(|other| other.id != id && other.exercise == whole.root().exercise);
            let wanted = whole
                .members
                .iter()
                .flat_map(|member| member.services.iter().cloned())
                .collect();
            Ok(Some(Shown {
                restoring: incidents::restoring(ledger, &scope, (&wanted, false), now)?,
                deadlines: ledger.all_kept(&scope, &NounFilter::of_parent(&incidents::matter(whole.root())))?,
                reports: ledger.reports_sent_about(&scope, &model::About::Incident { incident: id })?,
                runs: runs(ledger, &scope, &whole)?,
                history: ledger.kept_history::<Incident>(&scope, &id.to_string())?,
                people: ledger.people(&scope)?,
                merged_into: merged_into.map(|incident| incident.number),
                others,
                lines,
                only_malicious,
                whole,
            }))
        })
        .await?
        .ok_or(Trouble::NotFound)?;
    let catalogue = desk.state.catalogue.borrow().clone();
    let day = desk.now().to_zoned_datetime(view.moments.zone.clone()).date();
    let proposal = propose(shown.whole.root(), &catalogue.incidents, day);
    Ok(render(&view, &shown, &proposal))
}

/// The runs of an incident and of those that go on as part of it, the newest first.
fn runs(ledger: &Ledger, scope: &Scope, whole: &Whole) -> Result<Vec<PlanRun>, ReadError> {
    let mut runs: Vec<PlanRun> = Vec::new();
    for member in &whole.members {
        runs.extend(ledger.all_kept::<PlanRun>(scope, &NounFilter::of_owner(&member.number))?);
    }
    runs.retain(|run| run.part_of.is_none());
    runs.sort_by_key(|run| std::cmp::Reverse(run.started_at));
    Ok(runs)
}

/// The page.
pub(crate) fn render(view: &View, shown: &Shown, proposal: &operations::incidents::Proposal<'_>) -> Markup {
    let people = People::new(&shown.people);
    let incident = shown.whole.root();
    let content = html! {
        div data-live="incident-head" { (head::render(view, &people, shown, proposal)) }
        div.columns.incident {
            div.stack { (timeline::render(view, &people, shown)) (side::notes(view, &people, shown)) (side::history(view, &people, shown)) }
            div.stack {
                (side::advance(view, shown))
                (side::criteria(view, shown, proposal))
                (response::card(view, shown))
                (side::tasks(view, &people, shown, false))
                (side::assets(view, shown))
                (side::observables(view, shown))
                (side::alerts(view, shown))
                (side::evidence(view, shown))
                (side::restore(view, shown))
                (side::tasks(view, &people, shown, true))
                (side::reports(view, shown))
                (side::joining(view, shown))
            }
        }
    };
    frame::page(view, Place::Incidents, &incident.title, &content)
}
