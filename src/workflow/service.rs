//! Services and their targets.

use std::collections::{BTreeMap, BTreeSet};

use super::spec::{difference, facts};
use super::{Result, Save, Verb, release};
use crate::domain::id::{EnvironmentId, ServiceId, TargetId};
use crate::domain::image::Repository;
use crate::domain::name::{Label, Slug, Title, WorkloadName};
use crate::domain::refusal::{Check, Refusal};
use crate::domain::service::{Workload, WorkloadKind};
use crate::protocol::{Change, ServiceSpec, TargetSpec};
use crate::store::release::Concerned;
use crate::store::service::{Details, Target};
use crate::store::{self, Conn, Error as StoreError};
use crate::text;
use crate::wake::Wake;

/// Makes or edits a service. With targets in it, those become exactly its targets.
///
/// # Errors
/// When the actor does not administer, a value is wrong, or it was edited meanwhile.
pub async fn put(v: &mut Verb<'_>, save: Save, spec: ServiceSpec) -> Result<Change> {
    v.access.administer()?;
    let mut check = Check::new();
    let slug = check.field("/name", Slug::parse(&spec.name));
    let title = check.field("/title", Title::parse(&spec.title));
    let repository = check.field("/repository", Repository::parse(&spec.repository));
    let owner = match spec.owner.as_deref().map(str::trim) {
        None | Some("") => Some(None),
        Some(name) => {
            let found = match Slug::parse(name) {
                Ok(slug) => store::group::by_slug(v.tx, &slug).await?,
                Err(_) => None,
            };
            check.field("/owner", found.ok_or_else(|| text!("group-unknown", name = name)).map(|group| Some(group.id)))
        }
    };
    let targets = match &spec.targets {
        Some(given) => {
            let mut parsed = Vec::new();
            for (index, target) in given.iter().enumerate() {
                parsed.extend(parse_target(v, &mut check, &format!("/targets/{index}"), target).await?);
            }
            Some(parsed)
        }
        None => None,
    };
    let (slug, title, repository, owner) = check.all(|| Some((slug?, title?, repository?, owner?)))?;
    let present = store::service::by_slug(v.tx, &slug).await?;
    let onto = save.onto(present.as_ref().map(|service| service.version))?;
    let before = match &present {
        Some(service) => Some(self::spec(v.tx, service.id).await?),
        None => None,
    };
    let details = Details { title, repository, owner, public: spec.public };
    let id = match (&present, onto) {
        (Some(service), Some(version)) => {
            store::service::update(v.tx, service.id, version, &details).await?;
            service.id
        }
        _ => store::service::insert(v.tx, &slug, &details, v.now).await?,
    };
    if let Some(targets) = targets {
        set_targets(v, id, &targets).await?;
    }
    let after = self::spec(v.tx, id).await?;
    let change = difference("Service", slug.as_str(), before.as_ref(), &after);
    if before.is_none() || !change.fields.is_empty() {
        let verb = if before.is_none() { "service.create" } else { "service.edit" };
        v.record(verb, format!("service:{id}"), None, facts(&change)).await?;
        if before.is_some() {
            store::service::edited(v.tx, id).await?;
        }
    }
    Ok(change)
}

/// A target as parsed.
struct Wanted {
    environment: EnvironmentId,
    workload: Workload,
    containers: Vec<Label>,
}

async fn parse_target(v: &mut Verb<'_>, check: &mut Check, at: &str, spec: &TargetSpec) -> Result<Option<Wanted>> {
    let environment = match Slug::parse(&spec.environment) {
        Ok(slug) => store::environment::by_slug(v.tx, &slug).await?.filter(|one| one.archived_at.is_none()),
        Err(_) => None,
    };
    let unknown = || text!("environment-unknown", name = &spec.environment);
    let environment = check.field(format!("{at}/environment"), environment.ok_or_else(unknown));
    let namespace = check.field(format!("{at}/namespace"), Label::parse(&spec.namespace));
    let kind = check.field(format!("{at}/kind"), WorkloadKind::parse(&spec.kind));
    let name = check.field(format!("{at}/name"), WorkloadName::parse(&spec.name));
    let mut containers = BTreeSet::new();
    for (index, container) in spec.containers.iter().enumerate().filter(|(_, name)| !name.trim().is_empty()) {
        containers.extend(check.field(format!("{at}/containers/{index}"), Label::parse(container.trim())));
    }
    if spec.containers.iter().all(|name| name.trim().is_empty()) {
        check.complain(format!("{at}/containers"), text!("target-no-containers"));
    }
    let (Some(environment), Some(namespace), Some(kind), Some(name)) = (environment, namespace, kind, name) else {
        return Ok(None);
    };
    let workload = Workload { namespace, kind, name };
    Ok(Some(Wanted { environment: environment.id, workload, containers: containers.into_iter().collect() }))
}

