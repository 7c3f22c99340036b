//! The parsers of outside input as functions of bytes, for the fuzz targets and for the tests that replay their corpus.

use bytes::Bytes;

use crate::{
    bulk::{self, BulkLimits, Content},
    framing::frames,
    otlp::{OtlpLimits, read_json, read_protobuf},
    relp::requests,
};

/// Longest message while fuzzing: short, so that the limit is met often.
const MESSAGE_BYTES_MAX: usize = 64;

/// The first byte says into how many pieces the stream is cut, which must not change its frames.
///
/// # Panics
/// When it does.
pub fn syslog_framing(bytes: &[u8]) {
    let Some((pieces, stream)) = bytes.split_first() else {
        return;
    };
    let whole = frames([stream], MESSAGE_BYTES_MAX);
    let cut = frames(stream.chunks(usize::from(*pieces).max(1)), MESSAGE_BYTES_MAX);
    assert_eq!(whole, cut, "the same bytes give the same frames");
}

/// A stream of RELP; the first byte says into how many pieces it is cut, which must not change its requests.
///
/// # Panics
/// When it does.
pub fn relp(bytes: &[u8]) {
    let Some((pieces, stream)) = bytes.split_first() else {
        return;
    };
    let (whole, wrong) = requests([stream], MESSAGE_BYTES_MAX);
    let (cut, wrong_cut) = requests(stream.chunks(usize::from(*pieces).max(1)), MESSAGE_BYTES_MAX);
    assert_eq!(whole, cut, "the same bytes give the same requests");
    assert_eq!(wrong.is_some(), wrong_cut.is_some());
}

/// A `_bulk` body.
///
/// # Panics
/// When a document is accepted that is not a JSON object.
pub fn bulk(bytes: &[u8]) {
    let limits = BulkLimits {
        index: Some("logs".into()),
        record_bytes_max: 4096,
        records_max: 64,
        depth_max: 16,
    };
    for item in bulk::parse(&Bytes::copy_from_slice(bytes), &limits)
        .into_iter()
        .flatten()
    {
        if let Content::Document(document) = item.content {
            assert!(std::str::from_utf8(&document).is_ok_and(|text| text.trim_ascii_start().starts_with('{')));
        }
    }
}

/// An OTLP request; the first byte says in which form.
///
/// # Panics
/// When a record is made that is not JSON.
pub fn otlp(bytes: &[u8]) {
    let Some((form, body)) = bytes.split_first() else {
        return;
    };
    let body = Bytes::copy_from_slice(body);
    let limits = OtlpLimits {
        records: 64,
        record_bytes: 65_536,
        depth: 16,
    };
    let records = match form % 2 {
        0 => read_protobuf(&body, limits),
        _ => read_json(&body, limits),
    };
    for record in records.into_iter().flatten().flatten() {
        assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&record).is_ok());
    }
}
