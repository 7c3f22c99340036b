//! Squid's own access log: `1773454178.123    812 192.0.2.55 TCP_MISS/200 4512 GET http://www.example/a lan
//! HIER_DIRECT/203.0.113.9 text/html`, under the names of Sigma's `proxy` category.

use super::{Line, Reader, Reading, Source, logsources};
use crate::{draft::Draft, envelopes::stamp};

pub(super) const SOURCE: Source = Source {
    name: "squid",
    programs: &["squid", "(squid-1)"],
    reader: Reader::Text {
        recognise: |line| columns(line.text).is_some(),
        read,
    },
};

logsources! {
    static PROXY = ("proxy", "squid", "squid");
}

/// The ten columns; the target may hold no spaces, because Squid escapes them.
fn columns(text: &str) -> Option<[&str; 10]> {
    if !text.as_bytes().first()?.is_ascii_digit() {
        return None;
    }
    let mut columns = [""; 10];
    let mut words = text.split_ascii_whitespace();
    for column in &mut columns {
        *column = words.next()?;
    }
    let (action, status) = columns[3].split_once('/')?;
    let is_action = action.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') && !action.is_empty();
    let is_status = status.len() <= 3 && status.bytes().all(|b| b.is_ascii_digit());
    (is_action && is_status && columns[8].contains('/')).then_some(columns)
}

fn read(line: &Line<'_>, draft: &mut Draft) -> Reading {
    let Some([time, elapsed, client, result, bytes, method, target, user, peer, kind]) = columns(line.text) else {
        return Reading::NotMine;
    };
    draft.logsources = PROXY.clone();
    if let Some((at, _)) = stamp::epoch(time) {
        draft.happened(at);
    }
    let (action, status) = result.split_once('/').unwrap_or((result, ""));
    let (hierarchy, server) = peer.split_once('/').unwrap_or((peer, ""));
    for (name, value) in [
        ("time-taken", elapsed),
        ("c-ip", client),
        ("s-action", action),
        ("sc-status", status),
        ("sc-bytes", bytes),
        ("cs-method", method),
        ("c-uri", target),
        ("cs-username", user),
        ("s-hierarchy", hierarchy),
        ("dst_ip", server),
        ("rs-content-type", kind),
    ] {
        if !matches!(value, "-" | "") {
            draft.push_untyped(name, value);
        }
    }
    parts_of_target(target, draft);
    Reading::Done
}

/// Host, query and extension; `CONNECT` names host and port only.
fn parts_of_target(target: &str, draft: &mut Draft) {
    // What could not be read as a request has no target.
    if target.starts_with("error:") {
        return;
    }
    let rest = target.split_once("://").map_or(target, |(_, rest)| rest);
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    draft.push_text("cs-host", host.trim_matches(['[', ']']));
    draft.entities.url_path = (!path.is_empty()).then(|| crate::draft::cut(path).into());
    let (stem, query) = path.split_once('?').unwrap_or((path, ""));
    if !query.is_empty() {
        draft.push_text("c-uri-query", query);
    }
    if let Some((_, extension)) = stem.rsplit('/').next().and_then(|name| name.rsplit_once('.')) {
        draft.push_text("c-uri-extension", extension);
    }
}
