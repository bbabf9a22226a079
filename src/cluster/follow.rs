//! Follows a rollout by watching, until the judge or the clock has an answer.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Event as Warning, Pod};
use kube::api::ListParams;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, ResourceExt as _};

use super::connect::call;
use super::error::Failure;
use super::execute::{Ended, Hands, Journal, Signal, Stopped};
use super::observe::selector;
use super::rollout::{self, Expected, Judgement, Sight};
use crate::domain::deployment::{JournalEvent, Progress, TargetState};
use crate::domain::plan::SetImage;
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::text;

/// A rollout to be followed.
pub(super) struct Followed<'a, 'h, J> {
    pub hands: &'a mut Hands<'h, J>,
    pub step: &'a SetImage,
    /// Generation of the workload that carries the change.
    pub generation: i64,
    /// When patience ends.
    pub deadline: Timestamp,
    /// When it began.
    pub begin: Timestamp,
}

/// What the watches have shown so far.
#[derive(Default)]
struct Seen {
    deployment: Option<Deployment>,
    gone: bool,
    replica_sets: Kept<ReplicaSet>,
    pods: Kept<Pod>,
    warnings: BTreeMap<String, String>,
}

/// The objects of one watch, by name. A list that starts anew replaces them once it is complete.
struct Kept<K> {
    objects: BTreeMap<String, K>,
    listing: Option<BTreeMap<String, K>>,
    complete: bool,
}

impl<K> Default for Kept<K> {
    fn default() -> Self {
        Self { objects: BTreeMap::new(), listing: None, complete: false }
    }
}

impl<K: kube::Resource> Kept<K> {
    fn take(&mut self, event: Event<K>) {
        match event {
            Event::Init => self.listing = Some(BTreeMap::new()),
            Event::InitApply(object) => {
                self.listing.get_or_insert_default().insert(object.name_any(), object);
            }
            Event::InitDone => {
                self.objects = self.listing.take().unwrap_or_default();
                self.complete = true;
            }
            Event::Apply(object) => {
                self.objects.insert(object.name_any(), object);
            }
            Event::Delete(object) => {
                self.objects.remove(&object.name_any());
            }
        }
    }

    fn list(&self) -> Vec<K>
    where
        K: Clone,
    {
        self.objects.values().cloned().collect()
    }
}

enum Saw {
    Deployment(Event<Deployment>),
    ReplicaSet(Event<ReplicaSet>),
    Pod(Event<Pod>),
    Failure(Failure),
}

/// Progress is written down at most this often; what decides is written at once.
const PROGRESS: Duration = Duration::from_millis(250);
/// How often pods that are not ready are asked what the cluster warned about them.
const WARNINGS: Duration = Duration::from_secs(2);

