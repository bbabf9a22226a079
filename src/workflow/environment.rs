//! Environments and their policies. An edited policy is a new version, and every open release of
//! the environment is asked again (rule 3).

use std::collections::BTreeSet;

use super::spec::{difference, facts};
use super::{Result, Save, Verb, release};
use crate::domain::environment::{Policy, SignoffRule, StartMode, UnknownAuthor};
use crate::domain::id::EnvironmentId;
use crate::domain::name::{Slug, Title};
use crate::domain::refusal::{Check, Refusal};
use crate::domain::text::Text;
use crate::protocol::{Change, EnvironmentSpec, PolicySpec, RuleSpec};
use crate::store::environment::Details;
use crate::store::release::Concerned;
use crate::store::{self, Conn, Error as StoreError};
use crate::text;
use crate::wake::Wake;

/// Makes or edits an environment. Without a policy in it, the present one stays.
///
/// # Errors
/// When the actor does not administer it, a value is wrong, or it was edited meanwhile.
pub async fn put(v: &mut Verb<'_>, save: Save, spec: EnvironmentSpec) -> Result<Change> {
    let mut check = Check::new();
    let slug = check.field("/name", Slug::parse(&spec.name));
    let present = match &slug {
        Some(slug) => store::environment::by_slug(v.tx, slug).await?,
        None => None,
    };
    match &present {
        Some(environment) => v.access.administer_environment(environment.id)?,
        None => v.access.administer()?,
    }
    let title = check.field("/title", Title::parse(&spec.title));
    let rank = check.field("/rank", in_range(spec.rank, -1000, 1000));
    let cluster = match spec.cluster.as_deref().map(str::trim) {
        None | Some("") => Some(None),
        Some(name) => {
            let found = match Slug::parse(name) {
                Ok(slug) => store::cluster::by_slug(v.tx, &slug).await?.filter(|cluster| cluster.archived_at.is_none()),
                Err(_) => None,
            };
            check.field(
                "/cluster",
                found.ok_or_else(|| text!("cluster-unknown", name = name)).map(|found| Some(found.id)),
            )
        }
    };
    let policy = match &spec.policy {
        Some(given) => Some(policy(v, &mut check, given).await?),
        None => None,
    };
    let (slug, title, rank, cluster) = check.all(|| Some((slug?, title?, rank?, cluster?)))?;
    if let Some(environment) = present.as_ref().filter(|environment| environment.cluster_id != cluster) {
        // A cluster's credential is at hand for every target there, so whoever chooses the cluster
        // administers more than this environment.
        v.access.administer()?;
        if let Some(taken) = store::service::shared_workload(v.tx, environment.id, cluster).await? {
            let text = text!("cluster-shares-workload", workload = taken.to_string());
            return Err(Refusal::field("/cluster", text).into());
        }
    }
    let onto = save.onto(present.as_ref().map(|environment| environment.version))?;
    let before = match &present {
        Some(environment) => Some(self::spec(v.tx, environment.id).await?),
        None => None,
    };
    let details = Details { title, rank, cluster };
    let id = match (&present, onto) {
        (Some(environment), Some(version)) => {
            edit(v, environment, version, &details, policy).await?;
            environment.id
        }
        _ => {
            let policy = policy.unwrap_or_else(Policy::open);
            store::environment::insert(v.tx, &slug, &details, &policy, v.actor.person(), v.now).await?
        }
    };
    let after = self::spec(v.tx, id).await?;
    let change = difference("Environment", slug.as_str(), before.as_ref(), &after);
    if before.is_none() || !change.fields.is_empty() {
        let verb = if before.is_none() { "environment.create" } else { "environment.edit" };
        v.record(verb, format!("environment:{id}"), None, facts(&change)).await?;
        v.tx.wake(Wake::Access);
        if before.is_some() {
            store::environment::edited(v.tx, id).await?;
        }
    }
    Ok(change)
}

async fn edit(
    v: &mut Verb<'_>,
    present: &store::environment::Environment,
    version: i64,
    details: &Details,
    policy: Option<Policy>,
) -> Result<()> {
    let concerned = Concerned { environment: Some(present.id), ..Concerned::default() };
    store::environment::update(v.tx, present.id, version, details).await?;
    let stands = store::environment::policy(v.tx, present.id, present.policy_version).await?;
    if let Some(policy) = policy.filter(|policy| *policy != stands) {
        store::environment::replace_policy(v.tx, present.id, present.policy_version, &policy, v.actor.person(), v.now)
            .await?;
        release::revise_all(v, concerned, &text!("revised-policy")).await?;
    } else if present.cluster_id != details.cluster {
        release::revise_all(v, concerned, &text!("revised-cluster")).await?;
    }
    Ok(())
}

fn in_range(value: i64, least: i64, most: i64) -> std::result::Result<i64, Text> {
    if (least..=most).contains(&value) {
        Ok(value)
    } else {
        Err(text!("number-out-of-range", least = least, most = most))
    }
}

fn in_range_u32(value: i64, least: u32, most: u32) -> std::result::Result<u32, Text> {
    let fits = u32::try_from(value).ok().filter(|value| (least..=most).contains(value));
    fits.ok_or_else(|| text!("number-out-of-range", least = least, most = most))
}

