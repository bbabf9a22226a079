//! Carries out a plan: looks, writes each target at most once, follows, and ends in one outcome.
//! Knows no store: what it must not forget it says to a [`Journal`] before it acts, and what it
//! said in an earlier life comes back as the job's history.
//!
//! How *at most once* is kept. A write carries the `resourceVersion` that was read, so that of two
//! writes made from the same sight one fails; and it marks the workload with deployment and epoch,
//! so that whoever looks afterwards knows whose it is. An answer that did not come is no answer:
//! the workload is read before anything else happens.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use tokio::sync::watch;

use super::connect::{Connection, call};
use super::error::Failure;
use super::follow::Followed;
use super::observe;
use super::rollout;
use crate::clock::Clock;
use crate::domain::deployment::{JournalEvent, Outcome, TargetOutcome, TargetState, Verdict};
use crate::domain::id::{DeploymentId, ReleaseNumber, TargetId};
use crate::domain::plan::{Plan, SetImage, Step};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::halt;
use crate::random::Random;
use crate::text;

/// The field manager Tidegate writes as.
pub const FIELD_MANAGER: &str = "tidegate";
/// Annotation that names the release, such as `R-42`.
pub const RELEASE: &str = "tidegate.dev/release";
/// Annotation that names the deployment.
pub const DEPLOYMENT: &str = "tidegate.dev/deployment";
/// Annotation that counts the workers the deployment had.
pub const EPOCH: &str = "tidegate.dev/epoch";

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Job {
    /// Which deployment.
    pub deployment: DeploymentId,
    /// Of which release.
    pub release: ReleaseNumber,
    /// Which turn this is.
    pub epoch: i64,
    /// What to carry out.
    pub plan: Plan,
    /// What earlier turns wrote into the journal.
    pub history: Vec<(Timestamp, JournalEvent)>,
    /// Seconds a rollout may take; the workload's own progress deadline and a minute when absent.
    pub deadline_seconds: Option<u32>,
    /// Seconds new pods have to serve without a restart.
    pub watch_seconds: u32,
}

/// What outlives the job's process.
pub trait Journal: Sync {
    /// Keeps an event durably before it returns.
    ///
    /// # Errors
    /// When another worker has the deployment: then nothing more may be done.
    fn keep(&self, event: JournalEvent) -> impl Future<Output = Result<(), Stopped>> + Send;
}

/// Why a job ends without an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Another worker has it.
    Lost,
    /// The process is ending; the next one goes on.
    ShuttingDown,
}

/// What the job is told while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Go on.
    Run,
    /// A person wants it stopped.
    Cancel,
    /// The process is ending.
    ShutDown,
    /// The lease is gone.
    Lost,
}

/// The hands of one job.
pub(super) struct Hands<'a, J> {
    pub connection: &'a Connection,
    pub job: &'a Job,
    pub journal: &'a J,
    pub clock: &'a Clock,
    pub random: Random,
    pub signal: watch::Receiver<Signal>,
}

/// Carries a job out.
///
/// # Errors
/// When it has to stop without an outcome.
pub async fn execute<J: Journal>(
    connection: &Connection,
    job: &Job,
    journal: &J,
    clock: &Clock,
    random: Random,
    signal: watch::Receiver<Signal>,
) -> Result<Outcome, Stopped> {
    let mut hands = Hands { connection, job, journal, clock, random, signal };
    let mut targets = Vec::new();
    let (mut cancelled, mut drifted) = (false, false);
    for Step::SetImage(step) in &job.plan.steps {
        let go_on = targets.iter().all(|done: &TargetOutcome| done.state == TargetState::Serving);
        let outcome =
            |state, reasons| TargetOutcome { target: step.target, workload: step.workload.clone(), state, reasons };
        let ended = match ended_before(&job.history, step.target) {
            Some((state, reasons)) => Ended { state, reasons, drifted: false, cancelled: false },
            None if go_on => {
                let ended = set_image(&mut hands, step).await?;
                let (target, state, reasons) = (step.target, ended.state, ended.reasons.clone());
                hands.journal.keep(JournalEvent::TargetEnded { target, state, reasons }).await?;
                ended
            }
            None => Ended { state: TargetState::Untouched, reasons: Vec::new(), drifted: false, cancelled: false },
        };
        drifted |= ended.drifted;
        cancelled |= ended.cancelled;
        targets.push(outcome(ended.state, ended.reasons));
    }
    cancelled |=
        *hands.signal.borrow() == Signal::Cancel && targets.iter().any(|one| one.state != TargetState::Serving);
    Ok(verdict(targets, drifted, cancelled))
}

