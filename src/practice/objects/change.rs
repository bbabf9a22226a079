//! What a change is: where an object is kept, who writes, what became of it.
//!
//! Here: the words of the record. Not here: the record itself (`store`).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{kinds::Kind, object};

/// Where an object is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::practice) struct Key {
    pub kind: &'static Kind,
    /// Empty for an object that is in no namespace.
    pub namespace: String,
    pub name: String,
}

impl Key {
    pub fn new(kind: &'static Kind, namespace: &str, name: &str) -> Self {
        Self { kind, namespace: if kind.namespaced { namespace } else { "" }.to_owned(), name: name.to_owned() }
    }

    pub fn of(kind: &'static Kind, object: &Value) -> Self {
        Self::new(kind, object::namespace(object), object::name(object))
    }
}

/// Who writes, and how.
#[derive(Debug, Clone)]
pub(in crate::practice) struct Writer {
    pub user: String,
    pub manager: String,
    pub verb: &'static str,
    pub subresource: &'static str,
    /// Everything is checked and nothing kept.
    pub dry_run: bool,
    /// A field the kind does not have is an error, instead of dropped.
    pub strict: bool,
}

impl Writer {
    /// A part of the control plane.
    pub fn inside(component: &str, verb: &'static str, subresource: &'static str) -> Self {
        Self {
            user: format!("system:{component}"),
            manager: component.to_owned(),
            verb,
            subresource,
            dry_run: false,
            strict: false,
        }
    }
}

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is new.
    Added,
    /// It is another than before.
    Modified,
    /// It is gone.
    Deleted,
}

/// One accepted write.
#[derive(Debug, Clone)]
pub struct Change {
    /// The resource version the write was given; one higher than the one before.
    pub version: u64,
    /// When, by the cluster's clock.
    pub at: DateTime<Utc>,
    /// The user name, as the server authenticated it; `system:…` for the
    /// cluster's own parts.
    pub user: String,
    /// The field manager.
    pub manager: String,
    /// `create`, `update`, `patch` or `delete`.
    pub verb: &'static str,
    /// `status`, `scale`, or empty.
    pub subresource: &'static str,
    /// What became of the object.
    pub action: Action,
    /// For example `Deployment`.
    pub kind: &'static str,
    /// Empty for an object that is in no namespace.
    pub namespace: String,
    /// The object's name.
    pub name: String,
    /// The object after the write; for a deletion as it was last.
    pub object: Arc<Value>,
    /// The object before the write.
    pub before: Option<Arc<Value>>,
    pub(in crate::practice) key: Key,
}

impl Change {
    /// Whether the write made another `spec` of an object that was there before.
    pub fn changes_spec(&self) -> bool {
        self.action == Action::Modified
            && self.before.as_ref().is_some_and(|before| before.get("spec") != self.object.get("spec"))
    }
}
