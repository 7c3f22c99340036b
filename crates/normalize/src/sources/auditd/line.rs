//! One line of the Linux audit system: `type=EXECVE msg=audit(1764035934.123:456): argc=2 a0="cat" a1=2F746D702F61`, read
//! into its type, its event's number and its values without quotes and hexadecimal.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::envelopes::stamp;

/// A line of an audit event. Several lines with one `serial` and time are one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// The machine, when lines of several are collected (`name_format` of auditd).
    pub(crate) node: Option<&'a str>,
    /// `SYSCALL`, `EXECVE`, …; `UNKNOWN[1337]` as the kernel writes it when it has no name.
    pub(crate) kind: Cow<'a, str>,
    /// When the event happened.
    pub(crate) at: Timestamp,
    /// The text between the parentheses, `1764035934.123:456`: names the event within its machine.
    pub(crate) id: &'a str,
    /// The values in their order.
    pub(crate) values: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// Whether [`VALUES_MAX`] cut it.
    pub(crate) cut: bool,
}

/// Most values that are kept of one line. The kernel writes at most 7500 bytes a line.
pub(crate) const VALUES_MAX: usize = 1024;

/// Reads a line, with or without what a dispatcher, the kernel's log or syslog put before it.
pub(crate) fn read(text: &str) -> Option<Line<'_>> {
    let text = text.trim_end_matches(['\n', '\r', '\0', ' ']);
    let mut rest = text.trim_start();
    let mut node = None;
    if let Some(after) = rest.strip_prefix("node=") {
        let (name, after) = after.split_once(' ')?;
        node = Some(name);
        rest = after.trim_start();
    }
    // The kernel's own log: `[   12.5] audit: type=1400 audit(…): …`.
    if let Some(after) = rest.strip_prefix('[') {
        rest = after.split_once(']')?.1.trim_start();
    }
    rest = rest.strip_prefix("audit: ").unwrap_or(rest);
    let (kind, rest) = rest.strip_prefix("type=")?.split_once(' ')?;
    let rest = rest.trim_start();
    let rest = rest.strip_prefix("msg=").unwrap_or(rest).strip_prefix("audit(")?;
    let (id, rest) = rest.split_once(')')?;
    let (at, serial) = stamp::epoch(id)?;
    let serial = serial.strip_prefix(':')?;
    if serial.is_empty() || !serial.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut line = Line {
        node,
        kind: kind_name(kind),
        at,
        id,
        values: Vec::with_capacity(32),
        cut: false,
    };
    body(&mut line, rest.strip_prefix(':').unwrap_or(rest));
    Some(line)
}

/// Reads what follows the header into the line's values. The part after the group separator is auditd's own
/// interpretation, with names in upper case.
pub(crate) fn body<'a>(line: &mut Line<'a>, text: &'a str) {
    let (plain, enriched) = text.split_once('\u{1d}').unwrap_or((text, ""));
    let mut rest = plain.trim_start();
    if let Some(after) = rest.strip_prefix("avc:") {
        rest = access_vector(line, after);
    }
    pairs(line, rest, true);
    pairs(line, enriched, false);
}

/// `  denied  { read write } for  pid=…`, as `SELinux` writes it.
fn access_vector<'a>(line: &mut Line<'a>, text: &'a str) -> &'a str {
    let Some((result, rest)) = text.trim_start().split_once('{') else {
        return text;
    };
    let Some((permissions, rest)) = rest.split_once('}') else {
        return text;
    };
    push(line, Cow::Borrowed("avc"), Cow::Borrowed(result.trim()));
    push(line, Cow::Borrowed("permissions"), Cow::Borrowed(permissions.trim()));
    rest.trim_start().strip_prefix("for ").unwrap_or(rest)
}

fn push<'a>(line: &mut Line<'a>, name: Cow<'a, str>, value: Cow<'a, str>) {
    if line.values.len() < VALUES_MAX {
        line.values.push((name, value));
    } else {
        line.cut = true;
    }
}

fn pairs<'a>(line: &mut Line<'a>, text: &'a str, encoded: bool) {
    let mut rest = text;
    while let Some((name, value, after)) = pair(rest) {
        rest = after;
        match value {
            // User space puts its own pairs into `msg='op=login acct="root" …'`.
            Written::Single(inner) if name == "msg" => {
                let mut rest = inner;
                while let Some((name, value, after)) = pair(rest) {
                    rest = after;
                    one(line, name, value, encoded);
                }
            }
            Written::Bare(_) | Written::Single(_) | Written::Double(_) | Written::Braced(_) => {
                one(line, name, value, encoded);
            }
        }
    }
}

