//! Follows a rollout until the judge or the clock has an answer.
//!
//! The clock never answers from memory: when patience or the watch time ends, the cluster is looked
//! at once more, and that sight is judged. So a watch that fell silent makes no success, and a
//! process that slept makes no failure.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::error::Failure;
use super::execute::{Ended, Hands, Journal, Signal, Stopped};
use super::observe::selector;
use super::rollout::{self, Expected, Judgement};
use super::sights::{self, Looked, Saw, Seen};
use super::target::Patience;
use crate::clock::Steady;
use crate::domain::deployment::{JournalEvent, Progress, Restarts, TargetState};
use crate::domain::plan::SetImage;
use crate::domain::text::Text;
use crate::text;

/// Progress is written down at most this often; what decides is written at once.
const PROGRESS: Duration = Duration::from_millis(250);
/// Between two looks, while the watches say what there is to say.
const CALM: Duration = Duration::from_secs(3);
/// Between two looks, while something is amiss.
const WORRIED: Duration = Duration::from_secs(1);

/// A rollout to be followed.
pub(super) struct Followed<'a, 'h, J> {
    hands: &'a mut Hands<'h, J>,
    step: &'a SetImage,
    /// Generation of the workload that carries the change.
    generation: i64,
    gave_up_before: Option<Time>,
    patience: Patience,
    /// How often new pods had restarted when they served for the first time, also if that was
    /// before this turn. From then on a restart is a failure, whether they serve just then or not.
    baseline: Option<Restarts>,
    seen: Seen,
    /// A broken watch's last words.
    broken: Option<Failure>,
    unreachable: Option<Text>,
    look: Looking,
    /// How it stands, and what the journal knows of that.
    progress: Progress,
    told: Progress,
    told_at: Option<Steady>,
}

/// The look that is under way, or when the next one is.
struct Looking {
    now: Option<(Steady, BoxFuture<'static, Looked>)>,
    next: Steady,
    /// When the last one that is done began.
    last: Option<Steady>,
}

/// New pods that serve: since when.
type Serving = Option<Steady>;

impl<'a, 'h, J: Journal> Followed<'a, 'h, J> {
    /// Begins with the workload as it was written, or found written.
    pub(super) fn new(hands: &'a mut Hands<'h, J>, step: &'a SetImage, found: Deployment, patience: Patience) -> Self {
        let baseline = hands.job.history.iter().find_map(|(_, event)| match event {
            JournalEvent::Watching { target, restarts, .. } if *target == step.target => Some(restarts.clone()),
            _ => None,
        });
        Self {
            baseline,
            generation: found.metadata.generation.unwrap_or_default(),
            gave_up_before: rollout::gave_up(&found).and_then(|(at, _)| at),
            look: Looking { now: None, next: hands.clock.steady().plus(CALM), last: None },
            hands,
            step,
            patience,
            seen: Seen::new(found),
            broken: None,
            unreachable: None,
            progress: Progress::default(),
            told: Progress::default(),
            told_at: None,
        }
    }

    pub(super) async fn until_it_ends(mut self) -> Result<Ended, Stopped> {
        // The selector of a Deployment cannot change, and everything of it carries these labels.
        let labels = self.seen.deployment().spec.as_ref().map(|spec| selector(&spec.selector)).unwrap_or_default();
        let mut watches = sights::watches(self.hands.connection, self.step, &labels, self.hands.random);
        let clock = self.hands.clock.clone();
        let mut signal = self.hands.signal.clone();
        let mut serving: Serving = None;
        loop {
            let until = self.until(serving);
            let over = clock.steady() >= until;
            // Once the time is over, the look that decides begins at once.
            let next = if over && self.look.last.is_none_or(|at| at < until) { until } else { self.look.next };
            let untold = (self.progress != self.told).then_some(self.told_at).flatten();
            let mut again = false;
            tokio::select! {
                saw = watches.next() => match saw {
                    Some(Saw::Broken(failure)) => {
                        self.broken = Some(failure);
                        self.look.next = clock.steady();
                    }
                    Some(saw) => {
                        self.seen.take(saw);
                        again = self.answers().await?;
                    }
                    // They never end; were they to, the looks go on.
                    None => std::future::pending().await,
                },
                looked = done(&mut self.look.now) => again = self.looked(looked).await?,
                () = clock.sleep_until_steady(next), if self.look.now.is_none() => self.begin_look(),
                () = sleep(&clock, untold.map(|at| at.plus(PROGRESS))), if untold.is_some() => {}
                () = clock.sleep_until_steady(until), if !over => {}
                _ = signal.changed() => {}
            }
            if again {
                // Nobody saw them meanwhile: they serve anew from now on.
                serving = serving.map(|_| clock.steady());
            }
            match *self.hands.signal.borrow() {
                Signal::Run => {}
                Signal::ShutDown => return Err(Stopped::ShuttingDown),
                Signal::Lost => return Err(Stopped::Lost),
                Signal::Cancel => return Ok(Ended::cancelled(TargetState::Left, vec![self.holds()])),
            }
            if self.seen.gone() {
                return Ok(Ended::new(TargetState::Unknown, vec![text!("changed-deleted")]));
            }
            let expected =
                Expected { step: self.step, generation: self.generation, gave_up_before: self.gave_up_before.as_ref() };
            let judgement = self.seen.judge(expected);
            let judged = judgement.is_some();
            let (serves, restarts) = match judgement {
                None => (false, Restarts::new()),
                Some(Judgement::Changed(found)) => {
                    return Ok(Ended::new(TargetState::Unknown, vec![text!("changed-after-write", found = found)]));
                }
                Some(Judgement::Failing(progress, reasons)) => {
                    self.progress = progress;
                    self.tell().await?;
                    return Ok(Ended::new(TargetState::Failing, reasons));
                }
                Some(Judgement::Going(progress, restarts)) => {
                    self.progress = progress;
                    (false, restarts)
                }
                Some(Judgement::Serving(progress, restarts)) => {
                    self.progress = progress;
                    (true, restarts)
                }
            };
            let now = clock.steady();
            let decisive = serves != serving.is_some();
            if decisive || self.told_at.is_none_or(|at| now.since(at) >= PROGRESS) {
                self.tell().await?;
            }
            let more = self.baseline.as_ref().map_or(0, |before| rollout::restarts_since(before, &restarts));
            if more > 0 {
                self.tell().await?;
                let text = text!("failing-restarts", restarts = i64::from(more));
                return Ok(Ended::new(TargetState::Failing, vec![text]));
            }
            serving = match (serves, serving) {
                (false, _) => None,
                (true, None) if self.hands.job.watch_seconds == 0 => {
                    return Ok(Ended::new(TargetState::Serving, Vec::new()));
                }
                (true, None) => {
                    let (target, seconds) = (self.step.target, self.hands.job.watch_seconds);
                    let restarts = self.baseline.get_or_insert(restarts).clone();
                    self.hands.journal.keep(JournalEvent::Watching { target, seconds, restarts }).await?;
                    Some(now)
                }
                (true, serving) => serving,
            };
            if let Some(ended) = self.ended_by_time(serving, judged) {
                return Ok(ended);
            }
        }
    }

