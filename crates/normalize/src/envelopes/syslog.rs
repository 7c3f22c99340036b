//! The syslog envelope, as RFC 5424 and RFC 3164 define it and as senders really write it: without priority, with ISO
//! times, without host, with Cisco's sequence numbers, with broken structured data.

use std::borrow::Cow;

use model::{Problem, ProblemKind, Value};

use super::stamp::{self, Stamp};
use crate::{draft::Draft, sources::logsources};

/// What the header leaves: the program that wrote the message, and the message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Peeled<'a> {
    pub(crate) program: Option<&'a str>,
    pub(crate) message: &'a str,
}

logsources! {
    static SYSLOG = ("", "linux", "syslog");
    static AUTH = ("", "linux", "auth"), ("", "linux", "syslog");
    static CRON = ("", "linux", "cron"), ("", "linux", "syslog");
}

/// Takes a syslog header off and puts what it says into the draft; nothing when the text has none.
pub(crate) fn peel<'a>(text: &'a str, draft: &mut Draft) -> Option<Peeled<'a>> {
    read(text).map(|header| header.put(draft))
}

/// The parts of a syslog message; absent means that the sender left it out or wrote the nil value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Syslog<'a> {
    /// Facility × 8 + severity, 0 to 191.
    priority: Option<u8>,
    /// When the message was made.
    stamp: Option<Stamp>,
    /// The machine that made it.
    host: Option<&'a str>,
    /// The program that made it, without its path.
    program: Option<&'a str>,
    /// The process that made it, when it is a number.
    pid: Option<u32>,
    /// RFC 5424 `MSGID`.
    message_id: Option<&'a str>,
    /// RFC 5424 structured data: `id.name` and the value without its escapes.
    structured: Vec<(String, Cow<'a, str>)>,
    /// The rest.
    message: &'a str,
    /// What was wrong with the envelope.
    problems: Vec<Problem>,
}

impl<'a> Syslog<'a> {
    /// The name of the facility (RFC 5424, table 1, with the names that `logger` uses).
    fn facility(&self) -> Option<&'static str> {
        const NAMES: [&str; 24] = [
            "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
            "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
            "local7",
        ];
        self.priority
            .and_then(|priority| NAMES.get(usize::from(priority >> 3)).copied())
    }

    /// The name of the severity (RFC 5424, table 2).
    fn severity(&self) -> Option<&'static str> {
        const NAMES: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];
        self.priority.map(|priority| NAMES[usize::from(priority & 7)])
    }

    fn put(self, draft: &mut Draft) -> Peeled<'a> {
        draft.format = "syslog";
        let (facility, severity) = (self.facility(), self.severity());
        draft.logsources = match facility {
            Some("auth" | "authpriv") => AUTH.clone(),
            Some("cron") => CRON.clone(),
            Some(_) | None => SYSLOG.clone(),
        };
        if let Some(stamp) = self.stamp {
            stamp.settle(draft);
        }
        let named = [
            ("facility", facility),
            ("severity", severity),
            ("hostname", self.host),
            ("program", self.program),
        ];
        for (name, text) in named {
            if let Some(text) = text {
                draft.push_text(name, text);
            }
        }
        if let Some(pid) = self.pid {
            draft.push("pid", Value::Int(pid.into()));
        }
        if let Some(id) = self.message_id {
            draft.push_text("msgid", id);
        }
        for (name, value) in &self.structured {
            draft.push_text(name.as_str(), value);
        }
        for problem in self.problems {
            draft.problem(problem.kind, problem.detail);
        }
        draft.push_text("message", self.message);
        Peeled {
            program: self.program,
            message: self.message,
        }
    }
}

/// Most parameters of structured data that are kept; further ones stay in the raw record.
const PARAMETERS_MAX: usize = 256;

/// Longest tag that is believed to be a program's name. RFC 3164 says 32; systemd units are longer.
const TAG_BYTES_MAX: usize = 64;

