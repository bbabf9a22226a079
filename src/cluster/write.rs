//! The one write that a target gets: what a look at the workload says about it, the write itself,
//! and how to make sure that one whose answer never came does not arrive late.
//!
//! How *at most once* is kept. A write carries the `resourceVersion` that was read, so that of two
//! writes made from the same sight one fails; and it marks the workload with the deployment, so
//! that whoever looks afterwards knows whose it is. Once the mark is seen, nothing is written any
//! more, whatever the workload holds by then.

use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::connect::{Connection, call};
use super::error::Failure;
use super::execute::Job;
use super::rollout;
use crate::domain::plan::{ContainerChange, SetImage};
use crate::domain::text::Text;
use crate::text;

#[cfg(test)]
mod tests;

/// The field manager Tidegate writes as.
pub const FIELD_MANAGER: &str = "tidegate";
/// Annotation that names the release, such as `R-42`.
pub const RELEASE: &str = "tidegate.dev/release";
/// Annotation that names the deployment.
pub const DEPLOYMENT: &str = "tidegate.dev/deployment";
/// Annotation that counts the workers the deployment had.
pub const EPOCH: &str = "tidegate.dev/epoch";
/// Annotation that names a deployment which will not write here any more.
pub const FENCE: &str = "tidegate.dev/not-written";

/// What a look at the workload says about the write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// As planned: it can be written, from this version.
    AsPlanned {
        /// The resource version that was read.
        version: String,
        /// How often the cluster has rolled it out.
        rollouts: Option<i64>,
    },
    /// It holds what is to be written; this deployment wrote it, or nothing has to be.
    Written,
    /// This deployment wrote it, and it holds something else now.
    Overwritten(Text),
    /// It is not as planned, and nothing says that this deployment wrote it.
    Drifted(Text),
    /// It would not roll out what is written.
    StandsStill(Text),
}

/// Judges one sight of the workload.
pub(super) fn look(found: &Deployment, step: &SetImage, mark: &str) -> Look {
    if found.metadata.uid.as_deref() != Some(&step.uid) {
        return Look::Drifted(text!("drift-another-workload"));
    }
    if found.metadata.annotations.as_ref().and_then(|all| all.get(DEPLOYMENT)).is_some_and(|id| id == mark) {
        return match rollout::changed(found, step) {
            Some(found) => Look::Overwritten(found),
            None => Look::Written,
        };
    }
    if found.metadata.deletion_timestamp.is_some() {
        return Look::Drifted(text!("drift-being-deleted"));
    }
    let containers = rollout::containers_of(found);
    if containers != step.all_containers {
        let (now, planned) = (rollout::join(&containers), rollout::join(&step.all_containers));
        return Look::Drifted(text!("drift-containers", now = now, planned = planned));
    }
    let now = |change: &ContainerChange| rollout::image_of(found, change.name.as_str()).unwrap_or_default().to_owned();
    if let Some(change) = step.containers.iter().find(|change| now(change) != change.from) {
        let (container, planned) = (change.name.as_str(), change.from.as_str());
        return Look::Drifted(text!("drift-image", container = container, now = now(change), planned = planned));
    }
    if let Some(why) = rollout::stands_still(found) {
        return Look::StandsStill(why);
    }
    if step.containers.iter().all(|change| change.from == change.to) {
        return Look::Written;
    }
    match &found.metadata.resource_version {
        Some(version) => Look::AsPlanned { version: version.clone(), rollouts: rollout::rollouts(&found.metadata) },
        None => Look::Drifted(text!("failure-nonsense")),
    }
}

/// Writes the images, from the version that was read.
pub(super) async fn write(
    connection: &Connection,
    job: &Job,
    step: &SetImage,
    version: &str,
) -> Result<Deployment, Failure> {
    let containers: Vec<_> =
        step.containers.iter().map(|change| json!({ "name": change.name, "image": change.to })).collect();
    let annotations = json!({
        RELEASE: job.release.label(),
        DEPLOYMENT: job.mark(),
        EPOCH: job.epoch.to_string(),
    });
    let spec = json!({ "template": { "spec": { "containers": containers } } });
    patch(connection, step, version, &annotations, Some(spec)).await
}

/// Changes an annotation and nothing else, from the version that was read. Once this is done, no
/// write that was made from this version or an earlier one can arrive any more.
pub(super) async fn fence(
    connection: &Connection,
    job: &Job,
    step: &SetImage,
    version: &str,
) -> Result<Deployment, Failure> {
    // Another value each time: a patch that changes nothing makes no new version.
    let annotations = json!({ FENCE: format!("{}/{version}", job.mark()) });
    patch(connection, step, version, &annotations, None).await
}

async fn patch(
    connection: &Connection,
    step: &SetImage,
    version: &str,
    annotations: &Value,
    spec: Option<Value>,
) -> Result<Deployment, Failure> {
    let mut patch = json!({ "metadata": { "resourceVersion": version, "annotations": annotations } });
    if let Some(spec) = spec {
        patch["spec"] = spec;
    }
    let api: Api<Deployment> = Api::namespaced(connection.client(), step.workload.namespace.as_str());
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    call(api.patch(step.workload.name.as_str(), &params, &Patch::Strategic(patch))).await
}
