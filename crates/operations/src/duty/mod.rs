//! Who is on duty. Pages and paging ask the same function, so that they never name two different people; coverage is
//! proved by asking it once for each stretch on which nothing changes.

pub mod calendar;
mod coverage;
mod edit;
mod fairness;
mod gap_notice;
mod handover;
mod leave;
mod shifts;
mod staffing;
mod stand_ins;
mod swaps;
mod turns;

pub use coverage::{Gap, gaps};
pub use edit::{EditRefused, Fitness, TeamDraft, add_override, edit_team, end_override};
pub use fairness::{Burden, RestBreak, burdens, rest_breaks};
pub use gap_notice::{CLOSED, GAP, GAP_TITLE, LEAD_DAYS, gap_key, gap_notice};
pub use handover::{HandoverDraft, answer_handover, begin_handover, sign_handover};
pub use leave::{ImportedLeave, LeaveDraft, cancel_leave, import_leave, take_leave};
pub use shifts::{Shift, horizon, shifts, shifts_at, shifts_of, stays_until, turn_ends};
pub use staffing::{
    SHORT, SHORT_TITLE, STAFFED, STAFFING_LEAD_DAYS, ShortStaffed, people_on_duty, short_staffed, staffing_key,
    staffing_notice,
};
pub use stand_ins::{FAIRNESS_DAYS, StandIn, stand_ins};
pub use swaps::{SwapDraft, accept_swap, decline_swap, offer_swap, withdraw_swap};

use jiff::tz::TimeZone;
use model::{Absence, Id, Override, Team, Timestamp, User};

/// A team as it is asked: its zone resolved, and who of its people is away when.
#[derive(Debug, Clone, Copy)]
pub struct Roster<'a> {
    /// The team.
    pub team: &'a Team,
    /// The zone that `team.zone` names.
    pub zone: &'a TimeZone,
    /// Who is away when: leave, and closed accounts.
    pub absences: &'a [Absence],
}

/// Who fills a position at an instant, in order of the rotations, each person once. Nobody who is away is named, whatever
/// an override says: a page to them would be in vain.
#[must_use]
pub fn on_duty(roster: Roster<'_>, position: &str, at: Timestamp) -> Vec<Id<User>> {
    let team = roster.team;
    let turns = team.rotations.iter().filter(|rotation| rotation.position == position);
    let mut people: Vec<Id<User>> = turns
        .filter_map(|rotation| turns::at(rotation, roster.zone, at))
        .collect();
    let in_force = |over: &&Override| over.position == position && over.from <= at && at < over.until;
    for over in team.overrides.iter().filter(in_force) {
        match over.instead_of {
            None => people.extend(over.person),
            Some(replaced) => {
                // In the place of the person who is replaced; without effect when they are not on duty.
                if let Some(place) = people.iter().position(|person| *person == replaced) {
                    people.splice(place..=place, over.person);
                }
            }
        }
    }
    let mut named = Vec::with_capacity(people.len());
    for person in people {
        if !named.contains(&person) && !is_away(roster.absences, person, at) {
            named.push(person);
        }
    }
    named
}

fn is_away(absences: &[Absence], person: Id<User>, at: Timestamp) -> bool {
    absences
        .iter()
        .any(|away| away.person == person && away.from <= at && away.until.is_none_or(|until| at < until))
}
