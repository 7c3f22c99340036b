//! What the lines of one audit event mean together.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use compact_str::CompactString;
use model::{Entities, Event, Fields, LogSourceSet, Problem, ProblemKind, Value};

use super::line;
use crate::sources::logsources;

logsources! {
    static PROCESS = ("", "linux", "auditd"), ("process_creation", "linux", "");
    static CONNECTION = ("", "linux", "auditd"), ("network_connection", "linux", "");
    static FILE = ("", "linux", "auditd"), ("file_event", "linux", "");
}

/// The names of the system calls of x86-64 by number, from the kernel's `unistd_64.h`.
const SYSCALLS_X86_64: &str = include_str!("syscalls_x86_64.txt");

/// Most arguments of a command line that are joined; `EXECVE` records have at most a few thousand.
const ARGUMENTS_MAX: usize = 4_096;

/// Merges the fields of the lines, so that each name is there once, and adds Sigma's names for what happened.
///
/// The register values `a0` to `a3` of a system call that has an `EXECVE` line are left to the raw record: under the same names stand the arguments.
pub(super) fn complete(event: &mut Event) {
    let lines = Lines::of(&event.fields);
    if lines.call.is_none() && lines.kinds.iter().any(|kind| BESIDE_A_CALL.contains(&kind.as_str())) {
        event.problems.push(Problem::new(
            ProblemKind::Incomplete,
            format!("the SYSCALL record is missing beside {}", lines.kinds.join(" ")),
        ));
    }
    let mut fields = lines.merged();
    let meaning = Meaning::of(&lines);
    if let Some(name) = &meaning.call
        && lines.first("SYSCALL").is_none()
    {
        fields.push("SYSCALL", Value::text(name));
    }
    event.logsources = meaning.logsources(&event.logsources);
    meaning.push_to(&mut fields);
    let entities = Entities {
        host_name: event.entities.host_name.take(),
        event_code: Some(lines.main_kind()),
        ..Entities::default()
    };
    event.fields = fields;
    event.entities = entities;
    crate::entities::fill(&event.fields, &mut event.entities);
}

/// Records that the kernel writes beside a `SYSCALL` record only.
const BESIDE_A_CALL: [&str; 5] = ["EXECVE", "CWD", "PATH", "SOCKADDR", "PROCTITLE"];

/// The fields of an event, by line.
struct Lines<'a> {
    kinds: Vec<CompactString>,
    /// The line's type and its values.
    records: Vec<(&'a str, Vec<(&'a str, &'a Value)>)>,
    call: Option<usize>,
}

impl<'a> Lines<'a> {
    /// Each line begins with its type.
    fn of(fields: &'a Fields) -> Self {
        let mut lines: Vec<(&str, Vec<(&str, &Value)>)> = Vec::new();
        for field in fields {
            match (field.name.as_str(), field.value.as_text()) {
                ("type", Some(kind)) => lines.push((kind, Vec::new())),
                (name, _) => {
                    if let Some((_, values)) = lines.last_mut() {
                        values.push((name, &field.value));
                    } else if name == "node" {
                        lines.push(("", vec![(name, &field.value)]));
                    }
                }
            }
        }
        let mut kinds: Vec<CompactString> = Vec::new();
        for (kind, _) in &lines {
            if !kind.is_empty() && !kinds.iter().any(|known| known == kind) {
                kinds.push((*kind).into());
            }
        }
        let call = lines.iter().position(|(kind, _)| *kind == "SYSCALL");
        Self {
            kinds,
            records: lines,
            call,
        }
    }

    fn has(&self, kind: &str) -> bool {
        self.kinds.iter().any(|known| known == kind)
    }

    /// The most telling type.
    fn main_kind(&self) -> CompactString {
        for kind in ["EXECVE", "AVC", "KERN_MODULE", "CONFIG_CHANGE", "SYSCALL"] {
            if self.has(kind) {
                return kind.into();
            }
        }
        self.kinds.first().cloned().unwrap_or_default()
    }

