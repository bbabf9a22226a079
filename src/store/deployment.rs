//! Deployments, their leases, locks and journals.

use super::release::Release;
use super::{Conn, Error, Stored, Tx, all, exec, first, guarded, one};
use crate::domain::deployment::{Direction, JournalEvent, Outcome, Verdict};
use crate::domain::id::{ClusterId, DeploymentId, PersonId, ReleaseNumber, TargetId};
use crate::domain::plan::Plan;
use crate::domain::time::Timestamp;

/// A deployment as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Deployment {
    /// Which.
    pub id: DeploymentId,
    /// Of which release.
    pub release_number: ReleaseNumber,
    /// Of which revision of it.
    pub revision: i64,
    /// Forward or back.
    pub direction: Direction,
    /// The deployment it undoes.
    pub undoes: Option<DeploymentId>,
    /// On which cluster.
    pub cluster_id: ClusterId,
    /// Who started it; nobody when the clock did.
    pub started_by: Option<PersonId>,
    /// When the start was accepted.
    pub started_at: Timestamp,
    /// What it carries out.
    pub plan: Stored<Plan>,
    /// How long a rollout may take, in seconds, where the policy says so.
    pub deadline_seconds: Option<i64>,
    /// How long new pods have to serve, in seconds.
    pub watch_seconds: i64,
    /// Which worker has it.
    pub lease_holder: Option<String>,
    /// How many workers had it.
    pub lease_epoch: i64,
    /// Until when the worker has it.
    pub lease_until: Option<Timestamp>,
    /// When somebody asked to stop it.
    pub cancel_at: Option<Timestamp>,
    /// How it ended.
    pub verdict: Option<Verdict>,
    /// How it ended, in full.
    pub outcome: Option<Stored<Outcome>>,
    /// When.
    pub ended_at: Option<Timestamp>,
}

/// A deployment to be started.
#[derive(Clone, Debug)]
pub struct NewDeployment<'a> {
    /// Of which release.
    pub release: ReleaseNumber,
    /// Of which revision of it.
    pub revision: i64,
    /// The deployment it undoes; forward without one.
    pub undoes: Option<DeploymentId>,
    /// On which cluster.
    pub cluster: ClusterId,
    /// Who starts it.
    pub by: Option<PersonId>,
    /// What the clearance rests on, for the record.
    pub basis: &'a serde_json::Value,
    /// What it carries out.
    pub plan: &'a Plan,
    /// How long a rollout may take, in seconds.
    pub deadline_seconds: Option<u32>,
    /// How long new pods have to serve, in seconds.
    pub watch_seconds: u32,
}

/// Starts a deployment and takes the locks of its targets. Somebody else's lock is a lost race.
pub async fn insert(tx: &mut Tx, new: &NewDeployment<'_>, now: Timestamp) -> Result<DeploymentId, Error> {
    let direction = if new.undoes.is_some() { Direction::Rollback } else { Direction::Forward };
    let sql = "INSERT INTO deployments (release_number, revision, direction, undoes, cluster_id, started_by, started_at, basis, plan,
                   deadline_seconds, watch_seconds)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id";
    let (id,) = one!(
        tx,
        (DeploymentId,),
        sql,
        new.release,
        new.revision,
        direction,
        new.undoes,
        new.cluster,
        new.by,
        now,
        Stored(new.basis),
        Stored(new.plan),
        new.deadline_seconds.map(i64::from),
        i64::from(new.watch_seconds),
    )?;
    for target in new.plan.targets() {
        let sql = "INSERT INTO target_locks (target_id, deployment_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        guarded!("target lock", tx, sql, target, id)?;
    }
    Ok(id)
}

/// One deployment.
pub async fn by_id(conn: &mut Conn, id: DeploymentId) -> Result<Option<Deployment>, Error> {
    first!(conn, Deployment, "SELECT * FROM deployments WHERE id = $1", id)
}

