//! Blocks on the disk: one redb table from the number of a block's first entry to the block. Knows nothing of entries.

use std::{
    collections::VecDeque,
    fs::OpenOptions,
    io,
    ops::Bound,
    path::{Path, PathBuf},
    sync::{
        RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use model::Seq;
use redb::{BackendError, Database, ReadableDatabase, StorageBackend, TableDefinition, backends::FileBackend};

use crate::{DiskError, block::entries_in};

const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("blocks");

/// redb keeps its recently used pages in memory up to this size; blocks are written once and read once soon after.
const CACHE_BYTES: usize = 16 * 1024 * 1024;

/// Opens the file again and again: after a write failed, redb trusts its file only when it is opened anew.
pub(crate) trait Disk: Send + Sync + 'static {
    /// A fresh handle on the same bytes.
    fn open(&self) -> io::Result<Box<dyn StorageBackend>>;
    /// How many bytes the file takes.
    fn len(&self) -> u64;
}

/// The ordinary disk: one file.
pub(crate) struct FileDisk(pub(crate) PathBuf);

impl FileDisk {
    /// Makes the file under another name first: a crash in the middle would leave one that is no store.
    fn create(&self) -> io::Result<()> {
        let unfinished = self.0.with_extension("unfinished");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&unfinished)?;
        let backend = FileBackend::new(file).map_err(io::Error::other)?;
        let database = Database::builder()
            .create_with_backend(backend)
            .map_err(io::Error::other)?;
        database.close().map_err(io::Error::other)?;
        std::fs::File::open(&unfinished)?.sync_all()?;
        std::fs::rename(&unfinished, &self.0)?;
        self.0.parent().map_or(Ok(()), sync_folder)
    }
}

impl Disk for FileDisk {
    fn open(&self) -> io::Result<Box<dyn StorageBackend>> {
        if !self.0.try_exists()? {
            self.create()?;
        }
        let file = OpenOptions::new().read(true).write(true).open(&self.0)?;
        let reserving = file.try_clone()?;
        let inner = FileBackend::new(file).map_err(io::Error::other)?;
        Ok(Box::new(ReservingFile { inner, reserving }))
    }

    fn len(&self) -> u64 {
        self.0.metadata().map_or(0, |facts| facts.len())
    }
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

/// One block as the writer remembers it.
#[derive(Debug, Clone, Copy)]
struct Kept {
    first: Seq,
    bytes: u64,
}

/// The blocks and what is known of them. Written by one thread; read by any.
pub(crate) struct Store {
    disk: Box<dyn Disk>,
    /// Absent while the file is being opened anew.
    database: RwLock<Option<Database>>,
    /// Whether the last opening had to repair the file.
    repaired: AtomicBool,
}

/// What the writer knows of the blocks without asking the disk.
pub(crate) struct Extent {
    blocks: VecDeque<Kept>,
    /// Bytes that the blocks take, rounded as redb rounds.
    pub(crate) bytes: u64,
    /// The number of the next entry.
    pub(crate) next: Seq,
}

impl Extent {
    /// The first entry that is still there.
    pub(crate) fn first(&self) -> Seq {
        self.blocks.front().map_or(self.next, |block| block.first)
    }

    /// Bytes that would become free, and where the kept blocks begin, if everything up to `up_to` were released.
    /// The newest block stays: it carries the numbering across a restart.
    pub(crate) fn releasable(&self, up_to: Seq) -> (u64, Seq) {
        let mut bytes = 0;
        let mut first = self.first();
        for (block, next) in self.blocks.iter().zip(self.blocks.iter().skip(1)) {
            if next.first > up_to.saturating_add(1) {
                break;
            }
            bytes += block.bytes;
            first = next.first;
        }
        (bytes, first)
    }

    fn forget_before(&mut self, first: Seq) {
        while self.blocks.front().is_some_and(|block| block.first < first) {
            let gone = self.blocks.pop_front().expect("the front was just seen");
            self.bytes -= gone.bytes;
        }
    }
}

/// What a value of this length takes in the file: values above about half a page get pages of their own, whose size is
/// a power of two.
fn room_of(length: usize) -> u64 {
    let length = length as u64 + 128;
    if length > 2048 {
        length.next_power_of_two().max(4096)
    } else {
        length + length / 2
    }
}

impl Store {
    /// Opens the store, and reads which blocks it has.
    pub(crate) fn open(disk: Box<dyn Disk>) -> Result<(Self, Extent), DiskError> {
        let store = Self {
            disk,
            database: RwLock::new(None),
            repaired: AtomicBool::new(false),
        };
        let extent = store.reopen()?;
        Ok((store, extent))
    }

    /// Whether the file had not been closed properly, so that it was checked and what was not whole was cut.
    pub(crate) fn repaired(&self) -> bool {
        self.repaired.load(Ordering::Relaxed)
    }

    /// How many bytes the file takes.
    pub(crate) fn file_bytes(&self) -> u64 {
        self.disk.len()
    }