    fn first(&self, name: &str) -> Option<&'a str> {
        self.values(name).next()
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let all = self.records.iter().flat_map(|(_, values)| values);
        all.filter(move |(known, _)| *known == name)
            .filter_map(|(_, value)| value.as_text())
    }

    /// A value of the `SYSCALL` line.
    fn of_call(&self, name: &str) -> Option<&'a str> {
        let (_, values) = &self.records[self.call?];
        values
            .iter()
            .find(|(known, _)| *known == name)
            .and_then(|(_, value)| value.as_text())
    }

    fn merged(&self) -> Fields {
        let arguments = self.has("EXECVE");
        let mut merged: Vec<(&str, Vec<&Value>)> = Vec::new();
        for (kind, values) in &self.records {
            for (name, value) in values {
                if arguments && *kind == "SYSCALL" && matches!(*name, "a0" | "a1" | "a2" | "a3") {
                    continue;
                }
                match merged.iter_mut().find(|(known, _)| known == name) {
                    Some((_, known)) if known.contains(value) => {}
                    Some((_, known)) => known.push(value),
                    None => merged.push((name, vec![value])),
                }
            }
        }
        let mut fields = Fields::with_capacity(merged.len() + 8);
        let mut kinds = self.kinds.iter().map(Value::text).collect::<Vec<_>>();
        fields.push(
            "type",
            if kinds.len() == 1 {
                kinds.remove(0)
            } else {
                Value::List(kinds)
            },
        );
        for (name, values) in merged {
            let value = match values.as_slice() {
                [only] => (*only).clone(),
                several => Value::List(several.iter().flat_map(|value| elements(value)).cloned().collect()),
            };
            fields.push(name, value);
        }
        fields
    }
}

fn elements(value: &Value) -> &[Value] {
    match value {
        Value::List(list) => list,
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Float(_) | Value::Text(_) => {
            std::slice::from_ref(value)
        }
    }
}

/// What happened, under the names of Sigma's categories.
struct Meaning {
    call: Option<CompactString>,
    fields: Vec<(&'static str, Value)>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Process,
    Connection,
    File,
    Other,
}

impl Meaning {
    fn of(lines: &Lines<'_>) -> Self {
        let mut meaning = Self {
            call: call_name(lines),
            fields: Vec::new(),
            kind: Kind::Other,
        };
        let call = meaning.call.clone().unwrap_or_default();
        let succeeded = lines.of_call("success").is_none_or(|success| success == "yes");
        let is_start = matches!(call.as_str(), "execve" | "execveat" | "");
        if lines.has("EXECVE") && is_start && succeeded {
            meaning.process(lines);
        } else if call == "connect" {
            meaning.connection(lines);
        } else if succeeded && lines.has("PATH") {
            meaning.file(lines, &call);
        }
        meaning
    }

    fn process(&mut self, lines: &Lines<'_>) {
        self.kind = Kind::Process;
        let arguments = arguments(lines);
        match lines.of_call("exe") {
            Some(exe) => self.text("Image", exe),
            None => {
                if let Some(program) = arguments.first().filter(|program| program.starts_with('/')) {
                    self.text("Image", program);
                }
            }
        }
        self.text("CommandLine", crate::draft::cut(&arguments.join(" ")));
        if let Some(directory) = lines.first("cwd") {
            self.text("CurrentDirectory", directory);
        }
        if let Some(parent) = lines.of_call("ppid") {
            self.text("ParentProcessId", parent);
        }
        self.actor(lines);
    }

    /// Who did it: the name where auditd has looked it up, else `root` or the number.
    fn actor(&mut self, lines: &Lines<'_>) {
        if let Some(pid) = lines.of_call("pid") {
            self.text("ProcessId", pid);
        }
        let name = lines.of_call("EUID").or_else(|| lines.of_call("UID"));
        let number = lines.of_call("euid").or_else(|| lines.of_call("uid"));
        match (name, number) {
            (Some(name), _) => self.text("User", name),
            (None, Some("0")) => self.text("User", "root"),
            (None, Some(number)) => self.text("User", number),
            (None, None) => {}
        }
    }

    fn connection(&mut self, lines: &Lines<'_>) {
        let Some((address, port)) = lines.first("saddr").and_then(socket_address) else {
            return;
        };
        self.kind = Kind::Connection;
        if let Some(exe) = lines.of_call("exe") {
            self.text("Image", exe);
        }
        self.text("DestinationIp", &address.to_string());
        self.fields.push(("DestinationPort", Value::Int(port.into())));
        self.text("Initiated", "true");
        self.actor(lines);
    }

