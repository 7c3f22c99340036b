//! Fields that a category's rules expect under Sysmon's names, added to the events of other logs that belong to the
//! same category (Sigma's taxonomy of process creation, registry and network events).

use compact_str::{CompactString, format_compact};
use model::{Fields, Value};

use super::channels::Channel;
use crate::{draft::Draft, sources::alias};

/// Adds the taxonomy's fields that the record has under another name. Nothing that it has is changed.
pub(super) fn add(channel: &Channel, event_id: u32, draft: &mut Draft) {
    alias(draft, "event.code", "EventID");
    match (channel.format, event_id) {
        ("sysmon", 12..=14) => restore_event_type(draft),
        ("windows", 4688) => process_creation(draft),
        ("windows", 4657) => registry(draft),
        ("windows", 5156) => network_connection(draft),
        ("windows", 1006..=1119) => antivirus(draft),
        _ => {}
    }
    if channel.format == "windows" {
        classic_data(draft);
    }
}

/// Some shippers put their own `INFO` over Sysmon's `EventType`, or leave it out; the message still has it.
fn restore_event_type(draft: &mut Draft) {
    const TYPES: [&str; 6] = [
        "CreateKey",
        "DeleteKey",
        "DeleteValue",
        "SetValue",
        "RenameKey",
        "RenameValue",
    ];
    let is_type = |text: &str| TYPES.contains(&text);
    if draft.fields.text("EventType").is_some_and(is_type) {
        return;
    }
    let Some(found) = line_of_message(&draft.fields, "EventType").filter(|text| is_type(text)) else {
        return;
    };
    let found = Value::text(found);
    match draft.fields.iter_mut().find(|field| field.name == "EventType") {
        Some(field) => field.value = found,
        None => draft.push("EventType", found),
    }
}

/// The value of a line `name: value` in the rendered message.
fn line_of_message<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    let lines = fields.text("Message")?.lines().take(16);
    lines
        .filter_map(|line| line.split_once(": "))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.trim_end())
}

fn process_creation(draft: &mut Draft) {
    alias(draft, "NewProcessName", "Image");
    alias(draft, "ParentProcessName", "ParentImage");
    alias(draft, "SubjectLogonId", "LogonId");
    alias(draft, "MandatoryLabel", "IntegrityLevel");
    add_user(draft);
}

fn add_user(draft: &mut Draft) {
    let text = |name| draft.fields.text(name);
    if text("User").is_none()
        && let (Some(domain), Some(name)) = (text("SubjectDomainName"), text("SubjectUserName"))
    {
        let user = format_compact!("{domain}\\{name}");
        draft.push("User", Value::Text(user));
    }
}

/// `\REGISTRY\MACHINE\SOFTWARE\X` and value `Y` of the audit are `HKLM\SOFTWARE\X\Y` for Sysmon.
fn registry(draft: &mut Draft) {
    alias(draft, "ProcessName", "Image");
    alias(draft, "NewValue", "Details");
    if draft.fields.get("TargetObject").is_some() {
        return;
    }
    let Some(key) = draft.fields.text("ObjectName") else {
        return;
    };
    let upper = key.to_ascii_uppercase();
    let hives = [("\\REGISTRY\\MACHINE", "HKLM"), ("\\REGISTRY\\USER", "HKU")];
    let hive = hives.into_iter().find(|(prefix, _)| upper.starts_with(prefix));
    let (hive, path) = hive.map_or(("", key), |(prefix, hive)| (hive, &key[prefix.len()..]));
    let target = match draft.fields.text("ObjectValueName") {
        Some(value) if !matches!(value, "" | "-") => format_compact!("{hive}{path}\\{value}"),
        Some(_) | None => format_compact!("{hive}{path}"),
    };
    draft.push("TargetObject", Value::Text(target));
}

fn network_connection(draft: &mut Draft) {
    alias(draft, "Application", "Image");
    alias(draft, "SourceAddress", "SourceIp");
    alias(draft, "DestAddress", "DestinationIp");
    alias(draft, "DestPort", "DestinationPort");
    let initiated = match draft.fields.text("Direction") {
        Some("%%14593" | "Outbound") => "true",
        Some("%%14592" | "Inbound") => "false",
        Some(_) | None => return,
    };
    if draft.fields.get("Initiated").is_none() {
        draft.push("Initiated", Value::Text(CompactString::const_new(initiated)));
    }
}

/// Logs of the classic kind have their details in unnamed data; shippers that resolve messages leave it out.
fn classic_data(draft: &mut Draft) {
    const CLASSIC: [&str; 3] = ["Windows PowerShell", "Application", "MSExchange Management"];
    if draft
        .fields
        .text("Channel")
        .is_some_and(|channel| CLASSIC.iter().any(|name| name.eq_ignore_ascii_case(channel)))
    {
        alias(draft, "Message", "Data");
    }
}

fn antivirus(draft: &mut Draft) {
    if draft.fields.text("ThreatName").is_some() {
        alias(draft, "ThreatName", "Signature");
        alias(draft, "Path", "Filename");
    }
}
