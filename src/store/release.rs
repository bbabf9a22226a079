//! Releases and their revisions.

use super::{Conn, Error, Stored, Tx, all, exec, first, guarded, one};
use crate::domain::environment::StartMode;
use crate::domain::id::{ClusterId, EnvironmentId, ImageId, PersonId, ReleaseNumber, ServiceId, TokenId, WindowId};
use crate::domain::name::Note;
use crate::domain::plan::Plan;
use crate::domain::release::{Ended, Planning, SignedWindow, Start};
use crate::domain::text::Text;
use crate::domain::time::{Interval, Timestamp, Zone};

/// A release as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Release {
    /// Which.
    pub number: ReleaseNumber,
    /// What.
    pub service_id: ServiceId,
    /// Where.
    pub environment_id: EnvironmentId,
    /// Which image.
    pub image_id: ImageId,
    /// Who asked for it.
    pub requested_by: PersonId,
    /// With which token, when a program did.
    pub token_id: Option<TokenId>,
    /// When.
    pub requested_at: Timestamp,
    /// Its current revision.
    pub revision: i64,
    /// How it ended without a deployment.
    pub ended: Option<Ended>,
    /// Who ended it.
    pub ended_by: Option<PersonId>,
    /// When.
    pub ended_at: Option<Timestamp>,
    /// What they wrote.
    pub ended_reason: Option<Note>,
}

/// A revision as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Revision {
    /// Of which release.
    pub release_number: ReleaseNumber,
    /// Which, from 1.
    pub revision: i64,
    /// Why it was made.
    pub reason: Stored<Text>,
    /// When.
    pub created_at: Timestamp,
    /// How it starts.
    pub start_mode: StartMode,
    /// In which window.
    pub window_id: Option<WindowId>,
    /// The window's interval when the revision was made.
    pub window_starts_at: Option<Timestamp>,
    /// Its end.
    pub window_ends_at: Option<Timestamp>,
    /// Its zone.
    pub window_zone: Option<Zone>,
    /// Version of the environment's policy.
    pub policy_version: i64,
    /// What the requester wrote.
    pub note: Note,
    /// What will be done, once the runner has read the cluster.
    pub plan: Option<Stored<Plan>>,
    /// What is signed.
    pub content_hash: Option<String>,
    /// When it was planned.
    pub planned_at: Option<Timestamp>,
    /// Why it could not be planned.
    pub plan_error: Option<Stored<Text>>,
    /// How often that was tried.
    pub plan_attempts: i64,
    /// When it is tried next.
    pub plan_due_at: Option<Timestamp>,
}

impl Revision {
    /// How and when it starts, as signed.
    pub fn start(&self) -> Start {
        let window = match (self.window_id, self.window_starts_at, self.window_ends_at, self.window_zone) {
            (Some(id), Some(start), Some(end), Some(zone)) => {
                Some(SignedWindow { id, interval: Interval { start, end }, zone })
            }
            _ => None,
        };
        Start { mode: self.start_mode, window }
    }

    /// Where its plan stands.
    pub fn planning(&self) -> Planning {
        match (&self.content_hash, &self.plan_error) {
            (Some(hash), _) => Planning::Done { content_hash: hash.clone() },
            (None, Some(Stored(reason))) => {
                Planning::Failed { reason: reason.clone(), again_at: self.plan_due_at.unwrap_or(self.created_at) }
            }
            (None, None) => Planning::Pending,
        }
    }
}

/// What a new revision starts from.
#[derive(Clone, Debug)]
pub struct Draft {
    /// How it starts.
    pub start: Start,
    /// Version of the environment's policy.
    pub policy_version: i64,
    /// What the requester wrote.
    pub note: Note,
}

/// Adds a release with its first revision, and gives it the next number. Numbers have no gaps.
#[expect(clippy::too_many_arguments, reason = "one column each")]
pub async fn insert(
    tx: &mut Tx,
    service: ServiceId,
    environment: EnvironmentId,
    image: ImageId,
    by: PersonId,
    token: Option<TokenId>,
    reason: &Text,
    draft: &Draft,
    now: Timestamp,
) -> Result<ReleaseNumber, Error> {
    let sql = "INSERT INTO releases (number, service_id, environment_id, image_id, requested_by, token_id, requested_at, revision)
               VALUES ((SELECT coalesce(max(number), 0) + 1 FROM releases), $1, $2, $3, $4, $5, $6, 1) RETURNING number";
    let (number,) = one!(tx, (ReleaseNumber,), sql, service, environment, image, by, token, now)?;
    insert_revision(tx, number, 1, reason, draft, now).await?;
    Ok(number)
}

