//! Who may use whom: every `crate::` path in the source is an arrow between two rooms, and only the
//! arrows of the architecture are allowed. The same goes for the crates that belong to one room.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Room by room: what it may use. An entry with `::` allows that part of a room only.
const ARROWS: &[(&str, &[&str])] = &[
    ("main", &["cli"]),
    // The roles. `user recover` opens the database and acts as the console.
    // The demo makes its own ground in a real cluster and gives the portal a narrow credential for
    // it; `vault create` makes a key ring for a place that has no folder to keep one in.
    (
        "cli",
        &[
            "portal",
            "workflow",
            "outbound",
            "practice",
            "protocol",
            "yaml",
            "texts",
            "domain",
            "config",
            "telemetry",
            "clock",
            "random",
            "vault",
            "cluster::connect",
            "cluster::credential",
            "cluster::ground",
            "cluster::kubeconfig",
            "cluster::rights",
        ],
    ),
    // The composition root puts everything together, and is used by the roles alone.
    ("portal", &["http", "runner", "workflow", "store", "vault", "domain", "config", "clock", "random", "wake"]),
    // Doors read through the store's views and act through verbs; judging an uploaded kubeconfig, and
    // writing the script for a narrower one, is parsing and touches no network.
    (
        "http",
        &[
            "workflow",
            "store",
            "domain",
            "protocol",
            "cluster::kubeconfig",
            "cluster::credential",
            "cluster::script",
            "config",
            "texts",
            "secret",
            "random",
            "wake",
        ],
    ),
    ("runner", &["workflow", "store", "vault", "cluster", "domain", "random", "wake", "halt"]),
    // Verbs seal and never open; a judged credential is handed to them by a door.
    ("workflow", &["store", "domain", "vault", "protocol", "cluster::credential", "clock", "random", "secret", "wake"]),
    ("cluster", &["domain", "yaml", "clock", "random", "halt"]),
    ("outbound", &["domain", "protocol"]),
    ("store", &["domain", "wake", "halt"]),
    ("vault", &["domain", "random"]),
    ("domain", &[]),
    ("practice", &[]),
    // Plumbing knows at most the rules' own types.
    ("clock", &["domain"]),
    ("config", &["domain"]),
    ("texts", &["domain"]),
    ("wake", &["domain"]),
    ("yaml", &["domain"]),
    ("protocol", &[]),
    ("random", &[]),
    ("secret", &[]),
    ("telemetry", &[]),
    ("halt", &[]),
];

/// Crates that are used in these rooms only, because nobody else has that kind of work.
const CRATES: &[(&str, &[&str])] = &[
    ("sqlx", &["store"]),
    // The composition root holds the server's handle, to end it.
    ("actix_web", &["http", "portal"]),
    // The script that makes a least-privilege account is a template too.
    ("askama", &["http", "cluster"]),
    ("kube", &["cluster"]),
    // The practice cluster takes the kinds' names from it.
    ("k8s_openapi", &["cluster", "practice"]),
    ("reqwest", &["outbound"]),
    ("chacha20poly1305", &["vault"]),
    ("hkdf", &["vault"]),
    ("argon2", &["secret"]),
    ("getrandom", &["random"]),
    ("saphyr_parser", &["yaml"]),
    ("clap", &["cli", "config"]),
];

/// What a file uses of other rooms and of crates, as paths such as `cluster::kubeconfig::read`.
/// `depth` is how many modules down from the crate's root it stands.
fn uses(source: &str, depth: usize) -> BTreeSet<String> {
    // Comments link to whatever explains them.
    let code: Vec<&str> = source.lines().map(uncommented).collect();
    let code = code.join("\n");
    let mut paths: BTreeSet<String> =
        code.match_indices("crate::").flat_map(|(at, word)| expand(&code[at + word.len()..])).collect();
    // As many steps up as there are modules lead to the root too.
    for (at, _) in code.match_indices("super::").filter(|(at, _)| !code[..*at].ends_with("super::")) {
        let rest = code[at..].trim_start_matches("super::");
        if (code.len() - at - rest.len()) / "super::".len() >= depth {
            paths.extend(expand(rest));
        }
    }
    for (name, _) in CRATES {
        let found = code.match_indices(&format!("{name}::")).any(|(at, _)| {
            let before = code[..at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
        });
        if found {
            paths.insert(format!("extern {name}"));
        }
    }
    paths
}

/// A line without its comment; the slashes of an address in a string begin none.
fn uncommented(line: &str) -> &str {
    let comment = line.match_indices("//").find(|(at, _)| !line[..*at].ends_with(':'));
    comment.map_or(line, |(at, _)| &line[..at])
}

/// The paths that begin here: one, or each of a group in braces, however deep.
fn expand(rest: &str) -> Vec<String> {
    let path: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':').collect();
    let Some(group) = rest[path.len()..].strip_prefix('{') else {
        return vec![path.trim_end_matches(':').to_owned()];
    };
    let (mut depth, mut begin, mut parts) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' | ',' if depth == 0 => {
                parts.push(group[begin..at].trim());
                begin = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    let inner = parts.into_iter().filter(|part| !part.is_empty()).flat_map(expand);
    inner.map(|inner| format!("{path}{inner}")).collect()
}

