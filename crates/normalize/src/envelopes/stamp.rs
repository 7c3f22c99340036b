//! Times as text logs write them: with or without year, zone and fraction of a second.

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::Offset,
};

use crate::draft::Draft;

/// A time as a log line wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stamp {
    /// An instant: the line named its zone.
    Exact(Timestamp),
    /// A wall-clock time without zone.
    NoZone(DateTime),
    /// Month, day and wall-clock time: RFC 3164, section 4.1.2.
    NoYear {
        /// 1 to 12.
        month: i8,
        /// 1 to 31.
        day: i8,
        /// The time of day.
        time: Time,
        /// The distance from UTC, when the line named it.
        offset: Option<Offset>,
    },
}

impl Stamp {
    /// Makes it the draft's time; what is missing is guessed there.
    pub(crate) fn settle(self, draft: &mut Draft) {
        match self {
            Self::Exact(at) => draft.happened(at),
            Self::NoZone(local) => {
                draft.happened_civil(local, None);
            }
            Self::NoYear {
                month,
                day,
                time,
                offset,
            } => {
                draft.happened_yearless(month, day, time, offset);
            }
        }
    }
}

/// Reads `Nov 25 01:58:54`, with the deviations of real senders: a weekday before it, the year after the day or before
/// the month or after the time, fractions, a zone after it, one or two spaces. Returns what follows it, with leading
/// spaces removed.
pub(crate) fn bsd(text: &str) -> Option<(Stamp, &str)> {
    let mut rest = text;
    let mut year = None;
    if let Some(after) = weekday(rest) {
        rest = after;
    }
    if let Some((number, after)) = digits(rest, 4, 4) {
        year = Some(number);
        rest = after.strip_prefix(' ')?.trim_start_matches(' ');
    }
    let (month, after) = month(rest)?;
    rest = after.strip_prefix(' ')?.trim_start_matches(' ');
    let (day, after) = digits(rest, 1, 2)?;
    rest = after.strip_prefix(' ')?.trim_start_matches(' ');
    if year.is_none()
        && let Some((number, after)) = digits(rest, 4, 4)
        && let Some(after) = after.strip_prefix(' ')
    {
        year = Some(number);
        rest = after;
    }
    let (time, after) = time_of_day(rest)?;
    let (offset, rest) = zone_word(after);
    let (rest, year) = match (year, rest.strip_prefix(' ').and_then(|after| digits(after, 4, 4))) {
        (None, Some((number, after)))
            if (after.is_empty() || after.starts_with(' ') || after.starts_with(": "))
                && (1970..=2200).contains(&number) =>
        {
            (after, Some(number))
        }
        (year, _) => (rest, year),
    };
    if !(rest.is_empty() || rest.starts_with([' ', ':', ']', ','])) {
        return None;
    }
    let day = i8::try_from(day).ok()?;
    let stamp = if let Some(year) = year {
        let date = Date::new(i16::try_from(year).ok()?, month, day).ok()?;
        with_offset(date.to_datetime(time), offset)?
    } else {
        // 2024 has every day that a year can have.
        Date::new(2024, month, day).ok()?;
        Stamp::NoYear {
            month,
            day,
            time,
            offset,
        }
    };
    Some((stamp, rest.trim_start_matches(' ')))
}

/// Reads `2026-11-25T01:58:54.123+07:00` and its relatives: a space or `_` instead of the `T`, `/` between the date's parts, a comma
/// before the fraction, `Z`, `+0700`, or no zone. Returns what follows it, untouched.
pub(crate) fn iso(text: &str) -> Option<(Stamp, &str)> {
    let (year, rest) = digits(text, 4, 4)?;
    let rest = rest.strip_prefix(['-', '/'])?;
    let (month, rest) = digits(rest, 2, 2)?;
    let rest = rest.strip_prefix(['-', '/'])?;
    let (day, rest) = digits(rest, 2, 2)?;
    let rest = rest.strip_prefix(['T', ' ', 't', '_'])?;
    let (time, rest) = time_of_day(rest)?;
    let (offset, rest) = numeric_zone(rest);
    let date = Date::new(
        i16::try_from(year).ok()?,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
    )
    .ok()?;
    Some((with_offset(date.to_datetime(time), offset)?, rest))
}

/// Reads `25/Nov/2026:01:58:54 +0700`, the time of NCSA access logs.
pub(crate) fn ncsa(text: &str) -> Option<Stamp> {
    let (day, rest) = digits(text, 1, 2)?;
    let (month, rest) = month(rest.strip_prefix('/')?)?;
    let (year, rest) = digits(rest.strip_prefix('/')?, 4, 4)?;
    let (time, rest) = time_of_day(rest.strip_prefix(':')?)?;
    let (offset, _) = numeric_zone(rest.trim_start_matches(' '));
    let date = Date::new(i16::try_from(year).ok()?, month, i8::try_from(day).ok()?).ok()?;
    with_offset(date.to_datetime(time), offset)
}

