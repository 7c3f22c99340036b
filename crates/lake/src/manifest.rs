//! What the lake consists of. `manifest.json` names one list of files for each day; a new one replaces it in one
//! rename, and with it new files, the files they replace and the lake's position become valid together.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io,
    path::{Path, PathBuf},
};

use jiff::civil::Date;
use model::{Seq, SourceId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    catalog::View,
    row::{Row, Table},
};

/// The name of the root of everything.
pub(crate) const ROOT: &str = "manifest.json";

const VERSION: u32 = 1;

/// How many rows and journal records came from a source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceCount {
    /// Rows: events, or refused records.
    pub rows: u64,
    /// The journal records that they stand for.
    pub records: u64,
}

/// What is known of a file without opening it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Facts {
    pub(crate) rows: u64,
    /// First and last number.
    pub(crate) seqs: (Seq, Seq),
    /// First and last, in microseconds since 1970.
    pub(crate) happened_at: (i64, i64),
    pub(crate) sources: BTreeMap<SourceId, SourceCount>,
}

impl Facts {
    fn none() -> Self {
        Self {
            rows: 0,
            seqs: (Seq::MAX, 0),
            happened_at: (i64::MAX, i64::MIN),
            sources: BTreeMap::new(),
        }
    }

    pub(crate) fn of<R: Row>(rows: &[R]) -> Self {
        let mut facts = Self::none();
        for row in rows {
            let at = row.happened_at().as_microsecond();
            facts.rows += 1;
            facts.seqs = (facts.seqs.0.min(row.seq()), facts.seqs.1.max(row.seq()));
            facts.happened_at = (facts.happened_at.0.min(at), facts.happened_at.1.max(at));
            // A look-up before an insert spares a copy of the name for all rows but the first.
            if !facts.sources.contains_key(row.source()) {
                facts.sources.insert(row.source().clone(), SourceCount::default());
            }
            if let Some(count) = facts.sources.get_mut(row.source()) {
                count.rows += 1;
                count.records += u64::from(row.records());
            }
        }
        facts
    }

    pub(crate) fn joined<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut facts = Self::none();
        for part in parts {
            facts.rows += part.rows;
            facts.seqs = (facts.seqs.0.min(part.seqs.0), facts.seqs.1.max(part.seqs.1));
            facts.happened_at = (
                facts.happened_at.0.min(part.happened_at.0),
                facts.happened_at.1.max(part.happened_at.1),
            );
            for (source, count) in &part.sources {
                let sum = facts.sources.entry(source.clone()).or_default();
                sum.rows += count.rows;
                sum.records += count.records;
            }
        }
        facts
    }
}

/// A Parquet file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileEntry {
    /// Its name in the folder of its day.
    pub(crate) name: String,
    pub(crate) bytes: u64,
    /// BLAKE3 of all its bytes, hexadecimal.
    pub(crate) blake3: String,
    pub(crate) facts: Facts,
}

/// The files of one day of one table; `manifest-<generation>.json` in the folder of the day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DayList {
    version: u32,
    pub(crate) files: Vec<FileEntry>,
}

impl DayList {
    pub(crate) fn of(files: Vec<FileEntry>) -> Self {
        Self {
            version: VERSION,
            files,
        }
    }
}

/// How far the lake has come in the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Everything before this entry is in the lake; reading must begin here after a restart.
    pub resume: Seq,
    /// Numbers from `resume` on that are in the lake already, because something before them had to wait to be joined.
    pub ahead: BTreeSet<Seq>,
}

impl Position {
    /// Whether the row with this number is in the lake.
    #[must_use]
    pub fn has(&self, seq: Seq) -> bool {
        seq < self.resume || self.ahead.contains(&seq)
    }

    pub(crate) fn advance(&mut self, resume: Seq) {
        self.resume = self.resume.max(resume);
        self.ahead = self.ahead.split_off(&self.resume);
    }
}

