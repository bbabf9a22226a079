//! Clusters and their credentials. A kubeconfig is judged by the gate, sealed at once, looked at
//! by the runner, and used only after a person has confirmed what the runner saw.

use super::spec::{difference, facts};
use super::{Result, Save, Verb, release};
use crate::cluster::credential;
use crate::domain::cluster::Probe;
use crate::domain::id::{ClusterId, CredentialId, EnvironmentId};
use crate::domain::name::{Slug, Title};
use crate::domain::refusal::{Check, Refusal};
use crate::domain::time::Timestamp;
use crate::protocol::{Change, ClusterSpec};
use crate::store::cluster::{Credential, CredentialState};
use crate::store::{self, Conn, Error as StoreError};
use crate::text;
use crate::vault::Place;
use crate::wake::Wake;

/// Makes or edits a cluster.
///
/// # Errors
/// When the actor does not administer, a value is wrong, or it was edited meanwhile.
pub async fn put(v: &mut Verb<'_>, save: Save, spec: ClusterSpec) -> Result<Change> {
    v.access.administer()?;
    let mut check = Check::new();
    let slug = check.field("/name", Slug::parse(&spec.name));
    let title = check.field("/title", Title::parse(&spec.title));
    let (slug, title) = check.all(|| Some((slug?, title?)))?;
    let present = store::cluster::by_slug(v.tx, &slug).await?;
    let onto = save.onto(present.as_ref().map(|cluster| cluster.version))?;
    let before = match &present {
        Some(cluster) => Some(self::spec(v.tx, cluster.id).await?),
        None => None,
    };
    let id = match (&present, onto) {
        (Some(cluster), Some(version)) => {
            if cluster.title != title {
                store::cluster::update(v.tx, cluster.id, version, &title).await?;
            }
            cluster.id
        }
        _ => store::cluster::insert(v.tx, &slug, &title, v.now).await?,
    };
    let after = self::spec(v.tx, id).await?;
    let change = difference("Cluster", slug.as_str(), before.as_ref(), &after);
    if before.is_none() || !change.fields.is_empty() {
        let verb = if before.is_none() { "cluster.create" } else { "cluster.edit" };
        v.record(verb, subject(id), None, facts(&change)).await?;
    }
    Ok(change)
}

fn subject(id: ClusterId) -> String {
    format!("cluster:{id}")
}

pub async fn spec(conn: &mut Conn, id: ClusterId) -> Result<ClusterSpec> {
    let cluster = store::cluster::by_id(conn, id).await?.ok_or(StoreError::Corrupt { what: "cluster" })?;
    Ok(ClusterSpec { name: cluster.slug.to_string(), title: cluster.title.to_string() })
}

/// Archives a cluster, or brings it back. One that an environment deploys to cannot go; the
/// credential of one that goes is destroyed.
///
/// # Errors
/// When the actor does not administer, or an environment still deploys to it.
pub async fn archive(v: &mut Verb<'_>, name: &str, archived: bool) -> Result<()> {
    let cluster = known(v, name).await?;
    if cluster.archived_at.is_some() == archived {
        return Ok(());
    }
    if archived {
        if !store::cluster::environments(v.tx, cluster.id).await?.is_empty() {
            return Err(Refusal::conflict(text!("conflict-cluster-in-use")).into());
        }
        retire(v, cluster.id).await?;
    }
    store::cluster::set_archived(v.tx, cluster.id, archived.then_some(v.now)).await?;
    let verb = if archived { "cluster.archive" } else { "cluster.restore" };
    v.record(verb, subject(cluster.id), None, serde_json::json!({ "name": cluster.slug })).await
}

async fn known(v: &mut Verb<'_>, name: &str) -> Result<store::cluster::Cluster> {
    v.access.administer()?;
    let Ok(slug) = Slug::parse(name) else { return Err(Refusal::absent().into()) };
    store::cluster::by_slug(v.tx, &slug).await?.ok_or_else(|| Refusal::absent().into())
}