/// Reads seconds since 1970 with an optional fraction: `1764035934.123456`. Returns what follows.
pub(crate) fn epoch(text: &str) -> Option<(Timestamp, &str)> {
    let (seconds, rest) = digits_wide(text, 1, 12)?;
    let (nanoseconds, rest) = match rest.strip_prefix('.') {
        Some(after) => fraction(after)?,
        None => (0, rest),
    };
    let at = Timestamp::new(seconds, nanoseconds).ok()?;
    Some((at, rest))
}

fn with_offset(at: DateTime, offset: Option<Offset>) -> Option<Stamp> {
    match offset {
        Some(offset) => offset.to_timestamp(at).ok().map(Stamp::Exact),
        None => Some(Stamp::NoZone(at)),
    }
}

/// `01:58:54`, with an optional fraction after `.` or `,`. A leap second is read as the second before it.
fn time_of_day(text: &str) -> Option<(Time, &str)> {
    let (hour, rest) = digits(text, 1, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(':')?, 2, 2)?;
    let (second, rest) = digits(rest.strip_prefix(':')?, 2, 2)?;
    let (nanosecond, rest) = match rest.strip_prefix(['.', ',']) {
        Some(after) if after.starts_with(|c: char| c.is_ascii_digit()) => fraction(after)?,
        _ => (0, rest),
    };
    let second = if second == 60 { 59 } else { second };
    let part = |number: u32| i8::try_from(number).ok();
    let time = Time::new(part(hour)?, part(minute)?, part(second)?, nanosecond).ok()?;
    Some((time, rest))
}

/// A fraction of a second as nanoseconds; digits beyond the ninth are dropped.
fn fraction(text: &str) -> Option<(i32, &str)> {
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    if end == 0 {
        return None;
    }
    let mut value = 0_i32;
    for index in 0..9 {
        let digit = text.as_bytes()[..end].get(index).map_or(0, |b| b - b'0');
        value = value * 10 + i32::from(digit);
    }
    Some((value, &text[end..]))
}

/// `Z`, `+07:00`, `+0700` or `+07` directly after a time.
fn numeric_zone(text: &str) -> (Option<Offset>, &str) {
    if let Some(rest) = text.strip_prefix(['Z', 'z']) {
        return (Some(Offset::UTC), rest);
    }
    let sign = match text.as_bytes().first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return (None, text),
    };
    let Some((hours, rest)) = digits(&text[1..], 2, 2) else {
        return (None, text);
    };
    let (minutes, rest) = match digits(rest.strip_prefix(':').unwrap_or(rest), 2, 2) {
        Some((minutes, rest)) => (minutes, rest),
        None => (0, rest),
    };
    if minutes > 59 {
        return (None, text);
    }
    let seconds = i32::try_from(hours * 3600 + minutes * 60).unwrap_or(i32::MAX);
    match Offset::from_seconds(sign * seconds) {
        Ok(offset) => (Some(offset), rest),
        Err(_) => (None, text),
    }
}

/// A zone after a space: a number, or one of the few abbreviations that mean one zone only.
fn zone_word(text: &str) -> (Option<Offset>, &str) {
    let Some(after) = text.strip_prefix(' ') else {
        return numeric_zone(text);
    };
    if after.starts_with(['+', '-'])
        && let (Some(offset), rest) = numeric_zone(after)
    {
        return (Some(offset), rest);
    }
    for (name, hours) in [("UTC", 0), ("GMT", 0), ("Z", 0), ("ICT", 7), ("JST", 9), ("KST", 9)] {
        if let Some(rest) = after.strip_prefix(name)
            && (rest.is_empty() || rest.starts_with([' ', ':']))
        {
            return (Some(jiff::tz::offset(hours)), rest);
        }
    }
    (None, text)
}

const MONTHS: [&[u8; 3]; 12] = [
    b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec",
];

/// The number (1 to 12) of an English month's three-letter name.
fn month(text: &str) -> Option<(i8, &str)> {
    let name = text.as_bytes().get(..3)?;
    let index = MONTHS.iter().position(|known| name.eq_ignore_ascii_case(*known))?;
    Some((i8::try_from(index + 1).ok()?, text.get(3..)?))
}

