//! Why a request is not done: the `Status` object an API server answers with.
//!
//! Here: one value, its constructors with the words a real API server uses, and
//! its JSON. Not here: how it travels (that is `server::answer`).

use serde_json::{Value, json};

use super::kinds::Kind;

/// A request that was not done. `code` is the HTTP status, `reason` the word
/// programs look at, `message` the sentence for people.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// HTTP status code.
    pub code: u16,
    /// The machine-readable reason, for example `Conflict`; empty where a real
    /// API server gives none.
    pub reason: &'static str,
    /// The sentence for people.
    pub message: String,
    /// What it is about: name, group, kind and causes.
    pub details: Option<Value>,
}

/// One field that is wrong in an object.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::practice) struct Cause {
    pub reason: &'static str,
    pub message: String,
    pub field: String,
}

impl Cause {
    pub fn required(field: impl Into<String>, why: &str) -> Self {
        let message = if why.is_empty() { "Required value".to_owned() } else { format!("Required value: {why}") };
        Self { reason: "FieldValueRequired", message, field: field.into() }
    }

    pub fn invalid(field: impl Into<String>, value: &Value, why: &str) -> Self {
        Self { reason: "FieldValueInvalid", message: format!("Invalid value: {value}: {why}"), field: field.into() }
    }

    pub fn duplicate(field: impl Into<String>, value: &str) -> Self {
        Self { reason: "FieldValueDuplicate", message: format!("Duplicate value: {value:?}"), field: field.into() }
    }

    pub fn not_supported(field: impl Into<String>, value: &str, options: &[&str]) -> Self {
        let options: Vec<String> = options.iter().map(|option| format!("{option:?}")).collect();
        Self {
            reason: "FieldValueNotSupported",
            message: format!("Unsupported value: {value:?}: supported values: {}", options.join(", ")),
            field: field.into(),
        }
    }

    pub fn forbidden(field: impl Into<String>, why: &str) -> Self {
        Self { reason: "FieldValueForbidden", message: format!("Forbidden: {why}"), field: field.into() }
    }

    fn json(&self) -> Value {
        json!({"reason": self.reason, "message": self.message, "field": self.field})
    }
}

fn about(group: &str, word: &str, name: &str) -> Value {
    let mut details = serde_json::Map::new();
    for (key, value) in [("name", name), ("group", group), ("kind", word)] {
        if !value.is_empty() {
            details.insert(key.to_owned(), value.into());
        }
    }
    Value::Object(details)
}

impl Refused {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: None }
    }

    fn with(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    /// An answer made up by a fault: any code, with the reason that goes with it.
    pub(in crate::practice) fn made_up(code: u16, message: &str) -> Self {
        let reason = match code {
            400 => "BadRequest",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "NotFound",
            409 => "Conflict",
            410 => "Expired",
            422 => "Invalid",
            429 => "TooManyRequests",
            500 => "InternalError",
            503 => "ServiceUnavailable",
            504 => "Timeout",
            _ => "",
        };
        Self::new(code, reason, message).with(json!({}))
    }

    pub(in crate::practice) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// What a real server has no better word for either.
    pub(in crate::practice) fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "", message)
    }

    pub(in crate::practice) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    pub(in crate::practice) fn forbidden(group: &str, resource: &str, name: &str, why: &str) -> Self {
        let dotted = dotted(resource, group);
        let subject = if name.is_empty() { dotted } else { format!("{dotted} {name:?}") };
        Self::new(403, "Forbidden", format!("{subject} is forbidden: {why}")).with(about(group, resource, name))
    }

    pub(in crate::practice) fn forbidden_path(user: &str, verb: &str, path: &str) -> Self {
        Self::new(403, "Forbidden", format!("forbidden: User {user:?} cannot {verb} path {path:?}")).with(json!({}))
    }

    pub(in crate::practice) fn namespace_terminating(kind: &Kind, name: &str, namespace: &str) -> Self {
        let mut refused = Self::forbidden(
            kind.group,
            kind.plural,
            name,
            &format!("unable to create new content in namespace {namespace} because it is being terminated"),
        );
        if let Some(details) = &mut refused.details {
            details["causes"] = json!([{
                "reason": "NamespaceTerminating",
                "message": format!("namespace {namespace} is being terminated"),
                "field": "metadata.namespace",
            }]);
        }
        refused
    }

    pub(in crate::practice) fn not_found(kind: &Kind, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{} {name:?} not found", kind.dotted())).with(about(
            kind.group,
            kind.plural,
            name,
        ))
    }

    pub(in crate::practice) fn no_such_resource() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource").with(json!({}))
    }

    pub(in crate::practice) fn method_not_allowed() -> Self {
        Self::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
            .with(json!({}))
    }

    pub(in crate::practice) fn already_exists(kind: &Kind, name: &str) -> Self {
        Self::new(409, "AlreadyExists", format!("{} {name:?} already exists", kind.dotted())).with(about(
            kind.group,
            kind.plural,
            name,
        ))
    }

    pub(in crate::practice) fn conflict(kind: &Kind, name: &str, why: &str) -> Self {
        Self::new(409, "Conflict", format!("Operation cannot be fulfilled on {} {name:?}: {why}", kind.dotted()))
            .with(about(kind.group, kind.plural, name))
    }

    pub(in crate::practice) fn modified(kind: &Kind, name: &str) -> Self {
        Self::conflict(
            kind,
            name,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    pub(in crate::practice) fn expired(asked: u64, oldest: u64) -> Self {
        Self::new(410, "Expired", format!("too old resource version: {asked} ({oldest})"))
    }

    pub(in crate::practice) fn too_large_version(asked: u64, newest: u64) -> Self {
        Self::new(504, "Timeout", format!("Timeout: Too large resource version: {asked}, current: {newest}")).with(
            json!({
                "causes": [{
                    "reason": "ResourceVersionTooLarge",
                    "message": "Too large resource version",
                }],
                "retryAfterSeconds": 1,
            }),
        )
    }

    pub(in crate::practice) fn too_large_body() -> Self {
        Self::new(413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728").with(json!({}))
    }

    pub(in crate::practice) fn unsupported_media() -> Self {
        Self::new(415, "UnsupportedMediaType", "415: Unsupported Media Type").with(json!({}))
    }

    pub(in crate::practice) fn invalid(group: &str, kind: &str, name: &str, causes: &[Cause]) -> Self {
        let mut lines: Vec<String> = causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
        let listed = match lines.len() {
            1 => lines.remove(0),
            _ => format!("[{}]", lines.join(", ")),
        };
        let mut details = about(group, kind, name);
        details["causes"] = causes.iter().map(Cause::json).collect();
        Self::new(422, "Invalid", format!("{} {name:?} is invalid: {listed}", dotted(kind, group))).with(details)
    }

    /// A JSON patch whose operations cannot be carried out, `test` included.
    pub(in crate::practice) fn unprocessable_patch() -> Self {
        Self::new(422, "Invalid", "the server rejected our request due to an error in our request").with(json!({}))
    }

    /// The `Status` object.
    pub(in crate::practice) fn json(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        });
        if !self.reason.is_empty() {
            status["reason"] = self.reason.into();
        }
        if let Some(details) = &self.details {
            status["details"] = details.clone();
        }
        status["code"] = self.code.into();
        status
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.code, self.reason, self.message)
    }
}

impl std::error::Error for Refused {}

/// `word` and `group` as errors name them: `deployments.apps`, `pods`.
fn dotted(word: &str, group: &str) -> String {
    if group.is_empty() { word.to_owned() } else { format!("{word}.{group}") }
}
