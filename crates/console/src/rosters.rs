//! All rosters as the ledger has them at a moment. The console's pages and the post's paging both ask them, so that they name the
//! same people.

use std::collections::HashMap;

use jiff::{
    SignedDuration,
    tz::{Offset, TimeZone},
};
use ledger::{Ledger, NounFilter, Person, ReadError};
use model::{Absence, Id, Leave, Scope, Target, Team, Timestamp, User};
use operations::duty::{Gap, Roster, Shift, gaps, on_duty, shifts_of, turn_ends};
use operations::notifications::ACKNOWLEDGED_HOURS_MAX;

/// The rosters of all teams.
#[derive(Debug, Clone, Default)]
pub struct Rosters {
    teams: Vec<Entry>,
    absences: HashMap<Id<User>, Vec<Absence>>,
    people: HashMap<Id<User>, Person>,
}

#[derive(Debug, Clone)]
struct Entry {
    team: Team,
    zone: TimeZone,
    /// Of its people only.
    absences: Vec<Absence>,
}

impl Rosters {
    /// Reads them as they are now; whoever's account is closed is away from `now` on.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn read(ledger: &Ledger, scope: &Scope, now: Timestamp) -> Result<Self, ReadError> {
        let teams: Vec<Team> = ledger.all_kept(scope, &NounFilter::default())?;
        let leaves: Vec<Leave> = ledger.all_kept(scope, &NounFilter::in_state("open"))?;
        let people = ledger.people(scope)?;
        Ok(Self::new(teams, &leaves, people, now))
    }

    /// Puts them together.
    #[must_use]
    pub fn new(teams: Vec<Team>, leaves: &[Leave], people: Vec<Person>, now: Timestamp) -> Self {
        let mut absences: HashMap<Id<User>, Vec<Absence>> = HashMap::new();
        for absence in leaves.iter().filter_map(Leave::absence) {
            absences.entry(absence.person).or_default().push(absence);
        }
        for person in people.iter().filter(|person| !person.enabled) {
            absences.entry(person.id).or_default().push(Absence {
                person: person.id,
                from: now,
                until: None,
            });
        }
        let teams = teams.into_iter().map(|team| Entry {
            zone: zone_named(&team.zone).unwrap_or(TimeZone::UTC),
            absences: of_team(&team, &absences),
            team,
        });
        Self {
            teams: teams.collect(),
            absences,
            people: people.into_iter().map(|person| (person.id, person)).collect(),
        }
    }

    /// All rosters, in the order of the teams' ids.
    pub fn all(&self) -> impl Iterator<Item = Roster<'_>> {
        self.teams.iter().map(Entry::roster)
    }

    /// One team's roster.
    #[must_use]
    pub fn team(&self, id: Id<Team>) -> Option<Roster<'_>> {
        self.teams.iter().find(|entry| entry.team.id == id).map(Entry::roster)
    }

    /// Whom a target means at a moment: whoever is on duty, or the person; nobody who is away.
    #[must_use]
    pub fn who(&self, target: &Target, at: Timestamp) -> Vec<Id<User>> {
        match target {
            Target::Position { team, position } => self
                .team(*team)
                .map(|roster| on_duty(roster, position, at))
                .unwrap_or_default(),
            Target::Person { person } => {
                let known = self.people.contains_key(person);
                let away = self.absences.get(person).is_some_and(|absences| {
                    let covers = |away: &Absence| away.from <= at && away.until.is_none_or(|until| at < until);
                    absences.iter().any(covers)
                });
                if known && !away { vec![*person] } else { Vec::new() }
            }
        }
    }

    /// When the turn ends in which a person is, whichever team it is in.
    #[must_use]
    pub fn turn_ends(&self, person: Id<User>, at: Timestamp) -> Option<Timestamp> {
        self.all().filter_map(|roster| turn_ends(roster, person, at)).max()
    }

    /// A person's shifts in all teams, in order of time.
    #[must_use]
    pub fn shifts_of(&self, person: Id<User>, from: Timestamp, until: Timestamp) -> Vec<(&Team, Shift)> {
        let mut found: Vec<(&Team, Shift)> = Vec::new();
        for entry in self.teams.iter().filter(|entry| entry.names(person)) {
            let shifts = shifts_of(entry.roster(), person, from, until);
            found.extend(shifts.into_iter().map(|shift| (&entry.team, shift)));
        }
        found.sort_by_key(|(_, shift)| shift.from);
        found
    }

    /// The gaps of all teams from a moment on, for so many days.
    #[must_use]
    pub fn gaps(&self, from: Timestamp, days: i64) -> Vec<(&Team, Gap)> {
        let until = from
            .checked_add(SignedDuration::from_hours(24 * days))
            .unwrap_or(Timestamp::MAX);
        let mut found: Vec<(&Team, Gap)> = Vec::new();
        for entry in &self.teams {
            found.extend(
                gaps(entry.roster(), from, until)
                    .into_iter()
                    .map(|gap| (&entry.team, gap)),
            );
        }
        found.sort_by_key(|(_, gap)| gap.from);
        found
    }

    /// The account of a person.
    #[must_use]
    pub fn person(&self, id: Id<User>) -> Option<&Person> {
        self.people.get(&id)
    }

    /// The displayed name of a person.
    #[must_use]
    pub fn name(&self, id: Id<User>) -> String {
        self.person(id)
            .map_or_else(|| id.to_string(), |person| person.display_name.clone())
    }

    /// Everybody with an account, by name.
    #[must_use]
    pub fn everybody(&self) -> Vec<&Person> {
        let mut all: Vec<&Person> = self.people.values().collect();
        all.sort_by(|one, other| one.display_name.cmp(&other.display_name).then(one.id.cmp(&other.id)));
        all
    }
}

