//! Reading and writing the parts of an object held as JSON.
//!
//! Here: pointers, labels, owners, conditions, times. Not here: anything that
//! knows what a particular kind is for.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

/// The text at a JSON pointer; empty where there is none.
pub(in crate::practice) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

/// The whole number at a JSON pointer; zero where there is none.
pub(in crate::practice) fn int(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

/// The list at a JSON pointer; empty where there is none.
pub(in crate::practice) fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Puts a value at a place, making the objects on the way. Something on the way
/// that is no object is replaced by one.
pub(in crate::practice) fn put(object: &mut Value, path: &[&str], value: impl Into<Value>) {
    let mut here = object;
    for step in path {
        if !here.is_object() {
            *here = json!({});
        }
        here = &mut here[*step];
    }
    *here = value.into();
}

/// Puts a value at a place unless something other than null is there.
pub(in crate::practice) fn default(object: &mut Value, path: &[&str], value: impl Into<Value>) {
    let there = path.iter().try_fold(&*object, |here, step| here.get(*step));
    if there.is_none_or(Value::is_null) {
        put(object, path, value);
    }
}

/// Takes a value out of its place.
pub(in crate::practice) fn take(object: &mut Value, path: &[&str]) -> Option<Value> {
    let (last, way) = path.split_last()?;
    let mut here = object;
    for step in way {
        here = here.get_mut(*step)?;
    }
    here.as_object_mut()?.remove(*last)
}

/// Moves what one object has at a place into another; takes it out of there
/// where the first has nothing.
pub(in crate::practice) fn carry(from: &Value, to: &mut Value, path: &[&str]) {
    match path.iter().try_fold(from, |here, step| here.get(*step)) {
        Some(value) if !value.is_null() => put(to, path, value.clone()),
        _ => {
            take(to, path);
        }
    }
}

pub(in crate::practice) fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

pub(in crate::practice) fn namespace(object: &Value) -> &str {
    text(object, "/metadata/namespace")
}

pub(in crate::practice) fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

pub(in crate::practice) fn labels(object: &Value) -> Option<&Map<String, Value>> {
    object.pointer("/metadata/labels").and_then(Value::as_object)
}

/// An annotation; empty where there is none.
pub(in crate::practice) fn annotation<'a>(object: &'a Value, key: &str) -> &'a str {
    object
        .pointer("/metadata/annotations")
        .and_then(|annotations| annotations.get(key))
        .and_then(Value::as_str)
        .unwrap_or("")
}

/// Whether the object is on its way out.
pub(in crate::practice) fn leaving(object: &Value) -> bool {
    !text(object, "/metadata/deletionTimestamp").is_empty()
}

/// Whether the object's finalizers (not a namespace's own) hold it.
pub(in crate::practice) fn finalizers(object: &Value) -> &[Value] {
    list(object, "/metadata/finalizers")
}

/// The reference to the controller that made the object.
pub(in crate::practice) fn controller_of(object: &Value) -> Option<&Value> {
    list(object, "/metadata/ownerReferences").iter().find(|owner| owner["controller"] == true)
}

/// Whether the object with this uid controls `object`.
pub(in crate::practice) fn controlled_by(object: &Value, uid: &str) -> bool {
    controller_of(object).is_some_and(|owner| owner["uid"] == uid)
}

/// An owner reference to a controller.
pub(in crate::practice) fn controller_reference(owner: &Value) -> Value {
    json!({
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name(owner),
        "uid": uid(owner),
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// The condition of a type, from a list of conditions.
pub(in crate::practice) fn condition<'a>(conditions: &'a [Value], kind: &str) -> Option<&'a Value> {
    conditions.iter().find(|condition| condition["type"] == kind)
}

/// Whether the pod, or whatever has conditions, is in the condition.
pub(in crate::practice) fn is(object: &Value, kind: &str) -> bool {
    condition(list(object, "/status/conditions"), kind).is_some_and(|condition| condition["status"] == "True")
}

/// A time as objects write it: whole seconds, UTC.
pub(in crate::practice) fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Reads a time an object holds.
pub(in crate::practice) fn time(stamp: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(stamp).ok().map(|time| time.with_timezone(&Utc))
}