/// Makes a new revision the current one; the earlier one and its decisions stay, void.
pub async fn revise(
    tx: &mut Tx,
    release: &Release,
    reason: &Text,
    draft: &Draft,
    now: Timestamp,
) -> Result<i64, Error> {
    let next = release.revision + 1;
    insert_revision(tx, release.number, next, reason, draft, now).await?;
    let sql = "UPDATE releases SET revision = $3 WHERE number = $1 AND revision = $2 AND ended IS NULL";
    guarded!("release", tx, sql, release.number, release.revision, next)?;
    Ok(next)
}

async fn insert_revision(
    tx: &mut Tx,
    number: ReleaseNumber,
    revision: i64,
    reason: &Text,
    draft: &Draft,
    now: Timestamp,
) -> Result<(), Error> {
    let sql =
        "INSERT INTO revisions (release_number, revision, reason, created_at, start_mode, window_id, window_starts_at,
                   window_ends_at, window_zone, policy_version, note, plan_due_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $4)";
    let window = draft.start.window.as_ref();
    exec!(
        tx,
        sql,
        number,
        revision,
        Stored(reason),
        now,
        draft.start.mode,
        window.map(|window| window.id),
        window.map(|window| window.interval.start),
        window.map(|window| window.interval.end),
        window.map(|window| window.zone),
        draft.policy_version,
        &draft.note,
    )
    .map(|_| ())
}

/// One release.
pub async fn by_number(conn: &mut Conn, number: ReleaseNumber) -> Result<Option<Release>, Error> {
    first!(conn, Release, "SELECT * FROM releases WHERE number = $1", number)
}

/// One revision.
pub async fn revision(conn: &mut Conn, number: ReleaseNumber, revision: i64) -> Result<Revision, Error> {
    let sql = "SELECT * FROM revisions WHERE release_number = $1 AND revision = $2";
    one!(conn, Revision, sql, number, revision)
}

/// All revisions of a release.
pub async fn revisions(conn: &mut Conn, number: ReleaseNumber) -> Result<Vec<Revision>, Error> {
    all!(conn, Revision, "SELECT * FROM revisions WHERE release_number = $1 ORDER BY revision", number)
}

/// Keeps the plan of a revision and the canonical content that is signed.
pub async fn planned(
    tx: &mut Tx,
    revision: &Revision,
    plan: &Plan,
    content: &str,
    hash: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let sql = "UPDATE revisions SET plan = $3, content = $4, content_hash = $5, planned_at = $6, plan_error = NULL, plan_due_at = NULL
               WHERE release_number = $1 AND revision = $2 AND plan IS NULL";
    guarded!("revision", tx, sql, revision.release_number, revision.revision, Stored(plan), content, hash, now)
}

/// Keeps why a revision could not be planned, and when to try again.
pub async fn plan_failed(tx: &mut Tx, revision: &Revision, why: &Text, again: Timestamp) -> Result<(), Error> {
    let sql = "UPDATE revisions SET plan_error = $3, plan_attempts = plan_attempts + 1, plan_due_at = $4
               WHERE release_number = $1 AND revision = $2 AND plan IS NULL";
    guarded!("revision", tx, sql, revision.release_number, revision.revision, Stored(why), again)
}

/// Tries a revision's plan again now.
pub async fn plan_now(tx: &mut Tx, number: ReleaseNumber, revision: i64, now: Timestamp) -> Result<(), Error> {
    let sql = "UPDATE revisions SET plan_due_at = $3 WHERE release_number = $1 AND revision = $2 AND plan IS NULL";
    guarded!("revision", tx, sql, number, revision, now)
}

#[derive(sqlx::FromRow)]
struct Due {
    #[sqlx(flatten)]
    revision: Revision,
    cluster_id: Option<ClusterId>,
}

/// Current revisions of open releases whose plan is due, with the cluster it is made on: the first
/// ones of each cluster.
pub async fn plans_due(
    conn: &mut Conn,
    now: Timestamp,
    of_each: usize,
) -> Result<Vec<(Revision, Option<ClusterId>)>, Error> {
    let sql = "SELECT * FROM (SELECT v.*, e.cluster_id,
                   row_number() OVER (PARTITION BY e.cluster_id ORDER BY v.plan_due_at, v.release_number) AS turn
               FROM revisions v JOIN releases r ON r.number = v.release_number AND r.revision = v.revision
               JOIN environments e ON e.id = r.environment_id
               WHERE v.plan_due_at <= $1 AND r.ended IS NULL) AS due
               WHERE turn <= $2 ORDER BY plan_due_at, release_number";
    let rows = all!(conn, Due, sql, now, i64::try_from(of_each).unwrap_or(i64::MAX))?;
    Ok(rows.into_iter().map(|due| (due.revision, due.cluster_id)).collect())
}

