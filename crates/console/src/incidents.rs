//! Work on incidents, alike for pages and API: what an incident and all that it took in hold, and steps with them.

mod follow;

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use ledger::{Ledger, NounFilter, Page, PageAt, ReadError};
use model::{
    Alert, AlertLink, Deadline, Decision, Entropy, Evidence, Id, Incident, IncidentCounter, IncidentNote, IncidentTask,
    Kept, Observable, Outcome, Rejected, Scope, Service, ServiceLook, TaskState, TimelineEntry, Timestamp,
};
use operations::{
    Step, deadlines,
    incidents::{self, Advance, Chosen, Draft, Links, NextStep, Numbering, Opened, Pair, next_step},
    recovery::{self, Look, Standing},
};

pub(crate) use follow::follow;
pub use follow::{FollowError, follow_alerts};

use crate::{
    desk::{Desk, anew},
    form::named,
    secrets,
    trouble::Trouble,
};

/// Everything that hangs on an incident and on what it took in, but for the timeline, which is read by pages.
#[derive(Debug, Clone)]
pub(crate) struct Whole {
    /// The incident, and those that it took in.
    pub(crate) members: Vec<Incident>,
    pub(crate) links: Vec<AlertLink>,
    pub(crate) alerts: Vec<Alert>,
    pub(crate) observables: Vec<Observable>,
    pub(crate) tasks: Vec<IncidentTask>,
    pub(crate) notes: Vec<IncidentNote>,
    pub(crate) evidence: Vec<Evidence>,
    /// How many lines the timeline has.
    pub(crate) lines: u64,
    /// The first thing that the attacker did.
    pub(crate) first_malicious: Option<TimelineEntry>,
}

impl Whole {
    /// The incident itself.
    pub(crate) fn root(&self) -> &Incident {
        &self.members[0]
    }
}

/// Reads an incident with what it took in; none when it is not there.
pub(crate) fn family(ledger: &Ledger, scope: &Scope, id: Id<Incident>) -> Result<Option<Vec<Incident>>, ReadError> {
    let Some(root) = ledger.kept::<Incident>(scope, &id.to_string())? else {
        return Ok(None);
    };
    incidents::family(&root, |id| ledger.kept(scope, &id.to_string())).map(Some)
}

/// Reads an incident with all that hangs on it; none when it is not there.
pub(crate) fn whole(ledger: &Ledger, scope: &Scope, id: Id<Incident>) -> Result<Option<Whole>, ReadError> {
    let Some(members) = family(ledger, scope, id)? else {
        return Ok(None);
    };
    let links: Vec<AlertLink> = of_all(ledger, scope, &members)?;
    let mut alerts = Vec::with_capacity(links.len());
    for link in &links {
        alerts.extend(ledger.alert(scope, link.alert)?);
    }
    let mut counted = 0;
    let mut first_malicious: Option<TimelineEntry> = None;
    for member in &members {
        counted += ledger.count_kept::<TimelineEntry>(scope, &NounFilter::of_parent(&member.key()))?;
        let malicious = NounFilter {
            states: vec!["malicious".to_owned()],
            ..NounFilter::of_parent(&member.key())
        };
        let first = ledger.first_kept::<TimelineEntry>(scope, &malicious)?;
        first_malicious = first_malicious.into_iter().chain(first).min_by_key(|entry| entry.id);
    }
    Ok(Some(Whole {
        observables: of_all(ledger, scope, &members)?,
        tasks: of_all(ledger, scope, &members)?,
        notes: of_all(ledger, scope, &members)?,
        evidence: of_all(ledger, scope, &members)?,
        members,
        links,
        alerts,
        lines: counted,
        first_malicious,
    }))
}

fn of_all<T: Kept>(ledger: &Ledger, scope: &Scope, members: &[Incident]) -> Result<Vec<T>, ReadError> {
    let mut found = Vec::new();
    for member in members {
        found.extend(ledger.all_kept(scope, &NounFilter::of_parent(&member.key()))?);
    }
    Ok(found)
}

/// A page of the timeline, newest first; `states` as [`TimelineEntry`] is found by, all when there are none.
pub(crate) fn timeline(
    ledger: &Ledger,
    scope: &Scope,
    members: &[Incident],
    states: &[&str],
    at: PageAt<'_>,
) -> Result<Page<TimelineEntry>, ReadError> {
    let mut items = Vec::new();
    let mut more = false;
    for member in members {
        let filter = NounFilter {
            states: states.iter().map(|state| (*state).to_owned()).collect(),
            ..NounFilter::of_parent(&member.key())
        };
        // The same cursor fits each of them: keys are born when things happened.
        let page = ledger.kept_page::<TimelineEntry>(scope, &filter, at)?;
        more |= page.next.is_some();
        items.extend(page.items);
    }
    items.sort_by_key(|entry| std::cmp::Reverse(entry.id));
    more |= items.len() > at.limit;
    items.truncate(at.limit);
    let next = items.last().filter(|_| more).map(Kept::key);
    Ok(Page { items, next })
}