async fn set_targets(v: &mut Verb<'_>, service: ServiceId, wanted: &[Wanted]) -> Result<()> {
    let present = store::service::targets_of(v.tx, service).await?;
    let key = |target: &Target| (target.environment_id, target.workload());
    let mut left: BTreeMap<_, Target> = present.into_iter().map(|target| (key(&target), target)).collect();
    for one in wanted {
        match left.remove(&(one.environment, one.workload.clone())) {
            Some(target) if target.containers.0 == one.containers => {}
            Some(target) => change_target(v, &target, target.version, one).await?,
            None => {
                add(v, service, one, "/targets").await?;
            }
        }
    }
    for target in left.values() {
        archive_one(v, target, true).await?;
    }
    Ok(())
}

async fn add(v: &mut Verb<'_>, service: ServiceId, wanted: &Wanted, at: &'static str) -> Result<TargetId> {
    refuse_taken(v, wanted, None, at).await?;
    refuse_elsewhere(v, wanted).await?;
    let Wanted { environment, workload, containers } = wanted;
    let id = store::service::insert_target(v.tx, service, *environment, workload, containers, v.now).await?;
    targets_changed(v, service, *environment).await?;
    Ok(id)
}

async fn change_target(v: &mut Verb<'_>, target: &Target, version: i64, wanted: &Wanted) -> Result<()> {
    refuse_taken(v, wanted, Some(target.id), "/name").await?;
    refuse_elsewhere(v, wanted).await?;
    refuse_locked(v, target).await?;
    store::service::update_target(v.tx, target.id, version, &wanted.workload, &wanted.containers).await?;
    targets_changed(v, target.service_id, target.environment_id).await
}

/// One workload belongs to one target.
async fn refuse_taken(v: &mut Verb<'_>, wanted: &Wanted, own: Option<TargetId>, at: &'static str) -> Result<()> {
    match store::service::target_of(v.tx, wanted.environment, &wanted.workload).await? {
        Some(other) if Some(other.id) != own => {
            let service = store::service::by_id(v.tx, other.service_id).await?;
            let name = service.map_or_else(String::new, |service| service.slug.to_string());
            Err(Refusal::field(at, text!("target-taken", workload = wanted.workload.to_string(), service = name))
                .into())
        }
        _ => Ok(()),
    }
}

/// The first target in a namespace is for somebody who administers everything: a credential reaches
/// further than one environment, and it is they who say where an environment ends.
async fn refuse_elsewhere(v: &mut Verb<'_>, wanted: &Wanted) -> Result<()> {
    if !store::service::uses_namespace(v.tx, wanted.environment, &wanted.workload.namespace).await? {
        v.access.administer()?;
    }
    Ok(())
}

async fn refuse_locked(v: &mut Verb<'_>, target: &Target) -> Result<()> {
    match store::deployment::holder(v.tx, [target.id]).await? {
        Some(_) => Err(Refusal::conflict(text!("conflict-target-busy")).into()),
        None => Ok(()),
    }
}

/// What people signed names the targets, so they are asked again; and their cluster is looked at,
/// because the job may need rights it was not asked for before.
async fn targets_changed(v: &mut Verb<'_>, service: ServiceId, environment: EnvironmentId) -> Result<()> {
    let concerned = Concerned { service: Some(service), environment: Some(environment), ..Concerned::default() };
    release::revise_all(v, concerned, &text!("revised-targets")).await?;
    super::cluster::look_again(v, environment).await
}

/// Adds a target to a service.
///
/// # Errors
/// When the actor does not administer the environment, or a value is wrong.
pub async fn create_target(v: &mut Verb<'_>, service: &str, spec: TargetSpec) -> Result<TargetId> {
    v.access.look_somewhere()?;
    let service = known(v, service).await?;
    let wanted = wanted(v, &spec).await?;
    v.access.administer_environment(wanted.environment)?;
    let id = add(v, service.id, &wanted, "/name").await?;
    store::service::edited(v.tx, service.id).await?;
    record_target(v, "target.create", id, &spec).await?;
    Ok(id)
}

