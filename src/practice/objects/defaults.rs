//! What a server fills in where the client says nothing.
//!
//! Here: the defaults of workloads, pods, secrets and namespaces that a client
//! can see. Not here: refusing anything (`validate`).

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::{
    kinds::Kind,
    object::{self, default},
};

/// Fills in what is missing.
pub(in crate::practice) fn fill(kind: &Kind, object: &mut Value) {
    match kind.kind {
        "Deployment" => deployment(object),
        "ReplicaSet" => replica_set(object),
        "Pod" => pod(object),
        "Namespace" => namespace(object),
        "Secret" => secret(object),
        "Service" => {
            default(object, &["spec", "type"], "ClusterIP");
            default(object, &["spec", "sessionAffinity"], "None");
        }
        "RoleBinding" | "ClusterRoleBinding" => binding(object),
        _ => {}
    }
}

fn deployment(object: &mut Value) {
    default(object, &["spec", "replicas"], 1);
    default(object, &["spec", "revisionHistoryLimit"], 10);
    default(object, &["spec", "progressDeadlineSeconds"], 600);
    default(object, &["spec", "strategy", "type"], "RollingUpdate");
    if object.pointer("/spec/strategy/type") == Some(&json!("RollingUpdate")) {
        for field in ["maxSurge", "maxUnavailable"] {
            default(object, &["spec", "strategy", "rollingUpdate", field], "25%");
        }
    }
    template(object);
}

fn replica_set(object: &mut Value) {
    default(object, &["spec", "replicas"], 1);
    template(object);
}

fn template(object: &mut Value) {
    if let Some(spec) = object.pointer_mut("/spec/template/spec") {
        pod_spec(spec);
    }
}

fn pod(object: &mut Value) {
    let Some(spec) = object.get_mut("spec") else {
        return;
    };
    default(spec, &["serviceAccountName"], "default");
    pod_spec(spec);
    default(spec, &["enableServiceLinks"], true);
    default(spec, &["priority"], 0);
    default(spec, &["preemptionPolicy"], "PreemptLowerPriority");
    let tolerate = |key: &str| {
        json!({
            "key": format!("node.kubernetes.io/{key}"),
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": 300,
        })
    };
    default(spec, &["tolerations"], vec![tolerate("not-ready"), tolerate("unreachable")]);
}

fn pod_spec(spec: &mut Value) {
    default(spec, &["restartPolicy"], "Always");
    default(spec, &["terminationGracePeriodSeconds"], 30);
    default(spec, &["dnsPolicy"], "ClusterFirst");
    default(spec, &["securityContext"], json!({}));
    default(spec, &["schedulerName"], "default-scheduler");
    // The old name of the field goes along with the new one.
    let account = object::text(spec, "/serviceAccountName").to_owned();
    if account.is_empty() {
        object::take(spec, &["serviceAccount"]);
    } else {
        spec["serviceAccount"] = account.into();
    }
    for list in ["containers", "initContainers"] {
        if let Some(Value::Array(containers)) = spec.get_mut(list) {
            containers.iter_mut().for_each(container);
        }
    }
    if let Some(Value::Array(volumes)) = spec.get_mut("volumes") {
        for volume in volumes {
            for source in ["secret", "configMap", "projected", "downwardAPI"] {
                if volume.get(source).is_some_and(Value::is_object) {
                    default(volume, &[source, "defaultMode"], 420);
                }
            }
        }
    }
}

fn container(container: &mut Value) {
    let image = object::text(container, "/image");
    let policy = if is_latest(image) { "Always" } else { "IfNotPresent" };
    default(container, &["imagePullPolicy"], policy);
    default(container, &["resources"], json!({}));
    default(container, &["terminationMessagePath"], "/dev/termination-log");
    default(container, &["terminationMessagePolicy"], "File");
    if let Some(Value::Array(ports)) = container.get_mut("ports") {
        for port in ports {
            default(port, &["protocol"], "TCP");
        }
    }
    if let Some(Value::Array(variables)) = container.get_mut("env") {
        for variable in variables {
            if variable.pointer("/valueFrom/fieldRef").is_some() {
                default(variable, &["valueFrom", "fieldRef", "apiVersion"], "v1");
            }
        }
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(probe) = container.get_mut(name).filter(|probe| probe.is_object()) else {
            continue;
        };
        default(probe, &["timeoutSeconds"], 1);
        default(probe, &["periodSeconds"], 10);
        default(probe, &["successThreshold"], 1);
        default(probe, &["failureThreshold"], 3);
        if probe.get("httpGet").is_some_and(Value::is_object) {
            default(probe, &["httpGet", "scheme"], "HTTP");
            default(probe, &["httpGet", "path"], "/");
        }
    }
}

/// Whether an image is named by no digest and by no tag but `latest`.
fn is_latest(image: &str) -> bool {
    let name = image.rsplit('/').next().unwrap_or(image);
    !image.contains('@') && name.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

fn namespace(object: &mut Value) {
    let name = object::name(object).to_owned();
    object::put(object, &["metadata", "labels", "kubernetes.io/metadata.name"], name);
}

fn secret(object: &mut Value) {
    default(object, &["type"], "Opaque");
    let Some(Value::Object(plain)) = object::take(object, &["stringData"]) else {
        return;
    };
    for (key, value) in plain {
        let sealed = BASE64_STANDARD.encode(value.as_str().unwrap_or(""));
        object::put(object, &["data", key.as_str()], sealed);
    }
}

fn binding(object: &mut Value) {
    if let Some(Value::Array(subjects)) = object.get_mut("subjects") {
        for subject in subjects {
            if subject["kind"] != "ServiceAccount" {
                default(subject, &["apiGroup"], "rbac.authorization.k8s.io");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::practice::objects::kinds::DEPLOYMENTS;

    #[test]
    fn a_deployment_gets_what_a_server_fills_in() {
        let mut object = json!({"spec": {"template": {"spec": {"containers": [
            {"name": "web", "image": "web@sha256:aa"},
            {"name": "side", "image": "localhost:5000/side"},
        ]}}}});
        fill(&DEPLOYMENTS, &mut object);
        assert_eq!(object["spec"]["replicas"], 1);
        assert_eq!(object["spec"]["strategy"]["rollingUpdate"]["maxSurge"], "25%");
        let containers = &object["spec"]["template"]["spec"]["containers"];
        assert_eq!(containers[0]["imagePullPolicy"], "IfNotPresent");
        assert_eq!(containers[1]["imagePullPolicy"], "Always");
        let spec = &object["spec"]["template"]["spec"];
        assert_eq!(spec.get("serviceAccount"), None);
    }

    #[test]
    fn recreate_gets_no_rolling_update() {
        let mut object = json!({"spec": {"strategy": {"type": "Recreate"}}});
        fill(&DEPLOYMENTS, &mut object);
        assert_eq!(object["spec"]["strategy"].get("rollingUpdate"), None);
    }
}
