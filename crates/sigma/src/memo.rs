//! A bounded memory of which atoms a value satisfies: nearly all values that rules look at repeat within their field.
//! Two generations: when the young one is full it becomes the old one, so that what is asked for again survives.

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

/// The memory.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    young: Generation,
    old: Generation,
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
    /// Returns the atoms remembered for a value.
    #[inline]
    pub(crate) fn find(&mut self, key: Key<'_>, hash: u64) -> Option<&[AtomId]> {
        if let Some(range) = self.young.find(key, hash) {
            return Some(&self.young.atoms[range]);
        }
        let range = self.old.find(key, hash)?;
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
