//! Releases: a numbered request to bring one image to one service in one environment. Here stand
//! its content, which is what people sign, and its state, which is computed and stored nowhere.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::canonical;
use super::deployment::Verdict;
use super::environment::StartMode;
use super::id::{EnvironmentId, ReleaseNumber, ServiceId, WindowId};
use super::image::ImageRef;
use super::name::{Note, Slug};
use super::plan::Plan;
use super::text::Text;
use super::time::{Interval, Timestamp, Zone};
use crate::text;

/// How and when a release starts, as it was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// By hand, at the opening, or when signed.
    pub mode: StartMode,
    /// The window it belongs to, as it was when the revision was made.
    pub window: Option<SignedWindow>,
}

/// The window as people signed it. Moving the window does not change this; it makes a new
/// revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedWindow {
    /// Which window.
    pub id: WindowId,
    /// Its interval at that time.
    pub interval: Interval,
    /// Its zone at that time.
    pub zone: Zone,
}

impl Start {
    /// # Errors
    /// When mode and window do not go together.
    pub fn check(mode: StartMode, window: bool) -> Result<(), Text> {
        match (mode, window) {
            (StartMode::AtOpening, false) => Err(text!("start-needs-window")),
            (StartMode::WhenSigned, true) => Err(text!("start-takes-no-window")),
            _ => Ok(()),
        }
    }
}

/// Everything a signer agrees to (rule 3). Its canonical bytes are stored; their hash is what a
/// decision is bound to.
#[derive(Clone, Debug)]
pub struct Content<'a> {
    /// Which release.
    pub release: ReleaseNumber,
    /// Which version of its content.
    pub revision: i64,
    /// What is deployed.
    pub service: (ServiceId, &'a Slug),
    /// Where.
    pub environment: (EnvironmentId, &'a Slug),
    /// The image, by digest.
    pub image: &'a ImageRef,
    /// Digest of the evidence shown.
    pub evidence: &'a str,
    /// The steps, with cluster fingerprint and targets in them.
    pub plan: &'a Plan,
    /// How and when it starts.
    pub start: &'a Start,
    /// Version of the environment's policy.
    pub policy_version: i64,
    /// What the requester wrote.
    pub note: &'a Note,
}

impl Content<'_> {
    /// The canonical bytes.
    pub fn bytes(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Hashed<'a> {
            schema: &'static str,
            release: ReleaseNumber,
            revision: i64,
            service: Named<'a>,
            environment: Named<'a>,
            image: &'a ImageRef,
            evidence: &'a str,
            plan: &'a Plan,
            start: HashedStart,
            policy_version: i64,
            note: &'a Note,
        }
        #[derive(Serialize)]
        struct Named<'a> {
            id: i64,
            name: &'a Slug,
        }
        #[derive(Serialize)]
        struct HashedStart {
            mode: StartMode,
            window: Option<HashedWindow>,
        }
        #[derive(Serialize)]
        struct HashedWindow {
            id: WindowId,
            starts_at: i64,
            ends_at: i64,
            zone: Zone,
        }
        canonical::bytes(&Hashed {
            schema: "tidegate.content/1",
            release: self.release,
            revision: self.revision,
            service: Named { id: self.service.0.0, name: self.service.1 },
            environment: Named { id: self.environment.0.0, name: self.environment.1 },
            image: self.image,
            evidence: self.evidence,
            plan: self.plan,
            start: HashedStart {
                mode: self.start.mode,
                window: self.start.window.as_ref().map(|window| HashedWindow {
                    id: window.id,
                    starts_at: window.interval.start.micros(),
                    ends_at: window.interval.end.micros(),
                    zone: window.zone,
                }),
            },
            policy_version: self.policy_version,
            note: self.note,
        })
    }
}

/// The content hash of stored content bytes.
pub fn content_hash(bytes: &[u8]) -> String {
    canonical::sha256_hex(bytes)
}

/// The states of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The portal reads the cluster to say what would change.
    Planning,
    /// People or conditions are missing.
    Waiting,
    /// Everybody has agreed; only the time, or a hand, is missing.
    Ready,
    /// The job runs.
    Deploying,
    /// The new pods serve.
    Succeeded,
    /// They do not.
    Failed,
    /// Stopped after its start.
    Cancelled,
    /// A person has to look at the cluster.
    NeedsAttention,
    /// Somebody did not agree.
    Rejected,
    /// Taken back before its start.
    Withdrawn,
    /// A newer release for the same place stands in front of it; it stays choosable.
    Superseded,
}

impl State {
    /// All states.
    pub const ALL: [Self; 11] = [
        Self::Planning,
        Self::Waiting,
        Self::Ready,
        Self::Deploying,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::NeedsAttention,
        Self::Rejected,
        Self::Withdrawn,
        Self::Superseded,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planning => "planning",
            Self::Waiting => "waiting",
            Self::Ready => "ready",
            Self::Deploying => "deploying",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::NeedsAttention => "needs_attention",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Superseded => "superseded",
        }
    }

    /// Whether it may still start.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Planning | Self::Waiting | Self::Ready | Self::Superseded)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a release ended without a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// By one rejection (rule 5).
    Rejected,
    /// By who asked for it, or an operator.
    Withdrawn,
}

impl Ended {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Rejected, Self::Withdrawn];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// A release's forward deployment of its current revision, as far as the state asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Execution {
    /// Not started.
    None,
    /// It found the cluster changed and touched nothing: the release is back to waiting.
    Drifted,
    /// Started and not ended.
    Running,
    /// Ended.
    Ended(Verdict),
}

/// What the state is computed from.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Ended without a deployment.
    pub ended: Option<Ended>,
    /// The deployment.
    pub execution: Execution,
    /// Whether the current revision has a plan.
    pub planned: bool,
    /// Whether every sign-off rule is met.
    pub signed: bool,
    /// The newest release for the same service and environment that is still in play.
    pub superseded_by: Option<ReleaseNumber>,
}

impl State {
    /// The one place where a release's state is decided.
    pub fn of(standing: Standing) -> Self {
        match standing.execution {
            Execution::Running => return Self::Deploying,
            Execution::Ended(Verdict::Succeeded) => return Self::Succeeded,
            Execution::Ended(Verdict::Failed) => return Self::Failed,
            Execution::Ended(Verdict::Cancelled) => return Self::Cancelled,
            Execution::Ended(Verdict::NeedsAttention) => return Self::NeedsAttention,
            Execution::None | Execution::Drifted => {}
        }
        match standing.ended {
            Some(Ended::Rejected) => return Self::Rejected,
            Some(Ended::Withdrawn) => return Self::Withdrawn,
            None => {}
        }
        if standing.superseded_by.is_some() {
            Self::Superseded
        } else if standing.execution == Execution::Drifted {
            Self::Waiting
        } else if !standing.planned {
            Self::Planning
        } else if standing.signed {
            Self::Ready
        } else {
            Self::Waiting
        }
    }
}

/// Where the making of a revision's plan stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Planning {
    /// The runner has not read the cluster yet.
    Pending,
    /// It could not, and tries again.
    Failed {
        /// Why.
        reason: Text,
        /// When it tries again.
        again_at: Timestamp,
    },
    /// Plan and content hash stand.
    Done {
        /// What is signed.
        content_hash: String,
    },
}
