//! What the journal holds: the bytes as they came, with the facts of their arrival, and what was refused or lost.

use bytes::Bytes;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::{SourceId, Timestamp};

/// The place of an entry in the journal: 1, 2, 3 … without gaps, given when the entry becomes durable.
pub type Seq = u64;

/// How a record reached the post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// Syslog in UDP datagrams (RFC 5426).
    SyslogUdp,
    /// Syslog over TCP, either framing of RFC 6587.
    SyslogTcp,
    /// Syslog over TLS (RFC 5425).
    SyslogTls,
    /// RELP, the reliable event logging protocol of rsyslog, with or without TLS.
    Relp,
    /// An item of an Elasticsearch `_bulk` request.
    Bulk,
    /// A log record of OTLP over HTTP.
    Otlp,
    /// A line of newline-delimited JSON over HTTP.
    Ndjson,
    /// A line of a followed or swept file.
    File,
    /// A record of an EVTX file, rendered as JSON.
    Evtx,
    /// An entry of the systemd journal, rendered as JSON.
    Journald,
    /// A line of a rehearsal.
    Exercise,
}

/// What the sender or the configuration says about the format of a record.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FormatHint {
    /// Nothing is said: recognise it.
    #[default]
    Unknown,
    /// The name of a source module of `normalize` (`nginx`, `auditd`, `suricata`).
    Named(CompactString),
}

/// One record as it arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawRecord {
    /// Who sent it.
    pub source: SourceId,
    /// When its last byte was received.
    pub received_at: Timestamp,
    /// How it came.
    pub transport: Transport,
    /// The sender's address, the file's path with the line's byte offset, or whatever else names the place it came from.
    pub origin: CompactString,
    /// What is said of its format.
    pub format: FormatHint,
    /// Whether it belongs to a rehearsal; then everything that follows from it is marked as one.
    pub exercise: bool,
    /// The bytes, without the framing of the transport.
    pub bytes: Bytes,
}

/// Why a record was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    /// Longer than the listener's named limit; its beginning is kept.
    Oversized,
    /// The framing of the transport is broken (a wrong octet count, a frame without end).
    BadFraming,
    /// Not the JSON (or protobuf) that the protocol requires.
    NotParsable,
    /// A compressed body that does not decompress, or to more than the named limit.
    BadCompression,
    /// Nested deeper than the named limit.
    TooDeep,
    /// The sender asked for an operation that a log store does not have (update, delete).
    UnsupportedOperation,
    /// The connection ended inside a record.
    Truncated,
}

/// A refused record: counted, and kept as far as it can be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// What arrived, cut to the journal's limit for refused records.
    pub record: RawRecord,
    /// Why it was refused.
    pub reason: RejectReason,
    /// What exactly was wrong, for the person who mends the sender.
    pub detail: String,
}

/// Records known to be lost before the post could read them (a full UDP socket buffer).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// The source that lost them.
    pub source: SourceId,
    /// When the loss was noticed.
    pub noticed_at: Timestamp,
    /// How many records.
    pub records: u64,
    /// What is known of the cause.
    pub detail: String,
}

/// One entry of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum JournalEntry {
    /// A record to be normalised, stored and detected on.
    Record(RawRecord),
    /// A record that was refused.
    Rejection(Rejection),
    /// Records that never arrived.
    Loss(Loss),
    /// Nothing arrived until then: what waits for further records need wait no longer.
    Tick(Timestamp),
}