/// Names the list of one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DayEntry {
    pub(crate) table: Table,
    pub(crate) day: Date,
    /// The name of the list in the folder of the day.
    pub(crate) list: String,
    /// BLAKE3 of the list, hexadecimal.
    pub(crate) blake3: String,
}

/// The root.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Root {
    version: u32,
    /// Counts the attempts to write; names of files are never used twice.
    pub(crate) generation: u64,
    pub(crate) position: Position,
    /// Events that were in the lake and were dropped, by source.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) dropped: BTreeMap<SourceId, SourceCount>,
    pub(crate) days: Vec<DayEntry>,
}

impl Root {
    pub(crate) fn of(generation: u64, view: &View, days: Vec<DayEntry>) -> Self {
        Self {
            version: VERSION,
            generation,
            position: view.position.clone(),
            dropped: view.dropped.clone(),
            days,
        }
    }
}

/// The folder of a day, relative to the lake's.
pub(crate) fn day_folder(table: Table, day: Date) -> PathBuf {
    PathBuf::from(table.folder()).join(format!("day={day}"))
}

pub(crate) fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// The hash of a file, which may be larger than what memory should hold.
pub(crate) fn hash_of_file(path: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(hasher.finalize().to_hex().to_string())
}

pub(crate) fn write(value: &impl Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec(value).expect("manifests are maps with text keys");
    text.push(b'\n');
    text
}

/// Reads a root or a list of a day.
fn read<T: DeserializeOwned>(bytes: &[u8], version_of: impl Fn(&T) -> u32) -> Result<T, String> {
    let value: T = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    match version_of(&value) {
        VERSION => Ok(value),
        other => Err(format!("version {other} is not known")),
    }
}

pub(crate) fn read_root(bytes: &[u8]) -> Result<Root, String> {
    let root: Root = read(bytes, |root: &Root| root.version)?;
    match root.days.iter().find(|day| !is_plain_name(&day.list)) {
        Some(day) => Err(format!("{:?} is not the name of a list", day.list)),
        None => Ok(root),
    }
}

pub(crate) fn read_list(bytes: &[u8]) -> Result<DayList, String> {
    let list: DayList = read(bytes, |list: &DayList| list.version)?;
    match list.files.iter().find(|file| !is_plain_name(&file.name)) {
        Some(file) => Err(format!("{:?} is not the name of a file", file.name)),
        None => Ok(list),
    }
}

/// Reads a manifest of either kind from any bytes, for the fuzzer.
#[must_use]
pub fn is_manifest(bytes: &[u8]) -> bool {
    read_root(bytes).is_ok() || read_list(bytes).is_ok()
}

/// A name that stays in its folder.
fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_manifests_of_this_version_with_names_in_their_folder_are_read() {
        let root = |version, list: &str| {
            format!(
                r#"{{"version":{version},"generation":1,"position":{{"resume":1,"ahead":[]}},
                "days":[{{"table":"events","day":"2026-11-25","list":"{list}","blake3":""}}]}}"#
            )
        };
        assert!(read_root(root(1, "manifest-1.json").as_bytes()).is_ok());
        for wrong in [
            root(2, "manifest-1.json"),
            root(1, "../m.json"),
            root(1, ""),
            "{".to_owned(),
        ] {
            assert!(read_root(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn manifests_of_version_1_are_read_for_good_and_others_refused() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/manifests");
        let mut read = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let refused = path.to_string_lossy().contains("refused");
            assert_eq!(is_manifest(&bytes), !refused, "{}", path.display());
            read += 1;
        }
        assert!(read >= 6);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_manifest_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(read_root(&bytes).is_err() && read_list(&bytes).is_err());
        }

        #[test]
        fn a_position_knows_what_is_there(resume in 0u64..50, ahead in prop::collection::btree_set(0u64..100, 0..20), to in 0u64..80) {
            let mut position = Position { resume, ahead };
            let before = position.clone();
            position.advance(to);
            for seq in 0..100 {
                prop_assert_eq!(position.has(seq), before.has(seq) || seq < to);
            }
        }
    }
}
