//! CEF, the Common Event Format of `ArcSight` (revision 25), and LEEF, the Log Event Extended Format of `QRadar` (1.0 and
//! 2.0): a fixed header, then named values.

use std::borrow::Cow;

use jiff::{Timestamp, civil::DateTime, fmt::strtime};
use model::{LogSourceSet, ProblemKind};

use super::{Line, Reader, Reading, Source, logsources};
use crate::{draft::Draft, envelopes::stamp, times};

pub(super) const CEF: Source = Source {
    name: "cef",
    programs: &["CEF"],
    reader: Reader::Text {
        recognise: |line| line.text.starts_with("CEF:"),
        read: read_cef,
    },
};

pub(super) const LEEF: Source = Source {
    name: "leef",
    programs: &["LEEF"],
    reader: Reader::Text {
        recognise: |line| line.text.starts_with("LEEF:"),
        read: read_leef,
    },
};

logsources! {
    static FIREWALL = ("firewall", "", "");
    static PROXY = ("proxy", "", "");
    static ANTIVIRUS = ("antivirus", "", "");
    static FORTIGATE = ("firewall", "fortigate", "event");
    static PALOALTO = ("firewall", "paloalto", "");
    static OTHER = ("appliance", "", "");
}

/// Most named values that are read of one record; the rest stays in the raw record.
const PAIRS_MAX: usize = 512;

const CEF_HEADER: [&str; 6] = [
    "DeviceVendor",
    "DeviceProduct",
    "DeviceVersion",
    "DeviceEventClassID",
    "Name",
    "Severity",
];

fn read_cef(line: &Line<'_>, draft: &mut Draft) -> Reading {
    // Syslog's tag parser may have taken `CEF` for the program.
    let text = line.text.strip_prefix("CEF:").unwrap_or(line.text);
    let Some((version, mut rest)) = text.split_once('|') else {
        return Reading::NotMine;
    };
    if version.is_empty() || !version.bytes().all(|b| b.is_ascii_digit()) {
        return Reading::NotMine;
    }
    draft.push_text("cef_version", version);
    for name in CEF_HEADER {
        let (value, after) = header_part(rest);
        draft.push_text(name, &value);
        rest = after;
    }
    let mut pairs = Pairs::default();
    extension(rest, &mut pairs);
    finish(&pairs, draft);
    draft.entities.event_code = draft.fields.text("DeviceEventClassID").map(Into::into);
    Reading::Done
}

/// A part of the header up to an unescaped bar; `\|` and `\\` are escapes.
fn header_part(text: &str) -> (Cow<'_, str>, &str) {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'|' if !escaped => return (plain(&text[..at]), &text[at + 1..]),
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    (plain(text), "")
}

/// Takes escapes away: `\|`, `\=`, `\\`, and `\n`, `\r` for line ends.
fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            out.push(letter);
            continue;
        }
        match letters.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some(escaped @ ('|' | '=' | '\\')) => out.push(escaped),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    Cow::Owned(out)
}

#[derive(Default)]
struct Pairs<'a> {
    all: Vec<(&'a str, Cow<'a, str>)>,
    cut: bool,
}

impl<'a> Pairs<'a> {
    fn push(&mut self, name: &'a str, value: Cow<'a, str>) {
        if self.all.len() < PAIRS_MAX {
            self.all.push((name, value));
        } else {
            self.cut = true;
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.all
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_ref())
    }
}

/// `src=203.0.113.7 msg=text with spaces act=blocked`: a value reaches to the space before the next name.
fn extension<'a>(text: &'a str, pairs: &mut Pairs<'a>) {
    let text = text.trim();
    let Some(mut equals) = next_equals(text, 0) else { return };
    let mut name = &text[name_start(text, 0, equals)..equals];
    loop {
        let next = next_equals(text, equals + 1);
        let end = next.map_or(text.len(), |next| name_start(text, equals + 1, next));
        let value = text[equals + 1..end].trim_end_matches(' ');
        pairs.push(name, plain(value));
        let Some(next) = next else { return };
        name = text[end..next].trim();
        equals = next;
    }
}

/// The next unescaped `=` that has a name before it.
fn next_equals(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = from;
    loop {
        at += bytes.get(at..)?.iter().position(|b| *b == b'=')?;
        let start = name_start(text, from, at);
        let is_name = start < at && (start == 0 || start > from && bytes[start - 1] == b' ');
        if is_name {
            return Some(at);
        }
        at += 1;
    }
}

