//! YAML, read strictly into a tree that knows its lines. Three things are read with it: uploaded
//! kubeconfigs, files of `tidegate apply`, and bundles of manifests.
//!
//! What lives here: syntax, limits, the core schema of YAML 1.2. What does not: what a document
//! means. What two programs could read in two ways is refused rather than guessed: anchors and
//! aliases, tags, merge keys, a key twice, keys that are not text, numbers such as `0755`.
//!
//! A document may hold secrets, so no error and no `Debug` form quotes one; a line number is all
//! they give. Text is wiped from memory when its node goes.

use saphyr_parser::{Event, Parser, ScalarStyle};
use zeroize::Zeroizing;

use crate::domain::text::Text;
use crate::text;

pub use node::{Entry, Node, Value};

mod node;
mod scalar;
#[cfg(test)]
mod tests;

/// How much is read before a document is refused.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the input.
    pub bytes: usize,
    /// Sequences and mappings inside one another.
    pub depth: usize,
    /// Documents, empty ones included.
    pub documents: usize,
    /// Scalars, sequences and mappings of all documents together, keys included.
    pub nodes: usize,
}

/// Why an input is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line of the trouble, or near it, counted from 1.
    pub line: usize,
    /// What the trouble is.
    pub problem: Problem,
}

/// What can be wrong with an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// More bytes than this.
    TooLarge(usize),
    /// Not UTF-8, or with control characters: a binary file, or UTF-16.
    NotText,
    /// No YAML: brackets, quotes, indentation, tabs.
    Syntax,
    /// No document in it.
    Empty,
    /// More documents than this.
    TooManyDocuments(usize),
    /// More sequences and mappings inside one another than this.
    TooDeep(usize),
    /// More values than this.
    TooManyNodes(usize),
    /// An anchor (`&`) or an alias (`*`).
    Anchor,
    /// A tag (`!`).
    Tag,
    /// A merge key (`<<`).
    MergeKey,
    /// The same key twice in one mapping.
    DuplicateKey,
    /// A key that is not text.
    KeyNotText,
    /// A number that programs read in different ways or cannot hold.
    Number,
}

impl Fault {
    /// The sentence for the person.
    pub fn text(self) -> Text {
        let line = self.line;
        match self.problem {
            Problem::TooLarge(limit) => text!("yaml-too-large", limit = limit / 1024),
            Problem::NotText => text!("yaml-not-text", line = line),
            Problem::Syntax => text!("yaml-syntax", line = line),
            Problem::Empty => text!("yaml-empty"),
            Problem::TooManyDocuments(limit) => text!("yaml-too-many-documents", line = line, limit = limit),
            Problem::TooDeep(limit) => text!("yaml-too-deep", line = line, limit = limit),
            Problem::TooManyNodes(limit) => text!("yaml-too-many-nodes", line = line, limit = limit),
            Problem::Anchor => text!("yaml-anchor", line = line),
            Problem::Tag => text!("yaml-tag", line = line),
            Problem::MergeKey => text!("yaml-merge-key", line = line),
            Problem::DuplicateKey => text!("yaml-duplicate-key", line = line),
            Problem::KeyNotText => text!("yaml-key-not-text", line = line),
            Problem::Number => text!("yaml-number", line = line),
        }
    }
}

/// Reads exactly one document.
///
/// # Errors
/// When it breaks a limit or a rule, or when there is none; `limits.documents` does not count here.
pub fn document(input: &[u8], limits: Limits) -> Result<Node, Fault> {
    let mut documents = documents(input, Limits { documents: 1, ..limits })?;
    documents.pop().ok_or(Fault { line: 1, problem: Problem::Empty })
}

/// Reads all documents. A document with nothing in it is [`Value::Null`], and counts.
///
/// # Errors
/// When the input breaks a limit or a rule.
pub fn documents(input: &[u8], limits: Limits) -> Result<Vec<Node>, Fault> {
    if input.len() > limits.bytes {
        return Err(Fault { line: 1, problem: Problem::TooLarge(limits.bytes) });
    }
    let text = as_text(input)?;
    // The scanner counts the end of the input as one more line.
    let last_line = text.lines().count().max(1);
    let mut reading = Reading { limits, last_line, nodes: 0, open: Vec::new(), documents: Vec::new() };
    // Events one by one: what is too deep or too much ends the reading at once, and nothing recurs.
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|wrong| Fault { line: wrong.marker().line(), problem: Problem::Syntax }.within(last_line))?;
        reading.take(event, span.start.line()).map_err(|fault| fault.within(last_line))?;
    }
    Ok(reading.documents)
}

/// The input as text without the characters that YAML does not allow (chapter 5.1).
fn as_text(input: &[u8]) -> Result<&str, Fault> {
    let line_at = |end: usize| 1 + input[..end].iter().filter(|byte| **byte == b'\n').count();
    let not_text = |end: usize| Fault { line: line_at(end), problem: Problem::NotText };
    let text = std::str::from_utf8(input).map_err(|wrong| not_text(wrong.valid_up_to()))?;
    let allowed = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\u{85}');
    match text.char_indices().find(|(_, c)| !allowed(*c)) {
        Some((at, _)) => Err(not_text(at)),
        None => Ok(text),
    }
}

