//! What keeps the lake in shape: small files are merged.

use std::{collections::BTreeMap, fs, ops::ControlFlow, sync::Arc};

use bytes::Bytes;
use jiff::civil::Date;
use model::Event;

use crate::{
    Inner, Lake,
    catalog::Change,
    error::{ANOTHER_HASH, FlushError, Unreadable},
    filter::Filter,
    manifest::{Facts, FileEntry, day_folder, hash},
    memory::{SEGMENT_ROWS, Stored},
    rejection_row::Refused,
    row::Table,
    segment,
};

/// So many small files of a day are merged into one; tests come to it sooner.
const MERGE_FILES: usize = if cfg!(test) { 4 } else { 16 };

/// A file with fewer rows is merged by sorting its rows among those of others.
const SMALL_ROWS: u64 = SEGMENT_ROWS as u64 / 2;

/// Files with more rows but fewer bytes are merged by copying their row groups; a merged file has at most twice as many.
const SMALL_BYTES: u64 = 16 * 1024 * 1024;

impl Lake {
    /// Writes what is in memory and merges small files until no day has many. Says how many merges that took.
    ///
    /// # Errors
    /// The disk refuses; what was merged before stays merged.
    pub fn compact(&self) -> Result<u64, FlushError> {
        self.inner.flush()?;
        let mut merges = 0;
        while self.inner.merge()? {
            merges += 1;
        }
        Ok(merges)
    }
}

impl Inner {
    /// Merges small files of one day, if a day has many; says whether it did.
    pub(crate) fn merge(&self) -> Result<bool, FlushError> {
        let mut catalog = self.lock_catalog();
        let view = Arc::clone(&self.lock().view);
        let (day, table, files, merged) = loop {
            let found = view.days.iter().find_map(|((day, table), listed)| {
                let whole = listed.files.iter().filter(|file| {
                    let path = day_folder(*table, *day).join(&file.name);
                    self.set_aside_cause(&path.display().to_string()).is_none()
                });
                mergeable(whole).map(|files| (*day, *table, files))
            });
            let Some((day, table, files)) = found else {
                return Ok(false);
            };
            let merged = match table {
                Table::Events => self.merged::<Event>(day, &files)?,
                Table::Rejections => self.merged::<Refused>(day, &files)?,
            };
            // Without one, a damaged file was set aside, and the next look is for others.
            if let Some(merged) = merged {
                break (day, table, files, merged);
            }
        };
        let remove = files.iter().map(|file| file.name.clone()).collect();
        let change = Change {
            table,
            day,
            add: Some(merged),
            remove,
            lost: BTreeMap::new(),
            regained: BTreeMap::new(),
        };
        let next = catalog.commit(&view, vec![change], view.position.clone())?;
        self.install(next, |_| {});
        self.remove_garbage(&mut catalog);
        Ok(true)
    }

    /// The rows of several files as one; nothing if one of them is not what was written, which is set aside and stays as it is.
    fn merged<R: Stored>(&self, day: Date, files: &[FileEntry]) -> Result<Option<(Bytes, Facts)>, FlushError> {
        let mut parts = Vec::new();
        for file in files {
            let Some(bytes) = self.whole(R::TABLE, day, file) else {
                return Ok(None);
            };
            parts.push(bytes);
        }
        let facts = Facts::joined(files.iter().map(|file| &file.facts));
        if files.iter().any(|file| file.facts.rows >= SMALL_ROWS) {
            return Ok(Some((segment::join(&parts)?.into(), facts)));
        }
        let mut rows: Vec<R> = Vec::new();
        for part in parts {
            let read: ControlFlow<()> = segment::read(part, &Filter::default(), &mut |row| {
                rows.push(row);
                ControlFlow::Continue(())
            })?;
            debug_assert!(read.is_continue(), "the visitor never breaks off");
        }
        Ok(Some((segment::encode(&rows)?.parquet, facts)))
    }

    /// The bytes of a file if they are those that were written; otherwise it is set aside, so that no damage is copied on.
    pub(crate) fn whole(&self, table: Table, day: Date, file: &FileEntry) -> Option<Bytes> {
        let name = day_folder(table, day).join(&file.name);
        let cause = match fs::read(self.folder.join(&name)) {
            Ok(bytes) if hash(&bytes) == file.blake3 => return Some(bytes.into()),
            Ok(_) => ANOTHER_HASH.to_owned(),
            Err(error) => error.to_string(),
        };
        self.set_aside(&Unreadable::new(&name, cause));
        None
    }
}

/// The first [`MERGE_FILES`] files of about one size, if there are so many.
fn mergeable<'a>(files: impl Iterator<Item = &'a FileEntry>) -> Option<Vec<FileEntry>> {
    let mut by_size: BTreeMap<u32, Vec<&FileEntry>> = BTreeMap::new();
    for file in files.filter(|file| file.facts.rows < SMALL_ROWS || file.bytes < SMALL_BYTES) {
        // Files of a size meet files of that size, so that a row is rewritten only as often as the size grows.
        let size = if file.facts.rows < SMALL_ROWS {
            file.facts.rows.max(1).ilog2() / 4
        } else {
            100
        };
        by_size.entry(size).or_default().push(file);
    }
    by_size.into_values().find_map(|same| {
        let mut bytes = 0;
        let mut rows = 0;
        let taken = same.iter().take(MERGE_FILES).take_while(|file| {
            bytes += file.bytes;
            rows += file.facts.rows;
            bytes <= 2 * SMALL_BYTES && (file.facts.rows >= SMALL_ROWS || rows <= SEGMENT_ROWS as u64)
        });
        let taken: Vec<FileEntry> = taken.map(|file| (*file).clone()).collect();
        (same.len() >= MERGE_FILES && taken.len() > 1).then_some(taken)
    })
}
