//! Sealed archives: files of the lake copied into a folder of their own with a signed list of their hashes, so that they can be
//! kept elsewhere, proven, and brought back when the lake has dropped them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use jiff::civil::Date;
use model::{Event, Seq, SourceId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    Inner, Lake, SourceCount,
    catalog::{Catalog, Change},
    error::FlushError,
    filter::Filter,
    manifest::{Facts, FileEntry, day_folder, hash, write},
    memory::{SEGMENT_ROWS, Stored},
    rejection_row::Refused,
    row::Table,
    segment,
};

/// The list of a seal, in its folder.
const LIST: &str = "seal.json";
/// The signature over the bytes of the list.
const SIGNATURE: &str = "seal.signature";
const VERSION: u32 = 1;
/// Longest list that is read, in bytes.
const LIST_BYTES_MAX: u64 = 256 << 20;

/// What a sealed archive holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    version: u32,
    /// When it was sealed.
    pub sealed_at: Timestamp,
    /// From when on the events happened that it was made for; it holds the whole files that have such.
    pub from: Option<Timestamp>,
    /// Before when they happened.
    pub before: Option<Timestamp>,
    files: Vec<SealedFile>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SealedFile {
    table: Table,
    day: Date,
    file: FileEntry,
}

impl Seal {
    /// How many files there are.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.files.len() as u64
    }

    /// How many rows they have.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|sealed| sealed.file.facts.rows).sum()
    }

    /// How many bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|sealed| sealed.file.bytes).sum()
    }
}

/// Why a seal was not made, is not whole, or was not brought back.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// There is something at the place already.
    #[error("{0} is there already")]
    Exists(String),
    /// Nothing happened in the time.
    #[error("there is nothing to seal")]
    Nothing,
    /// A file is not what the list says.
    #[error("{file}: {cause}")]
    Broken {
        /// Which.
        file: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The signature is not by the key that was asked for.
    #[error("the list was not signed with this key, or was altered")]
    NotSigned,
    /// It has rows that this lake has not come to.
    #[error("it is of another lake: entry {0} has not been here")]
    Foreign(Seq),
    /// The disk refuses.
    #[error(transparent)]
    Disk(#[from] io::Error),
    /// The lake refuses.
    #[error(transparent)]
    Lake(#[from] FlushError),
}

fn broken(path: &Path, cause: impl std::fmt::Display) -> SealError {
    SealError::Broken {
        file: path.display().to_string(),
        cause: cause.to_string(),
    }
}

/// Where a file of a seal is.
fn path_of(folder: &Path, sealed: &SealedFile) -> PathBuf {
    folder
        .join(day_folder(sealed.table, sealed.day))
        .join(&sealed.file.name)
}

/// Where a seal is made before it is whole.
fn unfinished(folder: &Path) -> PathBuf {
    let mut name = folder.as_os_str().to_owned();
    name.push(".unfinished");
    PathBuf::from(name)
}

/// Reads a seal and holds its signature and each of its files against it. `is_signed` is given the list and its signature.
///
/// # Errors
/// It is not signed with the key, or a file is missing or altered.
pub fn check_seal(folder: &Path, is_signed: &dyn Fn(&[u8], &[u8]) -> bool) -> Result<Seal, SealError> {
    let path = folder.join(LIST);
    if fs::metadata(&path)?.len() > LIST_BYTES_MAX {
        return Err(broken(&path, "it is too long"));
    }
    let list = fs::read(&path)?;
    let signature = fs::read(folder.join(SIGNATURE))?;
    if !is_signed(&list, &signature) {
        return Err(SealError::NotSigned);
    }
    let seal: Seal = serde_json::from_slice(&list).map_err(|error| broken(&path, error))?;
    if seal.version != VERSION {
        return Err(broken(&path, format!("version {} is not known", seal.version)));
    }
    for sealed in &seal.files {
        let path = path_of(folder, sealed);
        if sealed.file.name.contains(['/', '\\']) {
            return Err(broken(&path, "this is not the name of a file"));
        }
        let bytes = fs::read(&path).map_err(|error| broken(&path, error))?;
        if hash(&bytes) != sealed.file.blake3 {
            return Err(broken(&path, "its hash is another"));
        }
    }
    Ok(seal)
}

impl Lake {
    /// Copies the files that have events of a time into a new folder, with a list of their hashes signed by `sign`. The folder
    /// gets its name only when it is whole.
    ///
    /// # Errors
    /// There is nothing to seal, something is in the way, a file is damaged, or the disk refuses.
    pub fn seal(
        &self,
        folder: &Path,
        (from, before): (Option<Timestamp>, Option<Timestamp>),
        sealed_at: Timestamp,
        sign: &dyn Fn(&[u8]) -> Vec<u8>,
    ) -> Result<Seal, SealError> {
        if folder.exists() {
            return Err(SealError::Exists(folder.display().to_string()));
        }
        self.flush()?;
        let inner = &self.inner;
        let _reading = inner.readers.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let view = Arc::clone(&inner.lock().view);
        let wanted = |facts: &Facts| {
            from.is_none_or(|from| facts.happened_at.1 >= from.as_microsecond())
                && before.is_none_or(|before| facts.happened_at.0 < before.as_microsecond())
        };
        let files = Table::ALL.into_iter().flat_map(|table| {
            let files = view.files(table).filter(|(_, file)| wanted(&file.facts));
            files.map(move |(day, file)| SealedFile {
                table,
                day,
                file: file.clone(),
            })
        });
        let seal = Seal {
            version: VERSION,
            sealed_at,
            from,
            before,
            files: files.collect(),
        };
        if seal.files.is_empty() {
            return Err(SealError::Nothing);
        }
        let unfinished = unfinished(folder);
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished)?;
        }
        for sealed in &seal.files {
            let path = Catalog::path_of(&inner.folder, sealed.table, sealed.day, &sealed.file);
            let bytes = fs::read(&path).map_err(|error| broken(&path, error))?;
            if hash(&bytes) != sealed.file.blake3 {
                return Err(broken(&path, "its hash is another"));
            }
            let day = unfinished.join(day_folder(sealed.table, sealed.day));
            inner.disk.create_folder(&day)?;
            inner.disk.write(&path_of(&unfinished, sealed), &bytes)?;
            for above in day.ancestors().take(2) {
                inner.disk.sync_folder(above)?;
            }
        }
        let list = write(&seal);
        inner.disk.write(&unfinished.join(LIST), &list)?;
        inner.disk.write(&unfinished.join(SIGNATURE), &sign(&list))?;
        inner.disk.sync_folder(&unfinished)?;
        inner.disk.rename(&unfinished, folder)?;
        if let Some(above) = folder.parent().filter(|above| !above.as_os_str().is_empty()) {
            inner.disk.sync_folder(above)?;
        }
        Ok(seal)
    }

    /// Brings back the rows of a seal that the lake has dropped, file by file; those that are there stay as they are. Says how
    /// many rows came back.
    ///
    /// # Errors
    /// The seal is not whole, not signed, or of another lake; or the disk refuses, and then what came back before stays.
    pub fn bring_back(&self, folder: &Path, is_signed: &dyn Fn(&[u8], &[u8]) -> bool) -> Result<u64, SealError> {
        let seal = check_seal(folder, is_signed)?;
        let resume = self.position().resume;
        if let Some(beyond) = seal
            .files
            .iter()
            .map(|sealed| sealed.file.facts.seqs.1)
            .find(|last| *last >= resume)
        {
            return Err(SealError::Foreign(beyond));
        }
        let mut rows = 0;
        for sealed in &seal.files {
            let path = path_of(folder, sealed);
            rows += match sealed.table {
                Table::Events => self.inner.bring_back::<Event>(sealed.day, &path)?,
                Table::Rejections => self.inner.bring_back::<Refused>(sealed.day, &path)?,
            };
        }
        Ok(rows)
    }
}

