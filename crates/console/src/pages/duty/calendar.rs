//! `GET /calendar/{token}`: one person's turns as a calendar that phones subscribe to; its link is the only secret, and revocable.

use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use jiff::SignedDuration;
use ledger::NounFilter;
use model::{ContactCard, Scope};
use operations::{
    duty::calendar::{Entry, write},
    people::digest,
};

use crate::{desk::Desk, rosters::Rosters, trouble::Trouble, words::Words};

/// How far back and ahead the calendar reaches.
const DAYS_BACK: i64 = 30;
const DAYS_AHEAD: i64 = 180;

/// Answers with the calendar.
pub(crate) async fn get(State(desk): State<Desk>, Path(token): Path<String>) -> Result<Response, Trouble> {
    let token = token.strip_suffix(".ics").unwrap_or(&token).to_owned();
    let now = desk.now();
    let found = desk
        .read(move |ledger| {
            let scope = Scope::of_post("calendar");
            let of_token = NounFilter::of_parent(&digest(&token));
            let cards: Vec<ContactCard> = ledger.all_kept(&scope, &of_token)?;
            let Some(card) = cards.into_iter().next() else {
                return Ok(None);
            };
            Ok(Some((card.person, Rosters::read(ledger, &scope, now)?)))
        })
        .await?;
    let Some((person, rosters)) = found else {
        return Err(Trouble::NotFound);
    };
    if rosters.person(person).is_none_or(|account| !account.enabled) {
        return Err(Trouble::NotFound);
    }
    let days = |count: i64| SignedDuration::from_hours(24 * count);
    let from = now.checked_sub(days(DAYS_BACK)).unwrap_or(now);
    let until = now.checked_add(days(DAYS_AHEAD)).unwrap_or(now);
    let words = Words(desk.state.config.language);
    let entries: Vec<Entry> = rosters
        .shifts_of(person, from, until)
        .into_iter()
        .map(|(team, shift)| {
            let position = team.position(&shift.position);
            let position = position.map_or(shift.position.as_str(), |position| position.name.as_str());
            Entry {
                uid: format!("{}-{}-{}@watchpost", team.id, shift.position, shift.from.as_second()),
                from: shift.from,
                until: shift.until,
                summary: format!("{position} · {}", team.name),
                description: words.duty_roster().to_owned(),
            }
        })
        .collect();
    let name = format!("{}: {}", words.nav_duty(), rosters.name(person));
    let text = write(&name, &entries, now);
    Ok(([(header::CONTENT_TYPE, "text/calendar; charset=utf-8")], text).into_response())
}
