//! The tree: values with their lines, and ways to ask it.

use std::fmt;

use zeroize::Zeroizing;

/// A value and where it stands.
#[derive(Clone, PartialEq)]
pub struct Node {
    /// Line it begins on, counted from 1.
    pub line: usize,
    /// The value.
    pub value: Value,
}

/// A value of the core schema (YAML 1.2.2, chapter 10.3).
#[derive(Clone, PartialEq)]
pub enum Value {
    /// `null`, `~`, or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A finite number with a fraction or an exponent.
    Float(f64),
    /// Text: quoted, a block, or a plain scalar that is nothing of the above.
    String(Zeroizing<String>),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys with their values, in the order of the document; no key twice.
    Mapping(Vec<Entry>),
}

/// One key of a mapping with its value.
#[derive(Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Line of the key, counted from 1.
    pub key_line: usize,
    /// The value.
    pub node: Node,
}

impl Node {
    /// The value of a key; `None` when there is no such key, or this is no mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// The entries of a mapping; of anything else, none.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The text, when it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// Whether nothing is written there.
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// Line of what a JSON pointer (RFC 6901) names, or of the nearest thing around it that is
    /// there. `/containers/0/image` names the image; the empty pointer the document.
    pub fn line_at(&self, pointer: &str) -> usize {
        let mut at = self;
        for step in pointer.split('/').skip(1) {
            let step = step.replace("~1", "/").replace("~0", "~");
            let next = match &at.value {
                Value::Sequence(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
                _ => at.get(&step),
            };
            match next {
                Some(node) => at = node,
                None => break,
            }
        }
        at.line
    }

    /// The same value as JSON. The copy is not wiped from memory: not for documents with secrets.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Integer(value) => Json::from(*value),
            // Finite, or the reader would have refused it.
            Value::Float(value) => Json::from(*value),
            Value::String(text) => Json::String(text.to_string()),
            Value::Sequence(items) => items.iter().map(Self::to_json).collect(),
            Value::Mapping(entries) => {
                Json::Object(entries.iter().map(|entry| (entry.key.clone(), entry.node.to_json())).collect())
            }
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} on line {}", self.value, self.line)
    }
}

/// Says the kind only: keys can be secrets too, in a file that was mangled.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(_) => f.write_str("bool"),
            Self::Integer(_) => f.write_str("integer"),
            Self::Float(_) => f.write_str("float"),
            Self::String(_) => f.write_str("string"),
            Self::Sequence(items) => write!(f, "sequence of {}", items.len()),
            Self::Mapping(entries) => write!(f, "mapping of {}", entries.len()),
        }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key on line {}: {:?}", self.key_line, self.node)
    }
}