fn one<'a>(line: &mut Line<'a>, name: &'a str, value: Written<'a>, encoded: bool) {
    let value = match value {
        Written::Bare(text) if encoded && is_encoded(&line.kind, name) => decoded(text),
        Written::Bare(text) | Written::Single(text) | Written::Double(text) | Written::Braced(text) => {
            Cow::Borrowed(text)
        }
    };
    // A long argument comes in parts: `a1_len=9000 a1[0]=… a1[1]=…`.
    if let Some((whole, part)) = name.split_once('[')
        && part.ends_with(']')
    {
        match line.values.iter_mut().find(|(known, _)| known == whole) {
            Some((_, known)) => known.to_mut().push_str(&value),
            None => push(line, Cow::Borrowed(whole), value),
        }
        return;
    }
    push(line, Cow::Borrowed(name), value);
}

/// A value with what stood around it.
#[derive(Clone, Copy)]
enum Written<'a> {
    Bare(&'a str),
    Single(&'a str),
    Double(&'a str),
    Braced(&'a str),
}

/// The next `name=value`; words without `=` before it are skipped.
fn pair(text: &str) -> Option<(&str, Written<'_>, &str)> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', ',', '\u{1d}']);
        let end = rest.find(['=', ' '])?;
        if rest.as_bytes()[end] == b'=' {
            let (name, after) = (&rest[..end], &rest[end + 1..]);
            let (value, after) = written(after);
            return Some((name, value, after));
        }
        rest = &rest[end..];
    }
}

fn written(text: &str) -> (Written<'_>, &str) {
    let quoted = |open: char, close: char| text.strip_prefix(open).and_then(|inner| inner.split_once(close));
    if let Some((value, rest)) = quoted('"', '"') {
        return (Written::Double(value), rest);
    }
    if let Some((value, rest)) = quoted('\'', '\'') {
        return (Written::Single(value), rest);
    }
    if let Some((value, rest)) = quoted('{', '}') {
        return (Written::Braced(value.trim()), rest);
    }
    let end = text.find([' ', '\u{1d}']).unwrap_or(text.len());
    (Written::Bare(&text[..end]), &text[end..])
}

/// Whether the kernel writes this value in hexadecimal when it has a space, a quote or a control character
/// (`audit_log_untrustedstring` and its callers in user space).
fn is_encoded(kind: &str, name: &str) -> bool {
    match name {
        "name" | "cwd" | "comm" | "exe" | "proctitle" | "key" | "acct" | "cmd" | "data" | "path" | "file" | "dir"
        | "ocomm" | "watch" | "sw" | "root_dir" => true,
        _ => {
            kind == "EXECVE"
                && name.strip_prefix('a').is_some_and(|rest| {
                    rest.split('[')
                        .next()
                        .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
                })
        }
    }
}

