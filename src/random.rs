//! Chance, handed in: secrets for sessions, tokens and links, and identifiers.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Where secrets come from: the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Random;

impl Random {
    /// Random bytes.
    ///
    /// # Panics
    /// When the operating system has no randomness to give: nothing safe can be done then.
    pub fn bytes<const N: usize>(self) -> [u8; N] {
        let mut bytes = [0; N];
        getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
        bytes
    }

    /// A secret of 256 bits in the alphabet of addresses and cookies.
    pub fn token(self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<32>())
    }

    /// A delay around `base` milliseconds, spread by a quarter, so that many who wait do not come
    /// back at once.
    pub fn jitter(self, base: u64) -> std::time::Duration {
        let [byte] = self.bytes::<1>();
        std::time::Duration::from_millis(base * 3 / 4 + base * u64::from(byte) / 510)
    }
}
