//! The work on one target: look, write, look again, and hand over to whoever follows the rollout.
//!
//! An answer that did not come is no answer: the workload is read before anything else happens.
//! And *untouched* is said only when no write of ours can arrive any more: as long as one may be
//! under way, the workload is first moved on to a version that the write was not made for
//! ([`write::fence`]).

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;

use super::error::Failure;
use super::execute::{Ended, Hands, Job, Journal, Signal, Stopped};
use super::follow::Followed;
use super::write::{self, Look};
use super::{observe, rollout};
use crate::clock::{Clock, Steady};
use crate::domain::deployment::{JournalEvent, TargetState};
use crate::domain::id::TargetId;
use crate::domain::plan::SetImage;
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::halt;
use crate::text;

/// What is known of the write to one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// There was none, or it was turned away.
    None,
    /// There may have been one, and it may still be on its way.
    Unknown {
        /// A version of the workload that is not older than the one it was made for: once the
        /// workload has another one, it cannot arrive any more. Not known of an earlier worker's.
        version: Option<String>,
        /// How often the workload had been rolled out by then.
        rollouts: Option<i64>,
    },
    /// It arrived.
    Landed,
}

impl Attempt {
    pub(super) fn of(job: &Job, target: TargetId) -> Self {
        let mut attempt = Self::None;
        for (_, event) in &job.history {
            match event {
                JournalEvent::Writing { target: of, rollouts } if *of == target => {
                    attempt = Self::Unknown { version: None, rollouts: *rollouts };
                }
                JournalEvent::Written { target: of, .. } if *of == target => attempt = Self::Landed,
                _ => {}
            }
        }
        attempt
    }
}

/// How long the whole of it may take. Within one process it is counted by a clock that nobody sets;
/// what passed before this process was is told by the journal's times.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    before: Duration,
    since: Steady,
    total: Duration,
}

impl Patience {
    fn begin<J>(hands: &Hands<'_, J>, began: Timestamp) -> Self {
        let before = hands.clock.now().since(began).to_std().unwrap_or_default();
        Self { before, since: hands.clock.steady(), total: total(hands.job, None) }
    }
    /// When it ends.
    pub(super) fn deadline(&self) -> Steady {
        self.since.plus(self.total.saturating_sub(self.before))
    }
    /// How long it has been so far, in seconds.
    pub(super) fn spent(&self, clock: &Clock) -> i64 {
        i64::try_from((self.before + clock.steady().since(self.since)).as_secs()).unwrap_or(i64::MAX)
    }
}

fn total(job: &Job, found: Option<&Deployment>) -> Duration {
    let own = || {
        let seconds = found.and_then(|found| found.spec.as_ref()).and_then(|spec| spec.progress_deadline_seconds);
        u64::try_from(seconds.unwrap_or(600)).unwrap_or(0) + 60
    };
    Duration::from_secs(job.deadline_seconds.map_or_else(own, u64::from))
}

/// The work on one target, as far as it goes before the rollout.
struct Writing<'a, 'h, J> {
    hands: &'a mut Hands<'h, J>,
    step: &'a SetImage,
    attempt: Attempt,
    /// By when the write has to be under way.
    closes: Option<Timestamp>,
    /// A person has stopped it, as the journal says.
    cancelled: bool,
    /// What the journal was told of the attempt in this turn.
    announced: Option<Option<i64>>,
    patience: Patience,
    unreachable: bool,
    /// The next pause, in milliseconds.
    pause: u64,
    /// Why the last write or fence did not work.
    last: Option<Failure>,
}

pub(super) async fn set_image<J: Journal>(
    hands: &mut Hands<'_, J>,
    step: &SetImage,
    turn: Timestamp,
    first: bool,
) -> Result<Ended, Stopped> {
    let written =
        |event: &JournalEvent| matches!(event, JournalEvent::Writing { target, .. } if *target == step.target);
    let began = hands.job.history.iter().find(|(_, event)| written(event)).map_or(turn, |(at, _)| *at);
    let (attempt, patience) = (Attempt::of(hands.job, step.target), Patience::begin(hands, began));
    let writing = Writing {
        closes: hands.job.window_ends.filter(|_| first),
        cancelled: false,
        hands,
        step,
        attempt,
        announced: None,
        patience,
        unreachable: false,
        pause: 250,
        last: None,
    };
    writing.until_it_ends().await
}

