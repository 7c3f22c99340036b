//! Whether duty is shared out fairly, and whether everybody rests.

use std::collections::BTreeMap;

use jiff::{SignedDuration, ToSpan, civil};
use model::{Id, Timestamp, User};

use super::{Roster, shifts_of};

/// The hours of the night on the team's clock.
const NIGHT_BEGINS: i8 = 22;
const NIGHT_ENDS: i8 = 6;

/// Too little time between two turns of one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestBreak {
    /// Who.
    pub person: Id<User>,
    /// When the first turn ends.
    pub ended_at: Timestamp,
    /// When the next begins.
    pub begins_at: Timestamp,
}

/// How much duty somebody carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Burden {
    /// All of it.
    pub total: SignedDuration,
    /// Of it at night, 22:00 to 06:00 on the team's clock.
    pub nights: SignedDuration,
    /// Of it on Saturdays, Sundays and holidays.
    pub days_off: SignedDuration,
}

/// Where somebody rests less than `rest` between two turns, all rosters together; turns that touch are one.
#[must_use]
pub fn rest_breaks(rosters: &[Roster<'_>], from: Timestamp, until: Timestamp, rest: SignedDuration) -> Vec<RestBreak> {
    let mut found = Vec::new();
    for (person, mut turns) in turns_of_all(rosters, from, until) {
        turns.sort_unstable();
        let mut ended: Option<Timestamp> = None;
        for (begins_at, ends) in turns {
            if let Some(ended_at) = ended
                && ended_at < begins_at
                && ended_at.duration_until(begins_at) < rest
            {
                found.push(RestBreak {
                    person,
                    ended_at,
                    begins_at,
                });
            }
            ended = Some(ended.map_or(ends, |last| last.max(ends)));
        }
    }
    found
}

/// What everybody of the rosters carries between two instants; `holidays` are days off besides Saturdays and Sundays.
#[must_use]
pub fn burdens(
    rosters: &[Roster<'_>],
    from: Timestamp,
    until: Timestamp,
    holidays: &[civil::Date],
) -> BTreeMap<Id<User>, Burden> {
    let mut found: BTreeMap<Id<User>, Burden> = BTreeMap::new();
    for roster in rosters {
        for person in roster.team.everybody() {
            let burden = found.entry(person).or_default();
            for shift in shifts_of(*roster, person, from, until) {
                weigh(burden, *roster, (shift.from, shift.until), holidays);
            }
        }
    }
    found
}

fn turns_of_all(
    rosters: &[Roster<'_>],
    from: Timestamp,
    until: Timestamp,
) -> BTreeMap<Id<User>, Vec<(Timestamp, Timestamp)>> {
    let mut turns: BTreeMap<Id<User>, Vec<(Timestamp, Timestamp)>> = BTreeMap::new();
    for roster in rosters {
        for person in roster.team.everybody() {
            let shifts = shifts_of(*roster, person, from, until);
            let spans = shifts.into_iter().map(|shift| (shift.from, shift.until));
            turns.entry(person).or_default().extend(spans);
        }
    }
    turns
}

/// Adds one turn, cut at the hours at which night and day change.
fn weigh(burden: &mut Burden, roster: Roster<'_>, (from, until): (Timestamp, Timestamp), holidays: &[civil::Date]) {
    let mut at = from;
    while at < until {
        let local = roster.zone.to_datetime(at);
        let next = [NIGHT_ENDS, NIGHT_BEGINS]
            .into_iter()
            .map(|hour| local.date().at(hour, 0, 0, 0))
            .chain(local.date().checked_add(1.day()).ok().map(|day| day.at(0, 0, 0, 0)))
            .filter_map(|cut| roster.zone.to_timestamp(cut).ok())
            .find(|cut| *cut > at)
            .unwrap_or(until)
            .min(until);
        let length = at.duration_until(next);
        burden.total += length;
        if !(NIGHT_ENDS..NIGHT_BEGINS).contains(&local.hour()) {
            burden.nights += length;
        }
        let weekend = matches!(
            local.date().weekday(),
            civil::Weekday::Saturday | civil::Weekday::Sunday
        );
        if weekend || holidays.contains(&local.date()) {
            burden.days_off += length;
        }
        at = next;
    }
}
