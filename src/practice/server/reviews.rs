//! Questions and orders that are posted and kept nowhere.
//!
//! Here: what may I do, who am I, give this service account a token. Not here:
//! the judgement itself (`rights`).

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    asked::Target,
    people::{People, User},
    rights,
};
use crate::practice::{
    objects::{
        change::Key,
        kinds::SERVICE_ACCOUNTS,
        object::{self, put, text},
        refused::{Cause, Refused},
        store::Desk,
    },
    tokens::Tokens,
};

/// The reviews this server knows: group, plural, kind.
pub(super) const REVIEWS: [(&str, &str, &str); 3] = [
    ("authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
    ("authorization.k8s.io", "selfsubjectrulesreviews", "SelfSubjectRulesReview"),
    ("authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview"),
];

/// The kind of review a path names.
pub(super) fn of_path(target: &Target) -> Option<&'static str> {
    REVIEWS
        .iter()
        .find(|(group, plural, _)| target.group == *group && target.version == "v1" && target.resource == *plural)
        .map(|(.., kind)| *kind)
}

/// Answers a review.
pub(super) fn answer(desk: &Desk<'_>, user: &User, kind: &str, mut review: Value) -> Value {
    let api_version = match kind {
        "SelfSubjectReview" => "authentication.k8s.io/v1",
        _ => "authorization.k8s.io/v1",
    };
    put(&mut review, &["kind"], kind);
    put(&mut review, &["apiVersion"], api_version);
    object::default(&mut review, &["metadata"], json!({}));
    let status = match kind {
        "SelfSubjectReview" => {
            let now = object::stamp(desk.now());
            put(&mut review, &["metadata", "creationTimestamp"], now);
            json!({"userInfo": user.json()})
        }
        "SelfSubjectAccessReview" => access(desk, user, &review["spec"]),
        _ => json!({
            "resourceRules": rights::resource_rules(
                desk,
                user,
                text(&review, "/spec/namespace"),
            ),
            "nonResourceRules": [{
                "verbs": ["get"],
                "nonResourceURLs": if user.is_master() {
                    json!(["*"])
                } else {
                    json!(["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version", "/version/"])
                },
            }],
            "incomplete": false,
        }),
    };
    put(&mut review, &["status"], status);
    review
}

fn access(desk: &Desk<'_>, user: &User, spec: &Value) -> Value {
    let allowed = if let Some(attributes) = spec.get("resourceAttributes") {
        let target = rights::target_of_review(attributes);
        rights::allowed(desk, user, text(attributes, "/verb"), &target)
    } else {
        let attributes = &spec["nonResourceAttributes"];
        rights::allowed_path(user, text(attributes, "/verb"), text(attributes, "/path"))
    };
    json!({"allowed": allowed})
}

/// Makes a token for a service account.
pub(super) fn token(
    desk: &mut Desk<'_>,
    people: &People,
    target: &Target,
    mut request: Value,
) -> Result<Value, Refused> {
    let key = Key::new(&SERVICE_ACCOUNTS, &target.namespace, &target.name);
    let account = desk.get(&key).ok_or_else(|| Refused::not_found(&SERVICE_ACCOUNTS, &target.name))?;
    let seconds = request.pointer("/spec/expirationSeconds").and_then(Value::as_i64).unwrap_or(3600);
    let wrong = if seconds < 600 {
        Some("may not specify a duration less than 10 minutes")
    } else if seconds > 1 << 32 {
        Some("may not specify a duration larger than 2^32 seconds")
    } else {
        None
    };
    if let Some(wrong) = wrong {
        return Err(Refused::invalid(
            "authentication.k8s.io",
            "TokenRequest",
            "",
            &[Cause::invalid("spec.expirationSeconds", &json!(seconds), wrong)],
        ));
    }
    let now = desk.now();
    let until = now + TimeDelta::seconds(seconds);
    object::default(&mut request, &["spec", "audiences"], Tokens::audiences());
    put(&mut request, &["spec", "expirationSeconds"], seconds);
    let id = desk.seed().uid();
    let token = people.tokens.bound(&account, &request["spec"]["audiences"], now, until, &id);
    for (field, value) in [
        ("kind", json!("TokenRequest")),
        ("apiVersion", json!("authentication.k8s.io/v1")),
        (
            "metadata",
            json!({
                "name": target.name,
                "namespace": target.namespace,
                "uid": object::uid(&account),
                "creationTimestamp": object::stamp(now),
            }),
        ),
        ("status", json!({"token": token, "expirationTimestamp": object::stamp(until)})),
    ] {
        put(&mut request, &[field], value);
    }
    Ok(request)
}
