//! Targets: the workloads of a service.

use actix_web::web;
use serde::Serialize;
use utoipa::ToSchema;

use super::managed::{Edit, Managed, created, ok};
use crate::domain::id::TargetId;
use crate::domain::name::Slug;
use crate::domain::refusal::Refusal;
use crate::http::Doors;
use crate::http::body::{Body, List, Query};
use crate::http::error::{Answer, Problem};
use crate::http::guard::{Client, Key};
use crate::protocol::TargetSpec;
use crate::store::{self, Conn};
use crate::text;
use crate::workflow::service;

/// A target with its id.
#[derive(Debug, Serialize, ToSchema)]
pub struct TargetView {
    /// Its id.
    pub id: i64,
    /// What it is.
    #[serde(flatten)]
    pub target: Managed<TargetSpec>,
}

async fn view(conn: &mut Conn, target: &store::service::Target) -> Result<TargetView, Problem> {
    let (version, archived) = (target.version, target.archived_at.is_some());
    let spec = service::target_spec(conn, target).await?;
    Ok(TargetView { id: target.id.0, target: Managed { spec, version, archived } })
}

/// Lists the targets of a service.
#[utoipa::path(get, path = "/api/v1/services/{name}/targets", tag = "Targets", responses(
    (status = 200, body = List<TargetView>), (status = 404)))]
pub async fn list(doors: web::Data<Doors>, client: Client, name: web::Path<String>) -> Answer {
    client.0.access.look_somewhere()?;
    let mut conn = doors.workflow.store().read().await?;
    let slug = Slug::parse(&name).map_err(|_| Refusal::absent())?;
    let service = store::service::by_slug(&mut conn, &slug).await?.ok_or_else(Refusal::absent)?;
    let mut items = Vec::new();
    for target in store::service::all_targets(&mut conn).await? {
        if target.service_id == service.id && client.0.access.may_look(target.environment_id) {
            items.push(view(&mut conn, &target).await?);
        }
    }
    ok(&List::whole(items))
}

/// Adds a target to a service.
#[utoipa::path(post, path = "/api/v1/services/{name}/targets", tag = "Targets", request_body = TargetSpec, responses(
    (status = 201, body = TargetView), (status = 422)))]
pub async fn create(
    doors: web::Data<Doors>,
    client: Client,
    key: Key,
    name: web::Path<String>,
    body: Body<TargetSpec>,
) -> Answer {
    let once = key.once("POST /api/v1/services/{name}/targets", body.hash);
    let (name, spec) = (name.into_inner(), body.value);
    let act = doors.workflow.act_once(client.0.caller, once, move |v| {
        Box::pin(async move { service::create_target(v, &name, spec).await })
    });
    let id = act.await?;
    let mut conn = doors.workflow.store().read().await?;
    let made = store::service::target(&mut conn, id).await?.ok_or_else(Refusal::absent)?;
    created(&view(&mut conn, &made).await?, &format!("/api/v1/targets/{id}"))
}

/// Changes a target.
#[utoipa::path(put, path = "/api/v1/targets/{id}", tag = "Targets", request_body = TargetSpec, params(Edit), responses(
    (status = 200, body = TargetView), (status = 409), (status = 422)))]
pub async fn edit(
    doors: web::Data<Doors>,
    client: Client,
    id: web::Path<String>,
    edit: Query<Edit>,
    body: Body<TargetSpec>,
) -> Answer {
    let id = parse(&id)?;
    let version =
        edit.0.version.ok_or_else(|| Refusal::field("/version", text!("json-missing-field", field = "version")))?;
    let act = doors.workflow.act(client.0.caller, move |v| Box::pin(service::edit_target(v, id, version, body.value)));
    act.await?;
    show(&doors, id).await
}

/// Takes a target out of use.
#[utoipa::path(post, path = "/api/v1/targets/{id}/archive", tag = "Targets", responses((status = 200, body = TargetView)))]
pub async fn archive(doors: web::Data<Doors>, client: Client, id: web::Path<String>) -> Answer {
    set_archived(&doors, client, &id, true).await
}

/// Brings a target back into use.
#[utoipa::path(post, path = "/api/v1/targets/{id}/restore", tag = "Targets", responses((status = 200, body = TargetView)))]
pub async fn restore(doors: web::Data<Doors>, client: Client, id: web::Path<String>) -> Answer {
    set_archived(&doors, client, &id, false).await
}

async fn set_archived(doors: &Doors, client: Client, id: &str, archived: bool) -> Answer {
    let id = parse(id)?;
    doors.workflow.act(client.0.caller, move |v| Box::pin(service::archive_target(v, id, archived))).await?;
    show(doors, id).await
}

fn parse(id: &str) -> Result<TargetId, Refusal> {
    id.parse().map_err(|_| Refusal::absent())
}

async fn show(doors: &Doors, id: TargetId) -> Answer {
    let mut conn = doors.workflow.store().read().await?;
    let target = store::service::target(&mut conn, id).await?.ok_or_else(Refusal::absent)?;
    ok(&view(&mut conn, &target).await?)
}
