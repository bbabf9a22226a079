//! Deployments: the ReplicaSets of each, one for every template it has had.
//!
//! Here: finding them, pausing, forgetting the oldest. Not here: making the one of
//! the present template (`revision`), sizes (`size`), how a rollout goes on
//! (`rollout`), what the status says (`progress`).
//!
//! The steps are those of the real controller; one call makes at most one step
//! and every write wakes it again.

use std::{sync::Arc, time::Duration};

use serde_json::Value;

use super::{progress, rollout};
use crate::practice::objects::{
    change::{Key, Writer},
    kinds::{PODS, REPLICA_SETS},
    object::{self, annotation, int, labels, list, put, take, text},
    removal::Deletion,
    selector::Selector,
    store::Desk,
};

pub(super) const COMPONENT: &str = "deployment-controller";
pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
pub(super) const REVISIONS: &str = "deployment.kubernetes.io/revision-history";
pub(super) const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
pub(super) const MOST: &str = "deployment.kubernetes.io/max-replicas";
pub(super) const HASH: &str = "pod-template-hash";

/// One of a Deployment's ReplicaSets.
#[derive(Debug, Clone)]
pub(super) struct Set {
    pub key: Key,
    pub object: Arc<Value>,
}

impl Set {
    /// How many pods it is to have.
    pub fn wanted(&self) -> i64 {
        int(&self.object, "/spec/replicas")
    }

    /// A number from its status.
    pub fn count(&self, field: &str) -> i64 {
        int(&self.object, &format!("/status/{field}"))
    }

    /// Older before newer. Versions stand in for times, which have only seconds.
    pub fn age(&self) -> (String, String) {
        (text(&self.object, "/metadata/creationTimestamp").to_owned(), self.key.name.clone())
    }

    pub fn revision(&self) -> i64 {
        annotation(&self.object, REVISION).parse().unwrap_or(0)
    }
}

/// A Deployment on the desk with its ReplicaSets.
pub(super) struct Deployment<'d, 'a> {
    pub desk: &'d mut Desk<'a>,
    pub key: Key,
    pub object: Arc<Value>,
    /// The ReplicaSet of the present template.
    pub new: Option<Set>,
    /// The others, oldest first.
    pub old: Vec<Set>,
}

/// Takes one step with a Deployment. Returns after what time its progress is to
/// be looked at again.
pub(super) fn reconcile(desk: &mut Desk<'_>, key: &Key) -> Option<Duration> {
    let object = desk.get(key)?;
    let selector = Selector::of_object(&object["spec"]["selector"])?;
    let mut sets = Vec::new();
    let uid = object::uid(&object).to_owned();
    let orphans: Vec<Key> = desk
        .list(&REPLICA_SETS, &key.namespace, None)
        .filter(|(_, set)| {
            object::controller_of(set).is_none() && !object::leaving(set) && selector.matches_labels(labels(set))
        })
        .map(|(key, _)| key.clone())
        .collect();
    if !object::leaving(&object) {
        for orphan in orphans {
            let owner = object::controller_reference(&object);
            desk.amend(&writer("patch", ""), &orphan, |set| {
                put(set, &["metadata", "ownerReferences"], vec![owner]);
            });
        }
    }
    for key in desk.dependents(&uid) {
        if *key.kind == REPLICA_SETS
            && let Some(object) = desk.get(&key).filter(|set| object::controlled_by(set, &uid))
        {
            sets.push(Set { key, object });
        }
    }
    sets.sort_by_key(Set::age);
    let template = bare(&object["spec"]["template"]);
    let new =
        sets.iter().position(|set| bare(&set.object["spec"]["template"]) == template).map(|place| sets.remove(place));
    let mut deployment = Deployment { desk, key: key.clone(), object, new, old: sets };
    if object::leaving(&deployment.object) {
        progress::report(&mut deployment, false);
        return None;
    }
    deployment.note_pause();
    if deployment.paused() || deployment.scaled() {
        deployment.freshen();
        deployment.scale();
        if deployment.paused() {
            deployment.forget();
        }
        progress::report(&mut deployment, false);
        return None;
    }
    if text(&deployment.object, "/spec/strategy/type") == "Recreate" {
        rollout::recreate(&mut deployment)
    } else {
        rollout::rolling(&mut deployment)
    }
}