/// Reads a syslog message. `None` when nothing in the text says that it is one: it has no priority, and no time with a
/// program or a known sentence behind it.
fn read(text: &str) -> Option<Syslog<'_>> {
    let text = text.trim_end_matches(['\n', '\r', '\0']);
    match priority(text) {
        Some((priority, rest)) => Some(Syslog {
            priority: Some(priority),
            ..version(rest)
                .and_then(rfc5424)
                .or_else(|| rfc3164(rest))
                .unwrap_or_else(|| bare(rest))
        }),
        None => match version(text).and_then(rfc5424) {
            Some(message) => Some(message).filter(|message| message.stamp.is_some()),
            None => rfc3164(text).filter(is_believable),
        },
    }
}

/// How messages begin that come without a program.
const KNOWN_BEGINNINGS: [&str; 4] = ["last message repeated ", "CEF:", "LEEF:", "type="];

/// Words that stand after the time where a program writes its own log.
const LEVELS: [&str; 10] = [
    "trace", "debug", "info", "notice", "warn", "warning", "error", "critical", "fatal", "severe",
];

/// Many logs begin their lines with a time. Those that are syslog go on with a host and a program.
fn is_believable(message: &Syslog<'_>) -> bool {
    let is_zoned = match message.stamp {
        Some(Stamp::Exact(_) | Stamp::NoYear { .. }) => true,
        Some(Stamp::NoZone(_)) | None => false,
    };
    let is_level = |word: &str| LEVELS.iter().any(|level| word.eq_ignore_ascii_case(level));
    if message.host.is_some_and(is_level) {
        return false;
    }
    let is_cisco = cisco_mnemonic(message.message).is_some();
    is_cisco
        || is_zoned
            && (message.program.is_some()
                || KNOWN_BEGINNINGS
                    .iter()
                    .any(|begins| message.message.starts_with(begins)))
}

/// Reads what came over syslog without a header: at most a tag and the message.
fn bare(text: &str) -> Syslog<'_> {
    let text = text.trim_start_matches([' ', ':']);
    let mut message = Syslog::default();
    tag_and_message(&mut message, text);
    message
}

fn priority(text: &str) -> Option<(u8, &str)> {
    let rest = text.strip_prefix('<')?;
    let end = rest.bytes().take(4).position(|b| b == b'>')?;
    let number: u8 = rest[..end].parse().ok()?;
    (number < 192).then(|| (number, &rest[end + 1..]))
}

/// What follows the version number of RFC 5424, which is 1.
fn version(text: &str) -> Option<&str> {
    text.strip_prefix("1 ")
}

fn rfc5424(text: &str) -> Option<Syslog<'_>> {
    let mut message = Syslog::default();
    let (time, rest) = word(text);
    if time != "-" {
        let (stamp, after) = stamp::iso(time)?;
        if !after.is_empty() {
            return None;
        }
        message.stamp = Some(stamp);
    }
    let (host, rest) = word(rest);
    let (program, rest) = word(rest);
    let (process, rest) = word(rest);
    let (id, rest) = word(rest);
    message.host = value(host);
    message.program = value(program).map(without_path);
    message.pid = process.parse().ok();
    message.message_id = value(id);
    let rest = structured_data(rest, &mut message);
    // rsyslog's own template writes the space that its parser left before the message.
    message.message = rest.trim_start_matches(['\u{feff}', ' ']);
    Some(message)
}

fn word(text: &str) -> (&str, &str) {
    text.split_once(' ').unwrap_or((text, ""))
}

fn value(word: &str) -> Option<&str> {
    (!word.is_empty() && word != "-").then_some(word)
}

/// Reads RFC 5424, section 6.3, and returns the message after it. Data that breaks its grammar stays in the message.
fn structured_data<'a>(text: &'a str, message: &mut Syslog<'a>) -> &'a str {
    if let Some(rest) = text.strip_prefix('-') {
        return rest.strip_prefix(' ').unwrap_or(rest);
    }
    let mut rest = text;
    while let Some(inner) = rest.strip_prefix('[') {
        let Some(after) = element(inner, message) else {
            let shown: String = rest.chars().take(80).collect();
            message.problems.push(Problem::new(
                ProblemKind::Malformed,
                format!("structured data breaks RFC 5424 at {shown:?}; kept in the message"),
            ));
            return rest;
        };
        rest = after;
    }
    rest.strip_prefix(' ').unwrap_or(rest)
}

