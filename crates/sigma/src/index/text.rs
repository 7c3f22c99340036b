//! The index over the texts of one field: which of thousands of patterns a text satisfies, in one pass.
//! Equality by hash, beginnings and ends by hash per length, substrings by one Aho-Corasick automaton, and patterns with
//! inner wildcards or regular expressions only when a literal that they require has been seen.

use daachorse::{DoubleArrayAhoCorasick, DoubleArrayAhoCorasickBuilder};
use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::prefilter::{NEEDLES_MAX, needle_of};
use crate::pattern::{Pattern, Shape};

/// The number of an atom within the engine.
pub(crate) type AtomId = u32;

/// What a text test asks, before it is indexed.
#[derive(Debug, Clone)]
pub(crate) enum Probe {
    /// A pattern that is the whole question.
    Pattern(Pattern),
    /// Any of these literals must be seen before the check is made.
    Check {
        /// The literals.
        literals: Vec<String>,
        /// The number of the check.
        check: u32,
    },
}

type Table = HashMap<Box<str>, AtomId, FixedState>;

/// An automaton that finds literals.
struct Automaton(DoubleArrayAhoCorasick<u32>);

impl std::fmt::Debug for Automaton {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Automaton")
            .field("states", &self.0.num_states())
            .finish()
    }
}

/// The index over the texts of one field, folded or as they are.
#[derive(Debug, Default)]
pub(crate) struct TextIndex {
    exact: Table,
    /// One bit for each length in bytes of the texts in `exact`, from 63 on the same.
    exact_lengths: u64,
    prefixes: Ends,
    suffixes: Ends,
    automaton: Option<Automaton>,
    /// For each literal of the automaton, where its actions begin in `actions`; one more at the end.
    action_starts: Vec<u32>,
    actions: Vec<Action>,
    globs: Vec<(Pattern, AtomId)>,
    /// If nothing but literals inside the text is asked: for each the part of it that survives JSON's escapes.
    needles: Option<Vec<Box<str>>>,
}

/// What follows when a literal has been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Action {
    /// The atom holds.
    Hit(AtomId),
    /// A glob may match.
    Glob(u32),
    /// An outside check may succeed.
    Check(u32),
}

/// Collects the tests of a field and builds its index.
#[derive(Debug, Default)]
pub(crate) struct TextIndexBuilder {
    index: TextIndex,
    literals: std::collections::BTreeMap<String, Vec<Action>>,
}

impl TextIndexBuilder {
    /// Adds a test.
    pub(crate) fn add(&mut self, probe: Probe, atom: AtomId) {
        let pattern = match probe {
            Probe::Pattern(pattern) => pattern,
            Probe::Check { literals, check } => {
                for literal in literals {
                    self.on(literal, Action::Check(check));
                }
                return;
            }
        };
        match pattern.shape() {
            Shape::Exact(text) => {
                self.index.exact_lengths |= length_bit(text);
                self.index.exact.insert(text.into(), atom);
            }
            Shape::Prefix(text) => {
                self.index
                    .prefixes
                    .add(text, atom, |text| text.as_bytes().first_chunk());
            }
            Shape::Suffix(text) => {
                self.index.suffixes.add(text, atom, |text| text.as_bytes().last_chunk());
            }
            Shape::Contains(text) => self.on(text.to_owned(), Action::Hit(atom)),
            Shape::Anything | Shape::Glob => {
                let glob = u32::try_from(self.index.globs.len()).expect("fewer atoms than 2^32");
                if let Some(literal) = pattern.longest_literal() {
                    self.on(literal.to_owned(), Action::Glob(glob));
                }
                self.index.globs.push((pattern, atom));
            }
        }
    }

    fn needles(&self) -> Option<Vec<Box<str>>> {
        let index = &self.index;
        let asks_only_inside = index.exact.is_empty()
            && index.prefixes.is_empty()
            && index.suffixes.is_empty()
            && index
                .globs
                .iter()
                .all(|(pattern, _)| pattern.longest_literal().is_some());
        if !asks_only_inside || self.literals.len() > NEEDLES_MAX {
            return None;
        }
        self.literals
            .keys()
            .map(|literal| needle_of(literal).map(Box::from))
            .collect()
    }

    fn on(&mut self, literal: String, action: Action) {
        self.literals.entry(literal).or_default().push(action);
    }

    /// Builds the index.
    pub(crate) fn build(mut self) -> TextIndex {
        self.index.action_starts.push(0);
        for actions in self.literals.values_mut() {
            actions.sort_unstable();
            actions.dedup();
            self.index.actions.extend_from_slice(actions);
            self.index
                .action_starts
                .push(u32::try_from(self.index.actions.len()).expect("fewer actions than 2^32"));
        }
        if !self.literals.is_empty() {
            let built = DoubleArrayAhoCorasickBuilder::new()
                .use_prefilter(true)
                .build(self.literals.keys());
            self.index.automaton = Some(Automaton(
                built.expect("literals are unique, not empty and within the limits"),
            ));
        }
        self.index.needles = self.needles();
        self.index
    }
}

const fn length_bit(text: &str) -> u64 {
    1 << if text.len() < 63 { text.len() } else { 63 }
}

/// How many bytes at the end or beginning of a text choose the lengths that are worth a look.
const TIP_BYTES: usize = 8;

