//! `ExportLogsServiceRequest` in OTLP's JSON mapping into the same log records as its protobuf form gives.

use bytes::Bytes;
use model::RejectReason;
use serde_json::{Map, Value};

use super::{
    LogRecord, OtlpLimits,
    write::{ObjectWriter, write_list, write_text},
};
use crate::{json::depth_exceeds, receiving::Refusal};

/// JSON spends up to this many levels on one level of an `AnyValue`: `{"arrayValue":{"values":[…]}}`.
const LEVELS_PER_VALUE: usize = 4;

/// The levels of the request around the records.
const LEVELS_AROUND: usize = 12;

/// Reads a request.
///
/// # Errors
/// When it is not JSON, or there are more records than the limit; then nothing of it is stored.
pub(crate) fn read_json(body: &Bytes, limits: OtlpLimits) -> Result<Vec<LogRecord>, String> {
    if depth_exceeds(
        body,
        limits.depth.saturating_mul(LEVELS_PER_VALUE).min(100) + LEVELS_AROUND,
    ) {
        return Err("nested too deeply".to_owned());
    }
    let request: Map<String, Value> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let mut records = Vec::new();
    for resource_logs in list(&request, "resourceLogs")? {
        let resource = surroundings(resource_logs, "resource", true);
        for scope_logs in list(resource_logs, "scopeLogs")? {
            let scope = surroundings(scope_logs, "scope", false);
            for record in list(scope_logs, "logRecords")? {
                if records.len() == limits.records {
                    return Err(format!("more than {} records in one request", limits.records));
                }
                records.push(read_record(record, &resource, &scope, limits));
            }
        }
    }
    Ok(records)
}

fn list<'a>(object: &'a Map<String, Value>, name: &str) -> Result<Vec<&'a Map<String, Value>>, String> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| {
                item.as_object()
                    .ok_or_else(|| format!("`{name}` holds something that is not an object"))
            })
            .collect(),
        Some(_) => Err(format!("`{name}` is not a list")),
    }
}

/// The resource or the scope of a message with its schema, as an object.
fn surroundings(message: &Map<String, Value>, name: &str, always_attributes: bool) -> String {
    let mut object = ObjectWriter::new();
    let inner = message.get(name).and_then(Value::as_object);
    for (name, value) in inner.into_iter().flatten() {
        write_field(&mut object, name, value);
    }
    if always_attributes && inner.is_some_and(|inner| !inner.contains_key("attributes")) {
        object.json("attributes", "{}");
    }
    if let Some(Value::String(url)) = message.get("schemaUrl").filter(|url| **url != "") {
        object.text("schemaUrl", url);
    }
    object.finish()
}

fn read_record(record: &Map<String, Value>, resource: &str, scope: &str, limits: OtlpLimits) -> LogRecord {
    let mut object = ObjectWriter::new();
    for (name, value) in record {
        write_field(&mut object, name, value);
    }
    object.json("resource", resource);
    if scope != "{}" {
        object.json("scope", scope);
    }
    let object = object.finish();
    if object.len() > limits.record_bytes {
        return Err(Refusal {
            kept: Bytes::from(object),
            reason: RejectReason::Oversized,
            detail: format!("the record is longer than {} bytes", limits.record_bytes),
        });
    }
    Ok(Bytes::from(object))
}

fn write_field(object: &mut ObjectWriter, name: &str, value: &Value) {
    match (name, value) {
        ("attributes", Value::Array(pairs)) => write_pairs(object.name(name), pairs),
        ("body", value) => write_any(object.name(name), value),
        // The mapping allows 64-bit numbers as texts and as numbers; one form is kept.
        ("timeUnixNano" | "observedTimeUnixNano", Value::Number(number)) => object.text(name, &number.to_string()),
        ("timeUnixNano" | "observedTimeUnixNano", Value::String(zero)) if zero == "0" => {}
        ("traceId" | "spanId", Value::String(id)) => object.text(name, &id.to_ascii_lowercase()),
        (name, value) => object.shown(name, value),
    }
}

