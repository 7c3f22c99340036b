//! The head file: which entry was the last, kept apart from the store, so that a ledger whose tail was cut off is noticed.
//! Two slots are written in turn, so that a torn write leaves the other one.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::Path,
    str::FromStr,
};

use crate::entry::sha256_hex;

/// The number and hash of an entry: enough to prove later that everything up to it is unchanged. Written `number:hash`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The entry's number.
    pub number: u64,
    /// Its hash, lower-case hexadecimal.
    pub hash: String,
}

impl std::fmt::Display for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.number, self.hash)
    }
}

/// The text is not `number:hash`.
#[derive(Debug, thiserror::Error)]
#[error("a head is written as the entry's number, a colon and 64 hexadecimal digits")]
pub struct NotAHead;

impl FromStr for Head {
    type Err = NotAHead;

    fn from_str(text: &str) -> Result<Self, NotAHead> {
        let (number, hash) = text.trim().split_once(':').ok_or(NotAHead)?;
        if hash.len() != 64 || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(NotAHead);
        }
        Ok(Self {
            number: number.parse().map_err(|_| NotAHead)?,
            hash: hash.to_ascii_lowercase(),
        })
    }
}

const SLOT_BYTES: usize = 128;

/// The open head file.
#[derive(Debug)]
pub(crate) struct HeadFile(File);

impl HeadFile {
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        if file.metadata()?.len() < 2 * SLOT_BYTES as u64 {
            // Its room is taken at once, so that a full disk later does not keep the head from being written.
            let mut file = &file;
            file.seek(SeekFrom::End(0))?;
            let missing = 2 * SLOT_BYTES as u64 - file.metadata()?.len();
            file.write_all(&vec![b' '; usize::try_from(missing).expect("less than two slots")])?;
        }
        Ok(Self(file))
    }

    /// Notes the head. Not flushed to the disk: after a power loss an older head is still a true one.
    pub(crate) fn write(&mut self, head: &Head) -> std::io::Result<()> {
        let text = head.to_string();
        let check = sha256_hex(text.as_bytes());
        let mut slot = format!("{text} {}\n", &check[..16]).into_bytes();
        slot.resize(SLOT_BYTES, b' ');
        let place = (head.number % 2) * SLOT_BYTES as u64;
        self.0.seek(SeekFrom::Start(place))?;
        self.0.write_all(&slot)
    }
}

/// Reads the newest whole slot.
pub(crate) fn read(path: &Path) -> std::io::Result<Option<Head>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(2 * SLOT_BYTES as u64).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(bytes
        .chunks(SLOT_BYTES)
        .filter_map(|slot| {
            let line = std::str::from_utf8(slot).ok()?.split('\n').next()?;
            let (head, check) = line.split_once(' ')?;
            (sha256_hex(head.as_bytes()).get(..16)? == check).then(|| head.parse().ok())?
        })
        .max_by_key(|head: &Head| head.number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_whole_slot_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("head");
        assert_eq!(read(&path).unwrap(), None);
        let mut file = HeadFile::open(&path).unwrap();
        let head = |number| Head {
            number,
            hash: sha256_hex(&[u8::try_from(number).unwrap()]),
        };
        for number in 1..=3 {
            file.write(&head(number)).unwrap();
            assert_eq!(read(&path).unwrap(), Some(head(number)));
        }
        let mut torn = std::fs::read(&path).unwrap();
        torn[SLOT_BYTES + 20] ^= 1;
        std::fs::write(&path, torn).unwrap();
        assert_eq!(read(&path).unwrap(), Some(head(2)));
    }
}
