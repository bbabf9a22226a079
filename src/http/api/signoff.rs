//! Decisions: for people in browsers. A bearer token is refused here, whoever it belongs to.

use actix_web::web;

use super::release::{parse, shown};
use super::release_view::ReleaseView;
use crate::http::Doors;
use crate::http::body::Body;
use crate::http::error::{Answer, Failed};
use crate::http::guard::Client;
use crate::protocol::DecisionSpec;
use crate::workflow::signoff;

/// Signs a release off, bound to the content hash that was on the screen.
#[utoipa::path(post, path = "/api/v1/releases/{number}/signoff", tag = "Sign-off", request_body = DecisionSpec, responses(
    (status = 200, body = ReleaseView), (status = 403), (status = 409, description = "Something else is there now, or it is not open."),
    (status = 422)))]
pub async fn approve(
    doors: web::Data<Doors>,
    client: Client,
    number: web::Path<String>,
    body: Body<DecisionSpec>,
) -> Answer {
    let number = parse(&number)?;
    let caller = client.0.caller.clone();
    let act = doors.workflow.act(caller, move |v| Box::pin(signoff::approve(v, number, body.value)));
    act.await?.map_err(Failed::Refused)?;
    shown(&doors, &client.0, number).await
}

/// Rejects a release, with a reason; that ends it.
#[utoipa::path(post, path = "/api/v1/releases/{number}/reject", tag = "Sign-off", request_body = DecisionSpec, responses(
    (status = 200, body = ReleaseView), (status = 403), (status = 409), (status = 422)))]
pub async fn reject(
    doors: web::Data<Doors>,
    client: Client,
    number: web::Path<String>,
    body: Body<DecisionSpec>,
) -> Answer {
    let number = parse(&number)?;
    let caller = client.0.caller.clone();
    let act = doors.workflow.act(caller, move |v| Box::pin(signoff::reject(v, number, body.value)));
    act.await?.map_err(Failed::Refused)?;
    shown(&doors, &client.0, number).await
}
