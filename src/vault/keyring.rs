//! The key ring: named keys, one of which is the primary. It stands in a file of its own beside
//! the database, or in an environment variable, never in the database.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::canonical;
use crate::random::Random;

/// Keys by id, and the one that seals.
pub struct KeyRing {
    primary: String,
    keys: BTreeMap<String, Zeroizing<[u8; 32]>>,
}

/// Why there is no key ring.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// The file cannot be read or written.
    #[error("cannot use the key ring {path}")]
    File {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Others may read it.
    #[error("the key ring {path} can be read by others (mode {mode:o}); set it to 0600")]
    Open {
        /// Which.
        path: String,
        /// Its mode.
        mode: u32,
    },
    /// It is not a key ring.
    #[error("the key ring is not in the form of tidegate.keyring/1")]
    Form,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    schema: String,
    primary: String,
    keys: BTreeMap<String, String>,
}

const SCHEMA: &str = "tidegate.keyring/1";

impl KeyRing {
    /// A new ring with one key.
    pub fn generate(random: Random) -> Self {
        let id = canonical::hex(&random.bytes::<8>());
        Self { primary: id.clone(), keys: [(id, Zeroizing::new(random.bytes()))].into() }
    }

    /// Reads a ring as it was written.
    ///
    /// # Errors
    /// When it is not one; nothing of it is repeated.
    pub fn parse(text: &str) -> Result<Self, KeyRingError> {
        let written: Written = serde_json::from_str(text).map_err(|_| KeyRingError::Form)?;
        let mut keys = BTreeMap::new();
        for (id, key) in written.keys {
            let bytes = Zeroizing::new(STANDARD.decode(key).map_err(|_| KeyRingError::Form)?);
            let mut key = Zeroizing::new([0; 32]);
            if bytes.len() != key.len() {
                return Err(KeyRingError::Form);
            }
            key.copy_from_slice(&bytes);
            keys.insert(id, key);
        }
        if written.schema != SCHEMA || !keys.contains_key(&written.primary) {
            return Err(KeyRingError::Form);
        }
        Ok(Self { primary: written.primary, keys })
    }

    /// Reads the ring of a file; nothing when there is no such file.
    ///
    /// # Errors
    /// When the file cannot be read, others can read it too, or it is no key ring.
    pub fn load(path: &Path) -> Result<Option<Self>, KeyRingError> {
        let shown = || path.display().to_string();
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(KeyRingError::File { path: shown(), source }),
        };
        let mode = metadata.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyRingError::Open { path: shown(), mode });
        }
        let text = fs::read_to_string(path).map_err(|source| KeyRingError::File { path: shown(), source })?;
        Self::parse(&Zeroizing::new(text)).map(Some)
    }

    /// Writes a new ring to a file that must not exist yet, readable by its owner alone, and
    /// returns only when it is on the disk: a secret sealed with a lost key is lost.
    ///
    /// # Errors
    /// When that cannot be done.
    pub fn create(&self, path: &Path) -> Result<(), KeyRingError> {
        let written = Written {
            schema: SCHEMA.to_owned(),
            primary: self.primary.clone(),
            keys: self.keys.iter().map(|(id, key)| (id.clone(), STANDARD.encode(**key))).collect(),
        };
        let write = || {
            let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
            let text = Zeroizing::new(serde_json::to_string_pretty(&written)?);
            file.write_all(text.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                File::open(folder)?.sync_all()?;
            }
            Ok(())
        };
        write().map_err(|source: std::io::Error| KeyRingError::File { path: path.display().to_string(), source })
    }

    pub(super) fn primary(&self) -> (&str, &[u8; 32]) {
        let key = self.keys.get(&self.primary).expect("a ring is made only with its primary key in it");
        (&self.primary, key)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = (&str, &[u8; 32])> {
        self.keys.iter().map(|(id, key)| (id.as_str(), &**key))
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing").field("primary", &self.primary).field("keys", &self.keys.len()).finish()
    }
}
