//! Services and their targets.

use super::{Conn, Error, Stored, Tx, all, first, guarded, one};
use crate::domain::id::{ClusterId, EnvironmentId, GroupId, ServiceId, TargetId};
use crate::domain::image::Repository;
use crate::domain::name::{Label, Slug, Title, WorkloadName};
use crate::domain::service::{Workload, WorkloadKind};
use crate::domain::time::Timestamp;

/// A service as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Service {
    /// Which.
    pub id: ServiceId,
    /// Its short name.
    pub slug: Slug,
    /// Its title.
    pub title: Title,
    /// Where its images come from.
    pub repository: Repository,
    /// Whom to ask about it.
    pub owner_group_id: Option<GroupId>,
    /// Whether the public page may name it: 0 or 1.
    pub is_public: i64,
    /// Since when it is not used any more.
    pub archived_at: Option<Timestamp>,
    /// Counts edits.
    pub version: i64,
}

/// What an administrator sets of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    /// Its title.
    pub title: Title,
    /// Where its images come from.
    pub repository: Repository,
    /// Whom to ask about it.
    pub owner: Option<GroupId>,
    /// Whether the public page may name it.
    pub public: bool,
}

/// Adds a service.
pub async fn insert(tx: &mut Tx, slug: &Slug, details: &Details, now: Timestamp) -> Result<ServiceId, Error> {
    let sql = "INSERT INTO services (slug, title, repository, owner_group_id, is_public, created_at)
               VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";
    let Details { title, repository, owner, public } = details;
    one!(tx, (ServiceId,), sql, slug, title, repository, owner, i64::from(*public), now).map(|(id,)| id)
}

/// One service.
pub async fn by_id(conn: &mut Conn, id: ServiceId) -> Result<Option<Service>, Error> {
    first!(conn, Service, "SELECT * FROM services WHERE id = $1", id)
}

/// One service by its short name.
pub async fn by_slug(conn: &mut Conn, slug: &Slug) -> Result<Option<Service>, Error> {
    first!(conn, Service, "SELECT * FROM services WHERE slug = $1", slug)
}

/// All services, archived ones too.
pub async fn list(conn: &mut Conn) -> Result<Vec<Service>, Error> {
    all!(conn, Service, "SELECT * FROM services ORDER BY slug")
}

/// Changes what an administrator sets; the version is the one the editor saw.
pub async fn update(tx: &mut Tx, id: ServiceId, version: i64, details: &Details) -> Result<(), Error> {
    let sql = "UPDATE services SET title = $3, repository = $4, owner_group_id = $5, is_public = $6
               WHERE id = $1 AND version = $2";
    let Details { title, repository, owner, public } = details;
    guarded!("service", tx, sql, id, version, title, repository, owner, i64::from(*public))
}

/// Counts an edit: of the service or its targets.
pub async fn edited(tx: &mut Tx, id: ServiceId) -> Result<(), Error> {
    guarded!("service", tx, "UPDATE services SET version = version + 1 WHERE id = $1", id)
}

/// Archives a service, or brings it back.
pub async fn set_archived(tx: &mut Tx, id: ServiceId, at: Option<Timestamp>) -> Result<(), Error> {
    let sql = "UPDATE services SET archived_at = $2, version = version + 1
               WHERE id = $1 AND (archived_at IS NULL) = ($2 IS NOT NULL)";
    guarded!("service", tx, sql, id, at)
}

/// A target as stored: a service in an environment.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Target {
    /// Which.
    pub id: TargetId,
    /// Of which service.
    pub service_id: ServiceId,
    /// In which environment.
    pub environment_id: EnvironmentId,
    /// Namespace of the workload.
    pub namespace: Label,
    /// Kind of the workload.
    pub kind: WorkloadKind,
    /// Name of the workload.
    pub name: WorkloadName,
    /// Containers that get the image.
    pub containers: Stored<Vec<Label>>,
    /// Since when it is not used any more.
    pub archived_at: Option<Timestamp>,
    /// Counts edits.
    pub version: i64,
}

impl Target {
    /// The workload it means.
    pub fn workload(&self) -> Workload {
        Workload { namespace: self.namespace.clone(), kind: self.kind, name: self.name.clone() }
    }
}

/// Adds a target.
pub async fn insert_target(
    tx: &mut Tx,
    service: ServiceId,
    environment: EnvironmentId,
    workload: &Workload,
    containers: &[Label],
    now: Timestamp,
) -> Result<TargetId, Error> {
    let sql = "INSERT INTO targets (service_id, environment_id, namespace, kind, name, containers, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id";
    let Workload { namespace, kind, name } = workload;
    one!(tx, (TargetId,), sql, service, environment, namespace, kind, name, Stored(containers), now).map(|(id,)| id)
}

