//! Targets: which workload a service is in an environment, and what would get in a release's way
//! there.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use super::managed::{Asked, Field, Newer, beside};
use super::services::known;
use super::{Page, see_other};
use crate::domain::cluster::ProbeReport;
use crate::domain::id::TargetId;
use crate::domain::person::Access;
use crate::domain::refusal::{Kind, Refusal};
use crate::domain::service::{Workload, WorkloadKind};
use crate::domain::text::Text;
use crate::http::Doors;
use crate::http::body::Query;
use crate::http::error::Failed;
use crate::http::form::{Form, Submit};
use crate::http::guard::{Visitor, Who};
use crate::http::shell::{Shell, page};
use crate::protocol::TargetSpec;
use crate::store::cluster::CredentialState;
use crate::store::environment::Environment;
use crate::store::release::Concerned;
use crate::store::service::{Service, Target};
use crate::store::{self, Conn};
use crate::text;
use crate::workflow::service;

/// An environment with a service's targets.
pub struct Place {
    /// Where.
    pub environment: Environment,
    /// Targets in use.
    pub targets: Vec<Here>,
    /// Those that are not.
    pub archived: Vec<Target>,
    /// Whether the reader administers it.
    pub may_edit: bool,
}

/// A target with what would get in a release's way.
pub struct Here {
    /// What it is.
    pub target: Target,
    /// What people should know.
    pub warnings: Vec<Text>,
}

#[derive(Template)]
#[template(path = "pages/services/target.html")]
struct TargetPage {
    shell: Shell,
    asked: Asked,
    service: Service,
    target: Option<Target>,
    place: Option<Environment>,
    environments: Vec<(String, String)>,
    kinds: Vec<(String, String)>,
    warnings: Vec<Text>,
    again: Option<Text>,
}

/// What a look at a cluster says about one workload.
pub fn warnings(report: &ProbeReport, workload: &Workload) -> Vec<Text> {
    let managers = report.managers.iter().filter(|manager| manager.workload == *workload);
    let mut found: Vec<Text> = managers.map(|manager| text!("target-managed", tool = manager.tool.as_str())).collect();
    let concerns = |name: &Option<String>| name.as_deref().is_none_or(|name| name == workload.name.as_str());
    let missing = report.missing().filter(|right| right.namespace == workload.namespace.as_str());
    let missing: Vec<String> = missing
        .filter(|right| concerns(&right.name))
        .map(|right| match &right.name {
            Some(name) => format!("{} {}/{name}", right.verb, right.resource),
            None => format!("{} {}", right.verb, right.resource),
        })
        .collect();
    if !missing.is_empty() {
        found.push(text!("target-rights-missing", rights = missing.join(", ")));
    }
    found
}

/// What gets in the way of releases in an environment, whichever the target; or else what was last
/// seen of its cluster.
pub async fn seen(conn: &mut Conn, environment: &Environment) -> Result<Result<ProbeReport, Text>, store::Error> {
    let Some(cluster) = environment.cluster_id else { return Ok(Err(text!("target-no-cluster"))) };
    let mut credential = store::cluster::credential(conn, cluster, CredentialState::Confirmed).await?;
    if credential.is_none() {
        credential = store::cluster::credential(conn, cluster, CredentialState::Unverified).await?;
    }
    let probe = credential.and_then(|credential| credential.probe);
    Ok(match probe.map(|probe| probe.0.outcome) {
        Some(Ok(report)) => Ok(report),
        Some(Err(why)) => Err(text!("target-cluster-unseen", why = why)),
        None => Err(text!("target-cluster-not-seen")),
    })
}

async fn here(conn: &mut Conn, environment: &Environment, target: Target) -> Result<Here, store::Error> {
    let warnings = match seen(conn, environment).await? {
        Ok(report) => warnings(&report, &target.workload()),
        Err(why) => vec![why],
    };
    Ok(Here { target, warnings })
}

/// A service's targets, by environment in promotion order.
pub async fn places(conn: &mut Conn, access: &Access, service: &Service) -> Result<Vec<Place>, store::Error> {
    let mut targets = store::service::all_targets(conn).await?;
    targets.retain(|target| target.service_id == service.id);
    let mut places = Vec::new();
    for environment in store::environment::list(conn).await?.into_iter().filter(|one| access.may_look(one.id)) {
        let may_edit = access.administer_environment(environment.id).is_ok() && service.archived_at.is_none();
        let mut place = Place { environment, targets: Vec::new(), archived: Vec::new(), may_edit };
        for target in targets.iter().filter(|target| target.environment_id == place.environment.id) {
            match target.archived_at {
                None => place.targets.push(here(conn, &place.environment, target.clone()).await?),
                Some(_) => place.archived.push(target.clone()),
            }
        }
        if !place.targets.is_empty() || !place.archived.is_empty() {
            places.push(place);
        }
    }
    Ok(places)
}

