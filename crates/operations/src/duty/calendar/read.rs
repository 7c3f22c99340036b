//! Reads what calendar programs export: events with a beginning and an end. What it cannot read it counts with its reason.

use std::collections::BTreeMap;

use jiff::{SignedDuration, ToSpan, civil, tz::TimeZone};
use model::Timestamp;

use super::super::ImportedLeave;

/// Events that are read from one calendar; what is more is counted.
pub const EVENTS_MAX: usize = 2000;
/// Longest line in bytes once it is unfolded.
const LINE_BYTES_MAX: usize = 16 * 1024;
/// Longest `UID` that is kept, in bytes.
const UID_BYTES_MAX: usize = 255;

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CalendarRead {
    /// The events.
    pub events: Vec<ImportedLeave>,
    /// What was passed over, by reason.
    pub passed_over: BTreeMap<&'static str, u64>,
}

impl CalendarRead {
    fn pass_over(&mut self, reason: &'static str) {
        *self.passed_over.entry(reason).or_default() += 1;
    }
}

/// Reads a calendar. `zone` resolves names of zones (`TZID`); times without one are on `own`.
#[must_use]
pub fn read(text: &str, own: &TimeZone, zone: &dyn Fn(&str) -> Option<TimeZone>) -> CalendarRead {
    let mut found = CalendarRead::default();
    let mut event: Option<Vec<Property>> = None;
    let mut nested = 0_u32;
    for line in unfolded(text) {
        let Some(property) = Property::of_line(&line) else {
            continue;
        };
        match (property.name.as_str(), property.value.to_ascii_uppercase().as_str()) {
            ("BEGIN", "VEVENT") if event.is_none() => event = Some(Vec::new()),
            ("BEGIN", _) if event.is_some() => nested += 1,
            ("END", _) if nested > 0 => nested -= 1,
            ("END", "VEVENT") => {
                if let Some(properties) = event.take() {
                    take(&mut found, &properties, own, zone);
                }
            }
            _ => {
                if let (Some(event), 0) = (&mut event, nested)
                    && event.len() < 100
                {
                    event.push(property);
                }
            }
        }
    }
    if event.is_some() {
        found.pass_over("cut off");
    }
    found
}

fn take(found: &mut CalendarRead, properties: &[Property], own: &TimeZone, zone: &dyn Fn(&str) -> Option<TimeZone>) {
    let one = |name: &str| properties.iter().find(|property| property.name == name);
    if found.events.len() >= EVENTS_MAX {
        return found.pass_over("too many");
    }
    if one("RRULE").is_some() || one("RDATE").is_some() {
        return found.pass_over("repeats");
    }
    let Some(uid) = one("UID")
        .map(|property| unescaped(&property.value))
        .filter(|uid| (1..=UID_BYTES_MAX).contains(&uid.len()))
    else {
        return found.pass_over("no UID");
    };
    let moment = |property: &Property| instant(property, own, zone);
    let Some((from, whole_day)) = one("DTSTART").and_then(moment) else {
        return found.pass_over("no beginning");
    };
    let until = match (one("DTEND"), one("DURATION")) {
        (Some(end), _) => moment(end).map(|(until, _)| until),
        (None, Some(length)) => duration(&length.value).and_then(|length| from.checked_add(length).ok()),
        // An event of a day without an end takes that day (3.6.1).
        (None, None) if whole_day => from.checked_add(SignedDuration::from_hours(24)).ok(),
        (None, None) => None,
    };
    let Some(until) = until.filter(|until| from < *until) else {
        return found.pass_over("no end");
    };
    found.events.push(ImportedLeave {
        uid,
        from,
        until,
        note: one("SUMMARY")
            .map(|property| unescaped(&property.value))
            .unwrap_or_default(),
        cancelled: one("STATUS").is_some_and(|property| property.value.eq_ignore_ascii_case("CANCELLED")),
    });
}

/// A content line: name, parameters, value.
struct Property {
    name: String,
    parameters: String,
    value: String,
}

impl Property {
    fn of_line(line: &str) -> Option<Self> {
        // A colon within quotes belongs to a parameter.
        let mut quoted = false;
        let colon = line.char_indices().find_map(|(place, letter)| {
            quoted ^= letter == '"';
            (letter == ':' && !quoted).then_some(place)
        })?;
        let (head, value) = (&line[..colon], &line[colon + 1..]);
        let (name, parameters) = head.split_once(';').unwrap_or((head, ""));
        Some(Self {
            name: name.trim().to_ascii_uppercase(),
            parameters: parameters.to_owned(),
            value: value.trim().to_owned(),
        })
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        let mut pairs = self.parameters.split(';').filter_map(|pair| pair.split_once('='));
        let found = pairs.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim_matches('"'))
    }
}

/// An instant, and whether it is a whole day.
fn instant(property: &Property, own: &TimeZone, zone: &dyn Fn(&str) -> Option<TimeZone>) -> Option<(Timestamp, bool)> {
    let value = property.value.as_str();
    let digits = |from: usize, to: usize| -> Option<i16> {
        let part = value.get(from..to)?;
        part.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| part.parse().ok())?
    };
    let small = |from, to| digits(from, to).and_then(|number| i8::try_from(number).ok());
    let date = civil::Date::new(digits(0, 4)?, small(4, 6)?, small(6, 8)?).ok()?;
    let named = property.parameter("TZID").map(zone);
    let zone = match named {
        Some(zone) => zone?,
        None if value.ends_with('Z') => TimeZone::UTC,
        None => own.clone(),
    };
    if value.len() == 8 {
        return Some((zone.to_timestamp(date.at(0, 0, 0, 0)).ok()?, true));
    }
    if value.as_bytes().get(8) != Some(&b'T') {
        return None;
    }
    let time = civil::Time::new(small(9, 11)?, small(11, 13)?, small(13, 15)?.min(59), 0).ok()?;
    Some((zone.to_timestamp(date.to_datetime(time)).ok()?, false))
}

/// A length (3.3.6): weeks, or days, hours, minutes and seconds.
fn duration(text: &str) -> Option<SignedDuration> {
    let rest = text.strip_prefix('+').unwrap_or(text).strip_prefix('P')?;
    let mut span = 0.seconds();
    let mut number = String::new();
    for sign in rest.chars() {
        match sign {
            '0'..='9' if number.len() < 6 => number.push(sign),
            'T' if number.is_empty() => {}
            'W' | 'D' | 'H' | 'M' | 'S' => {
                let count: i64 = std::mem::take(&mut number).parse().ok()?;
                let seconds = match sign {
                    'W' => 7 * 86_400,
                    'D' => 86_400,
                    'H' => 3600,
                    'M' => 60,
                    _ => 1,
                };
                span = span.checked_add((count * seconds).seconds()).ok()?;
            }
            _ => return None,
        }
    }
    Some(SignedDuration::from_secs(span.get_seconds()))
}

/// Lines put together again where they were folded (3.1); one that is too long is cut.
fn unfolded(text: &str) -> impl Iterator<Item = String> {
    let mut lines = text.lines().peekable();
    std::iter::from_fn(move || {
        let mut line = lines.next()?.to_owned();
        while let Some(more) = lines.next_if(|next| next.starts_with([' ', '\t'])) {
            if line.len() + more.len() <= LINE_BYTES_MAX {
                line.push_str(&more[1..]);
            }
        }
        line.truncate(line.floor_char_boundary(LINE_BYTES_MAX));
        Some(line)
    })
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('n' | 'N') => plain.push('\n'),
                Some(other) => plain.push(other),
                None => {}
            },
            other => plain.push(other),
        }
    }
    plain
}
