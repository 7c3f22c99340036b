//! Packets that nftables, iptables or ufw logged through the kernel: `PREFIX IN=eth0 OUT= … SRC=… DST=… PROTO=TCP SPT=… DPT=…`.

use model::Value;

use super::{Reader, Reading, Source, logsources};
use crate::draft::Draft;

pub(super) const SOURCE: Source = Source {
    name: "netfilter",
    programs: &["ulogd"],
    reader: Reader::Text {
        recognise: |line| is_packet(line.text),
        read: |line, draft| {
            if !read(line.text, draft) {
                return Reading::NotMine;
            }
            draft.logsources = FIREWALL.clone();
            Reading::Done
        },
    },
};

logsources! {
    static FIREWALL = ("", "linux", "kernel"), ("", "linux", "syslog"), ("firewall", "linux", "netfilter");
}

/// Whether the text is a logged packet.
pub(super) fn is_packet(text: &str) -> bool {
    text.contains("IN=") && text.contains(" SRC=") && text.contains(" DST=")
}

/// Reads a logged packet; false when the message is none.
fn read(message: &str, draft: &mut Draft) -> bool {
    let text = without_uptime(message);
    let Some(start) = text
        .find("IN=")
        .filter(|at| *at == 0 || !text.as_bytes()[at - 1].is_ascii_alphanumeric())
    else {
        return false;
    };
    let (prefix, packet) = text.split_at(start);
    if !is_packet(packet) {
        return false;
    }
    let prefix = prefix.trim();
    draft.push_text("log_prefix", prefix);
    if let Some(action) = action(prefix) {
        draft.push_text("action", action);
        draft.push("blocked", Value::Bool(action != "accept"));
    }
    pairs(packet, draft);
    true
}

/// The rule's author chose the prefix; its words usually say what the rule does.
fn action(prefix: &str) -> Option<&'static str> {
    let upper = prefix.to_ascii_uppercase();
    let says = |words: &[&str]| words.iter().any(|word| upper.contains(word));
    if says(&["REJECT"]) {
        Some("reject")
    } else if says(&["DROP", "BLOCK", "DENY", "DENIED", "BAN", "REFUSE"]) {
        Some("drop")
    } else if says(&["ACCEPT", "ALLOW", "PASS", "PERMIT", "FORWARD"]) {
        Some("accept")
    } else {
        None
    }
}

/// The packet's own names are kept; addresses and ports are also there under the names of Sigma's firewall category.
/// What follows `[` is the packet that an ICMP error is about.
fn pairs(packet: &str, draft: &mut Draft) {
    let (packet, inner) = packet.split_once('[').unwrap_or((packet, ""));
    for word in packet.split_ascii_whitespace() {
        match word.split_once('=') {
            Some((name, value)) => {
                let known = match name {
                    "SRC" => Some("src_ip"),
                    "DST" => Some("dst_ip"),
                    "SPT" => Some("src_port"),
                    "DPT" => Some("dst_port"),
                    _ => None,
                };
                if let Some(known) = known {
                    match value.parse::<u16>() {
                        Ok(port) if known.ends_with("port") => draft.push(known, Value::Int(port.into())),
                        _ => draft.push_text(known, value),
                    }
                }
                draft.push_text(name, value);
            }
            None => draft.push("flags", Value::text(word)),
        }
    }
    if !inner.is_empty() {
        draft.push_text("inner_packet", inner.trim_end_matches([']', ' ']));
    }
}

/// Cuts the kernel's `[  812.123456] ` off.
pub(super) fn without_uptime(message: &str) -> &str {
    match message.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((uptime, rest))
            if !uptime.is_empty() && uptime.bytes().all(|b| b.is_ascii_digit() || b" .".contains(&b)) =>
        {
            rest.trim_start()
        }
        _ => message,
    }
}
