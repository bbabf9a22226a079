//! What was given as `-f`: files, folders, standard input.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::read::Complaint;
use crate::cli::Usage;

/// Largest input, in bytes.
pub(super) const LARGEST: usize = 1024 * 1024;

/// Folders inside one another before something is taken to be a circle.
const DEEPEST: usize = 32;

/// Something to read documents from.
pub(super) struct Source {
    /// As complaints name it.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// Reads everything that was given, each file once. What cannot be read is a complaint like any
/// other, so that it does not hide those about the rest.
///
/// # Errors
/// When the same standard input is wanted twice.
pub(super) fn read(given: &[PathBuf]) -> anyhow::Result<(Vec<Source>, Vec<Complaint>)> {
    let (mut sources, mut complaints) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    let mut input_was_read = false;
    for path in given {
        if path.as_os_str() == "-" {
            if std::mem::replace(&mut input_was_read, true) {
                return Err(Usage::new("standard input (-) can be read only once").into());
            }
            sources.push(Source {
                name: "<stdin>".to_owned(),
                bytes: limited(std::io::stdin().lock(), "standard input")?,
            });
            continue;
        }
        let files = match find(path) {
            Ok(files) => files,
            Err(error) => {
                complaints.push(Complaint::of_file(&path.display().to_string(), &format!("{error:#}")));
                continue;
            }
        };
        for file in files {
            // The same file by two ways is one file.
            if !seen.insert(file.canonicalize().unwrap_or_else(|_| file.clone())) {
                continue;
            }
            let name = file.display().to_string();
            match std::fs::File::open(&file).context("cannot be read").and_then(|open| limited(open, "the file")) {
                Ok(bytes) => sources.push(Source { name, bytes }),
                Err(error) => complaints.push(Complaint::of_file(&name, &format!("{error:#}"))),
            }
        }
    }
    Ok((sources, complaints))
}

fn limited(input: impl std::io::Read, what: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(LARGEST as u64 + 1).read_to_end(&mut bytes).with_context(|| format!("{what} cannot be read"))?;
    anyhow::ensure!(bytes.len() <= LARGEST, "{what} is larger than {} KiB", LARGEST / 1024);
    Ok(bytes)
}

/// A file itself; of a folder its YAML and JSON files, in the order of their names.
fn find(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !std::fs::metadata(path).context("cannot be read")?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    walk(path, 0, &mut files)?;
    anyhow::ensure!(!files.is_empty(), "no .yaml, .yml or .json file is in this folder");
    Ok(files)
}

fn walk(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let inside = || format!("cannot be read: {}", folder.display());
    anyhow::ensure!(depth < DEEPEST, "folders are more than {DEEPEST} deep: {}", folder.display());
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(inside)? {
        entries.push(entry.with_context(inside)?.path());
    }
    entries.sort();
    for path in entries {
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        // A link to nowhere in a folder is nobody's document.
        let Some(kind) = std::fs::metadata(&path).ok().filter(|_| !hidden) else { continue };
        let is_document = path.extension().is_some_and(|end| end == "yaml" || end == "yml" || end == "json");
        if kind.is_dir() {
            walk(&path, depth + 1, files)?;
        } else if kind.is_file() && is_document {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_gives_its_documents_and_nothing_hidden() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir_all(root.join("b/c")).unwrap();
        std::fs::create_dir_all(root.join(".git")).unwrap();
        for name in ["z.yaml", "b/c/a.yml", "b/x.json", "README.md", ".hidden.yaml", ".git/config.yaml"] {
            std::fs::write(root.join(name), "x").unwrap();
        }
        std::os::unix::fs::symlink(root.join("nowhere"), root.join("gone.yaml")).unwrap();
        let given = [root.to_owned(), root.join("z.yaml")];
        let (sources, complaints) = read(&given).unwrap();
        let names: Vec<_> =
            sources.iter().map(|one| Path::new(&one.name).strip_prefix(root).unwrap().to_owned()).collect();
        assert_eq!(names, ["b/c/a.yml", "b/x.json", "z.yaml"].map(PathBuf::from));
        assert!(complaints.is_empty(), "{complaints:?}");
    }

    #[test]
    fn what_cannot_be_read_hides_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir(root.join("empty")).unwrap();
        std::fs::write(root.join("good.yaml"), "x").unwrap();
        std::fs::write(root.join("large.yaml"), vec![b'#'; LARGEST + 1]).unwrap();
        std::os::unix::fs::symlink(root.join("circle"), root.join("circle")).unwrap();
        let names = ["absent.yaml", "empty", "large.yaml", "circle", "good.yaml"];
        let (sources, complaints) = read(&names.map(|name| root.join(name))).unwrap();
        assert_eq!(sources.len(), 1);
        let said: Vec<String> = complaints.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 4, "{said:?}");
        assert!(said[1].ends_with("empty: no .yaml, .yml or .json file is in this folder"), "{said:?}");
        assert!(said[2].ends_with("large.yaml: the file is larger than 1024 KiB"), "{said:?}");
    }
}
