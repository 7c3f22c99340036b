//! Windows event logs in every form in which they arrive, and Sysmon for Linux: nested JSON of EVTX parsers, flat JSON
//! of `NXLog` and its like, Winlogbeat's ECS and XML all get the field names of the Sigma taxonomy.

use compact_str::{CompactString, format_compact};
use model::{Fields, Value};

use super::{Line, Reader, Reading, Source, json::read_time};
use crate::{draft::Draft, json, times};
use channels::{Channel, RegistryAct};

mod aliases;
pub(crate) mod channels;
pub(crate) mod names;
mod xml;

pub(super) const SOURCE: Source = Source {
    name: "windows",
    programs: &[],
    reader: Reader::Json { recognise, read },
};

/// The same events as XML: how Sysmon for Linux writes them to syslog.
pub(super) const XML_SOURCE: Source = Source {
    name: "windows-xml",
    programs: &["sysmon"],
    reader: Reader::Text {
        recognise: |line| line.text.trim_start().starts_with("<Event"),
        read: read_xml,
    },
};

/// Names under which shippers give the provider, the taxonomy's own first.
const PROVIDERS: [&str; 5] = [
    "Provider_Name",
    "SourceName",
    "ProviderName",
    "EventSourceName",
    "Provider",
];

fn recognise(fields: &Fields) -> bool {
    let has = |name| fields.get(name).is_some();
    if has("EventID") {
        return has("Channel") || has("ProviderGuid") || PROVIDERS.into_iter().any(has);
    }
    has("event_id.id") && has("channel") || has("winlog.event_id") || (has("winlog.channel") && has("event.code"))
}

fn read_xml(line: &Line<'_>, draft: &mut Draft) -> Reading {
    if !line.text.trim_start().starts_with("<Event") {
        return Reading::NotMine;
    }
    xml::flatten(line.text, "", draft);
    read(draft);
    Reading::Done
}

fn read(draft: &mut Draft) {
    open_event_data(draft);
    put_names_right(draft);
    let event_id = event_id(&draft.fields);
    let channel = channel(&draft.fields);
    draft.format = channel.format;
    put_values_right(draft);
    aliases::add(channel, event_id, draft);
    draft.logsources = channel
        .logsources(event_id, registry_act(event_id, &draft.fields))
        .clone();
    set_time(draft);
    set_user(event_id, draft);
}

/// Azure Monitor keeps the event's data as one text, JSON or XML.
fn open_event_data(draft: &mut Draft) {
    let Some(data) = draft.fields.text("EventData") else {
        return;
    };
    let data = data.to_owned();
    let is_open = match data.trim_start().as_bytes().first() {
        Some(b'{') => json::flatten(&data, |path| path, draft),
        Some(b'<') => {
            xml::flatten(&data, "Event", draft);
            true
        }
        Some(_) | None => false,
    };
    if is_open {
        draft.fields.retain(|field| field.name != "EventData");
    }
}

/// Renames fields in place to the taxonomy's names.
fn put_names_right(draft: &mut Draft) {
    let mut has_pairs = false;
    let mut rename: Option<fn(&str) -> Option<&str>> = None;
    for field in &mut draft.fields {
        let name = field.name.as_str();
        if name.starts_with("winlog.") {
            rename = Some(names::of_winlogbeat);
        } else if name == "event_id.id" {
            rename = Some(names::of_opentelemetry);
        }
        has_pairs = has_pairs || name == names::DATA_NAMES || name == names::DATA_TEXTS;
        if name.contains(' ') {
            field.name = names::without_spaces(name);
        }
    }
    if let Some(rename) = rename {
        for field in &mut draft.fields {
            if let Some(name) = rename(&field.name) {
                field.name = CompactString::new(name);
            }
            unlist(&mut field.value);
        }
    }
    if has_pairs {
        join_pairs(draft);
    }
}

/// A list of objects with one member each gives lists in which one element only says something: that is the value.
fn unlist(value: &mut Value) {
    let Value::List(list) = value else { return };
    let says_something = |value: &Value| !matches!(value, Value::Null);
    let padding = list.iter().filter(|value| !says_something(value)).count();
    if padding + 1 == list.len()
        && let Some(only) = list.iter_mut().find(|value| says_something(value))
    {
        *value = std::mem::replace(only, Value::Null);
    }
}