const INPUTS: &[&str] = &["environment", "namespace", "kind", "name", "containers"];
const FIELDS: &[Field] = &[
    ("target-namespace", &["namespace"]),
    ("target-kind", &["kind"]),
    ("target-name", &["name"]),
    ("target-containers", &["containers"]),
];

fn spec(environment: &str, form: &Form) -> TargetSpec {
    let value = |name: &str| form.value(name).trim().to_owned();
    TargetSpec {
        environment: environment.to_owned(),
        namespace: value("namespace"),
        kind: value("kind"),
        name: value("name"),
        containers: form.list("containers"),
    }
}

fn filled(target: &Target) -> Form {
    let containers: Vec<&str> = target.containers.0.iter().map(|name| name.as_str()).collect();
    Form::with([
        ("version", target.version.to_string()),
        ("namespace", target.namespace.to_string()),
        ("kind", target.kind.to_string()),
        ("name", target.name.to_string()),
        ("containers", containers.join(", ")),
    ])
}

/// Releases that are asked for again when something changes under them, in words.
pub async fn asked_again(conn: &mut Conn, concerned: Concerned) -> Result<Option<Text>, store::Error> {
    let open = store::release::open(conn, concerned).await?;
    let names: Vec<String> = open.iter().take(6).map(|release| release.number.label()).collect();
    let more = open.len().saturating_sub(names.len());
    Ok((!open.is_empty()).then(|| text!("asked-again", count = open.len(), names = names.join(", "), more = more)))
}

async fn form_page(
    doors: &Doors,
    request: &HttpRequest,
    who: &Who,
    asked: Asked,
    (service, target): (Service, Option<Target>),
    status: StatusCode,
) -> Page {
    let shell = Shell::of(doors, who, request, "settings").await?;
    let mut conn = doors.workflow.store().read().await?;
    let all = store::environment::list(&mut conn).await?;
    let mine = all.iter().filter(|one| one.archived_at.is_none() && who.access.administer_environment(one.id).is_ok());
    let environments: Vec<_> = mine.map(|one| (one.slug.to_string(), one.title.to_string())).collect();
    let place = target.as_ref().and_then(|target| all.iter().find(|one| one.id == target.environment_id)).cloned();
    let (mut warnings, mut again) = (Vec::new(), None);
    if let Some((target, place)) = target.as_ref().zip(place.as_ref()) {
        warnings = here(&mut conn, place, target.clone()).await?.warnings;
        let (service, environment) = (Some(service.id), Some(place.id));
        again = asked_again(&mut conn, Concerned { service, environment, ..Concerned::default() }).await?;
    }
    let kinds = WorkloadKind::ALL.iter().map(|kind| (kind.to_string(), kind.to_string())).collect();
    let shown = TargetPage { shell, asked, service, target, place, environments, kinds, warnings, again };
    Ok(page(&shown, status)?)
}

/// Which environment a new target is for, when that was chosen already.
#[derive(Deserialize)]
pub struct Chosen {
    environment: Option<String>,
}

/// Whoever administers at least one environment may add a target there.
fn may_add(access: &Access) -> Result<(), Refusal> {
    if access.holds_somewhere(crate::domain::person::Role::Admin) { Ok(()) } else { access.administer() }
}

/// Shows the form for a new target.
pub async fn new(
    doors: web::Data<Doors>,
    request: HttpRequest,
    visitor: Visitor,
    name: web::Path<String>,
    chosen: Query<Chosen>,
) -> Page {
    may_add(&visitor.0.access)?;
    let mut conn = doors.workflow.store().read().await?;
    let service = known(&mut conn, &visitor.0.access, &name).await?;
    drop(conn);
    let form = Form::with([
        ("environment", chosen.0.environment.unwrap_or_default()),
        ("name", service.slug.to_string()),
        ("kind", WorkloadKind::Deployment.to_string()),
    ]);
    form_page(&doors, &request, &visitor.0, Asked::new(form), (service, None), StatusCode::OK).await
}

