//! `ExportLogsServiceRequest` in protobuf (opentelemetry/proto/logs/v1/logs.proto and common.proto, v1.x) into log records.

use bytes::Bytes;
use model::RejectReason;

use super::{
    LogRecord, OtlpLimits,
    wire::{BrokenWire, Fields, WireValue},
    write::{ObjectWriter, hex, write_bytes, write_double, write_list, write_text},
};
use crate::receiving::Refusal;

/// Reads a request.
///
/// # Errors
/// When what encloses the records is not protobuf, or there are more than the limit; then nothing of it is stored.
pub(crate) fn read_protobuf(body: &Bytes, limits: OtlpLimits) -> Result<Vec<LogRecord>, String> {
    let mut records = Vec::new();
    let mut request = Fields(body);
    while let Some((number, value)) = request.next_field().map_err(|e| e.to_string())? {
        if let (1, WireValue::Bytes(resource_logs)) = (number, value) {
            read_resource_logs(resource_logs, limits, &mut records)?;
        }
    }
    Ok(records)
}

/// A fault inside one record or its surroundings.
#[derive(Debug)]
enum Fault {
    Broken(BrokenWire),
    NotText,
    TooDeep,
}

impl From<BrokenWire> for Fault {
    fn from(broken: BrokenWire) -> Self {
        Self::Broken(broken)
    }
}

impl Fault {
    fn explain(&self, depth_max: usize) -> (RejectReason, String) {
        match self {
            Self::Broken(broken) => (RejectReason::NotParsable, broken.to_string()),
            Self::NotText => (RejectReason::NotParsable, "a text is not UTF-8".to_owned()),
            Self::TooDeep => (RejectReason::TooDeep, format!("nested deeper than {depth_max}")),
        }
    }
}

fn read_resource_logs(message: &[u8], limits: OtlpLimits, records: &mut Vec<LogRecord>) -> Result<(), String> {
    let whole = |fault: Fault| fault.explain(limits.depth).1;
    let mut resource = ObjectWriter::new();
    let mut scopes = Vec::new();
    let mut fields = Fields(message);
    while let Some((number, value)) = fields.next_field().map_err(|e| e.to_string())? {
        match (number, value) {
            (1, WireValue::Bytes(bytes)) => write_resource(&mut resource, bytes, limits.depth).map_err(whole)?,
            (2, WireValue::Bytes(bytes)) => scopes.push(bytes),
            (3, WireValue::Bytes(bytes)) => resource.text("schemaUrl", text(bytes).map_err(whole)?),
            _ => write_unknown(&mut resource, number, value),
        }
    }
    let resource = resource.finish();
    for scope in scopes {
        read_scope_logs(scope, &resource, limits, records)?;
    }
    Ok(())
}

fn read_scope_logs(
    message: &[u8],
    resource: &str,
    limits: OtlpLimits,
    records: &mut Vec<LogRecord>,
) -> Result<(), String> {
    let whole = |fault: Fault| fault.explain(limits.depth).1;
    let mut scope = ObjectWriter::new();
    let mut logs = Vec::new();
    let mut fields = Fields(message);
    while let Some((number, value)) = fields.next_field().map_err(|e| e.to_string())? {
        match (number, value) {
            (1, WireValue::Bytes(bytes)) => write_scope(&mut scope, bytes, limits.depth).map_err(whole)?,
            (2, WireValue::Bytes(bytes)) => logs.push(bytes),
            (3, WireValue::Bytes(bytes)) => scope.text("schemaUrl", text(bytes).map_err(whole)?),
            _ => write_unknown(&mut scope, number, value),
        }
    }
    let scope = (!scope.is_empty()).then(|| scope.finish());
    for log in logs {
        if records.len() == limits.records {
            return Err(format!("more than {} records in one request", limits.records));
        }
        records.push(read_record(log, resource, scope.as_deref(), limits));
    }
    Ok(())
}

fn read_record(message: &[u8], resource: &str, scope: Option<&str>, limits: OtlpLimits) -> LogRecord {
    let refuse = |(reason, detail)| Refusal {
        kept: Bytes::copy_from_slice(message),
        reason,
        detail,
    };
    let mut record = ObjectWriter::new();
    write_record(&mut record, message, limits.depth).map_err(|fault| refuse(fault.explain(limits.depth)))?;
    record.json("resource", resource);
    if let Some(scope) = scope {
        record.json("scope", scope);
    }
    let record = record.finish();
    if record.len() > limits.record_bytes {
        let detail = format!("the record is longer than {} bytes", limits.record_bytes);
        return Err(refuse((RejectReason::Oversized, detail)));
    }
    Ok(Bytes::from(record))
}

fn write_record(record: &mut ObjectWriter, message: &[u8], depth_max: usize) -> Result<(), Fault> {
    let mut attributes = Vec::new();
    let mut fields = Fields(message);
    while let Some((number, value)) = fields.next_field()? {
        match (number, value) {
            (1 | 11, WireValue::Fixed64(0)) => {}
            (1, WireValue::Fixed64(nanos)) => record.text("timeUnixNano", &nanos.to_string()),
            (11, WireValue::Fixed64(nanos)) => record.text("observedTimeUnixNano", &nanos.to_string()),
            (2, WireValue::Varint(severity)) => record.shown("severityNumber", severity),
            (3, WireValue::Bytes(bytes)) => record.text("severityText", text(bytes)?),
            (5, WireValue::Bytes(bytes)) => write_any(record.name("body"), bytes, depth_max)?,
            (6, WireValue::Bytes(bytes)) => attributes.push(bytes),
            (7, WireValue::Varint(count)) => record.shown("droppedAttributesCount", count),
            (8, WireValue::Fixed32(flags)) => record.shown("flags", flags),
            (9, WireValue::Bytes(bytes)) => record.text("traceId", &hex(bytes)),
            (10, WireValue::Bytes(bytes)) => record.text("spanId", &hex(bytes)),
            (12, WireValue::Bytes(bytes)) => record.text("eventName", text(bytes)?),
            _ => write_unknown(record, number, value),
        }
    }
    if !attributes.is_empty() {
        write_pairs(record.name("attributes"), &attributes, depth_max)?;
    }
    Ok(())
}

