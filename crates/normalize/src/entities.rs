//! Fills the entity columns of an event from its fields: one table for all sources, so that a source that uses a known
//! name needs to do nothing.

use std::{net::IpAddr, sync::LazyLock};

use compact_str::CompactString;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use model::{Entities, EntityColumn, Fields, Value};

use EntityColumn as C;

/// Names of fields for each column, the best first: where a record has several, the earliest in this list counts.
const NAMES: &[(EntityColumn, &[&str])] = &[
    (
        C::HostName,
        &[
            "Computer",
            "Hostname",
            "host.name",
            "host.hostname",
            "_HOSTNAME",
            "hostname",
            "ComputerName",
        ],
    ),
    (
        C::UserName,
        &[
            "User",
            "SubjectUserName",
            "user.name",
            "userIdentity.userName",
            "userIdentity.sessionContext.sessionIssuer.userName",
            "acct",
            "user",
            "TargetUserName",
            "SourceUser",
            "AccountName",
            "UserName",
            "username",
            "cs-username",
            "suser",
        ],
    ),
    (
        C::UserDomain,
        &[
            "SubjectDomainName",
            "user.domain",
            "TargetDomainName",
            "Domain",
            "userIdentity.accountId",
        ],
    ),
    (
        C::SourceIp,
        &[
            "SourceIp",
            "source.ip",
            "src_ip",
            "id.orig_h",
            "sourceIPAddress",
            "IpAddress",
            "SourceAddress",
            "ClientAddress",
            "c-ip",
            "src",
            "client_ip",
            "rhost",
            "addr",
        ],
    ),
    (
        C::SourcePort,
        &[
            "SourcePort",
            "source.port",
            "src_port",
            "id.orig_p",
            "IpPort",
            "spt",
            "ClientPort",
        ],
    ),
    (
        C::DestinationIp,
        &[
            "DestinationIp",
            "destination.ip",
            "dest_ip",
            "id.resp_h",
            "DestAddress",
            "s-ip",
            "dst",
            "dst_ip",
        ],
    ),
    (
        C::DestinationPort,
        &[
            "DestinationPort",
            "destination.port",
            "dest_port",
            "id.resp_p",
            "DestPort",
            "s-port",
            "dpt",
            "dst_port",
        ],
    ),
    (
        C::ProcessExecutable,
        &[
            "NewProcessName",
            "Image",
            "SourceImage",
            "process.executable",
            "exe",
            "_EXE",
            "ProcessName",
            "Application",
            "ProcessPath",
        ],
    ),
    (
        C::ProcessCommandLine,
        &[
            "CommandLine",
            "ProcessCommandLine",
            "process.command_line",
            "_CMDLINE",
            "HostApplication",
        ],
    ),
    (
        C::ProcessPid,
        &[
            "NewProcessId",
            "ProcessId",
            "SourceProcessId",
            "process.pid",
            "pid",
            "_PID",
            "ProcessID",
        ],
    ),
    (
        C::ProcessParentExecutable,
        &["ParentImage", "ParentProcessName", "process.parent.executable"],
    ),
    (
        C::FilePath,
        &[
            "TargetFilename",
            "file.path",
            "ObjectName",
            "ImageLoaded",
            "fileinfo.filename",
            "RelativeTargetName",
            "filename",
            "Filename",
            "Path",
        ],
    ),
    (
        C::FileHashMd5,
        &["md5", "file.hash.md5", "process.hash.md5", "fileinfo.md5"],
    ),
    (
        C::FileHashSha1,
        &["sha1", "file.hash.sha1", "process.hash.sha1", "fileinfo.sha1"],
    ),
    (
        C::FileHashSha256,
        &["sha256", "file.hash.sha256", "process.hash.sha256", "fileinfo.sha256"],
    ),
    (
        C::UrlDomain,
        &[
            "QueryName",
            "DestinationHostname",
            "url.domain",
            "dns.question.name",
            "dns.rrname",
            "dns.query.rrname",
            "http.hostname",
            "tls.sni",
            "query",
            "server_name",
            "cs-host",
            "QNAME",
        ],
    ),
    (
        C::UrlPath,
        &["url.path", "url.original", "http.url", "uri", "cs-uri-stem", "request"],
    ),
    (
        C::EventCode,
        &["EventID", "event.code", "eventName", "event_type", "_path"],
    ),
];

/// The column and rank of each name in [`NAMES`].
static COLUMNS: LazyLock<HashMap<&'static str, (EntityColumn, u8), FixedState>> = LazyLock::new(|| {
    let mut columns = HashMap::with_hasher(FixedState::with_seed(0));
    for (column, names) in NAMES {
        for (rank, name) in (0..).zip(*names) {
            columns.insert(*name, (*column, rank));
        }
    }
    columns
});

/// Sets the columns that are empty from the fields whose names are known.
pub(crate) fn fill(fields: &Fields, entities: &mut Entities) {
    let mut ranks = [u8::MAX; EntityColumn::ALL.len()];
    for field in fields {
        let Some((column, rank)) = COLUMNS.get(field.name.as_str()) else {
            continue;
        };
        let best = &mut ranks[*column as usize];
        // What the source itself has set stays: its rank is never beaten because the column is full from the start.
        let is_set_by_source = *best == u8::MAX && entities.get(*column).is_some();
        if !is_set_by_source && *rank < *best && set(entities, *column, &field.value) {
            *best = *rank;
        }
    }
    split_domain(entities);
}

