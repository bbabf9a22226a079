//! Looking at a cluster without changing it: the plan of a release is made here, from what runs.

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::Api;
use kube::api::ListParams;

use super::connect::{Connection, call};
use super::error::Failure;
use super::managers::managers;
use super::rollout;
use crate::domain::id::TargetId;
use crate::domain::image::{Digest, ImageRef};
use crate::domain::name::Label;
use crate::domain::plan::{ContainerChange, Plan, SetImage, Step};
use crate::domain::service::{Workload, WorkloadKind};
use crate::domain::text::Text;
use crate::text;

/// Objects of one answer: a pod is rarely larger than 20 KiB, and an answer may be 8 MiB.
pub(super) const PAGE: u32 = 200;
/// Objects of a kind that are looked at for one workload: what a server sends is held in memory.
pub(super) const MOST: usize = 5_000;
/// Answers that one list may come in; a full page each would be half of them.
const PAGES: usize = 50;
/// Longest time for a whole plan.
const PLAN: Duration = Duration::from_secs(120);

/// A target to plan for.
#[derive(Clone, Debug)]
pub struct PlanTarget {
    /// Which.
    pub id: TargetId,
    /// The workload.
    pub workload: Workload,
    /// Containers that get the image.
    pub containers: Vec<Label>,
}

/// Reads the workloads and says what bringing the image to them would change.
///
/// # Errors
/// Why that cannot be said.
pub async fn plan(connection: &Connection, targets: &[PlanTarget], image: &ImageRef) -> Result<Plan, Text> {
    let made = tokio::time::timeout(PLAN, make(connection, targets, image)).await;
    made.unwrap_or_else(|_| Err(text!("plan-too-slow", minutes = 2_i64)))
}

async fn make(connection: &Connection, targets: &[PlanTarget], image: &ImageRef) -> Result<Plan, Text> {
    let mut plan = Plan { cluster: connection.fingerprint().to_owned(), steps: Vec::new(), warnings: Vec::new() };
    for target in targets {
        let WorkloadKind::Deployment = target.workload.kind;
        let named = |failure: Failure| {
            text!("plan-cannot-read", workload = target.workload.to_string(), reason = failure.text())
        };
        let found = read(connection, &target.workload).await.map_err(named)?;
        let pods = pods(connection, &target.workload, &found).await.map_err(named)?;
        for tool in managers(&found.metadata) {
            plan.warnings.push(text!("plan-managed", workload = target.workload.to_string(), tool = tool));
        }
        if let Some(reason) = rollout::stands_still(&found) {
            plan.warnings.push(text!("plan-stands-still", workload = target.workload.to_string(), reason = reason));
        }
        plan.steps.push(Step::SetImage(set_image(target, &found, &pods, image)?));
    }
    Ok(plan)
}

/// Reads one workload.
pub(super) async fn read(connection: &Connection, workload: &Workload) -> Result<Deployment, Failure> {
    let api: Api<Deployment> = Api::namespaced(connection.client(), workload.namespace.as_str());
    call(api.get(workload.name.as_str())).await
}

async fn pods(connection: &Connection, workload: &Workload, found: &Deployment) -> Result<Vec<Pod>, Failure> {
    let Some(selector) = found.spec.as_ref().map(|spec| selector(&spec.selector)) else { return Ok(Vec::new()) };
    let api: Api<Pod> = Api::namespaced(connection.client(), workload.namespace.as_str());
    let mut page = ListParams::default().labels(&selector).limit(PAGE);
    let mut pods = Vec::new();
    for _ in 0..PAGES {
        let list = call(api.list(&page)).await?;
        pods.extend(list.items.into_iter().map(|pod| Pod { status: pod.status, ..Pod::default() }));
        if pods.len() > MOST {
            break;
        }
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return Ok(pods),
        }
    }
    Err(Failure::TooMany)
}

/// A label selector as a query writes it.
pub(super) fn selector(selector: &LabelSelector) -> String {
    let mut parts = Vec::new();
    for (key, value) in selector.match_labels.iter().flatten() {
        parts.push(format!("{key}={value}"));
    }
    for requirement in selector.match_expressions.iter().flatten() {
        let key = &requirement.key;
        let values = requirement.values.as_deref().unwrap_or_default().join(",");
        parts.push(match requirement.operator.as_str() {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.clone(),
        });
    }
    parts.join(",")
}

fn set_image(target: &PlanTarget, found: &Deployment, pods: &[Pod], image: &ImageRef) -> Result<SetImage, Text> {
    let name = || target.workload.to_string();
    let spec = found.spec.as_ref().ok_or_else(|| text!("plan-no-spec", workload = name()))?;
    let template = spec.template.spec.as_ref().ok_or_else(|| text!("plan-no-spec", workload = name()))?;
    let mut containers = Vec::new();
    for wanted in &target.containers {
        let container = template.containers.iter().find(|container| container.name == wanted.as_str());
        let container = container.ok_or_else(|| {
            let known: Vec<&str> = template.containers.iter().map(|container| container.name.as_str()).collect();
            text!("plan-no-container", workload = name(), container = wanted.as_str(), known = known.join(", "))
        })?;
        containers.push(ContainerChange {
            name: wanted.clone(),
            from: container.image.clone().unwrap_or_default(),
            running: running(pods, wanted),
            to: image.pull_string(),
        });
    }
    Ok(SetImage {
        target: target.id,
        workload: target.workload.clone(),
        uid: found.metadata.uid.clone().unwrap_or_default(),
        containers,
        all_containers: rollout::containers_of(found),
        replicas: spec.replicas.unwrap_or(1),
        generation: found.metadata.generation.unwrap_or_default(),
    })
}

/// Digests that the pods report for a container.
fn running(pods: &[Pod], container: &Label) -> BTreeSet<Digest> {
    let statuses =
        pods.iter().filter_map(|pod| pod.status.as_ref()).flat_map(|status| status.container_statuses.iter().flatten());
    statuses
        .filter(|status| status.name == container.as_str())
        .filter_map(|status| status.image_id.rsplit_once('@').and_then(|(_, digest)| Digest::parse(digest).ok()))
        .collect()
}