/// One `id name="value" …]`; returns what follows the bracket.
fn element<'a>(text: &'a str, message: &mut Syslog<'a>) -> Option<&'a str> {
    let end = text.find([' ', ']', '=', '"'])?;
    let id = &text[..end];
    let mut rest = &text[end..];
    if id.is_empty() {
        return None;
    }
    loop {
        rest = rest.trim_start_matches(' ');
        if let Some(after) = rest.strip_prefix(']') {
            return Some(after);
        }
        let (name, after) = rest.split_once('=')?;
        if name.is_empty() || name.contains([' ', ']', '"']) {
            return None;
        }
        let (value, after) = quoted(after.strip_prefix('"')?)?;
        if message.structured.len() < PARAMETERS_MAX {
            message.structured.push((format!("{id}.{name}"), value));
        } else if message.structured.len() == PARAMETERS_MAX
            && !message
                .problems
                .iter()
                .any(|problem| problem.kind == ProblemKind::LimitReached)
        {
            message.problems.push(Problem::new(
                ProblemKind::LimitReached,
                format!("more than {PARAMETERS_MAX} parameters of structured data"),
            ));
        }
        rest = after;
    }
}

/// A quoted value: `\"`, `\\` and `\]` are escapes, any other backslash is itself (RFC 5424, section 6.3.3).
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut owned: Option<String> = None;
    let mut from = 0;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' | b'\\' | b']' if escaped => {
                let part = owned.get_or_insert_with(String::new);
                part.push_str(&text[from..at - 1]);
                from = at;
                escaped = false;
            }
            b'\\' => escaped = true,
            b'"' => {
                let rest = &text[at + 1..];
                let value = match owned {
                    Some(mut part) => {
                        part.push_str(&text[from..at]);
                        Cow::Owned(part)
                    }
                    None => Cow::Borrowed(&text[..at]),
                };
                return Some((value, rest));
            }
            _ => escaped = false,
        }
    }
    None
}

/// RFC 3164 and everything that is sent in its name. `None` without a time.
fn rfc3164(text: &str) -> Option<Syslog<'_>> {
    let mut message = Syslog::default();
    let (stamp, rest) = header_time(text).or_else(|| {
        // Cisco IOS: `45: *Nov 25 …`, `45: router: Nov 25 …`, `: 2026 Nov 25 …`; the asterisk or dot says that the clock is not set.
        let mut rest = text;
        for _ in 0..3 {
            let (before, after) = rest.split_once(": ").or_else(|| rest.split_once(':'))?;
            if before.len() > 255 || before.contains(' ') {
                return None;
            }
            if !before.is_empty() && !before.bytes().all(|b| b.is_ascii_digit()) {
                message.host = Some(before);
            }
            rest = after.trim_start_matches(' ');
            if let Some(found) = header_time(rest.trim_start_matches(['*', '.'])) {
                return Some(found);
            }
        }
        None
    })?;
    message.stamp = Some(stamp);
    let cisco = rest.strip_prefix(':').map(|after| after.trim_start_matches(' '));
    match cisco {
        Some(rest) => tag_and_message(&mut message, rest),
        None => host_and_rest(&mut message, rest),
    }
    Some(message)
}

fn header_time(text: &str) -> Option<(Stamp, &str)> {
    if text.as_bytes().first()?.is_ascii_digit()
        && let Some((stamp, rest)) = stamp::iso(text)
        && (rest.is_empty() || rest.starts_with([' ', ':']))
    {
        return Some((stamp, rest.trim_start_matches(' ')));
    }
    stamp::bsd(text)
}

/// After the time comes the host, unless the sender left it out: then the first word is a tag.
fn host_and_rest<'a>(message: &mut Syslog<'a>, text: &'a str) {
    let (first, rest) = word(text);
    if first.ends_with(':') && !looks_like_address(first.trim_end_matches(':'))
        || first.contains('[') && first.ends_with("]:")
    {
        // ASA writes `host : %ASA-…`, others `host: %ASA-…`.
        if rest.starts_with('%') && !first.starts_with('%') {
            message.host = Some(first.trim_end_matches(':'));
            tag_and_message(message, rest);
        } else {
            tag_and_message(message, text);
        }
        return;
    }
    message.host = value(first);
    tag_and_message(message, rest.trim_start_matches(' '));
}

