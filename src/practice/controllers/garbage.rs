//! Objects whose owner is gone.
//!
//! Here: deleting what nobody owns any more, and what an owner that is deleted
//! in the foreground waits for. Not here: making objects orphans on purpose
//! (that is part of the deletion, in `objects::write`).

use crate::practice::objects::{
    change::{Key, Writer},
    object,
    removal::{Deletion, Propagation},
    store::Desk,
};

const COMPONENT: &str = "generic-garbage-collector";

/// An owner is gone: what it owned goes too, unless another owner is there, then
/// only the reference goes.
pub(super) fn collect(desk: &mut Desk<'_>, uid: &str) {
    if desk.by_uid(uid).is_some() {
        return;
    }
    for key in desk.dependents(uid) {
        let Some(dependent) = desk.get(&key) else {
            continue;
        };
        let owners = object::list(&dependent, "/metadata/ownerReferences");
        let left: Vec<_> =
            owners.iter().filter(|owner| desk.by_uid(object::text(owner, "/uid")).is_some()).cloned().collect();
        if left.is_empty() {
            let how = Deletion { uid: Some(object::uid(&dependent).to_owned()), ..Deletion::default() };
            // What is gone already needs no deleting.
            let _ = desk.delete(&Writer::inside(COMPONENT, "delete", ""), &key, &how);
        } else {
            desk.amend(&Writer::inside(COMPONENT, "patch", ""), &key, |object| {
                object::put(object, &["metadata", "ownerReferences"], left);
            });
        }
    }
}

/// An object waits for its dependents: deletes them, or lets it go.
pub(super) fn foreground(desk: &mut Desk<'_>, key: &Key) {
    let Some(owner) = desk.get(key).filter(|owner| Desk::awaits_dependents(owner)) else {
        return;
    };
    let uid = object::uid(&owner);
    let dependents = desk.dependents(uid);
    for dependent in &dependents {
        let leaving = desk.get(dependent).is_none_or(|dependent| object::leaving(&dependent));
        if !leaving {
            let how = Deletion { propagation: Propagation::Foreground, ..Deletion::default() };
            let _ = desk.delete(&Writer::inside(COMPONENT, "delete", ""), dependent, &how);
        }
    }
    if dependents.is_empty() {
        desk.release(&Writer::inside(COMPONENT, "patch", ""), key);
    }
}
