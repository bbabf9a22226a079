//! A look at a cluster with a credential: does it answer, which version, who are we there, may we
//! do what the job needs, may we do more than that, and who else manages the targets.

use std::time::Instant;

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::Api;
use kube::api::PostParams;

use super::connect::{Connection, call};
use super::error::Failure;
use super::managers::managers;
use super::observe;
use super::rights::rights;
use crate::domain::cluster::{Manager, ProbeReport, Right};
use crate::domain::service::Workload;
use crate::domain::text::Text;
use crate::text;

/// Looks. Nothing in the cluster changes.
///
/// # Errors
/// Why the cluster could not be seen.
pub async fn probe(connection: &Connection, targets: &[Workload]) -> Result<ProbeReport, Text> {
    let said = |failure: Failure| failure.text();
    #[expect(clippy::disallowed_methods, reason = "a latency is measured with the machine's own clock")]
    let asked = Instant::now();
    let version = call(connection.client().apiserver_version()).await.map_err(said)?;
    if version.git_version.is_empty() {
        return Err(Failure::Nonsense.text());
    }
    let latency = asked.elapsed().as_millis();
    let identity = identity(connection).await;
    let mut report = ProbeReport {
        version: version.git_version,
        latency_ms: u32::try_from(latency).unwrap_or(u32::MAX),
        identity,
        rights: Vec::new(),
        too_wide: Vec::new(),
        managers: Vec::new(),
    };
    for right in rights(targets) {
        for (verb, name) in right.questions() {
            let question = ResourceAttributes {
                namespace: Some(right.namespace.to_string()),
                verb: Some(verb.to_owned()),
                group: Some(right.group.to_owned()),
                resource: Some(right.resource.to_owned()),
                name: name.map(ToString::to_string),
                ..ResourceAttributes::default()
            };
            let allowed = may(connection, question).await.map_err(said)?;
            report.rights.push(Right {
                namespace: right.namespace.to_string(),
                verb: verb.to_owned(),
                resource: right.qualified(),
                name: name.map(ToString::to_string),
                allowed,
            });
        }
    }
    report.too_wide = too_wide(connection, targets).await.map_err(said)?;
    for workload in targets {
        // A target that cannot be read is told by its rights; the look itself goes on.
        if let Ok(found) = observe::read(connection, workload).await {
            for tool in managers(&found.metadata) {
                report.managers.push(Manager { workload: workload.clone(), tool: tool.to_owned() });
            }
        }
    }
    Ok(report)
}

/// Who the cluster says we are; servers before 1.28 do not say.
async fn identity(connection: &Connection) -> Option<String> {
    let api: Api<SelfSubjectReview> = Api::all(connection.client());
    let review = call(api.create(&PostParams::default(), &SelfSubjectReview::default())).await.ok()?;
    review.status?.user_info?.username
}

async fn may(connection: &Connection, question: ResourceAttributes) -> Result<bool, Failure> {
    let api: Api<SelfSubjectAccessReview> = Api::all(connection.client());
    let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(question), ..Default::default() };
    let review = SelfSubjectAccessReview { spec, ..Default::default() };
    let answer = call(api.create(&PostParams::default(), &review)).await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

/// Rights that a deployment never needs and that would do the most harm in the wrong hands.
async fn too_wide(connection: &Connection, targets: &[Workload]) -> Result<Vec<Text>, Failure> {
    let everywhere = |verb: &str, group: &str, resource: &str| ResourceAttributes {
        verb: Some(verb.to_owned()),
        group: Some(group.to_owned()),
        resource: Some(resource.to_owned()),
        ..ResourceAttributes::default()
    };
    if may(connection, everywhere("*", "*", "*")).await? {
        return Ok(vec![text!("too-wide-everything")]);
    }
    let mut found = Vec::new();
    if may(connection, everywhere("get", "", "secrets")).await? {
        found.push(text!("too-wide-all-secrets"));
    }
    if may(connection, everywhere("patch", "apps", "deployments")).await? {
        found.push(text!("too-wide-all-deployments"));
    }
    let namespaces: std::collections::BTreeSet<&str> = targets.iter().map(|target| target.namespace.as_str()).collect();
    for namespace in namespaces {
        let here =
            |question: ResourceAttributes| ResourceAttributes { namespace: Some(namespace.to_owned()), ..question };
        if may(connection, here(everywhere("get", "", "secrets"))).await? {
            found.push(text!("too-wide-secrets", namespace = namespace));
        }
        let exec = ResourceAttributes { subresource: Some("exec".to_owned()), ..everywhere("create", "", "pods") };
        if may(connection, here(exec)).await? {
            found.push(text!("too-wide-exec", namespace = namespace));
        }
        if may(connection, here(everywhere("delete", "apps", "deployments"))).await? {
            found.push(text!("too-wide-delete", namespace = namespace));
        }
    }
    Ok(found)
}
