//! What is to be seen of a rollout: three watches (the workload, its replica sets, its pods), and a
//! look now and then.
//!
//! A watch can be silent because nothing happens, or because nothing arrives any more; only asking
//! tells which. So the look decides whether the cluster is reachable, and a watch that breaks only
//! asks for one. It also brings what the cluster last warned about pods that are not ready.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Event as Warning, Pod};
use kube::api::ListParams;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, ResourceExt as _};

use super::connect::{Connection, call};
use super::error::Failure;
use super::observe::{self, MOST, PAGE};
use super::rollout::{self, Expected, Judgement, Sight};
use crate::domain::deployment::Progress;
use crate::domain::plan::SetImage;
use crate::random::Random;
use crate::text;

/// How long one watch lasts before it is begun anew, in seconds: shorter than the silence after
/// which its connection counts as dead.
const WATCH: u32 = 20;
/// Longest wait for one answer of a look.
const LOOK: Duration = Duration::from_secs(5);
/// Pods that are asked about in one look.
const ASKED: usize = 3;

/// One thing that was seen.
pub(super) enum Saw {
    Deployment(Event<Deployment>),
    ReplicaSet(Event<ReplicaSet>),
    Pod(Event<Pod>),
    /// A watch broke. It begins anew by itself.
    Broken(Failure),
}

/// The watches as one stream, which never ends.
pub(super) fn watches(
    connection: &Connection,
    step: &SetImage,
    labels: &str,
    random: Random,
) -> BoxStream<'static, Saw> {
    let namespace = step.workload.namespace.as_str();
    let client = connection.client();
    let config = watcher::Config { page_size: Some(PAGE), ..watcher::Config::default().timeout(WATCH) };
    let one = config.clone().fields(&format!("metadata.name={}", step.workload.name));
    let own = config.labels(labels);
    let pauses = || Pauses { random, next: Pauses::FIRST };
    let deployments = watcher(Api::<Deployment>::namespaced(client.clone(), namespace), one);
    let sets = watcher(Api::<ReplicaSet>::namespaced(client.clone(), namespace), own.clone());
    let pods = watcher(Api::<Pod>::namespaced(client, namespace), own);
    stream::select_all([
        deployments.backoff(pauses()).map(saw(Saw::Deployment)).boxed(),
        sets.modify(slim_set).backoff(pauses()).map(saw(Saw::ReplicaSet)).boxed(),
        pods.modify(slim_pod).backoff(pauses()).map(saw(Saw::Pod)).boxed(),
    ])
    .boxed()
}

/// Leaves of a pod what the judge looks at: thousands of them are kept.
fn slim_pod(pod: &mut Pod) {
    pod.spec = None;
    (pod.metadata.managed_fields, pod.metadata.annotations, pod.metadata.labels) = (None, None, None);
}

fn slim_set(set: &mut ReplicaSet) {
    (set.metadata.managed_fields, set.metadata.labels) = (None, None);
}

fn saw<K>(kind: fn(Event<K>) -> Saw) -> impl FnMut(Result<Event<K>, watcher::Error>) -> Saw {
    move |result| match result {
        Ok(event) => kind(event),
        Err(error) => Saw::Broken(match error {
            watcher::Error::InitialListFailed(error)
            | watcher::Error::WatchStartFailed(error)
            | watcher::Error::WatchFailed(error) => error.into(),
            watcher::Error::WatchError(status) => Failure::of_status(&status),
            watcher::Error::NoResourceVersion => Failure::Nonsense,
        }),
    }
}

/// Pauses of a watch between attempts. They stay short: the verdict waits for them.
struct Pauses {
    random: Random,
    next: u64,
}

impl Pauses {
    const FIRST: u64 = 100;
    const LONGEST: u64 = 2_000;
}

impl Iterator for Pauses {
    type Item = Duration;
    fn next(&mut self) -> Option<Duration> {
        let pause = self.random.jitter(self.next);
        self.next = (self.next * 2).min(Self::LONGEST);
        Some(pause)
    }
}

impl Backoff for Pauses {
    fn reset(&mut self) {
        self.next = Self::FIRST;
    }
}

/// What a look found.
pub(super) struct Looked {
    pub found: Result<Deployment, Failure>,
    /// What the cluster last warned about the pods that were asked about, by pod.
    pub warnings: BTreeMap<String, String>,
}

/// Looks, in five seconds for each question at most.
pub(super) fn look(connection: &Connection, step: &SetImage, pods: Vec<String>) -> BoxFuture<'static, Looked> {
    let (connection, workload) = (connection.clone(), step.workload.clone());
    Box::pin(async move {
        let read = tokio::time::timeout(LOOK, observe::read(&connection, &workload)).await;
        let found = read.unwrap_or_else(|_| Err(Failure::Unreachable(text!("failure-timeout"))));
        let mut warnings = BTreeMap::new();
        if found.is_ok() {
            let api: Api<Warning> = Api::namespaced(connection.client(), workload.namespace.as_str());
            for pod in pods.into_iter().take(ASKED) {
                let params =
                    ListParams::default().fields(&format!("involvedObject.name={pod},type=Warning")).limit(PAGE);
                let Ok(Ok(list)) = tokio::time::timeout(LOOK, call(api.list(&params))).await else { break };
                let latest = list.items.into_iter().max_by_key(|one| version(&one.metadata));
                warnings.extend(latest.and_then(|one| one.message).map(|message| (pod, message)));
            }
        }
        Looked { found, warnings }
    })
}

