//! What the lake asks of the disk when it writes; the seam at which tests let it fail.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

pub(crate) trait Disk: Send + Sync + 'static {
    /// Makes a folder and those above it; durable once [`Disk::sync_folder`] was called on the parents.
    fn create_folder(&self, path: &Path) -> io::Result<()>;
    /// Writes a whole new file and makes its bytes durable.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// How large the disk is on which a folder lies, and how much of it is taken.
    fn room(&self, folder: &Path) -> io::Result<Room>;
}

/// A disk's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) bytes: u64,
    pub(crate) bytes_taken: u64,
}

/// The disk as it is.
pub(crate) struct RealDisk;

impl Disk for RealDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
    fn room(&self, folder: &Path) -> io::Result<Room> {
        let disk = rustix::fs::statvfs(folder)?;
        // What only the system may use counts as taken: the lake cannot have it.
        let bytes = disk.f_blocks.saturating_mul(disk.f_frsize);
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        Ok(Room {
            bytes,
            bytes_taken: bytes.saturating_sub(free),
        })
    }
}