/// Where the name before `equals` begins.
fn name_start(text: &str, from: usize, equals: usize) -> usize {
    let name = text.as_bytes()[from..equals]
        .iter()
        .rev()
        .take_while(|b| b.is_ascii_alphanumeric() || b"_.-[]".contains(b))
        .count();
    equals - name
}

const LEEF_HEADER: [&str; 4] = ["DeviceVendor", "DeviceProduct", "DeviceVersion", "EventID"];

fn read_leef(line: &Line<'_>, draft: &mut Draft) -> Reading {
    let text = line.text.strip_prefix("LEEF:").unwrap_or(line.text);
    let Some((version, mut rest)) = text.split_once('|') else {
        return Reading::NotMine;
    };
    if !matches!(version, "1.0" | "1" | "2.0" | "2") {
        return Reading::NotMine;
    }
    draft.push_text("leef_version", version);
    for name in LEEF_HEADER {
        let (value, after) = rest.split_once('|').unwrap_or((rest, ""));
        draft.push_text(name, value);
        rest = after;
    }
    let mut delimiter = '\t';
    if version.starts_with('2')
        && let Some((given, after)) = rest.split_once('|')
        && let Some(letter) = leef_delimiter(given)
    {
        (delimiter, rest) = (letter, after);
    }
    // Some relays turn tabs into spaces.
    let mut pairs = Pairs::default();
    if delimiter == '\t' && !rest.contains('\t') && rest.contains(' ') {
        extension(rest, &mut pairs);
    } else {
        for pair in rest.split(delimiter) {
            if let Some((name, value)) = pair.split_once('=') {
                pairs.push(name.trim(), Cow::Borrowed(value));
            } else if !pair.trim().is_empty() {
                draft.problem(ProblemKind::Malformed, "a part of the extension has no name");
            }
        }
    }
    finish(&pairs, draft);
    draft.entities.event_code = draft.fields.text("EventID").map(Into::into);
    Reading::Done
}

/// `^`, or its number as `x5E` or `0x5E`; an empty one is the tab.
fn leef_delimiter(given: &str) -> Option<char> {
    let number = given.strip_prefix("0x").or_else(|| given.strip_prefix('x'));
    match number.filter(|number| !number.is_empty()) {
        Some(number) => char::from_u32(u32::from_str_radix(number, 16).ok()?),
        None if given.is_empty() => Some('\t'),
        None => {
            let mut letters = given.chars();
            letters.next().filter(|_| letters.next().is_none())
        }
    }
}

fn finish(pairs: &Pairs<'_>, draft: &mut Draft) {
    if pairs.cut {
        draft.limit_reached("named values");
    }
    time(pairs, draft);
    for (name, value) in &pairs.all {
        draft.push_untyped(*name, value);
        // `cs1Label=Rule Name cs1=block-all`: the value is also there under its label.
        if let Some(numbered) = name.strip_suffix("Label")
            && let Some(labelled) = pairs.get(numbered)
            && !value.is_empty()
        {
            let label = crate::draft::cut(value);
            draft.push_text(&label[..label.floor_char_boundary(128)], labelled);
        }
    }
    for (known, names) in ALIASES {
        if draft.fields.get(known).is_some() {
            continue;
        }
        if let Some(value) = names
            .iter()
            .find_map(|name| pairs.get(name))
            .filter(|value| !value.is_empty())
        {
            draft.push_untyped(known, value);
        }
    }
    draft.logsources = logsources_of(pairs, draft);
}

/// Names of Sigma's categories and of the entity columns, and what CEF and LEEF call them.
const ALIASES: [(&str, &[&str]); 14] = [
    ("src_ip", &["src", "sourceAddress"]),
    ("dst_ip", &["dst", "destinationAddress"]),
    ("src_port", &["spt", "srcPort", "sourcePort"]),
    ("dst_port", &["dpt", "dstPort", "destinationPort"]),
    ("action", &["act", "action", "deviceAction"]),
    ("user", &["suser", "usrName", "duser", "accountName"]),
    ("hostname", &["dvchost", "identHostName", "shost"]),
    ("c-uri", &["request", "url"]),
    ("c-useragent", &["requestClientApplication", "userAgent"]),
    ("cs-method", &["requestMethod", "method"]),
    ("cs-host", &["dhost"]),
    ("Filename", &["filePath", "fname", "fileName"]),
    ("sha256", &["fileHash", "sha256"]),
    ("Signature", &["virusname", "virusName", "malwareName"]),
];

