//! Windows.

use actix_web::web;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::managed::{Edit, created, ok};
use crate::domain::id::WindowId;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::domain::window::WindowState;
use crate::http::Doors;
use crate::http::body::{Body, List, Page, Query};
use crate::http::error::{Answer, Problem};
use crate::http::guard::{Client, Key, Who};
use crate::protocol::WindowSpec;
use crate::store::view::releases::{self, Filter};
use crate::store::view::windows;
use crate::store::{self, Conn};
use crate::text;
use crate::workflow::window;

/// A window.
#[derive(Debug, Serialize, ToSchema)]
pub struct WindowView {
    /// Its id.
    pub id: i64,
    /// How it stands.
    #[schema(value_type = String)]
    pub state: WindowState,
    /// Title.
    pub title: String,
    /// When it opens.
    #[schema(value_type = String, format = DateTime)]
    pub starts_at: Timestamp,
    /// When it closes: the first instant no longer inside.
    #[schema(value_type = String, format = DateTime)]
    pub ends_at: Timestamp,
    /// The zone it was planned in.
    pub zone: String,
    /// What people who are affected should know.
    pub audience: String,
    /// Whether the public page shows it.
    pub public: bool,
    /// When it was announced.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub announced_at: Option<Timestamp>,
    /// Counts its edits; give it back when editing.
    pub version: i64,
    /// Numbers of the releases on its agenda.
    pub agenda: Vec<i64>,
    /// What was announced about it, in order.
    pub announcements: Vec<AnnouncementView>,
}

/// An announcement.
#[derive(Debug, Serialize, ToSchema)]
pub struct AnnouncementView {
    /// `announced`, `moved` or `cancelled`.
    pub kind: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Opening, as announced then.
    #[schema(value_type = String, format = DateTime)]
    pub starts_at: Timestamp,
    /// Closing, as announced then.
    #[schema(value_type = String, format = DateTime)]
    pub ends_at: Timestamp,
}

async fn view(conn: &mut Conn, who: &Who, found: store::window::Window, now: Timestamp) -> Result<WindowView, Problem> {
    let filter = Filter { windows: Some(vec![found.id]), limit: i64::MAX, ..Filter::default() };
    let agenda = releases::list(conn, &who.access, &filter, now).await?;
    let announcements = store::window::announcements(conn, found.id).await?;
    Ok(WindowView {
        id: found.id.0,
        state: found.domain().state(now),
        title: found.title.to_string(),
        starts_at: found.starts_at,
        ends_at: found.ends_at,
        zone: found.zone.name().to_owned(),
        audience: found.audience.to_string(),
        public: found.is_public == 1,
        announced_at: found.announced_at,
        version: found.version,
        agenda: agenda.into_iter().map(|line| line.row.number.0).collect(),
        announcements: announcements
            .into_iter()
            .map(|one| AnnouncementView {
                kind: one.kind.as_str().to_owned(),
                at: one.announced_at,
                starts_at: one.starts_at,
                ends_at: one.ends_at,
            })
            .collect(),
    })
}

async fn one(doors: &Doors, who: &Who, id: WindowId) -> Result<WindowView, Problem> {
    who.access.look_somewhere().map_err(|_| Refusal::absent())?;
    let mut conn = doors.workflow.store().read().await?;
    let found = store::window::by_id(&mut conn, id).await?.ok_or_else(Refusal::absent)?;
    view(&mut conn, who, found, doors.workflow.clock().now()).await
}

fn parse(id: &str) -> Result<WindowId, Refusal> {
    id.parse().map_err(|_| Refusal::absent())
}

/// Lists windows, newest first.
#[utoipa::path(get, path = "/api/v1/windows", tag = "Windows", params(Page), responses((status = 200, body = List<WindowView>)))]
pub async fn list(doors: web::Data<Doors>, client: Client, page: Query<Page>) -> Answer {
    client.0.access.look_somewhere()?;
    let (before, limit) = page.0.read()?;
    let now = doors.workflow.clock().now();
    let mut conn = doors.workflow.store().read().await?;
    let mut items = Vec::new();
    for found in windows::list(&mut conn, before.map(WindowId), limit + 1).await? {
        items.push(view(&mut conn, &client.0, found, now).await?);
    }
    ok(&List::of(items, limit, |window: &WindowView| window.id))
}

/// Plans a window. Nobody is told yet.
#[utoipa::path(post, path = "/api/v1/windows", tag = "Windows", request_body = WindowSpec, responses(
    (status = 201, body = WindowView), (status = 403), (status = 422)))]
pub async fn create(doors: web::Data<Doors>, client: Client, key: Key, body: Body<WindowSpec>) -> Answer {
    let once = key.once("POST /api/v1/windows", body.hash);
    let caller = client.0.caller.clone();
    let planned = doors.workflow.act_once(caller, once, move |v| Box::pin(window::create(v, body.value))).await?;
    created(&one(&doors, &client.0, planned.id).await?, &format!("/api/v1/windows/{}", planned.id))
}

/// Shows a window.
#[utoipa::path(get, path = "/api/v1/windows/{id}", tag = "Windows", responses((status = 200, body = WindowView), (status = 404)))]
pub async fn show(doors: web::Data<Doors>, client: Client, id: web::Path<String>) -> Answer {
    ok(&one(&doors, &client.0, parse(&id)?).await?)
}

/// Changes a window. One that was announced is announced again; a new time voids the sign-offs of
/// its releases.
#[utoipa::path(put, path = "/api/v1/windows/{id}", tag = "Windows", request_body = WindowSpec, params(Edit), responses(
    (status = 200, body = WindowView), (status = 409), (status = 422)))]
pub async fn edit(
    doors: web::Data<Doors>,
    client: Client,
    id: web::Path<String>,
    edit: Query<Edit>,
    body: Body<WindowSpec>,
) -> Answer {
    let id = parse(&id)?;
    let version =
        edit.0.version.ok_or_else(|| Refusal::field("/version", text!("json-missing-field", field = "version")))?;
    let caller = client.0.caller.clone();
    doors.workflow.act(caller, move |v| Box::pin(window::edit(v, id, version, body.value))).await?;
    ok(&one(&doors, &client.0, id).await?)
}

/// What announcing takes.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Seen {
    /// The version that was seen; whatever is there when absent.
    pub version: Option<i64>,
}

/// Announces a window.
#[utoipa::path(post, path = "/api/v1/windows/{id}/announce", tag = "Windows", params(Seen), responses(
    (status = 200, body = WindowView), (status = 409)))]
pub async fn announce(
    doors: web::Data<Doors>,
    client: Client,
    key: Key,
    id: web::Path<String>,
    seen: Query<Seen>,
) -> Answer {
    let id = parse(&id)?;
    let once = key.once("POST /api/v1/windows/{id}/announce", [0; 32]);
    let caller = client.0.caller.clone();
    doors.workflow.act_once(caller, once, move |v| Box::pin(window::announce(v, id, seen.0.version))).await?;
    ok(&one(&doors, &client.0, id).await?)
}

/// Calls a window off.
#[utoipa::path(post, path = "/api/v1/windows/{id}/cancel", tag = "Windows", responses((status = 200, body = WindowView), (status = 409)))]
pub async fn cancel(doors: web::Data<Doors>, client: Client, key: Key, id: web::Path<String>) -> Answer {
    let id = parse(&id)?;
    let once = key.once("POST /api/v1/windows/{id}/cancel", [0; 32]);
    let caller = client.0.caller.clone();
    doors.workflow.act_once(caller, once, move |v| Box::pin(window::cancel(v, id))).await?;
    ok(&one(&doors, &client.0, id).await?)
}