/// Makes fields of a list of `<Data Name="…">` elements: their names and texts arrive as two aligned lists.
fn join_pairs(draft: &mut Draft) {
    let mut names = Vec::new();
    let mut texts = Vec::new();
    for field in &mut draft.fields {
        let is_names = field.name == names::DATA_NAMES;
        if is_names || field.name == names::DATA_TEXTS {
            let value = std::mem::replace(&mut field.value, Value::Null);
            let list = if let Value::List(list) = value {
                list
            } else {
                vec![value]
            };
            if is_names { names = list } else { texts = list }
        }
    }
    draft
        .fields
        .retain(|field| field.name != names::DATA_NAMES && field.name != names::DATA_TEXTS);
    if names.is_empty() {
        draft.push("Data", Value::List(texts));
        return;
    }
    texts.resize(names.len(), Value::Null);
    for (name, text) in names.into_iter().zip(texts) {
        let name = name
            .as_text()
            .map_or(CompactString::const_new("Data"), CompactString::new);
        draft.push(name, text);
    }
}

/// The event id, a number or its text; 0 when there is none.
fn event_id(fields: &Fields) -> u32 {
    match fields.get("EventID").or_else(|| fields.get("event.code")) {
        Some(Value::Int(number)) => u32::try_from(*number).unwrap_or(0),
        Some(Value::Text(text)) => text.trim().parse().unwrap_or(0),
        Some(Value::Null | Value::Bool(_) | Value::Uint(_) | Value::Float(_) | Value::List(_)) | None => 0,
    }
}

fn channel(fields: &Fields) -> &'static Channel {
    match fields.text("Channel") {
        Some(name) => channels::of_name(name),
        None => channels::of_provider(provider(fields).unwrap_or_default()),
    }
}

fn provider(fields: &Fields) -> Option<&str> {
    PROVIDERS.into_iter().find_map(|name| fields.text(name))
}

/// Puts right what shippers change: the provider's name, keywords, packed hashes.
fn put_values_right(draft: &mut Draft) {
    if draft.fields.get("Provider_Name").is_none()
        && let Some(provider) = provider(&draft.fields).map(CompactString::new)
    {
        draft.push("Provider_Name", Value::Text(provider));
    }
    put_keywords(draft);
    put_level(draft);
    for name in ["Hashes", "Hash"] {
        if let Some(Value::Text(packed)) = draft.fields.get(name) {
            let packed = packed.clone();
            split_hashes(&packed, draft);
        }
    }
}

/// Rules tell the audit's success from its failure by the keywords; Winlogbeat gives only their names.
fn put_keywords(draft: &mut Draft) {
    if let Some(field) = draft.fields.iter_mut().find(|field| field.name == "Keywords") {
        if let Some(keywords) = hexadecimal(&field.value) {
            field.value = keywords;
        }
        return;
    }
    let named = |name: &str| match draft.fields.get("KeywordNames") {
        Some(Value::List(list)) => list.iter().any(|keyword| keyword.as_text() == Some(name)),
        Some(Value::Text(keyword)) => keyword == name,
        Some(Value::Null | Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Float(_)) | None => false,
    };
    let known = [
        ("Audit Failure", "0x8010000000000000"),
        ("Audit Success", "0x8020000000000000"),
    ];
    if let Some((_, keywords)) = known.into_iter().find(|(name, _)| named(name)) {
        draft.push("Keywords", Value::text(keywords));
    }
}

/// `NXLog` gives its own severities in the place of Windows' levels.
fn put_level(draft: &mut Draft) {
    if draft.fields.text("SourceModuleType") != Some("im_msvistalog") || draft.fields.get("Level").is_some() {
        return;
    }
    let level = match draft.fields.text("Severity") {
        _ if draft
            .fields
            .text("EventType")
            .is_some_and(|kind| kind.starts_with("AUDIT")) =>
        {
            0
        }
        Some("CRITICAL") => 1,
        Some("ERROR") => 2,
        Some("WARNING") => 3,
        Some("INFO") => 4,
        Some("DEBUG") => 5,
        Some(_) | None => return,
    };
    draft.push("Level", Value::Int(level));
}