fn looks_like_address(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok()
}

/// `sshd[812]: message`, `%ASA-6-302013: message`, or a message without a tag.
fn tag_and_message<'a>(message: &mut Syslog<'a>, text: &'a str) {
    let text = text.strip_prefix(": ").unwrap_or(text);
    message.message = text;
    if cisco_mnemonic(text).is_some() {
        return;
    }
    let end = text
        .bytes()
        .take(TAG_BYTES_MAX)
        .position(|b| !(b.is_ascii_alphanumeric() || b"-_./()@+\\".contains(&b)))
        .unwrap_or(0);
    if end == 0 {
        return;
    }
    let (tag, rest) = text.split_at(end);
    let (pid, rest) = match rest.strip_prefix('[').and_then(|after| after.split_once(']')) {
        Some((pid, after)) if pid.len() <= 20 => (Some(pid), after),
        _ => (None, rest),
    };
    // GDM forgets the opening bracket: `gdm-password]:`.
    let rest = rest.strip_prefix("]").unwrap_or(rest);
    let Some(body) = rest.strip_prefix(':') else {
        return;
    };
    // `10.0.0.1:443`, `C:\x` and `12:30` are no tags.
    if (pid.is_none() && !(body.is_empty() || body.starts_with([' ', '\t']))) || tag.bytes().all(|b| b.is_ascii_digit())
    {
        return;
    }
    message.program = Some(without_path(tag));
    message.pid = pid.and_then(|pid| pid.parse().ok());
    message.message = body.strip_prefix(' ').unwrap_or(body);
}

/// `%ASA-6-302013: …`, `%SEC_LOGIN-5-WEBLOGIN_SUCCESS: …`, `%DAEMON-SP-3-X: …`: the part before the colon without the percent
/// sign, and the text after it.
pub(crate) fn cisco_mnemonic(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix('%')?;
    let end = rest
        .bytes()
        .position(|b| !(b.is_ascii_uppercase() || b.is_ascii_digit() || b"-_".contains(&b)))?;
    let id = &rest[..end];
    let mut parts = id.split('-').rev();
    let (_, severity) = (parts.next()?, parts.next()?);
    parts.next()?;
    if severity.len() != 1 || !severity.as_bytes()[0].is_ascii_digit() {
        return None;
    }
    let after = rest[end..].strip_prefix(':')?;
    Some((id, after.trim_start_matches(' ')))
}

