//! Environments with their policies.

use super::managed::{Managed, managed};
use crate::domain::name::Slug;
use crate::domain::person::Access;
use crate::domain::refusal::Refusal;
use crate::http::body::List;
use crate::http::error::Problem;
use crate::protocol::EnvironmentSpec;
use crate::store::{self, Conn};
use crate::workflow::environment;

managed!(
    "Environments", EnvironmentSpec, name, environment::put, environment::archive,
    list "/api/v1/environments", one "/api/v1/environments/{name}",
    archive "/api/v1/environments/{name}/archive", restore "/api/v1/environments/{name}/restore"
);

fn may_read(access: &Access) -> Result<(), Refusal> {
    access.look_somewhere()
}

async fn all(conn: &mut Conn, access: &Access) -> Result<Vec<Managed<EnvironmentSpec>>, Problem> {
    let mut items = Vec::new();
    for row in store::environment::list(conn).await? {
        if !access.may_look(row.id) {
            continue;
        }
        let (version, archived) = (row.version, row.archived_at.is_some());
        items.push(Managed { spec: environment::spec(conn, row.id).await?, version, archived });
    }
    Ok(items)
}

async fn one(conn: &mut Conn, access: &Access, name: &str) -> Result<Managed<EnvironmentSpec>, Problem> {
    let slug = Slug::parse(name).map_err(|_| Refusal::absent())?;
    let row = store::environment::by_slug(conn, &slug).await?.ok_or_else(Refusal::absent)?;
    access.look(row.id)?;
    let (version, archived) = (row.version, row.archived_at.is_some());
    Ok(Managed { spec: environment::spec(conn, row.id).await?, version, archived })
}
