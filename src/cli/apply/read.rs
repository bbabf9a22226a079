//! From YAML to documents, with the line of everything that does not fit.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::files::{LARGEST, Source};
use crate::protocol::{self, Document};
use crate::yaml::{self, Fault, Limits, Node, Problem, Value};

/// How much of one input is read. How many documents can be sent is judged for all files together,
/// and without those that hold nothing.
const LIMITS: Limits = Limits { bytes: LARGEST, depth: 16, documents: 10_000, nodes: 200_000 };

/// Fields that are not known, in one document, before the rest of them is left out.
const PATIENCE: usize = 20;

/// A document and where it stands.
pub(super) struct Placed {
    file: Rc<str>,
    node: Node,
    /// The document.
    pub document: Document,
}

/// Something that does not fit, at a place.
#[derive(Debug)]
pub(super) struct Complaint {
    /// File and line; none when it is about the whole.
    place: Option<(Rc<str>, Option<usize>)>,
    field: String,
    text: String,
}

impl Complaint {
    /// About no document alone.
    pub fn of_all(text: &str) -> Self {
        Self { place: None, field: String::new(), text: text.to_owned() }
    }
    /// About a whole file.
    pub fn of_file(name: &str, text: &str) -> Self {
        Self { place: Some((name.into(), None)), field: String::new(), text: text.to_owned() }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some((file, Some(line))) => write!(f, "{file}:{line}: ")?,
            Some((file, None)) => write!(f, "{file}: ")?,
            None => write!(f, "tidegate: ")?,
        }
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.text)
    }
}

impl Placed {
    /// A complaint about a field of it, given as a pointer into the document.
    pub fn complaint(&self, pointer: &str, text: &str) -> Complaint {
        let field = if pointer.is_empty() { self.label() } else { dotted(pointer) };
        Complaint { place: Some((self.file.clone(), Some(self.node.line_at(pointer)))), field, text: text.to_owned() }
    }

    /// What a person calls it: `Service checkout`.
    fn label(&self) -> String {
        let (kind, name) = named(&self.document);
        format!("{kind} {name}")
    }
}

fn named(document: &Document) -> (&'static str, &str) {
    match document {
        Document::Person(spec) => ("Person", &spec.login),
        Document::Group(spec) => ("Group", &spec.name),
        Document::Cluster(spec) => ("Cluster", &spec.name),
        Document::Environment(spec) => ("Environment", &spec.name),
        Document::Service(spec) => ("Service", &spec.name),
        Document::Token(spec) => ("Token", &spec.title),
    }
}

/// `/policy/rules/0/group` as people write it: `policy.rules[0].group`.
fn dotted(pointer: &str) -> String {
    let mut field = String::new();
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        if step.parse::<usize>().is_ok() && !field.is_empty() {
            field.push_str(&format!("[{step}]"));
        } else {
            if !field.is_empty() {
                field.push('.');
            }
            field.push_str(&step);
        }
    }
    field
}

/// Reads the documents of one input; every complaint about it is added to those there are.
pub(super) fn read(source: &Source, documents: &mut Vec<Placed>, complaints: &mut Vec<Complaint>) {
    let file: Rc<str> = source.name.as_str().into();
    let nodes = match yaml::documents(&source.bytes, LIMITS) {
        Ok(nodes) => nodes,
        Err(fault) => {
            let place = Some((file, Some(fault.line)));
            return complaints.push(Complaint { place, field: String::new(), text: words(fault) });
        }
    };
    // Nothing between two separators is no document.
    for node in nodes.into_iter().filter(|node| !node.is_null()) {
        match document(&node) {
            Ok(document) => documents.push(Placed { file: file.clone(), node, document }),
            Err(found) => complaints.extend(found.into_iter().map(|(line, field, text)| Complaint {
                place: Some((file.clone(), Some(line))),
                field,
                text,
            })),
        }
    }
}

/// Refuses documents about the same thing: with two of them, which one holds would depend on an
/// order that is not meant to matter.
pub(super) fn refuse_twice(documents: &[Placed], complaints: &mut Vec<Complaint>) {
    let mut first: BTreeMap<(&str, String), &Placed> = BTreeMap::new();
    for placed in documents {
        let (kind, name) = named(&placed.document);
        // A token's title is its own only together with its person.
        let owner = match &placed.document {
            Document::Token(spec) => spec.person.as_deref().unwrap_or_default(),
            _ => "",
        };
        let key = (kind, format!("{}\n{}", name.trim().to_lowercase(), owner.trim().to_lowercase()));
        if let Some(earlier) = first.get(&key) {
            let text = format!("is there a second time; the first stands in {}:{}", earlier.file, earlier.node.line);
            complaints.push(placed.complaint("", &text));
        } else {
            first.insert(key, placed);
        }
    }
}

/// Line, field and words of what is wrong.
type Wrong = (usize, String, String);

const KINDS: &str = "Person, Group, Cluster, Environment, Service, Token";

fn document(node: &Node) -> Result<Document, Vec<Wrong>> {
    let wrong = |line, field: &str, text: String| Err(vec![(line, field.to_owned(), text)]);
    if !matches!(node.value, Value::Mapping(_)) {
        return wrong(
            node.line,
            "",
            "a document is a mapping that begins with its kind, such as `kind: Service`".to_owned(),
        );
    }
    let Some(kind) = node.get("kind") else {
        return wrong(node.line, "kind", format!("is missing; one of {KINDS}"));
    };
    match kind.as_str() {
        Some("Person") => spec(node).map(Document::Person),
        Some("Group") => spec(node).map(Document::Group),
        Some("Cluster") => spec(node).map(Document::Cluster),
        Some("Environment") => spec(node).map(Document::Environment),
        Some("Service") => spec(node).map(Document::Service),
        Some("Token") => spec(node).map(Document::Token),
        _ => wrong(kind.line, "kind", format!("is none that there is; one of {KINDS}")),
    }
}

