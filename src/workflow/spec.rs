//! What managed things have in common: an edit with the version the editor saw, and the difference
//! between before and after, for the audit log and for `apply --dry-run`.

use serde::Serialize;
use serde_json::Value;

use crate::domain::refusal::Refusal;
use crate::protocol::{Action, Change, FieldChange};
use crate::text;

use super::Result;

/// How a thing is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Save {
    /// It must not exist yet.
    Create,
    /// It exists; the version is the one the editor saw.
    Edit(i64),
    /// Whatever is there becomes this.
    Put,
}

impl Save {
    /// Judges whether saving goes together with what is there: the version to save over, or
    /// nothing for a new thing.
    pub(super) fn onto(self, present: Option<i64>) -> Result<Option<i64>> {
        match (self, present) {
            (Self::Create, Some(_)) => Err(Refusal::conflict(text!("conflict-exists")).into()),
            (Self::Edit(_), None) => Err(Refusal::absent().into()),
            (Self::Edit(seen), Some(version)) if seen != version => {
                Err(Refusal::stale(text!("conflict-edited-meanwhile")).into())
            }
            (_, present) => Ok(present),
        }
    }
}

/// The fields in which two states of a thing differ.
pub(super) fn difference<T: Serialize>(kind: &str, name: &str, before: Option<&T>, after: &T) -> Change {
    let fields = |value: Option<&T>| match value.map(serde_json::to_value) {
        Some(Ok(Value::Object(fields))) => fields,
        _ => serde_json::Map::new(),
    };
    let (old, new) = (fields(before), fields(Some(after)));
    let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let changed = names
        .into_iter()
        .filter(|name| old.get(*name).unwrap_or(&Value::Null) != new.get(*name).unwrap_or(&Value::Null))
        .map(|name| FieldChange {
            field: name.clone(),
            before: old.get(name).cloned().unwrap_or(Value::Null),
            after: new.get(name).cloned().unwrap_or(Value::Null),
        })
        .collect::<Vec<_>>();
    let action = match before {
        None => Action::Create,
        Some(_) if changed.is_empty() => Action::Unchanged,
        Some(_) => Action::Update,
    };
    Change { kind: kind.to_owned(), name: name.to_owned(), action, fields: changed, token: None }
}

/// The facts of an audit entry about a change.
pub(super) fn facts(change: &Change) -> Value {
    serde_json::json!({ "name": change.name, "fields": change.fields })
}
