//! The judge: how a rollout stands, from the states of the workload, its replica sets and its
//! pods. Pure; the same sight gives the same judgement. It never waits for the progress deadline
//! to see what a pod already says.
//!
//! What it decides, and why:
//! - *Only pods of the new template count.* What was broken before the release says nothing about
//!   it.
//! - *A pull that failed once may work the next time* (`ErrImagePull`); the kubelet backing off
//!   (`ImagePullBackOff`) has tried more than once, and is a failure. So is backing off from
//!   restarts (`CrashLoopBackOff`).
//! - *A probe that fails may succeed yet.* Its reason is shown at once; the verdict waits for the
//!   deadline, unless the container is restarted into a crash loop.
//! - *A pod that finds no node may find one* when another goes or an autoscaler adds one: shown at
//!   once, judged at the deadline.
//! - *A pod that was put out is replaced.* The node evicted it, or is shutting down; its replica set
//!   makes another one, elsewhere. Shown at once, judged at the deadline.
//! - *That the controller gave up counts only when it is news.* After a rollout that ran out of
//!   time, the next one begins with the old verdict still standing in the workload's status.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::error::short;
use crate::domain::deployment::{PodState, Progress, Restarts};
use crate::domain::plan::{ContainerChange, SetImage};
use crate::domain::text::Text;
use crate::text;

#[cfg(test)]
mod tests;

/// What there is to judge.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// The workload.
    pub deployment: &'a Deployment,
    /// Replica sets its selector finds, by name.
    pub replica_sets: &'a BTreeMap<String, ReplicaSet>,
    /// Pods its selector finds, by name.
    pub pods: &'a BTreeMap<String, Pod>,
    /// What the cluster last warned about a pod, by its name.
    pub warnings: &'a BTreeMap<String, String>,
}

/// What was written, and is to be seen.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// What was planned.
    pub step: &'a SetImage,
    /// Generation of the workload that carries the change.
    pub generation: i64,
    /// When the controller had given up on an earlier rollout, if it had ([`gave_up`]).
    pub gave_up_before: Option<&'a Time>,
}

/// How it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Not there yet; and how often new pods have restarted so far.
    Going(Progress, Restarts),
    /// The new pods serve, the old ones are gone.
    Serving(Progress, Restarts),
    /// It will not get there by waiting.
    Failing(Progress, Vec<Text>),
    /// The workload no longer holds what was written.
    Changed(Text),
}

/// Judges.
pub fn judge(sight: Sight<'_>, expected: Expected<'_>) -> Judgement {
    let Sight { deployment, .. } = sight;
    if deployment.metadata.uid.as_deref() != Some(&expected.step.uid) {
        return Judgement::Changed(text!("changed-another-workload"));
    }
    if deployment.metadata.deletion_timestamp.is_some() {
        return Judgement::Changed(text!("changed-being-deleted"));
    }
    if let Some(text) = changed(deployment, expected.step) {
        return Judgement::Changed(text);
    }
    let spec = deployment.spec.as_ref();
    let status = deployment.status.clone().unwrap_or_default();
    let desired = spec.and_then(|spec| spec.replicas).unwrap_or(1);
    let set = new_set(sight, expected);
    let new = set.map(|set| pods_of(sight, set)).unwrap_or_default();
    let replicas = status.replicas.unwrap_or(0);
    let updated = status.updated_replicas.unwrap_or(0);
    let available = status.available_replicas.unwrap_or(0);
    let observed = status.observed_generation.unwrap_or(0) >= expected.generation;
    let progress = Progress {
        desired,
        updated: if observed { updated } else { 0 },
        ready: count(new.iter().filter(|pod| is_ready(pod)).count()),
        // The workload's own count has the old pods in it.
        available: set.and_then(|set| set.status.as_ref()?.available_replicas).unwrap_or(0),
        old: if observed { (replicas - updated).max(0) } else { replicas },
        pods: new.iter().filter_map(|pod| pod_state(pod, sight.warnings)).collect(),
    };
    if let Some(why) = stands_still(deployment) {
        return Judgement::Failing(progress, vec![why]);
    }
    let mut reasons: Vec<Text> = new.iter().filter_map(|pod| pod_failure(pod)).collect();
    reasons.dedup();
    let news = gave_up(deployment).filter(|(at, _)| at.as_ref() != expected.gave_up_before);
    if let Some((_, message)) = news.filter(|_| observed) {
        reasons.push(text!("failing-progress-deadline", message = message));
    }
    if !reasons.is_empty() {
        reasons.truncate(5);
        return Judgement::Failing(progress, reasons);
    }
    let complete = observed && updated >= desired && replicas <= updated && available >= updated;
    let uid = |pod: &Pod| pod.metadata.uid.clone().unwrap_or_default();
    let counts = new.iter().map(|pod| (uid(pod), restarts(pod))).filter(|(_, restarts)| *restarts > 0).collect();
    if complete { Judgement::Serving(progress, counts) } else { Judgement::Going(progress, counts) }
}

