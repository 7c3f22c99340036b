//! The bytes of one entry: a tag, then its parts in a fixed order, numbers as variable-length integers. Written by
//! hand so that a record's bytes are borrowed from their block instead of being copied.

use bytes::Bytes;
use compact_str::CompactString;
use model::{FormatHint, JournalEntry, Loss, RawRecord, RejectReason, Rejection, SourceId, Timestamp, Transport};

const TAG_RECORD: u8 = 1;
const TAG_REJECTION: u8 = 2;
const TAG_LOSS: u8 = 3;
const TAG_TICK: u8 = 4;

const FLAG_EXERCISE: u8 = 1;
const FLAG_NAMED: u8 = 2;

/// The numbers under which transports are stored; a number never changes its meaning.
const TRANSPORTS: [Transport; 11] = [
    Transport::SyslogUdp,
    Transport::SyslogTcp,
    Transport::SyslogTls,
    Transport::Bulk,
    Transport::Otlp,
    Transport::Ndjson,
    Transport::File,
    Transport::Evtx,
    Transport::Journald,
    Transport::Exercise,
    Transport::Relp,
];

/// The numbers under which reasons are stored; a number never changes its meaning.
const REASONS: [RejectReason; 7] = [
    RejectReason::Oversized,
    RejectReason::BadFraming,
    RejectReason::NotParsable,
    RejectReason::BadCompression,
    RejectReason::TooDeep,
    RejectReason::UnsupportedOperation,
    RejectReason::Truncated,
];

fn transport_number(transport: Transport) -> u8 {
    match transport {
        Transport::SyslogUdp => 0,
        Transport::SyslogTcp => 1,
        Transport::SyslogTls => 2,
        Transport::Bulk => 3,
        Transport::Otlp => 4,
        Transport::Ndjson => 5,
        Transport::File => 6,
        Transport::Evtx => 7,
        Transport::Journald => 8,
        Transport::Exercise => 9,
        Transport::Relp => 10,
    }
}

fn reason_number(reason: RejectReason) -> u8 {
    match reason {
        RejectReason::Oversized => 0,
        RejectReason::BadFraming => 1,
        RejectReason::NotParsable => 2,
        RejectReason::BadCompression => 3,
        RejectReason::TooDeep => 4,
        RejectReason::UnsupportedOperation => 5,
        RejectReason::Truncated => 6,
    }
}

/// Bytes that are not an entry; says what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not a journal entry: {0}")]
pub struct NotAnEntry(pub(crate) &'static str);

/// Appends the bytes of `entry` to `out`.
pub fn encode_entry(entry: &JournalEntry, out: &mut Vec<u8>) {
    match entry {
        JournalEntry::Record(record) => {
            out.push(TAG_RECORD);
            put_record(record, out);
        }
        JournalEntry::Rejection(Rejection { record, reason, detail }) => {
            out.push(TAG_REJECTION);
            put_record(record, out);
            out.push(reason_number(*reason));
            put_bytes(detail.as_bytes(), out);
        }
        JournalEntry::Loss(Loss {
            source,
            noticed_at,
            records,
            detail,
        }) => {
            out.push(TAG_LOSS);
            put_bytes(source.as_str().as_bytes(), out);
            put_time(*noticed_at, out);
            put_number(*records, out);
            put_bytes(detail.as_bytes(), out);
        }
        JournalEntry::Tick(at) => {
            out.push(TAG_TICK);
            put_time(*at, out);
        }
    }
}

fn put_record(record: &RawRecord, out: &mut Vec<u8>) {
    let RawRecord {
        source,
        received_at,
        transport,
        origin,
        format,
        exercise,
        bytes,
    } = record;
    put_bytes(source.as_str().as_bytes(), out);
    put_time(*received_at, out);
    out.push(transport_number(*transport));
    put_bytes(origin.as_bytes(), out);
    let exercise = if *exercise { FLAG_EXERCISE } else { 0 };
    match format {
        FormatHint::Unknown => out.push(exercise),
        FormatHint::Named(name) => {
            out.push(exercise | FLAG_NAMED);
            put_bytes(name.as_bytes(), out);
        }
    }
    put_bytes(bytes, out);
}

fn put_number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push((number & 0x7f) as u8);
}

/// Signed numbers are folded so that small negative ones stay short.
fn put_signed(number: i64, out: &mut Vec<u8>) {
    put_number((number.cast_unsigned() << 1) ^ (number >> 63).cast_unsigned(), out);
}

fn put_time(time: Timestamp, out: &mut Vec<u8>) {
    put_signed(time.as_second(), out);
    put_signed(i64::from(time.subsec_nanosecond()), out);
}

fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_number(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// Takes one entry off the front of `bytes`. The record's bytes share the allocation of `bytes`.
///
/// # Errors
/// The bytes are not what was written.
pub fn decode_entry(bytes: &mut Bytes) -> Result<JournalEntry, NotAnEntry> {
    match take_byte(bytes)? {
        TAG_RECORD => take_record(bytes).map(JournalEntry::Record),
        TAG_REJECTION => Ok(JournalEntry::Rejection(Rejection {
            record: take_record(bytes)?,
            reason: *REASONS
                .get(usize::from(take_byte(bytes)?))
                .ok_or(NotAnEntry("a known reason"))?,
            detail: take_text(bytes)?.to_string(),
        })),
        TAG_LOSS => Ok(JournalEntry::Loss(Loss {
            source: SourceId::new(&take_text(bytes)?),
            noticed_at: take_time(bytes)?,
            records: take_number(bytes)?,
            detail: take_text(bytes)?.to_string(),
        })),
        TAG_TICK => take_time(bytes).map(JournalEntry::Tick),
        _unknown => Err(NotAnEntry("a known tag")),
    }
}

fn take_record(bytes: &mut Bytes) -> Result<RawRecord, NotAnEntry> {
    let source = SourceId::new(&take_text(bytes)?);
    let received_at = take_time(bytes)?;
    let transport = *TRANSPORTS
        .get(usize::from(take_byte(bytes)?))
        .ok_or(NotAnEntry("a known transport"))?;
    let origin = take_text(bytes)?;
    let flags = take_byte(bytes)?;
    if flags & !(FLAG_EXERCISE | FLAG_NAMED) != 0 {
        return Err(NotAnEntry("known flags"));
    }
    let format = if flags & FLAG_NAMED == 0 {
        FormatHint::Unknown
    } else {
        FormatHint::Named(take_text(bytes)?)
    };
    Ok(RawRecord {
        source,
        received_at,
        transport,
        origin,
        format,
        exercise: flags & FLAG_EXERCISE != 0,
        bytes: take_bytes(bytes)?,
    })
}

fn take_byte(bytes: &mut Bytes) -> Result<u8, NotAnEntry> {
    let byte = *bytes.first().ok_or(NotAnEntry("more bytes"))?;
    bytes::Buf::advance(bytes, 1);
    Ok(byte)
}

fn take_number(bytes: &mut Bytes) -> Result<u64, NotAnEntry> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = take_byte(bytes)?;
        let part = u64::from(byte & 0x7f);
        if (part << shift) >> shift != part {
            break;
        }
        number |= part << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(NotAnEntry("a number of at most 64 bits"))
}

fn take_signed(bytes: &mut Bytes) -> Result<i64, NotAnEntry> {
    let folded = take_number(bytes)?;
    Ok((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed())
}

fn take_time(bytes: &mut Bytes) -> Result<Timestamp, NotAnEntry> {
    let second = take_signed(bytes)?;
    let nanosecond = i32::try_from(take_signed(bytes)?).map_err(|_| NotAnEntry("nanoseconds of a second"))?;
    Timestamp::new(second, nanosecond).map_err(|_| NotAnEntry("a time between the years -9999 and 9999"))
}

fn take_bytes(bytes: &mut Bytes) -> Result<Bytes, NotAnEntry> {
    let length = usize::try_from(take_number(bytes)?).map_err(|_| NotAnEntry("a length"))?;
    if length > bytes.len() {
        return Err(NotAnEntry("as many bytes as announced"));
    }
    Ok(bytes.split_to(length))
}

fn take_text(bytes: &mut Bytes) -> Result<CompactString, NotAnEntry> {
    CompactString::from_utf8(take_bytes(bytes)?).map_err(|_| NotAnEntry("UTF-8 text"))
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn any_entry() -> impl Strategy<Value = JournalEntry> {
        let time = (-377_705_023_201i64..=253_402_207_200, 0i32..1_000_000_000)
            .prop_map(|(s, n)| Timestamp::new(s, n).unwrap_or(Timestamp::UNIX_EPOCH));
        let tick = time.clone().prop_map(JournalEntry::Tick);
        let record = (
            "[a-zà-ỹ/.]{0,40}",
            time,
            0usize..TRANSPORTS.len(),
            ".{0,30}",
            prop::option::of("[a-z]{0,9}"),
            any::<bool>(),
            prop::collection::vec(any::<u8>(), 0..600),
        )
            .prop_map(
                |(source, received_at, transport, origin, format, exercise, bytes)| RawRecord {
                    source: SourceId::new(&source),
                    received_at,
                    transport: TRANSPORTS[transport],
                    origin: origin.into(),
                    format: format.map_or(FormatHint::Unknown, |name| FormatHint::Named(name.into())),
                    exercise,
                    bytes: bytes.into(),
                },
            );
        prop_oneof![
            1 => tick,
            4 => record.clone().prop_map(JournalEntry::Record),
            1 => (record, 0usize..REASONS.len(), ".{0,30}").prop_map(|(record, reason, detail)| {
                JournalEntry::Rejection(Rejection { record, reason: REASONS[reason], detail })
            }),
            1 => ("[a-z]{0,9}", any::<u64>(), ".{0,30}").prop_map(|(source, records, detail)| {
                JournalEntry::Loss(Loss { source: SourceId::new(&source), noticed_at: Timestamp::MAX, records, detail })
            }),
        ]
    }

    #[test]
    fn numbers_are_stable_in_both_directions() {
        for (number, transport) in TRANSPORTS.iter().enumerate() {
            assert_eq!(usize::from(transport_number(*transport)), number);
        }
        for (number, reason) in REASONS.iter().enumerate() {
            assert_eq!(usize::from(reason_number(*reason)), number);
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(entry in any_entry()) {
            let mut out = Vec::new();
            encode_entry(&entry, &mut out);
            let mut bytes = Bytes::from(out);
            prop_assert_eq!(decode_entry(&mut bytes), Ok(entry));
            prop_assert!(bytes.is_empty());
        }

        #[test]
        fn any_bytes_are_an_entry_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode_entry(&mut Bytes::from(bytes));
        }

        #[test]
        fn a_damaged_entry_never_panics(entry in any_entry(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut out = Vec::new();
            encode_entry(&entry, &mut out);
            let at = at.index(out.len());
            out[at] = byte;
            let mut bytes = Bytes::from(out.clone());
            let _ = decode_entry(&mut bytes);
            let _ = decode_entry(&mut Bytes::from(out).slice(..at));
        }
    }
}
