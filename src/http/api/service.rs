//! Services with their targets.

use super::managed::{Managed, managed};
use crate::domain::name::Slug;
use crate::domain::person::Access;
use crate::domain::refusal::Refusal;
use crate::http::body::List;
use crate::http::error::Problem;
use crate::protocol::ServiceSpec;
use crate::store::{self, Conn};
use crate::workflow::service;

managed!(
    "Services", ServiceSpec, name, service::put, service::archive,
    list "/api/v1/services", one "/api/v1/services/{name}",
    archive "/api/v1/services/{name}/archive", restore "/api/v1/services/{name}/restore"
);

fn may_read(access: &Access) -> Result<(), Refusal> {
    access.look_somewhere()
}

async fn all(conn: &mut Conn, _: &Access) -> Result<Vec<Managed<ServiceSpec>>, Problem> {
    let mut items = Vec::new();
    for row in store::service::list(conn).await? {
        let (version, archived) = (row.version, row.archived_at.is_some());
        items.push(Managed { spec: service::spec(conn, row.id).await?, version, archived });
    }
    Ok(items)
}

async fn one(conn: &mut Conn, _: &Access, name: &str) -> Result<Managed<ServiceSpec>, Problem> {
    let slug = Slug::parse(name).map_err(|_| Refusal::absent())?;
    let row = store::service::by_slug(conn, &slug).await?.ok_or_else(Refusal::absent)?;
    let (version, archived) = (row.version, row.archived_at.is_some());
    Ok(Managed { spec: service::spec(conn, row.id).await?, version, archived })
}
