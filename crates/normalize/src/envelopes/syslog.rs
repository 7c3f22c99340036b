//! The syslog header: RFC 5424, the loose BSD form of RFC 3164 with or without its priority, and what rsyslog and
//! syslog-ng write to files.

use jiff::{civil, tz::Offset};
use model::Value;

use crate::{draft::Draft, sources::logsources, times};

/// What the header leaves: the program that wrote the message, and the message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Peeled<'a> {
    pub(crate) program: Option<&'a str>,
    pub(crate) message: &'a str,
}

const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];
const SEVERITIES: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

logsources! {
    static SYSLOG = ("", "linux", "syslog");
    static AUTH = ("", "linux", "auth"), ("", "linux", "syslog");
    static CRON = ("", "linux", "cron"), ("", "linux", "syslog");
}

/// Takes a syslog header off and puts what it says into the draft; nothing when the text has none.
pub(crate) fn peel<'a>(text: &'a str, draft: &mut Draft) -> Option<Peeled<'a>> {
    let (priority, rest) = match priority(text) {
        Some((priority, rest)) => (Some(priority), rest),
        None => (None, text),
    };
    let header = match rest.strip_prefix("1 ") {
        Some(rest) if priority.is_some() => rfc5424(rest),
        Some(_) | None => bsd(rest, priority.is_some()),
    };
    // With a priority alone, all of the rest is the message (RFC 3164, 4.3.3).
    let header = header.or_else(|| priority.map(|_| Header::of_message(rest)))?;
    Some(header.put(priority, draft))
}

#[derive(Default)]
struct Header<'a> {
    time: Option<Time>,
    host: Option<&'a str>,
    program: Option<&'a str>,
    pid: Option<&'a str>,
    message_id: Option<&'a str>,
    structured: &'a str,
    message: &'a str,
}

enum Time {
    Full(civil::DateTime, Option<Offset>),
    Yearless(i8, i8, civil::Time),
}

impl<'a> Header<'a> {
    fn of_message(message: &'a str) -> Self {
        Self {
            message,
            ..Self::default()
        }
    }

    fn put(self, priority: Option<u8>, draft: &mut Draft) -> Peeled<'a> {
        draft.format = "syslog";
        let facility = priority.map(|priority| FACILITIES[usize::from(priority >> 3)]);
        draft.logsources = match facility {
            Some("auth" | "authpriv") => AUTH.clone(),
            Some("cron") => CRON.clone(),
            Some(_) | None => SYSLOG.clone(),
        };
        if let (Some(priority), Some(facility)) = (priority, facility) {
            draft.push("facility", Value::text(facility));
            draft.push("severity", Value::text(SEVERITIES[usize::from(priority & 7)]));
        }
        match self.time {
            Some(Time::Full(local, zone)) => draft.happened_civil(local, zone),
            Some(Time::Yearless(month, day, time)) => draft.happened_yearless(month, day, time, None),
            None => {}
        }
        let named = [
            ("hostname", self.host),
            ("program", self.program),
            ("pid", self.pid),
            ("msgid", self.message_id),
        ];
        for (name, text) in named {
            if let Some(text) = text {
                draft.push_text(name, text);
            }
        }
        put_structured(self.structured, draft);
        draft.push_text("message", self.message);
        Peeled {
            program: self.program,
            message: self.message,
        }
    }
}

/// `<0>` to `<191>`.
fn priority(text: &str) -> Option<(u8, &str)> {
    let (digits, rest) = text.strip_prefix('<')?.split_once('>')?;
    let is_number = (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let priority: u8 = digits.parse().ok().filter(|_| is_number)?;
    (priority <= 191).then_some((priority, rest))
}

/// What follows `<PRI>1 ` (RFC 5424, 6): time, host, program, process, message id, structured data, message.
fn rfc5424(text: &str) -> Option<Header<'_>> {
    let (time, rest) = text.split_once(' ')?;
    let time = match time {
        "-" => None,
        time => {
            let (local, zone) = times::civil_prefix(time)?;
            Some(Time::Full(local, Some(times::offset(zone)?)))
        }
    };
    let (host, rest) = word(rest)?;
    let (program, rest) = word(rest)?;
    let (pid, rest) = word(rest)?;
    let (message_id, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let (structured, message) = structured_data(rest);
    Some(Header {
        time,
        host,
        program,
        pid,
        message_id: (message_id != "-").then_some(message_id),
        structured,
        message: message.strip_prefix('\u{feff}').unwrap_or(message),
    })
}

/// A word up to the next space; `-` stands for nothing.
fn word(text: &str) -> Option<(Option<&str>, &str)> {
    let (word, rest) = text.split_once(' ')?;
    Some(((word != "-").then_some(word), rest))
}

/// Splits `[id name="value" …][…] message`; quoted values may hold escaped quotes and brackets.
fn structured_data(text: &str) -> (&str, &str) {
    if let Some(rest) = text.strip_prefix('-') {
        return ("", rest.strip_prefix(' ').unwrap_or(rest));
    }
    let bytes = text.as_bytes();
    let (mut is_quoted, mut is_open, mut at) = (false, false, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if is_quoted => at += 1,
            b'"' => is_quoted = !is_quoted,
            b'[' if !is_quoted => is_open = true,
            b']' if !is_quoted => is_open = false,
            b' ' if !is_open => break,
            _ if !is_open => return ("", text),
            _ => {}
        }
        at += 1;
    }
    let (structured, message) = text.split_at_checked(at).unwrap_or((text, ""));
    (structured, message.strip_prefix(' ').unwrap_or(message))
}

