//! What this server says it can do.
//!
//! Here: version, groups and resources, from the table of kinds; of OpenAPI only
//! what kubectl asks it for: that the server checks fields itself. Not here:
//! schemas.

use serde_json::{Value, json};

use super::reviews::REVIEWS;
use crate::practice::objects::kinds::{KINDS, Kind};

/// The version it gives itself.
pub(super) const VERSION: &str = "v1.36.4-practice";

const VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// What stands at a path; nothing where the path is unknown.
pub(super) fn page(path: &str) -> Option<Value> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        ["version"] => Some(json!({
            "major": "1",
            "minor": "36",
            "emulationMajor": "1",
            "emulationMinor": "36",
            "minCompatibilityMajor": "1",
            "minCompatibilityMinor": "35",
            "gitVersion": VERSION,
            "gitCommit": "",
            "gitTreeState": "clean",
            "buildDate": "1970-01-01T00:00:00Z",
            "goVersion": "none",
            "compiler": "rustc",
            "platform": "practice",
        })),
        ["api"] => Some(json!({
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": [],
        })),
        ["apis"] => Some(json!({
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": groups().iter().map(|name| group(name)).collect::<Value>(),
        })),
        ["apis", name] => groups().contains(name).then(|| {
            let mut group = group(name);
            group["kind"] = "APIGroup".into();
            group["apiVersion"] = "v1".into();
            group
        }),
        ["api", "v1"] => Some(resources("")),
        ["openapi", "v3"] => Some(json!({"paths": documents()})),
        ["openapi", "v3", "api", "v1"] => Some(document("")),
        ["openapi", "v3", "apis", name, "v1"] => groups().contains(name).then(|| document(name)),
        ["apis", name, "v1"] => groups().contains(name).then(|| resources(name)),
        _ => None,
    }
}

/// Where the OpenAPI documents are.
fn documents() -> Value {
    let place = |path: &str| json!({"serverRelativeURL": format!("/openapi/v3/{path}?hash=0")});
    let mut paths = json!({"api/v1": place("api/v1")});
    for group in groups() {
        let path = format!("apis/{group}/v1");
        paths[&path] = place(&path);
    }
    paths
}

/// An OpenAPI document that says of each kind only which parameters a patch
/// takes.
fn document(group: &str) -> Value {
    let parameters: Value = ["dryRun", "fieldManager", "fieldValidation"]
        .iter()
        .map(|name| json!({"name": name, "in": "query", "schema": {"type": "string"}}))
        .collect();
    let mut paths = json!({});
    for kind in KINDS.into_iter().filter(|kind| kind.group == group) {
        let version = kind.api_version();
        let root = if group.is_empty() { "api" } else { "apis" };
        let place = if kind.namespaced { "namespaces/{namespace}/" } else { "" };
        paths[format!("/{root}/{version}/{place}{}/{{name}}", kind.plural)] = json!({
            "patch": {
                "parameters": parameters,
                "responses": {"200": {"description": "OK"}},
                "x-kubernetes-group-version-kind": {
                    "group": kind.group,
                    "version": kind.version,
                    "kind": kind.kind,
                },
            },
        });
    }
    json!({
        "openapi": "3.0.0",
        "info": {"title": "practice", "version": VERSION},
        "paths": paths,
    })
}

fn groups() -> Vec<&'static str> {
    let mut groups = Vec::new();
    let kinds = KINDS.iter().map(|kind| kind.group);
    for group in kinds.chain(REVIEWS.iter().map(|(group, ..)| *group)) {
        if !group.is_empty() && !groups.contains(&group) {
            groups.push(group);
        }
    }
    groups
}

fn group(name: &str) -> Value {
    let version = json!({"groupVersion": format!("{name}/v1"), "version": "v1"});
    json!({"name": name, "versions": [version], "preferredVersion": version})
}

fn resources(group: &str) -> Value {
    let mut resources = Vec::new();
    for kind in KINDS.into_iter().filter(|kind| kind.group == group) {
        resources.push(resource(kind));
        resources.extend(kind.subresources.iter().map(|name| subresource(kind, name)));
        if kind.kind == "ServiceAccount" {
            resources.push(json!({
                "name": "serviceaccounts/token",
                "singularName": "",
                "namespaced": true,
                "group": "authentication.k8s.io",
                "version": "v1",
                "kind": "TokenRequest",
                "verbs": ["create"],
            }));
        }
    }
    for (_, plural, kind) in REVIEWS.iter().filter(|(other, ..)| *other == group) {
        resources.push(json!({
            "name": plural,
            "singularName": kind.to_lowercase(),
            "namespaced": false,
            "kind": kind,
            "verbs": ["create"],
        }));
    }
    let version = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
    json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": version,
        "resources": resources,
    })
}

fn resource(kind: &Kind) -> Value {
    let mut resource = json!({
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": VERBS,
    });
    if !kind.short.is_empty() {
        resource["shortNames"] = json!(kind.short);
    }
    if ["Deployment", "ReplicaSet", "Pod", "Service"].contains(&kind.kind) {
        resource["categories"] = json!(["all"]);
    }
    resource
}

fn subresource(kind: &Kind, name: &str) -> Value {
    let mut resource = json!({
        "name": format!("{}/{name}", kind.plural),
        "singularName": "",
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": ["get", "patch", "update"],
    });
    if name == "scale" {
        resource["group"] = "autoscaling".into();
        resource["version"] = "v1".into();
        resource["kind"] = "Scale".into();
    }
    resource
}