/// The incidents in which somebody must do something.
pub(crate) fn open_incidents(ledger: &Ledger, scope: &Scope) -> Result<Vec<Incident>, ReadError> {
    let filter = NounFilter {
        states: model::IncidentState::OPEN.map(str::to_owned).to_vec(),
        ..NounFilter::default()
    };
    ledger.all_kept(scope, &filter)
}

/// What an incident needs next, as its page says it.
pub(crate) fn next_of(
    ledger: &Ledger,
    scope: &Scope,
    incident: &Incident,
    now: Timestamp,
) -> Result<Option<NextStep>, ReadError> {
    let tasks: Vec<IncidentTask> = ledger.all_kept(scope, &NounFilter::of_parent(&incident.key()))?;
    let services = restoring(ledger, scope, (&incident.services, false), now)?.services;
    Ok(next_step(incident, open_tasks(&tasks), services_down(&services)))
}

/// The tasks that are open, without lessons.
pub(crate) fn open_tasks(tasks: &[IncidentTask]) -> usize {
    let is_open = |task: &&IncidentTask| task.state == TaskState::Open && !task.lesson;
    tasks.iter().filter(is_open).count()
}

/// The services that do not work.
pub(crate) fn services_down(services: &[(Service, Standing)]) -> usize {
    let is_down = |standing: &Standing| matches!(standing, Standing::Cause { .. } | Standing::Follows { .. });
    services.iter().filter(|(_, standing)| is_down(standing)).count()
}

/// How the services of an incident stand, in the order in which they are restored, with what they need.
pub(crate) struct Restoring {
    /// The services and how they stand.
    pub(crate) services: Vec<(Service, Standing)>,
    /// What keeps an order from being made.
    pub(crate) circle: Option<String>,
    /// The keys of wanted services that are not in the catalogue.
    pub(crate) unknown: Vec<String>,
}

/// Reads how services stand: those that `wanted` names by their keys, or all.
pub(crate) fn restoring(
    ledger: &Ledger,
    scope: &Scope,
    (wanted, all): (&BTreeSet<String>, bool),
    now: Timestamp,
) -> Result<Restoring, ReadError> {
    let services: Vec<Service> = ledger.all_kept(scope, &NounFilter::in_state("run"))?;
    let services: BTreeMap<String, Service> = services.into_iter().map(|one| (one.key.clone(), one)).collect();
    let looks: Vec<ServiceLook> = ledger.all_kept(scope, &NounFilter::default())?;
    let looks: BTreeMap<String, Look> = looks
        .iter()
        .filter_map(|kept| Some((kept.service.clone(), Look::of_kept(kept, now)?)))
        .collect();
    let mut standings = recovery::standings(&services, &looks);
    let everything: BTreeSet<String> = services.keys().cloned().collect();
    let wanted = if all { &everything } else { wanted };
    let (order, circle) = match recovery::restore_order(&services, wanted) {
        Ok(order) => (order, None),
        Err(circle) => (
            services.values().filter(|one| wanted.contains(&one.key)).collect(),
            Some(circle.to_string()),
        ),
    };
    Ok(Restoring {
        unknown: wanted
            .iter()
            .filter(|key| !services.contains_key(*key))
            .cloned()
            .collect(),
        services: order
            .into_iter()
            .map(|one| (one.clone(), standings.remove(&one.key).unwrap_or(Standing::Unknown)))
            .collect(),
        circle,
    })
}

/// The incident that an alert belongs to.
pub(crate) fn of_alert(ledger: &Ledger, scope: &Scope, alert: Id<Alert>) -> Result<Option<Incident>, ReadError> {
    let link: Option<AlertLink> = ledger.kept(scope, &alert.to_string())?;
    match link.and_then(|link| link.incident) {
        Some(incident) => ledger.kept(scope, &incident.to_string()),
        None => Ok(None),
    }
}

/// What deadlines of an incident are about.
pub(crate) fn matter(incident: &Incident) -> String {
    format!("incident:{}", incident.number)
}