/// Adds each parameter of the structured data as a field `id.name`.
fn put_structured(text: &str, draft: &mut Draft) {
    let mut rest = text;
    let mut id = "";
    while !rest.is_empty() {
        rest = rest.trim_start_matches([' ', ']']);
        if let Some(element) = rest.strip_prefix('[') {
            let end = element.find([' ', ']']).unwrap_or(element.len());
            (id, rest) = element.split_at(end);
            continue;
        }
        let Some((name, after)) = rest.split_once("=\"") else {
            return;
        };
        let (value, after) = quoted(after);
        let mut path = compact_str::CompactString::new(id);
        path.push('.');
        path.push_str(&name[..name.floor_char_boundary(128)]);
        draft.push_text(path, &value);
        rest = after;
    }
}

/// The value up to its closing quote, without the escapes of RFC 5424 (6.3.3), and what follows.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, &text[at + 1..]),
            '\\' => match letters.next() {
                Some((_, escaped @ ('"' | '\\' | ']'))) => value.push(escaped),
                Some((_, other)) => value.extend(['\\', other]),
                None => value.push('\\'),
            },
            other => value.push(other),
        }
    }
    (value, "")
}

/// The BSD header: time, host, `program[pid]:`, message. Without a priority all parts must be there, lest any line that
/// begins with a date be taken for syslog.
fn bsd(text: &str, has_priority: bool) -> Option<Header<'_>> {
    let (time, rest) = bsd_time(text)?;
    let rest = rest.trim_start_matches(' ');
    // Programs that write to the local socket leave the host out.
    let (host, tagged) = match rest.split_once(' ') {
        Some((first, after)) if !first.ends_with(':') && !first.contains('[') => (Some(first), after),
        Some(_) | None => (None, rest),
    };
    let tag = tag(tagged);
    if tag.is_none() && !has_priority {
        return None;
    }
    let (program, pid, message) = tag.unwrap_or((None, None, tagged));
    Some(Header {
        time: Some(time),
        host: host.map(|host| host.trim_end_matches(':')),
        program,
        pid,
        message,
        ..Header::default()
    })
}

/// `Jan  2 03:04:05`, the same with a year or a fraction, or an ISO time with `T` and zone.
fn bsd_time(text: &str) -> Option<(Time, &str)> {
    if text.as_bytes().get(10) == Some(&b'T') {
        let (local, rest) = times::civil_prefix(text)?;
        let (zone, rest) = rest.split_once(' ')?;
        let zone = if zone.is_empty() {
            None
        } else {
            Some(times::offset(zone)?)
        };
        return Some((Time::Full(local, zone), rest));
    }
    let name = text.get(..3)?;
    let month = (1..)
        .zip(MONTHS)
        .find(|(_, month)| *month == name)
        .map(|(number, _)| number)?;
    let rest = text[3..].strip_prefix(' ')?.trim_start_matches(' ');
    let (day, rest) = rest.split_once(' ')?;
    let day: i8 = day.parse().ok().filter(|day| (1..=31).contains(day))?;
    let (first, after) = rest.split_once(' ')?;
    if first.len() == 4
        && let Ok(year) = first.parse::<i16>()
    {
        let (clock, rest) = after.split_once(' ')?;
        let date = civil::Date::new(year, month, day).ok()?;
        return Some((Time::Full(date.to_datetime(clock_time(clock)?), None), rest));
    }
    Some((Time::Yearless(month, day, clock_time(first)?), after))
}

/// `03:04:05`, with or without a fraction.
fn clock_time(text: &str) -> Option<civil::Time> {
    let text = text.trim_end_matches(':');
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i8>().ok();
    if text.get(2..3)? != ":" || text.get(5..6)? != ":" {
        return None;
    }
    let (nanos, end) = times::fraction(text.as_bytes(), 8);
    if end != text.len() {
        return None;
    }
    civil::Time::new(number(0..2)?, number(3..5)?, number(6..8)?.min(59), nanos).ok()
}

type Tag<'a> = (Option<&'a str>, Option<&'a str>, &'a str);

/// `program[pid]: message` or `program: message`.
fn tag(text: &str) -> Option<Tag<'_>> {
    const TAG_BYTES_MAX: usize = 128;
    let end = text
        .bytes()
        .take(TAG_BYTES_MAX)
        .position(|byte| matches!(byte, b':' | b'[' | b' '))?;
    let program = (end > 0).then_some(&text[..end])?;
    let (pid, rest) = match &text[end..] {
        rest if rest.starts_with('[') => {
            let (pid, rest) = rest[1..].split_once(']')?;
            (Some(pid), rest)
        }
        rest => (None, rest),
    };
    let message = rest.strip_prefix(':')?;
    Some((Some(program), pid, message.strip_prefix(' ').unwrap_or(message)))
}
