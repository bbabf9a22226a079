//! Every sentence that a person reads stands in the catalogue: what the code names is there, what is
//! there is named, with the details it speaks of; and templates hold no words of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Beginnings of keys that are put together with a word: a state, a role, a notice after an act.
const DYNAMIC: &[&str] = &[
    "state-",
    "notice-",
    "actor-",
    "announced-",
    "log-target-",
    "who-",
    "start-by-hand",
    "start-at-opening",
    "start-when-signed",
];

/// Words that templates may hold: the brand, and marks that are the same in every language.
const ALLOWED: &[&str] = &["Tidegate", "R", "sha"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, extension: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|one| one == extension) {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

/// The source without comments.
fn source() -> Vec<(PathBuf, String)> {
    let strip = |text: String| {
        text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
    };
    files(&root().join("src"), "rs").into_iter().map(|(path, text)| (path, strip(text))).collect()
}

/// The catalogue: each key with the details its sentence names.
fn catalogue() -> BTreeMap<String, BTreeSet<String>> {
    let mut sentences: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, text) in files(&root().join("templates/texts/en"), "ftl") {
        let mut current = None;
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if line.starts_with(|c: char| c.is_ascii_lowercase()) {
                let key = line.split('=').next().unwrap().trim().to_owned();
                assert!(
                    sentences.insert(key.clone(), BTreeSet::new()).is_none(),
                    "{key} is there twice: {}",
                    path.display()
                );
                current = Some(key);
            }
            let Some(sentence) = current.as_ref().and_then(|key| sentences.get_mut(key)) else { continue };
            for rest in line.split('$').skip(1) {
                sentence
                    .insert(rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_' || *c == '-').collect());
            }
        }
    }
    assert!(sentences.len() > 300, "the catalogue was not found");
    sentences
}

/// The uses of `text!` in a piece of source: key and names of details.
fn uses(source: &str) -> Vec<(String, BTreeSet<String>)> {
    let mut found = Vec::new();
    for (at, word) in source.match_indices("text!(") {
        let rest = source[at + word.len()..].trim_start();
        let Some(key) = rest.strip_prefix('"').and_then(|rest| rest.split('"').next()) else { continue };
        if !key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') || key.is_empty() {
            continue;
        }
        found.push((key.to_owned(), arguments(&rest[key.len() + 2..])));
    }
    found
}

/// Names before a single `=`, at the depth of the macro's own arguments, up to its end.
fn arguments(rest: &str) -> BTreeSet<String> {
    let (mut depth, mut names, mut word) = (0_i32, BTreeSet::new(), String::new());
    let mut quoted = false;
    let characters: Vec<char> = rest.chars().collect();
    for (index, c) in characters.iter().enumerate() {
        match c {
            '"' if index == 0 || characters[index - 1] != '\\' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                depth -= 1;
                if depth < 0 {
                    break;
                }
            }
            '=' if depth == 0 && characters.get(index + 1) != Some(&'=') && !"=!<>".contains(characters[index - 1]) => {
                names.insert(word.trim().to_owned());
            }
            ',' if depth == 0 => word.clear(),
            c if depth == 0 && (c.is_alphanumeric() || *c == '_') => word.push(*c),
            _ => {}
        }
    }
    names
}