    /// Opens the file anew: after a failed write, only what had become durable is there.
    pub(crate) fn reopen(&self) -> Result<Extent, DiskError> {
        let mut slot = self.database.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        *slot = None;
        let repairs = std::sync::Arc::new(AtomicBool::new(false));
        let seen = std::sync::Arc::clone(&repairs);
        let database = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .set_repair_callback(move |_| seen.store(true, Ordering::Relaxed))
            .create_with_backend(Opened(self.disk.open().map_err(DiskError::from)?))
            .map_err(redb::Error::from)?;
        let extent = read_extent(&database)?;
        self.repaired.store(repairs.load(Ordering::Relaxed), Ordering::Relaxed);
        *slot = Some(database);
        Ok(extent)
    }

    /// Makes new blocks durable and frees all before `keep_from`, in one transaction.
    pub(crate) fn commit(
        &self,
        extent: &mut Extent,
        blocks: &[(Seq, Vec<u8>)],
        keep_from: Seq,
        next: Seq,
    ) -> Result<(), DiskError> {
        let slot = self.database.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let database = slot.as_ref().ok_or_else(DiskError::reopening)?;
        write(database, blocks, keep_from)?;
        extent.forget_before(keep_from);
        for (first, block) in blocks {
            let bytes = room_of(block.len());
            extent.blocks.push_back(Kept { first: *first, bytes });
            extent.bytes += bytes;
        }
        extent.next = next;
        Ok(())
    }

    /// Hands the blocks from the one that holds `from` on to `visit`, until it answers `false`.
    pub(crate) fn blocks(&self, from: Seq, mut visit: impl FnMut(Seq, &[u8]) -> bool) -> Result<(), DiskError> {
        let slot = self.database.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let database = slot.as_ref().ok_or_else(DiskError::reopening)?;
        read(database, from, &mut visit).map_err(DiskError::from)
    }
}

fn write(database: &Database, blocks: &[(Seq, Vec<u8>)], keep_from: Seq) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    {
        let mut table = transaction.open_table(BLOCKS)?;
        table.retain_in(..keep_from, |_, _| false)?;
        for (first, block) in blocks {
            table.insert(first, block.as_slice())?;
        }
    }
    transaction.commit()?;
    Ok(())
}

fn read(database: &Database, from: Seq, visit: &mut impl FnMut(Seq, &[u8]) -> bool) -> Result<(), redb::Error> {
    let transaction = database.begin_read()?;
    let table = match transaction.open_table(BLOCKS) {
        Ok(table) => table,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let holder = match table.range(..=from)?.next_back() {
        Some(found) => found?.0.value(),
        None => from,
    };
    for found in table.range(holder..)? {
        let (first, block) = found?;
        if !visit(first.value(), block.value()) {
            break;
        }
    }
    Ok(())
}

fn read_extent(database: &Database) -> Result<Extent, DiskError> {
    let mut extent = Extent {
        blocks: VecDeque::new(),
        bytes: 0,
        next: 1,
    };
    let mut damage = None;
    read(database, 0, &mut |first, block| {
        let bytes = room_of(block.len());
        extent.blocks.push_back(Kept { first, bytes });
        extent.bytes += bytes;
        match entries_in(block) {
            Ok(entries) => extent.next = first + u64::from(entries),
            Err(error) => damage = Some((first, error)),
        }
        true
    })?;
    match damage {
        Some((first, error)) if first >= extent.next => Err(DiskError {
            kind: io::ErrorKind::InvalidData,
            detail: format!("the newest block, {first}, does not say where the numbering ends: {error}"),
        }),
        Some(_) | None => Ok(extent),
    }
}

/// A file that takes its room when it grows, not when it is written: on a full disk redb can then still free what was
/// released and be opened anew.
#[derive(Debug)]
struct ReservingFile {
    inner: FileBackend,
    reserving: std::fs::File,
}

impl StorageBackend for ReservingFile {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.inner.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        let now = self.inner.len()?;
        if len <= now {
            return self.inner.set_len(len);
        }
        match rustix::fs::fallocate(&self.reserving, rustix::fs::FallocateFlags::empty(), now, len - now) {
            Ok(()) => Ok(()),
            Err(rustix::io::Errno::OPNOTSUPP) => self.inner.set_len(len),
            Err(error) => Err(error.into()),
        }
    }
    fn sync_data(&self) -> io::Result<()> {
        self.inner.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.inner.write(offset, data)
    }
    fn close(&self) -> io::Result<()> {
        self.inner.close()
    }
    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.try_lock_range(start, end)
    }
    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.unlock_range(start, end)
    }
}

/// redb wants the type of its backend known; ours is known only when it is opened.
#[derive(Debug)]
struct Opened(Box<dyn StorageBackend>);

impl StorageBackend for Opened {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }
    fn close(&self) -> io::Result<()> {
        self.0.close()
    }
    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.try_lock_range(start, end)
    }
    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.unlock_range(start, end)
    }
}
