//! Cisco IOS, IOS XE, NX-OS and ASA: `%FACILITY-SEVERITY-MNEMONIC: text` behind whatever header the device puts before it.

use std::net::IpAddr;

use model::{LogSourceSet, Value};

use super::{Line, Reader, Reading, Source, logsources};
use crate::{draft::Draft, envelopes::syslog};

pub(super) const SOURCE: Source = Source {
    name: "cisco",
    programs: &[],
    reader: Reader::Text {
        recognise: |line| syslog::cisco_mnemonic(line.text).is_some(),
        read,
    },
};

logsources! {
    static SYSLOG = ("", "cisco", "syslog");
    /// Commands that were typed, and sign-ins.
    static AAA = ("", "cisco", "aaa"), ("", "cisco", "syslog");
    static BGP = ("", "cisco", "bgp"), ("", "cisco", "syslog");
    static LDP = ("", "cisco", "ldp"), ("", "cisco", "syslog");
    static FIREWALL = ("firewall", "cisco", "syslog");
}

fn read(line: &Line<'_>, draft: &mut Draft) -> Reading {
    let Some((id, text)) = syslog::cisco_mnemonic(line.text) else {
        return Reading::NotMine;
    };
    draft.push_text("msgid", id);
    draft.entities.event_code = Some(id.into());
    let mut parts = id.split('-');
    let facility = parts.next().unwrap_or_default();
    let mnemonic = id.rsplit('-').next().unwrap_or_default();
    draft.push_text("mnemonic", mnemonic);
    draft.logsources = logsources_of(facility, mnemonic, text);
    // What a command names is no end of anything.
    let told = text.split("logged command:").next().unwrap_or(text);
    let mut ends = Endpoints::of(told);
    // A connection built outbound names the far side first.
    if matches!(
        mnemonic,
        "302013" | "302015" | "302020" | "302021" | "302014" | "302016"
    ) && text.contains("outbound")
    {
        std::mem::swap(&mut ends.first, &mut ends.second);
    }
    for (end, address, port) in [(ends.first, "src_ip", "src_port"), (ends.second, "dst_ip", "dst_port")] {
        if let Some((ip, number)) = end {
            draft.push_text(address, &ip.to_string());
            if let Some(number) = number {
                draft.push(port, Value::Int(number.into()));
            }
        }
    }
    action(text, draft);
    who(text, draft);
    Reading::Done
}

fn logsources_of(facility: &str, mnemonic: &str, text: &str) -> LogSourceSet {
    match facility {
        "PARSER" | "AAA" | "AAAA" | "SEC_LOGIN" | "HA_EM" | "TAC" | "TACACS" | "RADIUS" | "AUTHPRIV" => AAA.clone(),
        "ASA" | "FTD" | "PIX" | "FWSM" => match mnemonic {
            "111008" | "111009" | "111010" | "113004" | "113005" | "113015" | "605004" | "605005" | "611101"
            | "611102" => AAA.clone(),
            _ => FIREWALL.clone(),
        },
        "BGP" => BGP.clone(),
        "TCP" | "IP" if text.contains(":179") || text.contains("(179)") => BGP.clone(),
        "LDP" => LDP.clone(),
        "SEC" | "ACLLOG" | "FW" | "FMANFP" => FIREWALL.clone(),
        "SYS" if mnemonic.starts_with("CONFIG") => AAA.clone(),
        _ => SYSLOG.clone(),
    }
}

/// The first two different places that the text names.
struct Endpoints {
    first: Option<(IpAddr, Option<u16>)>,
    second: Option<(IpAddr, Option<u16>)>,
}

impl Endpoints {
    fn of(text: &str) -> Self {
        let mut ends = Self {
            first: None,
            second: None,
        };
        for word in text.split([' ', '[', ']', ',']) {
            let Some(end) = endpoint(word) else { continue };
            if ends.first.is_none() {
                ends.first = Some(end);
            } else if ends.first.map(|(ip, _)| ip) != Some(end.0) {
                ends.second = Some(end);
                break;
            }
        }
        ends
    }
}

