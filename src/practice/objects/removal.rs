//! Deleting, as a client and a controller do it.
//!
//! Here: preconditions, grace, finalizers, what becomes of what an object owns.
//! Not here: the end of a pod or a namespace, which takes its time
//! (`controllers`).

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::Value;

use super::{
    change::{Key, Writer},
    kinds::{Kind, NAMESPACES, PODS},
    object::{self, int, put, take, text},
    refused::Refused,
    store::Desk,
};

/// What became of a deleted object.
#[derive(Debug, Clone)]
pub(in crate::practice) enum Deleted {
    /// It is gone; this is what it was.
    Gone(Arc<Value>),
    /// It is on its way out.
    Leaving(Arc<Value>),
}

/// How to delete.
#[derive(Debug, Clone, Default)]
pub(in crate::practice) struct Deletion {
    /// Seconds; what the pod says where there is none.
    pub grace: Option<i64>,
    pub uid: Option<String>,
    pub version: Option<String>,
    pub propagation: Propagation,
}

/// What becomes of the objects a deleted one owns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::practice) enum Propagation {
    /// They are deleted after it.
    #[default]
    Background,
    /// They are deleted before it.
    Foreground,
    /// They stay, without an owner.
    Orphan,
}

const FOREGROUND: &str = "foregroundDeletion";

impl Desk<'_> {
    /// Deletes an object, or begins to.
    pub fn delete(&mut self, writer: &Writer, key: &Key, how: &Deletion) -> Result<Deleted, Refused> {
        let kind = key.kind;
        let before = self.get(key).ok_or_else(|| Refused::not_found(kind, &key.name))?;
        if let Some(uid) = &how.uid
            && uid != object::uid(&before)
        {
            let why = format!(
                "the UID in the precondition ({uid}) does not match the UID in record ({}). The object might have been deleted and then recreated",
                object::uid(&before)
            );
            return Err(Refused::conflict(kind, &key.name, &why));
        }
        if let Some(version) = &how.version
            && version != text(&before, "/metadata/resourceVersion")
        {
            let why = format!(
                "the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record ({}). The object might have been modified",
                text(&before, "/metadata/resourceVersion")
            );
            return Err(Refused::conflict(kind, &key.name, &why));
        }
        let grace = grace(kind, &before, how.grace);
        let foreground = how.propagation == Propagation::Foreground && *kind != NAMESPACES;
        let stays = grace > 0 || foreground || *kind == NAMESPACES || !object::finalizers(&before).is_empty();
        if writer.dry_run {
            return Ok(if stays { Deleted::Leaving(before) } else { Deleted::Gone(before) });
        }
        if how.propagation == Propagation::Orphan {
            self.orphan(writer, object::uid(&before));
        }
        if !stays {
            let gone = self.erase(writer, key).unwrap_or(before);
            return Ok(Deleted::Gone(gone));
        }
        let already = object::leaving(&before);
        if already && grace >= int(&before, "/metadata/deletionGracePeriodSeconds") {
            return Ok(Deleted::Leaving(before));
        }
        let until = object::stamp(self.now() + TimeDelta::seconds(grace));
        let mut object = Value::clone(&before);
        put(&mut object, &["metadata", "deletionTimestamp"], until);
        put(&mut object, &["metadata", "deletionGracePeriodSeconds"], grace);
        if *kind == NAMESPACES {
            take(&mut object, &["metadata", "deletionGracePeriodSeconds"]);
            put(&mut object, &["status", "phase"], "Terminating");
        } else if int(&object, "/metadata/generation") > 0 {
            let generation = int(&object, "/metadata/generation") + 1;
            put(&mut object, &["metadata", "generation"], generation);
        }
        if foreground {
            let mut finalizers = object::finalizers(&object).to_vec();
            finalizers.push(FOREGROUND.into());
            put(&mut object, &["metadata", "finalizers"], finalizers);
        }
        Ok(Deleted::Leaving(self.keep(writer, key.clone(), object)))
    }

    fn orphan(&mut self, writer: &Writer, uid: &str) {
        for key in self.dependents(uid) {
            self.amend(writer, &key, |object| {
                let owners: Vec<Value> = object::list(object, "/metadata/ownerReferences")
                    .iter()
                    .filter(|owner| owner["uid"] != uid)
                    .cloned()
                    .collect();
                put(object, &["metadata", "ownerReferences"], owners);
            });
        }
    }

    /// Whether an object waits for those it owns to be deleted.
    pub fn awaits_dependents(object: &Value) -> bool {
        object::leaving(object) && object::finalizers(object).iter().any(|finalizer| finalizer == FOREGROUND)
    }

    /// Ends that wait.
    pub fn release(&mut self, writer: &Writer, key: &Key) {
        let Some(kept) = self.amend(writer, key, |object| {
            let finalizers: Vec<Value> =
                object::finalizers(object).iter().filter(|finalizer| *finalizer != FOREGROUND).cloned().collect();
            if finalizers.is_empty() {
                take(object, &["metadata", "finalizers"]);
            } else {
                put(object, &["metadata", "finalizers"], finalizers);
            }
        }) else {
            return;
        };
        if object::finalizers(&kept).is_empty() {
            self.erase(writer, key);
        }
    }
}

/// Seconds until an object that is deleted now is to be gone.
fn grace(kind: &Kind, object: &Value, asked: Option<i64>) -> i64 {
    let ended = matches!(text(object, "/status/phase"), "Failed" | "Succeeded");
    if *kind != PODS || ended || text(object, "/spec/nodeName").is_empty() {
        return 0;
    }
    asked.unwrap_or_else(|| int(object, "/spec/terminationGracePeriodSeconds")).clamp(0, i64::from(i32::MAX))
}
