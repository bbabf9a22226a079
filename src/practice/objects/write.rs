//! Create and update, as every write goes: a client's and a controller's.
//!
//! Here: metadata as a real server keeps it (uid, resource version, generation,
//! times, finalizers), preconditions, what a namespace or a missing service
//! account forbids. Not here: deleting (`removal`), who may write (`server::rights`).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{
    change::{Key, Writer},
    defaults,
    kinds::{DEPLOYMENTS, Kind, NAMESPACES, PODS, SERVICE_ACCOUNTS},
    managers,
    object::{self, carry, int, put, take, text},
    refused::{Cause, Refused},
    store::Desk,
    validate,
};

/// Which part of an object an update is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::practice) enum Part {
    /// Everything but the status.
    Main,
    /// The status (and, as on a real server, the annotations).
    Status,
}

impl Desk<'_> {
    /// Makes a new object. `misshapen` words the answer to a wrong JSON type.
    pub fn create(
        &mut self,
        writer: &Writer,
        kind: &'static Kind,
        namespace: &str,
        object: Value,
    ) -> Result<Arc<Value>, Refused> {
        let mut object = shaped(writer, kind, object)?;
        self.place(kind, namespace, &mut object)?;
        self.name(&mut object);
        let name = object::name(&object).to_owned();
        if kind.namespaced {
            self.open_namespace(kind, namespace, &name)?;
        }
        defaults::fill(kind, &mut object);
        begin(kind, &mut object);
        validate::check(kind, &object, None)?;
        if *kind == PODS {
            self.account_exists(&object)?;
        }
        let key = Key::new(kind, namespace, &name);
        if self.get(&key).is_some() {
            return Err(Refused::already_exists(kind, &name));
        }
        if !text(&object, "/metadata/resourceVersion").is_empty() {
            return Err(Refused::internal("resourceVersion should not be set on objects to be created"));
        }
        let metadata = [("uid", self.seed().uid()), ("creationTimestamp", object::stamp(self.now()))];
        for (field, value) in metadata {
            put(&mut object, &["metadata", field], value);
        }
        for field in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
            take(&mut object, &["metadata", field]);
        }
        managers::note(&mut object, None, writer, self.now());
        if writer.dry_run {
            return Ok(Arc::new(object));
        }
        Ok(self.keep(writer, key, object))
    }

    /// Puts the namespace of the path into the object; one that says another is
    /// refused.
    fn place(&mut self, kind: &Kind, namespace: &str, object: &mut Value) -> Result<(), Refused> {
        let said = object::namespace(object);
        if !kind.namespaced {
            take(object, &["metadata", "namespace"]);
        } else if said.is_empty() {
            put(object, &["metadata", "namespace"], namespace);
        } else if said != namespace {
            return Err(Refused::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        Ok(())
    }

    fn name(&mut self, object: &mut Value) {
        let begins = text(object, "/metadata/generateName").to_owned();
        if object::name(object).is_empty() && !begins.is_empty() {
            // A real server keeps the whole within 63 letters.
            let begins: String = begins.chars().take(58).collect();
            let suffix = self.seed().suffix();
            put(object, &["metadata", "name"], format!("{begins}{suffix}"));
        }
    }

    fn open_namespace(&self, kind: &Kind, namespace: &str, name: &str) -> Result<(), Refused> {
        let held = self
            .get(&Key::new(&NAMESPACES, "", namespace))
            .ok_or_else(|| Refused::not_found(&NAMESPACES, namespace))?;
        if object::leaving(&held) {
            return Err(Refused::namespace_terminating(kind, name, namespace));
        }
        Ok(())
    }

    fn account_exists(&self, pod: &Value) -> Result<(), Refused> {
        let namespace = object::namespace(pod);
        let account = text(pod, "/spec/serviceAccountName");
        if self.get(&Key::new(&SERVICE_ACCOUNTS, namespace, account)).is_some() {
            return Ok(());
        }
        Err(Refused::forbidden(
            "",
            "pods",
            object::name(pod),
            &format!("error looking up service account {namespace}/{account}: serviceaccount {account:?} not found"),
        ))
    }

    /// Replaces a part of an object. What comes back may be what was there, when
    /// nothing differs; then there is no write either.
    pub fn update(&mut self, writer: &Writer, key: &Key, object: Value, part: Part) -> Result<Arc<Value>, Refused> {
        let kind = key.kind;
        let before = self.get(key).ok_or_else(|| Refused::not_found(kind, &key.name))?;
        let mut object = shaped(writer, kind, object)?;
        let said = text(&object, "/metadata/resourceVersion");
        if !said.is_empty() && said != text(&before, "/metadata/resourceVersion") {
            return Err(Refused::modified(kind, &key.name));
        }
        let said = object::uid(&object);
        if !said.is_empty() && said != object::uid(&before) {
            return Err(other_uid(writer, key, said, object::uid(&before)));
        }
        self.place(kind, &key.namespace, &mut object)?;
        let mut object = merge_part(&before, object, part);
        if part == Part::Main {
            defaults::fill(kind, &mut object);
            validate::check(kind, &object, Some(&before))?;
        }
        if same(&object, &before) {
            return Ok(before);
        }
        if part == Part::Main && renews(kind, &object, &before) {
            let generation = int(&before, "/metadata/generation") + 1;
            put(&mut object, &["metadata", "generation"], generation);
        }
        managers::note(&mut object, Some(&before), writer, self.now());
        if writer.dry_run {
            return Ok(Arc::new(object));
        }
        let done = object::leaving(&object)
            && object::finalizers(&object).is_empty()
            && int(&object, "/metadata/deletionGracePeriodSeconds") == 0
            && *kind != NAMESPACES;
        let kept = self.keep(writer, key.clone(), object);
        if done {
            self.erase(writer, key);
        }
        Ok(kept)
    }

    /// Lets a part of the control plane change an object as it stands. Nothing
    /// happens when it is gone, or comes out as it was.
    pub fn amend(&mut self, writer: &Writer, key: &Key, change: impl FnOnce(&mut Value)) -> Option<Arc<Value>> {
        let before = self.get(key)?;
        let mut object = Value::clone(&before);
        change(&mut object);
        if same(&object, &before) {
            return Some(before);
        }
        if writer.subresource.is_empty() && renews(key.kind, &object, &before) {
            let generation = int(&before, "/metadata/generation") + 1;
            put(&mut object, &["metadata", "generation"], generation);
        }
        managers::note(&mut object, Some(&before), writer, self.now());
        Some(self.keep(writer, key.clone(), object))
    }
}

/// The answer to a write that names another uid: to a patch it is an attempt to
/// change the uid, to an update a precondition.
fn other_uid(writer: &Writer, key: &Key, said: &str, is: &str) -> Refused {
    if writer.verb == "patch" {
        let cause = Cause::invalid("metadata.uid", &json!(said), "field is immutable");
        return Refused::invalid(key.kind.group, key.kind.kind, &key.name, &[cause]);
    }
    let why = format!("Precondition failed: UID in precondition: {said}, UID in object meta: {is}");
    Refused::conflict(key.kind, &key.name, &why)
}

/// Gives an object the kind it has to have; one that says another is refused.
fn typed(kind: &Kind, mut object: Value) -> Result<Value, Refused> {
    let said = (text(&object, "/apiVersion"), text(&object, "/kind"));
    let expected = (kind.api_version(), kind.kind);
    if !object.is_object() {
        return Err(Refused::bad_request(format!(
            "the object provided is unrecognized (must be of type {})",
            kind.kind
        )));
    }
    if !(said.0.is_empty() && said.1.is_empty() || said == (expected.0.as_str(), expected.1)) {
        return Err(Refused::bad_request(format!(
            "{} in version {:?} cannot be handled as a {}: unknown conversion",
            said.1, said.0, kind.kind
        )));
    }
    object["apiVersion"] = expected.0.into();
    object["kind"] = expected.1.into();
    Ok(object)
}

/// Gives an object the shape of its kind.
fn shaped(writer: &Writer, kind: &Kind, object: Value) -> Result<Value, Refused> {
    let object = typed(kind, object)?;
    let shaped = (kind.shape)(object.clone()).map_err(|error| undecodable(kind, &error))?;
    if writer.strict {
        let mut lost = Vec::new();
        unknown_fields(&object, &shaped, "", &mut lost);
        if !lost.is_empty() {
            let why = format!("strict decoding error: {}", lost.join(", "));
            // A patch is judged by what comes out of it.
            return Err(if writer.verb == "patch" {
                let cause = Cause::invalid("patch", &object, &why);
                Refused::invalid("", "", "", &[cause])
            } else {
                undecodable(kind, &why)
            });
        }
    }
    Ok(shaped)
}

/// The fields that a shape does not have.
fn unknown_fields(object: &Value, shaped: &Value, path: &str, lost: &mut Vec<String>) {
    match (object, shaped) {
        (Value::Object(object), Value::Object(shaped)) => {
            for (key, value) in object {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                match shaped.get(key) {
                    Some(shaped) => unknown_fields(value, shaped, &path, lost),
                    None if value.is_null() => {}
                    None => lost.push(format!("unknown field {path:?}")),
                }
            }
        }
        (Value::Array(object), Value::Array(shaped)) => {
            for (place, (value, shaped)) in object.iter().zip(shaped).enumerate() {
                unknown_fields(value, shaped, &format!("{path}[{place}]"), lost);
            }
        }
        _ => {}
    }
}

fn undecodable(kind: &Kind, error: &dyn std::fmt::Display) -> Refused {
    Refused::bad_request(format!(
        "{} in version {:?} cannot be handled as a {}: {error}",
        kind.kind, kind.version, kind.kind
    ))
}

/// What a new object starts with.
fn begin(kind: &Kind, object: &mut Value) {
    if kind.subresources.contains(&"status") {
        take(object, &["status"]);
    }
    if ["Deployment", "ReplicaSet", "Pod"].contains(&kind.kind) {
        put(object, &["metadata", "generation"], 1);
    } else {
        take(object, &["metadata", "generation"]);
    }
    match kind.kind {
        "Pod" => {
            let none =
                object::list(object, "/spec/containers").iter().all(|container| container["resources"] == json!({}));
            let class = if none { "BestEffort" } else { "Burstable" };
            put(object, &["status"], json!({"phase": "Pending", "qosClass": class}));
        }
        "Namespace" => {
            put(object, &["spec", "finalizers"], vec!["kubernetes"]);
            put(object, &["status", "phase"], "Active");
        }
        "Deployment" | "ReplicaSet" => put(object, &["status"], json!({})),
        _ => {}
    }
}

/// The object as it was, with the part that is written from the one given.
fn merge_part(before: &Value, given: Value, part: Part) -> Value {
    match part {
        Part::Main => {
            let mut object = given;
            for field in [
                "uid",
                "resourceVersion",
                "generation",
                "creationTimestamp",
                "deletionTimestamp",
                "deletionGracePeriodSeconds",
                "managedFields",
                "generateName",
            ] {
                carry(before, &mut object, &["metadata", field]);
            }
            if before.get("status").is_some() {
                carry(before, &mut object, &["status"]);
            }
            object
        }
        Part::Status => {
            let mut object = before.clone();
            carry(&given, &mut object, &["status"]);
            carry(&given, &mut object, &["metadata", "annotations"]);
            object
        }
    }
}

/// Whether two states of an object are the same but for bookkeeping.
fn same(object: &Value, before: &Value) -> bool {
    let (Value::Object(object), Value::Object(before)) = (object, before) else {
        return false;
    };
    let metadata = |object: &Map<String, Value>| {
        let mut metadata = object.get("metadata").cloned().unwrap_or_default();
        take(&mut metadata, &["managedFields"]);
        metadata
    };
    object.len() == before.len()
        && object.iter().all(|(key, value)| key == "metadata" || before.get(key) == Some(value))
        && metadata(object) == metadata(before)
}

/// Whether the object counts as a new generation. A Deployment's annotations
/// count too, because its ReplicaSets get copies of them.
fn renews(kind: &Kind, object: &Value, before: &Value) -> bool {
    int(before, "/metadata/generation") > 0
        && (object["spec"] != before["spec"]
            || *kind == DEPLOYMENTS
                && object.pointer("/metadata/annotations") != before.pointer("/metadata/annotations"))
}
