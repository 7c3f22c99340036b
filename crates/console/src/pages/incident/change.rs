//! `POST /incidents…`: opens incidents, and every step with one.

use std::collections::{BTreeMap, BTreeSet};

use axum::{
    extract::{Path, State},
    response::Redirect,
};
use jiff::tz::TimeZone;
use model::{
    AlertLink, AssetStanding, Decision, Hit, Id, Incident, IncidentKind, IncidentNote, IncidentOrigin, IncidentTask,
    Observable, ObservableKind, Phase, Severity, TimelineEntry,
};
use operations::incidents::{self as ops, Draft, Edit, Links, NewEntry, NewObservable, NewTask};

use super::form::moment_of;
use crate::{
    desk::Desk,
    form::{Form, named},
    guard::Visit,
    incidents::{self, Ground},
    secrets,
    trouble::Trouble,
};

/// Opens an incident: from chosen alerts (`alert`, as ids or as the queue writes them), by hand, or from a letter.
pub(crate) async fn create(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Redirect, Trouble> {
    let mut alerts = Vec::new();
    for text in form.all("alert") {
        let id = text.split_once(':').map_or(text, |(id, _)| id);
        alerts.push(id.parse().map_err(|_| Trouble::BadRequest)?);
    }
    let text = |name| form.one(name).unwrap_or_default().to_owned();
    let letter = text("letter_number");
    let origin = if !alerts.is_empty() {
        IncidentOrigin::Alerts
    } else if letter.trim().is_empty() {
        IncidentOrigin::Hand
    } else {
        IncidentOrigin::Letter {
            number: letter,
            issuer: text("letter_issuer"),
        }
    };
    let draft = Draft {
        title: text("title"),
        kind: optional(form.one("kind"), |wanted| {
            named(IncidentKind::ALL, IncidentKind::as_str, wanted)
        })?,
        severity: optional(form.one("severity"), |wanted| {
            named(Severity::ALL, Severity::as_str, wanted)
        })?,
        description: text("description"),
        detected_at: moment_of(&desk.state.config.zone(), form.one("detected_at"))?,
        exercise: form.one("exercise").is_some(),
        ..Draft::from(origin)
    };
    let incident = incidents::open(&desk, &visit.scope, draft, alerts).await?;
    incidents::start_clocks(&desk, &visit.scope, incident.id).await?;
    Ok(Redirect::to(&format!("/incidents/{}", incident.id)))
}

fn optional<T>(
    wanted: Option<&str>,
    read: impl FnOnce(Option<&str>) -> Result<T, Trouble>,
) -> Result<Option<T>, Trouble> {
    match wanted {
        None | Some("") => Ok(None),
        Some(_) => read(wanted).map(Some),
    }
}

/// Puts chosen alerts into an incident that stands (`incident` in the form).
pub(crate) async fn link(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Redirect, Trouble> {
    let id: Id<Incident> = form.required("incident")?.parse().map_err(|_| Trouble::BadRequest)?;
    let mut alerts = Vec::new();
    for text in form.all("alert") {
        let alert = text.split_once(':').map_or(text, |(id, _)| id);
        alerts.push(alert.parse().map_err(|_| Trouble::BadRequest)?);
    }
    incidents::change(&desk, &visit.scope, (id, None), move |incident, ground| {
        let (alerts, standing) = incidents::alerts_of(ground.ledger, ground.step.scope, &alerts)?;
        let links = Links {
            alerts: &alerts,
            standing: &standing,
        };
        Ok(ops::link(incident, links, ground.step)?)
    })
    .await?;
    let now = desk.now();
    desk.state
        .ledger
        .off_thread(move |ledger| incidents::follow(ledger, &[id], now))
        .await?;
    Ok(Redirect::to(&format!("/incidents/{id}")))
}

/// Takes one step with an incident.
pub(crate) async fn step(
    visit: Visit,
    State(desk): State<Desk>,
    Path((id, step)): Path<(String, String)>,
    form: Form,
) -> Result<Redirect, Trouble> {
    let id: Id<Incident> = id.parse().map_err(|_| Trouble::NotFound)?;
    if step == "split" {
        return split(&visit, &desk, id, form).await;
    }
    let seen = form.one("revision").and_then(|revision| revision.parse().ok());
    let zone = desk.state.config.zone();
    let (name, fields) = (step.clone(), form);
    incidents::change(&desk, &visit.scope, (id, seen), move |incident, ground| {
        decide(&name, &fields, &zone, (incident, ground))
    })
    .await?;
    if matches!(step.as_str(), "advance" | "edit") {
        incidents::start_clocks(&desk, &visit.scope, id).await?;
    }
    Ok(Redirect::to(&format!("/incidents/{id}{}", place(&step))))
}

/// The section in which a step was taken.
fn place(step: &str) -> &'static str {
    match step {
        "entry" | "strike" | "judge" => "#timeline",
        "observable" | "dismiss" => "#observables",
        "task" | "task-end" => "#tasks",
        "asset" => "#assets",
        "note" | "note-edit" => "#notes",
        "unlink" => "#alerts",
        _ => "",
    }
}

fn decide(
    step: &str,
    form: &Form,
    zone: &TimeZone,
    (incident, ground): (&Incident, &Ground<'_>),
) -> Result<Decision, Trouble> {
    let now = ground.step.at;
    let text = |name| form.one(name).unwrap_or_default();
    let decided = match step {
        "advance" => {
            let at = moment_of(zone, form.one("reached_at"))?.unwrap_or(now).min(now);
            ops::advance(
                incident,
                &incidents::advance_of(form.required("to")?, form.one("outcome"), text("cause").to_owned())?,
                at,
                text("how"),
                ground.step,
            )
        }
        "assign" => {
            let user = form.required("owner")?.parse().map_err(|_| Trouble::BadRequest)?;
            let people = ground.ledger.people(ground.step.scope)?;
            let person = people
                .iter()
                .find(|person| person.id == user)
                .ok_or(Trouble::BadRequest)?;
            ops::assign(incident, &crate::work::account_of(person), ground.step)
        }
        "edit" => ops::edit(incident, edit_of(form, zone, incident)?, ground.step),
        "asset" => {
            let standing = named(AssetStanding::ALL, AssetStanding::as_str, form.one("standing"))?;
            ops::set_asset(incident, text("name"), standing, text("note"), ground.step)
        }
        "undo" => return undo(incident, ground),
        "merge" => {
            let source = form.required("source")?.parse().map_err(|_| Trouble::BadRequest)?;
            return incidents::merge(ground.ledger, incident, source, (text("why"), ground.step));
        }
        "unmerge" => ops::unmerge(incident, &kept::<Incident>(form, "source", ground)?, ground.step),
        "unlink" => ops::unlink(&kept::<AlertLink>(form, "alert", ground)?, text("why"), ground.step),
        other => return item(other, form, zone, (incident, ground)),
    };
    Ok(decided?)
}

/// Steps with what hangs on an incident.
fn item(
    step: &str,
    form: &Form,
    zone: &TimeZone,
    (incident, ground): (&Incident, &Ground<'_>),
) -> Result<Decision, Trouble> {
    let now = ground.step.at;
    let text = |name| form.one(name).unwrap_or_default();
    let decided = match step {
        "entry" => {
            let new = NewEntry {
                at: moment_of(zone, form.one("at"))?.unwrap_or(now).min(now),
                text: text("text").to_owned(),
                malicious: form.one("malicious").is_some(),
                evidence: None,
            };
            ops::add_entry(incident, &new, ground.step, ground.entropy)
        }
        "strike" => ops::strike_entry(&kept::<TimelineEntry>(form, "entry", ground)?, text("why"), ground.step),
        "judge" => {
            let entry = kept::<TimelineEntry>(form, "entry", ground)?;
            ops::judge_entry(&entry, text("malicious") == "1", ground.step)
        }
        "observable" => {
            let new = NewObservable {
                kind: named(ObservableKind::ALL, ObservableKind::as_str, form.one("kind"))?,
                value: text("value").to_owned(),
                note: text("note").to_owned(),
            };
            let whole = incidents::whole(ground.ledger, ground.step.scope, incident.id)?.ok_or(Trouble::NotFound)?;
            ops::add_observable(incident, &new, &whole.observables, ground.step, ground.entropy)
        }
        "dismiss" => ops::dismiss_observable(&kept::<Observable>(form, "observable", ground)?, ground.step),
        "task" => {
            let new = NewTask {
                title: text("title").to_owned(),
                phase: named(Phase::ALL, Phase::as_str, form.one("phase"))?,
                lesson: form.one("lesson").is_some(),
                owner: None,
                due_at: moment_of(zone, form.one("due_at"))?,
            };
            ops::add_task(incident, &new, ground.step, ground.entropy)
        }
        "task-end" => {
            let task = kept::<IncidentTask>(form, "task", ground)?;
            if form.one("drop").is_some() {
                ops::drop_task(&task, text("result"), ground.step)
            } else {
                ops::finish_task(&task, text("result"), ground.step)
            }
        }
        "note" => ops::write_note(incident, text("text"), ground.step, ground.entropy),
        "note-edit" => {
            let seen = form.required("seen")?.parse().map_err(|_| Trouble::BadRequest)?;
            ops::edit_note(
                &kept::<IncidentNote>(form, "note", ground)?,
                seen,
                text("text"),
                ground.step,
            )
        }
        _ => return Err(Trouble::NotFound),
    };
    Ok(decided?)
}

fn kept<T: model::Kept>(form: &Form, field: &str, ground: &Ground<'_>) -> Result<T, Trouble> {
    ground
        .ledger
        .kept(ground.step.scope, form.required(field)?)?
        .ok_or(Trouble::NotFound)
}

fn edit_of(form: &Form, zone: &TimeZone, incident: &Incident) -> Result<Edit, Trouble> {
    let text = |name| form.one(name).unwrap_or_default().trim().to_owned();
    let answer = |name| match form.one(name) {
        Some("yes") => Some(true),
        Some("no") => Some(false),
        Some(_) | None => None,
    };
    let lines = |name| -> Vec<String> {
        let text = form.one(name).unwrap_or_default();
        text.lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let mut hits = BTreeSet::new();
    for hit in form.all("hit") {
        hits.insert(named(Hit::ALL, Hit::as_str, Some(hit))?);
    }
    // The form has no seconds: a moment that reads the same stays as it was.
    let same = |at: Option<model::Timestamp>, standing: Option<model::Timestamp>| match (at, standing) {
        (Some(at), Some(standing)) if standing.as_second() / 60 == at.as_second() / 60 => Some(standing),
        (at, _) => at,
    };
    Ok(Edit {
        title: text("title"),
        kind: named(IncidentKind::ALL, IncidentKind::as_str, form.one("kind"))?,
        severity: named(Severity::ALL, Severity::as_str, form.one("severity"))?,
        criteria: model::Criteria {
            system_level: optional(form.one("system_level"), |level| {
                level.and_then(|level| level.parse().ok()).ok_or(Trouble::BadRequest)
            })?,
            nationally_important: answer("nationally_important"),
            hits,
            controls_alone: answer("controls_alone"),
            personal_data: answer("personal_data"),
            bank: answer("bank"),
        },
        description: text("description"),
        began_at: same(moment_of(zone, form.one("began_at"))?, incident.began_at),
        detected_at: same(moment_of(zone, form.one("detected_at"))?, Some(incident.detected_at))
            .unwrap_or(incident.detected_at),
        services: text("services")
            .split(',')
            .map(str::trim)
            .filter(|key| !key.is_empty())
            .map(str::to_owned)
            .collect(),
        help: model::Help {
            organisations: lines("helpers"),
            foreign: lines("foreign"),
            coordinator_asked: form.one("asked").is_some(),
            damage: text("damage"),
        },
    })
}

/// Takes the last step back, when the duty book has what was before.
fn undo(incident: &Incident, ground: &Ground<'_>) -> Result<Decision, Trouble> {
    let scope = ground.step.scope;
    let key = incident.id.to_string();
    let history = ground.ledger.kept_history::<Incident>(scope, &key)?;
    let last = history.first().ok_or(Trouble::NotFound)?;
    let change = ground.ledger.kept_change::<Incident>(scope, last.number, &key)?;
    let Some((Some(before), after)) = change else {
        return Err(Trouble::Outdated);
    };
    Ok(ops::undo(incident, (&before, &after), ground.step)?)
}

async fn split(visit: &Visit, desk: &Desk, id: Id<Incident>, form: Form) -> Result<Redirect, Trouble> {
    let (scope, at) = (visit.scope.clone(), desk.now());
    let entropy = secrets::entropy(desk.state.randomness.as_ref());
    let zone = desk.state.config.zone();
    let opened = desk
        .state
        .ledger
        .off_thread(move |ledger| {
            let whole = incidents::whole(ledger, &scope, id)?.ok_or(Trouble::NotFound)?;
            let kinds = ["alert", "entry", "observable", "task", "note", "evidence"];
            let wanted: BTreeMap<&str, Vec<String>> = kinds
                .into_iter()
                .map(|kind| (kind, form.all(kind).map(str::to_owned).collect()))
                .collect();
            let chosen = incidents::chosen(ledger, &scope, &whole, &wanted)?;
            let title = form.one("title").unwrap_or_default();
            incidents::with_number(ledger, (&scope, at, &zone), |numbering, step| {
                ops::split(&whole.members, &chosen, title, numbering, (step, entropy))
            })
        })
        .await?;
    Ok(Redirect::to(&format!("/incidents/{}", opened.incident.id)))
}