async fn retire(v: &mut Verb<'_>, cluster: ClusterId) -> Result<Option<Credential>> {
    let mut last = None;
    for state in [CredentialState::Unverified, CredentialState::Confirmed] {
        if let Some(credential) = store::cluster::credential(v.tx, cluster, state).await? {
            store::cluster::retire(v.tx, credential.id).await?;
            last = Some(credential);
        }
    }
    Ok(last)
}

/// Where a credential's secret is sealed for.
pub fn place(credential: CredentialId) -> Place {
    // A credential's secret never changes: a renewed one is another row.
    Place { table: "credentials", row: credential.0, field: "sealed", version: 1 }
}

/// Hands in a kubeconfig that has passed the gate: sealed in the same transaction, unverified, and
/// looked at by the runner next. An earlier unverified one is dropped; the one in use stays in use.
///
/// # Errors
/// When the actor does not administer, is a program, or did not prove lately who they are.
pub async fn hand_in(v: &mut Verb<'_>, name: &str, credential: credential::Credential) -> Result<CredentialId> {
    let cluster = known(v, name).await?;
    v.person_in_browser_or_internal()?;
    if cluster.archived_at.is_some() {
        return Err(Refusal::conflict(text!("cluster-archived")).into());
    }
    if let Some(earlier) = store::cluster::credential(v.tx, cluster.id, CredentialState::Unverified).await? {
        store::cluster::retire(v.tx, earlier.id).await?;
    }
    let facts = credential.facts();
    let id = store::cluster::insert_credential(v.tx, cluster.id, facts, v.actor.person(), v.now).await?;
    let plain = credential.to_sealed_plaintext();
    let sealed = v.workflow.sealer.seal(place(id), &plain, v.workflow.random);
    let sealed = sealed.map_err(|_| StoreError::Corrupt { what: "credential to seal" })?;
    store::cluster::seal(v.tx, id, &sealed.bytes, &sealed.key_id, v.now).await?;
    v.tx.wake(Wake::Probe);
    let facts = serde_json::json!({ "name": cluster.slug, "credential": id, "facts": facts });
    v.record("cluster.hand_in", subject(cluster.id), None, facts).await?;
    Ok(id)
}

/// Puts a credential into use, after the runner has looked at the cluster with it. If it leads to
/// another cluster than before, everybody is asked again.
///
/// # Errors
/// When the runner has not seen the cluster with it yet, or the actor may not.
pub async fn confirm(v: &mut Verb<'_>, name: &str, id: CredentialId) -> Result<()> {
    let cluster = known(v, name).await?;
    v.person_in_browser_or_internal()?;
    let credential = store::cluster::credential(v.tx, cluster.id, CredentialState::Unverified).await?;
    let credential = credential.filter(|one| one.id == id).ok_or_else(|| Refusal::stale(text!("credential-gone")))?;
    let seen = credential.probe.as_ref().is_some_and(|probe| probe.0.outcome.is_ok());
    if !seen {
        return Err(Refusal::conflict(text!("credential-not-probed")).into());
    }
    let before = store::cluster::credential(v.tx, cluster.id, CredentialState::Confirmed).await?;
    if let Some(before) = &before {
        store::cluster::retire(v.tx, before.id).await?;
    }
    store::cluster::confirm(v.tx, id, v.actor.person(), v.now).await?;
    release::plan_again_on(v, cluster.id, &credential.fingerprint).await?;
    v.tx.wake(Wake::Clear);
    let facts = serde_json::json!({ "name": cluster.slug, "credential": id, "fingerprint": credential.fingerprint });
    v.record("cluster.confirm", subject(cluster.id), None, facts).await
}

