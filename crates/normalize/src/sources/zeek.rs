//! Zeek's logs as JSON, each line of the log that `_path` names, or that its fields show.

use std::sync::LazyLock;

use compact_str::CompactString;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use model::{Fields, LogSource, LogSourceSet, Value};

use super::{Reader, Source, alias, json::read_time};
use crate::draft::Draft;

pub(super) const SOURCE: Source = Source {
    name: "zeek",
    programs: &["zeek"],
    reader: Reader::Json { recognise, read },
};

/// The logs of Zeek's scripts, each with fields that together only it has. The more particular come first.
const LOGS: &[(&str, &[&str])] = &[
    ("dns", &["query", "qtype"]),
    ("dns", &["query", "rcode"]),
    ("http", &["trans_depth", "host"]),
    ("http", &["method", "uri"]),
    ("smb_files", &["action", "path", "size"]),
    ("smb_files", &["action", "times.modified"]),
    ("smb_mapping", &["share_type"]),
    ("dce_rpc", &["endpoint", "operation"]),
    ("kerberos", &["request_type", "service"]),
    ("kerberos", &["request_type", "client"]),
    ("rdp", &["cookie", "result"]),
    ("rdp", &["security_protocol"]),
    ("ntlm", &["ntlm_version"]),
    ("ntlm", &["server_nb_computer_name"]),
    ("ssh", &["auth_attempts"]),
    ("ssh", &["cipher_alg"]),
    ("smtp", &["mailfrom"]),
    ("ftp", &["command", "user"]),
    ("ssl", &["cipher", "curve"]),
    ("ssl", &["server_name", "resumed"]),
    ("x509", &["certificate.version"]),
    ("files", &["fuid", "source", "seen_bytes"]),
    ("pe", &["is_exe", "machine"]),
    ("dhcp", &["mac", "msg_types"]),
    ("tunnel", &["tunnel_type"]),
    ("notice", &["note", "actions"]),
    ("weird", &["name", "notice", "peer"]),
    ("software", &["software_type"]),
    ("conn", &["conn_state", "proto"]),
];

/// Sets of the logs above: what the rules call the service is Zeek's name of the log.
static SETS: LazyLock<HashMap<&'static str, LogSourceSet, FixedState>> = LazyLock::new(|| {
    let mut sets = HashMap::with_hasher(FixedState::with_seed(0));
    for (log, _) in LOGS {
        let category = match *log {
            "dns" => Some(LogSource::new("dns", "", "")),
            "conn" => Some(LogSource::new("", "", "netflow")),
            _ => None,
        };
        let own = [LogSource::new("", "zeek", ""), LogSource::new("", "zeek", log)];
        sets.insert(*log, LogSourceSet::new(own.into_iter().chain(category)));
    }
    sets
});

static ANY: LazyLock<LogSourceSet> = LazyLock::new(|| LogSourceSet::new([LogSource::new("", "zeek", "")]));

/// The log sources of one of Zeek's logs.
pub(crate) fn logsources(log: &str) -> LogSourceSet {
    SETS.get(log).unwrap_or(&ANY).clone()
}

fn recognise(fields: &Fields) -> bool {
    let has = |name| fields.get(name).is_some();
    if !has("ts") {
        return false;
    }
    has("_path") || (has("uid") && has("id.orig_h")) || has("certificate.version") || (has("fuid") && has("seen_bytes"))
}

pub(super) fn read(draft: &mut Draft) {
    read_time(draft, &["ts"]);
    let fields = &draft.fields;
    let named = fields.text("_path");
    let shown = || {
        LOGS.iter()
            .find(|(_, names)| names.iter().all(|name| fields.get(name).is_some()))
            .map(|(log, _)| *log)
    };
    let log = match named {
        Some(log) => log.strip_suffix("_red").unwrap_or(log),
        None => shown().unwrap_or_default(),
    };
    draft.logsources = logsources(log);
    let is_dns = log == "dns";
    // In the log of HTTP this is the host that was asked, not the one that it happened on.
    let asked = if log == "http" {
        fields.text("host").map(|host| CompactString::new(host).to_lowercase())
    } else {
        None
    };
    if named.is_none() && !log.is_empty() {
        draft.entities.event_code = Some(CompactString::new(log));
    }
    draft.entities.url_domain = asked;
    if is_dns {
        alias(draft, "qtype_name", "record_type");
        alias(draft, "answers", "answer");
    }
    if let Some(Value::Text(cookie)) = draft.fields.get("cookie").cloned() {
        draft.entities.user_name.get_or_insert(cookie);
    }
}
