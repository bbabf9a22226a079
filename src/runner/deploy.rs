//! Carries deployments out: takes each with a lease, keeps its journal, and ends it once. Who has
//! lost the lease does nothing more.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Error, Runner, Tick};
use crate::cluster::execute::{self, Job, Journal, Signal, Stopped};
use crate::domain::deployment::{Direction, JournalEvent, Outcome};
use crate::domain::id::{DeploymentId, ReleaseNumber};
use crate::domain::refusal::Kind;
use crate::domain::time::Timestamp;
use crate::halt;
use crate::store::deployment::Deployment;
use crate::store::{self, Stored};
use crate::text;
use crate::workflow::{self, Caller, Workflow, deployment};

/// How often a lease is prolonged; it lasts three times as long.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How long jobs get to give their leases back when the process ends.
const GRACE: Duration = Duration::from_secs(10);

/// The jobs that run in this process.
#[derive(Clone, Default)]
pub(super) struct Jobs(Arc<Mutex<Running>>);

#[derive(Default)]
struct Running {
    tasks: JoinSet<()>,
    signals: BTreeMap<Turn, watch::Sender<Signal>>,
}

/// One worker's turn at a deployment: which, and its epoch.
type Turn = (DeploymentId, i64);

/// Takes a turn's signal away when its job ends, in whichever way, and no other's.
struct Known(Jobs, Turn);

impl Drop for Known {
    fn drop(&mut self) {
        self.0.with(|running| running.signals.remove(&self.1));
    }
}

impl Jobs {
    fn with<R>(&self, act: impl FnOnce(&mut Running) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether this process is at it.
    fn runs(&self, id: DeploymentId) -> bool {
        self.with(|running| running.signals.keys().any(|(one, _)| *one == id))
    }

    /// Waits until every job has ended. True when there was one.
    pub(super) async fn idle(&self) -> bool {
        let mut tasks = self.with(|running| std::mem::take(&mut running.tasks));
        let any = !tasks.is_empty();
        while tasks.join_next().await.is_some() {}
        any
    }

    /// Tells every job to stop.
    pub(super) fn tell(&self) {
        self.with(|running| {
            running.signals.values().for_each(|signal| {
                signal.send_replace(Signal::ShutDown);
            })
        });
    }

    /// Tells every job to stop, and waits a while for it.
    pub(super) async fn shut_down(&self) {
        self.tell();
        let _ = tokio::time::timeout(GRACE, self.idle()).await;
    }
}

impl Runner {
    /// On SQLite this is the only process: leases of an earlier one are void at once.
    pub(super) async fn take_over(&self) -> Result<(), workflow::Error> {
        if self.0.workflow.store().is_shared() {
            return Ok(());
        }
        self.0.workflow.act(Caller::runner(), |v| Box::pin(deployment::take_over(v))).await
    }

    pub(super) async fn deploy(&self) -> Result<Tick, Error> {
        let workflow = &self.0.workflow;
        let now = workflow.clock().now();
        let mut conn = workflow.store().read().await?;
        let claimable = store::deployment::claimable(&mut conn, now).await?;
        let running = store::deployment::running(&mut conn).await?;
        drop(conn);
        self.pass_on_cancellations(&running);
        let mut worked = false;
        // By the clock a lease may be over whose job only was not heard of while the machine slept
        // or its clock was set: nobody takes a job from themselves.
        for found in claimable.into_iter().filter(|one| !self.0.jobs.runs(one.id)) {
            if *self.0.stop.borrow() {
                break;
            }
            halt::point("deploy.found");
            let (caller, holder, taken) = (Caller::runner(), self.0.holder.clone(), found.clone());
            let claim =
                workflow.act(caller, move |v| Box::pin(async move { deployment::claim(v, &taken, &holder).await }));
            match claim.await {
                Ok(epoch) => {
                    self.start(found, epoch);
                    worked = true;
                }
                // Another worker was faster.
                Err(workflow::Error::Refused(refusal)) if refusal.kind == Kind::Stale => {}
                Err(error) => return Err(error.into()),
            }
        }
        let others = running.iter().filter(|one| !self.0.jobs.runs(one.id));
        Ok(Tick { worked, next: others.filter_map(|one| one.lease_until).min() })
    }

