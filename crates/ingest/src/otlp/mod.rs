//! OTLP logs (OpenTelemetry protocol 1.x over HTTP): requests in protobuf or JSON into one JSON object per log record, which
//! carries the attributes of its resource and scope.

mod json;
mod protobuf;
mod wire;
mod write;

use bytes::Bytes;

use crate::receiving::Refusal;

pub(crate) use json::read_json;
pub(crate) use protobuf::read_protobuf;
pub(crate) use wire::{put_bytes, put_varint};

/// A log record as JSON, or why it is none.
pub(crate) type LogRecord = Result<Bytes, Refusal>;

/// The most that one request may have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OtlpLimits {
    pub(crate) records: usize,
    pub(crate) record_bytes: usize,
    pub(crate) depth: usize,
}