#[test]
fn every_sentence_that_is_named_is_in_the_catalogue_with_its_details() {
    let catalogue = catalogue();
    let mut wrong = Vec::new();
    for (path, text) in source() {
        for (key, given) in uses(&text) {
            match catalogue.get(&key) {
                None => wrong.push(format!("{}: there is no sentence {key}", path.display())),
                Some(named) if !named.is_subset(&given) => {
                    let missing: Vec<_> = named.difference(&given).collect();
                    wrong.push(format!("{}: {key} speaks of {missing:?}, which is not given", path.display()));
                }
                Some(_) => {}
            }
        }
    }
    for (path, text) in files(&root().join("templates"), "html") {
        for rest in text.split("shell.t(\"").skip(1) {
            let key = rest.split('"').next().unwrap();
            match catalogue.get(key) {
                None => wrong.push(format!("{}: there is no sentence {key}", path.display())),
                Some(named) if !named.is_empty() => {
                    wrong.push(format!("{}: {key} speaks of {named:?}", path.display()))
                }
                Some(_) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_sentence_in_the_catalogue_is_named_somewhere() {
    let everything: String = source()
        .into_iter()
        .chain(files(&root().join("templates"), "html"))
        .map(|(_, text)| text)
        .chain(
            files(&root().join("templates/texts/en"), "ftl")
                .into_iter()
                .map(|(_, text)| text.replace("{ ", "\"").replace(" }", "\"")),
        )
        .collect();
    let unused: Vec<String> = catalogue()
        .into_keys()
        .filter(|key| {
            !DYNAMIC.iter().any(|prefix| key.starts_with(prefix)) && !everything.contains(&format!("\"{key}\""))
        })
        .collect();
    assert!(unused.is_empty(), "sentences that nothing names: {unused:#?}");
}

#[test]
fn the_catalogue_can_be_read() {
    let texts = tidegate::texts::Texts::get();
    for key in catalogue().into_keys() {
        assert!(texts.knows(&key), "{key} is not a sentence");
    }
}

/// The words of a template that come from nowhere but itself.
fn own_words(template: &str) -> Vec<String> {
    let mut text = template.to_owned();
    for (open, close) in [("{#", "#}"), ("{%", "%}"), ("{{", "}}"), ("<!--", "-->")] {
        while let Some(start) = text.find(open) {
            let end = text[start..].find(close).map_or(text.len(), |end| start + end + close.len());
            // Something stays, so that what stood around it does not run together.
            text.replace_range(start..end, "\u{1}");
        }
    }
    // Keys to press, and lines for a shell, are no words.
    for (open, close) in [("<kbd>", "</kbd>"), ("<code", "</code>"), ("<pre", "</pre>")] {
        while let Some(start) = text.find(open) {
            let end = text[start..].find(close).map_or(text.len(), |end| start + end + close.len());
            text.replace_range(start..end, "\u{1}");
        }
    }
    let mut words = Vec::new();
    let mut rest = text.as_str();
    while let Some(start) = rest.find('<') {
        words.extend(split(&rest[..start]));
        let end = rest[start..].find('>').map_or(rest.len(), |end| start + end + 1);
        let tag = &rest[start..end];
        for name in ["title=\"", "alt=\"", "aria-label=\"", "placeholder=\"", "data-ask=\""] {
            for value in tag.split(name).skip(1) {
                words.extend(split(value.split('"').next().unwrap_or_default()));
            }
        }
        rest = &rest[end..];
    }
    words.extend(split(rest));
    words.retain(|word| !ALLOWED.contains(&word.as_str()));
    words
}

/// Words: letters in a row, without entities such as `&nbsp;` and without attributes, which a block
/// may hold for the tag that it stands in.
fn split(text: &str) -> Vec<String> {
    let mut text = text.to_owned();
    while let Some(start) = text.find("=\"") {
        let begin = text[..start].rfind(|c: char| !c.is_ascii_alphanumeric() && c != '-').map_or(0, |at| at + 1);
        let end = text[start + 2..].find('"').map_or(text.len(), |end| start + end + 3);
        text.replace_range(begin..end, " ");
    }
    let text: String = text
        .split('&')
        .enumerate()
        .map(|(index, part)| if index == 0 { part } else { part.split_once(';').map_or(part, |(_, rest)| rest) })
        .collect();
    text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[test]
fn templates_hold_no_words_of_their_own() {
    let mut wrong = Vec::new();
    for (path, text) in files(&root().join("templates"), "html") {
        let words = own_words(&text);
        if !words.is_empty() {
            wrong.push(format!("{}: {words:?}", path.strip_prefix(root()).unwrap().display()));
        }
    }
    assert!(wrong.is_empty(), "words outside the catalogue:\n{}", wrong.join("\n"));
}

#[test]
fn words_and_missing_details_are_found() {
    assert_eq!(own_words("<p class=\"x\">{{ shell.t(\"a-b\") }} Save</p>"), ["Save"]);
    assert_eq!(own_words("<a title=\"Go on\">{% if a > b %}Tidegate{% endif %}</a>"), ["Go", "on"]);
    assert!(own_words("<p title=\"{{ x }}\">&nbsp;R-{{ n }} → 12</p>").is_empty());
    let found = uses("text!(\"a-b\", name = &spec.name, why = f(x == 1, y), at = z)");
    assert_eq!(found, [("a-b".to_owned(), ["name", "why", "at"].map(str::to_owned).into())]);
    assert_eq!(uses("text!(\n    \"a-b\",\n    count = 3_i64,\n)")[0].1, ["count".to_owned()].into());
}
