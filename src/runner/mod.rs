//! HANDS. Background tasks, each with one kind of row to look for and no other input. A wake-up
//! call or the next instant that a row names starts an activation; a lost call costs seconds.
//!
//! [`plan`] reads clusters for new revisions, [`probe`] looks at clusters, [`clear`] starts what
//! the clock may start, [`deploy`] carries deployments out, [`tidy`] forgets what has ended.
//! To add one: a file with a `tick`, and a line in [`Runner::run`] and [`Runner::tick`].
//!
//! No tick waits for a cluster: what asks one goes on beside it, as an errand or a job, so that a
//! cluster that answers nothing holds up its own work only ([`errands`]), and the end of nothing.
//!
//! Only here are sealed credentials opened, each for one piece of work.

mod clear;
mod deploy;
mod errands;
mod field;
mod plan;
mod probe;
mod tidy;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;

use self::errands::Errands;
use crate::domain::address::AddressAllowance;
use crate::domain::id::{CredentialId, ReleaseNumber};
use crate::domain::time::Timestamp;
use crate::random::Random;
use crate::store;
use crate::vault::Opener;
use crate::wake::Wake;
use crate::workflow::{self, Workflow};

/// The background tasks. Cheap to clone.
#[derive(Clone)]
pub struct Runner(Arc<Inner>);

struct Inner {
    workflow: Workflow,
    opener: Opener,
    allowance: AddressAllowance,
    random: Random,
    /// Names this process in leases.
    holder: String,
    jobs: deploy::Jobs,
    plans: Errands<(ReleaseNumber, i64)>,
    looks: Errands<CredentialId>,
    stop: watch::Sender<bool>,
}

/// What an activation did, and when the next is due.
#[derive(Clone, Copy, Debug, Default)]
struct Tick {
    /// Whether rows were changed: then there may be more.
    worked: bool,
    /// When a row asks for the next one.
    next: Option<Timestamp>,
}

/// Why a unit could not do its work; the next activation is the retry.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("the store failed")]
    Store(#[from] store::Error),
    #[error("a verb was refused: {0}")]
    Refused(std::borrow::Cow<'static, str>),
}

impl From<workflow::Error> for Error {
    fn from(error: workflow::Error) -> Self {
        match error {
            workflow::Error::Store(error) => Self::Store(error),
            workflow::Error::Refused(refusal) => Self::Refused(refusal.text.key),
            workflow::Error::DryRun(_) => Self::Refused("dry run".into()),
        }
    }
}

/// How long a tick may go on once the runner was asked to end.
const PATIENCE: Duration = Duration::from_secs(2);

/// A unit that nobody wakes looks by itself this often: for rows that another replica left, and
/// for calls that were lost.
const POLL: Duration = Duration::from_secs(2);

impl Runner {
    /// Puts the tasks together; nothing runs yet.
    pub fn new(workflow: Workflow, opener: Opener, allowance: AddressAllowance) -> Self {
        let random = workflow.random;
        let holder = crate::domain::canonical::hex(&random.bytes::<8>());
        let jobs = deploy::Jobs::default();
        let (plans, looks) = (Errands::new(Wake::Plan), Errands::new(Wake::Probe));
        let stop = watch::Sender::new(false);
        Self(Arc::new(Inner { workflow, opener, allowance, random, holder, jobs, plans, looks, stop }))
    }

    /// Runs until [`Runner::stop`], then lets jobs give their leases back.
    ///
    /// # Errors
    /// When the leases of an earlier process cannot be taken back.
    pub async fn run(self) -> Result<(), workflow::Error> {
        self.take_over().await?;
        let mut units = JoinSet::new();
        units.spawn(self.clone().unit("plan", [Wake::Plan], |runner| Box::pin(async move { runner.plan().await })));
        units.spawn(self.clone().unit("probe", [Wake::Probe], |runner| Box::pin(async move { runner.probe().await })));
        units.spawn(self.clone().unit("clear", [Wake::Clear], |runner| Box::pin(async move { runner.clear().await })));
        units.spawn(
            self.clone().unit("deploy", [Wake::Deploy], |runner| Box::pin(async move { runner.deploy().await })),
        );
        units.spawn(self.clone().unit("tidy", [], |runner| Box::pin(async move { runner.tidy().await })));
        let mut stop = self.0.stop.subscribe();
        let breaking_off = async {
            let _ = stop.wait_for(|stop| *stop).await;
            self.0.jobs.tell();
            self.0.plans.break_off();
            self.0.looks.break_off();
        };
        tokio::join!(units.join_all(), breaking_off);
        self.0.jobs.shut_down().await;
        Ok(())
    }

    /// Asks the tasks to end: no new starts, nothing new written to a cluster.
    pub fn stop(&self) {
        self.0.stop.send_replace(true);
    }

    /// One activation of every unit. True when any of them changed something; tests call it until
    /// it is false.
    ///
    /// # Errors
    /// Of the first unit that fails.
    pub async fn tick(&self) -> Result<bool, String> {
        let said = |error: Error| error.to_string();
        let mut worked = self.plan().await.map_err(said)?.worked;
        self.0.plans.idle().await.map_err(said)?;
        worked |= self.probe().await.map_err(said)?.worked;
        self.0.looks.idle().await.map_err(said)?;
        worked |= self.clear().await.map_err(said)?.worked;
        worked |= self.deploy().await.map_err(said)?.worked;
        worked |= self.0.jobs.idle().await;
        Ok(worked)
    }

    async fn unit<const N: usize>(
        self,
        name: &'static str,
        wakes: [Wake; N],
        tick: impl for<'r> Fn(&'r Runner) -> futures_util::future::BoxFuture<'r, Result<Tick, Error>>,
    ) {
        let mut calls = self.0.workflow.store().wakes().listen();
        let mut stop = self.0.stop.subscribe();
        let mut told = self.0.stop.subscribe();
        let clock = self.0.workflow.clock().clone();
        while !*stop.borrow() {
            let ended = async {
                let _ = told.wait_for(|stop| *stop).await;
                tokio::time::sleep(PATIENCE).await;
            };
            let ticked = tokio::select! {
                ticked = tick(&self) => ticked,
                () = ended => return,
            };
            let done = match ticked {
                Ok(done) => done,
                Err(error) => {
                    tracing::error!(unit = name, error = &error as &dyn std::error::Error, "runner.tick");
                    Tick { worked: false, next: None }
                }
            };
            if done.worked {
                continue;
            }
            let next = async {
                match done.next {
                    Some(at) => clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            // Who is called looks for lost calls by itself; who is not, and knows when, need not.
            let looks = N > 0 || done.next.is_none();
            tokio::select! {
                () = called(&mut calls, &wakes) => {}
                () = next => {}
                () = tokio::time::sleep(POLL), if looks => {}
                _ = stop.changed() => {}
            }
        }
    }
}

/// Returns when one of the calls comes, or some were lost.
async fn called(calls: &mut broadcast::Receiver<Wake>, wakes: &[Wake]) {
    loop {
        match calls.recv().await {
            Ok(wake) if wakes.contains(&wake) => return,
            Ok(_) => {}
            Err(broadcast::error::RecvError::Lagged(_)) => return,
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}
