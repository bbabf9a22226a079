//! The ReplicaSet of a Deployment's present template, and its revision.
//!
//! Here: making it, keeping its annotations and the Deployment's revision up to
//! date. Not here: how many pods it has (`size`).

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    deployment::{DESIRED, Deployment, HASH, MOST, REVISION, REVISIONS, Set, writer},
    progress,
};
use crate::practice::objects::{
    change::Key,
    kinds::REPLICA_SETS,
    object::{self, annotation, int, put},
    seed::template_hash,
};

impl Deployment<'_, '_> {
    /// Makes the ReplicaSet of the present template, unless it is there.
    pub fn renew(&mut self) {
        if self.new.is_some() {
            self.freshen();
        } else {
            self.make();
        }
    }

    /// Brings the annotations of the present ReplicaSet, and the Deployment's
    /// revision, up to date.
    pub fn freshen(&mut self) {
        let Some(new) = self.new.clone() else {
            return;
        };
        let revision = self.old.iter().map(Set::revision).max().unwrap_or(0) + 1;
        let deployment = Arc::clone(&self.object);
        let minimum = int(&deployment, "/spec/minReadySeconds");
        let set = self.desk.amend(&writer("update", ""), &new.key, |set| {
            copy_annotations(&deployment, set);
            let before = annotation(set, REVISION).to_owned();
            if before.parse().unwrap_or(0) < revision {
                put_annotation(set, REVISION, &revision.to_string());
                if !before.is_empty() {
                    let history = match annotation(set, REVISIONS) {
                        "" => before,
                        earlier => format!("{earlier},{before}"),
                    };
                    put_annotation(set, REVISIONS, &history);
                }
            }
            if int(set, "/spec/minReadySeconds") != minimum {
                put(set, &["spec", "minReadySeconds"], minimum);
            }
        });
        let Some(set) = set else {
            return;
        };
        let revision = annotation(&set, REVISION).to_owned();
        let now = object::stamp(self.desk.now());
        let found = progress::has_deadline(&self.object) && progress::reason(&self.object).is_empty();
        self.amend(|object| {
            put_annotation(object, REVISION, &revision);
            if found {
                let message = format!("Found new replica set {:?}", new.key.name);
                progress::set_condition(object, "Progressing", "True", "FoundNewReplicaSet", &message, &now);
            }
        });
        self.new = Some(Set { key: new.key, object: set });
    }

    fn make(&mut self) {
        let collisions = int(&self.object, "/status/collisionCount");
        let mut template = self.object["spec"]["template"].clone();
        let hash = template_hash(&template, collisions);
        put(&mut template, &["metadata", "labels", HASH], hash.as_str());
        let mut selector = self.object["spec"]["selector"].clone();
        put(&mut selector, &["matchLabels", HASH], hash.as_str());
        let revision = self.old.iter().map(Set::revision).max().unwrap_or(0) + 1;
        let replicas = self.room_for_new(0);
        let mut set = json!({
            "metadata": {
                "name": format!("{}-{hash}", self.key.name),
                "labels": template["metadata"]["labels"],
                "ownerReferences": [object::controller_reference(&self.object)],
            },
            "spec": {
                "replicas": replicas,
                "selector": selector,
                "template": template,
            },
        });
        let minimum = int(&self.object, "/spec/minReadySeconds");
        if minimum > 0 {
            put(&mut set, &["spec", "minReadySeconds"], minimum);
        }
        copy_annotations(&self.object, &mut set);
        put_annotation(&mut set, REVISION, &revision.to_string());
        self.tell_size(&mut set);
        let made = self.desk.create(&writer("create", ""), &REPLICA_SETS, &self.key.namespace, set);
        let now = object::stamp(self.desk.now());
        let watched = progress::has_deadline(&self.object);
        let made = match made {
            Ok(made) => made,
            Err(refused) if refused.reason == "AlreadyExists" => {
                // Somebody else's ReplicaSet has the name: try another.
                self.amend(|object| {
                    put(object, &["status", "collisionCount"], collisions + 1);
                });
                return;
            }
            Err(refused) => {
                if watched {
                    let message = format!("Failed to create new replica set: {}", refused.message);
                    self.amend(|object| {
                        progress::set_condition(
                            object,
                            "Progressing",
                            "False",
                            "ReplicaSetCreateError",
                            &message,
                            &now,
                        );
                    });
                }
                return;
            }
        };
        let key = Key::of(&REPLICA_SETS, &made);
        if replicas > 0 {
            let message = format!("Scaled up replica set {} from 0 to {replicas}", key.name);
            self.tell("ScalingReplicaSet", &message);
        }
        self.amend(|object| {
            put_annotation(object, REVISION, &revision.to_string());
            if watched {
                let message = format!("Created new replica set {:?}", key.name);
                progress::set_condition(object, "Progressing", "True", "NewReplicaSetCreated", &message, &now);
            }
        });
        self.new = Some(Set { key, object: made });
    }
}

pub(super) fn put_annotation(object: &mut Value, key: &str, value: &str) {
    put(object, &["metadata", "annotations", key], value);
}

fn copy_annotations(deployment: &Value, set: &mut Value) {
    let Some(annotations) = deployment.pointer("/metadata/annotations").and_then(Value::as_object) else {
        return;
    };
    for (key, value) in annotations {
        let own = [REVISION, REVISIONS, DESIRED, MOST].contains(&key.as_str())
            || key == "kubectl.kubernetes.io/last-applied-configuration";
        if !own {
            put(set, &["metadata", "annotations", key.as_str()], value.clone());
        }
    }
}
