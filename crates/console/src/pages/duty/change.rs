//! `POST /duty/teams…`: makes and changes rosters and their overrides.

use std::collections::HashMap;

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use jiff::civil;
use ledger::NounFilter;
use model::{ContactCard, Id, Override, Position, Rejected, Rotation, RuleLevel, Scope, Team, User};
use operations::duty::{EditRefused, Fitness, TeamDraft, add_override, edit_team, end_override};

use super::{
    edit::{Draft, Ground, POSITION_FIELDS, ROTATION_FIELDS, ground, render},
    fields::{MOMENT, invalid, moment, people_of, times},
};
use crate::{desk::Desk, form::Form, guard::Visit, rosters::zone_named, secrets, trouble::Trouble, words::Words};

/// Makes a team.
pub(crate) async fn create(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Response, Trouble> {
    save(visit, &desk, None, &form).await
}

/// Changes a team.
pub(crate) async fn save_team(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Trouble> {
    let id: Id<Team> = id.parse().map_err(|_| Trouble::NotFound)?;
    save(visit, &desk, Some(id), &form).await
}

async fn save(visit: Visit, desk: &Desk, id: Option<Id<Team>>, form: &Form) -> Result<Response, Trouble> {
    let ground = ground(desk, &visit.scope).await?;
    let standing = match id {
        Some(id) => Some(ground.rosters.team(id).ok_or(Trouble::NotFound)?.team),
        None => None,
    };
    let draft = draft_of(form)?;
    let words = visit.view.words;
    let wanted = match read(&draft, &ground, words) {
        Ok(wanted) => wanted,
        Err(problem) => return Ok(refused(&visit, &ground, standing, &draft, &problem)),
    };
    let fitness = fitness(desk).await?;
    let known = |person: Id<User>| fitness.get(&person).cloned().unwrap_or_default();
    let step = visit.step(desk);
    let entropy = secrets::entropy(desk.state.randomness.as_ref());
    match edit_team(standing, draft.revision, wanted, &known, (step, entropy)) {
        Ok(decision) => match desk.apply(decision).await {
            Ok(_) => Ok(Redirect::to("/duty").into_response()),
            Err(Trouble::Outdated) => Ok(refused(&visit, &ground, standing, &draft, words.roster_outdated())),
            Err(trouble) => Err(trouble),
        },
        Err(why) => Ok(refused(
            &visit,
            &ground,
            standing,
            &draft,
            &in_words(&why, &ground, words),
        )),
    }
}

fn refused(visit: &Visit, ground: &Ground, team: Option<&Team>, draft: &Draft, problem: &str) -> Response {
    let page = render(&visit.view, ground, team, draft, Some(problem));
    (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
}

fn in_words(refused: &EditRefused, ground: &Ground, words: Words) -> String {
    match (&refused.why, refused.person) {
        (Rejected::Outdated, _) => words.roster_outdated().to_owned(),
        (why, Some(person)) => format!("{}: {}", ground.rosters.name(person), why.text(words.0)),
        (why, None) => why.text(words.0),
    }
}

/// What is known of everybody who may hold a position.
pub(crate) async fn fitness(desk: &Desk) -> Result<HashMap<Id<User>, Fitness>, Trouble> {
    let cards: Vec<ContactCard> = desk
        .read(|ledger| ledger.all_kept(&Scope::of_post("console"), &NounFilter::default()))
        .await?;
    let known = |card: ContactCard| {
        let fitness = Fitness {
            reachable: card.is_reachable(),
            skills: card.skills.clone(),
        };
        (card.person, fitness)
    };
    Ok(cards.into_iter().map(known).collect())
}

fn draft_of(form: &Form) -> Result<Draft, Trouble> {
    let text = |name| form.one(name).unwrap_or_default().trim().to_owned();
    Ok(Draft {
        name: text("name"),
        zone: text("zone"),
        rest_hours: text("rest_hours"),
        policy: text("policy"),
        alerts_from: text("alerts_from"),
        members: text("members"),
        positions: rows(form, POSITION_FIELDS),
        rotations: rows(form, ROTATION_FIELDS),
        revision: form.required("revision")?.parse().map_err(|_| Trouble::BadRequest)?,
    })
}

/// The rows whose first column is filled.
fn rows<const N: usize>(form: &Form, names: [&str; N]) -> Vec<[String; N]> {
    let columns = names.map(|name| form.all(name).map(|value| value.trim().to_owned()).collect::<Vec<_>>());
    let mut rows = Vec::new();
    for place in 0..columns[0].len().min(Team::PARTS_MAX + 1) {
        let row: [String; N] = std::array::from_fn(|column| columns[column].get(place).cloned().unwrap_or_default());
        if !row[0].is_empty() {
            rows.push(row);
        }
    }
    rows
}

fn read(draft: &Draft, ground: &Ground, words: Words) -> Result<TeamDraft, String> {
    let number = |text: &str| -> Result<u32, String> {
        let text = if text.is_empty() { "0" } else { text };
        text.parse()
            .map_err(|_| format!("{text}: {}", words.roster_bad_number()))
    };
    if zone_named(&draft.zone).is_none() {
        return Err(format!("{}: {}", draft.zone, words.roster_zone_unknown()));
    }
    let position = |[key, name, people, primary, skills]: &[String; 5]| -> Result<Position, String> {
        let skills = skills.split(',').map(str::trim).filter(|skill| !skill.is_empty());
        Ok(Position {
            key: key.as_str().into(),
            name: if name.is_empty() { key.clone() } else { name.clone() },
            people_min: number(people)?,
            primary: primary == "1",
            skills: skills.map(Into::into).collect(),
        })
    };
    let positions: Result<Vec<Position>, String> = draft.positions.iter().map(position).collect();
    let rotations: Result<Vec<Rotation>, String> =
        draft.rotations.iter().map(|row| rotation(row, ground, words)).collect();
    Ok(TeamDraft {
        name: draft.name.clone(),
        zone: draft.zone.clone(),
        positions: positions?,
        rotations: rotations?,
        members: people(&draft.members, ground, words)?,
        rest_hours: u16::try_from(number(&draft.rest_hours)?)
            .unwrap_or(u16::MAX)
            .min(24 * 7),
        policy: draft.policy.parse().ok(),
        alerts_from: RuleLevel::ALL
            .into_iter()
            .find(|level| level.as_str() == draft.alerts_from),
    })
}

fn people(text: &str, ground: &Ground, words: Words) -> Result<Vec<Id<User>>, String> {
    let known = ground.rosters.everybody();
    people_of(text, &known).map_err(|name| format!("{name}: {}", words.roster_person_unknown()))
}

fn rotation(row: &[String; 6], ground: &Ground, words: Words) -> Result<Rotation, String> {
    let [position, order, begins, ends, every, hand_overs] = row;
    let date = |text: &str| -> Result<civil::Date, String> {
        text.parse()
            .map_err(|_| format!("{text:?}: {}", words.roster_bad_date()))
    };
    Ok(Rotation {
        position: position.as_str().into(),
        people: people(order, ground, words)?,
        begins_on: date(begins)?,
        ends_on: if ends.is_empty() { None } else { Some(date(ends)?) },
        every_days: every
            .parse()
            .map_err(|_| format!("{every:?}: {}", words.roster_bad_number()))?,
        hand_over_at: times(hand_overs).ok_or_else(|| format!("{hand_overs:?}: {}", words.roster_bad_time()))?,
    })
}

/// Adds an override.
pub(crate) async fn put_override(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Redirect, Trouble> {
    let id: Id<Team> = id.parse().map_err(|_| Trouble::NotFound)?;
    let ground = ground(&desk, &visit.scope).await?;
    let roster = ground.rosters.team(id).ok_or(Trouble::NotFound)?;
    let at = |name| {
        let text = form.required(name)?;
        moment(text, roster.zone).ok_or_else(|| invalid("from", MOMENT))
    };
    let person = |name| form.one(name).and_then(|id| id.parse().ok());
    let over = Override {
        position: form.required("position")?.into(),
        from: at("from_at")?,
        until: at("until_at")?,
        instead_of: person("instead_of"),
        person: person("person"),
    };
    let fitness = fitness(&desk).await?;
    let known = |person: Id<User>| fitness.get(&person).cloned().unwrap_or_default();
    let step = visit.step(&desk);
    let reason = form.one("reason").unwrap_or_default();
    let decision = add_override(roster.team, seen(&form)?, over, &known, (step, reason));
    desk.apply(decision.map_err(|refused| Trouble::Rejected(refused.why))?)
        .await?;
    Ok(Redirect::to(&format!("/duty/roster/{id}")))
}

/// Takes an override back.
pub(crate) async fn end(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Redirect, Trouble> {
    let id: Id<Team> = id.parse().map_err(|_| Trouble::NotFound)?;
    let ground = ground(&desk, &visit.scope).await?;
    let roster = ground.rosters.team(id).ok_or(Trouble::NotFound)?;
    let place = form.required("place")?.parse().map_err(|_| Trouble::BadRequest)?;
    let step = visit.step(&desk);
    desk.apply(end_override(roster.team, seen(&form)?, place, step)?)
        .await?;
    Ok(Redirect::to(&format!("/duty/teams/{id}")))
}

fn seen(form: &Form) -> Result<u64, Trouble> {
    form.required("revision")?.parse().map_err(|_| Trouble::BadRequest)
}
