//! The time modifiers: reads minute, hour, day, week, month or year out of a written time, as written — the specification
//! asks for no conversion of time zones or formats.

use crate::atom::TimePart;

/// A civil time as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
}

/// Returns a part of the time that a value states: `YYYY-MM-DD` or `YYYY/MM/DD`, optionally with `hh:mm` after a `T` or blank,
/// or a count of seconds or milliseconds since 1970 in UTC. A date alone has no hour and minute.
#[must_use]
pub(crate) fn time_part(text: &str, part: TimePart) -> Option<i64> {
    let (civil, has_clock) = parse(text.trim())?;
    match part {
        TimePart::Minute => has_clock.then_some(civil.minute),
        TimePart::Hour => has_clock.then_some(civil.hour),
        TimePart::Day => Some(civil.day),
        TimePart::Week => Some(iso_week(civil)),
        TimePart::Month => Some(civil.month),
        TimePart::Year => Some(civil.year),
    }
}

fn parse(text: &str) -> Option<(Civil, bool)> {
    let bytes = text.as_bytes();
    if !bytes.first()?.is_ascii_digit() {
        return None;
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() >= 9 && is_digits(whole) && is_digits(fraction) {
        return from_epoch(whole).map(|civil| (civil, true));
    }
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to)?;
        digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| digits.parse::<i64>().ok())?
    };
    let separator = *bytes.get(4)?;
    if !matches!(separator, b'-' | b'/') || *bytes.get(7)? != separator {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    if !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
        return None;
    }
    let date = Civil {
        year,
        month,
        day,
        hour: 0,
        minute: 0,
    };
    match bytes.get(10) {
        None => Some((date, false)),
        Some(b'T' | b't' | b' ') => {
            let (hour, minute) = (number(11, 13)?, number(14, 16)?);
            let is_clock = bytes.get(13) == Some(&b':') && hour < 24 && minute < 60;
            is_clock.then_some((Civil { hour, minute, ..date }, true))
        }
        Some(_) => None,
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Reads seconds, or milliseconds from 10^11 on, since 1970 in UTC.
fn from_epoch(whole: &str) -> Option<Civil> {
    let count: i64 = whole.parse().ok()?;
    let seconds = if count >= 100_000_000_000 { count / 1000 } else { count };
    let (days, clock) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil_of_days(days);
    Some(Civil {
        year,
        month,
        day,
        hour: clock / 3600,
        minute: clock % 3600 / 60,
    })
}

/// Turns days since 1970 into a date of the proleptic Gregorian calendar.
fn civil_of_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn days_of_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Returns the ISO 8601 week: the week of the Thursday of the same Monday-to-Sunday week.
fn iso_week(civil: Civil) -> i64 {
    let days = days_of_civil(civil.year, civil.month, civil.day);
    let weekday_from_monday = (days + 3).rem_euclid(7);
    let thursday = days - weekday_from_monday + 3;
    let (year, ..) = civil_of_days(thursday);
    (thursday - days_of_civil(year, 1, 1)) / 7 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_as_written() {
        for (text, part, expect) in [
            ("2024-02-29T23:59:01+07:00", TimePart::Hour, Some(23)),
            ("2024-02-29 23:59:01.123", TimePart::Minute, Some(59)),
            ("2024/02/29", TimePart::Day, Some(29)),
            ("2023-02-29", TimePart::Day, None),
            ("2024-02-29", TimePart::Hour, None),
            ("2024-13-01", TimePart::Month, None),
            ("2021-01-03", TimePart::Week, Some(53)),
            ("2021-01-04", TimePart::Week, Some(1)),
            ("2024-12-30", TimePart::Week, Some(1)),
            ("1700000000", TimePart::Year, Some(2023)),
            ("1700000000", TimePart::Hour, Some(22)),
            ("1700000000123", TimePart::Minute, Some(13)),
            ("192.168.1.7", TimePart::Month, None),
            ("yesterday", TimePart::Year, None),
            ("", TimePart::Year, None),
            ("2024-02-29Tab:cd", TimePart::Hour, None),
        ] {
            assert_eq!(time_part(text, part), expect, "{text} {part:?}");
        }
    }

    #[test]
    fn days_and_dates_are_inverse() {
        for days in (-800_000..800_000).step_by(97) {
            let (year, month, day) = civil_of_days(days);
            assert_eq!(days_of_civil(year, month, day), days);
        }
    }
}