    fn pass_on_cancellations(&self, running: &[Deployment]) {
        self.0.jobs.with(|jobs| {
            for one in running.iter().filter(|one| one.cancel_at.is_some()) {
                for (_, signal) in jobs.signals.iter().filter(|((id, _), _)| *id == one.id) {
                    signal.send_if_modified(|signal| {
                        *signal == Signal::Run && std::mem::replace(signal, Signal::Cancel) == Signal::Run
                    });
                }
            }
        });
    }

    fn start(&self, deployment: Deployment, epoch: i64) {
        let first = if deployment.cancel_at.is_some() { Signal::Cancel } else { Signal::Run };
        let (signal, told) = watch::channel(first);
        let (runner, turn) = (self.clone(), (deployment.id, epoch));
        self.0.jobs.with(|jobs| {
            jobs.signals.insert(turn, signal.clone());
            // Ended tasks are let go of as others come.
            while jobs.tasks.try_join_next().is_some() {}
            jobs.tasks.spawn(async move {
                let _known = Known(runner.0.jobs.clone(), turn);
                runner.carry_out(deployment, epoch, &signal, told).await;
            });
        });
    }

    async fn carry_out(
        &self,
        deployment: Deployment,
        epoch: i64,
        signal: &watch::Sender<Signal>,
        told: watch::Receiver<Signal>,
    ) {
        let journal = StoreJournal {
            workflow: &self.0.workflow,
            deployment: deployment.id,
            release: deployment.release_number,
            epoch,
        };
        halt::point("deploy.claimed");
        let work = self.outcome(&deployment, &journal, told);
        let ended = tokio::select! {
            ended = work => ended,
            stopped = journal.heartbeats(signal) => Err(stopped),
        };
        match ended {
            Ok(outcome) => {
                halt::point("deploy.before_end");
                journal.end(outcome).await;
                halt::point("deploy.ended");
            }
            Err(Stopped::Lost) => tracing::warn!(deployment = deployment.id.0, epoch, "runner.deploy.lost"),
            Err(Stopped::ShuttingDown) => journal.give_back().await,
        }
    }

    async fn outcome(
        &self,
        deployment: &Deployment,
        journal: &StoreJournal<'_>,
        mut told: watch::Receiver<Signal>,
    ) -> Result<Outcome, Stopped> {
        let history = self.patiently("runner.deploy.history", &mut told, || journal.history()).await?;
        let window_ends = self.patiently("runner.deploy.window", &mut told, || self.window_ends(deployment)).await?;
        let Stored(plan) = &deployment.plan;
        let job = Job {
            deployment: deployment.id,
            release: deployment.release_number,
            started: deployment.started_at,
            epoch: journal.epoch,
            plan: plan.clone(),
            history,
            deadline_seconds: deployment.deadline_seconds.and_then(|seconds| u32::try_from(seconds).ok()),
            watch_seconds: u32::try_from(deployment.watch_seconds).unwrap_or(0),
            window_ends,
        };
        let connect = || self.connect(deployment.cluster_id);
        let connection = match self.patiently("runner.deploy.connect", &mut told, connect).await? {
            Ok(connection) if connection.fingerprint() == plan.cluster => connection,
            Ok(_) => return Ok(execute::without_connection(&job, &text!("cluster-is-another"))),
            Err(why) => return Ok(execute::without_connection(&job, &why)),
        };
        let clock = self.0.workflow.clock();
        execute::execute(&connection, &job, journal, clock, self.0.random, told).await
    }

    /// The end of the window that was signed, if this deployment belongs to one. The way back
    /// belongs to none (rule 13).
    async fn window_ends(&self, deployment: &Deployment) -> Result<Option<Timestamp>, store::Error> {
        if deployment.direction == Direction::Rollback {
            return Ok(None);
        }
        let mut conn = self.0.workflow.store().read().await?;
        let found = store::release::revision(&mut conn, deployment.release_number, deployment.revision).await?;
        Ok(found.window_ends_at)
    }