/// Beginnings or ends of texts: looked up by hash, length by length. Of the long ones only the lengths are tried for which some
/// literal has the same eight bytes at its tip.
#[derive(Debug, Default)]
struct Ends {
    short: Vec<(usize, Table)>,
    long: HashMap<[u8; TIP_BYTES], Vec<(usize, Table)>, FixedState>,
}

impl Ends {
    fn add(&mut self, text: &str, atom: AtomId, tip: impl Fn(&str) -> Option<&[u8; TIP_BYTES]>) {
        let tables = match tip(text) {
            Some(tip) => self.long.entry(*tip).or_default(),
            None => &mut self.short,
        };
        let place = tables
            .iter()
            .position(|(length, _)| *length == text.len())
            .unwrap_or_else(|| {
                tables.push((text.len(), Table::default()));
                tables.len() - 1
            });
        tables[place].1.insert(text.into(), atom);
    }

    fn is_empty(&self) -> bool {
        self.short.is_empty() && self.long.is_empty()
    }

    /// Calls `hit` for each literal that is the part of its length that `cut` cuts off the text.
    #[inline]
    fn find<'a>(&self, tip: Option<&[u8; TIP_BYTES]>, cut: impl Fn(usize) -> Option<&'a str>, atoms: &mut Vec<AtomId>) {
        let long = tip.and_then(|tip| self.long.get(tip)).map_or(&[][..], Vec::as_slice);
        for (length, table) in self.short.iter().chain(long) {
            if let Some(part) = cut(*length)
                && let Some(atom) = table.get(part)
            {
                atoms.push(*atom);
            }
        }
    }
}

/// What a search found, in buffers that are kept from search to search.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The atoms that hold; each may appear more than once.
    pub(crate) atoms: Vec<AtomId>,
    /// The checks to be made; each may appear more than once.
    pub(crate) checks: Vec<u32>,
    globs: Vec<u32>,
    seen: Vec<u32>,
    seen_marks: Vec<u32>,
    mark: u32,
}

impl Found {
    /// Forgets what was found.
    pub(crate) fn clear(&mut self) {
        self.atoms.clear();
        self.checks.clear();
    }

    fn begin(&mut self, literals: usize) {
        self.globs.clear();
        self.seen.clear();
        if self.seen_marks.len() < literals {
            self.seen_marks.resize(literals, 0);
        }
        self.mark = self.mark.wrapping_add(1);
        if self.mark == 0 {
            self.seen_marks.fill(0);
            self.mark = 1;
        }
    }

    fn see(&mut self, literal: u32) {
        let mark = &mut self.seen_marks[literal as usize];
        if *mark != self.mark {
            *mark = self.mark;
            self.seen.push(literal);
        }
    }
}

impl TextIndex {
    /// Tells whether the index asks nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.exact.is_empty()
            && self.prefixes.is_empty()
            && self.suffixes.is_empty()
            && self.automaton.is_none()
            && self.globs.is_empty()
    }

    /// Tells whether nothing but equality is asked.
    pub(crate) fn asks_only_equality(&self) -> bool {
        self.prefixes.is_empty() && self.suffixes.is_empty() && self.automaton.is_none() && self.globs.is_empty()
    }

    /// Returns needles of which a text must contain one to satisfy anything, if there are such.
    pub(crate) fn needles(&self) -> Option<&[Box<str>]> {
        self.needles.as_deref()
    }

    /// Finds the atoms that a text satisfies and the checks that it calls for.
    pub(crate) fn find(&self, text: &str, found: &mut Found) {
        if self.exact_lengths & length_bit(text) != 0
            && let Some(atom) = self.exact.get(text)
        {
            found.atoms.push(*atom);
        }
        let bytes = text.as_bytes();
        if !self.prefixes.is_empty() {
            self.prefixes
                .find(bytes.first_chunk(), |length| text.get(..length), &mut found.atoms);
        }
        if !self.suffixes.is_empty() {
            let cut = |length: usize| text.get(text.len().checked_sub(length)?..);
            self.suffixes.find(bytes.last_chunk(), cut, &mut found.atoms);
        }
        self.find_inside(text, found);
    }

    fn find_inside(&self, text: &str, found: &mut Found) {
        if let Some(Automaton(automaton)) = &self.automaton {
            found.begin(self.action_starts.len());
            for hit in automaton.find_overlapping_iter(text) {
                found.see(hit.value());
            }
            for place in 0..found.seen.len() {
                let literal = found.seen[place] as usize;
                let (from, to) = (
                    self.action_starts[literal] as usize,
                    self.action_starts[literal + 1] as usize,
                );
                for action in &self.actions[from..to] {
                    match action {
                        Action::Hit(atom) => found.atoms.push(*atom),
                        Action::Glob(glob) => found.globs.push(*glob),
                        Action::Check(check) => found.checks.push(*check),
                    }
                }
            }
            for place in 0..found.globs.len() {
                let (pattern, atom) = &self.globs[found.globs[place] as usize];
                if pattern.matches(text) {
                    found.atoms.push(*atom);
                }
            }
        }
        for (pattern, atom) in &self.globs {
            if pattern.longest_literal().is_none() && pattern.matches(text) {
                found.atoms.push(*atom);
            }
        }
    }
}
