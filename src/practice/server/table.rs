//! Objects as tables, for `kubectl get`.
//!
//! Here: the columns and cells of each kind. Not here: any other view.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::practice::objects::{
    kinds::Kind,
    object::{self, int, list, text},
};

/// A `Table` object.
pub(super) fn table<'a>(
    kind: &Kind,
    objects: impl Iterator<Item = &'a Value>,
    metadata: Value,
    now: DateTime<Utc>,
) -> Value {
    let columns = ["Name"].iter().chain(columns(kind)).chain(&["Age"]).map(|name| column(name)).collect::<Value>();
    let rows: Vec<Value> = objects
        .map(|object| {
            let mut row = vec![json!(object::name(object))];
            row.extend(cells(kind, object));
            row.push(json!(age(object, now)));
            json!({
                "cells": row,
                "object": {
                    "kind": "PartialObjectMetadata",
                    "apiVersion": "meta.k8s.io/v1",
                    "metadata": object["metadata"],
                },
            })
        })
        .collect();
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": columns,
        "rows": rows,
    })
}

/// How old an object is, in two words at most.
fn age(object: &Value, now: DateTime<Utc>) -> String {
    let Some(made) = object::time(text(object, "/metadata/creationTimestamp")) else {
        return "<unknown>".to_owned();
    };
    let seconds = (now - made).num_seconds().max(0);
    match seconds {
        ..120 => format!("{seconds}s"),
        120..600 => format!("{}m{}s", seconds / 60, seconds % 60),
        600..10_800 => format!("{}m", seconds / 60),
        10_800..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

fn column(name: &str) -> Value {
    let (kind, format) = match name {
        "Name" => ("string", "name"),
        _ => ("string", ""),
    };
    json!({"name": name, "type": kind, "format": format, "description": name, "priority": 0})
}

fn columns(kind: &Kind) -> &'static [&'static str] {
    match kind.kind {
        "Deployment" => &["Ready", "Up-to-date", "Available"],
        "ReplicaSet" => &["Desired", "Current", "Ready"],
        "Pod" => &["Ready", "Status", "Restarts"],
        "Namespace" => &["Status"],
        "Node" => &["Status", "Version"],
        "Event" => &["Type", "Reason", "Object", "Message"],
        "Secret" => &["Type", "Data"],
        "ConfigMap" => &["Data"],
        "RoleBinding" | "ClusterRoleBinding" => &["Role"],
        _ => &[],
    }
}

fn cells(kind: &Kind, object: &Value) -> Vec<Value> {
    let number = |pointer| int(object, pointer).to_string();
    let texts: Vec<String> = match kind.kind {
        "Deployment" => vec![
            format!("{}/{}", number("/status/readyReplicas"), number("/spec/replicas")),
            number("/status/updatedReplicas"),
            number("/status/availableReplicas"),
        ],
        "ReplicaSet" => vec![number("/spec/replicas"), number("/status/replicas"), number("/status/readyReplicas")],
        "Pod" => pod(object),
        "Namespace" => vec![text(object, "/status/phase").to_owned()],
        "Node" => {
            let status = if object::is(object, "Ready") { "Ready" } else { "NotReady" };
            vec![status.to_owned(), text(object, "/status/nodeInfo/kubeletVersion").to_owned()]
        }
        "Event" => vec![
            text(object, "/type").to_owned(),
            text(object, "/reason").to_owned(),
            format!("{}/{}", text(object, "/involvedObject/kind").to_lowercase(), text(object, "/involvedObject/name")),
            text(object, "/message").to_owned(),
        ],
        "Secret" => vec![text(object, "/type").to_owned(), data(object)],
        "ConfigMap" => vec![data(object)],
        "RoleBinding" | "ClusterRoleBinding" => {
            vec![format!("{}/{}", text(object, "/roleRef/kind"), text(object, "/roleRef/name"))]
        }
        _ => Vec::new(),
    };
    texts.into_iter().map(Value::from).collect()
}

fn data(object: &Value) -> String {
    object["data"].as_object().map_or(0, serde_json::Map::len).to_string()
}

fn pod(pod: &Value) -> Vec<String> {
    let statuses = list(pod, "/status/containerStatuses");
    let ready = statuses.iter().filter(|status| status["ready"] == true).count();
    let restarts: i64 = statuses.iter().map(|status| int(status, "/restartCount")).sum();
    let waiting = statuses.iter().map(|status| text(status, "/state/waiting/reason")).find(|reason| !reason.is_empty());
    let status = if object::leaving(pod) { "Terminating" } else { waiting.unwrap_or(text(pod, "/status/phase")) };
    vec![format!("{ready}/{}", list(pod, "/spec/containers").len()), status.to_owned(), restarts.to_string()]
}
