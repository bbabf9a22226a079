//! Forms of pages: what was typed is kept, and each complaint stands beside its field. A form that
//! arrives has passed the CSRF check before a handler sees it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::Doors;
use super::body::read;
use super::guard::{Visitor, Who, same_site};
use super::pages::PageFailed;
use super::session::csrf_fits;
use crate::domain::refusal::Refusal;
use crate::domain::text::Text;
use crate::text;

/// Largest form, in bytes: a kubeconfig of 128 KiB, with every character escaped.
const LARGEST: usize = 400 * 1024;

/// What was typed, and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Form {
    values: Vec<(String, String)>,
    errors: BTreeMap<String, Text>,
    /// What is wrong with the whole of it.
    pub error: Option<Text>,
}

impl Form {
    /// A form that shows these values at first.
    pub fn with<'a>(values: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { values, ..Self::default() }
    }

    fn parse(bytes: &[u8]) -> Self {
        let values = form_urlencoded::parse(bytes).map(|(name, value)| (name.into_owned(), value.into_owned()));
        Self { values: values.collect(), ..Self::default() }
    }

    /// What a field holds; empty when there is none.
    pub fn value(&self, name: &str) -> &str {
        self.values.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// All values of a field that may come several times.
    pub fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.values.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether a box is ticked, or one of several is chosen.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.all(name).any(|one| one == value)
    }

    /// Whether a box is ticked.
    pub fn ticked(&self, name: &str) -> bool {
        self.has(name, "on")
    }

    /// A field's text, if anything was typed.
    pub fn text(&self, name: &str) -> Option<String> {
        Some(self.value(name).trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// A field's lines and comma-separated parts.
    pub fn list(&self, name: &str) -> Vec<String> {
        let parts = self.value(name).split([',', '\n', ' ', ';']).map(str::trim);
        parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    /// A field's lines, blank ones too, so that a complaint about one can name it.
    pub fn lines(&self, name: &str) -> Vec<String> {
        self.value(name).lines().map(|line| line.trim().to_owned()).collect()
    }

    /// Fields that come once for each row, those of a row together. A row without its first value
    /// is none.
    pub fn rows<const N: usize>(&self, names: [&str; N]) -> Vec<[String; N]> {
        let columns = names.map(|name| self.all(name).map(str::trim).collect::<Vec<_>>());
        let cell = |column: &Vec<&str>, row: usize| column.get(row).copied().unwrap_or_default().to_owned();
        let rows = (0..columns[0].len()).map(|row| std::array::from_fn(|column| cell(&columns[column], row)));
        rows.filter(|row: &[String; N]| !row[0].is_empty()).collect()
    }

    /// A field's number.
    ///
    /// # Errors
    /// When something else was typed; nothing typed is no number, and no error.
    pub fn number(&self, name: &'static str) -> Result<Option<i64>, Refusal> {
        match self.text(name) {
            None => Ok(None),
            Some(text) => {
                let wrong = |_| Refusal::field(name, text!("number-not-a-number"));
                text.parse().map(Some).map_err(wrong)
            }
        }
    }

    /// The version the form was made from.
    pub fn version(&self) -> i64 {
        self.value("version").parse().unwrap_or(0)
    }

    /// What is wrong with a field.
    pub fn complaint(&self, name: &str) -> Option<&Text> {
        self.errors.get(name)
    }

    /// Whether anything is wrong.
    pub fn is_wrong(&self) -> bool {
        self.error.is_some() || !self.errors.is_empty()
    }

    /// The same form with a refusal's complaints, each at the field its pointer names: the last
    /// part of it that the form has, so that `/policy/rules/0/count` finds `rules` too. It stands at
    /// its whole pointer besides, for forms with rows.
    pub fn refused(mut self, refusal: &Refusal, fields: &[&'static str]) -> Self {
        let mut homeless = Vec::new();
        for complaint in &refusal.fields {
            let parts = complaint.pointer.split('/').filter(|part| !part.is_empty());
            let home = parts.filter_map(|part| fields.iter().find(|field| **field == part)).next_back();
            match home {
                Some(field) => {
                    self.errors.entry((*field).to_owned()).or_insert_with(|| complaint.text.clone());
                    self.errors.entry(complaint.pointer.to_string()).or_insert_with(|| complaint.text.clone());
                }
                None => homeless.push(complaint.text.clone()),
            }
        }
        self.error = match homeless.into_iter().next() {
            Some(text) => Some(text),
            None if self.errors.is_empty() => Some(refusal.text.clone()),
            None => None,
        };
        self
    }

    /// Takes a value out, for what must not be shown again.
    pub fn forget(&mut self, name: &str) {
        self.values.retain(|(known, _)| known != name);
    }

    /// Adds a value to a field that may come several times.
    pub fn add(&mut self, name: &str, value: impl Into<String>) {
        self.values.push((name.to_owned(), value.into()));
    }

    /// Sets a value.
    pub fn set(&mut self, name: &str, value: impl Into<Cow<'static, str>>) {
        self.forget(name);
        self.values.push((name.to_owned(), value.into().into_owned()));
    }
}

/// A form sent by somebody who is signed in.
pub struct Submit {
    /// Who.
    pub who: Who,
    /// What.
    pub form: Form,
}

impl FromRequest for Submit {
    type Error = PageFailed;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PageFailed>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let doors = Doors::of(&request);
            same_site(&doors, &request)?;
            let who = Visitor::of(&doors, &request).await?.ok_or(PageFailed::SignIn(None))?;
            let form = Form::parse(&read(payload, LARGEST).await?);
            let secret = doors.cookies.session_secret(&request).unwrap_or_default();
            if !csrf_fits(&secret, form.value("csrf")) {
                return Err(Refusal::forbidden(text!("refusal-csrf")).into());
            }
            Ok(Self { who, form })
        })
    }
}

/// A form sent by somebody who is not signed in yet.
pub struct GuestSubmit(pub Form);

impl FromRequest for GuestSubmit {
    type Error = PageFailed;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PageFailed>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let doors = Doors::of(&request);
            same_site(&doors, &request)?;
            let form = Form::parse(&read(payload, LARGEST).await?);
            let secret = doors.cookies.form_secret(&request).unwrap_or_default();
            if !csrf_fits(&secret, form.value("csrf")) {
                return Err(Refusal::forbidden(text!("refusal-csrf")).into());
            }
            Ok(Self(form))
        })
    }
}
