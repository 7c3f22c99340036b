//! Where the bytes of a Parquet file come from, and what is known of a file once its footer was read.

use std::{
    collections::{HashMap, VecDeque},
    fs::File,
    io::{self, Read},
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use arrow_schema::SchemaRef;
use bytes::Bytes;
use parquet::{
    arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions},
    errors::{ParquetError, Result},
    file::{
        metadata::{PageIndexPolicy, ParquetStatisticsPolicy},
        reader::{ChunkReader, Length},
    },
};

use crate::text::TextPlace;

/// A file, or Parquet that is still in memory.
#[derive(Clone)]
pub(crate) enum Input {
    File(Arc<File>, u64),
    Memory(Bytes),
}

impl Input {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Self::File(Arc::new(file), length))
    }

    pub(crate) fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        let outside = || io::Error::new(io::ErrorKind::UnexpectedEof, "the file is shorter than it says");
        if range.start > range.end || range.end > self.len() {
            return Err(outside());
        }
        let length = usize::try_from(range.end - range.start).map_err(|_| outside())?;
        match self {
            Self::File(file, _) => {
                let mut bytes = vec![0; length];
                file.read_exact_at(&mut bytes, range.start)?;
                Ok(bytes.into())
            }
            Self::Memory(bytes) => {
                let start = usize::try_from(range.start).map_err(|_| outside())?;
                Ok(bytes.slice(start..start + length))
            }
        }
    }
}

impl Length for Input {
    fn len(&self) -> u64 {
        match self {
            Self::File(_, length) => *length,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }
}

/// Reads onward from a place.
pub(crate) struct Onward {
    input: Input,
    at: u64,
}

impl Read for Onward {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let end = self.input.len().min(self.at + buffer.len() as u64);
        let bytes = self.input.read(self.at..end)?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        self.at = end;
        Ok(bytes.len())
    }
}

impl ChunkReader for Input {
    type T = Onward;

    fn get_read(&self, start: u64) -> Result<Onward> {
        Ok(Onward {
            input: self.clone(),
            at: start,
        })
    }
    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let end = start
            .checked_add(length as u64)
            .ok_or_else(|| ParquetError::EOF("a range beyond all files".to_owned()))?;
        Ok(self.read(start..end)?)
    }
}

/// What the footer of a file says.
#[derive(Clone)]
pub(crate) struct Footer {
    pub(crate) metadata: ArrowReaderMetadata,
    pub(crate) text: Option<TextPlace>,
}

impl Footer {
    pub(crate) fn read(input: &Input, schema: &SchemaRef) -> Result<Self> {
        let options = ArrowReaderOptions::new()
            .with_schema(SchemaRef::clone(schema))
            .with_page_index_policy(PageIndexPolicy::Skip)
            .with_encoding_stats_policy(ParquetStatisticsPolicy::SkipAll)
            .with_size_stats_policy(ParquetStatisticsPolicy::SkipAll);
        let metadata = ArrowReaderMetadata::load(input, options)?;
        let facts = metadata.metadata();
        let text = TextPlace::of(facts.file_metadata(), input.len(), facts.num_row_groups());
        Ok(Self { metadata, text })
    }
}

/// Most bytes of footers that are kept between hunts.
const FOOTER_BYTES_MAX: usize = 48 * 1024 * 1024;

/// Footers of files that were asked lately. A file's name is never used twice, so what is known of it stays true.
#[derive(Default)]
pub(crate) struct Footers {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    by_path: HashMap<PathBuf, Footer>,
    in_order: VecDeque<(PathBuf, usize)>,
    bytes: usize,
}

impl Footers {
    pub(crate) fn get(&self, path: &Path, input: &Input, schema: &SchemaRef) -> Result<Footer> {
        let known = self.kept().by_path.get(path).cloned();
        if let Some(footer) = known {
            return Ok(footer);
        }
        let footer = Footer::read(input, schema)?;
        let bytes = footer.metadata.metadata().memory_size();
        let mut kept = self.kept();
        if kept.by_path.insert(path.to_owned(), footer.clone()).is_none() {
            kept.in_order.push_back((path.to_owned(), bytes));
            kept.bytes += bytes;
        }
        while kept.bytes > FOOTER_BYTES_MAX
            && let Some((oldest, bytes)) = kept.in_order.pop_front()
        {
            kept.by_path.remove(&oldest);
            kept.bytes -= bytes;
        }
        Ok(footer)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
