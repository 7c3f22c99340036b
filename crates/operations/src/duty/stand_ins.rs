//! Who could close a gap. It proposes and never decides.

use std::collections::{HashMap, HashSet};

use jiff::SignedDuration;
use model::{Id, Timestamp, User};

use super::{Gap, Roster, coverage::stretches, on_duty};

/// Turns this near to a gap, before and after it, count when duty is shared out fairly.
pub const FAIRNESS_DAYS: i64 = 14;

/// A person who could close a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StandIn {
    /// Who.
    pub person: Id<User>,
    /// How long they are on duty within [`FAIRNESS_DAYS`] of the gap, all teams together.
    pub on_duty_nearby: SignedDuration,
}

/// Who of the candidates could fill a gap for its whole length, least burdened first. `rosters` are all teams that they
/// belong to: whoever is on duty in one of them during the gap, or within `rest` before or after it, is left out, and so is
/// whoever is away at some time of it.
#[must_use]
pub fn stand_ins(gap: &Gap, candidates: &[Id<User>], rosters: &[Roster<'_>], rest: SignedDuration) -> Vec<StandIn> {
    let around = SignedDuration::from_hours(FAIRNESS_DAYS * 24).max(rest);
    let (first, last) = (before(gap.from, around), after(gap.until, around));
    let (tired_from, tired_until) = (before(gap.from, rest), after(gap.until, rest));
    let mut nearby: HashMap<Id<User>, SignedDuration> = HashMap::new();
    let mut unfit: HashSet<Id<User>> = HashSet::new();
    for roster in rosters {
        for position in &roster.team.positions {
            for (begin, end) in stretches(*roster, &position.key, first, last) {
                for person in on_duty(*roster, &position.key, begin) {
                    *nearby.entry(person).or_default() += begin.duration_until(end);
                    if begin < tired_until && tired_from < end {
                        unfit.insert(person);
                    }
                }
            }
        }
        let away = roster.absences.iter();
        let away = away.filter(|away| away.from < gap.until && away.until.is_none_or(|until| gap.from < until));
        unfit.extend(away.map(|away| away.person));
    }
    let mut fit: Vec<StandIn> = candidates
        .iter()
        .filter(|person| !unfit.contains(person))
        .map(|person| StandIn {
            person: *person,
            on_duty_nearby: nearby.get(person).copied().unwrap_or_default(),
        })
        .collect();
    fit.sort_by_key(|stand_in| (stand_in.on_duty_nearby, stand_in.person));
    fit.dedup();
    fit
}

fn before(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.checked_sub(span).unwrap_or(Timestamp::MIN)
}

fn after(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}
