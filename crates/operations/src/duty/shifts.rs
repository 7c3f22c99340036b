//! Shifts as people read them: who fills a position from when to when. They are cut out of the answers of `on_duty`, so that a
//! roster page can never say anything else.

use compact_str::CompactString;
use jiff::SignedDuration;
use model::{Id, Timestamp, User};

use super::{Roster, coverage::stretches, on_duty, turns};

/// A stretch on which the same people fill a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// The position.
    pub position: CompactString,
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
    /// Who, in the order of paging; nobody in a gap.
    pub people: Vec<Id<User>>,
}

/// How far it is looked ahead for the end of a turn.
const HORIZON_HOURS: i64 = 8 * 24;

/// How far it is looked ahead from an instant: a shift that ends there may go on.
#[must_use]
pub fn horizon(at: Timestamp) -> Timestamp {
    at.checked_add(SignedDuration::from_hours(HORIZON_HOURS))
        .unwrap_or(Timestamp::MAX)
}

/// The shifts of a position between two instants, without holes: together they are the whole time.
#[must_use]
pub fn shifts(roster: Roster<'_>, position: &str, from: Timestamp, until: Timestamp) -> Vec<Shift> {
    let mut found: Vec<Shift> = Vec::new();
    for (begin, end) in stretches(roster, position, from, until) {
        let people = on_duty(roster, position, begin);
        match found.last_mut() {
            Some(last) if last.people == people => last.until = end,
            Some(_) | None => found.push(Shift {
                position: position.into(),
                from: begin,
                until: end,
                people,
            }),
        }
    }
    found
}

/// When one person is on duty between two instants, in order of positions, then of time.
#[must_use]
pub fn shifts_of(roster: Roster<'_>, person: Id<User>, from: Timestamp, until: Timestamp) -> Vec<Shift> {
    let mut found: Vec<Shift> = Vec::new();
    for position in &roster.team.positions {
        let first = found.len();
        for (begin, end) in stretches(roster, &position.key, from, until) {
            if !on_duty(roster, &position.key, begin).contains(&person) {
                continue;
            }
            match found[first..].last_mut() {
                Some(last) if last.until == begin => last.until = end,
                Some(_) | None => found.push(Shift {
                    position: position.key.clone(),
                    from: begin,
                    until: end,
                    people: vec![person],
                }),
            }
        }
    }
    found
}

/// Who fills each position of a team at an instant, and until when it stays so, looking eight days ahead.
#[must_use]
pub fn shifts_at(roster: Roster<'_>, at: Timestamp) -> Vec<Shift> {
    let until = horizon(at);
    let positions = roster.team.positions.iter();
    positions
        .filter_map(|position| shifts(roster, &position.key, at, until).into_iter().next())
        .collect()
}

/// Until when everybody who fills a position at an instant stays in it, whoever comes beside them, looking eight days ahead.
#[must_use]
pub fn stays_until(roster: Roster<'_>, position: &str, at: Timestamp) -> Timestamp {
    let mut shifts = shifts(roster, position, at, horizon(at)).into_iter();
    let Some(first) = shifts.next() else { return at };
    let stays =
        |next: &Shift| !first.people.is_empty() && first.people.iter().all(|person| next.people.contains(person));
    shifts.take_while(stays).last().map_or(first.until, |last| last.until)
}

/// When the turn ends in which a person is at an instant, at most eight days later; none when they are not on duty. Whoever
/// follows themselves in a rotation ends a turn at its hand-over all the same.
#[must_use]
pub fn turn_ends(roster: Roster<'_>, person: Id<User>, at: Timestamp) -> Option<Timestamp> {
    let horizon = horizon(at);
    let here = |shift: &Shift| shift.from <= at && at < shift.until;
    let turns = shifts_of(roster, person, at, horizon).into_iter().filter(here);
    turns
        .map(|shift| {
            let rotations = roster.team.rotations.iter();
            rotations
                .filter(|rotation| rotation.position == shift.position)
                .filter(|rotation| turns::at(rotation, roster.zone, at) == Some(person))
                .filter_map(|rotation| turns::hand_overs(rotation, roster.zone, at, horizon).into_iter().next())
                .fold(shift.until, Timestamp::min)
        })
        .max()
}
