//! Entries of the systemd journal as JSON (systemd's "Journal JSON Format"): field names in capitals, values text, or a
//! list of byte values where they are not UTF-8.

use jiff::Timestamp;
use model::Value;

use super::Inner;
use crate::{draft::Draft, sources::logsources};

logsources! {
    static JOURNAL = ("", "linux", ""), ("", "linux", "syslog");
    static AUTH = ("", "linux", ""), ("", "linux", "auth"), ("", "linux", "syslog");
    static CRON = ("", "linux", ""), ("", "linux", "cron"), ("", "linux", "syslog");
}

/// Reads an entry; nothing when the fields are no journal entry.
pub(super) fn open(draft: &mut Draft) -> Option<Inner> {
    let fields = &draft.fields;
    let has = |name| fields.get(name).is_some();
    if !has("__REALTIME_TIMESTAMP") && !(has("MESSAGE") && (has("_BOOT_ID") || has("_TRANSPORT"))) {
        return None;
    }
    decode_bytes(draft);
    set_time(draft);
    let fields = &draft.fields;
    draft.logsources = match fields.text("SYSLOG_FACILITY") {
        Some("4" | "10") => AUTH.clone(),
        Some("9") => CRON.clone(),
        Some(_) | None => JOURNAL.clone(),
    };
    let program = ["SYSLOG_IDENTIFIER", "_COMM"]
        .into_iter()
        .find_map(|name| fields.text(name));
    let message = fields.text("MESSAGE")?;
    if fields.text("_TRANSPORT") == Some("audit")
        && let Some(line) = audit_line(draft, message)
    {
        return Some(Inner::of("journald", Some("auditd"), line));
    }
    Some(Inner::of("journald", program, message.to_owned()))
}

/// Puts texts in the place of lists of byte values.
fn decode_bytes(draft: &mut Draft) {
    for field in &mut draft.fields {
        let Value::List(list) = &field.value else { continue };
        let byte = |value: &Value| match value {
            Value::Int(number) => u8::try_from(*number).ok(),
            Value::Null | Value::Bool(_) | Value::Uint(_) | Value::Float(_) | Value::Text(_) | Value::List(_) => None,
        };
        let bytes: Option<Vec<u8>> = list.iter().map(byte).collect();
        if let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) {
            field.value = Value::text(String::from_utf8_lossy(&bytes));
        }
    }
}

/// The sender's time where it is known, else the journal's; both in microseconds.
fn set_time(draft: &mut Draft) {
    for name in ["_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP"] {
        let microseconds = match draft.fields.get(name) {
            Some(Value::Text(text)) => text.parse().ok(),
            Some(Value::Int(number)) => Some(*number),
            Some(Value::Null | Value::Bool(_) | Value::Uint(_) | Value::Float(_) | Value::List(_)) | None => None,
        };
        if let Some(at) = microseconds.and_then(|microseconds| Timestamp::from_microsecond(microseconds).ok()) {
            draft.happened(at);
            return;
        }
    }
}

/// The line as auditd writes it: the journal has taken its parts asunder (`SYSCALL arch=…` with the id beside it).
fn audit_line(draft: &Draft, message: &str) -> Option<String> {
    let fields = &draft.fields;
    let id = fields.text("_AUDIT_ID")?;
    let microseconds: u64 = fields.text("_SOURCE_REALTIME_TIMESTAMP")?.parse().ok()?;
    let (seconds, millis) = (microseconds / 1_000_000, microseconds / 1_000 % 1_000);
    let (kind, rest) = match fields.text("_AUDIT_TYPE_NAME") {
        Some(kind) => (kind, message.strip_prefix(kind).unwrap_or(message)),
        None => message.split_once(' ')?,
    };
    Some(format!(
        "type={kind} msg=audit({seconds}.{millis:03}:{id}): {}",
        rest.trim_start()
    ))
}
