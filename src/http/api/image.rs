//! Images: registered by CI, listed, searched.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::managed::ok;
use crate::domain::id::ImageId;
use crate::domain::image::Evidence;
use crate::domain::name::Slug;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::http::Doors;
use crate::http::body::{Body, List, Page, Query};
use crate::http::error::{Answer, Problem};
use crate::http::guard::{Client, Key};
use crate::protocol::{ImageSpec, TestsSpec};
use crate::store::view::images::{self, Filter, ImageLine};
use crate::store::view::releases::pattern;
use crate::store::{self, Conn, Stored};
use crate::text;
use crate::workflow::image;

/// An image.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImageView {
    /// Its id.
    pub id: i64,
    /// Registry host and path.
    pub repository: String,
    /// What exactly.
    pub digest: String,
    /// Tags it carries now.
    pub tags: Vec<String>,
    /// Name of the service that uses its repository.
    pub service: Option<String>,
    /// When it was first registered.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// What CI said last.
    #[serde(flatten)]
    pub evidence: EvidenceView,
}

/// What CI said about an image.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct EvidenceView {
    /// The commit it was built from.
    pub commit: Option<String>,
    /// All authors that were ever named.
    pub authors: Vec<String>,
    /// Branch it was built from.
    pub branch: Option<String>,
    /// Link to the CI run.
    pub run_url: Option<String>,
    /// Test results.
    pub tests: Option<TestsSpec>,
    /// When it was built.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub built_at: Option<Timestamp>,
}

fn evidence(evidence: Option<Evidence>) -> EvidenceView {
    let Some(evidence) = evidence else { return EvidenceView::default() };
    EvidenceView {
        commit: evidence.commit.map(|commit| commit.to_string()),
        authors: evidence.authors.iter().map(ToString::to_string).collect(),
        branch: evidence.branch.map(|branch| branch.to_string()),
        run_url: evidence.run_url.map(|url| url.to_string()),
        tests: evidence.tests.map(|tests| TestsSpec {
            passed: tests.passed.into(),
            failed: tests.failed.into(),
            skipped: tests.skipped.into(),
        }),
        built_at: evidence.built_at,
    }
}

fn line(line: ImageLine) -> ImageView {
    ImageView {
        id: line.id.0,
        repository: line.repository.to_string(),
        digest: line.digest.to_string(),
        tags: line.tags.unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
        service: line.service_slug.map(|slug| slug.to_string()),
        created_at: line.created_at,
        evidence: evidence(line.evidence.map(|Stored(evidence)| evidence)),
    }
}

async fn one(conn: &mut Conn, id: ImageId) -> Result<ImageView, Problem> {
    let image = store::image::by_id(conn, id).await?.ok_or_else(Refusal::absent)?;
    let all = store::image::authors(conn, id).await?.into_iter().map(|(author, _)| author.to_string()).collect();
    let latest = store::image::latest_evidence(conn, &image).await?;
    let service =
        images::list(conn, &Filter { before: Some(ImageId(id.0 + 1)), limit: 1, ..Filter::default() }).await?;
    Ok(ImageView {
        id: id.0,
        repository: image.repository.to_string(),
        digest: image.digest.to_string(),
        tags: store::image::tags(conn, id).await?.iter().map(ToString::to_string).collect(),
        service: service.into_iter().find_map(|line| line.service_slug).map(|slug| slug.to_string()),
        created_at: image.created_at,
        evidence: EvidenceView { authors: all, ..evidence(latest) },
    })
}

/// Registers an image, or adds to what is known of it. The same call twice is one image.
#[utoipa::path(post, path = "/api/v1/images", tag = "Images", request_body = ImageSpec, responses(
    (status = 201, body = ImageView), (status = 200, body = ImageView, description = "It was known."), (status = 422)))]
pub async fn register(doors: web::Data<Doors>, client: Client, key: Key, body: Body<ImageSpec>) -> Answer {
    let once = key.once("POST /api/v1/images", body.hash);
    let act = doors.workflow.act_once(client.0.caller, once, move |v| Box::pin(image::register(v, body.value)));
    let registered = act.await?;
    let mut conn = doors.workflow.store().read().await?;
    let view = one(&mut conn, registered.id).await?;
    let mut response = if registered.created { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(response.insert_header(("location", format!("/api/v1/images/{}", registered.id))).json(view))
}

/// What to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Name of a service.
    pub service: Option<String>,
    /// Words in repository, tag, digest, commit or branch.
    pub q: Option<String>,
    /// Where the last page ended, as it said.
    pub cursor: Option<String>,
    /// Rows wanted, 1 to 200; 50 when absent.
    pub limit: Option<i64>,
}

/// Lists images, newest first.
#[utoipa::path(get, path = "/api/v1/images", tag = "Images", params(Wanted), responses((status = 200, body = List<ImageView>)))]
pub async fn list(doors: web::Data<Doors>, client: Client, wanted: Query<Wanted>) -> Answer {
    client.0.access.look_somewhere()?;
    let (before, limit) = Page { cursor: wanted.0.cursor, limit: wanted.0.limit }.read()?;
    let mut conn = doors.workflow.store().read().await?;
    let service = match wanted.0.service.as_deref() {
        None | Some("") => None,
        Some(name) => Some(service(&mut conn, name).await?),
    };
    let pattern = wanted.0.q.as_deref().and_then(pattern);
    let filter = Filter { service, pattern, before: before.map(ImageId), limit: limit + 1 };
    let items = images::list(&mut conn, &filter).await?.into_iter().map(line).collect();
    ok(&List::of(items, limit, |image: &ImageView| image.id))
}

/// A service that a query names.
pub(super) async fn service(conn: &mut Conn, name: &str) -> Result<crate::domain::id::ServiceId, Problem> {
    let unknown = || Refusal::field("/service", text!("service-unknown", name = name));
    let slug = Slug::parse(name).map_err(|_| unknown())?;
    Ok(store::service::by_slug(conn, &slug).await?.ok_or_else(unknown)?.id)
}

/// Shows an image.
#[utoipa::path(get, path = "/api/v1/images/{id}", tag = "Images", responses((status = 200, body = ImageView), (status = 404)))]
pub async fn show(doors: web::Data<Doors>, client: Client, id: web::Path<String>) -> Answer {
    client.0.access.look_somewhere().map_err(|_| Refusal::absent())?;
    let id = id.parse().map_err(|_| Refusal::absent())?;
    let mut conn = doors.workflow.store().read().await?;
    ok(&one(&mut conn, id).await?)
}