fn write_resource(resource: &mut ObjectWriter, message: &[u8], depth_max: usize) -> Result<(), Fault> {
    let mut attributes = Vec::new();
    let mut fields = Fields(message);
    while let Some((number, value)) = fields.next_field()? {
        match (number, value) {
            (1, WireValue::Bytes(bytes)) => attributes.push(bytes),
            (2, WireValue::Varint(count)) => resource.shown("droppedAttributesCount", count),
            _ => write_unknown(resource, number, value),
        }
    }
    write_pairs(resource.name("attributes"), &attributes, depth_max)
}

fn write_scope(scope: &mut ObjectWriter, message: &[u8], depth_max: usize) -> Result<(), Fault> {
    let mut attributes = Vec::new();
    let mut fields = Fields(message);
    while let Some((number, value)) = fields.next_field()? {
        match (number, value) {
            (1, WireValue::Bytes(bytes)) => scope.text("name", text(bytes)?),
            (2, WireValue::Bytes(bytes)) => scope.text("version", text(bytes)?),
            (3, WireValue::Bytes(bytes)) => attributes.push(bytes),
            (4, WireValue::Varint(count)) => scope.shown("droppedAttributesCount", count),
            _ => write_unknown(scope, number, value),
        }
    }
    if !attributes.is_empty() {
        write_pairs(scope.name("attributes"), &attributes, depth_max)?;
    }
    Ok(())
}

/// A field that this version of the protocol does not have is kept under its number.
fn write_unknown(object: &mut ObjectWriter, number: u64, value: WireValue<'_>) {
    let name = format!("field{number}");
    match value {
        WireValue::Varint(value) | WireValue::Fixed64(value) => object.text(&name, &value.to_string()),
        WireValue::Fixed32(value) => object.text(&name, &value.to_string()),
        WireValue::Bytes(bytes) => write_bytes(object.name(&name), bytes),
    }
}

/// Writes `KeyValue` messages as one object; a key that comes twice is written twice.
fn write_pairs(to: &mut String, pairs: &[&[u8]], depth_left: usize) -> Result<(), Fault> {
    to.push('{');
    for (at, pair) in pairs.iter().enumerate() {
        if at > 0 {
            to.push(',');
        }
        let (mut key, mut value) = ("", None);
        let mut fields = Fields(pair);
        while let Some((number, field)) = fields.next_field()? {
            match (number, field) {
                (1, WireValue::Bytes(bytes)) => key = text(bytes)?,
                (2, WireValue::Bytes(bytes)) => value = Some(bytes),
                _ => {}
            }
        }
        write_text(to, key);
        to.push(':');
        write_any(to, value.unwrap_or_default(), depth_left)?;
    }
    to.push('}');
    Ok(())
}

/// Writes an `AnyValue` as the JSON value that it stands for.
fn write_any(to: &mut String, message: &[u8], depth_left: usize) -> Result<(), Fault> {
    let depth_left = depth_left.checked_sub(1).ok_or(Fault::TooDeep)?;
    let mut last = None;
    let mut fields = Fields(message);
    while let Some(field) = fields.next_field()? {
        // Of a `oneof` the last one counts.
        last = Some(field);
    }
    match last {
        None => to.push_str("null"),
        Some((1, WireValue::Bytes(bytes))) => write_text(to, text(bytes)?),
        Some((2, WireValue::Varint(value))) => to.push_str(if value == 0 { "false" } else { "true" }),
        Some((3, WireValue::Varint(value))) => to.push_str(&value.cast_signed().to_string()),
        Some((4, WireValue::Fixed64(bits))) => write_double(to, f64::from_bits(bits)),
        Some((5, WireValue::Bytes(array))) => {
            write_list(to, members(array)?, |to, member| write_any(to, member, depth_left))?;
        }
        Some((6, WireValue::Bytes(pairs))) => write_pairs(to, &members(pairs)?, depth_left)?,
        Some((7, WireValue::Bytes(bytes))) => write_bytes(to, bytes),
        Some((number, value)) => {
            let mut unknown = ObjectWriter::new();
            write_unknown(&mut unknown, number, value);
            to.push_str(&unknown.finish());
        }
    }
    Ok(())
}

/// The members of an `ArrayValue` or a `KeyValueList`, both in field 1.
fn members(message: &[u8]) -> Result<Vec<&[u8]>, Fault> {
    let mut all = Vec::new();
    let mut fields = Fields(message);
    while let Some((number, value)) = fields.next_field()? {
        if let (1, WireValue::Bytes(bytes)) = (number, value) {
            all.push(bytes);
        }
    }
    Ok(all)
}

fn text(bytes: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).map_err(|_| Fault::NotText)
}
