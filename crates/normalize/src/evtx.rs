//! Windows event log files (EVTX) as records: each is rendered as the nested JSON that the `windows` source reads. What
//! cannot be read is given as a rejection with its reason, and the rest goes on.

use std::{collections::VecDeque, error::Error, io::Read, sync::Arc};

use bytes::Bytes;
use evtx::{EvtxChunkData, ParserSettings};
use model::RejectReason;

const FILE_MAGIC: &[u8] = b"ElfFile\0";
const CHUNK_MAGIC: &[u8] = b"ElfChnk\0";
const FILE_HEADER_BYTES: usize = 4096;
const CHUNK_BYTES: usize = 65536;

/// One record of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvtxRecord {
    /// Its number in the log.
    pub record_id: u64,
    /// The record as JSON: what becomes the bytes of a [`model::RawRecord`].
    pub json: Bytes,
}

/// A part of the file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvtxRejection {
    /// Why.
    pub reason: RejectReason,
    /// Where, and what exactly was wrong.
    pub detail: String,
    /// The bytes of the chunk, when a whole chunk is lost; empty for a single record.
    pub bytes: Bytes,
}

/// The records of a file, in the order in which they lie in it. Holds one chunk (64 KiB) with its records at a time.
pub struct EvtxRecords<R> {
    reader: R,
    settings: Arc<ParserSettings>,
    ready: VecDeque<Result<EvtxRecord, EvtxRejection>>,
    next_chunk: u64,
    is_ended: bool,
}

/// Reads the records of an EVTX file. A file that is none gives one rejection.
pub fn evtx_records<R: Read>(reader: R) -> EvtxRecords<R> {
    let mut records = EvtxRecords {
        reader,
        settings: Arc::new(ParserSettings::new()),
        ready: VecDeque::new(),
        next_chunk: 0,
        is_ended: false,
    };
    if let Err(rejection) = records.read_header() {
        records.ready.push_back(Err(rejection));
        records.is_ended = true;
    }
    records
}

impl<R: Read> Iterator for EvtxRecords<R> {
    type Item = Result<EvtxRecord, EvtxRejection>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() && !self.is_ended {
            self.read_chunk();
        }
        self.ready.pop_front()
    }
}

impl<R: Read> EvtxRecords<R> {
    fn read_header(&mut self) -> Result<(), EvtxRejection> {
        let mut header = Vec::new();
        self.fill(&mut header, FILE_HEADER_BYTES)?;
        if !header.starts_with(FILE_MAGIC) {
            return Err(rejection(RejectReason::NotParsable, "not an EVTX file", header));
        }
        if header.len() < FILE_HEADER_BYTES {
            return Err(rejection(
                RejectReason::Truncated,
                "the file ends inside its header",
                header,
            ));
        }
        Ok(())
    }

    fn read_chunk(&mut self) {
        let number = self.next_chunk;
        self.next_chunk += 1;
        let mut bytes = Vec::new();
        if let Err(rejection) = self.fill(&mut bytes, CHUNK_BYTES) {
            self.ready.push_back(Err(rejection));
            self.is_ended = true;
            return;
        }
        let is_empty = bytes.iter().all(|byte| *byte == 0);
        if bytes.len() < CHUNK_BYTES {
            self.is_ended = true;
            if !is_empty {
                let detail = format!("the file ends inside chunk {number}");
                self.ready
                    .push_back(Err(rejection(RejectReason::Truncated, &detail, bytes)));
            }
            return;
        }
        // Files that were not closed cleanly have empty chunks, also between others.
        if is_empty {
            return;
        }
        if let Err(rejection) = self.parse_chunk(number, bytes) {
            self.ready.push_back(Err(rejection));
        }
    }

    /// Renders the records of a chunk; fails when the chunk as a whole cannot be read.
    fn parse_chunk(&mut self, number: u64, bytes: Vec<u8>) -> Result<(), EvtxRejection> {
        let failed = |error: &dyn Error| format!("chunk {number}: {}", with_causes(error));
        // Checked here, because the parser does not give the bytes of what it refuses back.
        if !bytes.starts_with(CHUNK_MAGIC) {
            let detail = format!("chunk {number}: it does not begin as chunks do");
            return Err(rejection(RejectReason::NotParsable, &detail, bytes));
        }
        let data = EvtxChunkData::new(bytes, false);
        let mut data = data.map_err(|error| rejection(RejectReason::NotParsable, &failed(&error), Vec::new()))?;
        let refused = match data.parse(Arc::clone(&self.settings)) {
            Ok(mut chunk) => {
                for record in chunk.iter() {
                    self.ready.push_back(rendered(record, &failed));
                }
                return Ok(());
            }
            Err(error) => failed(&error),
        };
        Err(rejection(RejectReason::NotParsable, &refused, data.data))
    }

    /// Reads up to `length` bytes; less only at the end of the file.
    fn fill(&mut self, into: &mut Vec<u8>, length: usize) -> Result<(), EvtxRejection> {
        into.reserve_exact(length);
        let mut part = self.reader.by_ref().take(length as u64);
        match part.read_to_end(into) {
            Ok(_) => Ok(()),
            Err(error) => {
                let detail = format!("chunk {}: {error}", self.next_chunk);
                Err(rejection(RejectReason::Truncated, &detail, std::mem::take(into)))
            }
        }
    }
}

fn rendered(
    record: Result<evtx::EvtxRecord<'_>, evtx::err::EvtxError>,
    failed: &dyn Fn(&dyn Error) -> String,
) -> Result<EvtxRecord, EvtxRejection> {
    match record.and_then(evtx::EvtxRecord::into_json_bytes) {
        Ok(record) => Ok(EvtxRecord {
            record_id: record.event_record_id,
            json: Bytes::from(record.data),
        }),
        Err(error) => Err(rejection(RejectReason::NotParsable, &failed(&error), Vec::new())),
    }
}

fn rejection(reason: RejectReason, detail: &str, bytes: Vec<u8>) -> EvtxRejection {
    EvtxRejection {
        reason,
        detail: detail.to_owned(),
        bytes: Bytes::from(bytes),
    }
}

/// An error with what it came from, in one line.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text.lines().collect::<Vec<_>>().join(" ")
}