    /// Files that were created, and files that were opened for writing.
    fn file(&mut self, lines: &Lines<'_>, call: &str) {
        let opened_to_write = match call {
            "open" => writes(lines.of_call("a1")),
            "openat" | "openat2" => call == "openat" && writes(lines.of_call("a2")),
            "creat" | "truncate" => true,
            _ => false,
        };
        let directory = lines.first("cwd").unwrap_or_default();
        let touched = lines
            .records
            .iter()
            .filter(|(kind, _)| *kind == "PATH")
            .filter_map(|(_, values)| {
                let value = |name: &str| {
                    values
                        .iter()
                        .find(|(known, _)| *known == name)
                        .and_then(|(_, value)| value.as_text())
                };
                let kind = value("nametype")?;
                let counts = kind == "CREATE" || (opened_to_write && kind == "NORMAL");
                let name = value("name").filter(|name| counts && *name != "(null)")?;
                Some(Value::text(absolute(directory, name)))
            });
        let mut touched: Vec<Value> = touched.collect();
        if touched.is_empty() {
            return;
        }
        self.kind = Kind::File;
        if let Some(exe) = lines.of_call("exe") {
            self.text("Image", exe);
        }
        let files = if touched.len() == 1 {
            touched.remove(0)
        } else {
            Value::List(touched)
        };
        self.fields.push(("TargetFilename", files));
        self.actor(lines);
    }

    fn text(&mut self, name: &'static str, text: &str) {
        self.fields.push((name, Value::text(text)));
    }

    fn logsources(&self, plain: &LogSourceSet) -> LogSourceSet {
        match self.kind {
            Kind::Process => PROCESS.clone(),
            Kind::Connection => CONNECTION.clone(),
            Kind::File => FILE.clone(),
            Kind::Other => plain.clone(),
        }
    }

    fn push_to(self, fields: &mut Fields) {
        for (name, value) in self.fields {
            fields.push(name, value);
        }
    }
}

fn arguments<'a>(lines: &Lines<'a>) -> Vec<&'a str> {
    let Some((_, values)) = lines.records.iter().find(|(kind, _)| *kind == "EXECVE") else {
        return Vec::new();
    };
    let is_argument = |name: &str| {
        name.strip_prefix('a')
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    };
    let all = values.iter().filter(|(name, _)| is_argument(name));
    all.filter_map(|(_, value)| value.as_text())
        .take(ARGUMENTS_MAX)
        .collect()
}

/// auditd's own interpretation, or the number of the call on x86-64.
fn call_name(lines: &Lines<'_>) -> Option<CompactString> {
    if let Some(name) = lines.of_call("SYSCALL") {
        return Some(name.into());
    }
    let number = lines.of_call("syscall")?;
    if !number.bytes().all(|b| b.is_ascii_digit()) {
        return Some(number.into());
    }
    if lines.of_call("arch") != Some("c000003e") {
        return None;
    }
    let mut known = SYSCALLS_X86_64.lines().filter_map(|line| line.split_once(' '));
    known
        .find(|(candidate, _)| *candidate == number)
        .map(|(_, name)| name.into())
}

/// Whether `O_WRONLY` or `O_RDWR` is in the flags, which are hexadecimal.
fn writes(flags: Option<&str>) -> bool {
    flags.is_some_and(|flags| u64::from_str_radix(flags, 16).is_ok_and(|flags| flags & 3 != 0))
}

fn absolute(directory: &str, name: &str) -> String {
    if name.starts_with('/') || directory.is_empty() {
        return name.to_owned();
    }
    let name = name.strip_prefix("./").unwrap_or(name);
    format!("{}/{name}", directory.trim_end_matches('/'))
}

/// A `sockaddr_in` or `sockaddr_in6` in hexadecimal: family in the host's order (little-endian), port and address in the network's.
fn socket_address(text: &str) -> Option<(IpAddr, u16)> {
    let bytes = line::bytes_of(text)?;
    let port = u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]);
    match bytes.first()? {
        2 => {
            let address: [u8; 4] = bytes.get(4..8)?.try_into().ok()?;
            Some((Ipv4Addr::from(address).into(), port))
        }
        10 => {
            let address: [u8; 16] = bytes.get(8..24)?.try_into().ok()?;
            Some((IpAddr::from(Ipv6Addr::from(address)).to_canonical(), port))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn socket_addresses() {
        for (text, expect) in [
            ("02000050CB0071070000000000000000", Some("203.0.113.7 80")),
            (
                "0A0001BB0000000020010DB800000000000000000000000700000000",
                Some("2001:db8::7 443"),
            ),
            (
                "0A0001BB0000000000000000000000000000FFFFCB00710700000000",
                Some("203.0.113.7 443"),
            ),
            ("100000000000000000000000", None),
            ("01002F", None),
            ("02", None),
            ("0200zz", None),
        ] {
            let read = socket_address(text).map(|(address, port)| format!("{address} {port}"));
            assert_eq!(read.as_deref(), expect, "{text}");
        }
    }

    #[test]
    fn flags_of_open() {
        for (flags, expect) in [("0", false), ("241", true), ("80000", false), ("2", true), ("x", false)] {
            assert_eq!(writes(Some(flags)), expect, "{flags}");
        }
    }
}