impl<J: Journal> Followed<'_, '_, J> {
    pub(super) async fn to_the_end(mut self) -> Result<Ended, Stopped> {
        let mut sights = self.watch();
        let mut seen = Seen::default();
        let mut told = Progress::default();
        let mut told_at = None;
        let mut serving: Option<(Timestamp, i32)> = None;
        let mut unreachable: Option<Text> = None;
        let mut warnings = tokio::time::interval(WARNINGS);
        let clock = self.hands.clock.clone();
        loop {
            let until = match serving {
                // What cannot be seen is not said to serve: it gets as long again to come back.
                _ if unreachable.is_some() => self.deadline.plus(self.watch_time()),
                Some((since, _)) => since.plus(self.watch_time()),
                None => self.deadline,
            };
            let mut signal = self.hands.signal.clone();
            tokio::select! {
                saw = sights.next() => match saw {
                    Some(Saw::Failure(failure)) => {
                        if unreachable.is_none() {
                            let reason = failure.text();
                            self.hands.journal.keep(JournalEvent::Unreachable { reason: reason.clone() }).await?;
                            unreachable = Some(reason);
                        }
                        continue;
                    }
                    Some(saw) => {
                        if unreachable.take().is_some() {
                            self.hands.journal.keep(JournalEvent::Reachable).await?;
                        }
                        seen.take(saw, &self.step.uid);
                    }
                    None => return Ok(Ended::new(TargetState::Unknown, vec![text!("failure-connection")])),
                },
                _ = signal.changed() => {}
                () = clock.sleep_until(until) => {}
                _ = warnings.tick() => {
                    if !self.ask_for_warnings(&mut seen, &told).await {
                        continue;
                    }
                }
            }
            match *self.hands.signal.borrow() {
                Signal::Run => {}
                Signal::ShutDown => return Err(Stopped::ShuttingDown),
                Signal::Lost => return Err(Stopped::Lost),
                Signal::Cancel => {
                    return Ok(Ended { cancelled: true, ..Ended::new(TargetState::Left, Vec::new()) });
                }
            }
            if seen.gone {
                return Ok(Ended::new(TargetState::Unknown, vec![text!("changed-deleted")]));
            }
            let now = self.hands.clock.now();
            let judgement = seen.judge(self.step, self.generation);
            let (progress, state) = match judgement {
                // Nothing complete to judge yet.
                None => (told.clone(), None),
                Some(Judgement::Changed(found)) => {
                    return Ok(Ended::new(TargetState::Unknown, vec![text!("changed-after-write", found = found)]));
                }
                Some(Judgement::Failing(progress, reasons)) => {
                    self.tell(&progress, &mut told).await?;
                    return Ok(Ended::new(TargetState::Failing, reasons));
                }
                Some(Judgement::Going(progress)) => (progress, None),
                Some(Judgement::Serving { progress, restarts }) => (progress, Some(restarts)),
            };
            let decisive = state.is_some() != serving.is_some();
            if progress != told && (decisive || told_at.is_none_or(|at: Timestamp| now.since(at) >= delta(PROGRESS))) {
                self.tell(&progress, &mut told).await?;
                told_at = Some(now);
            }
            match (state, serving) {
                (Some(restarts), Some((_, before))) if restarts > before => {
                    let text = text!("failing-restarts", restarts = i64::from(restarts - before));
                    return Ok(Ended::new(TargetState::Failing, vec![text]));
                }
                (Some(_), Some((since, _))) if now >= since.plus(self.watch_time()) && unreachable.is_none() => {
                    return Ok(Ended::new(TargetState::Serving, Vec::new()));
                }
                (Some(_), Some(_)) => {}
                (Some(_), None) if self.hands.job.watch_seconds == 0 => {
                    return Ok(Ended::new(TargetState::Serving, Vec::new()));
                }
                (Some(restarts), None) => {
                    let (target, seconds) = (self.step.target, self.hands.job.watch_seconds);
                    self.hands.journal.keep(JournalEvent::Watching { target, seconds }).await?;
                    serving = Some((now, restarts));
                }
                (None, _) => serving = None,
            }
            if serving.is_none() && now >= self.deadline {
                return Ok(match unreachable {
                    Some(reason) => {
                        let since = now.since(self.begin).num_seconds();
                        Ended::new(
                            TargetState::Unknown,
                            vec![text!("unknown-unreachable", reason = reason, seconds = since)],
                        )
                    }
                    None => Ended::new(TargetState::Failing, rollout::reasons_at_deadline(&progress)),
                });
            }
        }
    }

    fn watch_time(&self) -> TimeDelta {
        TimeDelta::seconds(i64::from(self.hands.job.watch_seconds))
    }

    async fn tell(&mut self, progress: &Progress, told: &mut Progress) -> Result<(), Stopped> {
        if progress != told {
            let event = JournalEvent::Progress { target: self.step.target, progress: progress.clone() };
            self.hands.journal.keep(event).await?;
            *told = progress.clone();
        }
        Ok(())
    }

