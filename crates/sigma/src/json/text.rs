//! Where a JSON text ends: a block of bytes at a time while it is short, by a search beyond.

use memchr::memchr;
use wide::u8x16;

/// Most names and values end within a block of so many bytes.
const BLOCK_BYTES: usize = 32;

/// Finds the closing quote of a text that begins at `start`; returns its place and whether the text is known to have no escapes.
#[inline]
pub(super) fn end_of_text(bytes: &[u8], start: usize) -> Option<(usize, bool)> {
    let mut from = start;
    if let Some(block) = bytes.get(start..).and_then(|rest| rest.first_chunk()) {
        let (quotes, escapes) = marks(block);
        if quotes != 0 {
            let quote = start + quotes.trailing_zeros() as usize;
            let is_plain = quotes.trailing_zeros() < escapes.trailing_zeros();
            if is_plain || bytes[quote - 1] != b'\\' {
                return Some((quote, is_plain));
            }
        } else {
            from = start + BLOCK_BYTES;
        }
    }
    end_by_search(bytes, start, from)
}

/// Marks the quotes and the backslashes of a block by bits, the first byte lowest.
#[inline]
fn marks(block: &[u8; BLOCK_BYTES]) -> (u32, u32) {
    let (low, high) = block.split_at(BLOCK_BYTES / 2);
    let vector = |half: &[u8]| u8x16::from(half.first_chunk().map_or([0; 16], |half| *half));
    let (low, high) = (vector(low), vector(high));
    let marks = |byte: u8| {
        let byte = u8x16::splat(byte);
        low.simd_eq(byte).to_bitmask() | high.simd_eq(byte).to_bitmask() << 16
    };
    (marks(b'"'), marks(b'\\'))
}

/// Looks for the closing quote from `from` on; what lies between it and `start` has none.
fn end_by_search(bytes: &[u8], start: usize, mut from: usize) -> Option<(usize, bool)> {
    loop {
        let quote = from + memchr(b'"', bytes.get(from..)?)?;
        let before = &bytes[start..quote];
        let escapes = before.iter().rev().take_while(|byte| **byte == b'\\').count();
        if escapes % 2 == 0 {
            return Some((quote, false));
        }
        from = quote + 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Byte by byte.
    fn naive(bytes: &[u8], start: usize) -> Option<usize> {
        let mut at = start;
        while at < bytes.len() {
            match bytes[at] {
                b'"' => return Some(at),
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
        None
    }

    proptest! {
        #[test]
        fn the_end_is_where_reading_byte_by_byte_finds_it(text in r#"[a\\]{0,40}[a"\\]{0,60}"#, start in 0_usize..4) {
            let bytes = [b"\"\"\"\"", text.as_bytes()].concat();
            let found = end_of_text(&bytes, start + 1);
            prop_assert_eq!(found.map(|(end, _)| end), naive(&bytes, start + 1));
            if let Some((end, true)) = found {
                prop_assert!(!bytes[start + 1..end].contains(&b'\\'));
            }
        }
    }
}
