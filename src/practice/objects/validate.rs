//! What a server refuses as invalid.
//!
//! Here: names, and the rules for Deployments, ReplicaSets and Pods that a
//! client of a portal can run into, with the words a real server uses. Not here:
//! wrong JSON types (the kind's `shape` finds those), conflicts, permissions.

use serde_json::{Value, json};

use super::{
    kinds::Kind,
    object::{int, labels, list, name, text},
    refused::{Cause, Refused},
    selector::Selector,
};

const NAME_RULE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_RULE: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

/// Checks an object, and what may not differ from `before`.
pub(in crate::practice) fn check(kind: &Kind, object: &Value, before: Option<&Value>) -> Result<(), Refused> {
    let mut causes = Vec::new();
    named(kind, object, &mut causes);
    match kind.kind {
        "Deployment" => {
            workload(object, before, &mut causes);
            deployment(object, &mut causes);
        }
        "ReplicaSet" => workload(object, before, &mut causes),
        "Pod" => pod(object, before, &mut causes),
        "RoleBinding" | "ClusterRoleBinding" if before.is_some_and(|before| before["roleRef"] != object["roleRef"]) => {
            causes.push(Cause::invalid("roleRef", &object["roleRef"], "cannot change roleRef"));
        }
        _ => {}
    }
    if causes.is_empty() {
        return Ok(());
    }
    Err(Refused::invalid(kind.group, kind.kind, name(object), &causes))
}

/// Whether this is a DNS label: at most 63 lower-case letters, digits and inner
/// hyphens.
fn is_label(name: &str) -> bool {
    name.len() <= 63 && is_part(name)
}

/// Whether this is made of DNS labels; here only the whole is limited in length.
fn is_subdomain(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_part)
}

fn is_part(name: &str) -> bool {
    let outer = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    bytes.iter().all(|byte| outer(byte) || *byte == b'-')
        && bytes.first().is_some_and(outer)
        && bytes.last().is_some_and(outer)
}

fn named(kind: &Kind, object: &Value, causes: &mut Vec<Cause>) {
    let name = name(object);
    let rule = match kind.kind {
        "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding" => {
            if name.is_empty() || name == "." || name == ".." || name.contains(['/', '%']) {
                Some("may not contain '/' or '%'")
            } else {
                None
            }
        }
        "Namespace" | "Service" => (!is_label(name)).then_some(LABEL_RULE),
        _ => (!is_subdomain(name)).then_some(NAME_RULE),
    };
    if name.is_empty() {
        causes.push(Cause::required("metadata.name", "name or generateName is required"));
    } else if let Some(rule) = rule {
        causes.push(Cause::invalid("metadata.name", &json!(name), rule));
    }
}

fn workload(object: &Value, before: Option<&Value>, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    if int(spec, "/replicas") < 0 {
        causes.push(not_negative("spec.replicas", spec["replicas"].clone()));
    }
    let selector = Selector::of_object(&spec["selector"]);
    if selector.is_none() {
        causes.push(Cause::required("spec.selector", ""));
    }
    let template = &spec["template"];
    if selector.is_none_or(|selector| !selector.matches_labels(labels(template))) {
        let labels = template.pointer("/metadata/labels").cloned().unwrap_or(Value::Null);
        causes.push(Cause::invalid(
            "spec.template.metadata.labels",
            &labels,
            "`selector` does not match template `labels`",
        ));
    }
    containers(&template["spec"], "spec.template.spec", causes);
    let policy = text(template, "/spec/restartPolicy");
    if policy != "Always" && !policy.is_empty() {
        causes.push(Cause::not_supported("spec.template.spec.restartPolicy", policy, &["Always"]));
    }
    if before.is_some_and(|before| before["spec"]["selector"] != spec["selector"]) {
        causes.push(Cause::invalid("spec.selector", &spec["selector"], "field is immutable"));
    }
}

fn deployment(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    let strategy = &spec["strategy"];
    match text(strategy, "/type") {
        "Recreate" => {
            if strategy.get("rollingUpdate").is_some_and(Value::is_object) {
                causes.push(Cause::forbidden(
                    "spec.strategy.rollingUpdate",
                    "may not be specified when strategy `type` is 'Recreate'",
                ));
            }
        }
        "RollingUpdate" => {
            let bounds = ["maxUnavailable", "maxSurge"].map(|field| {
                let value = &strategy["rollingUpdate"][field];
                let count = count(value);
                if count.is_none() {
                    causes.push(Cause::invalid(
                        format!("spec.strategy.rollingUpdate.{field}"),
                        value,
                        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
                    ));
                }
                count
            });
            if bounds == [Some(0), Some(0)] {
                causes.push(Cause::invalid(
                    "spec.strategy.rollingUpdate.maxUnavailable",
                    &strategy["rollingUpdate"]["maxUnavailable"],
                    "may not be 0 when `maxSurge` is 0",
                ));
            }
        }
        other => causes.push(Cause::not_supported("spec.strategy.type", other, &["Recreate", "RollingUpdate"])),
    }
    for field in ["minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"] {
        if spec[field].as_i64().is_some_and(|value| value < 0) {
            causes.push(not_negative(&format!("spec.{field}"), spec[field].clone()));
        }
    }
    let deadline = spec["progressDeadlineSeconds"].as_i64();
    if deadline.is_some_and(|deadline| deadline <= int(spec, "/minReadySeconds")) {
        causes.push(Cause::invalid(
            "spec.progressDeadlineSeconds",
            &spec["progressDeadlineSeconds"],
            "must be greater than minReadySeconds",
        ));
    }
}

