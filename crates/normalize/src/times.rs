//! Times as records write them. What lacks a zone or a year is completed by a guess that is kept beside the time.

use jiff::{Timestamp, civil, tz::Offset};

use crate::limits;

/// When something happened, and how much of that was assumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) at: Timestamp,
    /// What was assumed, for the person who mends the source.
    pub(crate) guess: Option<String>,
}

impl Moment {
    pub(crate) fn of_microseconds(microseconds: i64) -> Option<Self> {
        Timestamp::from_microsecond(microseconds).ok().map(Self::from)
    }
}

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        Self { at, guess: None }
    }
}

/// A local time with its zone, or without one: then `assumed` stands in.
pub(crate) fn of_civil(local: civil::DateTime, zone: Option<Offset>, assumed: Offset) -> Moment {
    // What lies outside of all instants is a time nevertheless, but not a plausible one.
    let at = zone.unwrap_or(assumed).to_timestamp(local).unwrap_or(Timestamp::MAX);
    let guess = zone
        .is_none()
        .then(|| format!("no zone in {local}: assumed UTC{assumed}"));
    Moment { at, guess }
}

/// A local time without a year (RFC 3164): the year is the one that brings it closest to, but at most a day after, `received_at`.
pub(crate) fn of_yearless(
    local: (i8, i8, civil::Time),
    zone: Option<Offset>,
    assumed: Offset,
    received_at: Timestamp,
) -> Option<Moment> {
    let (month, day, time) = local;
    let offset = zone.unwrap_or(assumed);
    let this_year = offset.to_datetime(received_at).year();
    let latest = received_at.as_second() + limits::FUTURE_SECONDS_MAX;
    // 29 February needs the last leap year, which is at most eight years back.
    let at = (0..=8).filter_map(|back| {
        let date = civil::Date::new(this_year + 1 - back, month, day).ok()?;
        let at = offset.to_timestamp(date.to_datetime(time)).ok()?;
        (at.as_second() <= latest).then_some(at)
    });
    let at = at.max()?;
    let year = offset.to_datetime(at).year();
    let zone = if zone.is_none() {
        format!(" and UTC{assumed}")
    } else {
        String::new()
    };
    Some(Moment {
        at,
        guess: Some(format!("no year: assumed {year}{zone}")),
    })
}

/// An ISO 8601 / RFC 3339 date and time: `T` or a space between, `.` or `,` before the fraction, zone optional.
pub(crate) fn of_iso(text: &str, assumed: Offset) -> Option<Moment> {
    let (local, rest) = civil_prefix(text)?;
    let zone = match rest.trim_ascii() {
        "" => None,
        rest => Some(offset(rest)?),
    };
    Some(of_civil(local, zone, assumed))
}

/// Reads the date and time at the start of an ISO text; gives what follows it.
pub(crate) fn civil_prefix(text: &str) -> Option<(civil::DateTime, &str)> {
    let bytes = text.as_bytes();
    if bytes.len() < 19 || bytes[4] != b'-' || bytes[7] != b'-' || bytes[13] != b':' || bytes[16] != b':' {
        return None;
    }
    if !matches!(bytes[10], b'T' | b't' | b' ') {
        return None;
    }
    let date = civil::Date::new(digits(&bytes[..4])?, narrow(&bytes[5..7])?, narrow(&bytes[8..10])?).ok()?;
    // A leap second is read as the second before it.
    let second = narrow(&bytes[17..19])?.min(59);
    let (nanos, end) = fraction(bytes, 19);
    let time = civil::Time::new(narrow(&bytes[11..13])?, narrow(&bytes[14..16])?, second, nanos).ok()?;
    Some((date.to_datetime(time), text.get(end..)?))
}

