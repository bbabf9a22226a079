//! The patch formats a client may send.
//!
//! Here: which format a media type means, JSON merge patches, JSON patches.
//! Not here: strategic merge patches (`strategic`), server-side apply, which
//! this cluster answers with 415.

use serde_json::{Map, Value, json};

use super::{
    refused::{Cause, Refused},
    strategic,
};

/// A patch, read.
#[derive(Debug, Clone)]
pub(in crate::practice) enum Patch {
    Merge(Value),
    Strategic(Value),
    Json(json_patch::Patch),
}

impl Patch {
    /// Reads a body by its media type.
    pub fn read(media_type: &str, body: &[u8]) -> Result<Self, Refused> {
        let object = || -> Result<Value, Refused> {
            let value: Value = serde_json::from_slice(body).map_err(malformed)?;
            if value.is_object() { Ok(value) } else { Err(Refused::bad_request("a patch is a JSON object")) }
        };
        match media_type {
            "application/merge-patch+json" => Ok(Self::Merge(object()?)),
            "application/strategic-merge-patch+json" => Ok(Self::Strategic(object()?)),
            "application/json-patch+json" => Ok(Self::Json(serde_json::from_slice(body).map_err(malformed)?)),
            _ => Err(Refused::unsupported_media()),
        }
    }

    /// What the object becomes.
    pub fn apply(&self, object: &Value) -> Result<Value, Refused> {
        let mut object = object.clone();
        match self {
            Self::Merge(patch) => merge(&mut object, patch),
            Self::Strategic(patch) => {
                strategic::merge(&mut object, patch).map_err(Refused::internal)?;
            }
            Self::Json(patch) => json_patch::patch(&mut object, patch).map_err(|_| Refused::unprocessable_patch())?,
        }
        Ok(object)
    }

    /// The answer when what the object would become has a wrong type somewhere.
    pub fn misshapen(&self, error: &serde_json::Error) -> Refused {
        let patch = match self {
            Self::Merge(patch) | Self::Strategic(patch) => patch.clone(),
            Self::Json(patch) => json!(patch),
        };
        Refused::invalid("", "", "", &[Cause::invalid("patch", &patch, &error.to_string())])
    }
}

fn malformed(error: serde_json::Error) -> Refused {
    Refused::bad_request(error.to_string())
}

/// RFC 7386.
fn merge(object: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    let Value::Object(object) = object else {
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            object.remove(key);
        } else {
            merge(object.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(media_type: &str, body: Value) -> Patch {
        Patch::read(media_type, body.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_merge_patch_replaces_lists_and_removes_nulls() {
        let patch =
            read("application/merge-patch+json", json!({"a": null, "list": [3], "deep": {"new": {"x": null, "y": 1}}}));
        let after = patch.apply(&json!({"a": 1, "list": [1, 2], "deep": {"old": 1}})).unwrap();
        assert_eq!(after, json!({"list": [3], "deep": {"old": 1, "new": {"y": 1}}}));
    }

    #[test]
    fn a_json_patch_whose_test_fails_is_unprocessable() {
        let patch = read("application/json-patch+json", json!([{"op": "test", "path": "/a", "value": 2}]));
        assert_eq!(patch.apply(&json!({"a": 1})).unwrap_err().code, 422);
        assert!(patch.apply(&json!({"a": 2})).is_ok());
    }

    #[test]
    fn what_cannot_be_read_is_a_bad_request_and_what_is_unknown_a_media_type() {
        let code = |media_type, body: &[u8]| Patch::read(media_type, body).unwrap_err().code;
        assert_eq!(code("application/merge-patch+json", b"{"), 400);
        assert_eq!(code("application/merge-patch+json", b"[]"), 400);
        assert_eq!(code("application/json-patch+json", b"{}"), 400);
        assert_eq!(code("application/apply-patch+yaml", b"{}"), 415);
        assert_eq!(code("application/json", b"{}"), 415);
    }
}