/// Adds it.
pub async fn create(doors: web::Data<Doors>, request: HttpRequest, submit: Submit, name: web::Path<String>) -> Page {
    let Submit { who, form } = submit;
    may_add(&who.access)?;
    let (given, wanted) = (name.clone(), spec(form.value("environment"), &form));
    let act = doors
        .workflow
        .act(who.caller.clone(), move |v| Box::pin(async move { service::create_target(v, &given, wanted).await }));
    match act.await {
        Ok(_) => Ok(see_other(&format!("/services/{name}?done=target-added"))),
        Err(error) => {
            let (refused, status) = beside(error)?;
            let mut conn = doors.workflow.store().read().await?;
            let service = known(&mut conn, &who.access, &name).await?;
            drop(conn);
            let asked = Asked::new(form.refused(&refused, INPUTS));
            form_page(&doors, &request, &who, asked, (service, None), status).await
        }
    }
}

/// The target of an id with its service, for whoever may look.
async fn one(conn: &mut Conn, access: &Access, id: &str) -> Result<(Service, Target), Failed> {
    let id: TargetId = id.parse().map_err(|_| Refusal::absent())?;
    let target = store::service::target(conn, id).await?.ok_or_else(Refusal::absent)?;
    access.look(target.environment_id)?;
    let service = store::service::by_id(conn, target.service_id).await?.ok_or_else(Refusal::absent)?;
    Ok((service, target))
}

/// Shows the form for a target that is there.
pub async fn edit(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor, id: web::Path<String>) -> Page {
    let mut conn = doors.workflow.store().read().await?;
    let (service, target) = one(&mut conn, &visitor.0.access, &id).await?;
    drop(conn);
    visitor.0.access.administer_environment(target.environment_id)?;
    let asked = Asked::of(&id, filled(&target));
    form_page(&doors, &request, &visitor.0, asked, (service, Some(target)), StatusCode::OK).await
}

/// Changes it. Somebody else's edit meanwhile is shown, with what was typed kept.
pub async fn save(doors: web::Data<Doors>, request: HttpRequest, submit: Submit, id: web::Path<String>) -> Page {
    let Submit { who, form } = submit;
    let mut conn = doors.workflow.store().read().await?;
    let (service, target) = one(&mut conn, &who.access, &id).await?;
    let place = store::environment::by_id(&mut conn, target.environment_id).await?.ok_or_else(Refusal::absent)?;
    drop(conn);
    let (which, version, wanted) = (target.id, form.version(), spec(place.slug.as_str(), &form));
    let act =
        doors.workflow.act(who.caller.clone(), move |v| Box::pin(service::edit_target(v, which, version, wanted)));
    let Err(error) = act.await else {
        return Ok(see_other(&format!("/services/{}?done=saved", service.slug)));
    };
    let (refused, status) = beside(error)?;
    let mut asked = Asked::of(&id, form.refused(&refused, INPUTS));
    let mut conn = doors.workflow.store().read().await?;
    let (service, target) = one(&mut conn, &who.access, &id).await?;
    if refused.kind == Kind::Stale {
        let subject = format!("target:{}", target.id);
        asked.newer = Some(Newer::of(&mut conn, &subject, FIELDS, &asked.form, &filled(&target)).await?);
        asked.form.set("version", target.version.to_string());
        asked.form.error = None;
    }
    drop(conn);
    form_page(&doors, &request, &who, asked, (service, Some(target)), status).await
}

/// Takes it out of use.
pub async fn archive(doors: web::Data<Doors>, request: HttpRequest, submit: Submit, id: web::Path<String>) -> Page {
    set_archived(&doors, &request, submit, &id, true).await
}

/// Brings it back into use.
pub async fn restore(doors: web::Data<Doors>, request: HttpRequest, submit: Submit, id: web::Path<String>) -> Page {
    set_archived(&doors, &request, submit, &id, false).await
}

async fn set_archived(doors: &Doors, request: &HttpRequest, submit: Submit, id: &str, archived: bool) -> Page {
    let mut conn = doors.workflow.store().read().await?;
    let (service, target) = one(&mut conn, &submit.who.access, id).await?;
    drop(conn);
    let which = target.id;
    let act =
        doors.workflow.act(submit.who.caller.clone(), move |v| Box::pin(service::archive_target(v, which, archived)));
    match act.await {
        Ok(()) => {
            let done = if archived { "target-archived" } else { "target-restored" };
            Ok(see_other(&format!("/services/{}?done={done}", service.slug)))
        }
        Err(error) => {
            let (refused, status) = beside(error)?;
            let asked = Asked::of(id, filled(&target).refused(&refused, &[]));
            form_page(doors, request, &submit.who, asked, (service, Some(target)), status).await
        }
    }
}
