//! Windows.

use std::collections::BTreeMap;

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
use crate::store::view::windows;
use crate::store::window::Window;
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
    /// `announced`, `moved`, `changed` or `cancelled`.
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

impl WindowView {
    /// The window itself; its agenda and announcements are loaded apart.
    fn of(window: Window, now: Timestamp) -> Self {
        Self {
            id: window.id.0,
            state: window.domain().state(now),
            title: window.title.to_string(),
            starts_at: window.starts_at,
            ends_at: window.ends_at,
            zone: window.zone.name().to_owned(),
            audience: window.audience.to_string(),
            public: window.is_public == 1,
            announced_at: window.announced_at,
            version: window.version,
            agenda: Vec::new(),
            announcements: Vec::new(),
        }
    }
}

/// Windows as they are answered, with what is loaded for all of them together.
async fn views(conn: &mut Conn, who: &Who, found: Vec<Window>, now: Timestamp) -> Result<Vec<WindowView>, Problem> {
    let ids = found.iter().map(|window| window.id);
    let Some((first, last)) = ids.clone().min().zip(ids.max()) else { return Ok(Vec::new()) };
    let mut agendas: BTreeMap<WindowId, Vec<i64>> = BTreeMap::new();
    for (window, release, environment) in windows::agendas(conn, first, last).await? {
        if who.access.may_look(environment) {
            agendas.entry(window).or_default().push(release.0);
        }
    }
    let mut announcements: BTreeMap<WindowId, Vec<AnnouncementView>> = BTreeMap::new();
    for one in store::window::announcements(conn, first, last).await? {
        announcements.entry(one.window_id).or_default().push(AnnouncementView {
            kind: one.kind.as_str().to_owned(),
            at: one.announced_at,
            starts_at: one.starts_at,
            ends_at: one.ends_at,
        });
    }
    let view = |window: Window| {
        let id = window.id;
        let mut view = WindowView::of(window, now);
        view.agenda = agendas.remove(&id).unwrap_or_default();
        view.announcements = announcements.remove(&id).unwrap_or_default();
        view
    };
    Ok(found.into_iter().map(view).collect())
}

async fn one(doors: &Doors, who: &Who, id: WindowId) -> Result<WindowView, Problem> {
    who.access.look_somewhere().map_err(|_| Refusal::absent())?;
    let mut conn = doors.workflow.store().read().await?;
    let found = store::window::by_id(&mut conn, id).await?.ok_or_else(Refusal::absent)?;
    let found = views(&mut conn, who, vec![found], doors.workflow.clock().now()).await?;
    Ok(found.into_iter().next().ok_or_else(Refusal::absent)?)
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
    let found = windows::list(&mut conn, before.map(WindowId), limit + 1).await?;
    let items = views(&mut conn, &client.0, found, now).await?;
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