    /// Reads what a job begins with, again and again while that fails: giving the deployment back
    /// would only make the next worker fail at once. Said once.
    async fn patiently<T, E, F>(
        &self,
        what: &'static str,
        told: &mut watch::Receiver<Signal>,
        read: impl Fn() -> F,
    ) -> Result<T, Stopped>
    where
        E: std::error::Error + 'static,
        F: Future<Output = Result<T, E>>,
    {
        let (mut said, mut pause) = (false, 500);
        loop {
            match read().await {
                Ok(found) => return Ok(found),
                Err(error) if !said => tracing::error!(error = &error as &dyn std::error::Error, what, "runner.deploy"),
                Err(_) => {}
            }
            said = true;
            let _ = tokio::time::timeout(self.0.random.jitter(pause), told.changed()).await;
            match *told.borrow() {
                Signal::ShutDown => return Err(Stopped::ShuttingDown),
                Signal::Lost => return Err(Stopped::Lost),
                Signal::Run | Signal::Cancel => {}
            }
            pause = (pause * 2).min(60_000);
        }
    }
}

/// The journal of a deployment in the store.
struct StoreJournal<'a> {
    workflow: &'a Workflow,
    deployment: DeploymentId,
    release: ReleaseNumber,
    epoch: i64,
}

impl Journal for StoreJournal<'_> {
    async fn keep(&self, event: JournalEvent) -> Result<(), Stopped> {
        let (id, release, epoch) = (self.deployment, self.release, self.epoch);
        self.persist(|| {
            let event = event.clone();
            self.workflow.act(Caller::runner(), move |v| Box::pin(deployment::note(v, id, release, epoch, event)))
        })
        .await
    }

    async fn cancelled(&self) -> Result<bool, Stopped> {
        self.persist(|| async {
            let mut conn = self.workflow.store().read().await?;
            let found = store::deployment::by_id(&mut conn, self.deployment).await?;
            Ok(found.is_some_and(|found| found.cancel_at.is_some()))
        })
        .await
    }
}

impl StoreJournal<'_> {
    /// Does a verb, again while the store fails (a full disk passes), as long as the lease lasts.
    async fn persist<T, F>(&self, verb: impl Fn() -> F) -> Result<T, Stopped>
    where
        F: Future<Output = workflow::Result<T>>,
    {
        let until = self.workflow.clock().now().plus(deployment::LEASE);
        loop {
            match verb().await {
                Ok(done) => return Ok(done),
                Err(workflow::Error::Store(error)) if self.workflow.clock().now() < until => {
                    tracing::error!(error = &error as &dyn std::error::Error, "runner.deploy.journal");
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                Err(_) => return Err(Stopped::Lost),
            }
        }
    }

    async fn history(&self) -> Result<Vec<(Timestamp, JournalEvent)>, store::Error> {
        let mut conn = self.workflow.store().read().await?;
        let lines = store::deployment::journal(&mut conn, self.deployment, 0).await?;
        Ok(lines.into_iter().map(|line| (line.at, line.event.0)).collect())
    }

    /// Prolongs the lease until it is lost.
    async fn heartbeats(&self, signal: &watch::Sender<Signal>) -> Stopped {
        let (id, epoch) = (self.deployment, self.epoch);
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            let beat = self.persist(|| {
                self.workflow.act(Caller::runner(), move |v| Box::pin(deployment::heartbeat(v, id, epoch)))
            });
            if let Err(stopped) = beat.await {
                signal.send_replace(Signal::Lost);
                return stopped;
            }
        }
    }

    async fn end(&self, outcome: Outcome) {
        let (id, epoch) = (self.deployment, self.epoch);
        let ended = self.persist(|| {
            let outcome = outcome.clone();
            self.workflow.act(Caller::runner(), move |v| Box::pin(deployment::end(v, id, epoch, outcome)))
        });
        if ended.await.is_err() {
            // The next worker finds the journal and the cluster, and comes to the same end.
            tracing::warn!(deployment = id.0, epoch, "runner.deploy.end_not_kept");
        }
    }

    async fn give_back(&self) {
        let (id, epoch) = (self.deployment, self.epoch);
        let back = self.workflow.act(Caller::runner(), move |v| Box::pin(deployment::give_back(v, id, epoch)));
        if let Err(error) = back.await {
            tracing::warn!(?error, deployment = id.0, "runner.deploy.give_back");
        }
    }
}
