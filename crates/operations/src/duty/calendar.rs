//! iCalendar (RFC 5545): shifts written as a feed that phones subscribe to, and leave read from what a calendar program exports.

mod read;

use jiff::tz::TimeZone;
use model::Timestamp;

pub use read::{CalendarRead, EVENTS_MAX, read};

/// An entry of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Unique and the same whenever the feed is fetched (3.8.4.7).
    pub uid: String,
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
    /// One line.
    pub summary: String,
    /// More.
    pub description: String,
}

/// Writes a calendar with its name. Times are in UTC: every program shows them on its owner's clock.
#[must_use]
pub fn write(name: &str, entries: &[Entry], made_at: Timestamp) -> String {
    let mut text = String::new();
    for (property, value) in [
        ("BEGIN", "VCALENDAR"),
        ("VERSION", "2.0"),
        ("PRODID", "-//Watchpost//Duty roster//VI"),
        ("CALSCALE", "GREGORIAN"),
        ("METHOD", "PUBLISH"),
    ] {
        line(&mut text, property, value);
    }
    line(&mut text, "X-WR-CALNAME", &escaped(name));
    line(&mut text, "REFRESH-INTERVAL;VALUE=DURATION", "PT1H");
    for entry in entries {
        line(&mut text, "BEGIN", "VEVENT");
        line(&mut text, "UID", &escaped(&entry.uid));
        line(&mut text, "DTSTAMP", &utc(made_at));
        line(&mut text, "DTSTART", &utc(entry.from));
        line(&mut text, "DTEND", &utc(entry.until));
        line(&mut text, "SUMMARY", &escaped(&entry.summary));
        if !entry.description.is_empty() {
            line(&mut text, "DESCRIPTION", &escaped(&entry.description));
        }
        line(&mut text, "TRANSP", "OPAQUE");
        line(&mut text, "END", "VEVENT");
    }
    line(&mut text, "END", "VCALENDAR");
    text
}

fn utc(at: Timestamp) -> String {
    TimeZone::UTC.to_datetime(at).strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// A text value (3.3.11).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | ';' | ',' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            '\n' => escaped.push_str("\\n"),
            other if other.is_control() => {}
            other => escaped.push(other),
        }
    }
    escaped
}

/// A content line, folded before its 76th byte (3.1), never within a character.
fn line(text: &mut String, property: &str, value: &str) {
    let whole = format!("{property}:{value}");
    let mut rest = whole.as_str();
    let mut room = 75;
    while rest.len() > room {
        let cut = rest.floor_char_boundary(room);
        text.push_str(&rest[..cut]);
        text.push_str("\r\n ");
        rest = &rest[cut..];
        room = 74;
    }
    text.push_str(rest);
    text.push_str("\r\n");
}