/// The fraction of a second that may begin at `start`: nanoseconds, and where it ends.
pub(crate) fn fraction(bytes: &[u8], start: usize) -> (i32, usize) {
    if !matches!(bytes.get(start), Some(b'.' | b',')) {
        return (0, start);
    }
    let digits = bytes[start + 1..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let nanos = (0..9).fold(0_i32, |sum, place| {
        let digit = if place < digits {
            i32::from(bytes[start + 1 + place] - b'0')
        } else {
            0
        };
        sum * 10 + digit
    });
    if digits == 0 {
        (0, start)
    } else {
        (nanos, start + 1 + digits)
    }
}

/// An offset from UTC: `Z`, `UTC`, `GMT`, `+07:00`, `+0700`, `+07`.
pub(crate) fn offset(text: &str) -> Option<Offset> {
    if ["Z", "UTC", "GMT"].iter().any(|utc| text.eq_ignore_ascii_case(utc)) {
        return Some(Offset::UTC);
    }
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let (hours, minutes) = match rest.as_bytes() {
        [_, _] => (rest, "0"),
        [_, _, b':', _, _] => (&rest[..2], &rest[3..]),
        [_, _, _, _] => rest.split_at_checked(2)?,
        _ => return None,
    };
    let hours: i32 = digits(hours.as_bytes())?.into();
    let minutes: i32 = digits(minutes.as_bytes())?.into();
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by size.
pub(crate) fn of_epoch(number: i64) -> Option<Timestamp> {
    match number.unsigned_abs() {
        0..=99_999_999_999 => Timestamp::from_second(number).ok(),
        100_000_000_000..=99_999_999_999_999 => Timestamp::from_millisecond(number).ok(),
        100_000_000_000_000..=99_999_999_999_999_999 => Timestamp::from_microsecond(number).ok(),
        _ => Timestamp::from_nanosecond(number.into()).ok(),
    }
}

/// Seconds since 1970 with a decimal fraction, as auditd and Zeek write them (`1731234567.123`).
pub(crate) fn of_epoch_text(text: &str) -> Option<Timestamp> {
    let whole = text.bytes().take_while(u8::is_ascii_digit).count();
    let seconds: i64 = text.get(..whole)?.parse().ok()?;
    let (nanos, end) = fraction(text.as_bytes(), whole);
    if end != text.len() {
        return None;
    }
    if nanos == 0 {
        of_epoch(seconds)
    } else {
        Timestamp::new(seconds, nanos).ok()
    }
}

/// Whether an event received at `received_at` can have happened at `at`.
pub(crate) fn is_plausible(at: Timestamp, received_at: Timestamp) -> bool {
    at.as_second() >= limits::EARLIEST_SECOND && at.as_second() <= received_at.as_second() + limits::FUTURE_SECONDS_MAX
}

fn digits(bytes: &[u8]) -> Option<i16> {
    bytes.iter().try_fold(0_i16, |sum, byte| {
        byte.is_ascii_digit().then(|| sum * 10 + i16::from(byte - b'0'))
    })
}

fn narrow(bytes: &[u8]) -> Option<i8> {
    digits(bytes).and_then(|number| i8::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iso(text: &str) -> Option<String> {
        of_iso(text, Offset::constant(7)).map(|moment| {
            let guessed = if moment.guess.is_some() { " guessed" } else { "" };
            format!("{}{guessed}", moment.at)
        })
    }

    #[test]
    fn iso_times_are_read_in_the_forms_that_records_use() {
        let cases = [
            ("2026-03-01T10:20:30Z", Some("2026-03-01T10:20:30Z")),
            ("2026-03-01T10:20:30.1234567Z", Some("2026-03-01T10:20:30.1234567Z")),
            ("2026-03-01 10:20:30,250+07:00", Some("2026-03-01T03:20:30.25Z")),
            ("2026-03-01T10:20:30-0330", Some("2026-03-01T13:50:30Z")),
            ("2026-03-01T10:20:30 UTC", Some("2026-03-01T10:20:30Z")),
            ("2026-03-01 10:20:30", Some("2026-03-01T03:20:30Z guessed")),
            ("2016-12-31T23:59:60Z", Some("2016-12-31T23:59:59Z")),
            ("2026-02-30T10:20:30Z", None),
            ("2026-03-01T10:20:30+99:00", None),
            ("2026-03-01T10:20:30 Hanoi", None),
            ("2026-03-01T1é:20:30Z", None),
            ("yesterday", None),
        ];
        for (text, expected) in cases {
            assert_eq!(iso(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_missing_year_is_the_last_that_fits() {
        let received: Timestamp = "2026-01-01T00:10:00Z".parse().unwrap();
        let at = |month, day| {
            let noon = civil::time(12, 0, 0, 0);
            of_yearless((month, day, noon), Some(Offset::UTC), Offset::UTC, received)
                .map(|moment| moment.at.to_string())
        };
        assert_eq!(at(12, 31).as_deref(), Some("2025-12-31T12:00:00Z"));
        assert_eq!(at(1, 1).as_deref(), Some("2026-01-01T12:00:00Z"));
        assert_eq!(at(1, 3).as_deref(), Some("2025-01-03T12:00:00Z"));
        assert_eq!(at(2, 29).as_deref(), Some("2024-02-29T12:00:00Z"));
        assert_eq!(at(2, 30), None);
    }

    #[test]
    fn epochs_are_told_apart_by_size() {
        let at = "2024-11-10T10:29:27Z".parse::<Timestamp>().unwrap();
        for number in [
            1_731_234_567,
            1_731_234_567_000,
            1_731_234_567_000_000,
            1_731_234_567_000_000_000,
        ] {
            assert_eq!(of_epoch(number), Some(at), "{number}");
        }
        assert_eq!(
            of_epoch_text("1731234567.5").unwrap().to_string(),
            "2024-11-10T10:29:27.5Z"
        );
        assert_eq!(of_epoch_text("1731234567.5x"), None);
        assert_eq!(of_epoch_text(""), None);
    }
}
