//! Who wrote an object last, and how: `metadata.managedFields`.
//!
//! Here: one entry for each manager, operation and subresource, with the time of
//! its last write. Not here: which fields each of them owns; `fieldsV1` is left
//! empty, since nothing in this cluster decides by it.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{change::Writer, object};

/// Notes a write. Call it only for a write that changes something.
pub(in crate::practice) fn note(object: &mut Value, before: Option<&Value>, writer: &Writer, now: DateTime<Utc>) {
    let mut entries = before.map_or_else(Vec::new, |before| object::list(before, "/metadata/managedFields").to_vec());
    // Only `status` and `scale` are told apart; a real server says "status" for
    // a write through that door and nothing for the main one.
    entries.retain(|entry| {
        entry["manager"] != writer.manager.as_str() || object::text(entry, "/subresource") != writer.subresource
    });
    let mut entry = json!({
        "manager": writer.manager,
        "operation": "Update",
        "apiVersion": object["apiVersion"],
        "time": object::stamp(now),
        "fieldsType": "FieldsV1",
        "fieldsV1": {},
    });
    if !writer.subresource.is_empty() {
        entry["subresource"] = writer.subresource.into();
    }
    entries.push(entry);
    object::put(object, &["metadata", "managedFields"], entries);
}
