//! Credentials of clusters: handed in, looked at, confirmed, dropped. Never shown.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::managed::ok;
use crate::cluster::kubeconfig::{self, GateKind, GateRefusal};
use crate::cluster::script::{TOKEN_LIFETIME_HOURS, least_privilege_script};
use crate::domain::address::AddressAllowance;
use crate::domain::cluster::{Manager, Right};
use crate::domain::id::{ClusterId, CredentialId};
use crate::domain::name::{Label, Slug};
use crate::domain::person::Access;
use crate::domain::refusal::Refusal;
use crate::domain::service::Workload;
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::http::Doors;
use crate::http::body::Body;
use crate::http::error::{Answer, Problem, program};
use crate::http::guard::Client;
use crate::store::cluster::{Credential, CredentialState};
use crate::store::{self, Conn};
use crate::texts::Texts;
use crate::workflow::cluster;

/// A kubeconfig to be handed in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandIn {
    /// The file's text, at most 128 KiB.
    pub kubeconfig: String,
    /// The context to take, when there are several.
    #[serde(default)]
    pub context: Option<String>,
}

/// A cluster's credentials, and what was seen with them.
#[derive(Debug, Serialize, ToSchema)]
pub struct CredentialsView {
    /// The one in use.
    pub confirmed: Option<CredentialView>,
    /// The one that waits to be confirmed.
    pub unverified: Option<CredentialView>,
}

/// A credential; never its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct CredentialView {
    /// Its id.
    pub id: i64,
    /// The API server it leads to.
    pub server: String,
    /// Digest of the cluster's fingerprint.
    pub fingerprint: String,
    /// Who it says it is.
    pub identity: Option<String>,
    /// When it stops working.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// When it was handed in.
    #[schema(value_type = String, format = DateTime)]
    pub uploaded_at: Timestamp,
    /// Since when the cluster does not answer.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub unreachable_since: Option<Timestamp>,
    /// What was last seen with it; null until the runner has looked.
    pub probe: Option<ProbeView>,
}

/// What was seen.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProbeView {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Why nothing could be seen.
    pub error: Option<String>,
    /// Version of the API server.
    pub version: Option<String>,
    /// How long it took to answer, in milliseconds.
    pub latency_ms: Option<u32>,
    /// Who the cluster says we are.
    pub identity: Option<String>,
    /// Each right the job needs, and whether it is there.
    #[schema(value_type = Vec<Object>)]
    pub rights: Vec<Right>,
    /// Rights that go further than needed.
    pub too_wide: Vec<String>,
    /// Tools that would put a release back.
    #[schema(value_type = Vec<Object>)]
    pub managers: Vec<Manager>,
}

fn say(text: &Text) -> String {
    Texts::get().render(text, &program())
}

fn view(credential: Credential) -> CredentialView {
    let probe = credential.probe.map(|probe| match probe.0.outcome {
        Err(text) => ProbeView {
            at: probe.0.at,
            error: Some(say(&text)),
            version: None,
            latency_ms: None,
            identity: None,
            rights: Vec::new(),
            too_wide: Vec::new(),
            managers: Vec::new(),
        },
        Ok(report) => ProbeView {
            at: probe.0.at,
            error: None,
            version: Some(report.version),
            latency_ms: Some(report.latency_ms),
            identity: report.identity,
            rights: report.rights,
            too_wide: report.too_wide.iter().map(say).collect(),
            managers: report.managers,
        },
    });
    CredentialView {
        id: credential.id.0,
        server: credential.facts.0.cluster.server(),
        fingerprint: credential.fingerprint,
        identity: credential.facts.0.identity,
        expires_at: credential.facts.0.expires_at,
        uploaded_at: credential.uploaded_at,
        unreachable_since: credential.unreachable_since,
        probe,
    }
}

async fn credentials(conn: &mut Conn, access: &Access, cluster: ClusterId) -> Result<CredentialsView, Problem> {
    let mut found = CredentialsView {
        confirmed: store::cluster::credential(conn, cluster, CredentialState::Confirmed).await?.map(view),
        unverified: store::cluster::credential(conn, cluster, CredentialState::Unverified).await?.map(view),
    };
    // What it reaches names the workloads of every environment.
    if !access.looks_everywhere() {
        for probe in [&mut found.confirmed, &mut found.unverified].into_iter().flatten().flat_map(|one| &mut one.probe)
        {
            probe.rights.clear();
            probe.too_wide.clear();
            probe.managers.clear();
        }
    }
    Ok(found)
}

async fn known(conn: &mut Conn, name: &str) -> Result<store::cluster::Cluster, Problem> {
    let slug = Slug::parse(name).map_err(|_| Refusal::absent())?;
    Ok(store::cluster::by_slug(conn, &slug).await?.ok_or_else(Refusal::absent)?)
}

async fn shown(doors: &Doors, access: &Access, name: &str) -> Answer {
    let mut conn = doors.workflow.store().read().await?;
    let cluster = known(&mut conn, name).await?;
    ok(&credentials(&mut conn, access, cluster.id).await?)
}

/// Shows a cluster's credentials and what was last seen with them.
#[utoipa::path(get, path = "/api/v1/clusters/{name}/credential", tag = "Clusters", responses(
    (status = 200, body = CredentialsView), (status = 404)))]
pub async fn show(doors: web::Data<Doors>, client: Client, name: web::Path<String>) -> Answer {
    client.0.access.look_somewhere()?;
    shown(&doors, &client.0.access, &name).await
}