/// Undoes the hexadecimal. The zero bytes between the arguments of `proctitle` become spaces, the separator between the
/// keys of several rules a comma; bytes that are not UTF-8 become U+FFFD.
fn decoded(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    if bytes.is_empty() || !bytes.len().is_multiple_of(2) {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(bytes.len() / 2);
    for pair in bytes.chunks_exact(2) {
        let (Some(high), Some(low)) = (nibble(pair[0]), nibble(pair[1])) else {
            return Cow::Borrowed(text);
        };
        out.push(match high << 4 | low {
            0 => b' ',
            1 => b',',
            byte => byte,
        });
    }
    let text = String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    Cow::Owned(text.trim_end_matches(' ').to_owned())
}

/// The kernel writes upper case only; a bare `deadbeef` is not hexadecimal text.
fn nibble(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// The bytes of a hexadecimal value such as `saddr`, at most 128.
pub(crate) fn bytes_of(text: &str) -> Option<Vec<u8>> {
    if text.len() > 256 {
        return None;
    }
    text.as_bytes()
        .chunks(2)
        .map(|pair| {
            let [high, low] = pair else { return None };
            Some(nibble(high.to_ascii_uppercase())? << 4 | nibble(low.to_ascii_uppercase())?)
        })
        .collect()
}

/// Names of the numbers that the kernel's log writes instead (linux/audit.h, libaudit).
const KINDS: [(&str, &str); 50] = [
    ("1006", "LOGIN"),
    ("1100", "USER_AUTH"),
    ("1101", "USER_ACCT"),
    ("1102", "USER_MGMT"),
    ("1103", "CRED_ACQ"),
    ("1104", "CRED_DISP"),
    ("1105", "USER_START"),
    ("1106", "USER_END"),
    ("1107", "USER_AVC"),
    ("1108", "USER_CHAUTHTOK"),
    ("1109", "USER_ERR"),
    ("1110", "CRED_REFR"),
    ("1111", "USYS_CONFIG"),
    ("1112", "USER_LOGIN"),
    ("1113", "USER_LOGOUT"),
    ("1114", "ADD_USER"),
    ("1115", "DEL_USER"),
    ("1116", "ADD_GROUP"),
    ("1117", "DEL_GROUP"),
    ("1123", "USER_CMD"),
    ("1124", "USER_TTY"),
    ("1127", "SYSTEM_BOOT"),
    ("1128", "SYSTEM_SHUTDOWN"),
    ("1130", "SERVICE_START"),
    ("1131", "SERVICE_STOP"),
    ("1200", "DAEMON_START"),
    ("1201", "DAEMON_END"),
    ("1300", "SYSCALL"),
    ("1302", "PATH"),
    ("1305", "CONFIG_CHANGE"),
    ("1306", "SOCKADDR"),
    ("1307", "CWD"),
    ("1309", "EXECVE"),
    ("1318", "OBJ_PID"),
    ("1319", "TTY"),
    ("1320", "EOE"),
    ("1321", "BPRM_FCAPS"),
    ("1322", "CAPSET"),
    ("1323", "MMAP"),
    ("1325", "NETFILTER_CFG"),
    ("1326", "SECCOMP"),
    ("1327", "PROCTITLE"),
    ("1330", "KERN_MODULE"),
    ("1334", "BPF"),
    ("1336", "URINGOP"),
    ("1400", "AVC"),
    ("1401", "SELINUX_ERR"),
    ("1700", "ANOM_PROMISCUOUS"),
    ("1701", "ANOM_ABEND"),
    ("1702", "ANOM_LINK"),
];

fn kind_name(kind: &str) -> Cow<'_, str> {
    let number = kind
        .strip_prefix("UNKNOWN[")
        .and_then(|inner| inner.strip_suffix(']'))
        .unwrap_or(kind);
    match KINDS.iter().find(|(known, _)| *known == number) {
        Some((_, name)) => Cow::Borrowed(name),
        None => Cow::Borrowed(kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, kind: &str, expect: &[(&str, &str)]) {
        let line = read(text).unwrap_or_else(|| panic!("not read: {text}"));
        assert_eq!(line.kind, kind);
        let values: Vec<_> = line.values.iter().map(|(n, v)| (n.as_ref(), v.as_ref())).collect();
        assert_eq!(values, expect, "{text}");
    }

    #[test]
    fn values_lose_their_quotes_and_hexadecimal() {
        check(
            r#"type=EXECVE msg=audit(1764035934.123:456): argc=3 a0="sh" a1="-c" a2=636174202F746D702F61"#,
            "EXECVE",
            &[("argc", "3"), ("a0", "sh"), ("a1", "-c"), ("a2", "cat /tmp/a")],
        );
        check(
            r#"node=web1 type=SYSCALL msg=audit(1764035934.123:456): arch=c000003e syscall=59 a0=55D0 comm="cat" key=(null)"#,
            "SYSCALL",
            &[
                ("arch", "c000003e"),
                ("syscall", "59"),
                ("a0", "55D0"),
                ("comm", "cat"),
                ("key", "(null)"),
            ],
        );
        check(
            "type=PROCTITLE msg=audit(1764035934.123:456): proctitle=636174002F746D702F6100",
            "PROCTITLE",
            &[("proctitle", "cat /tmp/a")],
        );
        check(
            "type=EXECVE msg=audit(1.0:4): argc=1 a0_len=4 a0[0]=4142 a0[1]=4344",
            "EXECVE",
            &[("argc", "1"), ("a0_len", "4"), ("a0", "ABCD")],
        );
    }

    #[test]
    fn user_messages_and_interpretations_are_taken_apart() {
        check(
            "type=USER_AUTH msg=audit(1764035934.123:9): pid=7 uid=0 msg='op=PAM:authentication acct=\"root\" addr=203.0.113.7 res=failed'\u{1d}UID=\"root\" AUID=\"unset\"",
            "USER_AUTH",
            &[
                ("pid", "7"),
                ("uid", "0"),
                ("op", "PAM:authentication"),
                ("acct", "root"),
                ("addr", "203.0.113.7"),
                ("res", "failed"),
                ("UID", "root"),
                ("AUID", "unset"),
            ],
        );
        check(
            "type=SOCKADDR msg=audit(1.0:4): saddr=0200\u{1d}SADDR={ saddr_fam=inet laddr=203.0.113.7 lport=80 }",
            "SOCKADDR",
            &[
                ("saddr", "0200"),
                ("SADDR", "saddr_fam=inet laddr=203.0.113.7 lport=80"),
            ],
        );
    }

    #[test]
    fn the_kernels_log_and_selinux_are_read_too() {
        check(
            r#"[   12.345678] audit: type=1400 audit(1764035934.123:9): apparmor="DENIED" operation="open" name="/etc/x""#,
            "AVC",
            &[("apparmor", "DENIED"), ("operation", "open"), ("name", "/etc/x")],
        );
        check(
            r#"type=AVC msg=audit(1764035934.123:9): avc:  denied  { read write } for  pid=1 comm="x""#,
            "AVC",
            &[
                ("avc", "denied"),
                ("permissions", "read write"),
                ("pid", "1"),
                ("comm", "x"),
            ],
        );
    }

    #[test]
    fn what_is_no_audit_line_is_refused() {
        for text in [
            "",
            "type=X",
            "type=X msg=audit(x): a=1",
            "type=X msg=audit(1.0:): a=1",
            "type=X msg=audit(1.0:5",
            "node=a",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
