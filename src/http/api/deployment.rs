//! Starting, stopping and undoing.

use actix_web::web;

use super::release::{parse, shown};
use super::release_view::ReleaseView;
use crate::domain::id::ReleaseNumber;
use crate::http::Doors;
use crate::http::body::Body;
use crate::http::error::Answer;
use crate::http::guard::{Client, Key};
use crate::protocol::RollbackSpec;
use crate::workflow::deployment;

/// Starts a release by hand. The state at this instant decides; a refusal lists what is missing.
#[utoipa::path(post, path = "/api/v1/releases/{number}/start", tag = "Deployments", responses(
    (status = 200, body = ReleaseView), (status = 403), (status = 409, description = "The gate is closed; `errors` lists what is missing.")))]
pub async fn start(doors: web::Data<Doors>, client: Client, key: Key, number: web::Path<String>) -> Answer {
    let number = parse(&number)?;
    let once = key.once("POST /api/v1/releases/{number}/start", body_of(number));
    let caller = client.0.caller.clone();
    doors.workflow.act_once(caller, once, move |v| Box::pin(deployment::start(v, number))).await?;
    shown(&doors, &client.0, number).await
}

/// These doors have no body of their own; the release is what a repeated key must not change.
fn body_of(number: ReleaseNumber) -> [u8; 32] {
    crate::secret::fingerprint(&number.label())
}

/// Stops a running deployment. Nothing more is written; what was written stays.
#[utoipa::path(post, path = "/api/v1/releases/{number}/cancel", tag = "Deployments", responses(
    (status = 200, body = ReleaseView), (status = 403), (status = 409)))]
pub async fn cancel(doors: web::Data<Doors>, client: Client, number: web::Path<String>) -> Answer {
    let number = parse(&number)?;
    let caller = client.0.caller.clone();
    doors.workflow.act(caller, move |v| Box::pin(deployment::cancel(v, number))).await?;
    shown(&doors, &client.0, number).await
}

/// Brings back what ran before, as a deployment of its own.
#[utoipa::path(post, path = "/api/v1/releases/{number}/rollback", tag = "Deployments", request_body = RollbackSpec, responses(
    (status = 200, body = ReleaseView), (status = 403), (status = 409)))]
pub async fn roll_back(
    doors: web::Data<Doors>,
    client: Client,
    key: Key,
    number: web::Path<String>,
    body: Body<RollbackSpec>,
) -> Answer {
    let number = parse(&number)?;
    let once = key.once("POST /api/v1/releases/{number}/rollback", body.hash);
    let caller = client.0.caller.clone();
    doors.workflow.act_once(caller, once, move |v| Box::pin(deployment::roll_back(v, number, body.value))).await?;
    shown(&doors, &client.0, number).await
}