/// One verdict from what became of the targets.
fn verdict(targets: Vec<TargetOutcome>, drifted: bool, cancelled: bool) -> Outcome {
    let any = |state: TargetState| targets.iter().any(|target| target.state == state);
    let touched = targets.iter().any(|target| target.state.touched());
    let verdict = if any(TargetState::Unknown) || drifted && touched {
        Verdict::NeedsAttention
    } else if cancelled || drifted {
        Verdict::Cancelled
    } else if targets.iter().all(|target| target.state == TargetState::Serving) {
        Verdict::Succeeded
    } else {
        Verdict::Failed
    };
    let mut reasons: Vec<Text> = targets.iter().flat_map(|target| target.reasons.iter().cloned()).collect();
    if cancelled && !drifted {
        reasons.insert(0, if touched { text!("cancelled-after-write") } else { text!("cancelled-before-write") });
    }
    Outcome { verdict, reasons, targets, drifted: drifted && !touched }
}

fn ended_before(history: &[(Timestamp, JournalEvent)], target: TargetId) -> Option<(TargetState, Vec<Text>)> {
    history.iter().find_map(|(_, event)| match event {
        JournalEvent::TargetEnded { target: ended, state, reasons } if *ended == target => {
            Some((*state, reasons.clone()))
        }
        _ => None,
    })
}

/// How one target ended.
pub(super) struct Ended {
    pub state: TargetState,
    pub reasons: Vec<Text>,
    pub drifted: bool,
    pub cancelled: bool,
}

impl Ended {
    pub(super) fn new(state: TargetState, reasons: Vec<Text>) -> Self {
        Self { state, reasons, drifted: false, cancelled: false }
    }
}

/// What a look at the workload says about the write.
enum Look {
    /// As planned: it can be written, from this version.
    AsPlanned(String),
    /// It holds what is to be written; this deployment wrote it, or nothing has to be.
    Written(i64),
    /// Somebody changed it.
    Drifted(Text),
}

async fn set_image<J: Journal>(hands: &mut Hands<'_, J>, step: &SetImage) -> Result<Ended, Stopped> {
    let began = writing_since(&hands.job.history, step.target);
    let mut may_be_written = began.is_some();
    let begin = began.unwrap_or_else(|| hands.clock.now());
    let mut deadline = begin.plus(patience(hands.job, None));
    let mut unreachable = false;
    loop {
        match *hands.signal.borrow() {
            Signal::ShutDown => return Err(Stopped::ShuttingDown),
            Signal::Lost => return Err(Stopped::Lost),
            Signal::Cancel if !may_be_written => {
                return Ok(Ended { cancelled: true, ..Ended::new(TargetState::Untouched, Vec::new()) });
            }
            Signal::Cancel | Signal::Run => {}
        }
        let found = match observe::read(hands.connection, &step.workload).await {
            Ok(found) => found,
            Err(failure) if failure.may_pass() && hands.clock.now() < deadline => {
                if !unreachable {
                    unreachable = true;
                    hands.journal.keep(JournalEvent::Unreachable { reason: failure.text() }).await?;
                }
                pause(hands).await;
                continue;
            }
            Err(failure) => return Ok(not_readable(&failure, may_be_written)),
        };
        if unreachable {
            unreachable = false;
            hands.journal.keep(JournalEvent::Reachable).await?;
        }
        deadline = begin.plus(patience(hands.job, Some(&found)));
        match look(&found, step, hands.job) {
            Look::Written(generation) => {
                hands.journal.keep(JournalEvent::Written { target: step.target, generation }).await?;
                halt::point("deploy.written");
                return Followed { hands, step, generation, deadline, begin }.to_the_end().await;
            }
            Look::Drifted(found) if may_be_written => {
                return Ok(Ended::new(TargetState::Unknown, vec![text!("changed-after-write", found = found)]));
            }
            Look::Drifted(found) => {
                return Ok(Ended { drifted: true, ..Ended::new(TargetState::Untouched, vec![found]) });
            }
            Look::AsPlanned(version) => {
                if *hands.signal.borrow() == Signal::Cancel {
                    // An earlier write did not arrive and, made from an older version, cannot any
                    // more once this one is seen unchanged by a later read; nothing is written now.
                    return Ok(Ended { cancelled: true, ..Ended::new(TargetState::Untouched, Vec::new()) });
                }
                halt::point("deploy.before_journal");
                hands.journal.keep(JournalEvent::Writing { target: step.target }).await?;
                may_be_written = true;
                halt::point("deploy.before_write");
                let answer = write(hands, step, &version).await;
                halt::point("deploy.after_write");
                match answer {
                    Ok(written) => {
                        if let Some(found) = rollout::changed(&written, &step.containers) {
                            return Ok(Ended::new(TargetState::Unknown, vec![text!("write-mutated", found = found)]));
                        }
                    }
                    // Somebody else was faster, or nothing is known of it: look.
                    Err(Failure::Conflict) => {}
                    Err(failure) if failure.leaves_write_unknown() => {
                        hands.journal.keep(JournalEvent::Unreachable { reason: failure.text() }).await?;
                        unreachable = true;
                        pause(hands).await;
                    }
                    Err(failure) => {
                        return Ok(Ended::new(TargetState::Untouched, vec![failure.text()]));
                    }
                }
            }
        }
    }
}

