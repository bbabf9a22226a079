//! Pages for people. The struct of a page stands next to its handler, with fields of domain
//! values; its template loops and chooses. Every decision works without a script.
//!
//! To add a page: a struct and handlers in the file of its stage, a template under
//! `templates/pages`, its words in `templates/texts`, a line in `http/routes.rs`.

pub mod account;
mod agreement;
pub mod announcements;
pub mod audit;
pub mod board;
pub mod clusters;
pub mod credential;
pub mod environments;
pub mod groups;
pub mod images;
pub mod keys;
mod managed;
pub mod people;
mod proposal;
pub mod release;
pub mod releases;
pub mod request;
mod rollout;
pub mod services;
pub mod settings;
pub mod sign_in;
mod story;
pub mod targets;
mod tide;
pub mod tokens;
mod wall;
pub mod windows;

use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError};
use askama::Template;

use super::Doors;
use super::error::Failed;
use super::guard::{Visitor, Who};
use crate::domain::refusal::{Kind, Refusal};
use crate::domain::text::Text;
use crate::store;
use crate::text;
use crate::texts::{Language, Reader, Texts};
use crate::workflow;

/// Why a page is not what was asked for.
#[derive(Debug)]
pub enum PageFailed {
    /// Nobody is signed in; afterwards one wants to be here again.
    SignIn(Option<String>),
    /// A page that says what went wrong, with a way out.
    Failed(Failed),
}

impl<E: Into<Failed>> From<E> for PageFailed {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl std::fmt::Display for PageFailed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SignIn(_) => f.write_str("nobody is signed in"),
            Self::Failed(failed) => failed.fmt(f),
        }
    }
}

/// The page that says what went wrong.
#[derive(Template)]
#[template(path = "pages/error.html")]
struct ErrorPage {
    texts: Texts,
    reader: Reader,
    title: String,
    text: Text,
    details: Vec<Text>,
}

impl ErrorPage {
    fn t(&self, key: &str) -> String {
        self.texts.plain(key)
    }
    fn say(&self, text: &Text) -> String {
        self.texts.render(text, &self.reader)
    }
    fn style(&self) -> &'static super::assets::Asset {
        super::assets::style()
    }
    fn mark(&self) -> &'static super::assets::Asset {
        super::assets::mark()
    }
    fn language(&self) -> &'static str {
        Language::En.tag()
    }
}

impl ResponseError for PageFailed {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::SignIn(_) => StatusCode::SEE_OTHER,
            Self::Failed(failed) => failed.status(),
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::SignIn(next) => {
                let to = match next {
                    Some(next) if next != "/" => {
                        let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
                        format!("/sign-in?{query}")
                    }
                    _ => "/sign-in".to_owned(),
                };
                see_other(&to)
            }
            Self::Failed(failed) => error_page(failed),
        }
    }
}

/// The page for a failure.
pub fn error_page(failed: &Failed) -> HttpResponse {
    let (title, text, details) = match failed {
        Failed::Fault => ("error-fault", text!("refusal-fault"), Vec::new()),
        Failed::Refused(refusal) => {
            let title = match refusal.kind {
                Kind::Absent => "error-absent",
                Kind::Forbidden | Kind::Unauthenticated => "error-forbidden",
                Kind::Conflict | Kind::Stale => "error-conflict",
                _ => "error-invalid",
            };
            (title, refusal.text.clone(), refusal.fields.iter().map(|field| field.text.clone()).collect())
        }
    };
    wrong(failed.status(), title, text, details)
}

/// The page for a method that a path is not asked with, such as a form's address typed by hand.
pub fn other_method(allowed: &[&str]) -> HttpResponse {
    let mut response = wrong(StatusCode::METHOD_NOT_ALLOWED, "error-conflict", text!("refusal-method"), Vec::new());
    if let Ok(allowed) = header::HeaderValue::from_str(&allowed.join(", ")) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}

fn wrong(status: StatusCode, title: &str, text: Text, details: Vec<Text>) -> HttpResponse {
    let texts = Texts::get();
    let title = texts.plain(title);
    let page = ErrorPage { texts, reader: super::error::program(), title, text, details };
    let html = page.render().unwrap_or_else(|_| "<!doctype html><title>Tidegate</title>".to_owned());
    HttpResponse::build(status).content_type("text/html; charset=utf-8").body(html)
}

/// What handlers of pages give.
pub type Page = Result<HttpResponse, PageFailed>;

/// The answer to a form that was carried out: look there.
pub fn see_other(to: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish()
}

impl FromRequest for Visitor {
    type Error = PageFailed;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self, PageFailed>>>>;

    fn from_request(request: &HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let doors = Doors::of(&request);
            let next = request.uri().path_and_query().map(ToString::to_string);
            Visitor::of(&doors, &request).await?.map(Self).ok_or(PageFailed::SignIn(next))
        })
    }
}

/// The refusal of a verb, when it is one that a page can show with its form.
///
/// # Errors
/// Everything else.
pub fn refusal(error: workflow::Error) -> Result<Refusal, PageFailed> {
    Failed::from(error).refusal().map_err(PageFailed::Failed)
}

/// Carries out a form that only asks for a password again when the last sign-in is a while ago.
///
/// # Errors
/// A complaint about the password.
pub async fn freshen(doors: &Doors, who: &mut Who, password: &str) -> Result<(), workflow::Error> {
    let now = doors.workflow.clock().now();
    let fresh = who.caller.proof.is_some_and(|(_, at)| now.since(at) <= workflow::FRESH);
    if fresh || password.is_empty() {
        return Ok(());
    }
    let Some(session) = &who.session else { return Ok(()) };
    doors.workflow.confirm_password(who.person.id, session.hash, password.to_owned()).await?;
    who.caller.proof = Some((store::session::Method::Password, now));
    Ok(())
}

/// Whether a form has to ask for the password.
pub fn asks_password(doors: &Doors, who: &Who) -> bool {
    let now = doors.workflow.clock().now();
    who.caller.proof.is_none_or(|(_, at)| now.since(at) > workflow::FRESH)
}
