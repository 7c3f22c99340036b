//! A bounded memory of which atoms a value satisfies: most values that rules look at repeat within their field.
//! Two generations: when the young one is full it becomes the old one, so that what is asked for again survives. Of fields whose
//! values do not come back often enough only a sample is remembered, by which it is seen when they do.

use std::hash::{BuildHasher, Hasher};
use std::ops::Range;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::index::AtomId;

/// Longest value that is remembered, in bytes.
pub(crate) const VALUE_BYTES_MAX: usize = 4 << 10;
/// Most bytes of values in a generation.
const GENERATION_BYTES_MAX: usize = 4 << 20;
/// Most values in a generation.
const GENERATION_VALUES_MAX: usize = 48 << 10;
/// Most atoms in a generation.
const GENERATION_ATOMS_MAX: usize = 512 << 10;
/// One value in so many belongs to the sample of its field, chosen by its hash so that all its repetitions do.
const SAMPLE_ONE_IN: u64 = 16;
/// After so many values of the sample it is decided whether to remember the others.
const SAMPLE_VALUES: u32 = 64;
/// What looking a value up costs, in nanoseconds by measurement, as are the next three.
const LOOKUP_COST: u32 = 30;
/// What remembering a value costs.
const INSERT_COST: u32 = 50;
/// What searching a value costs, however short.
const SEARCH_COST: u32 = 40;
/// What searching a byte costs.
const SEARCH_BYTE_COST: u32 = 2;

/// A value of a field as the record gave it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key<'a> {
    /// The field.
    pub(crate) field: u32,
    /// Whether the text has JSON escapes that are not resolved.
    pub(crate) is_escaped: bool,
    /// The text.
    pub(crate) text: &'a str,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    hash: u64,
    /// The field, shifted left by one, and whether the text is escaped.
    tag: u32,
    text_start: u32,
    text_length: u32,
    atoms_start: u32,
    atoms_length: u32,
}

#[derive(Debug, Default)]
struct Generation {
    entries: HashTable<Entry>,
    texts: Vec<u8>,
    atoms: Vec<AtomId>,
}

/// How the sample of a field's values fared since the last decision.
#[derive(Debug, Clone, Copy, Default)]
struct Habit {
    asked: u32,
    found: u32,
    bytes: u32,
    /// Whether only the sample is remembered.
    is_sampled: bool,
}

/// The memory.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    young: Generation,
    old: Generation,
    /// By field.
    habits: Vec<Habit>,
}

const fn is_in_sample(hash: u64) -> bool {
    // The table takes its place from the low bits and its tag from the high ones.
    (hash >> 32).is_multiple_of(SAMPLE_ONE_IN)
}

impl Habit {
    fn note(&mut self, is_found: bool, length: usize) {
        self.asked += 1;
        self.found += u32::from(is_found);
        self.bytes += u32::try_from(length).expect("what is remembered is limited");
        if self.asked == SAMPLE_VALUES {
            let saved = self.found * (SEARCH_COST + SEARCH_BYTE_COST * self.bytes / self.asked);
            let spent = self.asked * LOOKUP_COST + (self.asked - self.found) * INSERT_COST;
            *self = Self {
                is_sampled: saved < spent,
                ..Self::default()
            };
        }
    }
}

impl Key<'_> {
    const fn tag(self) -> u32 {
        self.field << 1 | self.is_escaped as u32
    }

    /// Hashes the key; the same in every process, so that a run can be repeated.
    #[inline]
    pub(crate) fn hash(self) -> u64 {
        let mut hasher = FixedState::with_seed(u64::from(self.tag())).build_hasher();
        hasher.write(self.text.as_bytes());
        hasher.finish()
    }
}

impl Generation {
    /// Returns where the atoms of a value lie.
    #[inline]
    fn find(&self, key: Key<'_>, hash: u64) -> Option<Range<usize>> {
        let entry = self.entries.find(hash, |entry| {
            entry.hash == hash
                && entry.tag == key.tag()
                && &self.texts[entry.text_start as usize..][..entry.text_length as usize] == key.text.as_bytes()
        })?;
        let start = entry.atoms_start as usize;
        Some(start..start + entry.atoms_length as usize)
    }

    fn is_full(&self) -> bool {
        self.texts.len() > GENERATION_BYTES_MAX
            || self.entries.len() >= GENERATION_VALUES_MAX
            || self.atoms.len() > GENERATION_ATOMS_MAX
    }

    fn insert(&mut self, key: Key<'_>, hash: u64, atoms: &[AtomId]) {
        let narrow = |length: usize| u32::try_from(length).expect("a generation is far smaller than 4 GiB");
        let entry = Entry {
            hash,
            tag: key.tag(),
            text_start: narrow(self.texts.len()),
            text_length: narrow(key.text.len()),
            atoms_start: narrow(self.atoms.len()),
            atoms_length: narrow(atoms.len()),
        };
        self.texts.extend_from_slice(key.text.as_bytes());
        self.atoms.extend_from_slice(atoms);
        self.entries.insert_unique(hash, entry, |entry| entry.hash);
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.texts.clear();
        self.atoms.clear();
    }
}

impl Memo {
    /// Makes a memory for so many fields.
    pub(crate) fn new(fields: usize) -> Self {
        Self {
            habits: vec![Habit::default(); fields],
            ..Self::default()
        }
    }

    /// Tells whether the value is to be looked up and remembered; if not, searching it is cheaper.
    #[inline]
    pub(crate) fn is_for(&self, key: Key<'_>, hash: u64) -> bool {
        !self.habits[key.field as usize].is_sampled || is_in_sample(hash)
    }

    /// Returns the atoms remembered for a value.
    #[inline]
    pub(crate) fn find(&mut self, key: Key<'_>, hash: u64) -> Option<&[AtomId]> {
        let young = self.young.find(key, hash);
        let old = if young.is_none() {
            self.old.find(key, hash)
        } else {
            None
        };
        if is_in_sample(hash) {
            self.habits[key.field as usize].note(young.is_some() || old.is_some(), key.text.len());
        }
        if let Some(range) = young {
            return Some(&self.young.atoms[range]);
        }
        let range = old?;
        self.young.insert(key, hash, &self.old.atoms[range.clone()]);
        Some(&self.old.atoms[range])
    }

    /// Remembers a value.
    pub(crate) fn insert(&mut self, key: Key<'_>, hash: u64, atoms: &[AtomId]) {
        if self.young.is_full() {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert(key, hash, atoms);
    }
}
