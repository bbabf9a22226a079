//! Secrets that people and programs bring: passwords, session secrets, tokens, links. Only hashes
//! are stored: argon2id for passwords, which people choose; SHA-256 for what the portal made
//! itself, which is 256 random bits.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

/// The stored form of a secret the portal made.
pub fn fingerprint(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Hashes and checks passwords, a few at a time: a flood of sign-ins waits here and starves
/// nothing else.
#[derive(Clone)]
pub struct Passwords {
    places: Arc<Semaphore>,
    /// Checked when there is no such person, so that both answers take as long.
    decoy: Arc<str>,
}

/// Memory in KiB and passes, as security asks: 19 MiB, 2 passes.
const MEMORY: u32 = 19 * 1024;
const PASSES: u32 = 2;

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY, PASSES, 1, None).expect("constant parameters are in range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

impl Passwords {
    /// Lets two sign-ins hash at a time.
    pub fn new() -> Self {
        let decoy = hash("nobody has this password").expect("a constant can be hashed");
        Self { places: Arc::new(Semaphore::new(2)), decoy: decoy.into() }
    }

    /// The PHC string to store for a password.
    ///
    /// # Errors
    /// When the process is ending or short of memory.
    pub async fn hash(&self, password: String) -> Result<String, HashFailed> {
        let _place = self.places.acquire().await.map_err(|_| HashFailed)?;
        tokio::task::spawn_blocking(move || hash(&password)).await.map_err(|_| HashFailed)?
    }

    /// Whether a password is the stored one. Without a stored one it takes as long and is false.
    ///
    /// # Errors
    /// When the process is ending or short of memory.
    pub async fn verify(&self, password: String, stored: Option<String>) -> Result<bool, HashFailed> {
        let _place = self.places.acquire().await.map_err(|_| HashFailed)?;
        let real = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.decoy.to_string());
        let fits = tokio::task::spawn_blocking(move || {
            PasswordHash::new(&stored).is_ok_and(|hash| argon2().verify_password(password.as_bytes(), &hash).is_ok())
        });
        Ok(fits.await.map_err(|_| HashFailed)? && real)
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

/// A password could not be hashed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a password could not be hashed")]
pub struct HashFailed;

fn hash(password: &str) -> Result<String, HashFailed> {
    argon2().hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(|_| HashFailed)
}