/// A template without the hash a ReplicaSet adds.
fn bare(template: &Value) -> Value {
    let mut template = template.clone();
    take(&mut template, &["metadata", "labels", HASH]);
    template
}

pub(super) fn writer(verb: &'static str, subresource: &'static str) -> Writer {
    Writer {
        user: format!("system:serviceaccount:kube-system:{COMPONENT}"),
        ..Writer::inside("kube-controller-manager", verb, subresource)
    }
}

impl Deployment<'_, '_> {
    /// How many pods it is to have.
    pub fn wanted(&self) -> i64 {
        int(&self.object, "/spec/replicas")
    }

    fn paused(&self) -> bool {
        self.object["spec"]["paused"] == true
    }

    pub fn sets(&self) -> impl Iterator<Item = &Set> {
        self.old.iter().chain(&self.new)
    }

    /// Changes the Deployment's status, or its annotations by that way.
    pub fn amend(&mut self, change: impl FnOnce(&mut Value)) {
        let writer = writer("update", "status");
        if let Some(object) = self.desk.amend(&writer, &self.key, change) {
            self.object = object;
        }
    }

    /// A pause, or its end, is noted as a condition, so that the time of the
    /// pause does not count against the progress deadline.
    fn note_pause(&mut self) {
        if !progress::has_deadline(&self.object) {
            return;
        }
        let reason = progress::reason(&self.object).to_owned();
        let (noted, paused) = (reason == "DeploymentPaused", self.paused());
        if reason == "ProgressDeadlineExceeded" || noted == paused {
            return;
        }
        let (reason, message) = if paused {
            ("DeploymentPaused", "Deployment is paused")
        } else {
            ("DeploymentResumed", "Deployment is resumed")
        };
        let now = object::stamp(self.desk.now());
        self.amend(|object| {
            progress::set_condition(object, "Progressing", "Unknown", reason, message, &now);
        });
    }

    /// Whether `replicas` was changed since a ReplicaSet with pods was last told.
    fn scaled(&self) -> bool {
        self.sets()
            .filter(|set| set.wanted() > 0)
            .filter_map(|set| annotation(&set.object, DESIRED).parse::<i64>().ok())
            .any(|told| told != self.wanted())
    }

    /// Forgets old ReplicaSets beyond `revisionHistoryLimit`.
    pub fn forget(&mut self) {
        let Some(limit) = self.object["spec"]["revisionHistoryLimit"].as_u64() else {
            return;
        };
        let mut old: Vec<Set> = self.old.iter().filter(|set| !object::leaving(&set.object)).cloned().collect();
        old.sort_by_key(|set| (set.revision(), set.age()));
        let beyond = old.len().saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
        for set in &old[..beyond] {
            let used = set.wanted() != 0
                || set.count("replicas") != 0
                || int(&set.object, "/metadata/generation") > set.count("observedGeneration");
            if !used {
                let writer = writer("delete", "");
                let _ = self.desk.delete(&writer, &set.key, &Deletion::default());
                self.old.retain(|other| other.key != set.key);
            }
        }
    }
}

/// Whether a pod that does not belong to the new ReplicaSet is still there.
pub(super) fn old_pods(deployment: &Deployment<'_, '_>) -> bool {
    deployment.old.iter().any(|set| {
        let pods = deployment.desk.dependents(object::uid(&set.object));
        let mut pods = pods.iter().filter(|key| *key.kind == PODS).filter_map(|key| deployment.desk.get(key));
        set.count("replicas") > 0 || pods.any(|pod| !matches!(text(&pod, "/status/phase"), "Failed" | "Succeeded"))
    })
}

/// The conditions of the ReplicaSets that say pods could not be made.
pub(super) fn failures<'s>(sets: impl Iterator<Item = &'s Set>) -> Option<Value> {
    sets.flat_map(|set| list(&set.object, "/status/conditions"))
        .find(|condition| condition["type"] == "ReplicaFailure")
        .cloned()
}