fn write_pairs(to: &mut String, pairs: &[Value]) {
    to.push('{');
    for (at, pair) in pairs.iter().enumerate() {
        if at > 0 {
            to.push(',');
        }
        write_text(to, pair.get("key").and_then(Value::as_str).unwrap_or_default());
        to.push(':');
        write_any(to, pair.get("value").unwrap_or(&Value::Null));
    }
    to.push('}');
}

/// Writes an `AnyValue` as the JSON value that it stands for; what is no `AnyValue` stays as it is.
fn write_any(to: &mut String, value: &Value) {
    let Some((kind, inner)) = value
        .as_object()
        .filter(|o| o.len() <= 1)
        .map(|object| object.iter().next().unzip())
    else {
        to.push_str(&value.to_string());
        return;
    };
    let values = inner
        .and_then(|inner: &Value| inner.get("values"))
        .and_then(Value::as_array);
    match (kind.map(String::as_str), inner, values) {
        (None, ..) => to.push_str("null"),
        (Some("intValue"), Some(Value::String(digits)), _) if digits.parse::<i64>().is_ok() => to.push_str(digits),
        (Some("stringValue" | "boolValue" | "doubleValue" | "intValue"), Some(inner), _) => {
            to.push_str(&inner.to_string());
        }
        (Some("arrayValue"), Some(_), values) => {
            let members = values.map(Vec::as_slice).unwrap_or_default();
            let written: Result<(), std::convert::Infallible> = write_list(to, members, |to, member| {
                write_any(to, member);
                Ok(())
            });
            let Ok(()) = written;
        }
        (Some("kvlistValue"), Some(_), values) => write_pairs(to, values.map(Vec::as_slice).unwrap_or_default()),
        (Some(_), ..) => to.push_str(&value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::otlp::{put_bytes, put_varint, read_protobuf};

    const LIMITS: OtlpLimits = OtlpLimits {
        records: 100,
        record_bytes: 10_000,
        depth: 16,
    };

    fn message(fields: &[(u8, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (number, field) in fields {
            put_bytes(&mut bytes, *number, field);
        }
        bytes
    }

    fn text_value(text: &str) -> Vec<u8> {
        message(&[(1, text.as_bytes())])
    }

    fn pair(key: &str, value: &[u8]) -> Vec<u8> {
        message(&[(1, key.as_bytes()), (2, value)])
    }

    fn request_of(record: &[u8]) -> Bytes {
        let resource = message(&[(1, &pair("service.name", &text_value("shop")))]);
        let scope = message(&[(1, b"lib"), (2, b"1.0")]);
        let scope_logs = message(&[(1, &scope), (2, record), (3, b"urn:s")]);
        Bytes::from(message(&[(1, &message(&[(1, &resource), (2, &scope_logs)]))]))
    }

    fn example_record() -> Vec<u8> {
        let mut record = vec![0x09];
        record.extend(1_700_000_000_000_000_001_u64.to_le_bytes());
        put_varint(&mut record, 2, 9);
        put_bytes(&mut record, 3, b"INFO");
        let mut negative = Vec::new();
        put_varint(&mut negative, 3, (-5_i64).cast_unsigned());
        let list = message(&[(5, &message(&[(1, &text_value("a")), (1, &negative)]))]);
        let map = message(&[(
            6,
            &message(&[(1, &pair("k", &list)), (1, &pair("k", &text_value("again")))]),
        )]);
        put_bytes(&mut record, 5, &map);
        put_bytes(&mut record, 6, &pair("raw", &message(&[(7, b"\x00\xff")])));
        put_bytes(&mut record, 6, &pair("none", b""));
        put_bytes(&mut record, 9, &[0xab; 16]);
        record
    }

    #[test]
    fn protobuf_and_json_give_the_same_record() {
        let from_protobuf = read_protobuf(&request_of(&example_record()), LIMITS).unwrap();
        let pairs = json!([
            {"key": "k", "value": {"arrayValue": {"values": [{"stringValue": "a"}, {"intValue": "-5"}]}}},
            {"key": "k", "value": {"stringValue": "again"}},
        ]);
        let record = json!({
            "timeUnixNano": "1700000000000000001", "severityNumber": 9, "severityText": "INFO",
            "body": {"kvlistValue": {"values": pairs}},
            "attributes": [{"key": "raw", "value": {"bytesValue": "AP8="}}, {"key": "none", "value": {}}],
            "traceId": "ABABABABABABABABABABABABABABABAB",
        });
        let request = json!({"resourceLogs": [{
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
            "scopeLogs": [{"scope": {"name": "lib", "version": "1.0"}, "logRecords": [record], "schemaUrl": "urn:s"}],
        }]});
        let from_json = read_json(&Bytes::from(request.to_string()), LIMITS).unwrap();
        let parsed = |records: &[LogRecord]| -> Value { serde_json::from_slice(records[0].as_ref().unwrap()).unwrap() };
        assert_eq!(parsed(&from_protobuf), parsed(&from_json));
        insta::assert_snapshot!(String::from_utf8_lossy(from_protobuf[0].as_ref().unwrap()));
    }

    #[test]
    fn a_bad_record_leaves_its_neighbours_alone() {
        let mut deep = text_value("x");
        for _ in 0..20 {
            deep = message(&[(5, &message(&[(1, &deep)]))]);
        }
        let cases: [(&[u8], RejectReason); 4] = [
            (b"\xff", RejectReason::NotParsable),
            (&message(&[(3, b"\xff")]), RejectReason::NotParsable),
            (&message(&[(5, &deep)]), RejectReason::TooDeep),
            (
                &message(&[(5, &text_value(&"x".repeat(20_000)))]),
                RejectReason::Oversized,
            ),
        ];
        for (record, reason) in cases {
            let good = example_record();
            let logs = message(&[(2, &good), (2, record), (2, &good)]);
            let body = Bytes::from(message(&[(1, &message(&[(2, &logs)]))]));
            let records = read_protobuf(&body, LIMITS).unwrap();
            assert_eq!(records.len(), 3);
            assert!(records[0].is_ok() && records[2].is_ok());
            let refusal = records[1].as_ref().unwrap_err();
            assert_eq!((refusal.reason, &refusal.kept[..]), (reason, record));
        }
    }

    #[test]
    fn requests_that_are_none() {
        for text in [
            "",
            "[]",
            "{\"resourceLogs\":1}",
            "{\"resourceLogs\":[1]}",
            &"[".repeat(1_000_000),
        ] {
            let body = Bytes::copy_from_slice(text.as_bytes());
            assert!(read_json(&body, LIMITS).is_err(), "{text:.40}");
        }
        assert_eq!(read_json(&Bytes::from_static(b"{}"), LIMITS), Ok(Vec::new()));
        assert_eq!(read_protobuf(&Bytes::new(), LIMITS), Ok(Vec::new()));
        assert!(read_protobuf(&Bytes::from_static(b"\x0a\x05a"), LIMITS).is_err());
        let many = Bytes::from(message(&[(1, &message(&[(2, &message(&vec![(2, &b""[..]); 101]))]))]));
        assert!(read_protobuf(&many, LIMITS).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300), at in any::<usize>(), byte in any::<u8>()) {
            let body = Bytes::from(bytes);
            let _ = read_protobuf(&body, LIMITS);
            let _ = read_json(&body, LIMITS);
            let mut mutated = request_of(&example_record()).to_vec();
            let at = at % mutated.len();
            mutated[at] = byte;
            for record in read_protobuf(&Bytes::from(mutated), LIMITS).into_iter().flatten().flatten() {
                prop_assert!(serde_json::from_slice::<Value>(&record).is_ok());
            }
        }
    }
}
