//! Releases: asked for, listed, shown, revised, withdrawn.

use actix_web::web;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::managed::{created, ok};
use super::release_view::{self, ReleaseView};
use crate::domain::id::ReleaseNumber;
use crate::domain::name::Slug;
use crate::domain::refusal::Refusal;
use crate::domain::release::State;
use crate::domain::time::Timestamp;
use crate::http::Doors;
use crate::http::body::{Body, List, Page, Query};
use crate::http::error::{Answer, Problem};
use crate::http::guard::{Client, Key, Who};
use crate::protocol::{ReasonSpec, ReleaseSpec, ReviseSpec};
use crate::store;
use crate::store::view::gate::Gate;
use crate::store::view::releases::{self, Filter, ReleaseLine, pattern};
use crate::text;
use crate::workflow::release;

/// A number in an address: `42`, or as people say it, `R-42`.
pub fn parse(number: &str) -> Result<ReleaseNumber, Refusal> {
    let digits = number.strip_prefix("R-").or_else(|| number.strip_prefix("r-")).unwrap_or(number);
    digits.parse().map_err(|_| Refusal::absent())
}

/// A release as it stands for somebody.
pub async fn view(doors: &Doors, who: &Who, number: ReleaseNumber) -> Result<ReleaseView, Problem> {
    let now = doors.workflow.clock().now();
    let mut conn = doors.workflow.store().read().await?;
    let gate = Gate::load(&mut conn, number, now).await?.ok_or_else(Refusal::absent)?;
    who.access.look(gate.release.environment_id)?;
    release_view::view(&mut conn, &gate, now).await
}

/// Shows the release after a verb.
pub async fn shown(doors: &Doors, who: &Who, number: ReleaseNumber) -> Answer {
    ok(&view(doors, who, number).await?)
}

/// Asks for a release. The answer says *planning*; the plan follows when the cluster was read.
#[utoipa::path(post, path = "/api/v1/releases", tag = "Releases", request_body = ReleaseSpec, responses(
    (status = 201, body = ReleaseView), (status = 403), (status = 409), (status = 422)))]
pub async fn request(doors: web::Data<Doors>, client: Client, key: Key, body: Body<ReleaseSpec>) -> Answer {
    let once = key.once("POST /api/v1/releases", body.hash);
    let caller = client.0.caller.clone();
    let act = doors.workflow.act_once(caller, once, move |v| Box::pin(release::request(v, body.value)));
    let number = act.await?.number;
    created(&view(&doors, &client.0, number).await?, &format!("/api/v1/releases/{number}"))
}

/// What to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// `open` (may still start, or runs), `done`, or one state such as `waiting`.
    pub state: Option<String>,
    /// Name of a service.
    pub service: Option<String>,
    /// Name of an environment.
    pub environment: Option<String>,
    /// Words in service, tag, digest or requester.
    pub q: Option<String>,
    /// Where the last page ended, as it said.
    pub cursor: Option<String>,
    /// Rows wanted, 1 to 200; 50 when absent.
    pub limit: Option<i64>,
}

/// A release in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReleaseRow {
    /// Its number.
    pub number: i64,
    /// How it stands.
    #[schema(value_type = String)]
    pub state: State,
    /// Name of the service.
    pub service: String,
    /// Name of the environment.
    pub environment: String,
    /// Digest of the image.
    pub digest: String,
    /// One tag of the image.
    pub tag: Option<String>,
    /// Name of who asked for it.
    pub requested_by: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub requested_at: Timestamp,
    /// `by_hand`, `at_opening` or `when_signed`.
    pub start_mode: String,
    /// Id of its window.
    pub window: Option<i64>,
    /// What is signed.
    pub content_hash: Option<String>,
}

fn row(line: ReleaseLine) -> ReleaseRow {
    ReleaseRow {
        number: line.row.number.0,
        state: line.state,
        service: line.row.service_slug.to_string(),
        environment: line.row.environment_slug.to_string(),
        digest: line.row.digest.to_string(),
        tag: line.row.tag.map(|tag| tag.to_string()),
        requested_by: line.row.requester.to_string(),
        requested_at: line.row.requested_at,
        start_mode: line.row.start_mode.to_string(),
        window: line.row.window_id.map(|id| id.0),
        content_hash: line.row.content_hash,
    }
}

/// Lists releases, newest first. With a single state as filter a page may hold fewer rows than asked for.
#[utoipa::path(get, path = "/api/v1/releases", tag = "Releases", params(Wanted), responses(
    (status = 200, body = List<ReleaseRow>), (status = 422)))]