/// A count of pods, or its percentage.
fn count(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.strip_suffix('%')?.parse().ok().filter(|n| *n >= 0),
        other => other.as_i64().filter(|n| *n >= 0),
    }
}

fn not_negative(field: &str, value: Value) -> Cause {
    Cause::invalid(field, &value, "must be greater than or equal to 0")
}

fn containers(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    let in_pod = path == "spec";
    if list(spec, "/containers").is_empty() {
        causes.push(Cause::required(format!("{path}.containers"), ""));
    }
    let mut names = Vec::new();
    for field in ["containers", "initContainers"] {
        let pointer = format!("/{field}");
        for (place, container) in list(spec, &pointer).iter().enumerate() {
            let path = format!("{path}.{field}[{place}]");
            let name = text(container, "/name");
            if name.is_empty() {
                causes.push(Cause::required(format!("{path}.name"), ""));
            } else if !is_label(name) {
                causes.push(Cause::invalid(format!("{path}.name"), &json!(name), LABEL_RULE));
            } else if names.contains(&name) {
                causes.push(Cause::duplicate(format!("{path}.name"), name));
            }
            names.push(name);
            let image = text(container, "/image");
            if image.is_empty() {
                causes.push(Cause::required(format!("{path}.image"), ""));
            } else if in_pod && image.trim() != image {
                // Only in a pod itself, not in a template.
                causes.push(Cause::invalid(
                    format!("{path}.image"),
                    &json!(image),
                    "must not have leading or trailing whitespace",
                ));
            }
        }
    }
}

fn pod(object: &Value, before: Option<&Value>, causes: &mut Vec<Cause>) {
    containers(&object["spec"], "spec", causes);
    let Some(before) = before else {
        return;
    };
    if frozen(&object["spec"]) != frozen(&before["spec"]) {
        causes.push(Cause::forbidden(
            "spec",
            "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
        ));
    }
}

/// What of a pod's spec never changes. The node is given once, by the scheduler,
/// which does not come by this way.
fn frozen(spec: &Value) -> Value {
    let mut spec = spec.clone();
    for field in ["containers", "initContainers"] {
        if let Some(Value::Array(containers)) = spec.get_mut(field) {
            for container in containers {
                container["image"] = Value::Null;
            }
        }
    }
    for field in ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"] {
        spec[field] = Value::Null;
    }
    spec
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::practice::objects::{defaults, kinds::DEPLOYMENTS};

    fn deployment(change: impl FnOnce(&mut Value)) -> Result<(), Refused> {
        let mut object = json!({
            "metadata": {"name": "web"},
            "spec": {
                "selector": {"matchLabels": {"app": "web"}},
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {"containers": [{"name": "web", "image": "web:1"}]},
                },
            },
        });
        change(&mut object);
        defaults::fill(&DEPLOYMENTS, &mut object);
        check(&DEPLOYMENTS, &object, None)
    }

    #[test]
    fn a_good_deployment_passes() {
        assert_eq!(deployment(|_| {}), Ok(()));
    }

    #[test]
    fn a_container_without_image_is_named_in_the_answer() {
        let refused = deployment(|object| {
            object["spec"]["template"]["spec"]["containers"][0] = json!({"name": "other"});
        })
        .unwrap_err();
        assert_eq!(refused.code, 422);
        assert_eq!(
            refused.message,
            "Deployment.apps \"web\" is invalid: spec.template.spec.containers[0].image: Required value"
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        type Break = fn(&mut Value);
        let breaks: [Break; 7] = [
            |object| object["metadata"]["name"] = "X_y".into(),
            |object| object["spec"]["selector"] = Value::Null,
            |object| object["spec"]["template"]["metadata"]["labels"]["app"] = "api".into(),
            |object| object["spec"]["strategy"] = json!({"type": "Recreate", "rollingUpdate": {}}),
            |object| object["spec"]["progressDeadlineSeconds"] = 0.into(),
            |object| object["spec"]["replicas"] = (-1).into(),
            |object| {
                object["spec"]["strategy"] = json!({"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}});
            },
        ];
        for (place, broken) in breaks.into_iter().enumerate() {
            assert!(deployment(broken).is_err(), "{place}");
        }
    }
}