fn weekday(text: &str) -> Option<&str> {
    let name = text.as_bytes().get(..3)?;
    let known = [b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"];
    known.iter().find(|day| name.eq_ignore_ascii_case(**day))?;
    let rest = text.get(3..)?;
    let rest = rest.strip_prefix(',').unwrap_or(rest);
    Some(rest.strip_prefix(' ')?.trim_start_matches(' '))
}

/// A whole number of `min` to `max` digits, not followed by another digit.
fn digits(text: &str, min: usize, max: usize) -> Option<(u32, &str)> {
    let (number, rest) = digits_wide(text, min, max.min(9))?;
    Some((u32::try_from(number).ok()?, rest))
}

fn digits_wide(text: &str, min: usize, max: usize) -> Option<(i64, &str)> {
    let bytes = text.as_bytes();
    let mut end = 0;
    let mut value = 0_i64;
    while end < max && bytes.get(end).is_some_and(u8::is_ascii_digit) {
        value = value * 10 + i64::from(bytes[end] - b'0');
        end += 1;
    }
    (end >= min).then(|| (value, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(stamp: Stamp) -> String {
        match stamp {
            Stamp::Exact(at) => at.to_string(),
            Stamp::NoZone(local) => local.to_string(),
            Stamp::NoYear {
                month,
                day,
                time,
                offset,
            } => {
                let zone = offset.map(|offset| offset.to_string()).unwrap_or_default();
                format!("{month:02}-{day:02}T{time}{zone}")
            }
        }
    }

    #[test]
    fn bsd_times_in_all_their_spellings() {
        for (text, expect, rest) in [
            ("Nov 25 01:58:54 host x", "11-25T01:58:54", "host x"),
            ("Nov  5 01:58:54 host", "11-05T01:58:54", "host"),
            ("nov 05 1:58:54 host", "11-05T01:58:54", "host"),
            ("Nov 25 01:58:54.250 host", "11-25T01:58:54.25", "host"),
            ("Feb 29 01:58:54 host", "02-29T01:58:54", "host"),
            ("Nov 25 2025 01:58:54 host", "2025-11-25T01:58:54", "host"),
            ("2025 Nov 25 01:58:54 UTC: %X", "2025-11-25T01:58:54Z", ": %X"),
            ("Nov 25 01:58:54.123 ICT: %X", "11-25T01:58:54.123+07", ": %X"),
            ("Nov 25 01:58:54 +07:00 h", "11-25T01:58:54+07", "h"),
            ("Wed Nov 25 01:58:54 2026 h", "2026-11-25T01:58:54", "h"),
            ("Wed Nov 25 01:58:54.5 2026", "2026-11-25T01:58:54.5", ""),
            ("Nov 25 01:58:54 2001:db8::1 h", "11-25T01:58:54", "2001:db8::1 h"),
            ("Nov 25 01:58:54: %X", "11-25T01:58:54", ": %X"),
        ] {
            let (stamp, after) = bsd(text).unwrap_or_else(|| panic!("not read: {text}"));
            assert_eq!((shown(stamp).as_str(), after), (expect, rest), "{text}");
        }
        for text in [
            "Nov 31 01:58:54 h",
            "Nov 25 25:00:00 h",
            "Nov 25",
            "No",
            "Növ 1 01:01:01 h",
            "Nov 25 01:58:54x",
        ] {
            assert_eq!(bsd(text), None, "{text}");
        }
    }

    #[test]
    fn iso_times_with_and_without_zone() {
        for (text, expect, rest) in [
            (
                "2026-11-25T01:58:54.123456+07:00 h",
                "2026-11-24T18:58:54.123456Z",
                " h",
            ),
            ("2026-11-25T01:58:54Z h", "2026-11-25T01:58:54Z", " h"),
            ("2026-11-25 01:58:54,5 h", "2026-11-25T01:58:54.5", " h"),
            ("2026/11/25 01:58:54 [error]", "2026-11-25T01:58:54", " [error]"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z", ""),
        ] {
            let (stamp, after) = iso(text).unwrap();
            assert_eq!((shown(stamp).as_str(), after), (expect, rest), "{text}");
        }
        assert_eq!(iso("2026-13-25T01:58:54Z"), None);
    }

    #[test]
    fn access_log_and_epoch_times() {
        assert_eq!(
            ncsa("25/Nov/2026:01:58:54 +0700"),
            Some(Stamp::Exact("2026-11-24T18:58:54Z".parse().unwrap()))
        );
        assert_eq!(
            epoch("1764035934.1234567891 x"),
            Some(("2025-11-25T01:58:54.123456789Z".parse().unwrap(), " x"))
        );
        assert_eq!(epoch("x"), None);
    }
}
