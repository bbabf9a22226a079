//! A refusal: what the portal will not do, in words for the person who asked. How it looks as a
//! page or as a problem document, and its HTTP status, is decided at the door.

use std::borrow::Cow;

use super::text::Text;
use crate::text;

/// Why something was not done. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What sort of refusal it is; the door makes the HTTP status from it.
    pub kind: Kind,
    /// The sentence for the person.
    pub text: Text,
    /// The fields that are wrong, when the input was.
    pub fields: Vec<FieldError>,
}

/// Sorts of refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The input cannot be read at all.
    Malformed,
    /// The input can be read and a value in it is wrong.
    Invalid,
    /// Nobody is signed in, or the token is not good.
    Unauthenticated,
    /// The person may look at it, but not do this.
    Forbidden,
    /// It does not exist, or this person may not know that it does.
    Absent,
    /// It does not fit the present state.
    Conflict,
    /// The person saw an older state than the present one.
    Stale,
    /// The input is larger than the limit.
    TooLarge,
    /// Too many attempts; later is fine.
    TooMany,
}

/// One wrong value of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the input, such as `/tests/passed`.
    pub pointer: Cow<'static, str>,
    /// What is wrong with it.
    pub text: Text,
}

impl Refusal {
    fn of(kind: Kind, text: Text) -> Self {
        Self { kind, text, fields: Vec::new() }
    }
    /// The input cannot be read at all.
    pub fn malformed(text: Text) -> Self {
        Self::of(Kind::Malformed, text)
    }
    /// Values of the input are wrong.
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        Self { kind: Kind::Invalid, text: text!("refusal-invalid"), fields }
    }
    /// One value of the input is wrong.
    pub fn field(pointer: impl Into<Cow<'static, str>>, text: Text) -> Self {
        Self::invalid(vec![FieldError { pointer: pointer.into(), text }])
    }
    /// The person may not do this, and may know it.
    pub fn forbidden(text: Text) -> Self {
        Self::of(Kind::Forbidden, text)
    }
    /// There is no such thing, as far as this person may know.
    pub fn absent() -> Self {
        Self::of(Kind::Absent, text!("refusal-absent"))
    }
    /// It does not fit the present state.
    pub fn conflict(text: Text) -> Self {
        Self::of(Kind::Conflict, text)
    }
    /// The person saw an older state.
    pub fn stale(text: Text) -> Self {
        Self::of(Kind::Stale, text)
    }
    /// Nobody is signed in.
    pub fn unauthenticated(text: Text) -> Self {
        Self::of(Kind::Unauthenticated, text)
    }
    /// Larger than the limit.
    pub fn too_large(text: Text) -> Self {
        Self::of(Kind::TooLarge, text)
    }
    /// Too many attempts.
    pub fn too_many(text: Text) -> Self {
        Self::of(Kind::TooMany, text)
    }
}

/// Reads the values of one input and collects everything that is wrong with it, so that a person
/// is told all of it at once.
#[derive(Debug, Default)]
pub struct Check {
    fields: Vec<FieldError>,
}

impl Check {
    /// Starts without complaints.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps the value, or the complaint about it.
    pub fn field<T>(&mut self, pointer: impl Into<Cow<'static, str>>, value: Result<T, Text>) -> Option<T> {
        match value {
            Ok(value) => Some(value),
            Err(text) => {
                self.complain(pointer, text);
                None
            }
        }
    }

    /// Notes a complaint that no single constructor could have made.
    pub fn complain(&mut self, pointer: impl Into<Cow<'static, str>>, text: Text) {
        self.fields.push(FieldError { pointer: pointer.into(), text });
    }

    /// Puts the values together once nothing was complained about.
    ///
    /// # Errors
    /// All complaints so far.
    pub fn all<T>(self, build: impl FnOnce() -> Option<T>) -> Result<T, Refusal> {
        let fields = self.fields;
        build().filter(|_| fields.is_empty()).ok_or_else(|| Refusal::invalid(fields))
    }

    /// # Errors
    /// All complaints so far.
    pub fn done(self) -> Result<(), Refusal> {
        if self.fields.is_empty() { Ok(()) } else { Err(Refusal::invalid(self.fields)) }
    }
}
