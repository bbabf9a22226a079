//! Services: what people deploy, with their targets by environment.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;

use super::Page;
use super::board::Titles;
use super::managed::{Asked, Field, Listing, Wanted, managed};
use super::releases::Line;
use super::targets::{Place, places};
use crate::domain::name::Slug;
use crate::domain::person::Access;
use crate::domain::refusal::Refusal;
use crate::http::Doors;
use crate::http::body::Query;
use crate::http::error::Failed;
use crate::http::form::Form;
use crate::http::guard::{Visitor, Who};
use crate::http::shell::{Shell, page};
use crate::protocol::ServiceSpec;
use crate::store::service::Service;
use crate::store::view::images::{self, ImageLine};
use crate::store::view::releases;
use crate::store::view::settings::{self, ServiceLine};
use crate::store::{self, Conn};
use crate::workflow::service;

#[derive(Template)]
#[template(path = "pages/services/services.html")]
struct ServicesPage {
    shell: Shell,
    list: Listing,
    lines: Vec<(ServiceLine, Vec<String>)>,
}

#[derive(Template)]
#[template(path = "pages/services/service.html")]
struct ServicePage {
    shell: Shell,
    form: Form,
    service: Service,
    owner: Option<store::group::Group>,
    places: Vec<Place>,
    may_add: bool,
    images: Vec<ImageLine>,
    releases: Vec<Line>,
}

#[derive(Template)]
#[template(path = "pages/services/edit.html")]
struct EditPage {
    shell: Shell,
    asked: Asked,
    groups: Vec<(String, String)>,
}

/// Lists services.
pub async fn list_all(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor, wanted: Query<Wanted>) -> Page {
    let access = &visitor.0.access;
    access.look_somewhere()?;
    let shell = Shell::of(&doors, &visitor.0, &request, "settings").await?;
    let mut conn = doors.workflow.store().read().await?;
    let mut rows = settings::services(&mut conn, &wanted.0.part()).await?;
    let list = wanted.0.listing("/services", &mut rows, |row| row.slug.to_string());
    let environments = store::environment::list(&mut conn).await?;
    let mut targets = store::service::all_targets(&mut conn).await?;
    targets.retain(|target| target.archived_at.is_none());
    let titles = |service: &ServiceLine| {
        let here = environments.iter().filter(|one| one.archived_at.is_none() && access.may_look(one.id));
        let here = here.filter(|one| targets.iter().any(|t| (t.service_id, t.environment_id) == (service.id, one.id)));
        here.map(|one| one.title.to_string()).collect()
    };
    let lines = rows.into_iter().map(|row| (row.clone(), titles(&row))).collect();
    Ok(page(&ServicesPage { shell, list, lines }, StatusCode::OK)?)
}

/// The service of a name, for whoever may look.
pub(super) async fn known(conn: &mut Conn, access: &Access, name: &str) -> Result<Service, Failed> {
    access.look_somewhere()?;
    let slug = Slug::parse(name).map_err(|_| Refusal::absent())?;
    Ok(store::service::by_slug(conn, &slug).await?.ok_or_else(Refusal::absent)?)
}

/// Shows a service.
pub async fn show(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor, name: web::Path<String>) -> Page {
    shown(&doors, &request, &visitor.0, &name, Form::default(), StatusCode::OK).await
}

async fn shown(doors: &Doors, request: &HttpRequest, who: &Who, name: &str, form: Form, status: StatusCode) -> Page {
    let shell = Shell::of(doors, who, request, "settings").await?;
    let mut conn = doors.workflow.store().read().await?;
    let service = known(&mut conn, &who.access, name).await?;
    let owner = match service.owner_group_id {
        Some(id) => store::group::by_id(&mut conn, id).await?,
        None => None,
    };
    let filter = images::Filter { service: Some(service.id), limit: 5, ..images::Filter::default() };
    let images = images::list(&mut conn, &filter).await?;
    let titles = Titles::load(&mut conn).await?;
    let filter = releases::Filter { service: Some(service.id), limit: 8, ..releases::Filter::default() };
    let found = releases::list(&mut conn, &who.access, &filter, shell.reader.now).await?;
    let releases = found.into_iter().map(|line| Line::of(&shell, line, &titles)).collect();
    let places = places(&mut conn, &who.access, &service).await?;
    let may_add = shell.administers() && service.archived_at.is_none();
    Ok(page(&ServicePage { shell, form, service, owner, places, may_add, images, releases }, status)?)
}

const INPUTS: &[&str] = &["name", "title", "repository", "owner"];
const FIELDS: &[Field] = &[
    ("title", &["title"]),
    ("service-repository", &["repository"]),
    ("service-owner", &["owner"]),
    ("service-public", &["public"]),
];

fn spec(name: String, form: &Form) -> Result<ServiceSpec, Refusal> {
    Ok(ServiceSpec {
        name,
        title: form.value("title").to_owned(),
        repository: form.value("repository").trim().to_owned(),
        owner: form.text("owner"),
        public: form.ticked("public"),
        targets: None,
    })
}

async fn stored(conn: &mut Conn, access: &Access, name: &str) -> Result<(String, Form), Failed> {
    let row = known(conn, access, name).await?;
    let spec = service::spec(conn, row.id).await?;
    let mut form = Form::with([
        ("version", row.version.to_string()),
        ("title", spec.title),
        ("repository", spec.repository),
        ("owner", spec.owner.unwrap_or_default()),
    ]);
    if spec.public {
        form.set("public", "on");
    }
    Ok((format!("service:{}", row.id), form))
}

async fn form_page(doors: &Doors, request: &HttpRequest, who: &Who, asked: Asked, status: StatusCode) -> Page {
    who.access.administer()?;
    let shell = Shell::of(doors, who, request, "settings").await?;
    let mut conn = doors.workflow.store().read().await?;
    let mut groups = vec![(String::new(), shell.t("service-no-owner"))];
    for group in store::group::list(&mut conn).await? {
        // An archived group that owns it stays its owner until somebody chooses another one.
        if group.archived_at.is_none() || asked.form.value("owner") == group.slug.as_str() {
            groups.push((group.slug.to_string(), group.title.to_string()));
        }
    }
    Ok(page(&EditPage { shell, asked, groups }, status)?)
}

/// Shows the form for a new service.
pub async fn new(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor) -> Page {
    form_page(&doors, &request, &visitor.0, Asked::new(Form::default()), StatusCode::OK).await
}

managed!("/services", "name", service::put, service::archive);