/// Changes a target. Its environment stays; a workload elsewhere is another target.
///
/// # Errors
/// When the actor does not administer the environment, a value is wrong, or it was edited meanwhile.
pub async fn edit_target(v: &mut Verb<'_>, id: TargetId, version: i64, spec: TargetSpec) -> Result<()> {
    let target = store::service::target(v.tx, id).await?.ok_or_else(Refusal::absent)?;
    v.access.administer_environment(target.environment_id)?;
    let wanted = wanted(v, &spec).await?;
    if wanted.environment != target.environment_id {
        return Err(Refusal::field("/environment", text!("target-environment-stays")).into());
    }
    change_target(v, &target, version, &wanted).await?;
    store::service::edited(v.tx, target.service_id).await?;
    record_target(v, "target.edit", id, &spec).await
}

/// Archives a target, or brings it back.
///
/// # Errors
/// When the actor does not administer the environment, or a deployment holds it.
pub async fn archive_target(v: &mut Verb<'_>, id: TargetId, archived: bool) -> Result<()> {
    let target = store::service::target(v.tx, id).await?.ok_or_else(Refusal::absent)?;
    v.access.administer_environment(target.environment_id)?;
    if target.archived_at.is_some() == archived {
        return Ok(());
    }
    if !archived {
        let wanted = Wanted { environment: target.environment_id, workload: target.workload(), containers: Vec::new() };
        refuse_taken(v, &wanted, Some(id), "/name").await?;
    }
    archive_one(v, &target, archived).await?;
    store::service::edited(v.tx, target.service_id).await?;
    let verb = if archived { "target.archive" } else { "target.restore" };
    v.record(verb, format!("target:{id}"), None, serde_json::json!({ "workload": target.workload() })).await
}

async fn archive_one(v: &mut Verb<'_>, target: &Target, archived: bool) -> Result<()> {
    refuse_locked(v, target).await?;
    store::service::set_target_archived(v.tx, target.id, archived.then_some(v.now)).await?;
    targets_changed(v, target.service_id, target.environment_id).await
}

async fn wanted(v: &mut Verb<'_>, spec: &TargetSpec) -> Result<Wanted> {
    let mut check = Check::new();
    let wanted = parse_target(v, &mut check, "", spec).await?;
    check.done()?;
    wanted.ok_or_else(|| Refusal::invalid(Vec::new()).into())
}

async fn record_target(v: &mut Verb<'_>, verb: &str, id: TargetId, spec: &TargetSpec) -> Result<()> {
    v.tx.wake(Wake::Plan);
    v.record(verb, format!("target:{id}"), None, serde_json::json!({ "target": spec })).await
}

async fn known(v: &mut Verb<'_>, name: &str) -> Result<store::service::Service> {
    let Ok(slug) = Slug::parse(name) else { return Err(Refusal::absent().into()) };
    store::service::by_slug(v.tx, &slug).await?.ok_or_else(|| Refusal::absent().into())
}

pub async fn spec(conn: &mut Conn, id: ServiceId) -> Result<ServiceSpec> {
    let service = store::service::by_id(conn, id).await?.ok_or(StoreError::Corrupt { what: "service" })?;
    let owner = match service.owner_group_id {
        Some(id) => store::group::by_id(conn, id).await?.map(|group| group.slug.to_string()),
        None => None,
    };
    let mut targets = Vec::new();
    for target in store::service::targets_of(conn, id).await? {
        targets.push(target_spec(conn, &target).await?);
    }
    targets.sort();
    Ok(ServiceSpec {
        name: service.slug.to_string(),
        title: service.title.to_string(),
        repository: service.repository.to_string(),
        owner,
        public: service.is_public == 1,
        targets: Some(targets),
    })
}

/// A target as it would be written down.
pub async fn target_spec(conn: &mut Conn, target: &Target) -> Result<TargetSpec> {
    let environment = store::environment::by_id(conn, target.environment_id).await?;
    Ok(TargetSpec {
        environment: environment.map_or_else(String::new, |environment| environment.slug.to_string()),
        namespace: target.namespace.to_string(),
        kind: target.kind.to_string(),
        name: target.name.to_string(),
        containers: target.containers.0.iter().map(ToString::to_string).collect(),
    })
}

/// Archives a service, or brings it back. One with open releases cannot go.
///
/// # Errors
/// When the actor does not administer, or something is still going on with it.
pub async fn archive(v: &mut Verb<'_>, name: &str, archived: bool) -> Result<()> {
    v.access.administer()?;
    let service = known(v, name).await?;
    if service.archived_at.is_some() == archived {
        return Ok(());
    }
    if archived {
        release::refuse_if_busy(v, Concerned { service: Some(service.id), ..Concerned::default() }).await?;
    }
    store::service::set_archived(v.tx, service.id, archived.then_some(v.now)).await?;
    let verb = if archived { "service.archive" } else { "service.restore" };
    v.record(verb, format!("service:{}", service.id), None, serde_json::json!({ "name": service.slug })).await
}
