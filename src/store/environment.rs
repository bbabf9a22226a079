//! Environments and the versions of their policies.

use super::{Conn, Error, Stored, Tx, all, exec, first, guarded, one};
use crate::domain::environment::Policy;
use crate::domain::id::{ClusterId, EnvironmentId, PersonId};
use crate::domain::name::{Slug, Title};
use crate::domain::time::Timestamp;

/// An environment as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Environment {
    /// Which.
    pub id: EnvironmentId,
    /// Its short name.
    pub slug: Slug,
    /// Its title.
    pub title: Title,
    /// Its place in the promotion order, lowest first.
    pub rank: i64,
    /// Where it deploys to.
    pub cluster_id: Option<ClusterId>,
    /// Version of its present policy.
    pub policy_version: i64,
    /// Since when it is not used any more.
    pub archived_at: Option<Timestamp>,
    /// Counts edits.
    pub version: i64,
}

/// What an administrator sets of an environment, besides its policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    /// Its title.
    pub title: Title,
    /// Its place in the promotion order.
    pub rank: i64,
    /// Where it deploys to.
    pub cluster: Option<ClusterId>,
}

/// Adds an environment with the first version of its policy.
pub async fn insert(
    tx: &mut Tx,
    slug: &Slug,
    details: &Details,
    policy: &Policy,
    by: Option<PersonId>,
    now: Timestamp,
) -> Result<EnvironmentId, Error> {
    let sql = "INSERT INTO environments (slug, title, rank, cluster_id, policy_version, created_at)
               VALUES ($1, $2, $3, $4, 1, $5) RETURNING id";
    let (id,) = one!(tx, (EnvironmentId,), sql, slug, &details.title, details.rank, details.cluster, now)?;
    insert_policy(tx, id, 1, policy, by, now).await?;
    Ok(id)
}

/// One environment.
pub async fn by_id(conn: &mut Conn, id: EnvironmentId) -> Result<Option<Environment>, Error> {
    first!(conn, Environment, "SELECT * FROM environments WHERE id = $1", id)
}

/// One environment by its short name.
pub async fn by_slug(conn: &mut Conn, slug: &Slug) -> Result<Option<Environment>, Error> {
    first!(conn, Environment, "SELECT * FROM environments WHERE slug = $1", slug)
}

/// All environments in promotion order, archived ones too.
pub async fn list(conn: &mut Conn) -> Result<Vec<Environment>, Error> {
    all!(conn, Environment, "SELECT * FROM environments ORDER BY rank, slug")
}

/// Changes what an administrator sets; the version is the one the editor saw.
pub async fn update(tx: &mut Tx, id: EnvironmentId, version: i64, details: &Details) -> Result<(), Error> {
    let sql = "UPDATE environments SET title = $3, rank = $4, cluster_id = $5 WHERE id = $1 AND version = $2";
    guarded!("environment", tx, sql, id, version, &details.title, details.rank, details.cluster)
}

/// Counts an edit: of the environment or its policy.
pub async fn edited(tx: &mut Tx, id: EnvironmentId) -> Result<(), Error> {
    guarded!("environment", tx, "UPDATE environments SET version = version + 1 WHERE id = $1", id)
}

/// Archives an environment, or brings it back.
pub async fn set_archived(tx: &mut Tx, id: EnvironmentId, at: Option<Timestamp>) -> Result<(), Error> {
    let sql = "UPDATE environments SET archived_at = $2, version = version + 1
               WHERE id = $1 AND (archived_at IS NULL) = ($2 IS NOT NULL)";
    guarded!("environment", tx, sql, id, at)
}

/// One version of a policy.
pub async fn policy(conn: &mut Conn, id: EnvironmentId, version: i64) -> Result<Policy, Error> {
    let sql = "SELECT policy FROM policies WHERE environment_id = $1 AND version = $2";
    one!(conn, (Stored<Policy>,), sql, id, version).map(|(Stored(policy),)| policy)
}

/// Makes the next version the present one.
pub async fn replace_policy(
    tx: &mut Tx,
    id: EnvironmentId,
    from: i64,
    policy: &Policy,
    by: Option<PersonId>,
    now: Timestamp,
) -> Result<i64, Error> {
    let next = from + 1;
    insert_policy(tx, id, next, policy, by, now).await?;
    let sql = "UPDATE environments SET policy_version = $3 WHERE id = $1 AND policy_version = $2";
    guarded!("policy", tx, sql, id, from, next)?;
    Ok(next)
}

async fn insert_policy(
    tx: &mut Tx,
    id: EnvironmentId,
    version: i64,
    policy: &Policy,
    by: Option<PersonId>,
    now: Timestamp,
) -> Result<(), Error> {
    let sql =
        "INSERT INTO policies (environment_id, version, policy, created_by, created_at) VALUES ($1, $2, $3, $4, $5)";
    exec!(tx, sql, id, version, Stored(policy), by, now)?;
    exec!(tx, "DELETE FROM policy_groups WHERE environment_id = $1", id)?;
    for group in policy.groups() {
        exec!(tx, "INSERT INTO policy_groups (environment_id, group_id) VALUES ($1, $2)", id, group)?;
    }
    Ok(())
}
