//! Clusters, their sealed credentials, and what was last seen with them.

use super::{Conn, Error, Stored, Tx, all, first, guarded, one};
use crate::domain::cluster::{CredentialFacts, Probe};
use crate::domain::id::{ClusterId, CredentialId, EnvironmentId, PersonId};
use crate::domain::name::{Slug, Title};
use crate::domain::time::Timestamp;

/// A cluster as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Cluster {
    /// Which.
    pub id: ClusterId,
    /// Its short name.
    pub slug: Slug,
    /// Its title.
    pub title: Title,
    /// Since when it is not used any more.
    pub archived_at: Option<Timestamp>,
    /// Counts edits.
    pub version: i64,
}

/// The states of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialState {
    /// Sealed, and waiting for a person to confirm what the runner saw with it.
    Unverified,
    /// In use.
    Confirmed,
    /// Replaced or dropped; its secret is gone.
    Retired,
}

impl CredentialState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Unverified, Self::Confirmed, Self::Retired];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unverified => "unverified",
            Self::Confirmed => "confirmed",
            Self::Retired => "retired",
        }
    }
}

/// A credential as stored. What is sealed is read by [`sealed`] alone.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Credential {
    /// Which.
    pub id: CredentialId,
    /// Of which cluster.
    pub cluster_id: ClusterId,
    /// Whether it is in use.
    pub state: CredentialState,
    /// What it says of itself.
    pub facts: Stored<CredentialFacts>,
    /// Digest of the cluster's fingerprint.
    pub fingerprint: String,
    /// When it was handed in.
    pub uploaded_at: Timestamp,
    /// When somebody confirmed it.
    pub confirmed_at: Option<Timestamp>,
    /// What was last seen with it.
    pub probe: Option<Stored<Probe>>,
    /// Since when the cluster does not answer.
    pub unreachable_since: Option<Timestamp>,
}

/// Adds a cluster.
pub async fn insert(tx: &mut Tx, slug: &Slug, title: &Title, now: Timestamp) -> Result<ClusterId, Error> {
    let sql = "INSERT INTO clusters (slug, title, created_at) VALUES ($1, $2, $3) RETURNING id";
    one!(tx, (ClusterId,), sql, slug, title, now).map(|(id,)| id)
}

/// One cluster.
pub async fn by_id(conn: &mut Conn, id: ClusterId) -> Result<Option<Cluster>, Error> {
    first!(conn, Cluster, "SELECT * FROM clusters WHERE id = $1", id)
}

/// One cluster by its short name.
pub async fn by_slug(conn: &mut Conn, slug: &Slug) -> Result<Option<Cluster>, Error> {
    first!(conn, Cluster, "SELECT * FROM clusters WHERE slug = $1", slug)
}

/// All clusters, archived ones too.
pub async fn list(conn: &mut Conn) -> Result<Vec<Cluster>, Error> {
    all!(conn, Cluster, "SELECT * FROM clusters ORDER BY slug")
}

/// Changes the title; the version is the one the editor saw.
pub async fn update(tx: &mut Tx, id: ClusterId, version: i64, title: &Title) -> Result<(), Error> {
    let sql = "UPDATE clusters SET title = $3, version = version + 1 WHERE id = $1 AND version = $2";
    guarded!("cluster", tx, sql, id, version, title)
}

/// Archives a cluster, or brings it back.
pub async fn set_archived(tx: &mut Tx, id: ClusterId, at: Option<Timestamp>) -> Result<(), Error> {
    let sql = "UPDATE clusters SET archived_at = $2, version = version + 1
               WHERE id = $1 AND (archived_at IS NULL) = ($2 IS NOT NULL)";
    guarded!("cluster", tx, sql, id, at)
}

/// Environments that deploy to a cluster.
pub async fn environments(conn: &mut Conn, id: ClusterId) -> Result<Vec<EnvironmentId>, Error> {
    let sql = "SELECT id FROM environments WHERE cluster_id = $1 AND archived_at IS NULL ORDER BY id";
    all!(conn, (EnvironmentId,), sql, id).map(|rows| rows.into_iter().map(|(id,)| id).collect())
}

/// Makes room for a credential and names it, so that its secret can be sealed for exactly that
/// row; [`seal`] puts it in.
pub async fn insert_credential(
    tx: &mut Tx,
    cluster: ClusterId,
    facts: &CredentialFacts,
    by: Option<PersonId>,
    now: Timestamp,
) -> Result<CredentialId, Error> {
    let sql = "INSERT INTO credentials (cluster_id, state, facts, fingerprint, uploaded_by, uploaded_at)
               VALUES ($1, 'retired', $2, $3, $4, $5) RETURNING id";
    let (id,) = one!(tx, (CredentialId,), sql, cluster, Stored(facts), facts.cluster.digest(), by, now)?;
    Ok(id)
}

