//! People. Only administrators read them here; everybody else meets names on pages.

use actix_web::web;
use serde::Serialize;
use utoipa::ToSchema;

use super::managed::{Managed, managed, ok};
use crate::domain::name::Login;
use crate::domain::person::Access;
use crate::domain::refusal::Refusal;
use crate::http::Doors;
use crate::http::body::List;
use crate::http::error::{Answer, Problem};
use crate::http::guard::Client;
use crate::protocol::PersonSpec;
use crate::store::{self, Conn};
use crate::workflow::{Result as Acted, Verb, person};

managed!(
    "People", PersonSpec, login, person::put, set_active,
    list "/api/v1/people", one "/api/v1/people/{login}",
    archive "/api/v1/people/{login}/archive", restore "/api/v1/people/{login}/restore"
);

async fn set_active(v: &mut Verb<'_>, login: &str, archived: bool) -> Acted<()> {
    if archived { person::deactivate(v, login).await } else { person::reactivate(v, login).await }
}

fn may_read(access: &Access) -> Result<(), Refusal> {
    access.administer()
}

async fn all(conn: &mut Conn, _: &Access) -> Result<Vec<Managed<PersonSpec>>, Problem> {
    let mut items = Vec::new();
    for row in store::person::list(conn).await? {
        let (version, archived) = (row.version, row.deactivated_at.is_some());
        items.push(Managed { spec: person::spec(conn, row.id).await?, version, archived });
    }
    Ok(items)
}

async fn one(conn: &mut Conn, _: &Access, login: &str) -> Result<Managed<PersonSpec>, Problem> {
    let login = Login::parse(login).map_err(|_| Refusal::absent())?;
    let row = store::person::by_login(conn, &login).await?.ok_or_else(Refusal::absent)?;
    let (version, archived) = (row.version, row.deactivated_at.is_some());
    Ok(Managed { spec: person::spec(conn, row.id).await?, version, archived })
}

/// A one-time sign-in link.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkView {
    /// Works once, for a day.
    pub url: String,
}

/// Makes a one-time sign-in link for a person; earlier ones stop working.
#[utoipa::path(post, path = "/api/v1/people/{login}/link", tag = "People", responses((status = 200, body = LinkView)))]
pub async fn link(doors: web::Data<Doors>, client: Client, login: web::Path<String>) -> Answer {
    let login = login.into_inner();
    let act =
        doors.workflow.act(client.0.caller, move |v| Box::pin(async move { person::hand_out_link(v, &login).await }));
    let url = doors.public_url.link(&format!("/sign-in/{}", act.await?));
    ok(&LinkView { url })
}
