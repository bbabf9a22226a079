//! Sessions for people who use the API by hand: sign in, see who one is, sign out.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::managed::ok;
use crate::domain::person::Role;
use crate::http::Doors;
use crate::http::body::Body;
use crate::http::error::Answer;
use crate::http::guard::{Client, same_site};
use crate::http::session::csrf_token;
use crate::store;
use crate::workflow::session::{SignedIn, sign_out};

/// What signing in takes: login and password, or the secret of a one-time link.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Credentials {
    /// The login.
    pub login: String,
    /// The password.
    pub password: String,
    /// The secret at the end of a one-time sign-in link, instead of both.
    pub link: Option<String>,
}

/// A session that has begun; its secret is in the cookie.
#[derive(Serialize, ToSchema)]
pub struct Begun {
    /// Goes into `X-CSRF-Token` of every request that changes something.
    pub csrf_token: String,
}

/// Who one is.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionView {
    /// Login.
    pub login: String,
    /// Name.
    pub name: String,
    /// Zone times are shown in.
    pub zone: String,
    /// Roles, each for one environment (by name) or for all.
    pub roles: Vec<RoleView>,
    /// Goes into `X-CSRF-Token` of every request that changes something; only for sessions.
    pub csrf_token: Option<String>,
}

/// A role that is held.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoleView {
    /// The role.
    #[schema(value_type = String)]
    pub role: Role,
    /// The environment; all of them when null.
    pub environment: Option<String>,
}

/// Signs in and sets the session's cookie.
#[utoipa::path(post, path = "/api/v1/session", tag = "Session", security(()), request_body = Credentials, responses(
    (status = 200, body = Begun, description = "Signed in; the token goes into X-CSRF-Token."), (status = 401), (status = 409, description = "The link was used, or is too old."), (status = 429)))]
pub async fn begin(doors: web::Data<Doors>, request: HttpRequest, body: Body<Credentials>) -> Answer {
    same_site(&doors, &request)?;
    let Credentials { login, password, link } = body.value;
    signed_in(
        &doors,
        match link {
            Some(link) => doors.workflow.sign_in_by_link(link, doors.address(&request)).await?,
            None => doors.workflow.sign_in(&login, password, doors.address(&request)).await?,
        },
    )
}

/// What the first setup takes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FirstPerson {
    /// The secret at the end of the setup link that `tidegate serve` printed.
    pub link: String,
    /// What the first person signs in with.
    pub login: String,
    /// What they are called.
    pub name: String,
    /// Their password.
    pub password: String,
}

/// Makes the first person, who administers, and signs them in.
#[utoipa::path(post, path = "/api/v1/setup", tag = "Session", security(()), request_body = FirstPerson, responses(
    (status = 200, body = Begun, description = "Signed in; the token goes into X-CSRF-Token."), (status = 409), (status = 422)))]
pub async fn set_up(doors: web::Data<Doors>, request: HttpRequest, body: Body<FirstPerson>) -> Answer {
    same_site(&doors, &request)?;
    let FirstPerson { link, login, name, password } = body.value;
    signed_in(&doors, doors.workflow.set_up(link, login, name, password).await?)
}

fn signed_in(doors: &Doors, signed_in: SignedIn) -> Answer {
    let csrf = csrf_token(&signed_in.secret);
    let cookie = doors.cookies.begin(signed_in.secret);
    Ok(HttpResponse::Ok().cookie(cookie).json(Begun { csrf_token: csrf }))
}

/// Shows who one is.
#[utoipa::path(get, path = "/api/v1/session", tag = "Session", responses((status = 200, body = SessionView), (status = 401)))]
pub async fn show(doors: web::Data<Doors>, client: Client) -> Answer {
    let mut conn = doors.workflow.store().read().await?;
    let mut roles = Vec::new();
    for (role, environment) in &client.0.access.grants {
        let environment = match environment {
            Some(id) => store::environment::by_id(&mut conn, *id).await?.map(|found| found.slug.to_string()),
            None => None,
        };
        roles.push(RoleView { role: *role, environment });
    }
    let person = client.0.person;
    ok(&SessionView {
        login: person.login.to_string(),
        name: person.name.to_string(),
        zone: person.zone.unwrap_or(doors.workflow.settings().zone).name().to_owned(),
        roles,
        csrf_token: client.0.session.map(|session| session.csrf),
    })
}

/// Signs out.
#[utoipa::path(delete, path = "/api/v1/session", tag = "Session", responses((status = 204)))]
pub async fn end(doors: web::Data<Doors>, client: Client) -> Answer {
    if let Some(session) = client.0.session {
        doors.workflow.act(client.0.caller, move |v| Box::pin(sign_out(v, session.hash))).await?;
    }
    Ok(HttpResponse::NoContent().cookie(doors.cookies.end()).finish())
}