impl Inner {
    fn bring_back<R: Stored>(&self, day: Date, path: &Path) -> Result<u64, SealError> {
        let mut segments = Vec::new();
        let mut waiting: Vec<R> = Vec::new();
        let mut failure = None;
        let mut take = |rows: &mut Vec<R>| {
            let rows = std::mem::take(rows);
            match self
                .missing(rows)
                .and_then(|rows| Ok((!rows.is_empty()).then(|| segment::encode(&rows)).transpose()?))
            {
                Ok(segment) => segments.extend(segment),
                Err(error) => failure = Some(error),
            }
            failure.is_none()
        };
        let opened = fs::File::open(path)?;
        let read = segment::read(opened, &Filter::default(), &mut |row: R| {
            waiting.push(row);
            if waiting.len() < SEGMENT_ROWS || take(&mut waiting) {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        let _: ControlFlow<()> = read.map_err(|error| broken(path, error))?;
        take(&mut waiting);
        if let Some(error) = failure {
            return Err(error);
        }
        if segments.is_empty() {
            return Ok(0);
        }
        let facts = Facts::joined(segments.iter().map(|segment| &segment.facts));
        let parts: Vec<Bytes> = segments.iter().map(|segment| segment.parquet.clone()).collect();
        let joined = segment::join(&parts).map_err(FlushError::from)?;
        let rows = facts.rows;
        let mut catalog = self.lock_catalog();
        let view = Arc::clone(&self.lock().view);
        let change = Change {
            table: R::TABLE,
            day,
            regained: facts.sources.clone(),
            add: Some((joined.into(), facts)),
            remove: BTreeSet::new(),
            lost: BTreeMap::<SourceId, SourceCount>::new(),
        };
        let next = catalog.commit(&view, vec![change], view.position.clone())?;
        self.install(next, |_| {});
        Ok(rows)
    }

    /// Those of the rows that the lake does not have.
    fn missing<R: Stored>(&self, mut rows: Vec<R>) -> Result<Vec<R>, SealError> {
        let seqs: Vec<Seq> = rows.iter().map(R::seq).collect();
        let mut there = BTreeSet::new();
        let unreadable = self.visit(&Filter::of_seqs(&seqs), &mut |row: R| {
            there.insert(row.seq());
            ControlFlow::Continue(())
        });
        if let Some(file) = unreadable.first() {
            // Whether its rows are there cannot be known, and nothing may be there twice.
            return Err(broken(Path::new(&file.file), &file.cause));
        }
        rows.retain(|row| !there.contains(&row.seq()));
        Ok(rows)
    }
}
