//! Deployments: started through the gate, carried out by the runner, ended once.

use chrono::TimeDelta;

use super::release::{known, subject};
use super::{Result, Verb};
use crate::domain::clearance::{Basis, Cause, Clearance, Unmet};
use crate::domain::deployment::{Direction, JournalEvent, Outcome, Verdict};
use crate::domain::id::{DeploymentId, ReleaseNumber};
use crate::domain::plan::{Plan, Undo};
use crate::domain::refusal::{FieldError, Refusal};
use crate::protocol::RollbackSpec;
use crate::store::deployment::{Deployment, NewDeployment};
use crate::store::view::gate::Gate;
use crate::store::{self, Error as StoreError, Stored};
use crate::text;
use crate::wake::Wake;

/// How long a worker has a deployment without a sign of life.
pub const LEASE: TimeDelta = TimeDelta::seconds(15);

/// Starts a release by hand. The state at this instant decides, not the one on the screen.
///
/// # Errors
/// When the actor may not, or the gate is closed: then with everything that is missing.
pub async fn start(v: &mut Verb<'_>, number: ReleaseNumber) -> Result<DeploymentId> {
    let gate = known(v, number).await?;
    let person = v.person()?;
    let operator = v.access.operate(person, gate.release.environment_id)?;
    super::release::open(v, &gate)?;
    clear(v, &gate, Cause::ByHand(operator)).await?.map_err(|unmet| closed(&unmet).into())
}

/// Starts a release by the clock, if nothing is missing.
///
/// # Errors
/// Those of the store.
pub async fn start_by_clock(v: &mut Verb<'_>, number: ReleaseNumber) -> Result<Option<DeploymentId>> {
    let gate = known(v, number).await?;
    if super::release::open(v, &gate).is_err() {
        return Ok(None);
    }
    Ok(clear(v, &gate, Cause::Clock).await?.ok())
}

/// Whether a release would start by the clock right now; asked before a write is queued for it.
pub fn would_start(gate: &Gate, now: crate::domain::time::Timestamp) -> bool {
    let tally = gate.signoff_facts(now).tally();
    gate.state(&tally).is_open() && gate.judge(&tally, now, |facts| Clearance::signed_off(facts, Cause::Clock)).is_ok()
}

async fn clear(v: &mut Verb<'_>, gate: &Gate, cause: Cause) -> Result<std::result::Result<DeploymentId, Vec<Unmet>>> {
    let tally = gate.signoff_facts(v.now).tally();
    let clearance = match gate.judge(&tally, v.now, |facts| Clearance::signed_off(facts, cause)) {
        Ok(clearance) => clearance,
        Err(unmet) => return Ok(Err(unmet)),
    };
    let Some(Stored(plan)) = &gate.revision.plan else { return Ok(Err(Vec::new())) };
    begin(v, gate, &clearance, plan, None).await.map(Ok)
}

/// The gate is closed: everything that is missing, as one refusal.
fn closed(unmet: &[Unmet]) -> Refusal {
    let fields = unmet.iter().map(|one| FieldError { pointer: "".into(), text: one.text.clone() }).collect();
    Refusal { fields, ..Refusal::conflict(text!("refusal-gate-closed")) }
}

/// The only way into a deployment: with a clearance in hand.
async fn begin(
    v: &mut Verb<'_>,
    gate: &Gate,
    clearance: &Clearance,
    plan: &Plan,
    undoes: Option<DeploymentId>,
) -> Result<DeploymentId> {
    let number = clearance.release();
    let cluster = gate.environment.cluster_id.ok_or_else(|| Refusal::conflict(text!("cluster-none")))?;
    let (by, basis) = match clearance.basis() {
        Basis::SignedOff { content_hash, by, operator } => (
            *operator,
            serde_json::json!({ "signed_off": { "content_hash": content_hash, "by": by, "operator": operator } }),
        ),
        Basis::RollbackBy { operator, earlier } => {
            (Some(*operator), serde_json::json!({ "rollback_by": { "operator": operator, "earlier": earlier } }))
        }
    };
    let new = NewDeployment {
        release: number,
        revision: clearance.revision(),
        undoes,
        cluster,
        by,
        basis: &basis,
        plan,
        deadline_seconds: gate.policy.deadline_seconds,
        watch_seconds: gate.policy.watch_seconds,
    };
    let id = store::deployment::insert(v.tx, &new, v.now).await?;
    let facts = serde_json::json!({
        "deployment": id, "revision": clearance.revision(), "direction": direction(undoes), "undoes": undoes, "basis": basis,
        "policy_version": gate.revision.policy_version,
    });
    v.record("deployment.start", subject(number), Some(number), facts).await?;
    v.tx.wake(Wake::Deploy);
    v.tx.wake(Wake::Release(number));
    Ok(id)
}

fn direction(undoes: Option<DeploymentId>) -> Direction {
    if undoes.is_some() { Direction::Rollback } else { Direction::Forward }
}

/// Stops a running deployment: nothing more is written. What was written stays, and the page
/// offers the way back.
///
/// # Errors
/// When nothing runs, or the actor may not.
pub async fn cancel(v: &mut Verb<'_>, number: ReleaseNumber) -> Result<()> {
    let gate = known(v, number).await?;
    let person = v.person()?;
    v.access.operate(person, gate.release.environment_id)?;
    let running = gate.deployments.iter().find(|one| one.verdict.is_none());
    let running = running.ok_or_else(|| Refusal::conflict(text!("cancel-nothing-runs")))?;
    if running.cancel_at.is_some() {
        return Ok(());
    }
    store::deployment::ask_cancel(v.tx, running.id, Some(person), v.now).await?;
    let facts = serde_json::json!({ "deployment": running.id });
    v.record("deployment.cancel", subject(number), Some(number), facts).await?;
    v.tx.wake(Wake::Deploy);
    v.tx.wake(Wake::Release(number));
    Ok(())
}

