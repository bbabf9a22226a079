//! The one form of everything that is hashed or signed: JSON by RFC 8785, hashed with SHA-256,
//! written in lower-case hex. Instants are integers of microseconds, sets are sorted, what is
//! absent is null.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// The canonical bytes of a value. Values are the domain's own structs, of integers and strings
/// only, so that this cannot fail.
pub fn bytes(value: &impl Serialize) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).expect("own structs of strings and integers are JSON")
}

/// SHA-256 in lower-case hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
