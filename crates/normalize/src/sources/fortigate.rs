//! `FortiGate` firewalls: `date=2026-03-14 time=02:09:38 devname="fw1" … type="traffic" srcip=203.0.113.7 … action="deny"`.

use jiff::Timestamp;
use model::{LogSourceSet, ProblemKind, Value};

use super::{Line, Reader, Reading, Source, logsources};
use crate::{draft::Draft, times};

pub(super) const SOURCE: Source = Source {
    name: "fortigate",
    programs: &[],
    reader: Reader::Text { recognise, read },
};

logsources! {
    static EVENT = ("", "fortigate", "event");
    static VPN = ("", "fortigate", "event"), ("", "fortios", "sslvpnd");
    static TRAFFIC = ("firewall", "fortigate", "traffic");
    static UTM = ("", "fortigate", "utm");
    static WEB = ("proxy", "fortigate", "utm");
    static VIRUS = ("antivirus", "fortigate", "utm");
}

fn recognise(line: &Line<'_>) -> bool {
    let head = &line.text[..line.text.floor_char_boundary(300)];
    (head.starts_with("date=")
        || head.starts_with("logver=")
        || head.starts_with("timestamp=")
        || head.starts_with("time="))
        && head.contains("devid=")
        || head.contains("devname=") && head.contains("logid=")
}

fn read(line: &Line<'_>, draft: &mut Draft) -> Reading {
    let mut rest = line.text;
    let mut count = 0;
    while let Some((name, value, after)) = pair(rest) {
        if name == "eventtime" {
            draft.push_text(name, value);
        } else {
            draft.push_untyped(name, value);
        }
        rest = after;
        count += 1;
    }
    if count < 3 {
        return Reading::NotMine;
    }
    if !rest.trim().is_empty() {
        draft.problem(ProblemKind::Malformed, "the end of the line has no names");
    }
    time(draft);
    draft.logsources = kind(draft);
    aliases(draft);
    Reading::Done
}

/// The next `name=value` or `name="value with \"quotes\""`.
fn pair(text: &str) -> Option<(&str, &str, &str)> {
    let text = text.trim_start_matches([' ', ',']);
    let (name, rest) = text.split_once('=')?;
    if name.is_empty() || name.contains([' ', '"']) {
        return None;
    }
    let Some(inner) = rest.strip_prefix('"') else {
        let end = rest.find([' ', ',']).unwrap_or(rest.len());
        return Some((name, &rest[..end], &rest[end..]));
    };
    let mut escaped = false;
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            b'"' if !escaped => return Some((name, &inner[..at], &inner[at + 1..])),
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    Some((name, inner, ""))
}

/// `eventtime` is exact (seconds to nanoseconds); otherwise date, time and `tz`.
fn time(draft: &mut Draft) {
    let exact = draft.fields.text("eventtime").and_then(|text| text.parse::<i64>().ok());
    if let Some(at) = exact.and_then(times::of_epoch).filter(|at| *at > Timestamp::UNIX_EPOCH) {
        draft.happened(at);
        return;
    }
    let part = |name: &str| draft.fields.text(name).unwrap_or_default().to_owned();
    let zone = part("tz");
    let text = [&part("date"), " ", &part("time"), &zone].concat();
    if text.len() > 1 {
        draft.happened_iso(&text);
    }
}

fn kind(draft: &Draft) -> LogSourceSet {
    let fields = &draft.fields;
    match (
        fields.text("type").unwrap_or_default(),
        fields.text("subtype").unwrap_or_default(),
    ) {
        ("traffic", _) => TRAFFIC.clone(),
        ("utm", "webfilter") => WEB.clone(),
        ("utm", "virus") => VIRUS.clone(),
        ("utm", _) => UTM.clone(),
        (_, "vpn") => VPN.clone(),
        _ => EVENT.clone(),
    }
}

/// The names of Sigma's categories.
fn aliases(draft: &mut Draft) {
    for (own, known) in [
        ("srcip", "src_ip"),
        ("dstip", "dst_ip"),
        ("srcport", "src_port"),
        ("dstport", "dst_port"),
        ("remip", "src_ip"),
        ("devname", "Computer"),
        ("hostname", "cs-host"),
        ("url", "c-uri"),
        ("agent", "c-useragent"),
        ("virus", "Signature"),
        ("filename", "Filename"),
    ] {
        if draft.fields.get(known).is_none()
            && let Some(value) = draft.fields.get(own).cloned()
        {
            draft.push(known, value);
        }
    }
    let blocked = match draft.fields.text("action") {
        Some("deny" | "block" | "blocked" | "dropped" | "drop" | "reset") => Some(true),
        Some("accept" | "close" | "timeout" | "start" | "passthrough" | "pass" | "ip-conn") => Some(false),
        _ => None,
    };
    if let Some(blocked) = blocked {
        draft.push("blocked", Value::Bool(blocked));
    }
}
