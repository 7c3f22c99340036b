//! The store: `objects/ab/abcd….sealed`, written whole or not at all. What lies there without a record in the ledger, and what a
//! record names and is not there, is said.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Seek, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{InertError, OBJECT_BYTES_MAX, digest, is_digest, seal, unseal};

/// The ending of sealed objects.
const ENDING: &str = "sealed";

/// The digests of an object's bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digests {
    /// How many bytes.
    pub bytes: u64,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// BLAKE3, lower-case hexadecimal.
    pub blake3: String,
}

/// Why something was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// It changed while it was read: its digests would prove nothing.
    #[error("it changed while it was read")]
    Changed,
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Why an object cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It is not there.
    #[error("the object {0} is not in the store")]
    Missing(String),
    /// It is not what its digest says.
    #[error("the object {sha256} is not what its digest says: {cause}")]
    Flawed {
        /// The digest that it is kept under.
        sha256: String,
        /// What is wrong.
        cause: String,
    },
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What lies in the store, held against what the ledger names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Digests that the ledger names and that are not there.
    pub missing: Vec<String>,
    /// Objects that no record names: the power went between the store and the ledger.
    pub orphans: Vec<String>,
    /// Files that were never finished.
    pub unfinished: Vec<PathBuf>,
}

impl Inventory {
    /// Whether store and ledger agree.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.missing.is_empty() && self.orphans.is_empty() && self.unfinished.is_empty()
    }
}

/// The store in a folder; cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// The store of a data folder.
    #[must_use]
    pub fn in_folder(data: &Path) -> Self {
        Self {
            folder: data.join("evidence"),
        }
    }

    /// Takes a file in. When it returns, the object is on the disk; only then the ledger may name it.
    ///
    /// # Errors
    /// See [`PutError`].
    pub fn put(&self, mut from: impl Read + Seek, nonce: [u8; 32]) -> Result<Digests, PutError> {
        let digests = digest(&mut from, OBJECT_BYTES_MAX)?;
        let target = self.path(&digests.sha256);
        if target.exists() {
            return Ok(digests);
        }
        from.rewind()?;
        let temporary = self.folder.join("unfinished");
        fs::create_dir_all(&temporary)?;
        let folder = self.shelf(&digests.sha256);
        fs::create_dir_all(&folder)?;
        let unfinished = temporary.join(crate::hex(&nonce[..16]));
        let file = File::create_new(&unfinished)?;
        let mut writer = BufWriter::new(file);
        let again = seal_and_digest(&mut from, &mut writer, nonce)?;
        let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        if again != digests {
            fs::remove_file(&unfinished)?;
            return Err(PutError::Changed);
        }
        fs::rename(&unfinished, &target)?;
        sync_folder(&folder)?;
        Ok(digests)
    }

    /// Writes an object's bytes out, and holds them against both digests.
    ///
    /// # Errors
    /// See [`StoreError`]; what was written before a flaw was found must be thrown away.
    pub fn read(&self, wanted: &Digests, to: impl Write) -> Result<(), StoreError> {
        let mut digesting = Digesting::new(to);
        let flawed = |cause: String| StoreError::Flawed {
            sha256: wanted.sha256.clone(),
            cause,
        };
        match unseal(self.open(&wanted.sha256)?, &mut digesting, wanted.bytes) {
            Ok(_) => {}
            Err(InertError::Writing(error)) => return Err(error.into()),
            Err(error @ (InertError::NotSealed | InertError::Damaged(_) | InertError::TooLarge(_))) => {
                return Err(flawed(error.to_string()));
            }
        }
        let found = digesting.finish();
        if found == *wanted {
            Ok(())
        } else {
            Err(flawed(format!("its bytes have SHA-256 {}", found.sha256)))
        }
    }

    /// Opens an object as it lies there, sealed.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    pub fn open(&self, sha256: &str) -> Result<BufReader<File>, StoreError> {
        let missing = || StoreError::Missing(sha256.to_owned());
        if !is_digest(sha256) {
            return Err(missing());
        }
        match File::open(self.path(sha256)) {
            Ok(file) => Ok(BufReader::new(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(missing()),
            Err(error) => Err(error.into()),
        }
    }

    /// Holds what lies here against the digests that the ledger names.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn inventory(&self, named: &BTreeSet<String>) -> io::Result<Inventory> {
        let mut inventory = Inventory::default();
        let mut present = BTreeSet::new();
        for folder in list(&self.folder.join("objects"))? {
            for path in list(&folder)? {
                match digest_of_path(&path) {
                    Some(sha256) => {
                        present.insert(sha256);
                    }
                    None => inventory.unfinished.push(path),
                }
            }
        }
        inventory.unfinished.extend(list(&self.folder.join("unfinished"))?);
        inventory.missing = named.difference(&present).cloned().collect();
        inventory.orphans = present.difference(named).cloned().collect();
        Ok(inventory)
    }

    /// Whether an object is there.
    #[must_use]
    pub fn has(&self, sha256: &str) -> bool {
        self.path(sha256).exists()
    }

    /// The folder of an object.
    fn shelf(&self, sha256: &str) -> PathBuf {
        self.folder.join("objects").join(&sha256[..2])
    }

    fn path(&self, sha256: &str) -> PathBuf {
        self.shelf(sha256).join(format!("{sha256}.{ENDING}"))
    }
}

fn digest_of_path(path: &Path) -> Option<String> {
    let stem = path.file_name()?.to_str()?.strip_suffix(ENDING)?.strip_suffix('.')?;
    is_digest(stem).then(|| stem.to_owned())
}

fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn seal_and_digest(from: impl Read, to: impl Write, nonce: [u8; 32]) -> io::Result<Digests> {
    let mut digesting = DigestingReader(from, Digesting::new(io::sink()));
    seal(&mut digesting, to, nonce)?;
    Ok(digesting.1.finish())
}

struct DigestingReader<R>(R, Digesting<io::Sink>);

impl<R: Read> Read for DigestingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(buffer)?;
        self.1.write_all(&buffer[..read])?;
        Ok(read)
    }
}

/// A writer that digests what passes through it.
pub(crate) struct Digesting<W> {
    to: W,
    sha256: sha2::Sha256,
    blake3: blake3::Hasher,
    bytes: u64,
}

impl<W: Write> Digesting<W> {
    pub(crate) fn new(to: W) -> Self {
        Self {
            to,
            sha256: sha2::Digest::new(),
            blake3: blake3::Hasher::new(),
            bytes: 0,
        }
    }

    pub(crate) fn finish(self) -> Digests {
        Digests {
            bytes: self.bytes,
            sha256: crate::hex(&sha2::Digest::finalize(self.sha256)),
            blake3: self.blake3.finalize().to_hex().to_string(),
        }
    }
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        sha2::Digest::update(&mut self.sha256, &bytes[..written]);
        self.blake3.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
