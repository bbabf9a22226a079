//! ReplicaSets: as many pods as each wants.
//!
//! Here: making and ending pods, counting them. Not here: what becomes of a pod
//! (`kubelet`).

use std::{cmp::Reverse, sync::Arc, time::Duration};

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::event::Teller;
use crate::practice::objects::{
    change::{Key, Writer},
    kinds::PODS,
    object::{self, annotation, condition, int, labels, list, put, text},
    refused::Refused,
    removal::Deletion,
    selector::Selector,
    store::Desk,
};

const COMPONENT: &str = "replicaset-controller";

/// How many pods a ReplicaSet gets, whatever it wants: they are all in memory.
const MOST_PODS: usize = 1000;

fn too_many(set: &Value) -> Refused {
    let name = format!("{}-", object::name(set));
    let why = format!("exceeded quota: practice, requested: pods=1, used: pods={MOST_PODS}, limited: pods={MOST_PODS}");
    Refused::forbidden("", "pods", &name, &why)
}

fn writer(verb: &'static str, subresource: &'static str) -> Writer {
    Writer {
        user: format!("system:serviceaccount:kube-system:{COMPONENT}"),
        ..Writer::inside("kube-controller-manager", verb, subresource)
    }
}

/// Brings a ReplicaSet's pods to the wanted number and its status up to date.
pub(super) fn reconcile(desk: &mut Desk<'_>, key: &Key) -> Option<Duration> {
    let set = desk.get(key)?;
    let pods = pods_of(desk, &set);
    let active = |pods: &[Arc<Value>]| -> Vec<Arc<Value>> {
        pods.iter().filter(|pod| !object::leaving(pod) && !has_ended(pod)).cloned().collect()
    };
    let mut failure = None;
    let present = active(&pods);
    let wanted = usize::try_from(int(&set, "/spec/replicas")).unwrap_or(0);
    if !object::leaving(&set) {
        if present.len() < wanted {
            for place in present.len()..wanted {
                let made = if place < MOST_PODS { make_pod(desk, &set) } else { Err(too_many(&set)) };
                if let Err(refused) = made {
                    failure = Some(("FailedCreate", refused));
                    break;
                }
            }
        } else {
            for pod in surplus(present, wanted) {
                if let Err(refused) = end_pod(desk, &set, &pod) {
                    failure = Some(("FailedDelete", refused));
                    break;
                }
            }
        }
    }
    let pods = pods_of(desk, &set);
    let leaving = pods.iter().filter(|pod| object::leaving(pod) && !has_ended(pod)).count();
    report(desk, key, &set, &active(&pods), leaving, failure)
}

fn pods_of(desk: &Desk<'_>, set: &Value) -> Vec<Arc<Value>> {
    let uid = object::uid(set);
    desk.dependents(uid)
        .iter()
        .filter(|key| *key.kind == PODS)
        .filter_map(|key| desk.get(key))
        .filter(|pod| object::controlled_by(pod, uid))
        .collect()
}

fn has_ended(pod: &Value) -> bool {
    matches!(text(pod, "/status/phase"), "Failed" | "Succeeded")
}

fn make_pod(desk: &mut Desk<'_>, set: &Value) -> Result<(), Refused> {
    let template = &set["spec"]["template"];
    let mut pod = json!({"metadata": {}, "spec": template["spec"]});
    for field in ["labels", "annotations", "finalizers"] {
        object::carry(template, &mut pod, &["metadata", field]);
    }
    let metadata = &mut pod["metadata"];
    metadata["generateName"] = format!("{}-", object::name(set)).into();
    metadata["ownerReferences"] = json!([object::controller_reference(set)]);
    let made = desk.create(&writer("create", ""), &PODS, object::namespace(set), pod);
    let teller = Teller { component: COMPONENT, about: set };
    match made {
        Ok(pod) => {
            let message = format!("Created pod: {}", object::name(&pod));
            teller.normal(desk, "SuccessfulCreate", &message);
            Ok(())
        }
        Err(refused) => {
            let message = format!("Error creating: {}", refused.message);
            teller.warning(desk, "FailedCreate", &message);
            Err(refused)
        }
    }
}