/// Everything but the kind as one of the protocol's types. Fields that are not known are left out
/// one by one, so that all of them are told at once.
fn spec<T: DeserializeOwned>(node: &Node) -> Result<T, Vec<Wrong>> {
    let mut json = node.to_json();
    remove(&mut json, "/kind");
    let mut found: Vec<Wrong> = Vec::new();
    loop {
        let error = match serde_path_to_error::deserialize::<_, T>(&json) {
            Ok(value) if found.is_empty() => return Ok(value),
            Ok(_) => break,
            Err(error) => error,
        };
        let mut pointer = protocol::pointer(error.path());
        let said = error.inner().to_string();
        let unknown = said.starts_with("unknown field");
        let line = if unknown { key_line(node, &pointer) } else { node.line_at(&pointer) };
        if let Some(name) = said.strip_prefix("missing field ") {
            pointer.push_str(&format!("/{}", name.trim_matches('`')));
        }
        found.push((line, dotted(&pointer), complaint(&said)));
        if !unknown || found.len() >= PATIENCE || !remove(&mut json, &pointer) {
            break;
        }
    }
    found.sort_by_key(|(line, ..)| *line);
    Err(found)
}

/// Line of the key that a pointer ends in: its value may begin further down.
fn key_line(node: &Node, pointer: &str) -> usize {
    let Some((parent, key)) = pointer.rsplit_once('/') else { return node.line };
    let key = key.replace("~1", "/").replace("~0", "~");
    let mut at = node;
    for step in parent.split('/').skip(1) {
        let next = match &at.value {
            Value::Sequence(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => at.get(&step.replace("~1", "/").replace("~0", "~")),
        };
        let Some(next) = next else { return at.line };
        at = next;
    }
    at.entries().iter().find(|entry| entry.key == key).map_or(at.line, |entry| entry.key_line)
}

/// Takes the field that a pointer names out. False when there is none.
fn remove(json: &mut Json, pointer: &str) -> bool {
    let Some((parent, key)) = pointer.rsplit_once('/') else { return false };
    let key = key.replace("~1", "/").replace("~0", "~");
    let parent = json.pointer_mut(parent).and_then(Json::as_object_mut);
    parent.is_some_and(|fields| fields.remove(&key).is_some())
}

/// Serde's complaint in words for whoever wrote the file. No value is repeated: a token pasted into
/// the wrong place would end up in the log of a pipeline.
fn complaint(said: &str) -> String {
    if said.starts_with("missing field") {
        return "is missing".to_owned();
    }
    if said.starts_with("unknown field") {
        let known: Vec<&str> = said.split('`').skip(3).step_by(2).collect();
        return format!("is no field that there is; known here: {}", known.join(", "));
    }
    let kinds = [
        ("null", "nothing"),
        ("boolean", "true or false"),
        ("integer", "a whole number"),
        ("floating point", "a number with a fraction"),
        ("string", "text"),
        ("sequence", "a list"),
        ("map", "a mapping"),
    ];
    let given = said.split_once(": ").map_or("", |(_, rest)| rest);
    let given = kinds.iter().find(|(kind, _)| given.starts_with(kind)).map_or("something else", |(_, word)| *word);
    let expected = said.rsplit_once("expected ").map_or("", |(_, rest)| rest);
    let expected = match expected {
        "a string" => "text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        number if number.starts_with(['i', 'u']) && number[1..].parse::<u8>().is_ok() => "a whole number",
        other if other.starts_with("struct") => "a mapping of fields",
        _ => "something else",
    };
    let hint = if expected == "text" && given != "nothing" && given != "a list" && given != "a mapping" {
        "; put it in quotes"
    } else {
        ""
    };
    format!("should be {expected} and is {given}{hint}")
}

/// What is wrong with a file that is no YAML as it is read here.
fn words(fault: Fault) -> String {
    match fault.problem {
        Problem::TooLarge(limit) => format!("the file is larger than {} KiB", limit / 1024),
        Problem::NotText => "is not plain text in UTF-8".to_owned(),
        Problem::Syntax => "cannot be read as YAML near here; look at indentation (spaces, no tabs), quotes and brackets".to_owned(),
        Problem::Empty => "is empty".to_owned(),
        Problem::TooManyDocuments(limit) => format!("more than {limit} documents; split the file"),
        Problem::TooDeep(limit) => format!("is nested more than {limit} levels deep"),
        Problem::TooManyNodes(limit) => format!("more than {limit} values; split the file"),
        Problem::Anchor => "an anchor or an alias (&name, *name): write the value out where it is needed".to_owned(),
        Problem::Tag => "a tag (!name): leave it out".to_owned(),
        Problem::MergeKey => "a merge key (<<): write the fields out".to_owned(),
        Problem::DuplicateKey => "this field is there a second time; keep one of the two".to_owned(),
        Problem::KeyNotText => "the name of this field is not text; put it in quotes if it is meant to be".to_owned(),
        Problem::Number => "this number is read differently by different programs (a leading zero, or too large); put it in quotes if text is meant".to_owned(),
    }
}
