//! Sentences for people, named by their key in the catalogue (`templates/texts`). The rules speak in
//! these, so that one sentence reads the same on a page, in a mail and in a problem document, in
//! each language. What the sentence says stands in the catalogue, never here.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// A sentence with its details, not yet in any language. It is stored as it is (a reason why
/// sign-offs are void, for instance) and rendered for whoever reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// Key in the catalogue.
    pub key: Cow<'static, str>,
    /// The details the sentence names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<(Cow<'static, str>, Arg)>,
}

/// A detail of a [`Text`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arg {
    /// A name or a quotation, shown as it is.
    Word(String),
    /// A count.
    Number(i64),
    /// An instant, shown in the reader's zone.
    Time(Timestamp),
    /// A sentence inside the sentence.
    Text(Box<Text>),
}

impl Text {
    /// A sentence without details.
    pub const fn new(key: &'static str) -> Self {
        Self { key: Cow::Borrowed(key), args: Vec::new() }
    }

    /// Adds a detail.
    pub fn with(mut self, name: &'static str, value: impl Into<Arg>) -> Self {
        self.args.push((Cow::Borrowed(name), value.into()));
        self
    }
}

impl From<&str> for Arg {
    fn from(value: &str) -> Self {
        Self::Word(value.to_owned())
    }
}
impl From<&String> for Arg {
    fn from(value: &String) -> Self {
        Self::Word(value.clone())
    }
}
impl From<String> for Arg {
    fn from(value: String) -> Self {
        Self::Word(value)
    }
}
impl From<i64> for Arg {
    fn from(value: i64) -> Self {
        Self::Number(value)
    }
}
impl From<usize> for Arg {
    fn from(value: usize) -> Self {
        Self::Number(i64::try_from(value).unwrap_or(i64::MAX))
    }
}
impl From<u32> for Arg {
    fn from(value: u32) -> Self {
        Self::Number(i64::from(value))
    }
}
impl From<Timestamp> for Arg {
    fn from(value: Timestamp) -> Self {
        Self::Time(value)
    }
}
impl From<Text> for Arg {
    fn from(value: Text) -> Self {
        Self::Text(Box::new(value))
    }
}

/// Builds a [`Text`]: `text!("window-closed", title = window.title)`. A test reads every use and
/// fails on a key that is not in the catalogue.
#[macro_export]
macro_rules! text {
    ($key:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::domain::text::Text::new($key)$(.with(stringify!($name), $value))*
    };
}
