//! Answers as they go over the wire.
//!
//! Here: JSON bodies, and the views a client may ask for: whole objects, their
//! metadata, or a table for people. Not here: what is in the tables (`table`).

use std::convert::Infallible;

use chrono::{DateTime, Utc};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{Response, StatusCode, body::Bytes, header};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Value, json};

use super::table;
use crate::practice::objects::{kinds::Kind, refused::Refused};

pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A whole body.
pub(super) fn body(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed_unsync()
}

/// An answer of a media type.
pub(super) fn plain(code: u16, media_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(media_type));
    response
}

/// A JSON answer.
pub(super) fn json(code: u16, value: &Value) -> Response<Body> {
    plain(code, "application/json", body(value.to_string()))
}

/// The answer to a request that is not done.
pub(super) fn refused(refused: &Refused) -> Response<Body> {
    json(refused.code, &refused.json())
}

/// How a client wants to see objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    Whole,
    Metadata,
    Table,
}

impl View {
    /// The first view of an `Accept` header that this server has.
    pub fn of(accept: &str) -> Self {
        for part in accept.split(',') {
            if part.contains("protobuf") || part.contains("cbor") {
                continue;
            }
            if part.contains("as=Table") {
                return Self::Table;
            }
            if part.contains("as=PartialObjectMetadata") {
                return Self::Metadata;
            }
            if !part.contains("as=") {
                return Self::Whole;
            }
        }
        Self::Whole
    }

    /// One object.
    pub fn one(self, kind: &Kind, object: &Value, now: DateTime<Utc>) -> Value {
        match self {
            Self::Whole => object.clone(),
            Self::Metadata => metadata(object),
            Self::Table => {
                let version = object["metadata"]["resourceVersion"].clone();
                table::table(kind, [object].into_iter(), json!({"resourceVersion": version}), now)
            }
        }
    }

    /// A list, as the bytes of its JSON. The items of a plain list do not repeat
    /// their kind, as with a real server.
    pub fn many<'a>(
        self,
        kind: &Kind,
        objects: impl Iterator<Item = &'a Value>,
        list: &Value,
        now: DateTime<Utc>,
    ) -> Vec<u8> {
        let (api_version, name) = match self {
            Self::Table => {
                return table::table(kind, objects, list.clone(), now).to_string().into_bytes();
            }
            Self::Metadata => ("meta.k8s.io/v1".to_owned(), "PartialObjectMetadataList".to_owned()),
            Self::Whole => (kind.api_version(), format!("{}List", kind.kind)),
        };
        let head = json!({"kind": name, "apiVersion": api_version, "metadata": list});
        let mut bytes = head.to_string().into_bytes();
        bytes.pop();
        bytes.extend_from_slice(b",\"items\":[");
        for (place, object) in objects.enumerate() {
            if place > 0 {
                bytes.push(b',');
            }
            let item = match self {
                Self::Metadata => serde_json::to_vec(&metadata(object)),
                _ => serde_json::to_vec(&Untyped(object)),
            };
            // Values always have a JSON form.
            bytes.extend(item.unwrap_or_default());
        }
        bytes.extend_from_slice(b"]}");
        bytes
    }
}

fn metadata(object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": object["metadata"],
    })
}

/// An object without its kind.
struct Untyped<'a>(&'a Value);

impl Serialize for Untyped<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(object) = self.0.as_object() else {
            return self.0.serialize(serializer);
        };
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in object {
            if key != "kind" && key != "apiVersion" {
                map.serialize_entry(key, value)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_known_view_counts() {
        let kubectl = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
        assert_eq!(View::of(kubectl), View::Table);
        let metadata = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
        assert_eq!(View::of(metadata), View::Metadata);
        let typed = "application/vnd.kubernetes.protobuf,application/json";
        assert_eq!(View::of(typed), View::Whole);
        assert_eq!(View::of(""), View::Whole);
    }
}