/// All deployments of a release, in order.
pub async fn of_release(conn: &mut Conn, number: ReleaseNumber) -> Result<Vec<Deployment>, Error> {
    all!(conn, Deployment, "SELECT * FROM deployments WHERE release_number = $1 ORDER BY id", number)
}

/// Another release that has changed the same place after this deployment, or is about to, and has
/// not been rolled back since.
pub async fn after(conn: &mut Conn, release: &Release, id: DeploymentId) -> Result<Option<ReleaseNumber>, Error> {
    let sql = "SELECT max(d.release_number) FROM deployments d JOIN releases r ON r.number = d.release_number
               WHERE r.service_id = $1 AND r.environment_id = $2 AND d.id > $3 AND d.release_number <> $4
                 AND d.direction = 'forward' AND d.touched = 1
                 AND NOT EXISTS (SELECT 1 FROM deployments b WHERE b.undoes = d.id AND b.verdict = 'succeeded')";
    one!(conn, (Option<ReleaseNumber>,), sql, release.service_id, release.environment_id, id, release.number)
        .map(|(number,)| number)
}

/// The deployment that holds one of these targets.
pub async fn holder(
    conn: &mut Conn,
    targets: impl IntoIterator<Item = TargetId>,
) -> Result<Option<DeploymentId>, Error> {
    for target in targets {
        let sql = "SELECT deployment_id FROM target_locks WHERE target_id = $1";
        if let Some((id,)) = first!(conn, (DeploymentId,), sql, target)? {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// Deployments that want a worker: without a lease, or with one that has run out.
pub async fn claimable(conn: &mut Conn, now: Timestamp) -> Result<Vec<Deployment>, Error> {
    let sql = "SELECT * FROM deployments WHERE verdict IS NULL AND (lease_until IS NULL OR lease_until <= $1) ORDER BY id LIMIT 64";
    all!(conn, Deployment, sql, now)
}

/// Deployments that have not ended.
pub async fn running(conn: &mut Conn) -> Result<Vec<Deployment>, Error> {
    all!(conn, Deployment, "SELECT * FROM deployments WHERE verdict IS NULL ORDER BY id")
}

/// Takes a deployment with the next epoch; the old state is the one that was read.
pub async fn claim(
    tx: &mut Tx,
    deployment: &Deployment,
    holder: &str,
    until: Timestamp,
    now: Timestamp,
) -> Result<i64, Error> {
    let epoch = deployment.lease_epoch + 1;
    let sql = "UPDATE deployments SET lease_holder = $3, lease_epoch = $4, lease_until = $5
               WHERE id = $1 AND lease_epoch = $2 AND verdict IS NULL AND (lease_until IS NULL OR lease_until <= $6)";
    guarded!("deployment", tx, sql, deployment.id, deployment.lease_epoch, holder, epoch, until, now)?;
    Ok(epoch)
}

/// Prolongs a lease; a newer epoch is a lost race.
pub async fn heartbeat(tx: &mut Tx, id: DeploymentId, epoch: i64, until: Timestamp) -> Result<(), Error> {
    let sql = "UPDATE deployments SET lease_until = $3 WHERE id = $1 AND lease_epoch = $2 AND verdict IS NULL";
    guarded!("deployment", tx, sql, id, epoch, until)
}

/// Gives a lease back, so that the next worker need not wait for it to run out.
pub async fn release_lease(tx: &mut Tx, id: DeploymentId, epoch: i64) -> Result<(), Error> {
    let sql = "UPDATE deployments SET lease_until = NULL WHERE id = $1 AND lease_epoch = $2 AND verdict IS NULL";
    guarded!("deployment", tx, sql, id, epoch)
}

/// Takes back every lease: on SQLite there is one process, so those of an earlier one are void.
pub async fn void_leases(tx: &mut Tx) -> Result<u64, Error> {
    exec!(tx, "UPDATE deployments SET lease_until = NULL WHERE verdict IS NULL AND lease_until IS NOT NULL")
}

/// Asks to stop.
pub async fn ask_cancel(tx: &mut Tx, id: DeploymentId, by: Option<PersonId>, now: Timestamp) -> Result<(), Error> {
    let sql =
        "UPDATE deployments SET cancel_by = $2, cancel_at = $3 WHERE id = $1 AND verdict IS NULL AND cancel_at IS NULL";
    guarded!("deployment", tx, sql, id, by, now)
}

/// Ends a deployment, once, and gives its locks back.
pub async fn end(tx: &mut Tx, id: DeploymentId, epoch: i64, outcome: &Outcome, now: Timestamp) -> Result<(), Error> {
    let sql = "UPDATE deployments SET verdict = $3, outcome = $4, drifted = $5, touched = $6, ended_at = $7, lease_until = NULL
               WHERE id = $1 AND lease_epoch = $2 AND verdict IS NULL";
    let (drifted, touched) = (i64::from(outcome.drifted), i64::from(!outcome.touched().is_empty()));
    guarded!("deployment", tx, sql, id, epoch, outcome.verdict, Stored(outcome), drifted, touched, now)?;
    exec!(tx, "DELETE FROM target_locks WHERE deployment_id = $1", id).map(|_| ())
}

/// A line of a journal.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Line {
    /// Its position among all journals' lines.
    pub id: i64,
    /// Of which deployment.
    pub deployment_id: DeploymentId,
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub event: Stored<JournalEvent>,
}

/// Characters of a journal from which on a new line about how it goes takes the place of the last
/// one of its kind: a rollout may flap all day, and the journal is read whole.
const FULL: i64 = 512 * 1024;

/// Lines whose place this one may take; none for what has to stay.
fn alike(event: &JournalEvent) -> Option<String> {
    let of = |kind: &str, target: TargetId| format!("{{\"event\":\"{kind}\",\"target\":{},%", target.0);
    match event {
        JournalEvent::Progress { target, .. } => Some(of("progress", *target)),
        JournalEvent::Watching { target, .. } => Some(of("watching", *target)),
        JournalEvent::Unreachable { .. } => Some("{\"event\":\"unreachable\"%".to_owned()),
        JournalEvent::Reachable => Some("{\"event\":\"reachable\"%".to_owned()),
        JournalEvent::Claimed { .. }
        | JournalEvent::Writing { .. }
        | JournalEvent::Written { .. }
        | JournalEvent::TargetEnded { .. } => None,
    }
}

/// Adds a line, if the worker still has the deployment; a newer epoch is a lost race.
pub async fn note(
    tx: &mut Tx,
    id: DeploymentId,
    epoch: i64,
    event: &JournalEvent,
    now: Timestamp,
) -> Result<i64, Error> {
    let sql = "INSERT INTO journal (deployment_id, epoch, at, event)
               SELECT id, $2, $3, $4 FROM deployments WHERE id = $1 AND lease_epoch = $2 AND verdict IS NULL RETURNING id";
    let row = first!(tx, (i64,), sql, id, epoch, now, Stored(event))?;
    let (line,) = row.ok_or(Error::LostRace { what: "deployment" })?;
    if let Some(alike) = alike(event) {
        let sql = "SELECT coalesce(sum(length(event)), 0) FROM journal WHERE deployment_id = $1";
        let (size,) = one!(tx, (i64,), sql, id)?;
        if size > FULL {
            let sql = "DELETE FROM journal WHERE id = (
                           SELECT max(id) FROM journal WHERE deployment_id = $1 AND id < $2 AND event LIKE $3)";
            exec!(tx, sql, id, line, alike)?;
        }
    }
    Ok(line)
}

/// A deployment's journal after a line.
pub async fn journal(conn: &mut Conn, id: DeploymentId, after: i64) -> Result<Vec<Line>, Error> {
    let sql = "SELECT id, deployment_id, at, event FROM journal WHERE deployment_id = $1 AND id > $2 ORDER BY id";
    all!(conn, Line, sql, id, after)
}
