//! What comes with a request at the doors for programs: JSON of a limited size, and query strings,
//! each complaint with the place it is about.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::error::{Problem, told};
use crate::domain::refusal::{FieldError, Refusal};
use crate::domain::text::Text;
use crate::{protocol, text};

/// Largest body of the API, in bytes.
pub const LARGEST: usize = 256 * 1024;

/// JSON up to a limit, with the hash of its bytes.
pub struct Body<T, const LIMIT: usize = LARGEST> {
    /// The value.
    pub value: T,
    /// SHA-256 of the bytes it came as.
    pub hash: [u8; 32],
}

impl<T: DeserializeOwned + 'static, const LIMIT: usize> FromRequest for Body<T, LIMIT> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let json = request.content_type() == "application/json";
        let payload = payload.take();
        Box::pin(async move {
            let bytes = read(payload, LIMIT).await?;
            if !json && !bytes.is_empty() {
                return Err(Refusal::malformed(text!("json-content-type")).into());
            }
            // A verb whose every value has a default may be called without any.
            let given: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
            Ok(Self { value: parse(given)?, hash: Sha256::digest(&bytes).into() })
        })
    }
}

/// Reads a payload up to a limit.
///
/// # Errors
/// When it is larger, or the connection breaks.
pub async fn read(mut payload: Payload, limit: usize) -> Result<web::BytesMut, Refusal> {
    let mut bytes = web::BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Refusal::malformed(text!("body-broken")))?;
        if bytes.len() + chunk.len() > limit {
            return Err(Refusal::too_large(text!("body-too-large", limit = limit / 1024)));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Parses JSON.
///
/// # Errors
/// *Malformed* with line and column, or *invalid* with the pointer to what does not fit. The words
/// never repeat a value.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let pointer = protocol::pointer(error.path());
        let inner = error.into_inner();
        if inner.is_data() {
            Refusal::invalid(vec![FieldError { pointer: pointer.into(), text: complaint(&inner.to_string()) }])
        } else {
            Refusal::malformed(text!("json-syntax", line = inner.line(), column = inner.column()))
        }
    })?;
    deserializer
        .end()
        .map_err(|error| Refusal::malformed(text!("json-syntax", line = error.line(), column = error.column())))?;
    Ok(value)
}

/// Serde's complaint in the catalogue's words. Only names of fields are taken over, and those that
/// the caller made up only when they look like one.
pub(super) fn complaint(said: &str) -> Text {
    let name = said
        .split('`')
        .nth(1)
        .filter(|name| name.len() <= 40 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'));
    match name {
        Some(name) if said.starts_with("missing field") => text!("json-missing-field", field = name),
        Some(name) if said.starts_with("unknown field") => text!("json-unknown-field", field = name),
        _ if said.starts_with("unknown field") => text!("json-unknown-field", field = "?"),
        _ if said.starts_with("unknown variant") => text!("json-unknown-variant"),
        _ => text!("json-wrong-type"),
    }
}

/// A query string.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = actix_web::Error;
    type Future = std::future::Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // Nothing that is looked for holds a NUL, and PostgreSQL takes none.
        let mut pairs = form_urlencoded::parse(request.query_string().as_bytes());
        if let Some((name, _)) = pairs.find(|(_, value)| value.contains('\0')) {
            return std::future::ready(Err(told(request, Refusal::field(format!("/{name}"), text!("query-nul")))));
        }
        let pairs = form_urlencoded::parse(request.query_string().as_bytes());
        let parsed = serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs));
        let wrong = |error: serde_path_to_error::Error<serde::de::value::Error>| {
            Refusal::field(protocol::pointer(error.path()), complaint(&error.inner().to_string()))
        };
        std::future::ready(parsed.map(Self).map_err(|error| told(request, wrong(error))))
    }
}

/// How many rows a list gives at most.
pub const MOST: i64 = 200;

/// The part of a list's query that every list has.
#[derive(Clone, Debug, Default, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Where the last page ended, as it said.
    pub cursor: Option<String>,
    /// Rows wanted, 1 to 200; 50 when absent.
    pub limit: Option<i64>,
}

impl Page {
    /// # Errors
    /// When cursor or limit make no sense.
    pub fn read(&self) -> Result<(Option<i64>, i64), Refusal> {
        let cursor = match self.cursor.as_deref() {
            None | Some("") => None,
            Some(cursor) => Some(cursor.parse().map_err(|_| Refusal::field("/cursor", text!("cursor-unknown")))?),
        };
        let limit = self.limit.unwrap_or(50);
        if !(1..=MOST).contains(&limit) {
            return Err(Refusal::field("/limit", text!("number-out-of-range", least = 1_i64, most = MOST)));
        }
        Ok((cursor, limit))
    }
}

/// A page of a list.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct List<T> {
    /// The rows.
    pub items: Vec<T>,
    /// What to ask for next; null at the end.
    pub next_cursor: Option<String>,
}

impl<T> List<T> {
    /// A page of which one row more than wanted was asked for.
    pub fn of(mut items: Vec<T>, limit: i64, position: impl Fn(&T) -> i64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = if more { items.last().map(|last| position(last).to_string()) } else { None };
        Self { items, next_cursor }
    }

    /// All there is.
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }
}
