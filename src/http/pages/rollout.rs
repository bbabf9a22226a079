//! The rollout of a release, from the journals of its deployments.

use crate::domain::deployment::{Direction, JournalEvent, PodState, Progress, TargetState, Verdict};
use crate::domain::id::TargetId;
use crate::domain::plan::Step;
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::store::deployment::Deployment;
use crate::store::view::gate::Gate;
use crate::store::{self, Conn, Stored};
use crate::text;

use super::story::People;

/// One deployment, as it goes or went.
pub struct Rollout {
    /// What it is.
    pub title: Text,
    /// How it stands, in words and colour.
    pub verdict: (Text, &'static str),
    /// Whether it still runs.
    pub runs: bool,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why, for everything but success.
    pub reasons: Vec<Text>,
    /// Its targets.
    pub targets: Vec<Target>,
    /// What the job wrote down.
    pub log: Vec<(Timestamp, Text)>,
}

/// A target of a deployment.
pub struct Target {
    /// Its workload.
    pub workload: String,
    /// How it stands.
    pub state: Text,
    /// Its colour.
    pub tone: &'static str,
    /// How far it is.
    pub progress: Progress,
    /// Its share that serves, of a hundred.
    pub share: i32,
    /// New pods that are not well.
    pub pods: Vec<PodState>,
}

/// The deployments of a release, the last first.
///
/// # Errors
/// Those of the store.
pub async fn of(conn: &mut Conn, gate: &Gate, people: &mut People) -> Result<Vec<Rollout>, store::Error> {
    let mut rollouts = Vec::new();
    for deployment in gate.deployments.iter().rev() {
        let lines = store::deployment::journal(conn, deployment.id, 0).await?;
        let by = match deployment.started_by {
            Some(id) => Some(people.name(conn, id).await?),
            None => None,
        };
        let events: Vec<(Timestamp, JournalEvent)> = lines.into_iter().map(|line| (line.at, line.event.0)).collect();
        rollouts.push(rollout(deployment, by, &events));
    }
    Ok(rollouts)
}

fn rollout(deployment: &Deployment, by: Option<String>, events: &[(Timestamp, JournalEvent)]) -> Rollout {
    let title = match (deployment.direction, by) {
        (Direction::Forward, Some(by)) => text!("rollout-by", who = by),
        (Direction::Forward, None) => text!("rollout-by-clock"),
        (Direction::Rollback, Some(by)) => text!("rollout-back-by", who = by),
        (Direction::Rollback, None) => text!("rollout-back"),
    };
    let verdict = match (deployment.verdict, deployment.cancel_at) {
        (Some(Verdict::Succeeded), _) => (text!("verdict-succeeded"), "go"),
        (Some(Verdict::Failed), _) => (text!("verdict-failed"), "stop"),
        (Some(Verdict::Cancelled), _) => (text!("verdict-cancelled"), "plain"),
        (Some(Verdict::NeedsAttention), _) => (text!("verdict-needs-attention"), "stop"),
        (None, Some(_)) => (text!("verdict-stopping"), "wait"),
        (None, None) => (text!("verdict-running"), "sea"),
    };
    let outcome = deployment.outcome.as_ref().map(|Stored(outcome)| outcome);
    let lines = events.iter().filter_map(|(at, event)| line(event, &deployment.plan.0.steps).map(|text| (*at, text)));
    let mut log: Vec<_> = lines.collect();
    log.dedup_by(|later, earlier| later.1 == earlier.1);
    Rollout {
        title,
        verdict,
        runs: deployment.verdict.is_none(),
        started_at: deployment.started_at,
        ended_at: deployment.ended_at,
        reasons: outcome.map(|outcome| outcome.reasons.clone()).unwrap_or_default(),
        targets: deployment.plan.0.steps.iter().map(|step| target(step, events)).collect(),
        log,
    }
}

fn target(step: &Step, events: &[(Timestamp, JournalEvent)]) -> Target {
    let Step::SetImage(set) = step;
    let mut progress = Progress { desired: set.replicas, ..Progress::default() };
    let (mut state, mut tone) = (text!("target-waits"), "plain");
    for (_, event) in events {
        match event {
            JournalEvent::Writing { target, .. } if *target == set.target => {
                (state, tone) = (text!("target-writing"), "sea")
            }
            JournalEvent::Written { target, .. } if *target == set.target => {
                (state, tone) = (text!("target-rolling"), "sea")
            }
            JournalEvent::Progress { target, progress: seen } if *target == set.target => progress = seen.clone(),
            JournalEvent::Watching { target, .. } if *target == set.target => {
                (state, tone) = (text!("target-watching"), "go")
            }
            JournalEvent::TargetEnded { target, state: ended, .. } if *target == set.target => {
                (state, tone) = match ended {
                    TargetState::Serving => (text!("target-serving"), "go"),
                    TargetState::Failing => (text!("target-failing"), "stop"),
                    TargetState::Untouched => (text!("target-untouched"), "plain"),
                    TargetState::Left => (text!("target-left"), "wait"),
                    TargetState::Unknown => (text!("target-unknown"), "stop"),
                };
            }
            _ => {}
        }
    }
    let share = if progress.desired > 0 { (progress.available * 100 / progress.desired).clamp(0, 100) } else { 0 };
    let pods = progress.pods.iter().filter(|pod| pod.state != "Ready").cloned().collect();
    Target { workload: set.workload.to_string(), state, tone, share, pods, progress }
}

/// A journal's event in words; counts are shown above the log and not in it, but for their turns.
fn line(event: &JournalEvent, steps: &[Step]) -> Option<Text> {
    let name = |id: &TargetId| {
        let found = steps.iter().find_map(|Step::SetImage(set)| (set.target == *id).then(|| set.workload.to_string()));
        found.unwrap_or_default()
    };
    Some(match event {
        JournalEvent::Claimed { epoch: 1 } => text!("log-claimed"),
        JournalEvent::Claimed { epoch } => text!("log-claimed-again", turn = *epoch),
        JournalEvent::Writing { target, .. } => text!("log-writing", workload = name(target)),
        JournalEvent::Written { target, .. } => text!("log-written", workload = name(target)),
        JournalEvent::Progress { target, progress } => text!(
            "log-progress",
            workload = name(target),
            updated = i64::from(progress.updated),
            available = i64::from(progress.available),
            desired = i64::from(progress.desired),
        ),
        JournalEvent::Watching { target, seconds, .. } => {
            text!("log-watching", workload = name(target), seconds = *seconds)
        }
        JournalEvent::TargetEnded { target, state, .. } => {
            let key = format!("log-target-{}", state.as_str());
            Text { key: key.into(), args: Vec::new() }.with("workload", name(target))
        }
        JournalEvent::Unreachable { reason } => text!("log-unreachable", reason = reason.clone()),
        JournalEvent::Reachable => text!("log-reachable"),
    })
}
