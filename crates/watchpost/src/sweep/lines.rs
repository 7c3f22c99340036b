//! Cuts text into lines without copying each: blocks are read whole and lines are slices of them.

use std::io::{self, BufRead};

use bytes::{Bytes, BytesMut};

/// Longest line in bytes; a longer one is given in its beginning, marked as cut.
pub(crate) const LINE_BYTES_MAX: usize = 1 << 20;
const BLOCK_BYTES: usize = 256 << 10;

/// One line, without its line ending.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Where it begins, in bytes from the beginning of the (unpacked) file.
    pub offset: u64,
    /// The line, or its first [`LINE_BYTES_MAX`] bytes.
    pub bytes: Bytes,
    /// Whether the end is missing.
    pub cut: bool,
}

/// Hands each line that is not blank to `each`.
///
/// # Errors
/// When the file cannot be read further; the lines before have been handed over.
pub(crate) fn cut(mut file: impl BufRead, mut each: impl FnMut(Line)) -> io::Result<()> {
    let mut block = BytesMut::with_capacity(2 * BLOCK_BYTES);
    let mut block_offset = 0;
    let mut skipping = false;
    loop {
        let chunk = file.fill_buf()?;
        if chunk.is_empty() {
            break;
        }
        let used = chunk.len();
        let mut rest = chunk;
        if skipping {
            let end = memchr::memchr(b'\n', chunk).map_or(chunk.len(), |at| at + 1);
            skipping = end == chunk.len() && chunk.last() != Some(&b'\n');
            block_offset += end as u64;
            rest = &chunk[end..];
        }
        block.extend_from_slice(rest);
        file.consume(used);
        if block.len() >= BLOCK_BYTES {
            give_whole_lines(&mut block, &mut block_offset, &mut each);
        }
        if block.len() > LINE_BYTES_MAX {
            let line = block.split().freeze();
            each(Line {
                offset: block_offset,
                bytes: line.slice(..LINE_BYTES_MAX),
                cut: true,
            });
            block_offset += line.len() as u64;
            skipping = true;
        }
    }
    give_whole_lines(&mut block, &mut block_offset, &mut each);
    give(block_offset, &block.freeze(), &mut each);
    Ok(())
}

/// Hands over everything up to the last line ending and keeps the rest.
fn give_whole_lines(block: &mut BytesMut, block_offset: &mut u64, each: &mut impl FnMut(Line)) {
    let Some(end) = memchr::memrchr(b'\n', block) else {
        return;
    };
    let whole = block.split_to(end + 1).freeze();
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', &whole) {
        give(*block_offset + start as u64, &whole.slice(start..end), each);
        start = end + 1;
    }
    *block_offset += whole.len() as u64;
}

fn give(offset: u64, line: &Bytes, each: &mut impl FnMut(Line)) {
    let kept = line.strip_suffix(b"\r").map_or(line.len(), <[u8]>::len);
    if !line.trim_ascii().is_empty() {
        let cut = kept > LINE_BYTES_MAX;
        each(Line {
            offset,
            bytes: line.slice(..kept.min(LINE_BYTES_MAX)),
            cut,
        });
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn lines(text: &[u8], buffer: usize) -> Vec<Line> {
        let mut found = Vec::new();
        cut(BufReader::with_capacity(buffer, text), |line| found.push(line)).unwrap();
        found
    }

    #[test]
    fn lines_know_where_they_begin() {
        let found = lines(b"one\r\n\n  \nt\xffo\nlast", 3);
        let seen: Vec<(u64, &[u8])> = found.iter().map(|line| (line.offset, line.bytes.as_ref())).collect();
        assert_eq!(seen, [(0, b"one".as_slice()), (9, b"t\xffo"), (13, b"last")]);
    }

    #[test]
    fn an_endless_line_is_cut_and_the_next_one_is_whole() {
        let text = [vec![b'x'; 3 * LINE_BYTES_MAX], b"\nnext\n".to_vec()].concat();
        let found = lines(&text, BLOCK_BYTES);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].bytes.len(), found[0].cut), (LINE_BYTES_MAX, true));
        assert_eq!(
            (found[1].bytes.as_ref(), found[1].offset),
            (b"next".as_slice(), text.len() as u64 - 5)
        );
    }

    proptest::proptest! {
        #[test]
        fn lines_are_those_of_the_text_whatever_the_buffer(text in "[ab\r\n ]{0,60}", buffer in 1usize..20) {
            let expected: Vec<&[u8]> = text.as_bytes().split(|byte| *byte == b'\n')
                .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
                .filter(|line| !line.trim_ascii().is_empty()).collect();
            let found = lines(text.as_bytes(), buffer);
            proptest::prop_assert_eq!(found.iter().map(|line| line.bytes.as_ref()).collect::<Vec<_>>(), expected);
        }
    }
}