/// Sets the columns of `entities` that are empty from `other`.
pub(crate) fn merge(entities: &mut Entities, other: Entities) {
    macro_rules! take {
        ($($field:ident),*) => { $( if entities.$field.is_none() { entities.$field = other.$field; } )* };
    }
    take!(
        host_name,
        user_name,
        user_domain,
        source_ip,
        source_port,
        destination_ip,
        destination_port,
        process_executable,
        process_command_line,
        process_pid,
        process_parent_executable,
        file_path,
        file_hash_md5,
        file_hash_sha1,
        file_hash_sha256,
        url_domain,
        url_path,
        event_code
    );
}

/// Sets one column; false when the value says nothing (`-`, empty) or is not of the column's type.
fn set(entities: &mut Entities, column: EntityColumn, value: &Value) -> bool {
    match column {
        C::HostName => set_text(&mut entities.host_name, value, true),
        C::UserName => set_text(&mut entities.user_name, value, false),
        C::UserDomain => set_text(&mut entities.user_domain, value, false),
        C::SourceIp => set_some(&mut entities.source_ip, address(value)),
        C::SourcePort => set_some(&mut entities.source_port, small(value).filter(|port| *port <= 65_535)),
        C::DestinationIp => set_some(&mut entities.destination_ip, address(value)),
        C::DestinationPort => set_some(
            &mut entities.destination_port,
            small(value).filter(|port| *port <= 65_535),
        ),
        C::ProcessExecutable => set_text(&mut entities.process_executable, value, false),
        C::ProcessCommandLine => set_text(&mut entities.process_command_line, value, false),
        C::ProcessPid => set_some(&mut entities.process_pid, small(value)),
        C::ProcessParentExecutable => set_text(&mut entities.process_parent_executable, value, false),
        C::FilePath => set_text(&mut entities.file_path, value, false),
        C::FileHashMd5 => set_some(&mut entities.file_hash_md5, hash(value, 32)),
        C::FileHashSha1 => set_some(&mut entities.file_hash_sha1, hash(value, 40)),
        C::FileHashSha256 => set_some(&mut entities.file_hash_sha256, hash(value, 64)),
        C::UrlDomain => set_text(&mut entities.url_domain, value, true),
        C::UrlPath => set_text(&mut entities.url_path, value, false),
        C::EventCode => set_text(&mut entities.event_code, value, false),
    }
}

fn set_some<T>(column: &mut Option<T>, value: Option<T>) -> bool {
    let is_some = value.is_some();
    if is_some {
        *column = value;
    }
    is_some
}

fn set_text(column: &mut Option<CompactString>, value: &Value, lower: bool) -> bool {
    let text = match first(value) {
        Value::Text(text) if lower && text.is_ascii() => text.to_ascii_lowercase(),
        Value::Text(text) if lower => text.to_lowercase(),
        Value::Text(text) => text.clone(),
        Value::Int(number) => compact_str::format_compact!("{number}"),
        Value::Uint(number) => compact_str::format_compact!("{number}"),
        Value::Null | Value::Bool(_) | Value::Float(_) | Value::List(_) => return false,
    };
    let says_something = !matches!(text.trim_ascii(), "" | "-" | "(null)");
    set_some(column, says_something.then_some(text))
}

/// An address; IPv4 inside IPv6 is taken out, a zone or a port behind it is cut off.
pub(crate) fn address(value: &Value) -> Option<IpAddr> {
    let Value::Text(text) = first(value) else { return None };
    let text = text.split('%').next().unwrap_or_default();
    let text = text.trim_matches(['[', ']', ' ']);
    text.parse().ok().map(|address: IpAddr| address.to_canonical())
}

fn small(value: &Value) -> Option<u32> {
    match first(value) {
        Value::Int(number) => u32::try_from(*number).ok(),
        Value::Text(text) => match text.strip_prefix("0x") {
            Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok(),
            None => text.parse().ok(),
        },
        Value::Null | Value::Bool(_) | Value::Uint(_) | Value::Float(_) | Value::List(_) => None,
    }
}

fn hash(value: &Value, digits: usize) -> Option<CompactString> {
    let text = first(value).as_text()?;
    let is_hash = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| CompactString::new(text.to_ascii_lowercase()))
}

fn first(value: &Value) -> &Value {
    match value {
        Value::List(list) => list.first().unwrap_or(&Value::Null),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Float(_) | Value::Text(_) => value,
    }
}

/// Windows writes `DOMAIN\user`; directories write `user@realm`.
fn split_domain(entities: &mut Entities) {
    let Some(user) = &entities.user_name else { return };
    if let Some((domain, name)) = user.split_once('\\')
        && !name.is_empty()
    {
        let (domain, name) = (CompactString::new(domain), CompactString::new(name));
        entities.user_domain = Some(domain);
        entities.user_name = Some(name);
    }
}