fn end_pod(desk: &mut Desk<'_>, set: &Value, pod: &Value) -> Result<(), Refused> {
    let key = Key::of(&PODS, pod);
    desk.delete(&writer("delete", ""), &key, &Deletion::default())?;
    let teller = Teller { component: COMPONENT, about: set };
    let message = format!("Deleted pod: {}", key.name);
    teller.normal(desk, "SuccessfulDelete", &message);
    Ok(())
}

/// The pods to end: those that serve least, and of equals the youngest.
fn surplus(mut pods: Vec<Arc<Value>>, wanted: usize) -> Vec<Arc<Value>> {
    pods.sort_by_cached_key(|pod| {
        let phase = match text(pod, "/status/phase") {
            "Pending" => 0,
            "Unknown" => 1,
            _ => 2,
        };
        let cost: i64 = annotation(pod, "controller.kubernetes.io/pod-deletion-cost").parse().unwrap_or(0);
        let restarts = list(pod, "/status/containerStatuses").iter().map(|status| int(status, "/restartCount")).max();
        (
            !text(pod, "/spec/nodeName").is_empty(),
            phase,
            object::is(pod, "Ready"),
            cost,
            Reverse(ready_since(pod).to_owned()),
            Reverse(restarts),
            Reverse(text(pod, "/metadata/creationTimestamp").to_owned()),
            object::name(pod).to_owned(),
        )
    });
    pods.truncate(pods.len().saturating_sub(wanted));
    pods
}

fn ready_since(pod: &Value) -> &str {
    condition(list(pod, "/status/conditions"), "Ready").map_or("", |ready| text(ready, "/lastTransitionTime"))
}

fn report(
    desk: &mut Desk<'_>,
    key: &Key,
    set: &Value,
    active: &[Arc<Value>],
    leaving: usize,
    failure: Option<(&str, Refused)>,
) -> Option<Duration> {
    let now = desk.now();
    let minimum = TimeDelta::seconds(int(set, "/spec/minReadySeconds"));
    let ready: Vec<_> = active.iter().filter(|pod| object::is(pod, "Ready")).collect();
    // When each ready pod has been ready for long enough.
    let times = ready.iter().map(|pod| {
        let since = object::time(ready_since(pod)).unwrap_or(now);
        since + minimum
    });
    let mut available = 0;
    let mut next = None;
    for time in times {
        if minimum.is_zero() || time <= now {
            available += 1;
        } else {
            next = Some(next.map_or(time, |other: chrono::DateTime<_>| other.min(time)));
        }
    }
    let template = Selector::of_object(&json!({
        "matchLabels": set["spec"]["template"]["metadata"]["labels"],
    }));
    let labelled = active
        .iter()
        .filter(|pod| template.as_ref().is_some_and(|template| template.matches_labels(labels(pod))))
        .count();
    desk.amend(&writer("update", "status"), key, |set| {
        let mut status = json!({"replicas": active.len(), "terminatingReplicas": leaving});
        for (field, value) in
            [("fullyLabeledReplicas", labelled), ("readyReplicas", ready.len()), ("availableReplicas", available)]
        {
            if value > 0 {
                status[field] = value.into();
            }
        }
        put(&mut status, &["observedGeneration"], int(set, "/metadata/generation"));
        if let Some((reason, refused)) = failure {
            let conditions = list(set, "/status/conditions");
            let since = condition(conditions, "ReplicaFailure")
                .filter(|present| present["reason"] == reason)
                .map_or_else(|| object::stamp(now), |present| text(present, "/lastTransitionTime").to_owned());
            status["conditions"] = json!([{
                "type": "ReplicaFailure",
                "status": "True",
                "reason": reason,
                "message": refused.message,
                "lastTransitionTime": since,
            }]);
        }
        set["status"] = status;
    });
    next.map(|time| (time - now).to_std().unwrap_or_default())
}