pub async fn list(doors: web::Data<Doors>, client: Client, wanted: Query<Wanted>) -> Answer {
    client.0.access.look_somewhere()?;
    let Wanted { state, service, environment, q, cursor, limit } = wanted.0;
    let (before, limit) = Page { cursor, limit }.read()?;
    let mut conn = doors.workflow.store().read().await?;
    let (open, only) = match state.as_deref() {
        None | Some("") => (None, None),
        Some("open") => (Some(true), None),
        Some("done") => (Some(false), None),
        Some(name) => {
            let state = State::ALL.into_iter().find(|state| state.as_str() == name);
            let state = state.ok_or_else(|| Refusal::field("/state", text!("state-unknown")))?;
            (Some(state.is_open() || state == State::Deploying), Some(state))
        }
    };
    let service = match service.as_deref() {
        None | Some("") => None,
        Some(name) => Some(super::image::service(&mut conn, name).await?),
    };
    let environment = match environment.as_deref() {
        None | Some("") => None,
        Some(name) => {
            let unknown = || Refusal::field("/environment", text!("environment-unknown", name = name));
            let slug = Slug::parse(name).map_err(|_| unknown())?;
            let found = store::environment::by_slug(&mut conn, &slug).await?;
            Some(found.filter(|found| client.0.access.may_look(found.id)).ok_or_else(unknown)?.id)
        }
    };
    let pattern = q.as_deref().and_then(pattern);
    let before = before.map(ReleaseNumber);
    let filter = Filter { open, service, environment, pattern, before, limit: limit + 1, ..Filter::default() };
    let now = doors.workflow.clock().now();
    let lines = releases::list(&mut conn, &client.0.access, &filter, now).await?;
    let mut page = List::of(lines.into_iter().map(row).collect(), limit, |row: &ReleaseRow| row.number);
    page.items.retain(|row| only.is_none_or(|only| row.state == only));
    ok(&page)
}

/// Shows a release: state, content hash, rules, decisions, reasons it waits, deployments.
#[utoipa::path(get, path = "/api/v1/releases/{number}", tag = "Releases", responses(
    (status = 200, body = ReleaseView), (status = 404)))]
pub async fn show(doors: web::Data<Doors>, client: Client, number: web::Path<String>) -> Answer {
    shown(&doors, &client.0, parse(&number)?).await
}

/// Changes how and when an open release starts, or its note; its sign-offs are void then.
#[utoipa::path(patch, path = "/api/v1/releases/{number}", tag = "Releases", request_body = ReviseSpec, responses(
    (status = 200, body = ReleaseView), (status = 403), (status = 409), (status = 422)))]
pub async fn revise(
    doors: web::Data<Doors>,
    client: Client,
    number: web::Path<String>,
    body: Body<ReviseSpec>,
) -> Answer {
    let number = parse(&number)?;
    let caller = client.0.caller.clone();
    doors.workflow.act(caller, move |v| Box::pin(release::revise(v, number, body.value))).await?;
    shown(&doors, &client.0, number).await
}

/// Reads the cluster again and makes a new plan.
#[utoipa::path(post, path = "/api/v1/releases/{number}/plan", tag = "Releases", responses(
    (status = 200, body = ReleaseView), (status = 403), (status = 409)))]
pub async fn plan_again(doors: web::Data<Doors>, client: Client, key: Key, number: web::Path<String>) -> Answer {
    let number = parse(&number)?;
    let once = key.once("POST /api/v1/releases/{number}/plan", [0; 32]);
    let caller = client.0.caller.clone();
    doors.workflow.act_once(caller, once, move |v| Box::pin(release::plan_again(v, number))).await?;
    shown(&doors, &client.0, number).await
}

/// Takes a release back before its start.
#[utoipa::path(post, path = "/api/v1/releases/{number}/withdraw", tag = "Releases", request_body = ReasonSpec, responses(
    (status = 200, body = ReleaseView), (status = 403), (status = 409)))]
pub async fn withdraw(
    doors: web::Data<Doors>,
    client: Client,
    key: Key,
    number: web::Path<String>,
    body: Body<ReasonSpec>,
) -> Answer {
    let number = parse(&number)?;
    let once = key.once("POST /api/v1/releases/{number}/withdraw", body.hash);
    let caller = client.0.caller.clone();
    let reason = body.value.reason;
    doors.workflow.act_once(caller, once, move |v| Box::pin(release::withdraw(v, number, reason))).await?;
    shown(&doors, &client.0, number).await
}
