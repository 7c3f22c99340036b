//! Finds the files of a sweep and opens them, unpacked where they are packed.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use model::Timestamp;

/// Most that one packed file may unpack to: beyond it the rest is left unread and the report says so.
pub(crate) const UNPACKED_BYTES_MAX: u64 = 64 << 30;
const BUFFER_BYTES: usize = 256 << 10;
const EVTX_MAGIC: &[u8] = b"ElfFile\0";

/// A file to sweep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// Where it is.
    pub path: PathBuf,
    /// Its size as it lies there, in bytes.
    pub bytes: u64,
    /// When it was last written: stands in for the time of receipt.
    pub written_at: Timestamp,
}

/// What a file holds, by its first bytes.
pub(crate) enum Content {
    /// A Windows event log.
    Evtx(Box<dyn Read + Send>),
    /// JSON values one after the other, or in one array, not one a line.
    JsonValues(Box<dyn BufRead + Send>),
    /// Lines of text, NDJSON among them.
    Lines(Box<dyn BufRead + Send>),
    /// Neither text nor a known format.
    Unknown,
    /// Nothing.
    Empty,
}

/// All files below the paths, in order; links are followed only when named.
///
/// # Errors
/// When a path that was named does not exist or cannot be listed.
pub(crate) fn find(paths: &[PathBuf]) -> Result<Vec<Evidence>> {
    let mut found = Vec::new();
    for path in paths {
        let about = fs::metadata(path).with_context(|| format!("{} cannot be read", path.display()))?;
        if about.is_dir() {
            walk(path, &mut found)?;
        } else {
            found.push(evidence(path.clone(), &about));
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found.dedup_by(|a, b| a.path == b.path);
    Ok(found)
}

fn walk(folder: &Path, found: &mut Vec<Evidence>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("{} cannot be listed", folder.display()))? {
        let entry = entry.with_context(|| format!("{} cannot be listed", folder.display()))?;
        let kind = entry
            .file_type()
            .with_context(|| format!("{} cannot be read", entry.path().display()))?;
        if kind.is_dir() {
            walk(&entry.path(), found)?;
        } else if kind.is_file() {
            let about = entry
                .metadata()
                .with_context(|| format!("{} cannot be read", entry.path().display()))?;
            found.push(evidence(entry.path(), &about));
        }
    }
    Ok(())
}

fn evidence(path: PathBuf, about: &fs::Metadata) -> Evidence {
    let written = about.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
    Evidence {
        path,
        bytes: about.len(),
        written_at: written.unwrap_or(Timestamp::UNIX_EPOCH),
    }
}

/// Opens a file and tells what it holds. `on_read` is told of every byte taken from the disk, for the progress bar.
///
/// # Errors
/// When the file cannot be opened or read, or is packed and broken in its first bytes.
pub(crate) fn open(path: &Path, on_read: impl Fn(u64) + Send + 'static) -> io::Result<Content> {
    let raw = Counted {
        inner: File::open(path)?,
        on_read,
    };
    let mut plain = unpacked(BufReader::with_capacity(BUFFER_BYTES, raw))?;
    let head = plain.fill_buf()?;
    Ok(match head {
        [] => Content::Empty,
        _ if head.starts_with(EVTX_MAGIC) => Content::Evtx(Box::new(plain)),
        _ if is_binary(head) => Content::Unknown,
        _ if holds_json_values(head) => Content::JsonValues(plain),
        _ => Content::Lines(plain),
    })
}

fn unpacked(mut packed: BufReader<impl Read + Send + 'static>) -> io::Result<Box<dyn BufRead + Send>> {
    let head = packed.fill_buf()?;
    if head.starts_with(&[0x1f, 0x8b]) {
        let plain = flate2::bufread::MultiGzDecoder::new(packed).take(UNPACKED_BYTES_MAX);
        return Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, plain)));
    }
    if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let plain = zstd::stream::read::Decoder::with_buffer(packed)?.take(UNPACKED_BYTES_MAX);
        return Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, plain)));
    }
    Ok(Box::new(packed))
}

/// Text has no NUL bytes; UTF-16 text with a byte order mark does, and is not read here either.
fn is_binary(head: &[u8]) -> bool {
    head.iter().take(4096).any(|byte| *byte == 0)
}

/// Whether JSON in this file spans lines: it begins like JSON and its first line is not a value by itself.
fn holds_json_values(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    match text.split_first() {
        Some((b'[', rest)) => rest.trim_ascii_start().first() == Some(&b'{'),
        Some((b'{', _)) if text.starts_with(b"{\"Records\":[") => true,
        Some((b'{', _)) => text
            .iter()
            .position(|byte| *byte == b'\n')
            .is_some_and(|end| serde_json::from_slice::<serde::de::IgnoredAny>(&text[..end]).is_err()),
        _ => false,
    }
}

struct Counted<R, F> {
    inner: R,
    on_read: F,
}

impl<R: Read, F: Fn(u64)> Read for Counted<R, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        (self.on_read)(count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_that_spans_lines_is_told_from_json_lines() {
        let cases: [(&[u8], bool); 8] = [
            (b"{\"a\":1}\n{\"a\":2}\n", false),
            (b"{\n  \"a\": 1\n}\n", true),
            (b"[\n{\"a\":1}]", true),
            (b"[{\"a\":1},{\"a\":2}]", true),
            (b"{\"Records\":[{\"a\":1}]}", true),
            (b"\xef\xbb\xbf{\"a\":1}", false),
            (b"[Thu Apr 30 02:10:00 2024] error\n", false),
            (b"Apr 30 02:10:00 host sshd: x\n", false),
        ];
        for (head, expected) in cases {
            assert_eq!(holds_json_values(head), expected, "{}", String::from_utf8_lossy(head));
        }
    }
}