/// When the next plan is due, after those that are by now.
pub async fn next_plan_due(conn: &mut Conn, now: Timestamp) -> Result<Option<Timestamp>, Error> {
    let sql = "SELECT min(v.plan_due_at) FROM revisions v JOIN releases r ON r.number = v.release_number AND r.revision = v.revision
               WHERE v.plan_due_at > $1 AND r.ended IS NULL";
    one!(conn, (Option<Timestamp>,), sql, now).map(|(at,)| at)
}

/// Releases that the clock may start: planned, open, of an automatic mode, inside their window
/// where they have one, and with none newer for the same place ([`superseded_by`]).
pub async fn startable(conn: &mut Conn, now: Timestamp) -> Result<Vec<Release>, Error> {
    let sql = "SELECT r.* FROM releases r JOIN revisions v ON v.release_number = r.number AND v.revision = r.revision
               WHERE r.ended IS NULL AND v.plan IS NOT NULL
                 AND (v.start_mode = 'when_signed'
                      OR (v.start_mode = 'at_opening' AND v.window_starts_at <= $1 AND v.window_ends_at > $1))
                 AND NOT EXISTS (SELECT 1 FROM deployments d WHERE d.release_number = r.number AND d.direction = 'forward'
                                 AND d.revision = r.revision)
                 AND NOT EXISTS (SELECT 1 FROM releases n
                                 WHERE n.service_id = r.service_id AND n.environment_id = r.environment_id
                                   AND n.number > r.number AND n.ended IS NULL
                                   AND NOT EXISTS (SELECT 1 FROM deployments d WHERE d.release_number = n.number
                                                   AND d.direction = 'forward' AND d.revision = n.revision AND d.drifted = 0
                                                   AND d.verdict IN ('cancelled', 'failed')))
               ORDER BY r.number";
    all!(conn, Release, sql, now)
}

/// Ends a release without a deployment.
pub async fn end(
    tx: &mut Tx,
    number: ReleaseNumber,
    how: Ended,
    by: Option<PersonId>,
    reason: &Note,
    now: Timestamp,
) -> Result<(), Error> {
    let sql = "UPDATE releases SET ended = $2, ended_by = $3, ended_at = $4, ended_reason = $5 WHERE number = $1 AND ended IS NULL";
    guarded!("release", tx, sql, number, how, by, now, reason)
}

/// Which open releases an edit concerns. What is absent matches everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Concerned {
    /// Of this service.
    pub service: Option<ServiceId>,
    /// In this environment.
    pub environment: Option<EnvironmentId>,
    /// Of this image.
    pub image: Option<ImageId>,
    /// In this window.
    pub window: Option<WindowId>,
}

/// Releases that may still start: not ended, and without a deployment of their current revision
/// other than one that found the cluster changed and touched nothing.
pub async fn open(conn: &mut Conn, concerned: Concerned) -> Result<Vec<Release>, Error> {
    let sql = "SELECT r.* FROM releases r JOIN revisions v ON v.release_number = r.number AND v.revision = r.revision
               WHERE r.ended IS NULL
                 AND r.service_id = coalesce($1, r.service_id) AND r.environment_id = coalesce($2, r.environment_id)
                 AND r.image_id = coalesce($3, r.image_id) AND coalesce(v.window_id, 0) = coalesce($4, v.window_id, 0)
                 AND NOT EXISTS (SELECT 1 FROM deployments d WHERE d.release_number = r.number AND d.direction = 'forward'
                                 AND d.revision = r.revision AND d.drifted = 0)
               ORDER BY r.number";
    let Concerned { service, environment, image, window } = concerned;
    all!(conn, Release, sql, service, environment, image, window)
}

/// The newest release for the same place that is still in play and newer than this one: not
/// rejected, withdrawn, cancelled, or failed.
pub async fn superseded_by(conn: &mut Conn, release: &Release) -> Result<Option<ReleaseNumber>, Error> {
    let sql = "SELECT max(r.number) FROM releases r
               WHERE r.service_id = $1 AND r.environment_id = $2 AND r.number > $3 AND r.ended IS NULL
                 AND NOT EXISTS (SELECT 1 FROM deployments d WHERE d.release_number = r.number AND d.direction = 'forward'
                                 AND d.revision = r.revision AND d.drifted = 0 AND d.verdict IN ('cancelled', 'failed'))";
    one!(conn, (Option<ReleaseNumber>,), sql, release.service_id, release.environment_id, release.number)
        .map(|(number,)| number)
}

/// Whether a person has ever rejected this image for this place (rule 5).
pub async fn rejected_before(
    conn: &mut Conn,
    service: ServiceId,
    environment: EnvironmentId,
    image: ImageId,
) -> Result<Option<ReleaseNumber>, Error> {
    let sql = "SELECT max(number) FROM releases WHERE service_id = $1 AND environment_id = $2 AND image_id = $3 AND ended = 'rejected'";
    one!(conn, (Option<ReleaseNumber>,), sql, service, environment, image).map(|(number,)| number)
}