/// One target.
pub async fn target(conn: &mut Conn, id: TargetId) -> Result<Option<Target>, Error> {
    first!(conn, Target, "SELECT * FROM targets WHERE id = $1", id)
}

/// A workload that would be a target of two environments if one of them went to another cluster.
pub async fn shared_workload(
    conn: &mut Conn,
    environment: EnvironmentId,
    cluster: Option<ClusterId>,
) -> Result<Option<Workload>, Error> {
    let sql =
        "SELECT t.* FROM targets t JOIN targets o ON o.namespace = t.namespace AND o.kind = t.kind AND o.name = t.name
               JOIN environments e ON e.id = o.environment_id
               WHERE t.environment_id = $1 AND o.environment_id <> $1 AND e.cluster_id = $2
                 AND t.archived_at IS NULL AND o.archived_at IS NULL LIMIT 1";
    Ok(first!(conn, Target, sql, environment, cluster)?.map(|target| target.workload()))
}

/// Whether an environment has a target in use in a namespace.
pub async fn uses_namespace(conn: &mut Conn, environment: EnvironmentId, namespace: &Label) -> Result<bool, Error> {
    let sql = "SELECT id FROM targets WHERE environment_id = $1 AND namespace = $2 AND archived_at IS NULL LIMIT 1";
    Ok(first!(conn, (TargetId,), sql, environment, namespace)?.is_some())
}

/// The target in use that means this workload, in whichever environment on the same cluster.
pub async fn target_of(
    conn: &mut Conn,
    environment: EnvironmentId,
    workload: &Workload,
) -> Result<Option<Target>, Error> {
    let sql = "SELECT t.* FROM targets t JOIN environments e ON e.id = t.environment_id
               JOIN environments own ON own.id = $1
               WHERE (e.id = own.id OR e.cluster_id = own.cluster_id) AND t.namespace = $2 AND t.kind = $3 AND t.name = $4
                 AND t.archived_at IS NULL LIMIT 1";
    let Workload { namespace, kind, name } = workload;
    first!(conn, Target, sql, environment, namespace, kind, name)
}

/// Targets in use of one service in one environment.
pub async fn targets(conn: &mut Conn, service: ServiceId, environment: EnvironmentId) -> Result<Vec<Target>, Error> {
    let sql = "SELECT * FROM targets WHERE service_id = $1 AND environment_id = $2 AND archived_at IS NULL ORDER BY id";
    all!(conn, Target, sql, service, environment)
}

/// Targets in use of one environment.
pub async fn targets_in(conn: &mut Conn, environment: EnvironmentId) -> Result<Vec<Target>, Error> {
    let sql = "SELECT * FROM targets WHERE environment_id = $1 AND archived_at IS NULL ORDER BY id";
    all!(conn, Target, sql, environment)
}

/// All targets, archived ones too.
pub async fn all_targets(conn: &mut Conn) -> Result<Vec<Target>, Error> {
    all!(conn, Target, "SELECT * FROM targets ORDER BY service_id, environment_id, id")
}

/// The targets of a service that are not archived.
pub async fn targets_of(conn: &mut Conn, service: ServiceId) -> Result<Vec<Target>, Error> {
    let sql = "SELECT * FROM targets WHERE service_id = $1 AND archived_at IS NULL ORDER BY environment_id, id";
    all!(conn, Target, sql, service)
}

/// Changes a target; the version is the one the editor saw.
pub async fn update_target(
    tx: &mut Tx,
    id: TargetId,
    version: i64,
    workload: &Workload,
    containers: &[Label],
) -> Result<(), Error> {
    let sql = "UPDATE targets SET namespace = $3, kind = $4, name = $5, containers = $6, version = version + 1
               WHERE id = $1 AND version = $2";
    let Workload { namespace, kind, name } = workload;
    guarded!("target", tx, sql, id, version, namespace, kind, name, Stored(containers))
}

/// Archives a target, or brings it back.
pub async fn set_target_archived(tx: &mut Tx, id: TargetId, at: Option<Timestamp>) -> Result<(), Error> {
    let sql = "UPDATE targets SET archived_at = $2, version = version + 1
               WHERE id = $1 AND (archived_at IS NULL) = ($2 IS NOT NULL)";
    guarded!("target", tx, sql, id, at)
}
