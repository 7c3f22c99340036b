//! The index over one field: all atoms that ask it, and which of them a value satisfies.

mod prefilter;
mod text;

use hashbrown::HashMap;

pub(crate) use self::prefilter::{Prefilter, fold_bytes, needle_of};
pub(crate) use self::text::{AtomId, Found};
use self::text::{Probe, TextIndex, TextIndexBuilder};
use crate::atom::{Comparison, Number, Test, TimePart, address_bits, mask};
use crate::fold::fold_into;
use crate::regular::{Regular, bytes_min, required_literals};
use crate::time_part::time_part;

/// All atoms that ask one field.
#[derive(Debug, Default)]
pub(crate) struct FieldIndex {
    /// Holds for any value at all.
    pub(crate) present: Option<AtomId>,
    /// Holds for null.
    pub(crate) null: Option<AtomId>,
    folded: TextIndex,
    cased: TextIndex,
    /// With the length in bytes below which a text cannot match.
    regulars: Vec<(Regular, usize, AtomId)>,
    /// Regular expressions that require no literal, by their place in `regulars`.
    unconditional: Vec<u32>,
    /// Networks by length of prefix.
    networks: Vec<(u8, HashMap<u128, AtomId, foldhash::fast::FixedState>)>,
    comparisons: Vec<(Option<TimePart>, Comparison, Number, AtomId)>,
    /// Whether a rule compares this field with another, so that its values must be kept.
    pub(crate) is_referenced: bool,
    /// Whether a search is one look-up by hash, as quick as remembering what it finds.
    pub(crate) is_quick: bool,
    /// Rules long texts out quickly, if the field's few atoms all need a literal inside.
    pub(crate) prefilter: Option<Prefilter>,
}

/// Collects the atoms of a field.
#[derive(Debug, Default)]
pub(crate) struct FieldIndexBuilder {
    index: FieldIndex,
    folded: TextIndexBuilder,
    cased: TextIndexBuilder,
}

impl FieldIndexBuilder {
    /// Adds an atom.
    pub(crate) fn add(&mut self, test: &Test, atom: AtomId) {
        match test {
            Test::Present => self.index.present = Some(atom),
            Test::Null => self.index.null = Some(atom),
            Test::Text { pattern, cased } => {
                let builder = if *cased { &mut self.cased } else { &mut self.folded };
                builder.add(Probe::Pattern(pattern.clone()), atom);
            }
            Test::Regex(regular) => {
                let check = u32::try_from(self.index.regulars.len()).expect("fewer atoms than 2^32");
                match required_literals(regular.pattern()) {
                    Some(literals) => self.folded.add(Probe::Check { literals, check }, atom),
                    None => self.index.unconditional.push(check),
                }
                self.index
                    .regulars
                    .push((regular.clone(), bytes_min(regular.pattern()), atom));
            }
            Test::Cidr(network) => {
                let networks = &mut self.index.networks;
                let place = networks
                    .iter()
                    .position(|(length, _)| *length == network.length)
                    .unwrap_or_else(|| {
                        networks.push((network.length, HashMap::default()));
                        networks.len() - 1
                    });
                networks[place].1.insert(network.base, atom);
            }
            Test::Compare {
                part,
                comparison,
                bound,
            } => {
                self.index.comparisons.push((*part, *comparison, *bound, atom));
            }
            Test::FieldRef { .. } => self.index.is_referenced = true,
        }
    }

    /// Says that a rule compares another field with this one.
    pub(crate) fn reference(&mut self) {
        self.index.is_referenced = true;
    }

    /// Builds the index.
    pub(crate) fn build(mut self) -> FieldIndex {
        self.index.folded = self.folded.build();
        self.index.cased = self.cased.build();
        self.index.is_quick = self.index.cased.is_empty()
            && self.index.folded.asks_only_equality()
            && self.index.regulars.is_empty()
            && self.index.networks.is_empty()
            && self.index.comparisons.is_empty();
        self.index.prefilter = self
            .index
            .needles()
            .and_then(|needles| Prefilter::new(needles.iter().map(AsRef::as_ref)));
        self.index
    }
}

impl FieldIndex {
    /// Returns needles of which a text must contain one to satisfy any atom, if there are such.
    fn needles(&self) -> Option<&[Box<str>]> {
        let asks_only_folded = self.cased.is_empty()
            && self.unconditional.is_empty()
            && self.networks.is_empty()
            && self.comparisons.is_empty();
        if asks_only_folded { self.folded.needles() } else { None }
    }

    /// Finds all atoms that a text satisfies, `present` left out; each atom once, in `found.atoms`.
    pub(crate) fn find(&self, text: &str, folded: &mut String, found: &mut Found) {
        found.clear();
        if !self.folded.is_empty() {
            fold_into(text, folded);
            self.folded.find(folded, found);
        }
        if !self.cased.is_empty() {
            self.cased.find(text, found);
        }
        if !self.regulars.is_empty() {
            found.checks.extend_from_slice(&self.unconditional);
            found.checks.sort_unstable();
            found.checks.dedup();
            for place in 0..found.checks.len() {
                let (regular, bytes_min, atom) = &self.regulars[found.checks[place] as usize];
                if text.len() >= *bytes_min && regular.regex().is_match(text) {
                    found.atoms.push(*atom);
                }
            }
        }
        if !self.networks.is_empty()
            && let Some(address) = address_bits(text)
        {
            let hit = |(length, table): &(u8, HashMap<u128, AtomId, _>)| table.get(&(address & mask(*length))).copied();
            found.atoms.extend(self.networks.iter().filter_map(hit));
        }
        if !self.comparisons.is_empty() {
            self.compare(text, found);
        }
        found.atoms.sort_unstable();
        found.atoms.dedup();
    }

    fn compare(&self, text: &str, found: &mut Found) {
        let value = Number::parse(text);
        for (part, comparison, bound, atom) in &self.comparisons {
            let value = match part {
                None => value,
                Some(part) => time_part(text, *part).map(|value| Number::Int(value.into())),
            };
            if value.is_some_and(|value| comparison.accepts(value.order(*bound))) {
                found.atoms.push(*atom);
            }
        }
    }
}