/// Keywords are 64 bits, written as `0x8020000000000000` by Windows and as a signed number by some shippers.
#[expect(clippy::cast_sign_loss, reason = "the sign is the highest of the 64 bits")]
fn hexadecimal(value: &Value) -> Option<Value> {
    let bits = match value {
        Value::Int(number) => *number as u64,
        Value::Uint(number) => *number,
        Value::Text(text) => text
            .parse::<i64>()
            .map(|number| number as u64)
            .or_else(|_| text.parse())
            .ok()?,
        Value::Null | Value::Bool(_) | Value::Float(_) | Value::List(_) => return None,
    };
    Some(Value::Text(format_compact!("{bits:#x}")))
}

/// `SHA1=…,MD5=…,IMPHASH=…` as fields of their own, named as rules name them.
fn split_hashes(packed: &str, draft: &mut Draft) {
    for pair in packed.split(',') {
        let Some((algorithm, digits)) = pair.split_once('=') else {
            continue;
        };
        let name = match algorithm.trim() {
            algorithm if algorithm.eq_ignore_ascii_case("md5") => "md5",
            algorithm if algorithm.eq_ignore_ascii_case("sha1") => "sha1",
            algorithm if algorithm.eq_ignore_ascii_case("sha256") => "sha256",
            algorithm if algorithm.eq_ignore_ascii_case("imphash") => "Imphash",
            _ => continue,
        };
        if draft.fields.get(name).is_none() {
            draft.push(name, Value::text(digits));
        }
    }
}

/// What a registry event did, by Sysmon's `EventType` or the audit's `OperationType`.
fn registry_act(event_id: u32, fields: &Fields) -> Option<RegistryAct> {
    match event_id {
        12 => match fields.text("EventType")? {
            "CreateKey" => Some(RegistryAct::Add),
            "DeleteKey" | "DeleteValue" => Some(RegistryAct::Delete),
            _ => None,
        },
        4657 => match fields.text("OperationType")? {
            "%%1904" | "%%1905" => Some(RegistryAct::Set),
            "%%1906" => Some(RegistryAct::Delete),
            _ => None,
        },
        _ => None,
    }
}

/// The event's own time: the one Windows gave it, else Sysmon's, else the shipper's.
fn set_time(draft: &mut Draft) {
    if read_time(draft, &["TimeCreated", "SystemTime"]) && !draft.is_guess() {
        return;
    }
    // Sysmon's time is UTC by its name and has no zone.
    if let Some(text) = draft.fields.text("UtcTime")
        && let Some(moment) = times::of_iso(text, jiff::tz::Offset::UTC)
    {
        draft.happened(moment.at);
        return;
    }
    let guess = draft.take_moment();
    if read_time(draft, &["@timestamp", "TimeGenerated"]) {
        return;
    }
    match guess {
        Some(guess) => draft.happened(guess),
        None => {
            read_time(draft, &["EventTime", "EventReceivedTime"]);
        }
    }
}

/// Events in which the account that acts is called the target.
const SIGN_INS: [u32; 16] = [
    4624, 4625, 4634, 4647, 4768, 4769, 4770, 4771, 4772, 4776, 4778, 4779, 4800, 4801, 4964, 5378,
];

fn set_user(event_id: u32, draft: &mut Draft) {
    if !SIGN_INS.contains(&event_id) {
        return;
    }
    let text = |name| {
        draft
            .fields
            .text(name)
            .filter(|text| !matches!(*text, "" | "-"))
            .map(CompactString::new)
    };
    let (user, domain) = (text("TargetUserName"), text("TargetDomainName"));
    if let Some(user) = user {
        draft.entities.user_name = Some(match user.split_once('@') {
            Some((name, _)) if !name.is_empty() => CompactString::new(name),
            Some(_) | None => user,
        });
        draft.entities.user_domain = domain;
    }
}
