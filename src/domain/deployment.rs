//! Deployments: one execution of a release, and how it ends. Exactly one verdict (rule 16).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::id::TargetId;
use super::service::Workload;
use super::text::Text;

/// Which way a deployment goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Brings the release's image.
    Forward,
    /// Brings back what ran before an earlier deployment.
    Rollback,
}

impl Direction {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Forward, Self::Rollback];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Rollback => "rollback",
        }
    }
}

/// How a deployment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The new pods serve.
    Succeeded,
    /// They do not.
    Failed,
    /// It was stopped by a person, or before it touched anything.
    Cancelled,
    /// What the cluster holds is not what was signed, or cannot be known: a person has to look.
    NeedsAttention,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Succeeded, Self::Failed, Self::Cancelled, Self::NeedsAttention];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::NeedsAttention => "needs_attention",
        }
    }
}

/// The end of a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// One word.
    pub verdict: Verdict,
    /// Why, for everything but success.
    pub reasons: Vec<Text>,
    /// What became of each target, in the plan's order.
    pub targets: Vec<TargetOutcome>,
    /// Nothing was written because the cluster was no longer as planned: the release is held as
    /// drifted and can be planned again (rule 15).
    #[serde(default)]
    pub drifted: bool,
}

impl Outcome {
    /// Targets that may hold something else than before.
    pub fn touched(&self) -> BTreeSet<TargetId> {
        self.targets.iter().filter(|target| target.state.touched()).map(|target| target.target).collect()
    }
}

/// What became of one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetOutcome {
    /// The target.
    pub target: TargetId,
    /// Its workload.
    pub workload: Workload,
    /// What became of it.
    pub state: TargetState,
    /// Its reasons, for everything but success.
    pub reasons: Vec<Text>,
}

/// What became of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetState {
    /// Not written.
    Untouched,
    /// Written and serving.
    Serving,
    /// Written and not serving.
    Failing,
    /// Written, and left before it was known whether it serves.
    Left,
    /// Whether it was written, or what it holds, is not known.
    Unknown,
}

impl TargetState {
    /// Whether the cluster may hold something else than before.
    pub fn touched(self) -> bool {
        self != Self::Untouched
    }
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Untouched => "untouched",
            Self::Serving => "serving",
            Self::Failing => "failing",
            Self::Left => "left",
            Self::Unknown => "unknown",
        }
    }
}

/// What ended the work on a target before the rollout itself did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoppedBy {
    /// A person.
    Person,
    /// The cluster was no longer as planned when the write was due.
    Drift,
}

/// One line of a deployment's journal: what the job is about to do, did, and saw. Written before
/// the act, so that whoever takes over knows what may have happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum JournalEvent {
    /// A worker took the job; `epoch` counts the workers it had.
    Claimed {
        /// Which turn this is.
        epoch: i64,
    },
    /// The workload is about to be written. From here on it may have been, until the cluster says
    /// whether it was.
    Writing {
        /// Which target.
        target: TargetId,
        /// How often the cluster had rolled the workload out by then, as it counts them itself: when
        /// it counts more later, somebody has changed the pod template since.
        #[serde(default)]
        rollouts: Option<i64>,
    },
    /// The cluster accepted the write, or was found to hold it already.
    Written {
        /// Which target.
        target: TargetId,
        /// Generation of the workload that carries the change.
        generation: i64,
    },
    /// How far the rollout is.
    Progress {
        /// Which target.
        target: TargetId,
        /// The counts and the pods.
        #[serde(flatten)]
        progress: Progress,
    },
    /// The new pods serve; the watch time runs.
    Watching {
        /// Which target.
        target: TargetId,
        /// For how many seconds.
        seconds: u32,
        /// How often new pods had restarted when they served for the first time.
        #[serde(default, skip_serializing_if = "Restarts::is_empty")]
        restarts: Restarts,
    },
    /// A target is done, in whichever way.
    TargetEnded {
        /// Which target.
        target: TargetId,
        /// What became of it.
        state: TargetState,
        /// Why.
        reasons: Vec<Text>,
        /// What stopped it, when it was not the rollout itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stopped: Option<StoppedBy>,
    },
    /// The cluster does not answer; the job goes on trying.
    Unreachable {
        /// What went wrong.
        reason: Text,
    },
    /// It answers again.
    Reachable,
}

/// How often pods have restarted, by uid; pods that have not are not in it.
pub type Restarts = BTreeMap<String, i32>;

/// How far one workload's rollout is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Replicas wanted.
    pub desired: i32,
    /// Pods with the new template.
    pub updated: i32,
    /// New pods that are ready.
    pub ready: i32,
    /// New pods that are available.
    pub available: i32,
    /// Pods of the old template that still exist.
    pub old: i32,
    /// New pods that have something to say.
    pub pods: Vec<PodState>,
}

/// A pod with its state in a word, as Kubernetes names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodState {
    /// Its name.
    pub name: String,
    /// `Ready`, `Pending`, `CrashLoopBackOff` …
    pub state: String,
    /// What the cluster says about it.
    pub message: Option<String>,
    /// Restarts of all its containers.
    pub restarts: i32,
}