/// When the write was first announced to the journal.
fn writing_since(history: &[(Timestamp, JournalEvent)], target: TargetId) -> Option<Timestamp> {
    history.iter().find_map(|(at, event)| match event {
        JournalEvent::Writing { target: written } if *written == target => Some(*at),
        _ => None,
    })
}

/// How long the whole of it may take.
fn patience(job: &Job, found: Option<&Deployment>) -> TimeDelta {
    let own = || {
        let seconds = found.and_then(|found| found.spec.as_ref()).and_then(|spec| spec.progress_deadline_seconds);
        i64::from(seconds.unwrap_or(600)) + 60
    };
    TimeDelta::seconds(job.deadline_seconds.map_or_else(own, i64::from))
}

/// The cluster cannot be read, and waiting is over or will not help.
fn not_readable(failure: &Failure, may_be_written: bool) -> Ended {
    let state = if may_be_written { TargetState::Unknown } else { TargetState::Untouched };
    let drifted = matches!(failure, Failure::NotFound(_)) && !may_be_written;
    Ended { drifted, ..Ended::new(state, vec![failure.text()]) }
}

/// A short pause that ends early when a signal comes.
pub(super) async fn pause<J: Journal>(hands: &mut Hands<'_, J>) {
    let _ = tokio::time::timeout(hands.random.jitter(500), hands.signal.changed()).await;
}

fn look(found: &Deployment, step: &SetImage, job: &Job) -> Look {
    let now = |name: &str| rollout::image_of(found, name).unwrap_or_default().to_owned();
    let all = |image: fn(&crate::domain::plan::ContainerChange) -> &str| {
        step.containers.iter().all(|change| now(change.name.as_str()) == image(change))
    };
    let annotations = found.metadata.annotations.as_ref();
    let ours = annotations.and_then(|all| all.get(DEPLOYMENT)).is_some_and(|id| *id == job.deployment.to_string());
    let generation = found.metadata.generation.unwrap_or_default();
    if found.metadata.uid.as_deref() != Some(&step.uid) {
        return Look::Drifted(text!("drift-another-workload"));
    }
    if all(|change| &change.to) && (ours || step.containers.iter().all(|change| change.from == change.to)) {
        return Look::Written(generation);
    }
    let containers: BTreeSet<String> = observe::all_containers(found);
    if containers != step.all_containers {
        let (now, then) = (join(&containers), join(&step.all_containers));
        return Look::Drifted(text!("drift-containers", now = now, planned = then));
    }
    if !all(|change| &change.from) {
        let changed = step.containers.iter().find(|change| now(change.name.as_str()) != change.from);
        let (container, image, planned) = changed
            .map(|change| (change.name.to_string(), now(change.name.as_str()), change.from.clone()))
            .unwrap_or_default();
        return Look::Drifted(text!("drift-image", container = container, now = image, planned = planned));
    }
    match &found.metadata.resource_version {
        Some(version) => Look::AsPlanned(version.clone()),
        None => Look::Drifted(text!("failure-nonsense")),
    }
}

fn join(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

async fn write<J: Journal>(hands: &Hands<'_, J>, step: &SetImage, version: &str) -> Result<Deployment, Failure> {
    let containers: Vec<_> =
        step.containers.iter().map(|change| json!({ "name": change.name, "image": change.to })).collect();
    let patch = json!({
        "metadata": {
            "resourceVersion": version,
            "annotations": {
                RELEASE: hands.job.release.label(),
                DEPLOYMENT: hands.job.deployment.to_string(),
                EPOCH: hands.job.epoch.to_string(),
            },
        },
        "spec": { "template": { "spec": { "containers": containers } } },
    });
    let api: Api<Deployment> = Api::namespaced(hands.connection.client(), step.workload.namespace.as_str());
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    call(api.patch(step.workload.name.as_str(), &params, &Patch::Strategic(patch))).await
}
