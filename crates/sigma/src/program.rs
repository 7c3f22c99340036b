//! Conditions as compact programs over atoms, and the choice of the atoms by which a rule is reached.

use crate::atom::Logic;
use crate::index::AtomId;

/// From this length on, a list of alternatives is checked by looking the event's atoms up in it instead of the reverse.
const LOOKUP_FROM: usize = 8;

/// The truth of all atoms for one event.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    stamps: Vec<u32>,
    epoch: u32,
    /// The atoms that hold, in the order found.
    pub(crate) held: Vec<AtomId>,
}

impl Truth {
    /// Makes room for so many atoms.
    pub(crate) fn new(atoms: usize) -> Self {
        Self {
            stamps: vec![0; atoms],
            epoch: 0,
            held: Vec::new(),
        }
    }

    /// Begins an event: nothing holds.
    pub(crate) fn begin(&mut self) {
        self.held.clear();
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.stamps.fill(0);
            self.epoch = 1;
        }
    }

    /// Says that an atom holds; returns whether that is news.
    #[inline]
    pub(crate) fn set(&mut self, atom: AtomId) -> bool {
        let stamp = &mut self.stamps[atom as usize];
        let is_news = *stamp != self.epoch;
        if is_news {
            *stamp = self.epoch;
            self.held.push(atom);
        }
        is_news
    }

    #[inline]
    fn holds(&self, atom: AtomId) -> bool {
        self.stamps[atom as usize] == self.epoch
    }
}

/// A node of a program; ranges point into [`Programs::lists`].
#[derive(Debug, Clone, Copy)]
enum Node {
    Atom(AtomId),
    /// Any of these atoms, which are sorted.
    AnyOf(u32, u32),
    /// All of these atoms.
    AllOf(u32, u32),
    And(u32, u32),
    Or(u32, u32),
    AtLeast(u32, u32, u32),
    Not(u32),
}

/// The programs of all rules.
#[derive(Debug, Default)]
pub(crate) struct Programs {
    nodes: Vec<Node>,
    lists: Vec<u32>,
}

fn narrow(value: usize) -> u32 {
    u32::try_from(value).expect("fewer nodes than 2^32")
}

impl Programs {
    /// Compiles a rule's logic and returns its root.
    pub(crate) fn add(&mut self, logic: &Logic<AtomId>) -> u32 {
        let node = match logic {
            Logic::Atom(atom) => Node::Atom(*atom),
            Logic::Not(inner) => Node::Not(self.add(inner)),
            Logic::And(parts) => {
                if let Some(atoms) = atoms_only(parts) {
                    let (from, to) = self.list(&atoms);
                    Node::AllOf(from, to)
                } else {
                    let (from, to) = self.parts(parts);
                    Node::And(from, to)
                }
            }
            Logic::Or(parts) => {
                if let Some(mut atoms) = atoms_only(parts) {
                    atoms.sort_unstable();
                    atoms.dedup();
                    let (from, to) = self.list(&atoms);
                    Node::AnyOf(from, to)
                } else {
                    let (from, to) = self.parts(parts);
                    Node::Or(from, to)
                }
            }
            Logic::AtLeast(count, parts) => {
                let (from, to) = self.parts(parts);
                Node::AtLeast(narrow(*count), from, to)
            }
        };
        self.nodes.push(node);
        narrow(self.nodes.len() - 1)
    }

    fn list(&mut self, items: &[u32]) -> (u32, u32) {
        let from = narrow(self.lists.len());
        self.lists.extend_from_slice(items);
        (from, narrow(self.lists.len()))
    }

    fn parts(&mut self, parts: &[Logic<AtomId>]) -> (u32, u32) {
        let nodes: Vec<u32> = parts.iter().map(|part| self.add(part)).collect();
        self.list(&nodes)
    }

    fn items(&self, from: u32, to: u32) -> &[u32] {
        &self.lists[from as usize..to as usize]
    }

    /// Decides a program.
    pub(crate) fn holds(&self, root: u32, truth: &Truth) -> bool {
        match self.nodes[root as usize] {
            Node::Atom(atom) => truth.holds(atom),
            Node::AnyOf(from, to) => {
                let atoms = self.items(from, to);
                if atoms.len() >= LOOKUP_FROM && atoms.len() > truth.held.len() {
                    truth.held.iter().any(|atom| atoms.binary_search(atom).is_ok())
                } else {
                    atoms.iter().any(|atom| truth.holds(*atom))
                }
            }
            Node::AllOf(from, to) => self.items(from, to).iter().all(|atom| truth.holds(*atom)),
            Node::And(from, to) => self.items(from, to).iter().all(|part| self.holds(*part, truth)),
            Node::Or(from, to) => self.items(from, to).iter().any(|part| self.holds(*part, truth)),
            Node::AtLeast(count, from, to) => {
                self.items(from, to)
                    .iter()
                    .filter(|part| self.holds(**part, truth))
                    .count()
                    >= count as usize
            }
            Node::Not(inner) => !self.holds(inner, truth),
        }
    }
}

fn atoms_only(parts: &[Logic<AtomId>]) -> Option<Vec<AtomId>> {
    parts
        .iter()
        .map(|part| {
            if let Logic::Atom(atom) = part {
                Some(*atom)
            } else {
                None
            }
        })
        .collect()
}

/// Returns atoms of which at least one must hold for the logic to hold, the cheapest such set by the sum of `cost`;
/// `None` if the logic can hold with no atom at all.
pub(crate) fn access(logic: &Logic<AtomId>, cost: &impl Fn(AtomId) -> f64) -> Option<(f64, Vec<AtomId>)> {
    match logic {
        Logic::Atom(atom) => Some((cost(*atom), vec![*atom])),
        Logic::Not(_) => None,
        Logic::And(parts) => parts
            .iter()
            .filter_map(|part| access(part, cost))
            .min_by(|one, other| one.0.total_cmp(&other.0)),
        Logic::Or(parts) => union(parts.iter().map(|part| access(part, cost))),
        Logic::AtLeast(count, parts) => {
            // If `count` of n hold, one of any n - count + 1 holds.
            let mut found: Vec<_> = parts.iter().filter_map(|part| access(part, cost)).collect();
            let needed = (parts.len() + 1).saturating_sub(*count);
            if found.len() < needed {
                return None;
            }
            found.sort_by(|one, other| one.0.total_cmp(&other.0));
            found.truncate(needed);
            union(found.into_iter().map(Some))
        }
    }
}

fn union(parts: impl Iterator<Item = Option<(f64, Vec<AtomId>)>>) -> Option<(f64, Vec<AtomId>)> {
    let mut joined = (0.0, Vec::new());
    for part in parts {
        let (cost, atoms) = part?;
        joined.0 += cost;
        joined.1.extend(atoms);
    }
    Some(joined)
}