impl<J: Journal> Writing<'_, '_, J> {
    async fn until_it_ends(mut self) -> Result<Ended, Stopped> {
        loop {
            let told = match *self.hands.signal.borrow() {
                Signal::Run if self.cancelled => Signal::Cancel,
                told => told,
            };
            match told {
                Signal::ShutDown => return Err(Stopped::ShuttingDown),
                Signal::Lost => return Err(Stopped::Lost),
                Signal::Cancel if self.attempt == Attempt::None => {
                    return Ok(Ended::cancelled(TargetState::Untouched, Vec::new()));
                }
                Signal::Cancel | Signal::Run => {}
            }
            let found = match observe::read(self.hands.connection, &self.step.workload).await {
                Ok(found) => found,
                Err(failure) if failure.may_pass() && !self.over() => {
                    self.wait(failure).await?;
                    continue;
                }
                Err(failure) => return Ok(self.not_readable(&failure)),
            };
            if std::mem::take(&mut self.unreachable) {
                self.hands.journal.keep(JournalEvent::Reachable).await?;
            }
            self.patience.total = total(self.hands.job, Some(&found));
            if let Attempt::Unknown { version: version @ None, .. } = &mut self.attempt {
                version.clone_from(&found.metadata.resource_version);
            }
            let changed = |found| Ended::unknown(text!("changed-after-write", found = found));
            let still = match write::look(&found, self.step, &self.hands.job.mark()) {
                Look::Written => return self.follow(found).await,
                Look::Overwritten(found) => return Ok(changed(found)),
                Look::Drifted(found) if self.attempt == Attempt::None => return Ok(Ended::drifted(found)),
                Look::Drifted(found) => return Ok(changed(found)),
                Look::StandsStill(why) => Some(Ended::new(TargetState::Untouched, vec![why])),
                Look::AsPlanned { .. } if told == Signal::Cancel => {
                    Some(Ended::cancelled(TargetState::Untouched, Vec::new()))
                }
                Look::AsPlanned { .. } if self.missed().is_some() => self.missed().map(Ended::missed),
                Look::AsPlanned { .. } if self.over() => {
                    let why = self.last.as_ref().map_or_else(|| text!("too-late-to-write"), Failure::text);
                    Some(Ended::new(TargetState::Untouched, vec![why]))
                }
                Look::AsPlanned { .. } => None,
            };
            // As planned, and without our mark. If a write of ours was there, somebody has undone
            // it, mark and all: there is no second one.
            let rollouts = rollout::rollouts(&found.metadata);
            match &self.attempt {
                Attempt::Landed => return Ok(changed(text!("changed-back"))),
                Attempt::Unknown { rollouts: then, .. } if *then != rollouts => {
                    return Ok(Ended::unknown(text!("unknown-write")));
                }
                Attempt::Unknown { .. } | Attempt::None => {}
            }
            let version = found.metadata.resource_version.unwrap_or_default();
            let ended = match still {
                Some(ended) => self.untouched(&version, ended).await?,
                None => match self.write(&version, rollouts).await? {
                    Answer::Written(written) => return self.follow(*written).await,
                    Answer::Ended(ended) => Some(ended),
                    Answer::TurnedAway(why) => {
                        let ended = Ended::new(TargetState::Untouched, vec![why]);
                        self.untouched(&version, ended).await?
                    }
                    Answer::LookAgain => None,
                },
            };
            if let Some(ended) = ended {
                return Ok(ended);
            }
        }
    }