/// The resource version as the growing number it is (Kubernetes 1.35 says so; it always was).
fn version(meta: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta) -> Option<u64> {
    meta.resource_version.as_ref().and_then(|version| version.parse().ok())
}

/// What has been seen so far.
pub(super) struct Seen {
    deployment: Deployment,
    gone: bool,
    listed: bool,
    replica_sets: Kept<ReplicaSet>,
    pods: Kept<Pod>,
    warnings: BTreeMap<String, String>,
}

impl Seen {
    /// Begins with the workload as it was written, or found written.
    pub(super) fn new(deployment: Deployment) -> Self {
        Self {
            deployment,
            gone: false,
            listed: false,
            replica_sets: Kept::default(),
            pods: Kept::default(),
            warnings: BTreeMap::new(),
        }
    }

    /// Whether the workload is no longer there.
    pub(super) fn gone(&self) -> bool {
        self.gone
    }

    /// Whether there is more to see than is kept.
    pub(super) fn too_many(&self) -> bool {
        self.replica_sets.too_many || self.pods.too_many
    }

    /// The workload as it was last seen.
    pub(super) fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    pub(super) fn take(&mut self, saw: Saw) {
        match saw {
            Saw::Deployment(Event::Apply(found)) => self.newer(found),
            Saw::Deployment(Event::Init) => self.listed = false,
            Saw::Deployment(Event::InitApply(found)) => {
                self.listed = true;
                self.newer(found);
            }
            // A list without it: it went while nobody watched.
            Saw::Deployment(Event::InitDone) => self.gone |= !self.listed,
            Saw::Deployment(Event::Delete(found)) => self.gone |= found.uid() == self.deployment.uid(),
            Saw::ReplicaSet(event) => self.replica_sets.take(event),
            Saw::Pod(event) => self.pods.take(event),
            Saw::Broken(_) => {}
        }
    }

    pub(super) fn look(&mut self, looked: Looked) {
        match looked.found {
            Ok(found) => self.newer(found),
            Err(Failure::NotFound(_)) => self.gone = true,
            Err(_) => {}
        }
        self.warnings.extend(looked.warnings);
    }

    /// Watch and look overtake each other: what is older than what is known is old news.
    fn newer(&mut self, found: Deployment) {
        if version(&found.metadata) >= version(&self.deployment.metadata) {
            self.deployment = found;
        }
    }

    /// Pods of which the cluster may know more than they say themselves.
    pub(super) fn silent(&self, progress: &Progress) -> Vec<String> {
        let unready = progress.pods.iter().filter(|pod| pod.state != "Ready");
        let silent = unready.filter(|pod| pod.message.is_none() || self.warnings.contains_key(&pod.name));
        silent.map(|pod| pod.name.clone()).collect()
    }

    /// How it stands; nothing while a list is not complete.
    pub(super) fn judge(&self, expected: Expected<'_>) -> Option<Judgement> {
        let listed = self.replica_sets.complete && self.pods.complete;
        listed.then(|| {
            let sight = Sight {
                deployment: &self.deployment,
                replica_sets: &self.replica_sets.objects,
                pods: &self.pods.objects,
                warnings: &self.warnings,
            };
            rollout::judge(sight, expected)
        })
    }
}

/// The objects of one watch, by name. A list that starts anew replaces them once it is complete.
struct Kept<K> {
    objects: BTreeMap<String, K>,
    listing: BTreeMap<String, K>,
    complete: bool,
    too_many: bool,
}

impl<K> Default for Kept<K> {
    fn default() -> Self {
        Self { objects: BTreeMap::new(), listing: BTreeMap::new(), complete: false, too_many: false }
    }
}

impl<K: kube::Resource> Kept<K> {
    fn take(&mut self, event: Event<K>) {
        match event {
            Event::Init => self.listing.clear(),
            Event::InitApply(object) => {
                self.listing.insert(object.name_any(), object);
            }
            Event::InitDone => {
                self.objects = std::mem::take(&mut self.listing);
                self.complete = true;
            }
            Event::Apply(object) => {
                self.objects.insert(object.name_any(), object);
            }
            Event::Delete(object) => {
                self.objects.remove(&object.name_any());
            }
        }
        self.too_many |= self.listing.len().max(self.objects.len()) > MOST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_is_kept_is_found_out_in_a_list_and_after_it() {
        let set = |number: usize| -> ReplicaSet {
            serde_json::from_value(serde_json::json!({ "metadata": { "name": format!("set-{number}") } })).unwrap()
        };
        let mut listed = Kept::default();
        (0..MOST).for_each(|number| listed.take(Event::InitApply(set(number))));
        assert!(!listed.too_many);
        listed.take(Event::InitApply(set(MOST)));
        assert!(listed.too_many);
        let mut watched = Kept::default();
        watched.take(Event::InitDone);
        (0..MOST).for_each(|number| watched.take(Event::Apply(set(number))));
        assert!(!watched.too_many);
        watched.take(Event::Apply(set(MOST)));
        assert!(watched.too_many);
    }
}
