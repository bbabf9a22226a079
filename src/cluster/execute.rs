//! Carries out a plan: looks, writes each target at most once, follows, and ends in one outcome.
//! Knows no store: what it must not forget it says to a [`Journal`] before it acts, and what it
//! said in an earlier life comes back as the job's history.
//!
//! What is done to one target stands in `target`.
//!
//! *A window that has ended starts nothing* (rule 11): when nothing of the job has been written by
//! the end of the signed window, because the portal or the cluster was away meanwhile, it ends as
//! cancelled, with the cluster as it was, and so does its release. Once its first target is
//! written, the window's end stops nothing (rule 17).

use tokio::sync::watch;

use super::connect::Connection;
use super::target::{self, Attempt};
use crate::clock::Clock;
use crate::domain::deployment::{JournalEvent, Outcome, StoppedBy, TargetOutcome, TargetState, Verdict};
use crate::domain::id::{DeploymentId, ReleaseNumber, TargetId};
use crate::domain::plan::{Plan, SetImage, Step};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::halt;
use crate::random::Random;
use crate::text;

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Job {
    /// Which deployment.
    pub deployment: DeploymentId,
    /// Of which release.
    pub release: ReleaseNumber,
    /// When its start was accepted.
    pub started: Timestamp,
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
    /// When the window it belongs to ends, as that was signed.
    pub window_ends: Option<Timestamp>,
}

impl Job {
    /// How a workload is marked with this deployment. The number alone would come again when a
    /// database is restored from a backup, or when another portal has the same cluster.
    pub fn mark(&self) -> String {
        format!("{}-{:x}", self.deployment, self.started.micros())
    }
}

/// What outlives the job's process.
pub trait Journal: Sync {
    /// Keeps an event durably before it returns.
    ///
    /// # Errors
    /// When another worker has the deployment: then nothing more may be done.
    fn keep(&self, event: JournalEvent) -> impl Future<Output = Result<(), Stopped>> + Send;

    /// Whether a person has stopped it by now. Asked right before each write, because a signal may
    /// be late.
    ///
    /// # Errors
    /// When that cannot be known any more.
    fn cancelled(&self) -> impl Future<Output = Result<bool, Stopped>> + Send {
        std::future::ready(Ok(false))
    }
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
    let mut targets: Vec<(&SetImage, Ended)> = Vec::new();
    let mut turn = job.started;
    for Step::SetImage(step) in &job.plan.steps {
        let ended = match ended_before(job, step.target) {
            Some((at, ended)) => {
                turn = at;
                ended
            }
            None if targets.iter().all(|(_, ended)| ended.state == TargetState::Serving) => {
                let ended = target::set_image(&mut hands, step, turn, targets.is_empty()).await?;
                let Ended { state, reasons, stopped } = ended.clone();
                hands.journal.keep(JournalEvent::TargetEnded { target: step.target, state, reasons, stopped }).await?;
                halt::point("deploy.target_ended");
                turn = clock.now();
                ended
            }
            None => Ended::new(TargetState::Untouched, Vec::new()),
        };
        targets.push((step, ended));
    }
    Ok(outcome(targets))
}

/// The outcome of a job that has no way to its cluster, for a reason that waiting does not mend.
pub fn without_connection(job: &Job, why: &Text) -> Outcome {
    let ended = |step: &SetImage| match (ended_before(job, step.target), Attempt::of(job, step.target)) {
        (Some((_, ended)), _) => ended,
        (None, Attempt::None) => Ended::new(TargetState::Untouched, vec![why.clone()]),
        (None, _) => Ended::new(TargetState::Unknown, vec![why.clone()]),
    };
    let mut outcome = outcome(job.plan.steps.iter().map(|Step::SetImage(step)| (step, ended(step))).collect());
    outcome.reasons.dedup();
    outcome
}

/// One verdict from what became of the targets.
fn outcome(targets: Vec<(&SetImage, Ended)>) -> Outcome {
    let any = |state: TargetState| targets.iter().any(|(_, ended)| ended.state == state);
    let by = |stopped: StoppedBy| targets.iter().any(|(_, ended)| ended.stopped == Some(stopped));
    let touched = targets.iter().any(|(_, ended)| ended.state.touched());
    let (cancelled, drifted) = (by(StoppedBy::Person), by(StoppedBy::Drift));
    let verdict = if any(TargetState::Unknown) || drifted && touched {
        Verdict::NeedsAttention
    } else if cancelled || drifted || by(StoppedBy::Window) {
        Verdict::Cancelled
    } else if targets.iter().all(|(_, ended)| ended.state == TargetState::Serving) {
        Verdict::Succeeded
    } else {
        Verdict::Failed
    };
    let mut reasons: Vec<Text> = targets.iter().flat_map(|(_, ended)| ended.reasons.iter().cloned()).collect();
    if cancelled && !drifted {
        reasons.insert(0, if touched { text!("cancelled-after-write") } else { text!("cancelled-before-write") });
    }
    let targets = targets.into_iter().map(|(step, ended)| TargetOutcome {
        target: step.target,
        workload: step.workload.clone(),
        state: ended.state,
        reasons: ended.reasons,
    });
    Outcome { verdict, reasons, targets: targets.collect(), drifted: drifted && !touched }
}

/// How one target ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    pub state: TargetState,
    pub reasons: Vec<Text>,
    pub stopped: Option<StoppedBy>,
}

impl Ended {
    pub(super) fn new(state: TargetState, reasons: Vec<Text>) -> Self {
        Self { state, reasons, stopped: None }
    }
    pub(super) fn cancelled(state: TargetState, reasons: Vec<Text>) -> Self {
        Self { stopped: Some(StoppedBy::Person), ..Self::new(state, reasons) }
    }
    pub(super) fn drifted(found: Text) -> Self {
        Self { stopped: Some(StoppedBy::Drift), ..Self::new(TargetState::Untouched, vec![found]) }
    }
    pub(super) fn missed(window_ends: Timestamp) -> Self {
        let why = text!("window-ended-before-write", at = window_ends);
        Self { stopped: Some(StoppedBy::Window), ..Self::new(TargetState::Untouched, vec![why]) }
    }
    pub(super) fn unknown(why: Text) -> Self {
        Self::new(TargetState::Unknown, vec![why])
    }
}

fn ended_before(job: &Job, target: TargetId) -> Option<(Timestamp, Ended)> {
    job.history.iter().find_map(|(at, event)| match event {
        JournalEvent::TargetEnded { target: ended, state, reasons, stopped } if *ended == target => {
            Some((*at, Ended { state: *state, reasons: reasons.clone(), stopped: *stopped }))
        }
        _ => None,
    })
}
