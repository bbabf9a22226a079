//! Groups of people.

use super::managed::{Managed, managed};
use crate::domain::name::Slug;
use crate::domain::person::Access;
use crate::domain::refusal::Refusal;
use crate::http::body::List;
use crate::http::error::Problem;
use crate::protocol::GroupSpec;
use crate::store::{self, Conn};
use crate::workflow::group;

managed!(
    "Groups", GroupSpec, name, group::put, group::archive,
    list "/api/v1/groups", one "/api/v1/groups/{name}",
    archive "/api/v1/groups/{name}/archive", restore "/api/v1/groups/{name}/restore"
);

fn may_read(access: &Access) -> Result<(), Refusal> {
    access.look_somewhere()
}

async fn all(conn: &mut Conn, _: &Access) -> Result<Vec<Managed<GroupSpec>>, Problem> {
    let mut items = Vec::new();
    for row in store::group::list(conn).await? {
        let (version, archived) = (row.version, row.archived_at.is_some());
        items.push(Managed { spec: group::spec(conn, row.id).await?, version, archived });
    }
    Ok(items)
}

async fn one(conn: &mut Conn, _: &Access, name: &str) -> Result<Managed<GroupSpec>, Problem> {
    let slug = Slug::parse(name).map_err(|_| Refusal::absent())?;
    let row = store::group::by_slug(conn, &slug).await?.ok_or_else(Refusal::absent)?;
    let (version, archived) = (row.version, row.archived_at.is_some());
    Ok(Managed { spec: group::spec(conn, row.id).await?, version, archived })
}
