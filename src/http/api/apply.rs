//! `tidegate apply`: many things in one call, all or nothing.

use actix_web::web;

use super::managed::ok;
use crate::http::Doors;
use crate::http::body::Body;
use crate::http::error::Answer;
use crate::http::guard::Client;
use crate::protocol::{ApplyAnswer, ApplyRequest};
use crate::workflow::{Error, apply as verb};

/// Largest call, in bytes: as many documents as one takes, and room for each.
const LARGEST: usize = 1024 * 1024;

/// Makes everything as the documents say, or with `dry_run` says what that would change. Pointers
/// of complaints begin with the position of the document.
#[utoipa::path(post, path = "/api/v1/apply", tag = "Apply", request_body = ApplyRequest, responses(
    (status = 200, body = ApplyAnswer), (status = 403), (status = 409), (status = 422)))]
pub async fn apply(doors: web::Data<Doors>, client: Client, body: Body<ApplyRequest, LARGEST>) -> Answer {
    match doors.workflow.act(client.0.caller, move |v| Box::pin(verb::apply(v, body.value))).await {
        Ok(answer) => ok(&answer),
        Err(Error::DryRun(answer)) => ok(&*answer),
        Err(error) => Err(error.into()),
    }
}
