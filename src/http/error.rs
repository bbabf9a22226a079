//! What goes wrong at a door: a refusal becomes a status and a problem document (RFC 9457) or a
//! page; a fault of ours is logged here, once, and told without details.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use super::pages::PageFailed;
use crate::domain::refusal::{FieldError, Kind, Refusal};
use crate::domain::text::Text;
use crate::domain::time::{Timestamp, Zone};
use crate::store;
use crate::text;
use crate::texts::{Language, Reader, Texts};
use crate::workflow;

/// Why a door did not do what it was asked to.
#[derive(Debug)]
pub enum Failed {
    /// The rules say no.
    Refused(Box<Refusal>),
    /// It is our fault; logged already.
    Fault,
}

impl Failed {
    /// The refusal, for pages that show it beside the form.
    ///
    /// # Errors
    /// The fault, when it is one.
    pub fn refusal(self) -> Result<Refusal, Self> {
        match self {
            Self::Refused(refusal) => Ok(*refusal),
            Self::Fault => Err(Self::Fault),
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Fault => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Refused(refusal) => match refusal.kind {
                Kind::Malformed => StatusCode::BAD_REQUEST,
                Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
                Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
                Kind::Forbidden => StatusCode::FORBIDDEN,
                Kind::Absent => StatusCode::NOT_FOUND,
                Kind::Conflict | Kind::Stale => StatusCode::CONFLICT,
                Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
                Kind::TooMany => StatusCode::TOO_MANY_REQUESTS,
            },
        }
    }

    fn text(&self) -> Text {
        match self {
            Self::Refused(refusal) => refusal.text.clone(),
            Self::Fault => text!("refusal-fault"),
        }
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.text().key)
    }
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<store::Error> for Failed {
    fn from(error: store::Error) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "http.fault");
        Self::Fault
    }
}

impl From<workflow::Error> for Failed {
    fn from(error: workflow::Error) -> Self {
        match error {
            workflow::Error::Refused(refusal) => Self::Refused(refusal),
            workflow::Error::Store(error) => error.into(),
            // Only `apply` asks for it, and takes it out itself.
            workflow::Error::DryRun(_) => Self::Fault,
        }
    }
}

/// A failure at a door for programs.
#[derive(Debug)]
pub struct Problem(pub Failed);

impl<E: Into<Failed>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.status()
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        let mut response = HttpResponse::build(status);
        response.insert_header((header::CONTENT_TYPE, "application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        response.json(self.document())
    }
}

impl Problem {
    /// The problem document.
    pub fn document(&self) -> Document {
        let fields = match &self.0 {
            Failed::Refused(refusal) => refusal.fields.as_slice(),
            Failed::Fault => &[],
        };
        Document::of(self.status_code(), &self.0.text(), fields)
    }
}

/// Whether a request is at a door for programs, which are told in documents; people are in pages.
pub fn is_program(request: &HttpRequest) -> bool {
    request.path().starts_with("/api/")
}

/// A refusal in the form that belongs to the door.
pub fn told(request: &HttpRequest, refusal: Refusal) -> actix_web::Error {
    if is_program(request) { Problem::from(refusal).into() } else { PageFailed::from(refusal).into() }
}

/// A problem document (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Document {
    /// Names the sort of problem; it stays the same when the words change.
    #[serde(rename = "type")]
    kind: String,
    /// What the status means.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What went wrong, in a sentence.
    detail: String,
    /// What is wrong with values of the request, each with its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<WrongValue>,
}

/// What is wrong with one value of a request.
#[derive(Debug, Serialize, ToSchema)]
pub struct WrongValue {
    /// JSON pointer (RFC 6901) to it.
    pointer: String,
    /// What is wrong with it, in a sentence.
    detail: String,
}

impl Document {
    fn of(status: StatusCode, text: &Text, fields: &[FieldError]) -> Self {
        let say = |text: &Text| Texts::get().render(text, &program());
        let wrong = |field: &FieldError| WrongValue { pointer: field.pointer.to_string(), detail: say(&field.text) };
        Self {
            kind: format!("/problems/{}", text.key),
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: say(text),
            errors: fields.iter().map(wrong).collect(),
        }
    }
}

/// The answer to a method that a path is not asked with.
pub fn other_method(allowed: &[&str]) -> HttpResponse {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "application/problem+json"))
        .insert_header((header::ALLOW, allowed.join(", ")))
        .json(Document::of(status, &text!("refusal-method"), &[]))
}

/// Programs read English and UTC, and every year in full: what they are told does not depend on when.
pub fn program() -> Reader {
    Reader { language: Language::En, zone: Zone::UTC, now: Timestamp::EPOCH }
}

/// What handlers for programs give.
pub type Answer = Result<HttpResponse, Problem>;
