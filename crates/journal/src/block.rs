//! A block: consecutive entries compressed together, the unit in which the journal writes, frees and reads.
//!
//! Layout, little endian: version (1 byte), entries (4), bytes of the entries before compression (4), then a zstd frame
//! that carries its own checksum. The block's key in the store is the number of its first entry.

use bytes::Bytes;
use model::{JournalEntry, Seq};
use zstd::zstd_safe::CParameter;

use crate::entry::{NotAnEntry, decode_entry};

const VERSION: u8 = 1;
const HEADER: usize = 9;

/// Level 1 halves the bytes of level -1 at the same total cost, because fewer bytes are written and synced.
const LEVEL: i32 = 1;

/// A block is closed when it has this many bytes before compression; an entry larger than that has a block of its own.
pub(crate) const BLOCK_BYTES: usize = 256 * 1024;

/// Longest entry in bytes, as encoded; senders are held to far less by the listeners.
pub const ENTRY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The shortest record: every part empty.
const ENTRY_BYTES_MIN: usize = 8;

/// Compresses blocks; keeps its working memory between them.
pub(crate) struct Packer(zstd::bulk::Compressor<'static>);

impl Packer {
    pub(crate) fn new() -> std::io::Result<Self> {
        let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
        compressor.set_parameter(CParameter::ChecksumFlag(true))?;
        Ok(Self(compressor))
    }

    /// Makes a block of `entries` encoded entries.
    pub(crate) fn pack(&mut self, entries: u32, encoded: &[u8]) -> std::io::Result<Vec<u8>> {
        let length = u32::try_from(encoded.len()).map_err(std::io::Error::other)?;
        let mut block = Vec::with_capacity(HEADER + encoded.len() / 4);
        block.push(VERSION);
        block.extend_from_slice(&entries.to_le_bytes());
        block.extend_from_slice(&length.to_le_bytes());
        block.extend_from_slice(&self.0.compress(encoded)?);
        Ok(block)
    }
}

/// How many entries a block says it holds.
pub(crate) fn entries_in(block: &[u8]) -> Result<u32, NotAnEntry> {
    let header = header(block)?;
    Ok(u32::from_le_bytes([header[1], header[2], header[3], header[4]]))
}

fn header(block: &[u8]) -> Result<&[u8; HEADER], NotAnEntry> {
    let header = block.first_chunk::<HEADER>().ok_or(NotAnEntry("a block header"))?;
    if header[0] == VERSION {
        Ok(header)
    } else {
        Err(NotAnEntry("a block of a known version"))
    }
}

/// Reads the entries of a block whose first entry has the number `first`, from number `from` on.
///
/// # Errors
/// The bytes are not what was written.
pub fn decode_block(first: Seq, from: Seq, block: &[u8]) -> Result<Vec<(Seq, JournalEntry)>, NotAnEntry> {
    let header = header(block)?;
    let entries = entries_in(block)?;
    let length = u32::from_le_bytes([header[5], header[6], header[7], header[8]]) as usize;
    // No entry is shorter than a byte, so a count beyond the length is damage and must not reserve memory.
    if length > ENTRY_BYTES_MAX + BLOCK_BYTES || entries as usize > length {
        return Err(NotAnEntry("a length within the limits"));
    }
    let encoded = zstd::bulk::decompress(&block[HEADER..], length)
        .map_err(|_| NotAnEntry("a zstd frame with a right checksum"))?;
    if encoded.len() != length {
        return Err(NotAnEntry("as many bytes as announced"));
    }
    let mut bytes = Bytes::from(encoded);
    let mut decoded = Vec::with_capacity((entries as usize).min(BLOCK_BYTES / ENTRY_BYTES_MIN));
    for index in 0..u64::from(entries) {
        let entry = decode_entry(&mut bytes)?;
        if first + index >= from {
            decoded.push((first + index, entry));
        }
    }
    if bytes.is_empty() {
        Ok(decoded)
    } else {
        Err(NotAnEntry("no bytes after the last entry"))
    }
}

#[cfg(test)]
mod tests {
    use model::{FormatHint, Loss, RawRecord, RejectReason, Rejection, SourceId, Transport};
    use proptest::prelude::*;

    use super::*;
    use crate::entry::{encode_entry, tests::any_entry};

    fn block_of(entries: &[JournalEntry]) -> Vec<u8> {
        let mut encoded = Vec::new();
        for entry in entries {
            encode_entry(entry, &mut encoded);
        }
        let count = u32::try_from(entries.len()).unwrap();
        Packer::new().unwrap().pack(count, &encoded).unwrap()
    }

    fn one_of_each() -> Vec<JournalEntry> {
        let record = RawRecord {
            source: SourceId::new("syslog/192.0.2.9"),
            received_at: "2026-11-25T01:02:03.000000004Z".parse().unwrap(),
            transport: Transport::SyslogTls,
            origin: "192.0.2.9:6514".into(),
            format: FormatHint::Named("sshd".into()),
            exercise: true,
            bytes: [b"<38>", "Đăng nhập thất bại ".as_bytes(), b"\xff"].concat().into(),
        };
        vec![
            JournalEntry::Record(record.clone()),
            JournalEntry::Rejection(Rejection {
                record: RawRecord {
                    format: FormatHint::Unknown,
                    exercise: false,
                    ..record
                },
                reason: RejectReason::Truncated,
                detail: "ended after 12 of 400 bytes".to_owned(),
            }),
            JournalEntry::Loss(Loss {
                source: SourceId::new("syslog/udp"),
                noticed_at: "1969-12-31T23:59:59.5Z".parse().unwrap(),
                records: u64::MAX,
                detail: "socket buffer".to_owned(),
            }),
        ]
    }

    #[test]
    fn blocks_of_version_1_are_read_for_good() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/version-1.block");
        if std::env::var_os("WATCHPOST_WRITE_TESTDATA").is_some() {
            std::fs::write(path, block_of(&one_of_each())).unwrap();
        }
        let expected: Vec<_> = (9u64..).zip(one_of_each()).collect();
        assert_eq!(decode_block(9, 0, &std::fs::read(path).unwrap()), Ok(expected));
    }

    #[test]
    fn damaged_blocks_are_errors() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/damaged");
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            assert!(
                decode_block(1, 1, &std::fs::read(&path).unwrap()).is_err(),
                "{}",
                path.display()
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_block_gives_its_entries_with_their_numbers(
            entries in prop::collection::vec(any_entry(), 1..20),
            skip in any::<prop::sample::Index>(),
        ) {
            let block = block_of(&entries);
            let skip = skip.index(entries.len());
            let expected: Vec<_> = (70u64..).zip(entries).skip(skip).collect();
            prop_assert_eq!(decode_block(70, 70 + skip as u64, &block), Ok(expected));
        }

        #[test]
        fn every_changed_byte_is_noticed(
            entries in prop::collection::vec(any_entry(), 1..5),
            at in any::<prop::sample::Index>(),
            flip in 1u8..,
        ) {
            let mut block = block_of(&entries);
            let at = at.index(block.len());
            block[at] ^= flip;
            let whole: Vec<_> = (1u64..).zip(entries).collect();
            // Some bits of a zstd frame mean nothing; then the entries must be the right ones.
            prop_assert!(decode_block(1, 1, &block).map_or(true, |read| read == whole));
        }

        #[test]
        fn any_bytes_are_a_block_or_an_error(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode_block(1, 1, &bytes);
            if let Some(version) = bytes.first_mut() {
                *version = VERSION;
            }
            let _ = decode_block(1, 1, &bytes);
        }
    }
}
