//! The audit log: leaves in one canonical form, and the Merkle tree over them (RFC 6962, section
//! 2.1), of which only the frontier is kept.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::canonical;
use super::time::Timestamp;

/// One line of the record. People stand in it by id, never by name, so that names can be forgotten
/// without breaking the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf<'a> {
    /// Position in the log, from 0.
    pub index: i64,
    /// When.
    pub at: Timestamp,
    /// Who, as [`super::person::Actor::label`] says it.
    pub actor: &'a str,
    /// What was done, as `stage.verb`.
    pub verb: &'a str,
    /// To what, as `kind:id`.
    pub subject: &'a str,
    /// The details that matter later.
    pub facts: &'a serde_json::Value,
}

impl Leaf<'_> {
    /// The canonical bytes that are hashed and stored.
    pub fn bytes(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Hashed<'a> {
            schema: &'static str,
            index: i64,
            at: i64,
            actor: &'a str,
            verb: &'a str,
            subject: &'a str,
            facts: &'a serde_json::Value,
        }
        canonical::bytes(&Hashed {
            schema: "tidegate.audit/1",
            index: self.index,
            at: self.at.micros(),
            actor: self.actor,
            verb: self.verb,
            subject: self.subject,
            facts: self.facts,
        })
    }
}

/// A node of the tree.
pub type Hash = [u8; 32];

/// Leaf hash: SHA-256(0x00 ‖ bytes).
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(bytes).finalize().into()
}

/// Inner node: SHA-256(0x01 ‖ left ‖ right).
fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The roots of the full subtrees that a tree of `size` leaves consists of, the largest first: all
/// that is needed to add a leaf or to tell the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    roots: Vec<Hash>,
}

impl Frontier {
    /// The tree without leaves.
    pub fn empty() -> Self {
        Self { size: 0, roots: Vec::new() }
    }

    /// From what was stored. `None` when the bytes do not fit the size.
    pub fn restore(size: u64, bytes: &[u8]) -> Option<Self> {
        let (roots, rest) = bytes.as_chunks::<32>();
        (rest.is_empty() && roots.len() == size.count_ones() as usize).then(|| Self { size, roots: roots.to_vec() })
    }

    /// What is stored.
    pub fn bytes(&self) -> Vec<u8> {
        self.roots.concat()
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        // Each trailing one bit of the size is a full subtree of the same height as `node`.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.roots.pop() {
                node = node_hash(&left, &node);
            }
        }
        self.roots.push(node);
        self.size += 1;
    }

    /// The root of the tree: SHA-256 of nothing when it is empty.
    pub fn root(&self) -> Hash {
        let mut roots = self.roots.iter().rev();
        match roots.next() {
            None => Sha256::digest([]).into(),
            Some(last) => roots.fold(*last, |right, left| node_hash(left, &right)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition in RFC 6962, word for word and slow.
    fn root_by_definition(leaves: &[Hash]) -> Hash {
        match leaves.len() {
            0 => Sha256::digest([]).into(),
            1 => leaves[0],
            n => {
                let split = n.next_power_of_two() / 2;
                node_hash(&root_by_definition(&leaves[..split]), &root_by_definition(&leaves[split..]))
            }
        }
    }

    #[test]
    fn the_frontier_gives_the_root_that_the_definition_gives() {
        let leaves: Vec<Hash> = (0..130_u32).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        let mut frontier = Frontier::empty();
        for (count, leaf) in leaves.iter().enumerate() {
            assert_eq!(frontier.root(), root_by_definition(&leaves[..count]));
            frontier.push(*leaf);
            assert_eq!(Frontier::restore(frontier.size(), &frontier.bytes()).as_ref(), Some(&frontier));
        }
    }

    #[test]
    fn the_roots_are_those_of_the_certificate_transparency_test_vectors() {
        // Leaves and roots as published with RFC 6962's reference implementation.
        let leaves: [&[u8]; 3] = [&[], &[0x00], &[0x10]];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        ];
        let mut frontier = Frontier::empty();
        for (leaf, root) in leaves.iter().zip(roots) {
            frontier.push(leaf_hash(leaf));
            assert_eq!(canonical::hex(&frontier.root()), root);
        }
    }
}