/// Judges an uploaded kubeconfig.
///
/// # Errors
/// The gate's refusal.
pub fn gate(
    doors: &Doors,
    text: &str,
    context: Option<&str>,
) -> Result<crate::cluster::credential::Credential, GateRefusal> {
    let local = doors.workflow.settings().allow_local_clusters;
    let allowance = if local { AddressAllowance::LOCAL } else { AddressAllowance::NONE };
    let now = doors.workflow.clock().now();
    let context = context.map(str::trim).filter(|context| !context.is_empty());
    kubeconfig::read(text.as_bytes(), context, allowance, now)
}

/// The gate's refusal, at the field it is about.
fn at_field(refusal: GateRefusal) -> Refusal {
    let picks = matches!(refusal.kind, GateKind::PickContext { .. });
    Refusal::field(if picks { "/context" } else { "/kubeconfig" }, refusal.text)
}

/// Hands a kubeconfig in: for a person in a session that is fresh. It is sealed, looked at by the
/// runner, and used once it is confirmed.
#[utoipa::path(post, path = "/api/v1/clusters/{name}/credential", tag = "Clusters", request_body = HandIn, responses(
    (status = 201, body = CredentialsView), (status = 403), (status = 422)))]
pub async fn hand_in(doors: web::Data<Doors>, client: Client, name: web::Path<String>, body: Body<HandIn>) -> Answer {
    let credential = gate(&doors, &body.value.kubeconfig, body.value.context.as_deref()).map_err(at_field)?;
    let given = name.clone();
    let act = doors
        .workflow
        .act(client.0.caller.clone(), move |v| Box::pin(async move { cluster::hand_in(v, &given, credential).await }));
    act.await?;
    let mut conn = doors.workflow.store().read().await?;
    let cluster = known(&mut conn, &name).await?;
    Ok(HttpResponse::Created().json(credentials(&mut conn, &client.0.access, cluster.id).await?))
}

/// Puts a credential into use, after the runner has looked at the cluster with it.
#[utoipa::path(post, path = "/api/v1/clusters/{name}/credential/{id}/confirm", tag = "Clusters", responses(
    (status = 200, body = CredentialsView), (status = 403), (status = 409)))]
pub async fn confirm(doors: web::Data<Doors>, client: Client, path: web::Path<(String, String)>) -> Answer {
    let (name, id) = path.into_inner();
    let id: CredentialId = id.parse().map_err(|_| Refusal::absent())?;
    let given = name.clone();
    doors
        .workflow
        .act(client.0.caller.clone(), move |v| Box::pin(async move { cluster::confirm(v, &given, id).await }))
        .await?;
    shown(&doors, &client.0.access, &name).await
}

/// Destroys a credential that is not in use yet.
#[utoipa::path(delete, path = "/api/v1/clusters/{name}/credential/{id}", tag = "Clusters", responses(
    (status = 204), (status = 403), (status = 409)))]
pub async fn decline(doors: web::Data<Doors>, client: Client, path: web::Path<(String, String)>) -> Answer {
    let (name, id) = path.into_inner();
    let id: CredentialId = id.parse().map_err(|_| Refusal::absent())?;
    let act =
        doors.workflow.act(client.0.caller, move |v| Box::pin(async move { cluster::decline(v, &name, id).await }));
    act.await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Destroys a cluster's credentials.
#[utoipa::path(delete, path = "/api/v1/clusters/{name}/credential", tag = "Clusters", responses((status = 204), (status = 403)))]
pub async fn drop_all(doors: web::Data<Doors>, client: Client, name: web::Path<String>) -> Answer {
    let given = name.into_inner();
    let act = doors
        .workflow
        .act(client.0.caller, move |v| Box::pin(async move { cluster::drop_credential(v, &given).await }));
    act.await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Asks for a look at a cluster now.
#[utoipa::path(post, path = "/api/v1/clusters/{name}/probe", tag = "Clusters", responses(
    (status = 200, body = CredentialsView), (status = 409)))]
pub async fn look(doors: web::Data<Doors>, client: Client, name: web::Path<String>) -> Answer {
    let given = name.clone();
    let caller = client.0.caller.clone();
    doors.workflow.act(caller, move |v| Box::pin(async move { cluster::look(v, &given).await })).await?;
    shown(&doors, &client.0.access, &name).await
}

/// Workloads that a cluster's environments deploy to.
///
/// # Errors
/// Those of the store.
pub async fn workloads(conn: &mut Conn, cluster: ClusterId) -> Result<Vec<Workload>, store::Error> {
    let mut workloads = Vec::new();
    for environment in store::cluster::environments(conn, cluster).await? {
        workloads.extend(store::service::targets_in(conn, environment).await?.iter().map(|target| target.workload()));
    }
    Ok(workloads)
}

/// The script for a cluster's targets.
///
/// # Errors
/// When there are no targets yet.
pub fn script_for(workloads: &[Workload]) -> Result<String, Text> {
    // The account is called after the portal, not after what the portal calls the cluster.
    let name = Label::parse("tidegate")?;
    least_privilege_script(&name, workloads, TOKEN_LIFETIME_HOURS)
}

/// Gives a shell script that makes an account with just the rights that a cluster's targets need,
/// and a kubeconfig for it.
#[utoipa::path(get, path = "/api/v1/clusters/{name}/script", tag = "Clusters", responses(
    (status = 200, content_type = "text/x-shellscript"), (status = 409, description = "There are no targets yet.")))]
pub async fn script(doors: web::Data<Doors>, client: Client, name: web::Path<String>) -> Answer {
    client.0.access.administer()?;
    let mut conn = doors.workflow.store().read().await?;
    let cluster = known(&mut conn, &name).await?;
    let workloads = workloads(&mut conn, cluster.id).await?;
    let script = script_for(&workloads).map_err(Refusal::conflict)?;
    Ok(HttpResponse::Ok().content_type("text/x-shellscript; charset=utf-8").body(script))
}
