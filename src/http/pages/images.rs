//! Images in a list, and one image: its evidence, its releases, and where it can go.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use super::Page;
use super::board::Titles;
use super::releases::Line;
use super::story::People;
use crate::domain::id::{ImageId, ReleaseNumber, ServiceId};
use crate::domain::image::{CommitIdentity, Evidence, Tag};
use crate::domain::refusal::Refusal;
use crate::domain::text::Text;
use crate::http::Doors;
use crate::http::body::Query;
use crate::http::guard::Visitor;
use crate::http::shell::{Shell, page};
use crate::store::view::images::{Filter, ImageLine, list};
use crate::store::view::releases::{self, pattern};
use crate::store::{self, Conn};
use crate::text;

/// Rows of a page.
const ROWS: i64 = 50;

#[derive(Template)]
#[template(path = "pages/images/images.html")]
struct ImagesPage {
    shell: Shell,
    q: String,
    service: Option<i64>,
    services: Vec<store::service::Service>,
    lines: Vec<ImageLine>,
    next: Option<i64>,
}

impl ImagesPage {
    fn chose(&self, service: &ServiceId) -> bool {
        self.service == Some(service.0)
    }
}

#[derive(Template)]
#[template(path = "pages/images/image.html")]
struct ImagePage {
    shell: Shell,
    image: store::image::Image,
    name: String,
    tags: Vec<Tag>,
    authors: Vec<(CommitIdentity, Option<String>)>,
    evidence: Vec<Evidence>,
    tests: Option<(Text, &'static str)>,
    service: Option<store::service::Service>,
    places: Vec<Place>,
    releases: Vec<Line>,
    next: Option<i64>,
}

/// An environment the image can be requested for.
struct Place {
    environment: store::environment::Environment,
    may_request: bool,
}

/// What to list.
#[derive(Deserialize)]
pub struct Wanted {
    q: Option<String>,
    service: Option<String>,
    before: Option<i64>,
}

/// Lists images.
pub async fn list_all(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor, wanted: Query<Wanted>) -> Page {
    visitor.0.access.look_somewhere()?;
    let shell = Shell::of(&doors, &visitor.0, &request, "images").await?;
    let Wanted { q, service, before } = wanted.0;
    let q = q.unwrap_or_default();
    let service = service.and_then(|id| id.parse().ok());
    let filter =
        Filter { service: service.map(ServiceId), pattern: pattern(&q), before: before.map(ImageId), limit: ROWS + 1 };
    let mut conn = doors.workflow.store().read().await?;
    let mut lines = list(&mut conn, &filter).await?;
    let more = lines.len() > usize::try_from(ROWS).unwrap_or(usize::MAX);
    if more {
        lines.pop();
    }
    let next = if more { lines.last().map(|line| line.id.0) } else { None };
    let services = store::service::list(&mut conn).await?;
    Ok(page(&ImagesPage { shell, q, service, services, lines, next }, StatusCode::OK)?)
}

/// Which of an image's releases to list.
#[derive(Deserialize)]
pub struct Earlier {
    before: Option<i64>,
}

/// Shows an image.
pub async fn show(
    doors: web::Data<Doors>,
    request: HttpRequest,
    visitor: Visitor,
    id: web::Path<String>,
    earlier: Query<Earlier>,
) -> Page {
    visitor.0.access.look_somewhere().map_err(|_| Refusal::absent())?;
    let id: ImageId = id.parse().map_err(|_| Refusal::absent())?;
    let shell = Shell::of(&doors, &visitor.0, &request, "images").await?;
    let mut conn = doors.workflow.store().read().await?;
    let image = store::image::by_id(&mut conn, id).await?.ok_or_else(Refusal::absent)?;
    let (name, _) = store::view::board::version(&mut conn, &image.reference().pull_string()).await?;
    let service = service_of(&mut conn, &image).await?;
    let mut evidence = store::image::evidence(&mut conn, id).await?;
    evidence.reverse();
    let tests = evidence.first().and_then(|latest| latest.tests).map(|tests| {
        let tone = if tests.failed > 0 { "stop" } else { "go" };
        (text!("evidence-tests", passed = tests.passed, failed = tests.failed), tone)
    });
    let titles = Titles::load(&mut conn).await?;
    let before = earlier.0.before.map(ReleaseNumber);
    let filter = releases::Filter { image: Some(id), before, limit: ROWS + 1, ..releases::Filter::default() };
    let mut found = releases::list(&mut conn, &visitor.0.access, &filter, shell.reader.now).await?;
    let more = found.len() > usize::try_from(ROWS).unwrap_or(usize::MAX);
    if more {
        found.pop();
    }
    let next = found.last().filter(|_| more).map(|line| line.row.number.0);
    let releases = found.into_iter().map(|line| Line::of(&shell, line, &titles)).collect();
    let shown = ImagePage {
        name,
        tags: store::image::tags(&mut conn, id).await?.into_iter().collect(),
        authors: authors(&mut conn, id).await?,
        places: places(&mut conn, &visitor.0.access, service.as_ref()).await?,
        shell,
        image,
        evidence,
        tests,
        service,
        releases,
        next,
    };
    Ok(page(&shown, StatusCode::OK)?)
}

/// The service in use whose repository the image is from.
pub async fn service_of(
    conn: &mut Conn,
    image: &store::image::Image,
) -> Result<Option<store::service::Service>, store::Error> {
    let services = store::service::list(conn).await?;
    Ok(services.into_iter().find(|service| service.archived_at.is_none() && service.repository == image.repository))
}

async fn authors(conn: &mut Conn, id: ImageId) -> Result<Vec<(CommitIdentity, Option<String>)>, store::Error> {
    let mut people = People::default();
    let mut authors = Vec::new();
    for (identity, person) in store::image::authors(conn, id).await? {
        let name = match person {
            Some(person) => Some(people.name(conn, person).await?),
            None => None,
        };
        authors.push((identity, name));
    }
    Ok(authors)
}

async fn places(
    conn: &mut Conn,
    access: &crate::domain::person::Access,
    service: Option<&store::service::Service>,
) -> Result<Vec<Place>, store::Error> {
    let Some(service) = service else { return Ok(Vec::new()) };
    let targets = store::service::all_targets(conn).await?;
    let mut here: BTreeMap<_, usize> = BTreeMap::new();
    for target in targets.iter().filter(|target| target.service_id == service.id && target.archived_at.is_none()) {
        *here.entry(target.environment_id).or_default() += 1;
    }
    let environments = store::environment::list(conn).await?;
    Ok(environments
        .into_iter()
        .filter(|environment| environment.archived_at.is_none() && here.contains_key(&environment.id))
        .filter(|environment| access.may_look(environment.id))
        .map(|environment| Place { may_request: access.request(environment.id).is_ok(), environment })
        .collect())
}
