//! A watch held against the rosters: whether there are enough people at every instant, and whether each of them was reached.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use model::{ContactCard, Id, Timestamp, User, Watch};
use operations::{
    duty::{ShortStaffed, people_on_duty, short_staffed},
    notifications::reached_lately,
    watches::Tally,
};

use crate::rosters::Rosters;

/// What the preflight of a watch asks the rosters.
#[derive(Debug, Clone)]
pub struct Staffing {
    /// Stretches of the watch with too few people.
    pub short: Vec<ShortStaffed>,
    /// Everybody who is on duty during the watch, and whether they were reached lately on two channels.
    pub people: Vec<(Id<User>, bool)>,
    /// Whether a roster is kept at all.
    pub is_kept: bool,
}

impl Staffing {
    /// Holds a watch against the rosters.
    #[must_use]
    pub fn of(watch: &Watch, rosters: &Rosters, cards: &[ContactCard], now: Timestamp) -> Self {
        let all: Vec<_> = rosters.all().collect();
        let cards: HashMap<Id<User>, &ContactCard> = cards.iter().map(|card| (card.person, card)).collect();
        let reached = |person: &Id<User>| cards.get(person).is_some_and(|card| reached_lately(card, now));
        Self {
            short: short_staffed(&all, watch.people_min, watch.from, watch.until),
            people: people_on_duty(&all, watch.from, watch.until)
                .into_iter()
                .map(|person| (person, reached(&person)))
                .collect(),
            is_kept: !all.is_empty(),
        }
    }

    /// Too few people, as the preflight counts it; none without a roster.
    #[must_use]
    pub fn enough(&self, watch: &Watch, zone: &TimeZone) -> Option<Tally> {
        self.is_kept.then(|| Tally {
            all: self.short.len() as u64,
            failing: self
                .short
                .iter()
                .map(|short| {
                    let at = |at: Timestamp| zone.to_datetime(at).strftime("%d/%m %H:%M").to_string();
                    format!(
                        "{} – {} ({}/{})",
                        at(short.from),
                        at(short.until),
                        short.people.len(),
                        watch.people_min
                    )
                })
                .collect(),
        })
    }

    /// Who was not reached, as the preflight counts it; none when nobody is on duty during the watch.
    #[must_use]
    pub fn reached(&self, rosters: &Rosters) -> Option<Tally> {
        (!self.people.is_empty()).then(|| Tally {
            all: self.people.len() as u64,
            failing: self
                .people
                .iter()
                .filter(|(_, reached)| !reached)
                .map(|(person, _)| rosters.name(*person))
                .collect(),
        })
    }
}
