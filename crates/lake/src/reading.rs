//! Finding rows again, wherever they are: in memory, in Parquet in memory, in files.

use std::{
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    fs::File,
    ops::ControlFlow,
    sync::{Arc, PoisonError},
};

use jiff::civil::Date;
use model::{Event, Seq, SourceId, Timestamp};

use crate::{
    Inner, Lake, SourceCount, Unreadable,
    catalog::Catalog,
    error::ANOTHER_HASH,
    filter::Filter,
    manifest::{FileEntry, Position, day_folder, hash_of_file},
    memory::Stored,
    rejection_row::Refused,
    row::Table,
    segment,
};

/// What was found, and what could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Files that could not be read; the answer lacks what they hold.
    pub unreadable: Vec<Unreadable>,
}

/// How much a table holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableStats {
    /// Parquet files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Rows in files.
    pub rows: u64,
    /// Rows still in memory.
    pub rows_in_memory: u64,
    /// Rows in files, by source.
    pub sources: BTreeMap<SourceId, SourceCount>,
    /// When the earliest and the latest row in a file happened.
    pub happened_at: Option<(Timestamp, Timestamp)>,
}

/// How much the lake holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Events.
    pub events: TableStats,
    /// Refused records.
    pub rejections: TableStats,
    /// Bytes of memory taken by what is not in a file yet.
    pub memory_bytes: u64,
    /// Events that were in the lake and were dropped, by source.
    pub dropped_events: BTreeMap<SourceId, SourceCount>,
    /// How far the lake has durably come.
    pub position: Position,
    /// Why files cannot be written at present.
    pub failure: Option<String>,
}

impl Lake {
    /// The event with this number.
    #[must_use]
    pub fn get(&self, seq: Seq) -> Found<Event> {
        self.get_many(&[seq])
    }

    /// The events with these numbers, in the order of their numbers; numbers without an event are passed over.
    #[must_use]
    pub fn get_many(&self, seqs: &[Seq]) -> Found<Event> {
        let filter = Filter::of_seqs(seqs);
        let mut rows = Vec::with_capacity(seqs.len());
        let unreadable = self.inner.visit(&filter, &mut |event: Event| {
            rows.push(event);
            if rows.len() == seqs.len() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        rows.sort_unstable_by_key(|event| event.seq);
        Found { rows, unreadable }
    }

    /// The wanted events that happened nearest to `moment`, at most `limit`, in the order of time.
    #[must_use]
    pub fn around(&self, filter: &Filter, moment: Timestamp, limit: usize) -> Found<Event> {
        let mut nearest: BinaryHeap<Near> = BinaryHeap::with_capacity(limit.min(1000) + 1);
        let unreadable = self.inner.visit(filter, &mut |event: Event| {
            let distance = event.happened_at.duration_since(moment).unsigned_abs();
            nearest.push(Near { distance, event });
            if nearest.len() > limit {
                nearest.pop();
            }
            ControlFlow::Continue(())
        });
        let mut rows: Vec<Event> = nearest.into_iter().map(|near| near.event).collect();
        rows.sort_unstable_by_key(|event| (event.happened_at, event.seq));
        Found { rows, unreadable }
    }

    /// Shows all wanted events to `visit` in no particular order, until it breaks off. Says which files could not be read.
    pub fn scan(&self, filter: &Filter, mut visit: impl FnMut(Event) -> ControlFlow<()>) -> Vec<Unreadable> {
        self.inner.visit(filter, &mut visit)
    }

    /// The latest refused records, of one source or of all, latest first.
    #[must_use]
    pub fn rejections(&self, source: Option<&SourceId>, limit: usize) -> Found<Refused> {
        let filter = Filter {
            source: source.cloned(),
            ..Filter::default()
        };
        let mut latest = BTreeMap::new();
        let unreadable = self.inner.visit(&filter, &mut |refused: Refused| {
            latest.insert(refused.seq, refused);
            if latest.len() > limit {
                latest.pop_first();
            }
            ControlFlow::Continue(())
        });
        Found {
            rows: latest.into_values().rev().collect(),
            unreadable,
        }
    }

    /// How much the lake holds.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let held = self.inner.lock();
        let mut stats = Stats {
            memory_bytes: held.memory.bytes() as u64,
            failure: held.failure.clone(),
            position: held.written_position(),
            ..Stats::default()
        };
        stats.events.rows_in_memory = held.memory.events.count();
        stats.rejections.rows_in_memory = held.memory.rejections.count();
        let view = Arc::clone(&held.view);
        drop(held);
        stats.dropped_events = view.dropped.clone();
        for table in Table::ALL {
            let sum = match table {
                Table::Events => &mut stats.events,
                Table::Rejections => &mut stats.rejections,
            };
            for (_, file) in view.files(table) {
                sum.files += 1;
                sum.bytes += file.bytes;
                sum.rows += file.facts.rows;
                for (source, count) in &file.facts.sources {
                    let of_source = sum.sources.entry(source.clone()).or_default();
                    of_source.rows += count.rows;
                    of_source.records += count.records;
                }
                let at = |micros| Timestamp::from_microsecond(micros).unwrap_or_default();
                let (first, last) = (at(file.facts.happened_at.0), at(file.facts.happened_at.1));
                sum.happened_at = Some(
                    sum.happened_at
                        .map_or((first, last), |(f, l)| (f.min(first), l.max(last))),
                );
            }
        }
        stats
    }

    /// Reads every file whole and names those that are not what was written.
    #[must_use]
    pub fn verify(&self) -> Vec<Unreadable> {
        let _reading = self.inner.readers.read().unwrap_or_else(PoisonError::into_inner);
        let view = Arc::clone(&self.inner.lock().view);
        let mut unreadable = Vec::new();
        for table in Table::ALL {
            for (day, file) in view.files(table) {
                let path = Catalog::path_of(&self.inner.folder, table, day, file);
                match hash_of_file(&path) {
                    Ok(found) if found == file.blake3 => {}
                    Ok(_) => unreadable.push(self.inner.unreadable(&path, ANOTHER_HASH)),
                    Err(error) => unreadable.push(self.inner.unreadable(&path, error)),
                }
            }
        }
        let mut set_aside = self.inner.set_aside_files();
        set_aside.clear();
        set_aside.extend(unreadable.iter().map(|file| (file.file.clone(), file.cause.clone())));
        drop(set_aside);
        unreadable
    }

    /// Holds the next files against their hashes, in turn through all of them, until some bytes were read; what is damaged is set
    /// aside, and what is whole is no longer.
    pub fn check_some(&self, bytes_max: u64) {
        let _reading = self.inner.readers.read().unwrap_or_else(PoisonError::into_inner);
        let view = Arc::clone(&self.inner.lock().view);
        let mut files: Vec<(Date, Table, &FileEntry)> = view
            .days
            .iter()
            .flat_map(|((day, table), listed)| listed.files.iter().map(|file| (*day, *table, file)))
            .collect();
        let mut checked = self.inner.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((day, table, name)) = checked.as_ref() {
            let behind = files
                .iter()
                .position(|file| (file.0, file.1, file.2.name.as_str()) > (*day, *table, name.as_str()));
            files.rotate_left(behind.unwrap_or(0));
        }
        let mut bytes = 0;
        for (day, table, file) in files {
            let path = Catalog::path_of(&self.inner.folder, table, day, file);
            let found = self.inner.unreadable(&path, ANOTHER_HASH);
            match hash_of_file(&path) {
                Ok(hash) if hash == file.blake3 => {
                    self.inner.set_aside_files().remove(&found.file);
                }
                Ok(_) => self.inner.set_aside(&found),
                Err(error) => self.inner.set_aside(&self.inner.unreadable(&path, error)),
            }
            *checked = Some((day, table, file.name.clone()));
            bytes += file.bytes;
            if bytes >= bytes_max {
                return;
            }
        }
    }

    /// Files that could not be read since the lake was opened, or last time they were checked; hunts pass them over.
    #[must_use]
    pub fn set_aside(&self) -> Vec<Unreadable> {
        let view = Arc::clone(&self.inner.lock().view);
        let listed: BTreeSet<String> = Table::ALL
            .into_iter()
            .flat_map(|table| view.files(table).map(move |(day, file)| (table, day, file)))
            .map(|(table, day, file)| day_folder(table, day).join(&file.name).display().to_string())
            .collect();
        let mut files = self.inner.set_aside_files();
        // What was dropped since is nobody's concern any more.
        files.retain(|file, _| listed.contains(file));
        files
            .iter()
            .map(|(file, cause)| Unreadable {
                file: file.clone(),
                cause: cause.clone(),
            })
            .collect()
    }
}

/// Farthest first, so that a heap of the nearest gives up its farthest.
struct Near {
    distance: std::time::Duration,
    event: Event,
}

impl Near {
    fn key(&self) -> (std::time::Duration, Seq) {
        (self.distance, self.event.seq)
    }
}
impl PartialEq for Near {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}
impl Eq for Near {}
impl PartialOrd for Near {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Near {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl Inner {
    fn unreadable(&self, path: &std::path::Path, cause: impl std::fmt::Display) -> Unreadable {
        Unreadable::new(path.strip_prefix(&self.folder).unwrap_or(path), cause)
    }

