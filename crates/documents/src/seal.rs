//! The seal of a file: digests of its blocks, written behind its end where readers of its format do not look. It names the
//! block that was altered. Whoever alters a file on purpose can seal it anew: what holds then is the ledger's digest.

use serde::{Deserialize, Serialize};

use crate::sha256_hex;

/// The beginning of the seal's line in a PDF, and of the comment of a ZIP archive.
const MARK: &[u8] = b"%WATCHPOST-SEAL-1 ";
/// Most blocks: readers look for the end of a PDF in its last 1,024 bytes.
const BLOCKS_MAX: usize = 24;
/// Hexadecimal digits of a block's digest.
const DIGITS: usize = 16;
/// Longest seal in bytes.
const SEAL_BYTES_MAX: usize = 1_000;

/// What the seal says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seal {
    /// Bytes of the sealed file.
    length: usize,
    /// Bytes of a block.
    block: usize,
    /// SHA-256 of each block, its first digits.
    blocks: Vec<String>,
}

/// What a seal shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sealed {
    /// There is none.
    Not,
    /// Every byte is as it was sealed.
    Whole,
    /// Bytes in this range are not.
    Altered(std::ops::Range<usize>),
}

/// Seals a PDF.
#[must_use]
pub fn seal_pdf(mut pdf: Vec<u8>) -> Vec<u8> {
    if pdf.last() != Some(&b'\n') {
        pdf.push(b'\n');
    }
    let seal = seal_of(&pdf);
    pdf.extend(seal);
    pdf
}

/// Seals a ZIP archive that has no comment.
///
/// # Panics
/// When the bytes do not end as such an archive does.
#[must_use]
pub fn seal_zip(mut zip: Vec<u8>) -> Vec<u8> {
    let end = zip.len().checked_sub(22).expect("an archive has an end record");
    assert_eq!(&zip[end..end + 4], b"PK\x05\x06", "the end record is the last");
    // The length of the comment is sealed too, so it is set before; the length of a seal depends on the file's length only.
    let length = u16::try_from(seal_of(&zip).len()).expect("a seal is short");
    let comment = zip.len() - 2;
    zip[comment..].copy_from_slice(&length.to_le_bytes());
    let seal = seal_of(&zip);
    zip.extend(seal);
    zip
}

fn seal_of(bytes: &[u8]) -> Vec<u8> {
    let block = bytes.len().div_ceil(BLOCKS_MAX).next_multiple_of(1024).max(1024);
    let seal = Seal {
        length: bytes.len(),
        block,
        blocks: bytes.chunks(block).map(digest).collect(),
    };
    let mut line = MARK.to_vec();
    line.extend(serde_json::to_vec(&seal).expect("a seal is plain data"));
    line.push(b'\n');
    line
}

fn digest(bytes: &[u8]) -> String {
    let mut digest = sha256_hex(bytes);
    digest.truncate(DIGITS);
    digest
}

/// Looks for a seal at the end of a file and compares.
pub(crate) fn check(bytes: &[u8]) -> Sealed {
    let tail = bytes.len().saturating_sub(SEAL_BYTES_MAX);
    let Some(at) = bytes[tail..]
        .windows(MARK.len())
        .rposition(|window| window == MARK)
        .map(|at| tail + at)
    else {
        return Sealed::Not;
    };
    let whole = bytes.len();
    let Some(seal) = bytes[at + MARK.len()..]
        .strip_suffix(b"\n")
        .and_then(|text| serde_json::from_slice::<Seal>(text).ok())
    else {
        return Sealed::Altered(at..whole);
    };
    let expected = bytes[..at].chunks(seal.block.max(1)).count();
    if seal.length != at || seal.block == 0 || seal.blocks.len() != expected {
        return Sealed::Altered(0..whole);
    }
    let broken = bytes[..at]
        .chunks(seal.block)
        .zip(&seal.blocks)
        .position(|(block, known)| digest(block) != *known);
    match broken {
        Some(nth) => Sealed::Altered(nth * seal.block..((nth + 1) * seal.block).min(at)),
        None => Sealed::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_byte_is_named_by_its_block() {
        let file = seal_pdf((0..9_000_u32).map(|n| (n % 251) as u8).collect());
        assert_eq!(check(&file), Sealed::Whole);
        for at in 0..file.len() {
            let mut flipped = file.clone();
            flipped[at] ^= 1;
            match check(&flipped) {
                Sealed::Altered(range) => assert!(range.contains(&at) || at >= 9_000, "{at} not in {range:?}"),
                Sealed::Not => assert!(at >= 9_000, "{at}"),
                Sealed::Whole => panic!("byte {at} was flipped and the seal holds"),
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_checked(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..3_000)) {
            let _ = check(&bytes);
            let mut marked = bytes.clone();
            marked.extend_from_slice(MARK);
            marked.extend_from_slice(&bytes[..bytes.len().min(40)]);
            let _ = check(&marked);
        }
    }
}
