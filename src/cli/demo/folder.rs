//! Where the demo keeps its data: a folder of its own that goes when the demo goes.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

use crate::domain::canonical;
use crate::random::Random;

/// A folder. Unless it is to be kept, it is removed when this is dropped.
pub(super) struct Folder {
    path: PathBuf,
    keep: bool,
}

impl Folder {
    /// The folder to keep, which has to be empty; without one, a new one among the temporary files.
    ///
    /// # Errors
    /// When it cannot be made, or holds something.
    pub fn make(keep: Option<&Path>, random: Random) -> anyhow::Result<Self> {
        let path = match keep {
            Some(path) => path.to_owned(),
            None => std::env::temp_dir().join(format!("tidegate-demo-{}", canonical::hex(&random.bytes::<6>()))),
        };
        let shown = path.display();
        let mut builder = std::fs::DirBuilder::new();
        builder.mode(0o700).recursive(keep.is_some()).create(&path).with_context(|| format!("cannot make {shown}"))?;
        // From here on it is ours to remove, unless somebody else's data is in it.
        let folder = Self { keep: keep.is_some(), path: path.clone() };
        let mut entries = std::fs::read_dir(&path).with_context(|| format!("cannot read {shown}"))?;
        ensure!(entries.next().is_none(), "{shown} is not empty; --keep wants a new or an empty folder");
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it stays.
    pub fn is_kept(&self) -> bool {
        self.keep
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            eprintln!("tidegate: the demo's folder {} could not be removed: {error}", self.path.display());
        }
    }
}