    /// Shows the wanted rows to `visit`: newest first as far as memory, Parquet in memory and files by day go.
    pub(crate) fn visit<R: Stored>(
        &self,
        filter: &Filter,
        visit: &mut impl FnMut(R) -> ControlFlow<()>,
    ) -> Vec<Unreadable> {
        let _reading = self.readers.read().unwrap_or_else(PoisonError::into_inner);
        let (snapshot, view) = {
            let state = self.lock();
            (R::rows(&state.memory).snapshot(filter), Arc::clone(&state.view))
        };
        let mut unreadable = Vec::new();
        let waiting = snapshot.pieces.iter().flat_map(|rows| rows.iter());
        let waiting = waiting.filter(|row| row.is_wanted(filter)).cloned();
        for row in snapshot.fresh.into_iter().chain(waiting) {
            if visit(row).is_break() {
                return unreadable;
            }
        }
        for segment in snapshot
            .segments
            .iter()
            .filter(|segment| filter.may_be_in(&segment.facts))
        {
            match segment::read(segment.parquet.clone(), filter, visit) {
                Ok(ControlFlow::Break(())) => return unreadable,
                Ok(ControlFlow::Continue(())) => {}
                Err(error) => unreadable.push(Unreadable::new("memory".as_ref(), error)),
            }
        }
        let files: Vec<_> = view
            .files(R::TABLE)
            .filter(|(_, file)| filter.may_be_in(&file.facts))
            .collect();
        for (day, file) in files.into_iter().rev() {
            let path = Catalog::path_of(&self.folder, R::TABLE, day, file);
            let read = File::open(&path)
                .map_err(Into::into)
                .and_then(|opened| segment::read(opened, filter, visit));
            match read {
                Ok(ControlFlow::Break(())) => return unreadable,
                Ok(ControlFlow::Continue(())) => {}
                Err(error) => {
                    let damaged = self.unreadable(&path, error);
                    self.set_aside(&damaged);
                    unreadable.push(damaged);
                }
            }
        }
        unreadable
    }
}
