//! The calendar's files: the rules of the law, and one file a year for what the yearly decisions say.

use std::collections::BTreeSet;

use jiff::{
    ToSpan,
    civil::{Date, Weekday},
};
use model::{ContentError, Wording};
use serde::Deserialize;

use super::{Day, DayKind, lunar};

/// The weekly days of rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct RestDays(BTreeSet<RestDay>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RestDay {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl RestDays {
    /// Whether a day of the week is one of rest.
    #[must_use]
    pub fn contains(&self, day: Weekday) -> bool {
        let day = match day {
            Weekday::Monday => RestDay::Monday,
            Weekday::Tuesday => RestDay::Tuesday,
            Weekday::Wednesday => RestDay::Wednesday,
            Weekday::Thursday => RestDay::Thursday,
            Weekday::Friday => RestDay::Friday,
            Weekday::Saturday => RestDay::Saturday,
            Weekday::Sunday => RestDay::Sunday,
        };
        self.0.contains(&day)
    }
}

/// A holiday by law: on a day of the solar or of the lunar year, for so many days.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HolidayRule {
    /// Its id (`tet`).
    pub id: String,
    /// Its name.
    pub name: Wording,
    /// Its day in the solar year.
    #[serde(default)]
    pub solar: Option<MonthAndDay>,
    /// Its day in the lunar year.
    #[serde(default)]
    pub lunar: Option<MonthAndDay>,
    /// How many days before that day it begins.
    #[serde(default)]
    pub begins_days_before: u8,
    /// How many days it lasts.
    pub days: u8,
    /// The first year in which it is kept.
    pub from_year: i16,
    /// The law.
    pub source: String,
    /// Whether somebody compared it with the law.
    pub confirmed: bool,
}

/// A day of a year, without the year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MonthAndDay {
    /// The month, 1 to 12.
    pub month: u8,
    /// The day of the month, from 1.
    pub day: u8,
}

/// What the law says of holidays on days of rest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compensation {
    /// The law.
    pub source: String,
    /// Whether somebody compared it with the law.
    pub confirmed: bool,
}

/// The rules of the law.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulesFile {
    /// The weekly days of rest.
    pub rest: RestDays,
    /// Holidays on days of rest.
    pub compensation: Compensation,
    /// The holidays.
    pub holiday: Vec<HolidayRule>,
}

/// A block of days that the yearly decision fixed for a holiday.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// The holiday's id.
    pub holiday: String,
    /// Its first day, `YYYY-MM-DD`.
    pub first: Date,
    /// How many days.
    pub days: u8,
    /// The decision.
    pub source: String,
    /// Whether somebody compared it with the decision.
    pub confirmed: bool,
}

/// A single day that was decided.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnDay {
    /// The day, `YYYY-MM-DD`.
    pub date: Date,
    /// What sort.
    pub kind: DayKind,
    /// What it is called.
    pub name: Wording,
    /// The decision.
    pub source: String,
    /// Whether somebody compared it with the decision.
    pub confirmed: bool,
}

/// What was decided for a year.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct YearFile {
    /// The year.
    pub year: i16,
    /// The blocks of holidays that are fixed by decision.
    #[serde(default)]
    pub block: Vec<Block>,
    /// Single days.
    #[serde(default)]
    pub day: Vec<OwnDay>,
}

impl RulesFile {
    /// Reads the rules.
    ///
    /// # Errors
    /// When the text is no TOML, has unknown or missing keys, or a holiday without a day.
    pub fn read(file: &str, text: &str) -> Result<Self, ContentError> {
        let rules: Self = crate::read_content(file, text)?;
        for rule in &rules.holiday {
            let wrong = if rule.solar.is_some() == rule.lunar.is_some() {
                "a holiday is either on a solar or on a lunar day"
            } else if rule.days == 0 || rule.days > 30 {
                "a holiday lasts 1 to 30 days"
            } else if rule.first_day(2025).is_none() {
                "there is no such day"
            } else {
                continue;
            };
            let near = format!("\"{}\"", rule.id);
            return Err(crate::content_error(
                file,
                text,
                &near,
                format!("`{}`: {wrong}", rule.id),
            ));
        }
        Ok(rules)
    }

    /// The statutory days of a year; a block that was decided stands in place of its rule.
    pub(super) fn statutory(&self, year: i16, decided: Option<&YearFile>) -> Vec<(Date, Day)> {
        let mut days = Vec::new();
        for rule in self.holiday.iter().filter(|rule| rule.from_year <= year) {
            let block = decided.and_then(|file| file.block.iter().find(|block| block.holiday == rule.id));
            let (first, count, source, confirmed) = match block {
                Some(block) => (Some(block.first), block.days, &block.source, block.confirmed),
                None => (rule.first_day(year), rule.days, &rule.source, rule.confirmed),
            };
            for n in 0..i32::from(count) {
                let Some(date) = first.and_then(|first| first.checked_add(n.days()).ok()) else {
                    continue;
                };
                let day = Day {
                    kind: DayKind::Statutory,
                    name: rule.name.clone(),
                    source: source.clone(),
                    confirmed,
                };
                days.push((date, day));
            }
        }
        days
    }
}

impl HolidayRule {
    fn first_day(&self, year: i16) -> Option<Date> {
        let day = match (self.solar, self.lunar) {
            (Some(solar), None) => {
                Date::new(year, i8::try_from(solar.month).ok()?, i8::try_from(solar.day).ok()?).ok()?
            }
            (None, Some(lunar)) => lunar::solar(year, lunar.month, lunar.day)?,
            (Some(_), Some(_)) | (None, None) => return None,
        };
        day.checked_sub(i32::from(self.begins_days_before).days()).ok()
    }
}

impl YearFile {
    /// Reads a year's file.
    ///
    /// # Errors
    /// When the text is no TOML, has unknown or missing keys, or a day of another year.
    pub fn read(file: &str, text: &str) -> Result<Self, ContentError> {
        let read: Self = crate::read_content(file, text)?;
        let days = read.day.iter().map(|day| day.date);
        let other = days
            .chain(read.block.iter().map(|block| block.first))
            .find(|date| date.year() != read.year);
        match other {
            Some(date) => {
                let problem = format!("{date} is not in {}", read.year);
                Err(crate::content_error(file, text, &date.to_string(), problem))
            }
            None => Ok(read),
        }
    }

    pub(super) fn own_days(&self) -> impl Iterator<Item = (Date, Day)> {
        self.day.iter().map(|own| {
            let day = Day {
                kind: own.kind,
                name: own.name.clone(),
                source: own.source.clone(),
                confirmed: own.confirmed,
            };
            (own.date, day)
        })
    }
}
