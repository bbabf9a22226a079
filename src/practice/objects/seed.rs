//! Where this cluster's uids, names and tokens come from.
//!
//! Here: everything that would otherwise be chance, drawn from one seed, so that
//! the same requests in the same order give the same cluster. Not here: the
//! server's keys, which are made anew at each start.

use sha2::{Digest, Sha256};

/// Letters and digits a generated name is made of: no vowels and nothing that
/// looks like another.
const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

#[derive(Debug)]
pub(in crate::practice) struct Seed {
    seed: [u8; 32],
    drawn: u64,
}

impl Seed {
    pub fn new(seed: [u8; 32]) -> Self {
        Self { seed, drawn: 0 }
    }

    /// Bytes that depend on the seed and a word alone.
    pub fn fixed(seed: &[u8; 32], word: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(seed);
        hash.update(b"\0fixed\0");
        hash.update(word);
        hash.finalize().into()
    }

    fn draw(&mut self) -> [u8; 32] {
        self.drawn += 1;
        let mut hash = Sha256::new();
        hash.update(self.seed);
        hash.update(b"\0drawn\0");
        hash.update(self.drawn.to_be_bytes());
        hash.finalize().into()
    }

    /// A uid in the form of a random UUID.
    pub fn uid(&mut self) -> String {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.draw()[..16]);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let number = u128::from_be_bytes(bytes);
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            number >> 96,
            (number >> 80) & 0xffff,
            (number >> 64) & 0xffff,
            (number >> 48) & 0xffff,
            number & 0xffff_ffff_ffff
        )
    }

    /// The five letters after a `generateName`.
    pub fn suffix(&mut self) -> String {
        self.draw()[..5].iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
    }

    /// Sixteen hexadecimal digits, for the names of events.
    pub fn number(&mut self) -> String {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.draw()[..8]);
        format!("{:016x}", u64::from_be_bytes(bytes))
    }
}

/// The hash a ReplicaSet is named by: FNV-1a of the template, spelt so that it
/// makes no words.
pub(in crate::practice) fn template_hash(template: &serde_json::Value, collisions: i64) -> String {
    let mut hash: u32 = 0x811c_9dc5;
    let mut feed = |bytes: &[u8]| {
        for byte in bytes {
            hash ^= u32::from(*byte);
            hash = hash.wrapping_mul(0x0100_0193);
        }
    };
    feed(template.to_string().as_bytes());
    if collisions > 0 {
        feed(&collisions.to_le_bytes());
    }
    hash.to_string().bytes().map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()])).collect()
}
