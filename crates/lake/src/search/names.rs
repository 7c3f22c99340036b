//! The names that a search line knows: columns, short names that stand for several columns, and fields of records.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use datafusion::common::utils::datafusion_strsim::levenshtein;
use model::EntityColumn;

use crate::entities::{EntityKind, kind_of};

/// Most names that are proposed for one that is not known.
const NEAR_MAX: usize = 3;

/// A column of the table of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnKind,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text.
    Text,
    /// An address.
    Address,
    /// A whole number.
    Number,
    /// A moment.
    Time,
    /// Several texts.
    List,
    /// Yes or no.
    Flag,
}

const OWN: [(&str, ColumnKind); 9] = [
    ("happened_at", ColumnKind::Time),
    ("received_at", ColumnKind::Time),
    ("source", ColumnKind::Text),
    ("format", ColumnKind::Text),
    ("logsources", ColumnKind::List),
    ("problems", ColumnKind::List),
    ("exercise", ColumnKind::Flag),
    ("seq", ColumnKind::Number),
    ("records", ColumnKind::Number),
];

/// Short names, each for all of its columns.
pub const ALIASES: [(&str, &[&str]); 9] = [
    ("ip", &["source.ip", "destination.ip"]),
    ("port", &["source.port", "destination.port"]),
    ("host", &["host.name"]),
    ("user", &["user.name"]),
    ("hash", &["file.hash.md5", "file.hash.sha1", "file.hash.sha256"]),
    ("domain", &["url.domain"]),
    ("file", &["file.path", "process.executable"]),
    (
        "process",
        &[
            "process.executable",
            "process.command_line",
            "process.parent.executable",
        ],
    ),
    ("time", &["happened_at"]),
];

static COLUMNS: LazyLock<Vec<Column>> = LazyLock::new(|| {
    let own = OWN.iter().map(|(name, kind)| Column { name, kind: *kind });
    let entities = EntityColumn::ALL.iter().map(|column| Column {
        name: column.ecs_name(),
        kind: match kind_of(*column) {
            EntityKind::Text => ColumnKind::Text,
            EntityKind::Address => ColumnKind::Address,
            EntityKind::Number => ColumnKind::Number,
        },
    });
    own.chain(entities).collect()
});

/// All columns that a search line may name.
#[must_use]
pub fn columns() -> &'static [Column] {
    &COLUMNS
}

/// A column by its name, whatever its case.
#[must_use]
pub fn column(name: &str) -> Option<Column> {
    COLUMNS
        .iter()
        .find(|column| column.name.eq_ignore_ascii_case(name))
        .copied()
}

/// The columns that a short name stands for.
pub(super) fn alias(name: &str) -> Option<&'static [&'static str]> {
    let found = ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(name));
    found.map(|(_, columns)| *columns)
}

/// The names that records give their fields, as far as they are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldNames {
    /// By the name in lower case, as records write it.
    spellings: BTreeMap<String, BTreeSet<String>>,
}

impl FromIterator<String> for FieldNames {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        let mut known = Self::default();
        for name in names {
            known.spellings.entry(name.to_lowercase()).or_default().insert(name);
        }
        known
    }
}

impl FieldNames {
    /// How records spell a name.
    pub(super) fn spellings(&self, name: &str) -> Vec<String> {
        let known = self.spellings.get(&name.to_lowercase());
        known.map(|names| names.iter().cloned().collect()).unwrap_or_default()
    }

    /// All names as records spell them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.spellings.values().flatten().map(String::as_str)
    }
}

/// Names that are like one that is not known, nearest first.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<String> {
    let wanted = name.to_lowercase();
    let mut near: Vec<(usize, &str)> = known
        .map(|known| {
            let lower = known.to_lowercase();
            let distance = if wanted.len() > 2 && lower.contains(&wanted) {
                1
            } else {
                levenshtein(&wanted, &lower)
            };
            (distance, known)
        })
        .filter(|(distance, known)| *distance <= known.len().div_ceil(3).max(2).min(wanted.chars().count() / 2 + 1))
        .collect();
    // Among names as near, those that have the same letters come first: letters change places more often than they change.
    let letters = |text: &str| {
        let mut letters: Vec<char> = text.to_lowercase().chars().collect();
        letters.sort_unstable();
        letters
    };
    let same = letters(name);
    near.sort_unstable_by_key(|(distance, known)| (letters(known) != same, *distance, *known));
    near.dedup();
    near.into_iter()
        .take(NEAR_MAX)
        .map(|(_, name)| name.to_owned())
        .collect()
}