/// Drops a credential that nobody confirmed; the one in use stays in use.
///
/// # Errors
/// When the actor does not administer, or it was replaced or put into use meanwhile.
pub async fn decline(v: &mut Verb<'_>, name: &str, id: CredentialId) -> Result<()> {
    let cluster = known(v, name).await?;
    let credential = store::cluster::credential(v.tx, cluster.id, CredentialState::Unverified).await?;
    let credential = credential.filter(|one| one.id == id).ok_or_else(|| Refusal::stale(text!("credential-gone")))?;
    store::cluster::retire(v.tx, credential.id).await?;
    let facts = serde_json::json!({ "name": cluster.slug, "credential": id });
    v.record("cluster.drop_credential", subject(cluster.id), None, facts).await
}

/// Destroys a cluster's credentials.
///
/// # Errors
/// When the actor does not administer.
pub async fn drop_credential(v: &mut Verb<'_>, name: &str) -> Result<()> {
    let cluster = known(v, name).await?;
    if retire(v, cluster.id).await?.is_some() {
        let facts = serde_json::json!({ "name": cluster.slug });
        v.record("cluster.drop_credential", subject(cluster.id), None, facts).await?;
    }
    Ok(())
}

/// Asks the runner for a look at a cluster now.
///
/// # Errors
/// When the actor does not administer, or there is nothing to look with.
pub async fn look(v: &mut Verb<'_>, name: &str) -> Result<()> {
    let cluster = known(v, name).await?;
    if !ask(v, cluster.id).await? {
        return Err(Refusal::conflict(text!("cluster-no-credential")).into());
    }
    Ok(())
}

async fn ask(v: &mut Verb<'_>, cluster: ClusterId) -> Result<bool> {
    let mut any = false;
    for state in [CredentialState::Unverified, CredentialState::Confirmed] {
        if let Some(credential) = store::cluster::credential(v.tx, cluster, state).await? {
            store::cluster::ask(v.tx, credential.id, v.now).await?;
            any = true;
        }
    }
    if any {
        v.tx.wake(Wake::Probe);
    }
    Ok(any)
}

/// Looks at the cluster of an environment again, since its targets changed.
pub(super) async fn look_again(v: &mut Verb<'_>, environment: EnvironmentId) -> Result<()> {
    let cluster = store::environment::by_id(v.tx, environment).await?.and_then(|environment| environment.cluster_id);
    if let Some(cluster) = cluster {
        ask(v, cluster).await?;
    }
    Ok(())
}

/// Keeps what the runner saw. Becoming reachable or unreachable is an entry of the audit log;
/// everything else about a look is not.
///
/// # Errors
/// When the credential is gone meanwhile.
pub async fn probed(v: &mut Verb<'_>, credential: CredentialId, probe: Probe, again: Timestamp) -> Result<()> {
    let Some(present) = store::cluster::credential_by_id(v.tx, credential).await? else { return Ok(()) };
    if present.state == CredentialState::Retired {
        return Ok(());
    }
    let reachable = probe.outcome.is_ok();
    let since = if reachable { None } else { Some(present.unreachable_since.unwrap_or(probe.at)) };
    store::cluster::probed(v.tx, credential, &probe, since, again).await?;
    if present.probe.is_some() && reachable == present.unreachable_since.is_some() {
        let verb = if reachable { "cluster.reachable" } else { "cluster.unreachable" };
        v.record(verb, subject(present.cluster_id), None, serde_json::json!({ "credential": credential })).await?;
        // What it held may start now.
        v.tx.wake(Wake::Clear);
    }
    Ok(())
}

/// Drops every sealed credential, because the key ring is lost.
///
/// # Errors
/// Those of the store.
pub async fn forget_sealed(v: &mut Verb<'_>) -> Result<usize> {
    let mut dropped = 0;
    for cluster in store::cluster::list(v.tx).await? {
        if retire(v, cluster.id).await?.is_some() {
            dropped += 1;
            let facts = serde_json::json!({ "name": cluster.slug, "reason": "key ring lost" });
            v.record("cluster.drop_credential", subject(cluster.id), None, facts).await?;
        }
    }
    Ok(dropped)
}
