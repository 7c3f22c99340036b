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

/// What was found to sweep.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The files, in order of their paths.
    pub files: Vec<Evidence>,
    /// Folders and files that could not be looked into, with the reason.
    pub unread: Vec<(String, String)>,
}

/// All files below the paths; links are followed only when named. What cannot be looked into below a folder is noted, and the
/// rest is swept.
///
/// # Errors
/// When a path that was named does not exist or cannot be read.
pub(crate) fn find(paths: &[PathBuf]) -> Result<Found> {
    let mut found = Found::default();
    for path in paths {
        let about = fs::metadata(path).with_context(|| format!("{} cannot be read", path.display()))?;
        if about.is_dir() {
            fs::read_dir(path).with_context(|| format!("{} cannot be listed", path.display()))?;
            walk(path, &mut found);
        } else {
            found.files.push(evidence(path.clone(), &about));
        }
    }
    found.files.sort_by(|a, b| a.path.cmp(&b.path));
    found.files.dedup_by(|a, b| a.path == b.path);
    Ok(found)
}

fn walk(folder: &Path, found: &mut Found) {
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                found.unread.push((folder.display().to_string(), error.to_string()));
                continue;
            }
        };
        for entry in entries {
            match entry.and_then(|entry| Ok((entry.path(), entry.file_type()?, entry.metadata()?))) {
                Ok((path, kind, _)) if kind.is_dir() => folders.push(path),
                Ok((path, kind, about)) if kind.is_file() => found.files.push(evidence(path, &about)),
                // Links, sockets and devices hold no evidence of their own.
                Ok(_) => {}
                Err(error) => found.unread.push((folder.display().to_string(), error.to_string())),
            }
        }
    }
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
    let mut plain = as_utf8(unpacked(BufReader::with_capacity(BUFFER_BYTES, raw))?)?;
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
        let plain = Bounded::new(flate2::bufread::MultiGzDecoder::new(packed), UNPACKED_BYTES_MAX);
        return Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, plain)));
    }
    if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let plain = Bounded::new(zstd::stream::read::Decoder::with_buffer(packed)?, UNPACKED_BYTES_MAX);
        return Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, plain)));
    }
    Ok(Box::new(packed))
}

/// What Windows programs write as text by default, UTF-16 with a byte order mark, as UTF-8; anything else as it is.
fn as_utf8(mut plain: Box<dyn BufRead + Send>) -> io::Result<Box<dyn BufRead + Send>> {
    let big_endian = match plain.fill_buf()? {
        [0xff, 0xfe, ..] => false,
        [0xfe, 0xff, ..] => true,
        _ => return Ok(plain),
    };
    plain.consume(2);
    let text = Utf16::new(plain, big_endian);
    Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, text)))
}

/// Text has no NUL bytes.
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

/// UTF-16 read as UTF-8; what is no character becomes U+FFFD.
struct Utf16<R> {
    inner: R,
    big_endian: bool,
    /// Bytes that are not a whole character yet.
    waiting: Vec<u8>,
    /// Text that was not taken yet, and how much of it was.
    text: String,
    taken: usize,
}

impl<R: Read> Utf16<R> {
    fn new(inner: R, big_endian: bool) -> Self {
        Self {
            inner,
            big_endian,
            waiting: Vec::new(),
            text: String::new(),
            taken: 0,
        }
    }

