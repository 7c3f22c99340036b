//! Queries that name servers log: BIND's `queries` category, dnsmasq and unbound with query logging on.

use std::net::IpAddr;

use model::Value;

use super::{Line, Reader, Reading, Source, logsources};
use crate::draft::Draft;

pub(super) const SOURCE: Source = Source {
    name: "nameserver",
    programs: &["named", "dnsmasq", "unbound"],
    reader: Reader::Text {
        recognise: |_| false,
        read,
    },
};

logsources! {
    static SYSLOG = ("", "linux", "syslog");
    static QUERY = ("dns", "linux", "dns"), ("", "linux", "syslog");
}

fn read(line: &Line<'_>, draft: &mut Draft) -> Reading {
    let text = line.text;
    let is_query = match line.program {
        Some("named") => named(text, draft),
        Some("dnsmasq") => dnsmasq(text, draft),
        _ => unbound(text, draft),
    };
    draft.logsources = if is_query { QUERY.clone() } else { SYSLOG.clone() };
    Reading::Done
}

fn query(name: &str, kind: &str, client: &str, draft: &mut Draft) -> bool {
    draft.push_text("query", name.trim_end_matches('.'));
    draft.push_text("record_type", kind);
    if let Ok(address) = client.parse::<IpAddr>() {
        draft.push_text("src_ip", &address.to_canonical().to_string());
    }
    true
}

/// `client @0x7f 203.0.113.7#51234 (www.example): query: www.example IN A +E(0)K (192.0.2.10)`.
fn named(text: &str, draft: &mut Draft) -> bool {
    let Some((client, rest)) = text.split_once(": query: ") else {
        return false;
    };
    let mut words = rest.split(' ');
    let (Some(name), Some(_class), Some(kind)) = (words.next(), words.next(), words.next()) else {
        return false;
    };
    let place = client.split(' ').find(|word| word.contains('#')).unwrap_or_default();
    let (address, port) = place.split_once('#').unwrap_or((place, ""));
    if let Ok(port) = port.trim_end_matches(':').parse::<u16>() {
        draft.push("src_port", Value::Int(port.into()));
    }
    query(name, kind, address, draft)
}

/// `query[A] www.example from 203.0.113.7` and `reply www.example is 192.0.2.10`, with or without number and client before.
fn dnsmasq(text: &str, draft: &mut Draft) -> bool {
    if let Some((_, rest)) = text.split_once("query[")
        && let Some((kind, rest)) = rest.split_once("] ")
        && let Some((name, client)) = rest.split_once(" from ")
    {
        return query(name, kind, client, draft);
    }
    if let Some((_, rest)) = text.split_once("reply ")
        && let Some((name, answer)) = rest.split_once(" is ")
    {
        draft.push_text("query", name);
        draft.push_text("answer", answer);
        return true;
    }
    false
}

/// `[812:0] info: 203.0.113.7 www.example. A IN`.
fn unbound(text: &str, draft: &mut Draft) -> bool {
    let Some((_, rest)) = text.split_once("info: ") else {
        return false;
    };
    let words: Vec<&str> = rest.split(' ').take(5).collect();
    match words.as_slice() {
        [client, name, kind, "IN", ..] if client.parse::<IpAddr>().is_ok() => query(name, kind, client, draft),
        _ => false,
    }
}