/// Starts the clocks that the plan proposes and that do not run yet.
pub(crate) async fn start_clocks(desk: &Desk, scope: &Scope, id: Id<Incident>) -> Result<(), Trouble> {
    let (scope, at, zone) = (scope.clone(), desk.now(), desk.state.config.zone());
    let entropy = secrets::entropy(desk.state.randomness.as_ref());
    let content = desk.state.catalogue.borrow().clone();
    desk.state
        .ledger
        .off_thread(move |ledger| {
            let Some(incident) = ledger.kept::<Incident>(&scope, &id.to_string())? else {
                return Ok(());
            };
            let matter = matter(&incident);
            let running: Vec<Deadline> = ledger.all_kept(&scope, &NounFilter::of_parent(&matter))?;
            let mut by_start: BTreeMap<Timestamp, Vec<&deadlines::Rule>> = BTreeMap::new();
            let day = at.to_zoned_datetime(zone.clone()).date();
            for clock in incidents::propose(&incident, &content.incidents, day).clocks {
                let known = running.iter().any(|deadline| deadline.rule == clock.rule.deadline);
                let rule = content.deadlines.iter().find(|rule| rule.id == clock.rule.deadline);
                if let (Some(starts_at), Some(rule), false, false) = (clock.starts_at, rule, known, clock.uncertain) {
                    by_start.entry(starts_at).or_default().push(rule);
                }
            }
            let working = |day| content.calendar.is_working(day);
            let reckoning = deadlines::Reckoning {
                zone: &zone,
                working: &working,
            };
            for (n, (starts_at, rules)) in by_start.into_iter().enumerate() {
                let start = deadlines::Start {
                    rules: &rules,
                    matter: &matter,
                    at: starts_at,
                    owner: incident.owner,
                };
                let entropy = Entropy((u128::from_be_bytes(entropy.0) ^ ((n as u128 + 1) << 100)).to_be_bytes());
                ledger.apply(&deadlines::start(
                    start,
                    reckoning,
                    Step { scope: &scope, at },
                    entropy,
                )?)?;
            }
            Ok(())
        })
        .await
}

/// What a step needs besides the incident.
pub(crate) struct Ground<'a> {
    pub(crate) ledger: &'a Ledger,
    pub(crate) step: Step<'a>,
    pub(crate) entropy: Entropy,
}