/// Restarts that came after these. A pod that is not among them had none.
pub fn restarts_since(before: &Restarts, now: &Restarts) -> i32 {
    now.iter().map(|(uid, count)| (count - before.get(uid).unwrap_or(&0)).max(0)).fold(0, i32::saturating_add)
}

/// Why it is not there yet, for a verdict at the deadline.
pub fn reasons_at_deadline(progress: &Progress) -> Vec<Text> {
    let mut reasons = vec![text!(
        "failing-deadline",
        updated = i64::from(progress.updated),
        available = i64::from(progress.available),
        desired = i64::from(progress.desired),
    )];
    for pod in progress.pods.iter().filter(|pod| pod.state != "Ready").take(4) {
        let text = text!("failing-pod-state", pod = &pod.name, state = &pod.state);
        reasons.push(quoting(text, pod.message.as_deref()));
    }
    reasons
}

/// Why a workload does not roll out whatever is written to it.
pub fn stands_still(deployment: &Deployment) -> Option<Text> {
    let spec = deployment.spec.as_ref()?;
    if spec.paused == Some(true) {
        return Some(text!("failing-paused"));
    }
    (spec.replicas == Some(0)).then(|| text!("failing-zero-replicas"))
}

/// Whether the workload holds something else than was written, and what.
pub fn changed(deployment: &Deployment, step: &SetImage) -> Option<Text> {
    let containers = containers_of(deployment);
    if containers != step.all_containers {
        let (now, planned) = (join(&containers), join(&step.all_containers));
        return Some(text!("changed-containers", now = now, planned = planned));
    }
    step.containers.iter().find_map(|change| {
        let found = image_of(deployment, change.name.as_str());
        (found != Some(change.to.as_str()))
            .then(|| text!("changed-image", container = change.name.as_str(), image = found.unwrap_or("").to_owned()))
    })
}

/// Names of all containers of a workload's pods, those for initialisation too.
pub fn containers_of(deployment: &Deployment) -> BTreeSet<String> {
    let template = deployment.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
    let containers = template.map(|template| template.containers.iter()).into_iter().flatten();
    let init = template.and_then(|template| template.init_containers.as_ref()).into_iter().flatten();
    containers.chain(init).map(|container| container.name.clone()).collect()
}

/// Names in one line.
pub fn join(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// The image of a container of the workload's template.
pub fn image_of<'a>(deployment: &'a Deployment, container: &str) -> Option<&'a str> {
    let template = deployment.spec.as_ref()?.template.spec.as_ref()?;
    template.containers.iter().find(|found| found.name == container)?.image.as_deref()
}

/// The replica set that carries what was written: the newest of the workload's own whose template
/// has the images.
fn new_set<'a>(sight: Sight<'a>, expected: Expected<'_>) -> Option<&'a ReplicaSet> {
    let own = sight.replica_sets.values().filter(|set| {
        let owners = set.metadata.owner_references.iter().flatten();
        owners.into_iter().any(|owner| owner.uid == expected.step.uid && owner.controller == Some(true))
    });
    let carries = |set: &&ReplicaSet| {
        let template =
            set.spec.as_ref().and_then(|spec| spec.template.as_ref()).and_then(|template| template.spec.as_ref());
        expected.step.containers.iter().all(|change: &ContainerChange| {
            let containers = template.map(|template| template.containers.as_slice()).unwrap_or_default();
            containers
                .iter()
                .any(|found| found.name == change.name.as_str() && found.image.as_deref() == Some(&change.to))
        })
    };
    own.filter(carries).max_by_key(|set| rollouts(&set.metadata))
}

/// Its pods that are not on their way out.
fn pods_of<'a>(sight: Sight<'a>, set: &ReplicaSet) -> Vec<&'a Pod> {
    let of_set = |pod: &&Pod| {
        let mut owners = pod.metadata.owner_references.iter().flatten();
        owners.any(|owner| Some(&owner.uid) == set.metadata.uid.as_ref())
    };
    let staying = sight.pods.values().filter(|pod| pod.metadata.deletion_timestamp.is_none());
    staying.filter(of_set).collect()
}

/// The number of the rollout, as the controller counts them on a workload and on its replica sets.
pub fn rollouts(meta: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta) -> Option<i64> {
    meta.annotations.as_ref()?.get("deployment.kubernetes.io/revision")?.parse().ok()
}

fn statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    let status = pod.status.as_ref();
    let init = status.and_then(|status| status.init_container_statuses.as_ref()).into_iter().flatten();
    let main = status.and_then(|status| status.container_statuses.as_ref()).into_iter().flatten();
    init.chain(main)
}

