//! Deadlines as data: who must do what, within what, from when on, by which law; and when one that starts now is due.

use jiff::{
    ToSpan,
    civil::{Date, Time},
    tz::TimeZone,
};
use model::{ContentError, Timestamp, Wording};
use serde::Deserialize;

/// A kind of deadline.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// Who must do it.
    pub who: Wording,
    /// What must be done.
    pub what: Wording,
    /// What starts the clock.
    pub starts: Wording,
    /// How long.
    pub within: Within,
    /// The law or letter, with its clause.
    pub source: String,
    /// Where it was read.
    #[serde(default)]
    pub address: String,
    /// Whether somebody compared it with its source.
    pub confirmed: bool,
    /// The day of that.
    pub verified_on: Date,
    /// The first day on which it holds.
    #[serde(default)]
    pub effective_from: Option<Date>,
    /// The last day on which it holds.
    #[serde(default)]
    pub effective_to: Option<Date>,
    /// What a reader should know.
    #[serde(default)]
    pub note: Option<Wording>,
}

/// How long a deadline lasts; exactly one is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Within {
    /// Minutes: what "immediately" is held to here.
    pub minutes: Option<u32>,
    /// Hours on the clock.
    pub hours: Option<u32>,
    /// Calendar days after the day of the start, to the end of the last.
    pub days: Option<u32>,
    /// Working days after the day of the start, to the end of the last.
    pub working_days: Option<u32>,
    /// Months after the day of the start, to the end of the day.
    pub months: Option<u32>,
    /// Before these days of each year, so to the end of the day before the next of them: `MM-DD`.
    pub before: Option<Vec<String>>,
}

/// A file of deadlines.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulesFile {
    /// The deadlines.
    pub deadline: Vec<Rule>,
}

/// The clock and the calendar by which a deadline is reckoned.
#[derive(Clone, Copy)]
pub struct Reckoning<'a> {
    /// The zone whose days count.
    pub zone: &'a TimeZone,
    /// Whether a day is a working day.
    pub working: &'a dyn Fn(Date) -> bool,
}

impl std::fmt::Debug for Reckoning<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reckoning")
            .field("zone", self.zone)
            .finish_non_exhaustive()
    }
}

/// Most working days that are looked through for the end of a deadline.
const DAYS_LOOKED_MAX: u32 = 5000;

impl RulesFile {
    /// Reads a file of deadlines.
    ///
    /// # Errors
    /// When the text is no TOML, has unknown or missing keys, an id twice, or not exactly one length.
    pub fn read(file: &str, text: &str) -> Result<Self, ContentError> {
        let read: Self = crate::read_content(file, text)?;
        for (at, rule) in read.deadline.iter().enumerate() {
            let twice = read.deadline[..at].iter().any(|before| before.id == rule.id);
            let wrong = if twice {
                Some("the id is there twice")
            } else {
                rule.within.wrong()
            };
            if let Some(wrong) = wrong {
                let near = format!("\"{}\"", rule.id);
                return Err(crate::content_error(
                    file,
                    text,
                    &near,
                    format!("`{}`: {wrong}", rule.id),
                ));
            }
        }
        Ok(read)
    }
}

impl Within {
    fn wrong(&self) -> Option<&'static str> {
        let lengths = [self.minutes, self.hours, self.days, self.working_days, self.months];
        let given = lengths.iter().flatten().count() + usize::from(self.before.is_some());
        if given != 1 {
            return Some("exactly one of minutes, hours, days, working_days, months and before is given");
        }
        if lengths.iter().flatten().any(|length| *length == 0 || *length > 3000) {
            return Some("the length is 1 to 3000");
        }
        let days = self.before.iter().flatten();
        if self.before.as_ref().is_some_and(Vec::is_empty)
            || days.into_iter().any(|day| month_and_day(2024, day).is_none())
        {
            return Some("a day is written MM-DD");
        }
        None
    }

    /// The length in words, one language after the other (`24 giờ`, `24 hours`).
    #[must_use]
    pub fn words(&self) -> Wording {
        let some = |length: Option<u32>, vi: &str, en: &str| {
            length.map(|length| Wording {
                vi: format!("{length} {vi}"),
                en: format!("{length} {en}{}", if length == 1 { "" } else { "s" }),
            })
        };
        some(self.minutes, "phút", "minute")
            .or_else(|| some(self.hours, "giờ", "hour"))
            .or_else(|| some(self.days, "ngày", "day"))
            .or_else(|| some(self.working_days, "ngày làm việc", "working day"))
            .or_else(|| some(self.months, "tháng", "month"))
            .unwrap_or_else(|| {
                let days: Vec<String> = self
                    .before
                    .iter()
                    .flatten()
                    .filter_map(|day| day.split_once('-'))
                    .map(|(month, day)| format!("{day}/{month}"))
                    .collect();
                Wording {
                    vi: format!("trước ngày {} hằng năm", days.join(" và ")),
                    en: format!("before {} each year", days.join(" and ")),
                }
            })
    }
}

impl Rule {
    /// Whether it holds on a day.
    #[must_use]
    pub fn in_force(&self, day: Date) -> bool {
        self.effective_from.is_none_or(|from| from <= day) && self.effective_to.is_none_or(|to| day <= to)
    }

    /// The last instant at which a deadline that starts at a moment is met. None beyond the reach of the calendar.
    #[must_use]
    pub fn due_at(&self, started_at: Timestamp, by: Reckoning<'_>) -> Option<Timestamp> {
        let within = &self.within;
        if let Some(minutes) = within.minutes {
            return started_at.checked_add(i64::from(minutes).minutes()).ok();
        }
        if let Some(hours) = within.hours {
            return started_at.checked_add(i64::from(hours).hours()).ok();
        }
        let start = started_at.to_zoned_datetime(by.zone.clone()).date();
        let last = if let Some(days) = within.days {
            start.checked_add(i64::from(days).days()).ok()?
        } else if let Some(days) = within.working_days {
            after_working_days(start, days, by.working)?
        } else if let Some(months) = within.months {
            start.checked_add(i64::from(months).months()).ok()?
        } else {
            next_before(start, within.before.as_deref().unwrap_or_default())?
        };
        end_of(last, by.zone)
    }
}

fn after_working_days(start: Date, days: u32, working: &dyn Fn(Date) -> bool) -> Option<Date> {
    let mut date = start;
    let mut left = days;
    for _ in 0..DAYS_LOOKED_MAX {
        date = date.checked_add(1.day()).ok()?;
        if working(date) {
            left -= 1;
        }
        if left == 0 {
            return Some(date);
        }
    }
    None
}

/// The day before the next of these days of the year that comes after `start`.
fn next_before(start: Date, days: &[String]) -> Option<Date> {
    let last_days = |year: i16| {
        days.iter()
            .filter_map(move |day| month_and_day(year, day)?.checked_sub(1.day()).ok())
    };
    last_days(start.year())
        .chain(last_days(start.year().checked_add(1)?))
        .filter(|last| *last >= start)
        .min()
}

fn month_and_day(year: i16, day: &str) -> Option<Date> {
    let (month, day) = day.split_once('-')?;
    Date::new(year, month.parse().ok()?, day.parse().ok()?).ok()
}

/// The last second of a day.
fn end_of(date: Date, zone: &TimeZone) -> Option<Timestamp> {
    let end = date.to_datetime(Time::constant(23, 59, 59, 0));
    zone.to_ambiguous_timestamp(end).compatible().ok()
}
