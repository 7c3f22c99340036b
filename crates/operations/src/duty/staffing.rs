//! A raised minimum held against the rosters: how many different people are on duty at each instant, all teams together.

use std::collections::BTreeMap;

use compact_str::CompactString;
use jiff::tz::TimeZone;
use model::{AlertKey, Entity, EntityKind, Id, Notice, Phrase, RuleLevel, SourceId, Timestamp, User, Watch};

use super::{Gap, Roster, gap_notice::span, shifts};

/// The rule of alerts about a watch with too few people.
pub const SHORT: &str = "watchpost/watch-short-staffed";
/// Its title.
pub const SHORT_TITLE: Phrase = Phrase::new(
    "Đợt trực có lúc chưa đủ người",
    "A watch has too few people at some time",
);
/// What its alert is closed with.
pub const STAFFED: &str = "Đã đủ người trực · There are enough people";
/// So many days ahead too few people are an alarm: longer than for a gap, because a whole person is to be found.
pub const STAFFING_LEAD_DAYS: i64 = 7;

/// A stretch on which the same people are on duty and they are fewer than the minimum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortStaffed {
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
    /// Who is on duty, in the order of their ids.
    pub people: Vec<Id<User>>,
    /// How many are missing.
    pub missing: u32,
}

impl ShortStaffed {
    /// The same as a gap of a position, so that whoever could close it can be proposed.
    #[must_use]
    pub fn as_gap(&self, position: &str) -> Gap {
        Gap {
            position: CompactString::from(position),
            from: self.from,
            until: self.until,
            missing: self.missing,
        }
    }
}

/// The stretches between two instants on which fewer than `people_min` different people are on duty, in order of time.
/// Whoever fills two positions at once counts once.
#[must_use]
pub fn short_staffed(rosters: &[Roster<'_>], people_min: u32, from: Timestamp, until: Timestamp) -> Vec<ShortStaffed> {
    let mut found: Vec<ShortStaffed> = Vec::new();
    if from >= until {
        return found;
    }
    let turns = turns(rosters, from, until);
    let mut there: BTreeMap<Id<User>, i64> = BTreeMap::new();
    let mut moments = turns.iter().peekable();
    while let Some((begin, changes)) = moments.next() {
        for (person, change) in changes {
            let count = there.entry(*person).or_default();
            *count += change;
            if *count == 0 {
                there.remove(person);
            }
        }
        let end = moments.peek().map_or(until, |(next, _)| **next);
        let present = u32::try_from(there.len()).unwrap_or(u32::MAX);
        let missing = people_min.saturating_sub(present);
        if missing == 0 || *begin >= end {
            continue;
        }
        let people: Vec<Id<User>> = there.keys().copied().collect();
        match found.last_mut() {
            Some(last) if last.until == *begin && last.people == people => last.until = end,
            Some(_) | None => found.push(ShortStaffed {
                from: *begin,
                until: end,
                people,
                missing,
            }),
        }
    }
    found
}

/// Who comes (+1) and who goes (−1) at each instant.
fn turns(rosters: &[Roster<'_>], from: Timestamp, until: Timestamp) -> BTreeMap<Timestamp, Vec<(Id<User>, i64)>> {
    let mut turns: BTreeMap<Timestamp, Vec<(Id<User>, i64)>> = BTreeMap::from([(from, Vec::new())]);
    for roster in rosters {
        for position in &roster.team.positions {
            for shift in shifts(*roster, &position.key, from, until) {
                for person in shift.people {
                    turns.entry(shift.from).or_default().push((person, 1));
                    if shift.until < until {
                        turns.entry(shift.until).or_default().push((person, -1));
                    }
                }
            }
        }
    }
    turns
}

/// Everybody who is on duty at some time between two instants, in the order of their ids.
#[must_use]
pub fn people_on_duty(rosters: &[Roster<'_>], from: Timestamp, until: Timestamp) -> Vec<Id<User>> {
    let mut people: Vec<Id<User>> = turns(rosters, from, until)
        .into_values()
        .flatten()
        .filter(|(_, change)| *change > 0)
        .map(|(person, _)| person)
        .collect();
    people.sort_unstable();
    people.dedup();
    people
}

/// The notice about a watch with too few people, the first stretch first; none when there are enough.
#[must_use]
pub fn staffing_notice(watch: &Watch, short: &[ShortStaffed], zone: &TimeZone, now: Timestamp) -> Option<Notice> {
    let first = short.first()?;
    let more = if short.len() > 1 {
        format!(" · +{}", short.len() - 1)
    } else {
        String::new()
    };
    Some(Notice {
        rule: SHORT,
        title: SHORT_TITLE,
        level: RuleLevel::High,
        entity: staffing_key(watch).entity,
        source: SourceId::new("watchpost"),
        summary: format!(
            "{} · {}/{} · {}{more}",
            watch.name,
            first.people.len(),
            watch.people_min,
            span((first.from, first.until), zone)
        ),
        since: now,
    })
}

/// The key of the alert about a watch's staffing.
#[must_use]
pub fn staffing_key(watch: &Watch) -> AlertKey {
    AlertKey {
        rule: SHORT.into(),
        entity: Entity {
            kind: EntityKind::Team,
            name: watch.name.as_str().into(),
        },
        exercise: false,
    }
}