/// Everything about a file that the architecture does not allow.
fn objections(room: &str, depth: usize, source: &str, rooms: &BTreeSet<&str>) -> Vec<String> {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let Some(allowed) = allowed.get(room) else {
        return vec![format!("{room} is a room that the table does not know")];
    };
    let mut wrong = Vec::new();
    for path in uses(source, depth) {
        if let Some(name) = path.strip_prefix("extern ") {
            let homes = CRATES.iter().find(|(known, _)| *known == name).map(|(_, homes)| *homes).unwrap_or_default();
            if !homes.contains(&room) {
                wrong.push(format!("{room} uses the crate {name}, which belongs to {homes:?}"));
            }
            continue;
        }
        let target = path.split("::").next().unwrap_or_default();
        let fits = |entry: &&str| path == **entry || path.starts_with(&format!("{entry}::"));
        if target != room && rooms.contains(target) && !allowed.iter().any(fits) {
            wrong.push(format!("{room} → {path}"));
        }
    }
    wrong
}

fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn rooms() -> BTreeSet<&'static str> {
    ARROWS.iter().map(|(room, _)| *room).collect()
}

#[test]
fn every_arrow_in_the_source_is_one_of_the_architecture() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    files(&source, &mut found);
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for file in &found {
        let inside = file.strip_prefix(&source).unwrap();
        let room = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        let text = std::fs::read_to_string(file).unwrap();
        // The binary speaks of the library by its name; the map only lists the rooms.
        let text = if room == "main" { text.replace("tidegate::", "crate::") } else { text };
        if room != "lib" {
            let depth = inside.components().count() - usize::from(inside.ends_with("mod.rs"));
            let found = objections(&room, depth, &text, &rooms());
            wrong.extend(found.into_iter().map(|what| format!("{}: {what}", inside.display())));
            seen.insert(room);
        }
    }
    assert!(wrong.is_empty(), "arrows that the architecture does not have:\n{}", wrong.join("\n"));
    assert!(seen.len() > 15 && found.len() > 100, "the source was not found");
}

/// Whoever seals cannot open: the vault gives two hands, and the one that opens goes to the runner.
#[test]
fn only_the_runner_holds_the_hand_that_opens() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    files(&source, &mut found);
    let mut holders = BTreeSet::new();
    for file in found {
        let text = std::fs::read_to_string(&file).unwrap();
        if text.lines().map(uncommented).any(|line| line.contains("Opener") || line.contains("opener.open(")) {
            let inside = file.strip_prefix(&source).unwrap();
            holders.insert(inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned());
        }
    }
    // The composition root hands it on, and tries the ring at the start.
    assert_eq!(holders, ["portal", "runner", "vault"].map(str::to_owned).into());
}

#[test]
fn the_map_lists_every_room() {
    let map = include_str!("../../src/lib.rs");
    for module in map.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')) {
        assert!(rooms().contains(module), "{module} is a room that the table does not know");
    }
}

#[test]
fn a_forbidden_arrow_is_found_however_it_is_written() {
    let wrong = |room, source| !objections(room, 2, source, &rooms()).is_empty();
    for (room, source) in [
        ("domain", "use crate::store::Store;"),
        ("http", "use crate::runner::Runner;"),
        ("http", "let runner = crate::runner::Runner::new();"),
        ("runner", "use crate::{\n    domain::id::PersonId,\n    http::Doors,\n};"),
        ("cluster", "use crate::store;"),
        ("runner", "use crate::{store::{self, Store}, http::Doors};"),
        ("workflow", "use crate::cluster::{credential::Credential, connect::Connection};"),
        ("domain", "use super::super::store::Store;"),
        ("domain", "let at = \"https://example.com\"; crate::store::open()"),
        ("workflow", "use crate::cluster::connect::Connection;"),
        ("workflow", "    let x: crate::cluster::kubeconfig::Gate;"),
        ("store", "$crate::workflow::Verb"),
        ("workflow", "sqlx::query(\"SELECT 1\")"),
        ("domain", "async fn f(client: kube::Client) {}"),
        ("nowhere", ""),
    ] {
        assert!(wrong(room, source), "{room}: {source}");
    }
    for (room, source) in [
        ("http", "use crate::cluster::kubeconfig::GateKind;"),
        ("http", "//! See [`crate::runner`]."),
        ("domain", "use super::store::Store;"),
        ("workflow", "use crate::store::{self, Store}; use crate::text;"),
        ("store", "use crate::store::Error; sqlx::query"),
        ("http", "use hyper_kube::x; my_sqlx::x"),
    ] {
        assert!(!wrong(room, source), "{room}: {source}");
    }
}
