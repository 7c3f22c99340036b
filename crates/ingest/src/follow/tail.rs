//! One followed file: its lines from a place on, whatever rotation does to it.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::candidates::FileId;

/// Bytes read at once.
const READ_BYTES: usize = 256 * 1024;

/// Lines taken at once.
const LINES_MAX: usize = 2048;

/// The beginning of a file that tells whether it still is the same file: at most this many bytes are compared.
const HEAD_BYTES: usize = 128;

/// Bytes looked at to tell text from binary.
const PROBE_BYTES: usize = 4096;

/// How far a file was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// Where the file was first found.
    pub(crate) path: PathBuf,
    pub(crate) id: FileId,
    /// Everything before this byte is in the journal.
    pub(crate) offset: u64,
    /// Whether the line at `offset` is in the journal already, so that what is left of it is to be passed over.
    pub(crate) inside_line: bool,
    /// The first bytes of the file.
    pub(crate) head: Vec<u8>,
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Where it begins.
    pub(crate) offset: u64,
    /// Its bytes without the line feed; of an oversized one the beginning.
    pub(crate) bytes: Bytes,
    pub(crate) oversized: bool,
}

/// Lines, and where the file stands once they are kept.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    pub(crate) whole: Vec<Line>,
    offset: u64,
    inside_line: bool,
}

/// An open file.
#[derive(Debug)]
pub(crate) struct Tail {
    file: File,
    pub(crate) mark: Mark,
    line_bytes_max: usize,
    /// How long the file was at the last look.
    seen_length: u64,
    /// Looks in a row at which the file was no longer at its path and had nothing new.
    pub(crate) looks_since_gone: u32,
}

/// What a look at the file found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    /// It was emptied and began again (copytruncate); whether bytes had been seen in it that were not read.
    BeganAgain {
        unread: bool,
    },
}

impl Tail {
    /// Opens the file that a mark describes, at `path`; nothing when it is another file by now.
    pub(crate) fn open(path: &Path, mark: Mark, line_bytes_max: usize) -> io::Result<Option<Self>> {
        let file = File::open(path)?;
        if FileId::of(&file.metadata()?) != mark.id {
            return Ok(None);
        }
        let mut tail = Self {
            file,
            mark,
            line_bytes_max,
            seen_length: 0,
            looks_since_gone: 0,
        };
        // An inode is used again after its file was deleted: then the beginning differs.
        tail.look()?;
        Ok(Some(tail))
    }

    /// Whether the file is text, as far as can be told from its beginning; an empty file may become anything.
    pub(crate) fn is_text(&self) -> io::Result<Option<bool>> {
        let probe = self.read(0, PROBE_BYTES)?;
        Ok((!probe.is_empty()).then(|| !probe.contains(&0)))
    }

    /// Whether the byte before the mark is a line feed.
    pub(crate) fn ends_a_line(&self) -> io::Result<bool> {
        let before = self.mark.offset.saturating_sub(1);
        Ok(self.read(before, 1)? == b"\n")
    }

    pub(crate) fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Finds out whether the file began again, and remembers its beginning.
    pub(crate) fn look(&mut self) -> io::Result<Change> {
        let length = self.length()?;
        let head = self.read(0, HEAD_BYTES)?;
        let same = head.starts_with(&self.mark.head);
        let change = if length < self.mark.offset || !same {
            let unread = self.seen_length > self.mark.offset;
            self.mark.offset = 0;
            self.mark.inside_line = false;
            Change::BeganAgain { unread }
        } else {
            Change::None
        };
        self.mark.head = head;
        self.seen_length = length;
        Ok(change)
    }

    /// Reads the next whole lines; with `last` also one that does not end.
    pub(crate) fn lines(&self, last: bool) -> io::Result<Lines> {
        let bytes = Bytes::from(self.read(self.mark.offset, READ_BYTES.max(self.line_bytes_max + 1))?);
        let mut found = Lines {
            whole: Vec::new(),
            offset: self.mark.offset,
            inside_line: self.mark.inside_line,
        };
        let mut at = 0;
        while let Some(end) = memchr::memchr(b'\n', &bytes[at..]) {
            if found.whole.len() == LINES_MAX {
                return Ok(found);
            }
            self.take(&mut found, &bytes.slice(at..at + end));
            found.offset += 1;
            found.inside_line = false;
            at += end + 1;
        }
        let rest = bytes.slice(at..);
        if rest.len() > self.line_bytes_max || (!rest.is_empty() && (found.inside_line || last)) {
            self.take(&mut found, &rest);
            found.inside_line = true;
        }
        Ok(found)
    }

    /// Adds a line, whole or begun, and stands behind it.
    fn take(&self, found: &mut Lines, line: &Bytes) {
        let offset = found.offset;
        found.offset += line.len() as u64;
        if found.inside_line {
            return;
        }
        let end = line.len() - usize::from(line.last() == Some(&b'\r'));
        let oversized = end > self.line_bytes_max;
        let bytes = line.slice(..end.min(self.line_bytes_max));
        if !bytes.is_empty() {
            found.whole.push(Line {
                offset,
                bytes,
                oversized,
            });
        }
    }

    /// Stands where these lines end: they are in the journal.
    pub(crate) fn advance(&mut self, lines: &Lines) {
        self.mark.offset = lines.offset;
        self.mark.inside_line = lines.inside_line;
    }

    /// Whether these lines would move the file on.
    pub(crate) fn moves(&self, lines: &Lines) -> bool {
        (self.mark.offset, self.mark.inside_line) != (lines.offset, lines.inside_line)
    }

    fn read(&self, offset: u64, bytes_max: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; bytes_max];
        let mut filled = 0;
        while filled < bytes_max {
            match self.file.read_at(&mut bytes[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }
}
