//! SECRETS. The only room with keys. What is sealed here can be opened only with the key ring, and
//! only in the very place it was sealed for: a ciphertext moved to another row, swapped or rolled
//! back does not open.
//!
//! [`Sealer`] and [`Opener`] are two types, handed to two rooms: `workflow` can seal, and only
//! `runner` can open. Nothing here is about who may; that is asked before.

mod keyring;

use std::sync::Arc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use sha2::Sha512;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub use keyring::{KeyRing, KeyRingError};

use crate::random::Random;

/// First bytes of everything sealed: scheme and version.
const SCHEME: &[u8] = b"tidegate.sealed/1";
const SALT: usize = 32;
const NONCE: usize = 24;
const COMMITMENT: usize = 32;

/// Where a sealed value stands. It is bound to this place.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Table.
    pub table: &'static str,
    /// Row.
    pub row: i64,
    /// Column.
    pub field: &'static str,
    /// Version of the row's secret; a later one does not open as an earlier one.
    pub version: i64,
}

/// A sealed value, to be stored.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// The key it was sealed with.
    pub key_id: String,
    /// Scheme, salt, nonce, commitment, ciphertext.
    pub bytes: Vec<u8>,
}

/// A sealed value does not open: wrong key ring, wrong place, or damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value does not open with this key ring")]
pub struct CannotOpen;

/// Can seal, and not open.
#[derive(Clone)]
pub struct Sealer(Arc<KeyRing>);

/// Can open, and not seal.
#[derive(Clone)]
pub struct Opener(Arc<KeyRing>);

/// Splits a key ring into the hand that seals and the hand that opens.
pub fn hands(ring: KeyRing) -> (Sealer, Opener) {
    let ring = Arc::new(ring);
    (Sealer(ring.clone()), Opener(ring))
}

impl Sealer {
    /// Seals a value for one place, with the ring's primary key.
    ///
    /// # Errors
    /// None that a caller can cause; the cipher refuses only absurd lengths.
    pub fn seal(&self, place: Place, plain: &[u8], random: Random) -> Result<Sealed, CannotOpen> {
        let (key_id, master) = self.0.primary();
        let salt = random.bytes::<SALT>();
        let nonce = random.bytes::<NONCE>();
        let (key, commitment) = derive(master, &salt);
        let cipher = XChaCha20Poly1305::new(&Key::from(*key));
        let aad = associated(place, key_id);
        let sealed = cipher.encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &aad }).map_err(|_| CannotOpen)?;
        let bytes = [SCHEME, &salt, &nonce, &commitment, &sealed].concat();
        Ok(Sealed { key_id: key_id.to_owned(), bytes })
    }
}

impl Opener {
    /// Opens a value that was sealed for this place. The plaintext is wiped when dropped.
    ///
    /// # Errors
    /// When no key of the ring opens it there.
    pub fn open(&self, place: Place, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        let rest = sealed.strip_prefix(SCHEME).ok_or(CannotOpen)?;
        let (salt, rest) = rest.split_first_chunk::<SALT>().ok_or(CannotOpen)?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE>().ok_or(CannotOpen)?;
        let (commitment, ciphertext) = rest.split_first_chunk::<COMMITMENT>().ok_or(CannotOpen)?;
        for (key_id, master) in self.0.keys() {
            let (key, expected) = derive(master, salt);
            // The commitment says which key it was, so that a ciphertext cannot be made to open
            // to two things under two keys (XChaCha20-Poly1305 alone does not promise that).
            if bool::from(expected.ct_eq(commitment)) {
                let aad = associated(place, key_id);
                let payload = Payload { msg: ciphertext, aad: &aad };
                let cipher = XChaCha20Poly1305::new(&Key::from(*key));
                return cipher.decrypt(&XNonce::from(*nonce), payload).map(Zeroizing::new).map_err(|_| CannotOpen);
            }
        }
        Err(CannotOpen)
    }
}

/// A key of its own for each record, and what commits to it: HKDF-SHA-512 (RFC 5869).
fn derive(master: &[u8; 32], salt: &[u8; SALT]) -> (Zeroizing<[u8; 32]>, [u8; COMMITMENT]) {
    let mut out = Zeroizing::new([0_u8; 64]);
    Hkdf::<Sha512>::new(Some(salt), master).expand(SCHEME, &mut *out).expect("64 bytes are within HKDF's limit");
    let (mut key, mut commitment) = (Zeroizing::new([0; 32]), [0; COMMITMENT]);
    key.copy_from_slice(&out[..32]);
    commitment.copy_from_slice(&out[32..]);
    (key, commitment)
}

/// What binds a ciphertext to its place. Parts are separated by a byte none of them holds.
fn associated(place: Place, key_id: &str) -> Vec<u8> {
    let Place { table, row, field, version } = place;
    format!("tidegate.sealed/1\u{1f}{table}\u{1f}{row}\u{1f}{field}\u{1f}{key_id}\u{1f}{version}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { table: "credentials", row: 7, field: "sealed", version: 1 };

    #[test]
    fn what_is_sealed_opens_in_its_place_and_nowhere_else() {
        let (sealer, opener) = hands(KeyRing::generate(Random));
        let sealed = sealer.seal(PLACE, b"secret", Random).unwrap();
        assert_eq!(&**opener.open(PLACE, &sealed.bytes).unwrap(), b"secret");
        for other in [
            Place { table: "channels", ..PLACE },
            Place { row: 8, ..PLACE },
            Place { field: "other", ..PLACE },
            Place { version: 2, ..PLACE },
        ] {
            assert_eq!(opener.open(other, &sealed.bytes).unwrap_err(), CannotOpen);
        }
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let (sealer, opener) = hands(KeyRing::generate(Random));
        let sealed = sealer.seal(PLACE, b"secret", Random).unwrap();
        for index in 0..sealed.bytes.len() {
            let mut changed = sealed.bytes.clone();
            changed[index] ^= 1;
            assert_eq!(opener.open(PLACE, &changed).unwrap_err(), CannotOpen, "byte {index}");
            assert_eq!(opener.open(PLACE, &sealed.bytes[..index]).unwrap_err(), CannotOpen, "cut at {index}");
        }
    }

    #[test]
    fn another_ring_does_not_open_it() {
        let (sealer, _) = hands(KeyRing::generate(Random));
        let (_, opener) = hands(KeyRing::generate(Random));
        let sealed = sealer.seal(PLACE, b"secret", Random).unwrap();
        assert_eq!(opener.open(PLACE, &sealed.bytes).unwrap_err(), CannotOpen);
    }
}