async fn policy(v: &mut Verb<'_>, check: &mut Check, spec: &PolicySpec) -> Result<Policy> {
    let mut rules = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, rule) in spec.rules.iter().enumerate() {
        let group = match Slug::parse(&rule.group) {
            Ok(slug) => store::group::by_slug(v.tx, &slug).await?.filter(|group| group.archived_at.is_none()),
            Err(_) => None,
        };
        let group = group.ok_or_else(|| text!("group-unknown", name = &rule.group)).and_then(|group| {
            if seen.insert(group.id) { Ok(group.id) } else { Err(text!("rule-group-twice", name = &rule.group)) }
        });
        let group = check.field(format!("/policy/rules/{index}/group"), group);
        let count = check.field(format!("/policy/rules/{index}/count"), in_range_u32(rule.count, 1, 20));
        rules.extend(group.zip(count).map(|(group, count)| SignoffRule { group, count }));
    }
    let mut start_modes = BTreeSet::new();
    match &spec.start_modes {
        None => start_modes.extend(StartMode::ALL),
        Some(given) => {
            for (index, mode) in given.iter().enumerate() {
                start_modes.extend(check.field(format!("/policy/start_modes/{index}"), StartMode::parse(mode)));
            }
            if given.is_empty() {
                check.complain("/policy/start_modes", text!("start-modes-none"));
            }
        }
    }
    let unknown_author = match spec.unknown_author.as_deref() {
        None | Some("") if rules.is_empty() => Some(UnknownAuthor::Allow),
        None | Some("") => Some(UnknownAuthor::Block),
        Some(given) => check.field("/policy/unknown_author", UnknownAuthor::parse(given)),
    };
    let open = Policy::open();
    let validity = spec.validity_hours.unwrap_or(i64::from(open.validity_hours));
    let watch = spec.watch_seconds.unwrap_or(i64::from(open.watch_seconds));
    let deadline = spec.deadline_seconds.map(|seconds| in_range_u32(seconds, 10, 86_400)).transpose();
    Ok(Policy {
        rules,
        start_modes,
        requester_may_sign: spec.requester_may_sign,
        author_may_sign: spec.author_may_sign,
        unknown_author: unknown_author.unwrap_or(UnknownAuthor::Block),
        validity_hours: check.field("/policy/validity_hours", in_range_u32(validity, 1, 8760)).unwrap_or_default(),
        fresh_signoff: spec.fresh_signoff,
        deadline_seconds: check.field("/policy/deadline_seconds", deadline).flatten(),
        watch_seconds: check.field("/policy/watch_seconds", in_range_u32(watch, 0, 3600)).unwrap_or_default(),
    })
}

pub async fn spec(conn: &mut Conn, id: EnvironmentId) -> Result<EnvironmentSpec> {
    let environment = store::environment::by_id(conn, id).await?.ok_or(StoreError::Corrupt { what: "environment" })?;
    let policy = store::environment::policy(conn, id, environment.policy_version).await?;
    let cluster = match environment.cluster_id {
        Some(id) => store::cluster::by_id(conn, id).await?.map(|cluster| cluster.slug.to_string()),
        None => None,
    };
    let mut rules = Vec::new();
    for rule in &policy.rules {
        let group = store::group::by_id(conn, rule.group).await?.ok_or(StoreError::Corrupt { what: "group" })?;
        rules.push(RuleSpec { group: group.slug.to_string(), count: i64::from(rule.count) });
    }
    let policy = PolicySpec {
        rules,
        start_modes: Some(policy.start_modes.iter().map(ToString::to_string).collect()),
        requester_may_sign: policy.requester_may_sign,
        author_may_sign: policy.author_may_sign,
        unknown_author: Some(policy.unknown_author.as_str().to_owned()),
        validity_hours: Some(i64::from(policy.validity_hours)),
        fresh_signoff: policy.fresh_signoff,
        deadline_seconds: policy.deadline_seconds.map(i64::from),
        watch_seconds: Some(i64::from(policy.watch_seconds)),
    };
    Ok(EnvironmentSpec {
        name: environment.slug.to_string(),
        title: environment.title.to_string(),
        rank: environment.rank,
        cluster,
        policy: Some(policy),
    })
}

/// Archives an environment, or brings it back. One with open releases or running deployments
/// cannot go.
///
/// # Errors
/// When the actor does not administer, or something is still going on in it.
pub async fn archive(v: &mut Verb<'_>, name: &str, archived: bool) -> Result<()> {
    v.access.administer()?;
    let Ok(slug) = Slug::parse(name) else { return Err(Refusal::absent().into()) };
    let environment = store::environment::by_slug(v.tx, &slug).await?.ok_or_else(Refusal::absent)?;
    if environment.archived_at.is_some() == archived {
        return Ok(());
    }
    if archived {
        release::refuse_if_busy(v, Concerned { environment: Some(environment.id), ..Concerned::default() }).await?;
    }
    store::environment::set_archived(v.tx, environment.id, archived.then_some(v.now)).await?;
    let verb = if archived { "environment.archive" } else { "environment.restore" };
    v.record(verb, format!("environment:{}", environment.id), None, serde_json::json!({ "name": slug })).await
}