/// The deployment of a release that can be undone now, and the way back. The button and the verb
/// ask the same.
///
/// # Errors
/// When there is nothing to undo, something runs there, or another release stands there since.
pub fn way_back(gate: &Gate) -> std::result::Result<(&Deployment, Undo), Refusal> {
    if gate.deployments.iter().any(|one| one.verdict.is_none()) || gate.locked_by.is_some() {
        return Err(Refusal::conflict(text!("conflict-target-busy")));
    }
    let (earlier, undo) = undo(gate).ok_or_else(|| Refusal::conflict(text!("rollback-nothing-touched")))?;
    match (gate.newer_there, gate.environment.cluster_id) {
        (Some(newer), _) => Err(Refusal::conflict(text!("rollback-newer-there", release = newer.label()))),
        (None, None) => Err(Refusal::conflict(text!("cluster-none"))),
        (None, Some(_)) => Ok((earlier, undo)),
    }
}

fn undo(gate: &Gate) -> Option<(&Deployment, Undo)> {
    let deployment = gate.last_forward()?;
    let (Stored(plan), Stored(outcome)) = (&deployment.plan, deployment.outcome.as_ref()?);
    let touched = outcome.touched();
    let undone =
        gate.deployments.iter().any(|one| one.undoes == Some(deployment.id) && one.verdict == Some(Verdict::Succeeded));
    (!touched.is_empty() && !undone).then(|| (deployment, plan.undo(&touched)))
}

/// Brings back what ran before a release, as a deployment of its own (rule 13).
///
/// # Errors
/// When there is nothing to undo, something runs there, another release has been there since, or
/// only a tag of what ran before is known and that was not accepted.
pub async fn roll_back(v: &mut Verb<'_>, number: ReleaseNumber, spec: RollbackSpec) -> Result<DeploymentId> {
    let gate = known(v, number).await?;
    let person = v.person()?;
    let operator = v.access.operate(person, gate.release.environment_id)?;
    let (earlier, way_back) = way_back(&gate)?;
    let revision = earlier.revision;
    let clearance = Clearance::rollback_by(operator, number, revision, earlier.id, &way_back, spec.accept_tag)
        .map_err(Refusal::conflict)?;
    begin(v, &gate, &clearance, &way_back.plan, Some(earlier.id)).await
}

/// Takes a deployment for a worker; gives its epoch.
///
/// # Errors
/// A lost race when another worker was faster.
pub async fn claim(v: &mut Verb<'_>, deployment: &Deployment, holder: &str) -> Result<i64> {
    let until = v.now.plus(LEASE);
    let epoch = store::deployment::claim(v.tx, deployment, holder, until, v.now).await?;
    store::deployment::note(v.tx, deployment.id, epoch, &JournalEvent::Claimed { epoch }, v.now).await?;
    v.tx.wake(Wake::Release(deployment.release_number));
    Ok(epoch)
}

/// Takes back the leases of an earlier process.
///
/// # Errors
/// Those of the store.
pub async fn take_over(v: &mut Verb<'_>) -> Result<()> {
    store::deployment::void_leases(v.tx).await?;
    v.tx.wake(Wake::Deploy);
    Ok(())
}

/// Prolongs a worker's lease.
///
/// # Errors
/// A lost race when another worker has it.
pub async fn heartbeat(v: &mut Verb<'_>, id: DeploymentId, epoch: i64) -> Result<()> {
    Ok(store::deployment::heartbeat(v.tx, id, epoch, v.now.plus(LEASE)).await?)
}

/// Gives a lease back, so that the next worker need not wait for its end.
///
/// # Errors
/// A lost race when another worker has it.
pub async fn give_back(v: &mut Verb<'_>, id: DeploymentId, epoch: i64) -> Result<()> {
    Ok(store::deployment::release_lease(v.tx, id, epoch).await?)
}

/// Keeps a line of a deployment's journal, if the worker still has it.
///
/// # Errors
/// A lost race when it has not.
pub async fn note(
    v: &mut Verb<'_>,
    id: DeploymentId,
    release: ReleaseNumber,
    epoch: i64,
    event: JournalEvent,
) -> Result<()> {
    store::deployment::note(v.tx, id, epoch, &event, v.now).await?;
    v.tx.wake(Wake::Release(release));
    Ok(())
}

/// Ends a deployment with its verdict.
///
/// # Errors
/// A lost race when another worker has it.
pub async fn end(v: &mut Verb<'_>, id: DeploymentId, epoch: i64, outcome: Outcome) -> Result<()> {
    let deployment = store::deployment::by_id(v.tx, id).await?.ok_or(StoreError::Corrupt { what: "deployment" })?;
    store::deployment::end(v.tx, id, epoch, &outcome, v.now).await?;
    let number = deployment.release_number;
    let facts = serde_json::json!({ "deployment": id, "epoch": epoch, "outcome": outcome });
    v.record("deployment.end", subject(number), Some(number), facts).await?;
    v.tx.wake(Wake::Clear);
    v.tx.wake(Wake::Release(number));
    Ok(())
}