/// Takes a step with an incident; `seen` is the revision that the person had before them. When the post was faster the step
/// is decided anew; when a person was, they are told.
pub(crate) async fn change(
    desk: &Desk,
    scope: &Scope,
    (id, seen): (Id<Incident>, Option<u64>),
    decide: impl Fn(&Incident, &Ground<'_>) -> Result<Decision, Trouble> + Clone + Send + 'static,
) -> Result<(), Trouble> {
    let attempt = || {
        let (scope, decide, at) = (scope.clone(), decide.clone(), desk.now());
        let entropy = secrets::entropy(desk.state.randomness.as_ref());
        desk.state.ledger.off_thread(move |ledger| {
            let incident: Incident = ledger.kept(&scope, &id.to_string())?.ok_or(Trouble::NotFound)?;
            if seen.is_some_and(|seen| seen != incident.revision) {
                return Err(Trouble::Outdated);
            }
            let ground = Ground {
                ledger,
                step: Step { scope: &scope, at },
                entropy,
            };
            let decision = decide(&incident, &ground)?;
            ledger.apply(&decision)?;
            Ok(())
        })
    };
    match seen {
        Some(_) => attempt().await,
        None => anew(attempt).await,
    }
}

/// Opens an incident, with alerts or without, and brings in what they have seen.
pub(crate) async fn open(
    desk: &Desk,
    scope: &Scope,
    draft: Draft,
    alerts: Vec<Id<Alert>>,
) -> Result<Incident, Trouble> {
    if alerts.len() > incidents::ALERTS_MAX {
        return Err(Trouble::TooLarge);
    }
    // Another incident may be opened in the same moment and take the number.
    anew(|| {
        let (scope, draft, alerts, at) = (scope.clone(), draft.clone(), alerts.clone(), desk.now());
        let entropy = secrets::entropy(desk.state.randomness.as_ref());
        let zone = desk.state.config.zone();
        desk.state.ledger.off_thread(move |ledger| {
            let (alerts, standing) = alerts_of(ledger, &scope, &alerts)?;
            let links = Links {
                alerts: &alerts,
                standing: &standing,
            };
            let opened = with_number(ledger, (&scope, at, &zone), |numbering, step| {
                incidents::open(&draft, links, numbering, step, entropy)
            })?;
            follow(ledger, &[opened.incident.id], at)?;
            Ok(opened.incident)
        })
    })
    .await
}

/// Decides something that takes the next number of an incident, and commits it.
pub(crate) fn with_number(
    ledger: &Ledger,
    (scope, at, zone): (&Scope, Timestamp, &TimeZone),
    decide: impl FnOnce(Numbering<'_>, Step<'_>) -> Result<Opened, Rejected>,
) -> Result<Opened, Trouble> {
    let year = at.to_zoned_datetime(zone.clone()).year();
    let counter: Option<IncidentCounter> = ledger.kept(scope, &year.to_string())?;
    let numbering = Numbering {
        year,
        counter: counter.as_ref(),
    };
    let opened = decide(numbering, Step { scope, at })?;
    ledger.apply(&opened.decision)?;
    Ok(opened)
}

/// Alerts by their ids, with their links where they have any.
pub(crate) fn alerts_of(
    ledger: &Ledger,
    scope: &Scope,
    ids: &[Id<Alert>],
) -> Result<(Vec<Alert>, Vec<AlertLink>), Trouble> {
    let (mut alerts, mut links) = (Vec::new(), Vec::new());
    for id in ids {
        alerts.push(ledger.alert(scope, *id)?.ok_or(Trouble::NotFound)?);
        links.extend(ledger.kept::<AlertLink>(scope, &id.to_string())?);
    }
    Ok((alerts, links))
}

/// Lets one incident go on as part of another.
pub(crate) fn merge(
    ledger: &Ledger,
    target: &Incident,
    source: Id<Incident>,
    (why, step): (&str, Step<'_>),
) -> Result<Decision, Trouble> {
    let sources = family(ledger, step.scope, source)?.ok_or(Trouble::NotFound)?;
    let targets = family(ledger, step.scope, target.id)?.ok_or(Trouble::NotFound)?;
    let pair = Pair {
        target,
        target_family: targets.len(),
        source: &sources[0],
        source_family: sources.len(),
    };
    Ok(incidents::merge(pair, why, step)?)
}

/// Reads what is to be split off: things by their keys, and the timeline lines of the chosen alerts.
pub(crate) fn chosen(
    ledger: &Ledger,
    scope: &Scope,
    whole: &Whole,
    wanted: &BTreeMap<&str, Vec<String>>,
) -> Result<Chosen, ReadError> {
    let has = |kind: &str, key: &str| {
        wanted
            .get(kind)
            .is_some_and(|keys| keys.iter().any(|known| known == key))
    };
    let pick = |kind: &'static str| move |key: String| has(kind, &key);
    let (alert, observable) = (pick("alert"), pick("observable"));
    let (task, note, evidence) = (pick("task"), pick("note"), pick("evidence"));
    let links: Vec<AlertLink> = whole.links.iter().filter(|link| alert(link.key())).cloned().collect();
    let mut entries: Vec<TimelineEntry> = Vec::new();
    for key in wanted.get("entry").into_iter().flatten() {
        entries.extend(ledger.kept::<TimelineEntry>(scope, key)?);
    }
    if !links.is_empty() {
        let all: Vec<TimelineEntry> = of_all(ledger, scope, &whole.members)?;
        let of_chosen = |entry: &&TimelineEntry| match &entry.kind {
            model::EntryKind::Event { alert, .. } | model::EntryKind::Decision { alert, .. } => {
                alert.is_some_and(|alert| links.iter().any(|link| link.alert == alert))
            }
            model::EntryKind::Finding { .. } => false,
        };
        entries.extend(all.iter().filter(of_chosen).cloned());
    }
    Ok(Chosen {
        entries,
        observables: whole
            .observables
            .iter()
            .filter(|known| observable(known.key()))
            .cloned()
            .collect(),
        tasks: whole.tasks.iter().filter(|known| task(known.key())).cloned().collect(),
        notes: whole.notes.iter().filter(|known| note(known.key())).cloned().collect(),
        evidence: whole
            .evidence
            .iter()
            .filter(|known| evidence(known.key()))
            .cloned()
            .collect(),
        links,
    })
}

/// The step forward that goes by a short word (`contain`); closing has an outcome and a cause.
pub(crate) fn advance_of(word: &str, outcome: Option<&str>, cause: String) -> Result<Advance, Trouble> {
    Ok(match word {
        "confirm" => Advance::Confirm,
        "contain" => Advance::Contain,
        "eradicate" => Advance::Eradicate,
        "recover" => Advance::Recover,
        "reopen" => Advance::Reopen,
        "close" => Advance::Close {
            outcome: named(Outcome::ALL, Outcome::as_str, outcome)?,
            cause,
        },
        _ => return Err(Trouble::BadRequest),
    })
}