fn without_path(program: &str) -> &str {
    match program.rsplit_once('/') {
        Some((directory, name)) if directory.starts_with('/') || directory.is_empty() => name,
        _ => program,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `priority|host|program|pid|id|message`, with `-` for what is absent.
    fn shown(text: &str) -> String {
        let Some(read) = read(text) else {
            return "none".to_owned();
        };
        format!(
            "{}|{}|{}|{}|{}|{}",
            read.priority.map_or("-".to_owned(), |p| p.to_string()),
            read.host.unwrap_or("-"),
            read.program.unwrap_or("-"),
            read.pid.map_or("-".to_owned(), |p| p.to_string()),
            read.message_id.unwrap_or("-"),
            read.message
        )
    }

    #[test]
    fn envelopes_of_many_senders() {
        for (text, expect) in [
            (
                "<34>Nov 25 01:58:54 web1 sshd[812]: hello: x",
                "34|web1|sshd|812|-|hello: x",
            ),
            ("Nov 25 01:58:54 web1 sshd[812]: hello\n", "-|web1|sshd|812|-|hello"),
            (
                "2026-11-25T01:58:54.123456+00:00 web1 CRON[9]: (root) CMD (x)",
                "-|web1|CRON|9|-|(root) CMD (x)",
            ),
            ("<13>Nov 25 01:58:54 sshd[812]: no host", "13|-|sshd|812|-|no host"),
            ("<13>Nov 25 01:58:54 su: no host", "13|-|su|-|-|no host"),
            (
                "<13>Nov 25 01:58:54 web1 last message repeated 3 times",
                "13|web1|-|-|-|last message repeated 3 times",
            ),
            ("<86>sudo: alice : TTY=pts/0", "86|-|sudo|-|-|alice : TTY=pts/0"),
            ("<4>kernel: [ 12.5] IN=eth0", "4|-|kernel|-|-|[ 12.5] IN=eth0"),
            ("<13>just text at 10.0.0.1:443", "13|-|-|-|-|just text at 10.0.0.1:443"),
            ("<13>Nov 25 01:58:54 2001:db8::1 app: m", "13|2001:db8::1|app|-|-|m"),
            (
                "<13>Nov 25 01:58:54 gw su(pam_unix)[77]: m",
                "13|gw|su(pam_unix)|77|-|m",
            ),
            ("<30>Nov 25 01:58:54 gw /usr/sbin/cron[77]: m", "30|gw|cron|77|-|m"),
            (
                "<22>Nov 25 01:58:54 mx postfix/smtpd[77]: m",
                "22|mx|postfix/smtpd|77|-|m",
            ),
            (
                "<189>45: *Nov 25 01:58:54.123: %SYS-5-CONFIG_I: by x",
                "189|-|-|-|-|%SYS-5-CONFIG_I: by x",
            ),
            (
                "<189>45: r1: Nov 25 01:58:54 UTC: %SYS-5-CONFIG_I: by x",
                "189|r1|-|-|-|%SYS-5-CONFIG_I: by x",
            ),
            (
                "<189>: 2026 Nov 25 01:58:54 UTC: %AUTHPRIV-5-SYSTEM_MSG: x",
                "189|-|-|-|-|%AUTHPRIV-5-SYSTEM_MSG: x",
            ),
            (
                "<166>Nov 25 2026 01:58:54 fw1 : %ASA-6-302013: Built",
                "166|fw1|-|-|-|%ASA-6-302013: Built",
            ),
            (
                "<166>Nov 25 2026 01:58:54: %ASA-6-302013: Built",
                "166|-|-|-|-|%ASA-6-302013: Built",
            ),
            (
                "<166>Nov 25 2026 01:58:54 fw1: %ASA-6-302013: Built",
                "166|fw1|-|-|-|%ASA-6-302013: Built",
            ),
            ("<166>%ASA-6-302013: Built", "166|-|-|-|-|%ASA-6-302013: Built"),
            ("<999>Nov 25 01:58:54 a b: c", "none"),
            ("plain text", "none"),
            ("2026-11-25T01:58:54Z INFO main: started", "none"),
            ("Nov 25 01:58:54 no program here", "none"),
            ("2026-11-25 01:58:54 web1 app: no zone and a space", "none"),
            ("", "none"),
            ("<34>", "34|-|-|-|-|"),
        ] {
            assert_eq!(shown(text), expect, "{text}");
        }
    }

    #[test]
    fn rfc5424_with_structured_data() {
        let text = r#"<165>1 2026-11-25T01:58:54.003Z web1 app 812 ID47 [x@1 a="1 \"q\" \\ \] \n" b=""][y@2 c="z"] "#;
        let text = format!("{text}\u{feff}hello");
        let read = read(&text).unwrap();
        let structured: Vec<_> = read
            .structured
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(structured, [r#"x@1.a=1 "q" \ ] \n"#, "x@1.b=", "y@2.c=z"]);
        assert_eq!(
            (read.host, read.program, read.pid, read.message_id, read.message),
            (Some("web1"), Some("app"), Some(812), Some("ID47"), "hello")
        );
        assert_eq!((read.facility(), read.severity()), (Some("local4"), Some("notice")));
        assert_eq!(shown("<14>1 - - - - - - m"), "14|-|-|-|-|m");
        assert_eq!(shown("<14>1 - - - - - -"), "14|-|-|-|-|");
        assert_eq!(shown("1 2026-11-25T01:58:54Z h a - - - m"), "-|h|a|-|-|m");
    }

    #[test]
    fn broken_structured_data_stays_in_the_message() {
        for text in ["[x a=1] m", "[x a=\"1] m", "[ a=\"1\"] m", "[x a"] {
            let line = format!("<14>1 - h a - - {text}");
            let read = read(&line).unwrap();
            assert_eq!(read.message, text);
            assert_eq!(read.problems.len(), 1, "{text}");
        }
    }
}
