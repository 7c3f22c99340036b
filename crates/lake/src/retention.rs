//! What is kept how long: by days and bytes, for all and for single sources, within what the disk has; what is held for an
//! incident stays whatever its age.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    ops::ControlFlow,
    sync::Arc,
};

use bytes::Bytes;
use jiff::{ToSpan, civil::Date, tz::Offset};
use model::{Event, SourceId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    Config, Inner, Lake, SourceCount,
    catalog::{Change, View},
    disk::Room,
    error::FlushError,
    filter::Filter,
    manifest::{Facts, FileEntry},
    memory::{SEGMENT_ROWS, Stored},
    rejection_row::Refused,
    row::Table,
    segment,
};

/// This share of the disk, in hundredths, is the lake's own: a full disk alone makes it drop nothing of that.
const OWN_PERCENT: u64 = 25;
/// Files of a day that are rewritten at once without the rows of some sources; the others wait for the next look.
const REWRITTEN_MAX: usize = 8;

/// How long the events of a source are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keep {
    /// Days; without it those of all sources.
    pub days: Option<u16>,
    /// About how many bytes of files, by its share of their rows; without it as many as there is room for.
    pub bytes_max: Option<u64>,
}

/// Events that are not dropped, whatever their age: a legal hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hold {
    /// From when on they happened.
    pub from: Option<Timestamp>,
    /// Before when they happened.
    pub before: Option<Timestamp>,
    /// Of these sources; of all without a list.
    pub sources: Option<BTreeSet<SourceId>>,
}

impl Hold {
    /// Whether a file has events that are held.
    fn covers(&self, facts: &Facts) -> bool {
        let (first, last) = facts.happened_at;
        self.from.is_none_or(|from| last >= from.as_microsecond())
            && self.before.is_none_or(|before| first < before.as_microsecond())
            && self
                .sources
                .as_ref()
                .is_none_or(|sources| facts.sources.keys().any(|source| sources.contains(source)))
    }
}

/// What was dropped, so that the ledger can say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// From which table.
    pub table: Table,
    /// From which day.
    pub day: Date,
    /// How many files; none where files were rewritten without some of their rows.
    pub files: u64,
    /// How many rows.
    pub rows: u64,
    /// About how many bytes became free.
    pub bytes: u64,
    /// Whether it was beyond the days to be kept; otherwise there was no room for it.
    pub expired: bool,
    /// Rows and records by source.
    pub sources: BTreeMap<SourceId, SourceCount>,
}

impl Dropped {
    fn nothing(table: Table, day: Date, expired: bool) -> Self {
        Self {
            table,
            day,
            files: 0,
            rows: 0,
            bytes: 0,
            expired,
            sources: BTreeMap::new(),
        }
    }

    fn add(&mut self, source: &SourceId, count: SourceCount) {
        let sum = self.sources.entry(source.clone()).or_default();
        sum.rows += count.rows;
        sum.records += count.records;
        self.rows += count.rows;
    }

    /// Takes in a file that goes whole.
    fn add_file(&mut self, file: &FileEntry) {
        self.files += 1;
        self.bytes += file.bytes;
        for (source, count) in &file.facts.sources {
            self.add(source, *count);
        }
    }
}

/// What is to become of the files of a day.
#[derive(Default)]
struct Plan {
    /// Files that go whole, and why.
    whole: BTreeMap<String, bool>,
    /// Sources whose rows go from a file, and why.
    parts: BTreeMap<String, BTreeMap<SourceId, bool>>,
}