    /// Reads on; `false` at the end.
    fn more(&mut self) -> io::Result<bool> {
        let mut block = [0; 16 << 10];
        let count = self.inner.read(&mut block)?;
        self.waiting.extend_from_slice(&block[..count]);
        let whole = if count == 0 { self.waiting.len() } else { self.whole() };
        let units = self.waiting[..whole]
            .chunks(2)
            .map(|pair| match (pair, self.big_endian) {
                ([one, other], true) => u16::from_be_bytes([*one, *other]),
                ([one, other], false) => u16::from_le_bytes([*one, *other]),
                // Half a unit at the end of the file is no character, as a lone surrogate is not.
                _ => 0xd800,
            });
        self.text = char::decode_utf16(units)
            .map(|read| read.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        self.taken = 0;
        self.waiting.drain(..whole);
        Ok(count > 0 || !self.text.is_empty())
    }

    /// How many of the waiting bytes are whole characters: the first half of a pair waits for the second.
    fn whole(&self) -> usize {
        let even = self.waiting.len() & !1;
        let high = if self.big_endian { 2 } else { 1 };
        let split = even >= 2 && matches!(self.waiting[even - high], 0xd8..=0xdb);
        even - if split { 2 } else { 0 }
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.text.len() {
            if !self.more()? {
                return Ok(0);
            }
        }
        let rest = &self.text.as_bytes()[self.taken..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.taken += count;
        Ok(count)
    }
}

/// Reads so many bytes; that there are more is an error, never an early end.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Bounded<R> {
    fn new(inner: R, most: u64) -> Self {
        Self { inner, left: most }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if room == 0 && !buffer.is_empty() {
            return match self.inner.read(&mut [0])? {
                0 => Ok(0),
                _ => Err(io::Error::other("it unpacks to more than may be read of one file")),
            };
        }
        let count = self.inner.read(&mut buffer[..room])?;
        self.left -= count as u64;
        Ok(count)
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
    fn utf_16_is_read_as_utf_8_wherever_it_is_cut() {
        /// Gives a few bytes at a time.
        struct Dripping<'a>(&'a [u8], usize);
        impl Read for Dripping<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let count = self.1.min(self.0.len()).min(buffer.len());
                buffer[..count].copy_from_slice(&self.0[..count]);
                self.0 = &self.0[count..];
                Ok(count)
            }
        }
        let text = "{\"Message\": \"lừa đảo 🐟\"}\r\n";
        for big_endian in [false, true] {
            let bytes: Vec<u8> = text
                .encode_utf16()
                .flat_map(|unit| {
                    if big_endian {
                        unit.to_be_bytes()
                    } else {
                        unit.to_le_bytes()
                    }
                })
                .collect();
            for step in [1, 2, 3, 5, 64] {
                let mut read = String::new();
                Utf16::new(Dripping(&bytes, step), big_endian)
                    .read_to_string(&mut read)
                    .unwrap();
                assert_eq!(read, text, "{step}");
            }
        }
        let mut odd = String::new();
        Utf16::new(&b"a\0\x3d\xd8b"[..], false)
            .read_to_string(&mut odd)
            .unwrap();
        assert_eq!(odd, "a\u{fffd}\u{fffd}");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_as_text(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200), big_endian: bool) {
            let mut read = String::new();
            Utf16::new(&bytes[..], big_endian).read_to_string(&mut read).unwrap();
        }
    }

    #[test]
    fn what_unpacks_to_too_much_is_read_to_the_limit_and_said() {
        for (bytes, whole) in [(4, true), (5, false)] {
            let mut read = Vec::new();
            let end = Bounded::new(io::repeat(7).take(bytes), 4).read_to_end(&mut read);
            assert_eq!((end.is_ok(), read.len()), (whole, 4), "{bytes}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn names_of_any_bytes_are_swept_and_links_are_not_followed() {
        use std::os::unix::{ffi::OsStrExt, fs::symlink};
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join(std::ffi::OsStr::from_bytes(b"l\xe1\xbb-\xff.log"));
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(&odd, b"x\n").unwrap();
        fs::write(folder.path().join("sub/a.log"), b"x\n").unwrap();
        symlink(folder.path(), folder.path().join("sub/loop")).unwrap();
        let found = find(&[folder.path().to_path_buf(), odd.clone()]).unwrap();
        assert_eq!(found.files.len(), 2, "named twice, swept once");
        assert!(found.files.iter().any(|file| file.path == odd));
        assert!(found.unread.is_empty());
        assert!(
            find(&[folder.path().join("none")]).is_err(),
            "what was named must be there"
        );
    }

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