impl Entry {
    fn roster(&self) -> Roster<'_> {
        Roster {
            team: &self.team,
            zone: &self.zone,
            absences: &self.absences,
        }
    }

    fn names(&self, person: Id<User>) -> bool {
        let team = &self.team;
        let mut rotations = team.rotations.iter();
        rotations.any(|rotation| rotation.people.contains(&person))
            || team.overrides.iter().any(|over| over.person == Some(person))
    }
}

fn of_team(team: &Team, absences: &HashMap<Id<User>, Vec<Absence>>) -> Vec<Absence> {
    let mut people = team.everybody();
    people.extend(team.overrides.iter().filter_map(|over| over.person));
    people.sort_unstable();
    people.dedup();
    let of_person = |person| absences.get(&person).into_iter().flatten().cloned();
    people.into_iter().flat_map(of_person).collect()
}

/// When an acknowledgement given now lapses: at the end of the turn, or after some hours where there is none.
#[must_use]
pub fn lapses_at(rosters: &Rosters, person: Id<User>, now: Timestamp) -> Timestamp {
    let hours = SignedDuration::from_hours(ACKNOWLEDGED_HOURS_MAX);
    let longest = now.checked_add(hours).unwrap_or(Timestamp::MAX);
    rosters.turn_ends(person, now).unwrap_or(longest)
}

/// The zone of an IANA name or of an offset (`+07:00`). Vietnam's is known without a database of zones.
#[must_use]
pub fn zone_named(name: &str) -> Option<TimeZone> {
    if let Ok(zone) = TimeZone::get(name) {
        return Some(zone);
    }
    if matches!(name, "Asia/Ho_Chi_Minh" | "Asia/Saigon") {
        return Some(TimeZone::fixed(Offset::constant(7)));
    }
    let (sign, rest) = match name.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let within = (0..=14).contains(&hours) && (0..60).contains(&minutes);
    let offset = within.then(|| Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok())?;
    offset.map(TimeZone::fixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_found_by_its_name_or_its_offset() {
        let at = Timestamp::UNIX_EPOCH;
        for (name, seconds) in [
            ("Asia/Ho_Chi_Minh", Some(7 * 3600)),
            ("+07:00", Some(7 * 3600)),
            ("-03:30", Some(-12_600)),
            ("+99:00", None),
            ("Mars/Olympus", None),
            ("", None),
            ("é", None),
        ] {
            // Before 1975 the south had another offset: today's is meant.
            let at = at.checked_add(SignedDuration::from_hours(24 * 365 * 30)).unwrap_or(at);
            assert_eq!(
                zone_named(name).map(|zone| zone.to_offset(at).seconds()),
                seconds,
                "{name}"
            );
        }
    }
}