impl Lake {
    /// Drops what is older than the configuration keeps, seen from `now`, then what single sources have too much, then the
    /// oldest days until the files are within their limit and the disk within its; of the last day, its first files. Nothing
    /// of what is held. Says what was dropped.
    ///
    /// # Errors
    /// The disk refuses; what was dropped before it did is durably dropped and told with the next call's figures in `dropped`.
    pub fn retain(&self, now: Timestamp, holds: &[Hold]) -> Result<Vec<Dropped>, FlushError> {
        let inner = &self.inner;
        let mut catalog = inner.lock_catalog();
        let view = Arc::clone(&inner.lock().view);
        let budget = budget(&inner.config, view.bytes(), catalog.room()?);
        let today = Offset::UTC.to_datetime(now).date();
        let plans = plan(&view, &inner.config, (budget, today), holds);
        let mut changes = Vec::new();
        let mut told = Vec::new();
        for ((day, table), plan) in plans {
            let Some(listed) = view.days.get(&(day, table)) else {
                continue;
            };
            let (change, dropped) = match table {
                Table::Events => inner.without::<Event>(day, &listed.files, &plan)?,
                Table::Rejections => inner.without::<Refused>(day, &listed.files, &plan)?,
            };
            if !change.remove.is_empty() {
                changes.push(change);
                told.extend(dropped);
            }
        }
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let next = catalog.commit(&view, changes, view.position.clone())?;
        inner.install(next, |_| {});
        inner.remove_garbage(&mut catalog);
        Ok(told)
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

/// How a source is kept: by its own name, or by the longest beginning that ends in `*`.
fn keep_of(config: &Config, source: &SourceId) -> Keep {
    let name = source.as_str();
    if let Some(keep) = config.sources.get(name) {
        return *keep;
    }
    let by_beginning = config.sources.iter().filter(|(pattern, _)| {
        let beginning = pattern.strip_suffix('*');
        beginning.is_some_and(|beginning| name.starts_with(beginning))
    });
    by_beginning
        .max_by_key(|(pattern, _)| pattern.len())
        .map_or_else(Keep::default, |(_, keep)| *keep)
}

type Plans = BTreeMap<(Date, Table), Plan>;

fn plan(view: &View, config: &Config, (bytes_max, today): (u64, Date), holds: &[Hold]) -> Plans {
    let mut plans = Plans::new();
    let held = |file: &FileEntry| holds.iter().any(|hold| hold.covers(&file.facts));
    let oldest = |days: u16| today.saturating_sub(i32::from(days).days());
    let mut bytes_of: BTreeMap<SourceId, u64> = BTreeMap::new();
    for ((day, table), listed) in &view.days {
        for file in listed.files.iter().filter(|file| !held(file)) {
            for source in file.facts.sources.keys() {
                if *day < oldest(keep_of(config, source).days.unwrap_or(config.keep_days)) {
                    plans.entry((*day, *table)).or_default().drop_part(file, source, true);
                } else {
                    *bytes_of.entry(source.clone()).or_default() += share(file, source);
                }
            }
        }
    }
    for (source, bytes) in bytes_of {
        let mut over = keep_of(config, &source)
            .bytes_max
            .map_or(0, |most| bytes.saturating_sub(most));
        for ((day, table), listed) in &view.days {
            for file in listed
                .files
                .iter()
                .filter(|file| !held(file) && file.facts.sources.contains_key(&source))
            {
                let plan = plans.entry((*day, *table)).or_default();
                if over > 0 && !plan.has(file, &source) {
                    over = over.saturating_sub(share(file, &source));
                    plan.drop_part(file, &source, false);
                }
            }
        }
    }
    make_room(&mut plans, view, bytes_max, &held);
    plans
}

/// About how many bytes of a file are a source's.
fn share(file: &FileEntry, source: &SourceId) -> u64 {
    let rows = file.facts.sources.get(source).map_or(0, |count| count.rows);
    u64::try_from(u128::from(file.bytes) * u128::from(rows) / u128::from(file.facts.rows.max(1))).unwrap_or(u64::MAX)
}

/// Drops the oldest files until the rest is within its limit; the newest one stays.
fn make_room(plans: &mut Plans, view: &View, bytes_max: u64, held: &impl Fn(&FileEntry) -> bool) {
    let gone: u64 = view
        .days
        .iter()
        .filter_map(|(key, listed)| Some((plans.get(key)?, listed)))
        .flat_map(|(plan, listed)| listed.files.iter().filter(|file| plan.whole.contains_key(&file.name)))
        .map(|file| file.bytes)
        .sum();
    let mut excess = view.bytes().saturating_sub(gone).saturating_sub(bytes_max);
    let last_day = view.days.keys().next_back().map(|(day, _)| *day);
    for ((day, table), listed) in &view.days {
        let whole_day = Some(*day) != last_day;
        let droppable = if whole_day {
            listed.files.len()
        } else {
            listed.files.len().saturating_sub(1)
        };
        let mut room = 0;
        for file in listed.files.iter().take(droppable).filter(|file| !held(file)) {
            if excess == 0 || (!whole_day && room >= excess) {
                break;
            }
            let plan = plans.entry((*day, *table)).or_default();
            // What is over already keeps its reason, and its bytes were counted as gone.
            if let Entry::Vacant(place) = plan.whole.entry(file.name.clone()) {
                place.insert(false);
                plan.parts.remove(&file.name);
                room += file.bytes;
            }
        }
        excess = excess.saturating_sub(room);
    }
}

impl Plan {
    fn has(&self, file: &FileEntry, source: &SourceId) -> bool {
        self.whole.contains_key(&file.name)
            || self
                .parts
                .get(&file.name)
                .is_some_and(|sources| sources.contains_key(source))
    }

    /// Takes the rows of a source from a file; when it was the last source, the file goes whole.
    fn drop_part(&mut self, file: &FileEntry, source: &SourceId, expired: bool) {
        let sources = self.parts.entry(file.name.clone()).or_default();
        sources.insert(source.clone(), expired);
        if sources.len() == file.facts.sources.len() {
            let expired = sources.values().all(|expired| *expired);
            self.parts.remove(&file.name);
            self.whole.insert(file.name.clone(), expired);
        }
    }
}

impl Inner {
    /// The files of a day without what is to go, and what goes.
    fn without<R: Stored>(
        &self,
        day: Date,
        files: &[FileEntry],
        plan: &Plan,
    ) -> Result<(Change, Vec<Dropped>), FlushError> {
        let mut remove = BTreeSet::new();
        let mut told = [true, false].map(|expired| Dropped::nothing(R::TABLE, day, expired));
        for file in files {
            if let Some(expired) = plan.whole.get(&file.name) {
                told[usize::from(!expired)].add_file(file);
                remove.insert(file.name.clone());
            }
        }
        let mut segments = Vec::new();
        let rewritten = files
            .iter()
            .filter_map(|file| Some((file, plan.parts.get(&file.name)?)));
        for (file, sources) in rewritten.take(REWRITTEN_MAX) {
            // What cannot be read stays as it is, to be named by whoever hunts and by verify.
            let Some(rest) = self.rest_of::<R>(day, file, sources)? else {
                continue;
            };
            segments.extend(rest);
            remove.insert(file.name.clone());
            for (source, expired) in sources {
                let dropped = &mut told[usize::from(!expired)];
                dropped.bytes += share(file, source);
                dropped.add(source, file.facts.sources.get(source).copied().unwrap_or_default());
            }
        }
        let add = if segments.is_empty() {
            None
        } else {
            let facts = Facts::joined(segments.iter().map(|segment| &segment.facts));
            let parts: Vec<Bytes> = segments.iter().map(|segment| segment.parquet.clone()).collect();
            Some((Bytes::from(segment::join(&parts)?), facts))
        };
        let mut lost = BTreeMap::new();
        for (source, count) in told.iter().flat_map(|dropped| &dropped.sources) {
            let sum: &mut SourceCount = lost.entry(source.clone()).or_default();
            sum.rows += count.rows;
            sum.records += count.records;
        }
        let change = Change {
            table: R::TABLE,
            day,
            add,
            remove,
            lost,
            regained: BTreeMap::new(),
        };
        Ok((change, told.into_iter().filter(|dropped| dropped.rows > 0).collect()))
    }

    /// The rows of a file that are of other sources, in segments; nothing if it cannot be read.
    fn rest_of<R: Stored>(
        &self,
        day: Date,
        file: &FileEntry,
        gone: &BTreeMap<SourceId, bool>,
    ) -> Result<Option<Vec<segment::Segment>>, FlushError> {
        let Some(bytes) = self.whole(R::TABLE, day, file) else {
            return Ok(None);
        };
        let mut segments = Vec::new();
        let mut rows: Vec<R> = Vec::new();
        let mut failure = None;
        let read = segment::read(bytes, &Filter::default(), &mut |row: R| {
            if !gone.contains_key(row.source()) {
                rows.push(row);
            }
            if rows.len() >= SEGMENT_ROWS {
                match segment::encode(&std::mem::take(&mut rows)) {
                    Ok(segment) => segments.push(segment),
                    Err(error) => {
                        failure = Some(error);
                        return ControlFlow::Break(());
                    }
                }
            }
            ControlFlow::Continue(())
        });
        if let Some(error) = failure {
            return Err(error);
        }
        if read.is_err() {
            return Ok(None);
        }
        if !rows.is_empty() {
            segments.push(segment::encode(&rows)?);
        }
        Ok(Some(segments))
    }
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

    #[test]
    fn a_source_is_kept_as_the_longest_name_says() {
        let keep = |days| Keep {
            days: Some(days),
            ..Keep::default()
        };
        let config = Config {
            sources: [("web*", 1), ("web-1*", 2), ("web-12", 3), ("*", 9)]
                .map(|(name, days)| (name.to_owned(), keep(days)))
                .into(),
            ..Config::default()
        };
        for (source, days) in [("web", 1), ("web-1", 2), ("web-12", 3), ("web-123", 2), ("mail", 9)] {
            assert_eq!(keep_of(&config, &SourceId::new(source)).days, Some(days), "{source}");
        }
        assert_eq!(keep_of(&Config::default(), &SourceId::new("web")), Keep::default());
    }
}
