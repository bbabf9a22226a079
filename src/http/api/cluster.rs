//! Kubernetes clusters. Their credentials have doors of their own.

use super::managed::{Managed, managed};
use crate::domain::name::Slug;
use crate::domain::person::Access;
use crate::domain::refusal::Refusal;
use crate::http::body::List;
use crate::http::error::Problem;
use crate::protocol::ClusterSpec;
use crate::store::{self, Conn};
use crate::workflow::cluster;

managed!(
    "Clusters", ClusterSpec, name, cluster::put, cluster::archive,
    list "/api/v1/clusters", one "/api/v1/clusters/{name}",
    archive "/api/v1/clusters/{name}/archive", restore "/api/v1/clusters/{name}/restore"
);

fn may_read(access: &Access) -> Result<(), Refusal> {
    access.look_somewhere()
}

async fn all(conn: &mut Conn, _: &Access) -> Result<Vec<Managed<ClusterSpec>>, Problem> {
    let mut items = Vec::new();
    for row in store::cluster::list(conn).await? {
        let (version, archived) = (row.version, row.archived_at.is_some());
        items.push(Managed { spec: cluster::spec(conn, row.id).await?, version, archived });
    }
    Ok(items)
}

async fn one(conn: &mut Conn, _: &Access, name: &str) -> Result<Managed<ClusterSpec>, Problem> {
    let slug = Slug::parse(name).map_err(|_| Refusal::absent())?;
    let row = store::cluster::by_slug(conn, &slug).await?.ok_or_else(Refusal::absent)?;
    let (version, archived) = (row.version, row.archived_at.is_some());
    Ok(Managed { spec: cluster::spec(conn, row.id).await?, version, archived })
}
