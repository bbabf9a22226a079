//! A ground for trying things out: one namespace of its own with a few Deployments, made and taken
//! away again. For `tidegate demo`; the portal itself makes and deletes nothing in a cluster.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Node};
use kube::Api;
use kube::api::{DeleteParams, ListParams, PostParams};
use serde_json::json;

use super::connect::{Connection, call};
use super::error::Failure;
use crate::domain::name::{Label, WorkloadName};
use crate::domain::text::Text;
use crate::text;

/// A Deployment of the ground.
#[derive(Clone, Debug)]
pub struct Plot {
    /// Its name.
    pub name: WorkloadName,
    /// Its one container.
    pub container: Label,
    /// How many pods.
    pub replicas: u32,
    /// What they run at first.
    pub image: String,
}

/// Name and value of the label that says whose the namespace is.
pub const MARK: (&str, &str) = ("app.kubernetes.io/managed-by", "tidegate-demo");

/// How often something that takes time is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Whether all nodes are make-believe (kwok): then nothing pulls images, and an image's digest
/// chooses what becomes of a pod. Whoever may not see the nodes is taken to have real ones.
///
/// # Errors
/// Why the cluster cannot be read.
pub async fn is_make_believe(connection: &Connection) -> Result<bool, Text> {
    let nodes: Api<Node> = Api::all(connection.client());
    let list = match call(nodes.list(&ListParams::default())).await {
        Ok(list) => list,
        Err(Failure::Forbidden(_)) => return Ok(false),
        Err(failure) => return Err(failure.text()),
    };
    let kwok = |node: &Node| {
        let kind = node.metadata.labels.as_ref().and_then(|labels| labels.get("type"));
        kind.is_some_and(|kind| kind == "kwok")
    };
    Ok(!list.items.is_empty() && list.items.iter().all(kwok))
}

/// Makes the namespace.
///
/// # Errors
/// Why it cannot be made. A namespace of that name that was there before is nobody's to use.
pub async fn make(connection: &Connection, namespace: &Label) -> Result<(), Text> {
    let api: Api<Namespace> = Api::all(connection.client());
    let wanted = json!({ "metadata": { "name": namespace, "labels": { MARK.0: MARK.1 } } });
    let Ok(wanted) = serde_json::from_value(wanted) else { return Err(text!("failure-nonsense")) };
    call(api.create(&PostParams::default(), &wanted)).await.map(|_| ()).map_err(|failure| failure.text())
}

/// Puts the Deployments there, and waits until they serve.
///
/// # Errors
/// Why they cannot be made, or that they do not serve in time.
pub async fn plant(connection: &Connection, namespace: &Label, plots: &[Plot], patience: Duration) -> Result<(), Text> {
    let api: Api<Deployment> = Api::namespaced(connection.client(), namespace.as_str());
    for plot in plots {
        let Ok(wanted) = serde_json::from_value(deployment(plot)) else { return Err(text!("failure-nonsense")) };
        call(api.create(&PostParams::default(), &wanted)).await.map_err(|failure| failure.text())?;
    }
    let until = tokio::time::Instant::now() + patience;
    loop {
        let found = call(api.list(&ListParams::default())).await.map_err(|failure| failure.text())?;
        let serves = |one: &Deployment| {
            let wanted = one.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
            one.status.as_ref().and_then(|status| status.available_replicas).unwrap_or(0) >= wanted
        };
        if found.items.len() >= plots.len() && found.items.iter().all(serves) {
            return Ok(());
        }
        if tokio::time::Instant::now() > until {
            return Err(text!("failure-timeout"));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// As the strictest Pod Security level and a quota want it.
fn deployment(plot: &Plot) -> serde_json::Value {
    let labels = json!({ "app": plot.name, MARK.0: MARK.1 });
    json!({
        "metadata": { "name": plot.name, "labels": labels },
        "spec": {
            "replicas": plot.replicas,
            "selector": { "matchLabels": { "app": plot.name } },
            "template": {
                "metadata": { "labels": labels },
                "spec": {
                    "automountServiceAccountToken": false,
                    "terminationGracePeriodSeconds": 1,
                    "securityContext": {
                        "runAsNonRoot": true, "runAsUser": 65535, "seccompProfile": { "type": "RuntimeDefault" },
                    },
                    "containers": [{
                        "name": plot.container,
                        "image": plot.image,
                        "resources": {
                            "requests": { "cpu": "1m", "memory": "8Mi" }, "limits": { "cpu": "50m", "memory": "32Mi" },
                        },
                        "securityContext": { "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } },
                    }],
                },
            },
        },
    })
}

/// Deletes the namespace with everything in it, and waits until it is gone. One that is not there
/// is fine; one that bears no mark of ours is left alone.
///
/// # Errors
/// Why it cannot be deleted, or that it is not gone in time.
pub async fn clear(connection: &Connection, namespace: &Label, patience: Duration) -> Result<(), Text> {
    let api: Api<Namespace> = Api::all(connection.client());
    let until = tokio::time::Instant::now() + patience;
    let mut asked = false;
    loop {
        let found = match call(api.get_opt(namespace.as_str())).await {
            Ok(found) => found,
            Err(failure) if failure.may_pass() && tokio::time::Instant::now() < until => {
                tokio::time::sleep(LOOK).await;
                continue;
            }
            Err(failure) => return Err(failure.text()),
        };
        let Some(found) = found else { return Ok(()) };
        let ours = found.metadata.labels.as_ref().and_then(|labels| labels.get(MARK.0)).is_some_and(|by| by == MARK.1);
        if !ours {
            return Ok(());
        }
        if !asked {
            match call(api.delete(namespace.as_str(), &DeleteParams::default())).await {
                Ok(_) => asked = true,
                Err(Failure::NotFound(_)) => return Ok(()),
                Err(failure) if failure.may_pass() => {}
                Err(failure) => return Err(failure.text()),
            }
        }
        if tokio::time::Instant::now() > until {
            return Err(text!("failure-timeout"));
        }
        tokio::time::sleep(LOOK).await;
    }
}
