//! nginx: its access log, and its error log (`2026/11/25 01:58:54 [error] 20#20: *3 open() … failed, client: …, request: "…"`).

use model::Value;

use super::{Line, Reader, Reading, Source, access_log, logsources};
use crate::{draft::Draft, envelopes::stamp};

pub(super) const SOURCE: Source = Source {
    name: "nginx",
    programs: &["nginx"],
    reader: Reader::Text { recognise, read },
};

logsources! {
    static ACCESS = ("webserver", "nginx", "nginx");
    static ERROR = ("", "nginx", "nginx");
}

fn recognise(line: &Line<'_>) -> bool {
    error_head(line.text).is_some()
}

fn read(line: &Line<'_>, draft: &mut Draft) -> Reading {
    if access_log::is_access(line.text) {
        draft.logsources = ACCESS.clone();
        return access_log::read(line.text, draft);
    }
    let Some((stamp, level, rest)) = error_head(line.text) else {
        return Reading::NotMine;
    };
    draft.logsources = ERROR.clone();
    stamp.settle(draft);
    draft.push_text("level", level);
    let (process, message) = rest.split_once(": ").unwrap_or(("", rest));
    if let Some((pid, thread)) = process.split_once('#') {
        draft.push_text("pid", pid);
        draft.push_text("tid", thread);
    }
    let message = match message.strip_prefix('*').and_then(|after| after.split_once(' ')) {
        Some((connection, after)) if connection.bytes().all(|b| b.is_ascii_digit()) => {
            draft.push_text("connection", connection);
            after
        }
        _ => message,
    };
    draft.push_text("message", message);
    context(message, draft);
    Reading::Done
}

fn error_head(text: &str) -> Option<(stamp::Stamp, &str, &str)> {
    if text.as_bytes().get(4) != Some(&b'/') {
        return None;
    }
    let (stamp, rest) = stamp::iso(text)?;
    let (level, rest) = rest.strip_prefix(" [")?.split_once("] ")?;
    level
        .bytes()
        .all(|b| b.is_ascii_lowercase())
        .then_some((stamp, level, rest))
}

/// What the worker was doing: `, client: 203.0.113.7, server: _, request: "GET / HTTP/1.1", host: "example"`.
fn context(message: &str, draft: &mut Draft) {
    let Some(start) = message.find(", client: ") else {
        return;
    };
    for (name, field) in [
        ("client", "c-ip"),
        ("server", "server"),
        ("host", "cs-host"),
        ("upstream", "upstream"),
        ("referrer", "cs-referer"),
    ] {
        let label = [", ", name, ": "].concat();
        // The request is the client's own text: labels inside it are not ours, those after it come last.
        let found = if name == "client" || name == "server" {
            message[start..].find(&label)
        } else {
            message[start..].rfind(&label)
        };
        let Some(at) = found else { continue };
        let value = &message[start + at + label.len()..];
        let value = match value.strip_prefix('"') {
            Some(inner) => inner.split("\", ").next().unwrap_or(inner).trim_end_matches('"'),
            None => value.split(", ").next().unwrap_or(value),
        };
        if !value.is_empty() {
            draft.push_text(field, value);
        }
    }
    if let Some((_, request)) = message[start..].split_once(", request: \"") {
        let request = request.split("\", ").next().unwrap_or(request).trim_end_matches('"');
        draft.push("request", Value::text(crate::draft::cut(request)));
    }
}
