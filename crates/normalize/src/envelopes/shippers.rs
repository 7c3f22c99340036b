//! What log shippers put around a line they read: Elastic's Beats and Agent (ECS), container runtimes, and the JSON
//! encoding of OpenTelemetry's log records.

use compact_str::CompactString;
use model::{Fields, Value};

use super::{Content, Inner};
use crate::{draft::Draft, sources::json::read_time};

/// Beats and Elastic Agent: the line is in `event.original` or `message`, the product in `event.module`.
pub(super) fn open_beats(draft: &mut Draft) -> Option<Inner> {
    let fields = &draft.fields;
    let has = |name| fields.get(name).is_some();
    if !has("@timestamp")
        || !["ecs.version", "agent.type", "log.file.path", "event.original"]
            .into_iter()
            .any(has)
    {
        return None;
    }
    let text = ["event.original", "message"]
        .into_iter()
        .find_map(|name| fields.text(name))
        .map(str::to_owned);
    let program = ["process.name", "log.syslog.appname"]
        .into_iter()
        .find_map(|name| fields.text(name));
    let dataset = fields
        .text("event.dataset")
        .and_then(|dataset| dataset.split('.').next());
    let source = fields.text("event.module").or(dataset);
    let inner = Inner {
        format: "beats",
        program: program.map(CompactString::new),
        source: source.map(CompactString::new),
        content: Content::Text(text.unwrap_or_default()),
    };
    read_time(draft, &["event.created", "@timestamp"]);
    Some(inner)
}

/// Docker and Kubernetes: `{"log": …, "stream": …, "time": …}`, with what a shipper knows of the pod.
pub(super) fn open_container(draft: &mut Draft) -> Option<Inner> {
    let fields = &draft.fields;
    let has_stream = matches!(fields.text("stream"), Some("stdout" | "stderr"));
    let line = fields
        .text("log")
        .filter(|_| has_stream)?
        .trim_end_matches('\n')
        .to_owned();
    let program = fields.text("kubernetes.container_name").map(CompactString::new);
    read_time(draft, &["time", "@timestamp"]);
    Some(Inner {
        format: "container",
        program,
        source: None,
        content: Content::Text(line),
    })
}

/// A log record of OpenTelemetry, in OTLP's JSON encoding or with its values written plainly: attributes become fields
/// under their own names, and so do the members of a body that is a map.
pub(super) fn open_otlp(draft: &mut Draft) -> Option<Inner> {
    if !is_otlp(&draft.fields) {
        return None;
    }
    set_otlp_time(draft);
    for prefix in [
        "resource.attributes",
        "scope.attributes",
        "attributes",
        "body.kvlistValue.values",
    ] {
        spread(draft, prefix);
    }
    let mut is_map = false;
    for field in &mut draft.fields {
        if field.name == "body.stringValue" {
            field.name = CompactString::const_new("body");
        }
        for prefix in ["resource.attributes.", "scope.attributes.", "attributes.", "body."] {
            // Lists as values keep the path of the encoding.
            let plain = field
                .name
                .strip_prefix(prefix)
                .filter(|name| !name.starts_with("value."));
            if let Some(name) = plain {
                is_map = is_map || prefix == "body.";
                field.name = CompactString::new(name);
                break;
            }
        }
    }
    let fields = &draft.fields;
    let named = |names: &[&str]| names.iter().find_map(|name| fields.text(name)).map(CompactString::new);
    let content = match fields.text("body") {
        Some(text) => Content::Text(text.to_owned()),
        None if is_map => Content::Fields,
        None => Content::Text(String::new()),
    };
    Some(Inner {
        format: "otlp",
        program: named(&["process.executable.name", "syslog.appname", "appname", "service.name"]),
        source: None,
        content,
    })
}

fn is_otlp(fields: &Fields) -> bool {
    let has = |name| fields.get(name).is_some();
    has("timeUnixNano")
        || has("observedTimeUnixNano")
        || (has("body") || has("body.stringValue")) && (has("severityNumber") || has("severityText") || has("traceId"))
}

fn set_otlp_time(draft: &mut Draft) {
    for name in ["timeUnixNano", "observedTimeUnixNano"] {
        let nanoseconds: Option<i128> = match draft.fields.get(name) {
            Some(Value::Text(text)) => text.parse().ok(),
            Some(Value::Int(number)) => Some((*number).into()),
            Some(Value::Uint(number)) => Some((*number).into()),
            Some(Value::Null | Value::Bool(_) | Value::Float(_) | Value::List(_)) | None => None,
        };
        // Zero means that the time is not known.
        let nanoseconds = nanoseconds.filter(|nanoseconds| *nanoseconds > 0);
        if let Some(at) = nanoseconds.and_then(|nanoseconds| jiff::Timestamp::from_nanosecond(nanoseconds).ok()) {
            draft.happened(at);
            return;
        }
    }
}

/// Makes fields of a list of `{"key": …, "value": {"stringValue": …}}`, which arrives as aligned lists of keys and of
/// values of each type.
fn spread(draft: &mut Draft, prefix: &str) {
    let Some(keys) = list(&draft.fields, &format!("{prefix}.key")) else {
        return;
    };
    let types = ["stringValue", "intValue", "boolValue", "doubleValue", "bytesValue"];
    let values = types.map(|kind| list(&draft.fields, &format!("{prefix}.value.{kind}")).unwrap_or_default());
    for (at, key) in keys.iter().enumerate() {
        let Some(name) = key.as_text() else { continue };
        let value = values
            .iter()
            .filter_map(|list| list.get(at))
            .find(|value| **value != Value::Null);
        if let Some(value) = value {
            draft.push(name, value.clone());
        }
    }
    // Values that are lists themselves are not aligned with the keys: they stay under their paths.
    let spread = |name: &str| match name.strip_prefix(prefix) {
        Some(path) => path == ".key" || types.iter().any(|kind| path.strip_prefix(".value.") == Some(kind)),
        None => false,
    };
    draft.fields.retain(|field| !spread(&field.name));
}

fn list(fields: &Fields, name: &str) -> Option<Vec<Value>> {
    match fields.get(name) {
        Some(Value::List(list)) => Some(list.clone()),
        Some(single) => Some(vec![single.clone()]),
        None => None,
    }
}