    async fn write(&mut self, version: &str, rollouts: Option<i64>) -> Result<Answer, Stopped> {
        halt::point("deploy.before_journal");
        if self.hands.journal.cancelled().await? {
            self.cancelled = true;
            return Ok(Answer::LookAgain);
        }
        if self.announced != Some(rollouts) {
            self.hands.journal.keep(JournalEvent::Writing { target: self.step.target, rollouts }).await?;
            self.announced = Some(rollouts);
        }
        halt::point("deploy.before_write");
        let answer = write::write(self.hands.connection, self.hands.job, self.step, version).await;
        halt::point("deploy.after_write");
        Ok(match answer {
            Ok(written) => match rollout::changed(&written, self.step) {
                Some(found) => Answer::Ended(Ended::unknown(text!("write-mutated", found = found))),
                None => Answer::Written(Box::new(written)),
            },
            // Somebody else was faster: look.
            Err(Failure::Conflict) => {
                self.last = Some(Failure::Conflict);
                Answer::LookAgain
            }
            Err(failure) if failure.leaves_write_unknown() => {
                self.attempt = Attempt::Unknown { version: Some(version.to_owned()), rollouts };
                self.wait(failure).await?;
                Answer::LookAgain
            }
            Err(failure) if failure.may_pass() => {
                self.wait(failure).await?;
                Answer::LookAgain
            }
            Err(failure) => Answer::TurnedAway(failure.text()),
        })
    }

    /// Makes sure that *untouched* is true and stays so. Nothing when the cluster has to be looked
    /// at again first.
    async fn untouched(&mut self, version: &str, ended: Ended) -> Result<Option<Ended>, Stopped> {
        match &self.attempt {
            Attempt::Unknown { version: Some(made_for), .. } if made_for == version => {}
            _ => return Ok(Some(ended)),
        }
        halt::point("deploy.before_fence");
        let answer = write::fence(self.hands.connection, self.hands.job, self.step, version).await;
        halt::point("deploy.after_fence");
        match answer {
            Ok(_) => Ok(Some(ended)),
            Err(Failure::Conflict) => Ok(None),
            Err(failure) if (failure.may_pass() || failure.leaves_write_unknown()) && !self.over() => {
                self.wait(failure).await?;
                Ok(None)
            }
            Err(failure) => {
                let text = text!("unknown-write-refused", reason = failure.text());
                Ok(Some(Ended { stopped: ended.stopped, ..Ended::unknown(text) }))
            }
        }
    }

    async fn follow(self, found: Deployment) -> Result<Ended, Stopped> {
        if self.attempt != Attempt::Landed {
            let generation = found.metadata.generation.unwrap_or_default();
            self.hands.journal.keep(JournalEvent::Written { target: self.step.target, generation }).await?;
        }
        halt::point("deploy.written");
        Followed::new(self.hands, self.step, found, self.patience).until_it_ends().await
    }

    /// The cluster does not answer as it should: says so once, and waits a moment.
    async fn wait(&mut self, failure: Failure) -> Result<(), Stopped> {
        if !std::mem::replace(&mut self.unreachable, true) {
            self.hands.journal.keep(JournalEvent::Unreachable { reason: failure.text() }).await?;
        }
        self.last = Some(failure);
        let _ = tokio::time::timeout(self.hands.random.jitter(self.pause), self.hands.signal.changed()).await;
        self.pause = (self.pause * 2).min(2_000);
        Ok(())
    }

    /// The cluster cannot be read, and waiting is over or will not help.
    fn not_readable(&self, failure: &Failure) -> Ended {
        match (&self.attempt, failure) {
            (Attempt::None, Failure::NotFound(_)) => Ended::drifted(text!("drift-gone")),
            (Attempt::None, _) => Ended::new(TargetState::Untouched, vec![failure.text()]),
            (_, Failure::NotFound(_)) => Ended::unknown(text!("changed-deleted")),
            _ => {
                let seconds = self.patience.spent(self.hands.clock);
                Ended::unknown(text!("unknown-unreachable", reason = failure.text(), seconds = seconds))
            }
        }
    }

    /// The end of the window, when that has passed.
    fn missed(&self) -> Option<Timestamp> {
        self.closes.filter(|end| self.hands.clock.now() >= *end)
    }

    fn over(&self) -> bool {
        self.hands.clock.steady() >= self.patience.deadline()
    }
}

/// What became of one attempt to write.
enum Answer {
    /// The workload as it is now.
    Written(Box<Deployment>),
    /// Nothing was done, and trying again will not help.
    TurnedAway(Text),
    Ended(Ended),
    LookAgain,
}