fn logsources_of(pairs: &Pairs<'_>, draft: &Draft) -> LogSourceSet {
    let part = |name: &str| draft.fields.text(name).unwrap_or_default().to_ascii_lowercase();
    let (vendor, product) = (part("DeviceVendor"), part("DeviceProduct"));
    if vendor.contains("fortinet") && product.contains("fortigate") {
        FORTIGATE.clone()
    } else if vendor.contains("palo alto") {
        PALOALTO.clone()
    } else if draft.fields.get("Signature").is_some() {
        ANTIVIRUS.clone()
    } else if draft.fields.get("c-uri").is_some() {
        PROXY.clone()
    } else if pairs.get("src").is_some() && pairs.get("dst").is_some() {
        FIREWALL.clone()
    } else {
        OTHER.clone()
    }
}

/// Receipt by the device, beginning or end, in that order: milliseconds since 1970, or `Mar 14 2026 02:09:38.123 UTC`.
fn time(pairs: &Pairs<'_>, draft: &mut Draft) {
    for name in ["rt", "deviceReceiptTime", "start", "devTime", "end"] {
        let Some(text) = pairs.get(name) else { continue };
        if let Some(at) = epoch(text) {
            draft.happened(at);
        } else if let Some((stamp, _)) = stamp::bsd(text) {
            stamp.settle(draft);
        } else if let Some(local) = pairs.get("devTimeFormat").and_then(|format| formatted(text, format)) {
            draft.happened_civil(local, None);
        } else if !draft.happened_iso(text) {
            continue;
        }
        return;
    }
}

fn epoch(text: &str) -> Option<Timestamp> {
    text.parse::<i64>()
        .ok()
        .filter(|number| *number > 100_000_000)
        .and_then(times::of_epoch)
}

/// A time in one of the commoner formats that LEEF names in Java's letters.
fn formatted(text: &str, format: &str) -> Option<DateTime> {
    let mut ours = format.replace('\'', "");
    for (java, c) in [
        ("yyyy", "%Y"),
        ("MMM", "%b"),
        ("MM", "%m"),
        ("dd", "%d"),
        ("HH", "%H"),
        ("mm", "%M"),
        ("ss", "%S"),
    ] {
        ours = ours.replace(java, c);
    }
    for further in [".SSS", " z", " Z", "XXX"] {
        ours = ours.replace(further, "");
    }
    let length = text.len().min(40);
    let text = text.get(..length)?;
    let (broken, _) = strtime::BrokenDownTime::parse_prefix(ours.as_str(), text).ok()?;
    broken.to_datetime().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[(&str, &str)]) {
        let mut pairs = Pairs::default();
        extension(text, &mut pairs);
        let read: Vec<_> = pairs.all.iter().map(|(name, value)| (*name, value.as_ref())).collect();
        assert_eq!(read, expect, "{text}");
    }

    #[test]
    fn values_reach_to_the_next_name() {
        check(
            "src=10.0.0.1 msg=text with spaces act=blocked",
            &[("src", "10.0.0.1"), ("msg", "text with spaces"), ("act", "blocked")],
        );
        check(
            r"request=http://a/?b\=c&d=e msg=two\nlines \\ end",
            &[("request", "http://a/?b=c&d=e"), ("msg", "two\nlines \\ end")],
        );
        check(
            "cs1Label=Rule Name cs1= cs2=x",
            &[("cs1Label", "Rule Name"), ("cs1", ""), ("cs2", "x")],
        );
        check("no pairs here", &[]);
        check("=", &[]);
        check("a=", &[("a", "")]);
    }

    #[test]
    fn headers_have_escapes() {
        assert_eq!(header_part(r"a \| b \\|c|d"), (Cow::Borrowed(r"a | b \"), "c|d"));
        assert_eq!(header_part("end"), (Cow::Borrowed("end"), ""));
    }

    #[test]
    fn delimiters_of_leef() {
        for (given, expect) in [
            ("^", Some('^')),
            ("x5E", Some('^')),
            ("0x09", Some('\t')),
            ("", Some('\t')),
            ("src=1", None),
        ] {
            assert_eq!(leef_delimiter(given), expect, "{given}");
        }
    }
}