    /// Three watches as one stream. Each begins anew by itself when it breaks, with growing pauses.
    fn watch(&self) -> BoxStream<'static, Saw> {
        let namespace = self.step.workload.namespace.as_str();
        let client = self.hands.connection.client();
        let one = watcher::Config::default().fields(&format!("metadata.name={}", self.step.workload.name));
        // The selector of a Deployment cannot change, and everything of it carries these labels;
        // but it is only known from the object, so the two others wait for it.
        let api: Api<Deployment> = Api::namespaced(client.clone(), namespace);
        let deployments = watcher(api.clone(), one).default_backoff().map(saw(Saw::Deployment)).boxed();
        let (namespace, name) = (namespace.to_owned(), self.step.workload.name.to_string());
        let others = stream::once(async move {
            loop {
                match call(api.get(&name)).await {
                    Ok(found) => break found.spec.map(|spec| selector(&spec.selector)).unwrap_or_default(),
                    Err(_) => tokio::time::sleep(Duration::from_millis(500)).await,
                }
            }
        })
        .flat_map(move |labels| {
            let config = watcher::Config::default().labels(&labels);
            let sets: Api<ReplicaSet> = Api::namespaced(client.clone(), &namespace);
            let pods: Api<Pod> = Api::namespaced(client.clone(), &namespace);
            let sets = watcher(sets, config.clone()).default_backoff().map(saw(Saw::ReplicaSet)).boxed();
            let pods = watcher(pods, config).default_backoff().map(saw(Saw::Pod)).boxed();
            stream::select(sets, pods)
        })
        .boxed();
        stream::select(deployments, others).boxed()
    }

    /// Asks what the cluster last warned about pods that are not ready. True when that is news.
    async fn ask_for_warnings(&mut self, seen: &mut Seen, told: &Progress) -> bool {
        let unready: Vec<String> =
            told.pods.iter().filter(|pod| pod.state == "NotReady").map(|pod| pod.name.clone()).take(3).collect();
        let namespace = self.step.workload.namespace.as_str();
        let api: Api<Warning> = Api::namespaced(self.hands.connection.client(), namespace);
        let mut news = false;
        for pod in unready {
            let params = ListParams::default().fields(&format!("involvedObject.name={pod},type=Warning"));
            let Ok(list) = call(api.list(&params)).await else { continue };
            let latest = list.items.into_iter().max_by_key(|one| {
                one.metadata.resource_version.as_ref().and_then(|version| version.parse::<u64>().ok())
            });
            if let Some(message) = latest.and_then(|one| one.message) {
                news |= seen.warnings.insert(pod, message.clone()) != Some(message);
            }
        }
        news
    }
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or_default()
}

fn saw<K>(kind: fn(Event<K>) -> Saw) -> impl FnMut(Result<Event<K>, watcher::Error>) -> Saw {
    move |result| match result {
        Ok(event) => kind(event),
        Err(error) => Saw::Failure(match error {
            watcher::Error::InitialListFailed(error)
            | watcher::Error::WatchStartFailed(error)
            | watcher::Error::WatchFailed(error) => error.into(),
            watcher::Error::WatchError(status) => Failure::of_status(&status),
            watcher::Error::NoResourceVersion => Failure::Nonsense,
        }),
    }
}

impl Seen {
    fn take(&mut self, saw: Saw, uid: &str) {
        match saw {
            Saw::Deployment(Event::Apply(found) | Event::InitApply(found)) => self.deployment = Some(found),
            Saw::Deployment(Event::Delete(found)) => self.gone = found.uid().as_deref() == Some(uid),
            Saw::Deployment(Event::Init | Event::InitDone) => {}
            Saw::ReplicaSet(event) => self.replica_sets.take(event),
            Saw::Pod(event) => self.pods.take(event),
            Saw::Failure(_) => {}
        }
    }

    fn judge(&self, step: &SetImage, generation: i64) -> Option<Judgement> {
        let deployment = self.deployment.as_ref().filter(|_| self.replica_sets.complete && self.pods.complete)?;
        if deployment.metadata.generation.unwrap_or_default() < generation {
            return None;
        }
        let (replica_sets, pods) = (self.replica_sets.list(), self.pods.list());
        let sight = Sight { deployment, replica_sets: &replica_sets, pods: &pods, warnings: &self.warnings };
        Some(rollout::judge(sight, Expected { uid: &step.uid, containers: &step.containers, generation }))
    }
}
