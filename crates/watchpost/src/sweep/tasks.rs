//! Cuts the evidence into tasks that any core can take: lines and values by the thousand, event logs by the chunk.

use std::{
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use bytes::Bytes;
use compact_str::CompactString;
use model::{FormatHint, RawRecord, Seq, SourceId, Timestamp, Transport};

use normalize::HeaderFollower;

use super::{
    files::{self, Content, Evidence},
    lines, values,
};

/// Records in one task of lines or values.
const RECORDS_PER_TASK: usize = 1000;
/// Bytes of values in one task, so that a few large ones do not gather.
const VALUE_BYTES_PER_TASK: usize = 1 << 20;
/// Sizes of the parts of a Windows event log.
const EVTX_HEADER_BYTES: u64 = 4096;
const EVTX_CHUNK_BYTES: u64 = 65536;
const EVTX_CHUNKS_PER_TASK: u64 = 8;
/// Bits for the place of a record in the numbering of one task.
const PLACE_BITS: u32 = 20;

/// The file that a task comes from.
#[derive(Debug)]
pub(crate) struct Origin {
    /// Its path, as people read it.
    pub path: String,
    /// The source that its records are said to come from.
    source: SourceId,
    received_at: Timestamp,
}

/// A record's place in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// It begins at this byte of the (unpacked) file.
    Byte(u64),
    /// It has this record number.
    Record(u64),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Byte(at) => write!(f, "byte {at}"),
            Self::Record(number) => write!(f, "record {number}"),
        }
    }
}

/// What is in a task.
pub(crate) enum Payload {
    /// Records as they are, with their places.
    Records(Vec<(Place, Bytes)>, FormatHint),
    /// A Windows event log, or a run of its chunks behind its header, still to be parsed.
    Evtx(Vec<u8>),
}

/// A piece of work.
pub(crate) struct Task {
    /// Counts tasks in the order of the evidence.
    pub number: u64,
    /// Where it comes from.
    pub origin: Arc<Origin>,
    /// What is to be read.
    pub payload: Payload,
    /// What was refused on the way, in words.
    pub refused: Vec<&'static str>,
}

/// What became of a file besides its tasks.
pub(crate) enum FileEnd {
    /// It was read to its end.
    Whole,
    /// It has no known format.
    UnknownFormat,
    /// It could not be read further.
    Broken(String),
}

impl Origin {
    pub(crate) fn of(evidence: &Evidence) -> Self {
        let path = evidence.path.display().to_string();
        Self {
            source: SourceId::new(&path),
            path,
            received_at: evidence.written_at,
        }
    }

    /// The record as the pipeline takes it.
    pub(crate) fn record(&self, bytes: Bytes, transport: Transport, format: FormatHint) -> RawRecord {
        RawRecord {
            source: self.source.clone(),
            received_at: self.received_at,
            transport,
            origin: CompactString::new(&self.path),
            format,
            exercise: false,
            bytes,
        }
    }
}

/// The number of a record: tasks in order, records in order within each.
pub(crate) fn number(task: u64, index: usize) -> Seq {
    (task << PLACE_BITS) + index as u64 + 1
}

/// Cuts one file into tasks, numbered from `next` on, and hands each to `give`, which may wait; `give` says whether to go on.
pub(crate) fn cut_file(
    evidence: &Evidence,
    next: &mut u64,
    on_read: impl Fn(u64) + Send + 'static,
    give: &mut dyn FnMut(Task) -> bool,
) -> FileEnd {
    let origin = Arc::new(Origin::of(evidence));
    let mut cutter = Cutter {
        origin,
        next,
        give,
        records: Vec::new(),
        bytes: 0,
        header: HeaderFollower::default(),
        refused: Vec::new(),
    };
    match cutter.cut(&evidence.path, on_read) {
        Ok(end) => {
            cutter.send_records();
            end
        }
        Err(error) => {
            cutter.send_records();
            FileEnd::Broken(error.to_string())
        }
    }
}

struct Cutter<'a> {
    origin: Arc<Origin>,
    next: &'a mut u64,
    give: &'a mut dyn FnMut(Task) -> bool,
    records: Vec<(Place, Bytes)>,
    bytes: usize,
    /// What the file's own header says of its columns.
    header: HeaderFollower,
    refused: Vec<&'static str>,
}

impl Cutter<'_> {
    fn cut(&mut self, path: &Path, on_read: impl Fn(u64) + Send + 'static) -> io::Result<FileEnd> {
        match files::open(path, on_read)? {
            Content::Empty => Ok(FileEnd::Whole),
            Content::Unknown => Ok(FileEnd::UnknownFormat),
            Content::Evtx(file) => self.cut_evtx(file),
            Content::Lines(file) => {
                lines::cut(file, |line| {
                    if line.cut {
                        self.refused.push("line longer than 1 MiB, its beginning was read");
                    }
                    self.follow_header(&line.bytes);
                    self.add(Place::Byte(line.offset), line.bytes);
                })?;
                Ok(FileEnd::Whole)
            }
            Content::JsonValues(file) => {
                values::cut(file, |value| {
                    self.refused.extend(value.broken.map(values::Broken::in_words));
                    self.add(Place::Byte(value.offset), value.bytes.into());
                })?;
                Ok(FileEnd::Whole)
            }
        }
    }

    /// An event log is a header and chunks that are each readable by themselves, so a run of chunks behind the file's header
    /// is an event log of its own.
    fn cut_evtx(&mut self, mut file: Box<dyn Read + Send>) -> io::Result<FileEnd> {
        let mut header = Vec::new();
        file.by_ref().take(EVTX_HEADER_BYTES).read_to_end(&mut header)?;
        loop {
            let mut part = header.clone();
            let read = file
                .by_ref()
                .take(EVTX_CHUNK_BYTES * EVTX_CHUNKS_PER_TASK)
                .read_to_end(&mut part)?;
            if read == 0 || !self.send(Payload::Evtx(part)) {
                return Ok(FileEnd::Whole);
            }
        }
    }

    /// A header line ends the task before it: all records of a task have the same columns.
    fn follow_header(&mut self, line: &[u8]) {
        if line.first() == Some(&b'#') {
            self.send_records();
            self.header.observe(line);
        }
    }

    fn add(&mut self, place: Place, bytes: Bytes) {
        self.bytes += bytes.len();
        self.records.push((place, bytes));
        if self.records.len() >= RECORDS_PER_TASK || self.bytes >= VALUE_BYTES_PER_TASK {
            self.send_records();
        }
    }

    fn send_records(&mut self) {
        if !self.records.is_empty() || !self.refused.is_empty() {
            let records = std::mem::take(&mut self.records);
            self.bytes = 0;
            let hint = self.header.hint();
            self.send(Payload::Records(records, hint));
        }
    }

    fn send(&mut self, payload: Payload) -> bool {
        let number = *self.next;
        *self.next += 1;
        let refused = std::mem::take(&mut self.refused);
        (self.give)(Task {
            number,
            origin: Arc::clone(&self.origin),
            payload,
            refused,
        })
    }
}