    /// When the clock has something to say. What cannot be seen is not said to serve: then it is
    /// the deadline, and the watch time begins anew when the cluster can be seen again.
    fn until(&self, serving: Serving) -> Steady {
        match (serving, &self.unreachable) {
            (Some(since), None) => since.plus(self.watch_time()),
            _ => self.patience.deadline(),
        }
    }

    /// What the clock says, once a look that began after its time is done.
    fn ended_by_time(&self, serving: Serving, judged: bool) -> Option<Ended> {
        let until = self.until(serving);
        if self.look.last.is_none_or(|at| at < until) {
            return None;
        }
        let unknown = |text| Ended::new(TargetState::Unknown, vec![text]);
        Some(match (&self.unreachable, serving) {
            (Some(reason), _) => {
                let seconds = self.patience.spent(self.hands.clock);
                unknown(text!("unknown-unreachable", reason = reason.clone(), seconds = seconds))
            }
            (None, Some(_)) => Ended::new(TargetState::Serving, Vec::new()),
            (None, None) if judged => Ended::new(TargetState::Failing, rollout::reasons_at_deadline(&self.progress)),
            (None, None) => {
                let reason = self.broken.as_ref().map_or_else(|| text!("failure-connection"), Failure::text);
                unknown(text!("unknown-unseen", reason = reason))
            }
        })
    }

    fn begin_look(&mut self) {
        let pods = self.seen.silent(&self.progress);
        self.look.now = Some((self.hands.clock.steady(), sights::look(self.hands.connection, self.step, pods)));
    }

    /// Takes in what a look found. True when the cluster could not be seen before it, and can now.
    async fn looked(&mut self, (began, looked): (Steady, Looked)) -> Result<bool, Stopped> {
        let again = match &looked.found {
            Ok(_) | Err(Failure::NotFound(_)) => self.answers().await?,
            Err(failure) => {
                if self.unreachable.is_none() {
                    let reason = failure.text();
                    self.unreachable = Some(reason.clone());
                    self.hands.journal.keep(JournalEvent::Unreachable { reason }).await?;
                }
                false
            }
        };
        self.seen.look(looked);
        let worried = self.unreachable.is_some() || !self.seen.silent(&self.progress).is_empty();
        self.look.now = None;
        self.look.next = self.hands.clock.steady().plus(if worried { WORRIED } else { CALM });
        self.look.last = Some(began);
        Ok(again)
    }

    /// The cluster has said something. True when it could not be seen before that.
    async fn answers(&mut self) -> Result<bool, Stopped> {
        let again = self.unreachable.take().is_some();
        if again {
            self.hands.journal.keep(JournalEvent::Reachable).await?;
        }
        Ok(again)
    }

    fn watch_time(&self) -> Duration {
        Duration::from_secs(u64::from(self.hands.job.watch_seconds))
    }

    /// What a rollout that is left alone holds, for whoever decides what to do with it.
    fn holds(&self) -> Text {
        let images: Vec<&str> = self.step.containers.iter().map(|change| change.to.as_str()).collect();
        text!(
            "left-holding",
            images = images.join(", "),
            available = i64::from(self.progress.available),
            desired = i64::from(self.progress.desired),
            old = i64::from(self.progress.old),
        )
    }

    async fn tell(&mut self) -> Result<(), Stopped> {
        if self.progress != self.told {
            let event = JournalEvent::Progress { target: self.step.target, progress: self.progress.clone() };
            self.hands.journal.keep(event).await?;
            self.told = self.progress.clone();
            self.told_at = Some(self.hands.clock.steady());
        }
        Ok(())
    }
}

/// Waits for a look that is under way.
async fn done(look: &mut Option<(Steady, BoxFuture<'static, Looked>)>) -> (Steady, Looked) {
    match look {
        Some((began, looked)) => (*began, looked.await),
        None => std::future::pending().await,
    }
}

async fn sleep(clock: &crate::clock::Clock, until: Option<Steady>) {
    match until {
        Some(until) => clock.sleep_until_steady(until).await,
        None => std::future::pending().await,
    }
}