fn restarts(pod: &Pod) -> i32 {
    statuses(pod).map(|status| status.restart_count).sum()
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn count(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Waiting reasons with which the kubelet says that it has given up for now, or that it cannot.
/// (From the kubelet's `images`, `kuberuntime` and `container` packages.)
const FATAL: [&str; 9] = [
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "PreCreateHookError",
    "PostStartHookError",
];

/// Reasons of the kubelet for a pod that it ended for the node's sake, not the pod's. (From its
/// `eviction` and `nodeshutdown` packages; the two last ones are those of earlier versions.)
const PUT_OUT: [&str; 4] = ["Evicted", "Terminated", "NodeShutdown", "Shutdown"];

fn has_failed(pod: &Pod) -> bool {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Failed")
}

/// Why the node put a pod out, when it did.
fn put_out(pod: &Pod) -> Option<&str> {
    let reason = pod.status.as_ref()?.reason.as_deref()?;
    (has_failed(pod) && PUT_OUT.contains(&reason)).then_some(reason)
}

fn pod_failure(pod: &Pod) -> Option<Text> {
    let name = pod.metadata.name.clone().unwrap_or_default();
    if put_out(pod).is_some() {
        return None;
    }
    if has_failed(pod) {
        let status = pod.status.as_ref();
        let text = match status.and_then(|status| status.reason.as_deref()) {
            Some(reason) => text!("failing-pod-failed-why", pod = name, reason = reason),
            None => text!("failing-pod-failed", pod = name),
        };
        return Some(quoting(text, status.and_then(|status| status.message.as_deref())));
    }
    statuses(pod).find_map(|status| {
        let waiting = status.state.as_ref()?.waiting.as_ref()?;
        let reason = waiting.reason.as_deref().filter(|reason| FATAL.contains(reason))?;
        let message = waiting.message.as_deref();
        let ended = status.last_state.as_ref().and_then(|last| last.terminated.as_ref());
        let container = status.name.as_str();
        Some(match (reason, ended) {
            ("CrashLoopBackOff", Some(ended)) => {
                let (exit, restarts) = (i64::from(ended.exit_code), i64::from(status.restart_count));
                let pod = name.as_str();
                match ended.reason.as_deref() {
                    Some("OOMKilled") => text!(
                        "failing-out-of-memory",
                        pod = pod,
                        container = container,
                        exit = exit,
                        restarts = restarts
                    ),
                    reason => text!(
                        "failing-crash-loop",
                        pod = pod,
                        container = container,
                        exit = exit,
                        reason = reason.unwrap_or("Error"),
                        restarts = restarts,
                    ),
                }
            }
            ("ImagePullBackOff", _) => {
                let text = text!("failing-image", pod = &name, container = container, image = &status.image);
                quoting(text, message)
            }
            _ => quoting(text!("failing-container", pod = &name, container = container, reason = reason), message),
        })
    })
}

/// A sentence, and what the cluster says itself, where it says something.
fn quoting(text: Text, message: Option<&str>) -> Text {
    match message.map(short).filter(|message| !message.is_empty()) {
        Some(message) => text!("quoted", text = text, message = message),
        None => text,
    }
}

/// When the controller gave up on a rollout, and in which words; nothing while it has not.
pub fn gave_up(deployment: &Deployment) -> Option<(Option<Time>, String)> {
    let conditions = deployment.status.as_ref()?.conditions.as_ref()?;
    let found = conditions.iter().find(|condition| {
        condition.type_ == "Progressing"
            && condition.status == "False"
            && condition.reason.as_deref() == Some("ProgressDeadlineExceeded")
    })?;
    Some((found.last_update_time.clone(), short(found.message.as_deref().unwrap_or_default())))
}

/// A pod in a word, for people. Pods that are well say nothing beyond *Ready*.
fn pod_state(pod: &Pod, warnings: &BTreeMap<String, String>) -> Option<PodState> {
    let name = pod.metadata.name.clone()?;
    let waiting = statuses(pod).find_map(|status| {
        let waiting = status.state.as_ref()?.waiting.as_ref()?;
        Some((waiting.reason.clone()?, waiting.message.clone()))
    });
    let out =
        put_out(pod).map(|reason| (reason.to_owned(), pod.status.as_ref().and_then(|status| status.message.clone())));
    let (state, message) = match out.or(waiting) {
        Some((reason, message)) => (reason, message),
        None if is_ready(pod) => ("Ready".to_owned(), None),
        None => {
            let scheduled = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
            let unscheduled = scheduled
                .into_iter()
                .flatten()
                .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False");
            match unscheduled {
                Some(condition) => {
                    let reason = condition.reason.clone().unwrap_or_else(|| "Unschedulable".to_owned());
                    (reason, condition.message.clone())
                }
                None => {
                    let phase = pod.status.as_ref().and_then(|status| status.phase.clone());
                    let running = phase.as_deref() == Some("Running");
                    (if running { "NotReady".to_owned() } else { phase.unwrap_or_else(|| "Pending".to_owned()) }, None)
                }
            }
        }
    };
    let message = message.or_else(|| if state == "Ready" { None } else { warnings.get(&name).cloned() });
    Some(PodState { name, state, message: message.map(|text| short(&text)), restarts: restarts(pod) })
}
