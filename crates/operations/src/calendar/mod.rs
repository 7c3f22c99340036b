//! The Vietnamese calendar of work: statutory holidays by rule and by the yearly decision, days off in their place, and
//! days that are worked to make up. Everything comes from the content, with its source.

mod lunar;
mod read;

use std::collections::BTreeMap;

use jiff::{ToSpan, civil::Date};
use model::Wording;

pub use lunar::solar;
pub use read::{HolidayRule, RestDays, RulesFile, YearFile};

/// What sort of day it is, other than an ordinary one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayKind {
    /// A holiday by law.
    Statutory,
    /// Off in place of a holiday that fell on a day of rest, or in exchange for a make-up day.
    Compensatory,
    /// A day of rest that is worked.
    MakeUp,
}

/// A day that is not an ordinary one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// What sort.
    pub kind: DayKind,
    /// What it is called.
    pub name: Wording,
    /// From where it is known.
    pub source: String,
    /// Whether somebody compared it with its source. An unconfirmed day off counts as worked, so that no deadline is
    /// reckoned too late because of it.
    pub confirmed: bool,
}

/// A stretch of days off that holds a holiday, with the days of rest at its ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// The first day off.
    pub first: Date,
    /// The last day off.
    pub last: Date,
    /// The holidays in it, each once.
    pub names: Vec<Wording>,
    /// Whether all of it was compared with its source.
    pub confirmed: bool,
}

/// The calendar of the years that were asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar {
    days: BTreeMap<Date, Day>,
    rest: RestDays,
    /// The years with a file of their own; others follow from the rules alone.
    decided: Vec<i16>,
}

impl Calendar {
    /// The first and last year that is reckoned.
    pub const YEARS: std::ops::RangeInclusive<i16> = 2015..=2050;

    /// Reckons the calendar from the rules and the years' files.
    #[must_use]
    pub fn new(rules: &RulesFile, years: &[YearFile]) -> Self {
        let mut calendar = Self {
            days: BTreeMap::new(),
            rest: rules.rest.clone(),
            decided: years.iter().map(|year| year.year).collect(),
        };
        for year in Self::YEARS {
            let decided = years.iter().find(|file| file.year == year);
            for (date, day) in rules.statutory(year, decided) {
                calendar.days.insert(date, day);
            }
            calendar.compensate(year, rules);
            for (date, day) in decided.into_iter().flat_map(YearFile::own_days) {
                calendar.days.insert(date, day);
            }
        }
        calendar
    }

    /// What a day is, when it is not an ordinary one.
    #[must_use]
    pub fn day(&self, date: Date) -> Option<&Day> {
        self.days.get(&date)
    }

    /// Whether a day is one of the weekly days of rest.
    #[must_use]
    pub fn is_rest(&self, date: Date) -> bool {
        self.rest.contains(date.weekday())
    }

    /// Whether a day counts as a working day. What is not confirmed counts as worked.
    #[must_use]
    pub fn is_working(&self, date: Date) -> bool {
        match self.days.get(&date) {
            Some(day) => match day.kind {
                DayKind::MakeUp => true,
                DayKind::Statutory | DayKind::Compensatory => !day.confirmed && !self.is_rest(date),
            },
            None => !self.is_rest(date),
        }
    }

    /// Whether a year has a file of its own, so that its Tết block and exchanged days are known.
    #[must_use]
    pub fn is_decided(&self, year: i16) -> bool {
        self.decided.contains(&year)
    }

    /// The days of a year that are not ordinary ones, in order.
    pub fn year(&self, year: i16) -> impl Iterator<Item = (Date, &Day)> {
        self.days
            .iter()
            .filter(move |(date, _)| date.year() == year)
            .map(|(date, day)| (*date, day))
    }

    /// The next stretches of days off, from a day on, that hold a holiday: what a watch is opened for.
    #[must_use]
    pub fn next_breaks(&self, from: Date, most: usize) -> Vec<Break> {
        let mut breaks: Vec<Break> = Vec::new();
        for (date, day) in self.days.range(from..) {
            if day.kind == DayKind::MakeUp || breaks.last().is_some_and(|last| last.last >= *date) {
                continue;
            }
            if breaks.len() == most {
                break;
            }
            breaks.push(self.around(*date));
        }
        breaks
    }

    fn is_off(&self, date: Date) -> bool {
        match self.days.get(&date) {
            Some(day) => day.kind != DayKind::MakeUp,
            None => self.is_rest(date),
        }
    }

    fn around(&self, date: Date) -> Break {
        let edge = |step: i64| {
            let mut edge = date;
            while let Some(next) = edge.checked_add(step.days()).ok().filter(|next| self.is_off(*next)) {
                edge = next;
            }
            edge
        };
        let (first, last) = (edge(-1), edge(1));
        let mut names: Vec<Wording> = Vec::new();
        let mut confirmed = true;
        for day in self.days.range(first..=last).map(|(_, day)| day) {
            confirmed &= day.confirmed;
            if day.kind == DayKind::Statutory && !names.contains(&day.name) {
                names.push(day.name.clone());
            }
        }
        Break {
            first,
            last,
            names,
            confirmed,
        }
    }

    /// Days off in place of holidays on days of rest: the next days that are neither rest nor off already.
    fn compensate(&mut self, year: i16, rules: &RulesFile) {
        let on_rest: Vec<(Date, Wording)> = self
            .year(year)
            .filter(|(date, day)| day.kind == DayKind::Statutory && self.is_rest(*date))
            .map(|(date, day)| (date, day.name.clone()))
            .collect();
        for (holiday, name) in on_rest {
            let mut date = holiday;
            while self.is_rest(date) || self.days.contains_key(&date) {
                let Ok(next) = date.checked_add(1.day()) else { return };
                date = next;
            }
            let day = Day {
                kind: DayKind::Compensatory,
                name: Wording {
                    vi: format!("Nghỉ bù {}", name.vi),
                    en: format!("Day off in place of {}", name.en),
                },
                source: rules.compensation.source.clone(),
                confirmed: rules.compensation.confirmed,
            };
            self.days.insert(date, day);
        }
    }
}