/// Puts the sealed secret of a new credential in and asks for a look with it.
pub async fn seal(tx: &mut Tx, id: CredentialId, sealed: &[u8], key_id: &str, now: Timestamp) -> Result<(), Error> {
    let sql = "UPDATE credentials SET state = 'unverified', sealed = $2, key_id = $3, probe_due_at = $4
               WHERE id = $1 AND state = 'retired' AND probe IS NULL AND confirmed_at IS NULL";
    guarded!("credential", tx, sql, id, sealed, key_id, now)
}

/// A cluster's credential in one of its two living states.
pub async fn credential(
    conn: &mut Conn,
    cluster: ClusterId,
    state: CredentialState,
) -> Result<Option<Credential>, Error> {
    let sql = "SELECT id, cluster_id, state, facts, fingerprint, uploaded_at, confirmed_at, probe, unreachable_since
               FROM credentials WHERE cluster_id = $1 AND state = $2 ORDER BY id DESC LIMIT 1";
    first!(conn, Credential, sql, cluster, state)
}

/// One credential.
pub async fn credential_by_id(conn: &mut Conn, id: CredentialId) -> Result<Option<Credential>, Error> {
    let sql = "SELECT id, cluster_id, state, facts, fingerprint, uploaded_at, confirmed_at, probe, unreachable_since
               FROM credentials WHERE id = $1";
    first!(conn, Credential, sql, id)
}

/// The sealed secret of a credential, for the vault to open.
pub async fn sealed(conn: &mut Conn, id: CredentialId) -> Result<Option<Vec<u8>>, Error> {
    let row = first!(conn, (Option<Vec<u8>>,), "SELECT sealed FROM credentials WHERE id = $1", id)?;
    Ok(row.and_then(|(sealed,)| sealed))
}

/// The newest sealed secret in the database: what a key ring has to be able to open.
pub async fn newest_sealed(conn: &mut Conn) -> Result<Option<(CredentialId, Vec<u8>)>, Error> {
    let sql = "SELECT id, sealed FROM credentials WHERE sealed IS NOT NULL ORDER BY id DESC LIMIT 1";
    first!(conn, (CredentialId, Vec<u8>), sql)
}

/// Puts a credential into use.
pub async fn confirm(tx: &mut Tx, id: CredentialId, by: Option<PersonId>, now: Timestamp) -> Result<(), Error> {
    let sql = "UPDATE credentials SET state = 'confirmed', confirmed_by = $2, confirmed_at = $3
               WHERE id = $1 AND state = 'unverified'";
    guarded!("credential", tx, sql, id, by, now)
}

/// Takes a credential out of use and destroys its secret.
pub async fn retire(tx: &mut Tx, id: CredentialId) -> Result<(), Error> {
    let sql = "UPDATE credentials SET state = 'retired', sealed = NULL, key_id = NULL, probe_due_at = NULL
               WHERE id = $1 AND state <> 'retired'";
    guarded!("credential", tx, sql, id)
}

/// Credentials whose cluster should be looked at by now, the longest overdue first.
pub async fn due(conn: &mut Conn, now: Timestamp) -> Result<Vec<Credential>, Error> {
    let sql = "SELECT id, cluster_id, state, facts, fingerprint, uploaded_at, confirmed_at, probe, unreachable_since
               FROM credentials WHERE state <> 'retired' AND probe_due_at <= $1 ORDER BY probe_due_at";
    all!(conn, Credential, sql, now)
}

/// When the next cluster should be looked at, after those that should by now.
pub async fn next_due(conn: &mut Conn, now: Timestamp) -> Result<Option<Timestamp>, Error> {
    let sql = "SELECT min(probe_due_at) FROM credentials WHERE state <> 'retired' AND probe_due_at > $1";
    one!(conn, (Option<Timestamp>,), sql, now).map(|(at,)| at)
}

/// Asks for a look now.
pub async fn ask(tx: &mut Tx, id: CredentialId, now: Timestamp) -> Result<(), Error> {
    guarded!("credential", tx, "UPDATE credentials SET probe_due_at = $2 WHERE id = $1 AND state <> 'retired'", id, now)
}

/// Keeps what was seen, and when to look again.
pub async fn probed(
    tx: &mut Tx,
    id: CredentialId,
    probe: &Probe,
    unreachable_since: Option<Timestamp>,
    again: Timestamp,
) -> Result<(), Error> {
    let sql = "UPDATE credentials SET probe = $2, probed_at = $3, unreachable_since = $4, probe_due_at = $5
               WHERE id = $1 AND state <> 'retired'";
    guarded!("credential", tx, sql, id, Stored(probe), probe.at, unreachable_since, again)
}
