//! Apache httpd: its access log, and its error log (`[Wed Nov 25 01:58:54.123456 2026] [core:error] [pid 26:tid 26]
//! [client 203.0.113.7:55336] AH00128: …`).

use super::{Line, Reader, Reading, Source, access_log, logsources};
use crate::{draft::Draft, envelopes::stamp};

pub(super) const SOURCE: Source = Source {
    name: "apache",
    programs: &["apache2", "httpd", "apache"],
    reader: Reader::Text { recognise, read },
};

logsources! {
    static ACCESS = ("webserver", "apache", "apache");
    static ERROR = ("", "apache", "apache");
}

fn recognise(line: &Line<'_>) -> bool {
    error_head(line.text).is_some_and(|(_, rest)| rest.starts_with('['))
}

fn read(line: &Line<'_>, draft: &mut Draft) -> Reading {
    if access_log::is_access(line.text) {
        draft.logsources = ACCESS.clone();
        return access_log::read(line.text, draft);
    }
    let head = error_head(line.text);
    let (stamp, mut rest) = match head {
        Some((stamp, rest)) => (Some(stamp), rest),
        // Through syslog the time is in the envelope.
        None if line.program.is_some() => (None, line.text),
        None => return Reading::NotMine,
    };
    draft.logsources = ERROR.clone();
    if let Some(stamp) = stamp {
        stamp.settle(draft);
    }
    while let Some((inside, after)) = rest.strip_prefix('[').and_then(|inner| inner.split_once("] ")) {
        bracket(inside, draft);
        rest = after;
    }
    if let Some((code, _)) = rest.split_once(": ")
        && code.starts_with("AH")
        && code[2..].bytes().all(|b| b.is_ascii_digit())
    {
        draft.push_text("code", code);
    }
    if let Some((_, referer)) = rest.rsplit_once(", referer: ") {
        draft.push_text("cs-referer", referer);
    }
    if head.is_some() {
        draft.push_text("message", rest);
    }
    Reading::Done
}

fn error_head(text: &str) -> Option<(stamp::Stamp, &str)> {
    let (time, rest) = text.strip_prefix('[')?.split_once("] ")?;
    let (stamp, after) = stamp::bsd(time)?;
    after.is_empty().then_some((stamp, rest))
}

/// `core:error`, `pid 26:tid 26`, `client 203.0.113.7:55336`, or the level alone.
fn bracket(inside: &str, draft: &mut Draft) {
    if let Some(process) = inside.strip_prefix("pid ") {
        let (pid, thread) = process.split_once(":tid ").unwrap_or((process, ""));
        draft.push_text("pid", pid);
        if !thread.is_empty() {
            draft.push_text("tid", thread);
        }
    } else if let Some(peer) = inside
        .strip_prefix("client ")
        .or_else(|| inside.strip_prefix("remote "))
    {
        let (address, port) = match peer.rsplit_once(':') {
            Some((address, port)) if peer.parse::<std::net::IpAddr>().is_err() => (address, port),
            _ => (peer, ""),
        };
        draft.push_text("c-ip", address.trim_matches(['[', ']']));
        if !port.is_empty() {
            draft.push_text("src_port", port);
        }
    } else if !inside.contains(' ') {
        let (module, level) = inside.split_once(':').unwrap_or(("", inside));
        if !module.is_empty() {
            draft.push_text("module", module);
        }
        draft.push_text("level", level);
    }
}
