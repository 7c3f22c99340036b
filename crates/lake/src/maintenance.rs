//! What keeps the lake in shape: small files are merged, and what is too old or too much is dropped.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::ControlFlow,
    sync::Arc,
};

use bytes::Bytes;
use jiff::{ToSpan, civil::Date, tz::Offset};
use model::{Event, Timestamp};

use crate::{
    Config, Inner, Lake,
    catalog::{Catalog, Change, View},
    disk::Room,
    error::FlushError,
    filter::Filter,
    manifest::{Facts, FileEntry},
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

/// This share of the disk, in hundredths, is the lake's own: a full disk alone makes it drop nothing of that.
const OWN_PERCENT: u64 = 25;

/// What was dropped, so that the ledger can say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// From which table.
    pub table: Table,
    /// From which day.
    pub day: Date,
    /// How many files.
    pub files: u64,
    /// How many rows.
    pub rows: u64,
    /// How many bytes became free.
    pub bytes: u64,
    /// Whether the day was beyond the days to be kept; otherwise there was no room for it.
    pub expired: bool,
}

impl Lake {
    /// Drops whole days that are older than the configuration keeps, seen from `now`, and then the oldest days
    /// until the files are within their limit and the disk within its; of the last day, its first files. Says what was dropped.
    ///
    /// # Errors
    /// The disk refuses; then nothing was dropped.
    pub fn retain(&self, now: Timestamp) -> Result<Vec<Dropped>, FlushError> {
        let inner = &self.inner;
        let mut catalog = inner.lock_catalog();
        let view = Arc::clone(&inner.lock().view);
        let budget = budget(&inner.config, view.bytes(), catalog.room()?);
        let chosen = choose(&view, budget, oldest_kept(now, inner.config.keep_days));
        if chosen.is_empty() {
            return Ok(Vec::new());
        }
        let changes = chosen.iter().map(|(dropped, names)| Change {
            table: dropped.table,
            day: dropped.day,
            add: None,
            remove: names.clone(),
        });
        let next = catalog.commit(&view, changes.collect(), view.position.clone())?;
        inner.install(next, |_| {});
        inner.remove_garbage(&mut catalog);
        Ok(chosen.into_iter().map(|(dropped, _)| dropped).collect())
    }
}

/// How many bytes the files may have, so that they are within their own limit and the disk is not too full, whoever filled it.
fn budget(config: &Config, bytes: u64, room: Room) -> u64 {
    let allowed = room.bytes / 100 * u64::from(config.disk_percent_max.min(100));
    let over = room.bytes_taken.saturating_sub(allowed);
    let by_disk = if over > 0 {
        // Whoever fills the disk from elsewhere must not be able to wipe what was kept.
        bytes.saturating_sub(over).max(room.bytes / 100 * OWN_PERCENT)
    } else {
        u64::MAX
    };
    by_disk.min(config.lake_bytes_max.unwrap_or(u64::MAX))
}

fn oldest_kept(now: Timestamp, keep_days: u16) -> Date {
    Offset::UTC
        .to_datetime(now)
        .date()
        .saturating_sub(i32::from(keep_days).days())
}

fn choose(view: &View, bytes_max: u64, oldest_kept: Date) -> Vec<(Dropped, BTreeSet<String>)> {
    let mut excess = view.bytes().saturating_sub(bytes_max);
    let last_day = view.days.keys().next_back().map(|(day, _)| *day);
    let mut chosen = Vec::new();
    for ((day, table), listed) in &view.days {
        let expired = *day < oldest_kept;
        if !expired && excess == 0 {
            continue;
        }
        let whole = expired || Some(*day) != last_day;
        let mut dropped = Dropped {
            table: *table,
            day: *day,
            files: 0,
            rows: 0,
            bytes: 0,
            expired,
        };
        let mut names = BTreeSet::new();
        let droppable = if whole {
            listed.files.len()
        } else {
            listed.files.len().saturating_sub(1)
        };
        for file in listed.files.iter().take(droppable) {
            if !whole && dropped.bytes >= excess {
                break;
            }
            dropped.files += 1;
            dropped.rows += file.facts.rows;
            dropped.bytes += file.bytes;
            names.insert(file.name.clone());
        }
        excess = excess.saturating_sub(dropped.bytes);
        if !names.is_empty() {
            chosen.push((dropped, names));
        }
    }
    chosen
}

impl Inner {
    /// Merges small files of one day, if a day has many.
    pub(crate) fn merge(&self) -> Result<(), FlushError> {
        let mut catalog = self.lock_catalog();
        let view = Arc::clone(&self.lock().view);
        let Some((day, table, files)) = view
            .days
            .iter()
            .find_map(|((day, table), listed)| mergeable(&listed.files).map(|files| (*day, *table, files)))
        else {
            return Ok(());
        };
        let Some(merged) = (match table {
            Table::Events => self.merged::<Event>(day, &files)?,
            Table::Rejections => self.merged::<Refused>(day, &files)?,
        }) else {
            return Ok(());
        };
        let remove = files.iter().map(|file| file.name.clone()).collect();
        let change = Change {
            table,
            day,
            add: Some(merged),
            remove,
        };
        let next = catalog.commit(&view, vec![change], view.position.clone())?;
        self.install(next, |_| {});
        self.remove_garbage(&mut catalog);
        Ok(())
    }

    /// The rows of several files as one; nothing if one of them cannot be read, for then all stay as they are.
    fn merged<R: Stored>(&self, day: Date, files: &[FileEntry]) -> Result<Option<(Bytes, Facts)>, FlushError> {
        let path_of = |file: &FileEntry| Catalog::path_of(&self.folder, R::TABLE, day, file);
        let facts = Facts::joined(files.iter().map(|file| &file.facts));
        if files.iter().any(|file| file.facts.rows >= SMALL_ROWS) {
            let parts = files
                .iter()
                .map(|file| fs::read(path_of(file)).map(Bytes::from))
                .collect::<Result<Vec<_>, _>>()?;
            return Ok(Some((segment::join(&parts)?.into(), facts)));
        }
        let mut rows: Vec<R> = Vec::new();
        for file in files {
            let opened = fs::File::open(path_of(file))?;
            let read = segment::read(opened, &Filter::default(), &mut |row| {
                rows.push(row);
                ControlFlow::Continue(())
            });
            if read.is_err() {
                return Ok(None);
            }
        }
        Ok(Some((segment::encode(&rows)?.parquet, facts)))
    }
}

/// The first [`MERGE_FILES`] files of about one size, if there are so many.
fn mergeable(files: &[FileEntry]) -> Option<Vec<FileEntry>> {
    let mut by_size: BTreeMap<u32, Vec<&FileEntry>> = BTreeMap::new();
    for file in files
        .iter()
        .filter(|file| file.facts.rows < SMALL_ROWS || file.bytes < SMALL_BYTES)
    {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_follows_the_disk_but_keeps_an_own_share() {
        for (percent, own_limit, held, taken, expected) in [
            (80, None, 300, 700, u64::MAX),
            (80, Some(200), 300, 700, 200),
            (80, None, 500, 850, 450),
            (80, Some(400), 500, 850, 400),
            (80, None, 300, 990, 250),
            (80, None, 100, 1000, 250),
            (255, None, 500, 1000, u64::MAX),
        ] {
            let config = Config {
                disk_percent_max: percent,
                lake_bytes_max: own_limit,
                ..Config::default()
            };
            let room = Room {
                bytes: 1000,
                bytes_taken: taken,
            };
            assert_eq!(
                budget(&config, held, room),
                expected,
                "{percent} {own_limit:?} {held} {taken}"
            );
        }
    }
}
