//! OpenSSH's server: who signed in, who failed, who knocked. Messages of `sshd` and, since OpenSSH 9.8, `sshd-session`.

use std::net::IpAddr;

use model::Value;

use super::{Reader, Reading, Source, logsources, pam};
use crate::draft::Draft;

pub(super) const SOURCE: Source = Source {
    name: "sshd",
    programs: &["sshd", "sshd-session", "sshd-auth"],
    reader: Reader::Text {
        recognise: |_| false,
        read: |line, draft| {
            draft.logsources = SSHD.clone();
            if !pam::read(line.text, draft) {
                read(line.text, draft);
            }
            Reading::Done
        },
    },
};

logsources! {
    static SSHD = ("", "linux", "sshd"), ("", "linux", "auth"), ("", "linux", "syslog");
}

/// Where the message names the other side.
#[derive(Clone, Copy)]
enum Side {
    /// At its last `from`: what stands before it was chosen by the client and may contain another.
    Last,
    /// At its first `from`: what stands after it was chosen by the client.
    First,
}

/// How a message begins, what it means, and whether a user's name follows.
struct Pattern {
    begins: &'static str,
    action: &'static str,
    outcome: Option<&'static str>,
    names_user: bool,
    side: Side,
}

const fn pattern(begins: &'static str, action: &'static str, outcome: Option<&'static str>, user: bool) -> Pattern {
    Pattern {
        begins,
        action,
        outcome,
        names_user: user,
        side: Side::Last,
    }
}

const fn knock(begins: &'static str, action: &'static str) -> Pattern {
    Pattern {
        begins,
        action,
        outcome: None,
        names_user: false,
        side: Side::First,
    }
}

const FAILURE: Option<&str> = Some("failure");

const PATTERNS: [Pattern; 18] = [
    pattern("Invalid user ", "invalid_user", FAILURE, true),
    pattern("Illegal user ", "invalid_user", FAILURE, true),
    pattern("Connection closed by ", "connection_closed", None, true),
    pattern("Connection reset by ", "connection_closed", None, true),
    pattern("Disconnected from ", "connection_closed", None, true),
    pattern("Disconnecting ", "disconnecting", None, true),
    pattern(
        "maximum authentication attempts exceeded for ",
        "too_many_attempts",
        FAILURE,
        true,
    ),
    pattern("Starting session: ", "session_started", None, false),
    pattern("Postponed ", "authentication_postponed", None, false),
    pattern("User ", "user_refused", FAILURE, true),
    pattern("ROOT LOGIN REFUSED FROM ", "user_refused", FAILURE, false),
    knock("Received disconnect from ", "connection_closed"),
    knock("Connection from ", "connection_opened"),
    knock("Did not receive identification string from ", "probe"),
    knock("banner exchange: Connection from ", "probe"),
    knock("Unable to negotiate with ", "probe"),
    knock("ssh_dispatch_run_fatal: Connection from ", "probe"),
    knock("Bad protocol version identification ", "probe"),
];

/// Reads one message.
fn read(message: &str, draft: &mut Draft) {
    let (message, repeated) = repeated(message);
    if let Some(times) = repeated {
        draft.push("repeated", Value::Int(times));
    }
    let text = message.strip_prefix("error: ").unwrap_or(message);
    let text = text.strip_prefix("fatal: ").unwrap_or(text);
    let text = text.strip_suffix(" [preauth]").unwrap_or(text);
    if authentication(text, draft) {
        return;
    }
    let Some(pattern) = PATTERNS.iter().find(|pattern| text.starts_with(pattern.begins)) else {
        return;
    };
    let rest = &text[pattern.begins.len()..];
    draft.push_text("action", pattern.action);
    if let Some(outcome) = pattern.outcome {
        draft.push_text("outcome", outcome);
    }
    if pattern.action == "user_refused" && pattern.names_user {
        refused_user(rest, draft);
    } else {
        let before = peer(rest, pattern.side, draft);
        if pattern.names_user {
            user(before, pattern.action == "invalid_user", draft);
        }
    }
}

/// `Accepted publickey for alice from 203.0.113.7 port 50022 ssh2: ED25519 SHA256:…` and `Failed password for invalid
/// user x from …`.
fn authentication(text: &str, draft: &mut Draft) -> bool {
    let (outcome, rest) = match (text.strip_prefix("Accepted "), text.strip_prefix("Failed ")) {
        (Some(rest), _) => ("success", rest),
        (None, Some(rest)) => ("failure", rest),
        (None, None) => return false,
    };
    let Some((method, rest)) = rest.split_once(" for ") else {
        return false;
    };
    if method.contains(' ') {
        return false;
    }
    draft.push_text("action", "authentication");
    draft.push_text("outcome", outcome);
    draft.push_text("method", method);
    if let Some((_, key)) = rest.rsplit_once(" ssh2: ") {
        let (kind, fingerprint) = key.split_once(' ').unwrap_or((key, ""));
        draft.push_text("key_type", kind);
        draft.push_text("key_fingerprint", fingerprint);
    }
    let before = peer(rest, Side::Last, draft);
    user(before, false, draft);
    true
}

/// `User alice from 203.0.113.7 not allowed because not listed in AllowUsers`.
fn refused_user(rest: &str, draft: &mut Draft) {
    let Some((who, reason)) = rest.rsplit_once(" not allowed because ") else {
        return;
    };
    let before = peer(who, Side::Last, draft);
    user(before, false, draft);
    draft.push_text("reason", reason);
}

/// Finds `[from ]ADDRESS[ port NUMBER]`, stores it, and returns what stands before it.
fn peer<'a>(text: &'a str, side: Side, draft: &mut Draft) -> &'a str {
    let mut found = None;
    let mut at = 0;
    for word in text.split(' ') {
        if let Ok(address) = word.trim_end_matches([':', ',', '.']).parse::<IpAddr>() {
            found = Some((at, at + word.len(), address));
            if matches!(side, Side::First) {
                break;
            }
        }
        at += word.len() + 1;
    }
    let Some((start, end, address)) = found else {
        return text;
    };
    draft.push_text("src_ip", &address.to_canonical().to_string());
    if let Some(after) = text[end..].strip_prefix(" port ") {
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        if let Ok(port) = after[..digits].parse::<u16>() {
            draft.push("src_port", Value::Int(port.into()));
        }
    }
    let before = text[..start].trim_end_matches(' ');
    before
        .strip_suffix("from")
        .map_or(before, |name| name.trim_end_matches(' '))
}

/// The user's name, with what OpenSSH says about it.
fn user(text: &str, known_invalid: bool, draft: &mut Draft) {
    let mut name = text;
    let mut invalid = known_invalid;
    for (prefix, says_invalid) in [
        ("invalid user ", true),
        ("authenticating user ", false),
        ("user ", false),
    ] {
        if let Some(rest) = name.strip_prefix(prefix) {
            (name, invalid) = (rest, invalid || says_invalid);
            break;
        }
    }
    if !name.is_empty() && name != "invalid user" {
        draft.push_text("user", name);
    }
    if invalid || name == "invalid user" {
        draft.push("invalid_user", Value::Bool(true));
    }
}

/// `message repeated 2 times: [ Failed password for …]`, as rsyslog shortens it.
fn repeated(message: &str) -> (&str, Option<i64>) {
    let inner = message
        .strip_prefix("message repeated ")
        .and_then(|rest| rest.split_once(" times: ["))
        .and_then(|(times, rest)| Some((times.parse().ok()?, rest.strip_suffix(']')?)));
    match inner {
        Some((times, text)) => (text.trim_start(), Some(times)),
        None => (message, None),
    }
}
