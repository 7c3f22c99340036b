//! One followed file: its lines from a place on, whatever rotation does to it.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use model::FormatHint;
use serde::{Deserialize, Serialize};

use super::{ColumnHeader, NewHeader, candidates::FileId};

/// Bytes read at once.
const READ_BYTES: usize = 256 * 1024;

/// Lines taken at once.
const LINES_MAX: usize = 2048;

/// The beginning of a file that tells whether it still is the same file: at most this many bytes are compared.
const HEAD_BYTES: usize = 128;

/// Bytes looked at to tell text from binary.
const PROBE_BYTES: usize = 4096;

/// Bytes at the beginning of a file, and before the place where reading goes on, in which its header is looked for. Programs that write
/// a header anew at each start (IIS) write it into the same file; only in the middle of a very long one is it not seen.
const HEADER_BEGINNING_BYTES: u64 = 1024 * 1024;
const HEADER_RECENT_BYTES: u64 = 256 * 1024 * 1024;

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
    /// What the file's own header says of the format.
    pub(crate) hint: FormatHint,
}

/// Lines, and where the file stands once they are kept.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    pub(crate) whole: Vec<Line>,
    offset: u64,
    inside_line: bool,
    /// The header behind these lines, when there is one among them.
    header: Option<Box<dyn ColumnHeader>>,
}

/// An open file.
#[derive(Debug)]
pub(crate) struct Tail {
    file: File,
    pub(crate) mark: Mark,
    line_bytes_max: usize,
    new_header: NewHeader,
    /// The header at the mark.
    header: Box<dyn ColumnHeader>,
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
    pub(crate) fn open(
        path: &Path,
        mark: Mark,
        line_bytes_max: usize,
        new_header: NewHeader,
    ) -> io::Result<Option<Self>> {
        let file = File::open(path)?;
        if FileId::of(&file.metadata()?) != mark.id {
            return Ok(None);
        }
        let mut tail = Self {
            file,
            mark,
            line_bytes_max,
            new_header,
            header: new_header(),
            seen_length: 0,
            looks_since_gone: 0,
        };
        // An inode is used again after its file was deleted: then the beginning differs.
        tail.look()?;
        tail.find_header()?;
        Ok(Some(tail))
    }

    /// Stands at the end of what is there now.
    pub(crate) fn go_to_end(&mut self) -> io::Result<()> {
        self.mark.offset = self.length()?;
        // The last line may be half written: what is left of it is not a line.
        self.mark.inside_line = self.mark.offset > 0 && !self.ends_a_line()?;
        self.find_header()
    }

    /// Reads the header lines before the mark anew. Only files that begin with one are looked through.
    fn find_header(&mut self) -> io::Result<()> {
        self.header = (self.new_header)();
        let end = self.mark.offset;
        if end == 0 || self.read(0, 1)? != b"#" {
            return Ok(());
        }
        let recent = end.saturating_sub(HEADER_RECENT_BYTES);
        if recent <= HEADER_BEGINNING_BYTES {
            return self.find_header_within(0, end);
        }
        self.find_header_within(0, HEADER_BEGINNING_BYTES)?;
        self.find_header_within(recent, end)
    }

    fn find_header_within(&mut self, from: u64, to: u64) -> io::Result<()> {
        let mut at = from;
        let mut inside_line = from > 0;
        while at < to {
            let left = usize::try_from(to - at).unwrap_or(usize::MAX);
            let bytes = self.read(at, READ_BYTES.min(left))?;
            let end = memchr::memrchr(b'\n', &bytes).map_or(bytes.len(), |end| end + 1);
            if end == 0 {
                break;
            }
            let mut begin = 0;
            let ends = memchr::memchr_iter(b'\n', &bytes[..end]).map(|end| end + 1);
            for end in ends.chain([end]).filter(|end| *end > 0) {
                let line = &bytes[begin..end];
                if !inside_line && line.first() == Some(&b'#') {
                    self.header.observe(line);
                }
                inside_line = line.last().map_or(inside_line, |last| *last != b'\n');
                begin = end;
            }
            at += end as u64;
        }
        Ok(())
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
            self.header = (self.new_header)();
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
            header: None,
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
        if bytes.is_empty() {
            return;
        }
        if bytes[0] == b'#' && !oversized {
            found
                .header
                .get_or_insert_with(|| self.header.duplicate())
                .observe(&bytes);
        }
        let hint = found.header.as_ref().unwrap_or(&self.header).hint();
        found.whole.push(Line {
            offset,
            bytes,
            oversized,
            hint,
        });
    }

    /// Stands where these lines end: they are in the journal.
    pub(crate) fn advance(&mut self, lines: &Lines) {
        self.mark.offset = lines.offset;
        self.mark.inside_line = lines.inside_line;
        if let Some(header) = &lines.header {
            self.header = header.duplicate();
        }
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