/// `outside:203.0.113.7/51234`, `outside/203.0.113.7(51234)`, `203.0.113.7(51234)`, `(203.0.113.7)`, `203.0.113.7`.
fn endpoint(word: &str) -> Option<(IpAddr, Option<u16>)> {
    if word.len() < 4 || word.starts_with('(') && word.contains('/') {
        return None;
    }
    let word = word.trim_matches(['(', ')', '.', ';', '\'', '"']);
    if let Ok(ip) = word.parse::<IpAddr>() {
        return Some((ip.to_canonical(), None));
    }
    let (address, port) = match word.rsplit_once(['/', '(']) {
        Some((address, port)) if address.contains(['.', ':']) => (address, port.trim_end_matches(')').parse().ok()),
        _ => (word, None),
    };
    if let Ok(ip) = address.parse::<IpAddr>() {
        return Some((ip.to_canonical(), port));
    }
    let (_, address) = address.split_once([':', '/'])?;
    Some((address.parse::<IpAddr>().ok()?.to_canonical(), port))
}

fn action(text: &str, draft: &mut Draft) {
    let lower = text
        .get(..text.floor_char_boundary(200))
        .unwrap_or_default()
        .to_ascii_lowercase();
    let says = |word: &str| lower.contains(word);
    let (action, blocked) = if says("login failed") || says("login denied") || says("authentication rejected") {
        ("authentication", None)
    } else if says("deny ") || says("denied") || says("dropped") || says("discard") {
        ("drop", Some(true))
    } else if says("login success") || says("login permitted") || says("authentication successful") {
        ("authentication", None)
    } else if says("permitted") || says("built ") {
        ("accept", Some(false))
    } else {
        return;
    };
    draft.push_text("action", action);
    if let Some(blocked) = blocked {
        draft.push("blocked", Value::Bool(blocked));
    } else {
        let failed = says("failed") || says("denied") || says("rejected");
        draft.push_text("outcome", if failed { "failure" } else { "success" });
    }
}

/// `[user: admin]`, `User:admin  logged command:…`, `for user "admin"`, `by admin on vty0`.
fn who(text: &str, draft: &mut Draft) {
    for begins in ["[user: ", "User:", "user = ", "for user \"", "User '", "user '", " by "] {
        let Some((_, after)) = text.split_once(begins) else {
            continue;
        };
        let user = after
            .trim_start()
            .split([']', ' ', '"', '\'', ',', ':'])
            .next()
            .unwrap_or_default();
        if !user.is_empty() && user.parse::<IpAddr>().is_err() && user != "access-group" {
            draft.push_text("user", user);
            break;
        }
    }
    if let Some((_, command)) = text
        .split_once("logged command:")
        .or_else(|| text.split_once("executed the '"))
    {
        draft.push_text("command", command.trim_end_matches("' command.").trim_end_matches('\''));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_in_their_spellings() {
        for (word, expect) in [
            ("outside:203.0.113.7/51234", Some("203.0.113.7 51234")),
            ("outside/203.0.113.7(51234)", Some("203.0.113.7 51234")),
            ("203.0.113.7(51234)", Some("203.0.113.7 51234")),
            ("203.0.113.7", Some("203.0.113.7 -")),
            ("(203.0.113.7)", Some("203.0.113.7 -")),
            ("(203.0.113.7/51234)", None),
            ("outside:192.0.2.10/ssh", Some("192.0.2.10 -")),
            ("2001:db8::7", Some("2001:db8::7 -")),
            ("outside:2001:db8::7/443", Some("2001:db8::7 443")),
            ("12:30:01", None),
            ("word", None),
        ] {
            let read =
                endpoint(word).map(|(ip, port)| format!("{ip} {}", port.map_or("-".to_owned(), |p| p.to_string())));
            assert_eq!(read.as_deref(), expect, "{word}");
        }
    }
}
