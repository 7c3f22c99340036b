//! A Merkle tree over the hashes of the duty book (RFC 6962, section 2.1): a few dozen hashes prove that an entry is in a
//! book of millions, without showing the other entries to whoever receives the report.

use sha2::{Digest, Sha256};

type Hash = [u8; 32];

/// The tree over the hashes of all entries, in order.
#[derive(Debug, Clone)]
pub struct Tree {
    /// The leaves first, then each level above; a level's odd last node moves up unchanged.
    levels: Vec<Vec<Hash>>,
}

/// The way from one entry's hash to the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inclusion {
    /// The hashes beside the way, from the leaf upwards.
    pub path: Vec<Hash>,
}

fn leaf(hash: &Hash) -> Hash {
    Sha256::new().chain_update([0]).chain_update(hash).finalize().into()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new()
        .chain_update([1])
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

impl Tree {
    /// Grows the tree over the entries' hashes: entry 1 first, none left out.
    ///
    /// # Panics
    /// Never: there is always a level.
    #[must_use]
    pub fn over(hashes: &[Hash]) -> Self {
        let mut levels = vec![hashes.iter().map(leaf).collect::<Vec<_>>()];
        while levels.last().is_some_and(|level| level.len() > 1) {
            let below = levels.last().expect("there is a level");
            let above = below
                .chunks(2)
                .map(|pair| match pair {
                    [left, right] => node(left, right),
                    single => single[0],
                })
                .collect();
            levels.push(above);
        }
        Self { levels }
    }

    /// How many entries it covers.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.levels[0].len() as u64
    }

    /// Its root; of a book without entries the hash of nothing.
    #[must_use]
    pub fn root(&self) -> Hash {
        match self.levels.last().and_then(|top| top.first()) {
            Some(root) => *root,
            None => Sha256::digest([]).into(),
        }
    }

    /// The proof for an entry by its number, from 1; none when the tree does not cover it.
    #[must_use]
    pub fn inclusion(&self, number: u64) -> Option<Inclusion> {
        let mut at = usize::try_from(number.checked_sub(1)?).ok()?;
        self.levels[0].get(at)?;
        let mut path = Vec::new();
        for level in &self.levels {
            if let Some(beside) = level.get(at ^ 1) {
                path.push(*beside);
            }
            at /= 2;
        }
        Some(Inclusion { path })
    }
}

impl Inclusion {
    /// The root to which the entry's hash leads, if the proof has the right length for a tree of this size.
    #[must_use]
    pub fn root(&self, number: u64, hash: &Hash, size: u64) -> Option<Hash> {
        let mut at = number.checked_sub(1)?;
        let mut width = size;
        if at >= width {
            return None;
        }
        let mut reached = leaf(hash);
        let mut path = self.path.iter();
        while width > 1 {
            if at % 2 == 1 {
                reached = node(path.next()?, &reached);
            } else if at + 1 < width {
                reached = node(&reached, path.next()?);
            }
            at /= 2;
            width = width.div_ceil(2);
        }
        path.next().is_none().then_some(reached)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(count: usize) -> Vec<Hash> {
        (0..count).map(|n| Sha256::digest(n.to_be_bytes()).into()).collect()
    }

    /// The definition of RFC 6962, word for word.
    fn defined(hashes: &[Hash]) -> Hash {
        match hashes {
            [] => Sha256::digest([]).into(),
            [one] => leaf(one),
            more => {
                let split = more.len().next_power_of_two() / 2;
                node(&defined(&more[..split]), &defined(&more[split..]))
            }
        }
    }

    #[test]
    fn the_tree_is_the_one_of_the_rfc_and_every_entry_proves_itself() {
        for count in (0..70).chain([127, 128, 129]) {
            let all = hashes(count);
            let tree = Tree::over(&all);
            assert_eq!(tree.root(), defined(&all), "{count}");
            for (at, hash) in all.iter().enumerate() {
                let number = at as u64 + 1;
                let proof = tree.inclusion(number).unwrap();
                assert_eq!(proof.root(number, hash, tree.size()), Some(tree.root()));
                let other = all[(at + 1) % count];
                assert!(count == 1 || proof.root(number, &other, tree.size()) != Some(tree.root()));
            }
            assert_eq!(tree.inclusion(count as u64 + 1), None);
        }
    }

    #[test]
    fn a_proof_of_the_wrong_length_leads_nowhere() {
        let all = hashes(9);
        let tree = Tree::over(&all);
        let mut proof = tree.inclusion(3).unwrap();
        proof.path.push([0; 32]);
        assert_eq!(proof.root(3, &all[2], 9), None);
        proof.path.truncate(1);
        assert_eq!(proof.root(3, &all[2], 9), None);
        assert_eq!(proof.root(0, &all[2], 9), None);
        assert_eq!(proof.root(10, &all[2], 9), None);
    }
}
