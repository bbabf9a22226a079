//! Images: what CI built, named by digest, and the evidence CI gave about it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::canonical;
use super::name::{Link, line, parsed_string};
use super::text::Text;
use super::time::Timestamp;
use crate::text;

parsed_string! {
    /// `registry.example.com/shop/checkout`: registry host and path, without tag or digest, in
    /// the grammar of the OCI distribution specification. A name without a host means Docker Hub,
    /// as it does to Kubernetes, and is written out (`docker.io/library/nginx`).
    Repository: parse_repository;
    /// `sha256:` and 64 lower-case hex digits.
    Digest: |text| {
        let fits = text.strip_prefix("sha256:").is_some_and(|hex| {
            hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        });
        if fits { Ok(text.to_owned()) } else { Err(text!("image-not-a-digest")) }
    };
    /// A tag: `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`.
    Tag: |text| {
        let first = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let fits = text.len() <= 128 && text.starts_with(first)
            && text.chars().all(|c| first(c) || c == '.' || c == '-');
        if fits { Ok(text.to_owned()) } else { Err(text!("image-not-a-tag")) }
    };
    /// A commit id: 7 to 64 hex digits, in lower case.
    Commit: |text| {
        let text = text.trim().to_lowercase();
        let fits = (7..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
        if fits { Ok(text) } else { Err(text!("image-not-a-commit")) }
    };
    /// A branch or any other git ref, one line.
    Branch: |text| line(text, 250);
    /// Who made a commit, as forges and git name people: an e-mail address or a login, without
    /// case. `Ada <ada@example.com>` is `ada@example.com`.
    CommitIdentity: |text| {
        let text = line(text, 254)?;
        let inner = match (text.rfind('<'), text.ends_with('>')) {
            (Some(start), true) => text[start + 1..text.len() - 1].trim(),
            _ => text.trim_start_matches('@'),
        };
        if inner.is_empty() || inner.contains(char::is_whitespace) {
            return Err(text!("image-not-an-identity"));
        }
        Ok(inner.to_lowercase())
    };
}

fn parse_repository(text: &str) -> Result<String, Text> {
    let wrong = || text!("image-not-a-repository");
    let text = text.trim();
    if text.len() > 255 || text.contains('@') {
        return Err(wrong());
    }
    let (host, path) = match text.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => {
            (first.to_lowercase(), rest.to_owned())
        }
        Some(_) => ("docker.io".to_owned(), text.to_owned()),
        None => ("docker.io".to_owned(), format!("library/{text}")),
    };
    let (name, port) = host.split_once(':').map_or((host.as_str(), None), |(name, port)| (name, Some(port)));
    let host_fits = !name.is_empty()
        && name.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        })
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    let path_fits = path.split('/').all(is_path_component);
    if host_fits && path_fits { Ok(format!("{host}/{path}")) } else { Err(wrong()) }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`, from the OCI distribution specification.
fn is_path_component(text: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    !text.is_empty()
        && text.starts_with(alphanumeric)
        && text.ends_with(alphanumeric)
        && text.chars().all(|c| alphanumeric(c) || ".-_".contains(c))
        && text
            .split(alphanumeric)
            .all(|separator| matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|b| b == b'-'))
}

impl Repository {
    /// The registry's host, with its port.
    pub fn host(&self) -> &str {
        self.as_str().split('/').next().unwrap_or_default()
    }
    /// The path below the host.
    pub fn path(&self) -> &str {
        self.as_str().split_once('/').map_or("", |(_, path)| path)
    }
}

impl Digest {
    /// The first hex digits, enough for people to tell digests apart.
    pub fn short(&self) -> &str {
        &self.as_str()["sha256:".len().."sha256:".len() + 8]
    }
}

/// An image as the cluster is told it: repository and digest (rule 14: never a tag).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ImageRef {
    /// Registry host and path.
    pub repository: Repository,
    /// What exactly.
    pub digest: Digest,
}

impl ImageRef {
    /// `repository@digest`, as it stands in a workload.
    pub fn pull_string(&self) -> String {
        format!("{}@{}", self.repository, self.digest)
    }

    /// Reads an image string as found in a workload or in a pod's `imageID`. `None` when it names
    /// no digest.
    pub fn find(text: &str) -> Option<Self> {
        let text = text.rsplit_once("://").map_or(text, |(_, rest)| rest);
        let (name, digest) = text.rsplit_once('@')?;
        let digest = Digest::parse(digest).ok()?;
        Some(Self { repository: repository_of(name)?, digest })
    }
}

/// The repository of an image string, whatever tag or digest follows.
pub fn repository_of(image: &str) -> Option<Repository> {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    let name = match name.rsplit_once(':') {
        Some((before, tag)) if !tag.contains('/') => before,
        _ => name,
    };
    Repository::parse(name).ok()
}

/// Counts of a test run, as CI reported them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tests {
    /// Tests that passed.
    pub passed: u32,
    /// Tests that failed.
    pub failed: u32,
    /// Tests that did not run.
    pub skipped: u32,
}

/// What CI says about an image. Each registration with something new is kept; nothing is
/// overwritten.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The commit it was built from.
    pub commit: Option<Commit>,
    /// Author, committer and co-authors of the commits.
    pub authors: BTreeSet<CommitIdentity>,
    /// Branch it was built from.
    pub branch: Option<Branch>,
    /// Where the CI run can be looked at.
    pub run_url: Option<Link>,
    /// Test results.
    pub tests: Option<Tests>,
    /// When it was built.
    pub built_at: Option<Timestamp>,
}

impl Evidence {
    /// SHA-256 of everything CI said about an image so far, of its tags and of its authors: the
    /// part of the content hash that covers what a signer was shown (rule 3).
    pub fn digest(all: &[Self], tags: &BTreeSet<Tag>, authors: &BTreeSet<CommitIdentity>) -> String {
        #[derive(Serialize)]
        struct Shown<'a> {
            schema: &'static str,
            evidence: Vec<Hashed<'a>>,
            tags: &'a BTreeSet<Tag>,
            authors: &'a BTreeSet<CommitIdentity>,
        }
        #[derive(Serialize)]
        struct Hashed<'a> {
            commit: &'a Option<Commit>,
            branch: &'a Option<Branch>,
            run_url: &'a Option<Link>,
            tests: &'a Option<Tests>,
            built_at: Option<i64>,
        }
        let evidence = all
            .iter()
            .map(|one| Hashed {
                commit: &one.commit,
                branch: &one.branch,
                run_url: &one.run_url,
                tests: &one.tests,
                built_at: one.built_at.map(Timestamp::micros),
            })
            .collect();
        canonical::sha256_hex(&canonical::bytes(&Shown { schema: "tidegate.evidence/1", evidence, tags, authors }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_written_out() {
        let parsed = |text| Repository::parse(text).map(|r| r.as_str().to_owned()).ok();
        assert_eq!(parsed("nginx").as_deref(), Some("docker.io/library/nginx"));
        assert_eq!(parsed("bitnami/redis").as_deref(), Some("docker.io/bitnami/redis"));
        assert_eq!(parsed("localhost:5000/a/b__c").as_deref(), Some("localhost:5000/a/b__c"));
        for wrong in [
            "",
            "/a",
            "r.example/",
            "r.example/A",
            "r.example/a:1",
            "r.example/a@sha256:00",
            "r.example:99999/a",
            "r.example/a..b",
            "r.example/a b",
        ] {
            assert_eq!(parsed(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn an_image_string_gives_repository_and_digest() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        let found = ImageRef::find(&format!("docker-pullable://r.example/a:1.0@{digest}")).unwrap();
        assert_eq!(found.pull_string(), format!("r.example/a@{digest}"));
        assert_eq!(ImageRef::find("r.example/a:1.0"), None);
        assert_eq!(repository_of("r.example:5000/a").unwrap().as_str(), "r.example:5000/a");
    }

    #[test]
    fn an_identity_has_no_case_and_no_name() {
        let parsed = |text| CommitIdentity::parse(text).unwrap().as_str().to_owned();
        assert_eq!(parsed("Ada L <Ada@Example.com>"), "ada@example.com");
        assert_eq!(parsed("@Ada"), "ada");
        assert!(CommitIdentity::parse("Ada Lovelace").is_err());
    }
}