impl Fault {
    fn within(self, last_line: usize) -> Self {
        Self { line: self.line.clamp(1, last_line), ..self }
    }
}

/// The tree while it grows.
struct Reading {
    limits: Limits,
    last_line: usize,
    nodes: usize,
    open: Vec<Open>,
    documents: Vec<Node>,
}

/// A sequence or a mapping whose end is not read yet.
enum Open {
    Sequence { line: usize, items: Vec<Node> },
    Mapping { line: usize, entries: Vec<Entry>, key: Option<(String, usize)> },
}

impl Reading {
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), Fault> {
        let fault = |problem| Err(Fault { line, problem });
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) if self.documents.len() >= self.limits.documents => {
                fault(Problem::TooManyDocuments(self.limits.documents))
            }
            Event::DocumentStart(_) => Ok(()),
            Event::Alias(_) => fault(Problem::Anchor),
            Event::Scalar(_, _, anchor, _) | Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _)
                if anchor != 0 =>
            {
                fault(Problem::Anchor)
            }
            Event::Scalar(_, _, _, Some(_)) | Event::SequenceStart(_, Some(_)) | Event::MappingStart(_, Some(_)) => {
                fault(Problem::Tag)
            }
            Event::Scalar(written, style, ..) => {
                self.count(line)?;
                let written = Zeroizing::new(written.into_owned());
                if self.wants_key() { self.key(written, style, line) } else { self.scalar(written, style, line) }
            }
            Event::SequenceStart(..) => self.open(line, Open::Sequence { line, items: Vec::new() }),
            Event::MappingStart(..) => self.open(line, Open::Mapping { line, entries: Vec::new(), key: None }),
            Event::SequenceEnd | Event::MappingEnd => self.close(line),
        }
    }

    fn count(&mut self, line: usize) -> Result<(), Fault> {
        self.nodes += 1;
        if self.nodes > self.limits.nodes {
            return Err(Fault { line, problem: Problem::TooManyNodes(self.limits.nodes) });
        }
        Ok(())
    }

    fn wants_key(&self) -> bool {
        matches!(self.open.last(), Some(Open::Mapping { key: None, .. }))
    }

    fn open(&mut self, line: usize, collection: Open) -> Result<(), Fault> {
        self.count(line)?;
        if self.wants_key() {
            return Err(Fault { line, problem: Problem::KeyNotText });
        }
        if self.open.len() >= self.limits.depth {
            return Err(Fault { line, problem: Problem::TooDeep(self.limits.depth) });
        }
        self.open.push(collection);
        Ok(())
    }

    fn close(&mut self, line: usize) -> Result<(), Fault> {
        match self.open.pop() {
            Some(Open::Sequence { line, items }) => self.place(Node { line, value: Value::Sequence(items) }),
            Some(Open::Mapping { line, entries, key: None }) => {
                if let Some(line) = second_of_a_pair(&entries) {
                    return Err(Fault { line, problem: Problem::DuplicateKey });
                }
                self.place(Node { line, value: Value::Mapping(entries) })
            }
            Some(Open::Mapping { .. }) | None => Err(Fault { line, problem: Problem::Syntax }),
        }
    }

    fn key(&mut self, written: Zeroizing<String>, style: ScalarStyle, line: usize) -> Result<(), Fault> {
        if written.as_str() == "<<" {
            return Err(Fault { line, problem: Problem::MergeKey });
        }
        match (scalar::read(written, style), self.open.last_mut()) {
            (Some(Value::String(name)), Some(Open::Mapping { key, .. })) => {
                *key = Some((name.to_string(), line));
                Ok(())
            }
            _ => Err(Fault { line, problem: Problem::KeyNotText }),
        }
    }

    fn scalar(&mut self, written: Zeroizing<String>, style: ScalarStyle, line: usize) -> Result<(), Fault> {
        // Nothing stands nowhere, and a block is placed by its first line of text: the key is what
        // a person looks for.
        let nothing = written.is_empty() && style == ScalarStyle::Plain;
        let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        let line = match self.open.last() {
            Some(Open::Mapping { key: Some((_, key_line)), .. }) if nothing || block => *key_line,
            _ => line.clamp(1, self.last_line),
        };
        match scalar::read(written, style) {
            Some(value) => self.place(Node { line, value }),
            None => Err(Fault { line, problem: Problem::Number }),
        }
    }

    fn place(&mut self, node: Node) -> Result<(), Fault> {
        match self.open.last_mut() {
            None => self.documents.push(node),
            Some(Open::Sequence { items, .. }) => items.push(node),
            Some(Open::Mapping { entries, key, .. }) => match key.take() {
                Some((key, key_line)) => entries.push(Entry { key, key_line, node }),
                None => return Err(Fault { line: node.line, problem: Problem::KeyNotText }),
            },
        }
        Ok(())
    }
}

/// Line of the first key that was there before.
fn second_of_a_pair(entries: &[Entry]) -> Option<usize> {
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    // Stable, so that of two equal keys the later one comes second.
    sorted.sort_by(|one, other| one.key.cmp(&other.key));
    sorted.windows(2).filter(|pair| pair[0].key == pair[1].key).map(|pair| pair[1].key_line).min()
}
