//! Who else keeps a workload as they want it, and would put back what a release changes. Told by
//! the labels, annotations and field managers that those tools document.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// Names of the tools that manage an object.
pub fn managers(meta: &ObjectMeta) -> Vec<&'static str> {
    let label = |key: &str| meta.labels.as_ref().and_then(|labels| labels.get(key));
    let annotation = |key: &str| meta.annotations.as_ref().is_some_and(|annotations| annotations.contains_key(key));
    let field_manager = |names: &[&str]| {
        let mut entries = meta.managed_fields.iter().flatten();
        entries.any(|entry| entry.manager.as_deref().is_some_and(|manager| names.contains(&manager)))
    };
    let mut found = Vec::new();
    let argo = annotation("argocd.argoproj.io/tracking-id")
        || label("argocd.argoproj.io/instance").is_some()
        || field_manager(&["argocd-controller", "argocd-application-controller"]);
    if argo {
        found.push("Argo CD");
    }
    let flux = label("kustomize.toolkit.fluxcd.io/name").is_some()
        || label("helm.toolkit.fluxcd.io/name").is_some()
        || field_manager(&["kustomize-controller", "helm-controller"]);
    if flux {
        found.push("Flux");
    }
    let helm = label("app.kubernetes.io/managed-by").is_some_and(|by| by == "Helm")
        || annotation("meta.helm.sh/release-name")
        || field_manager(&["helm"]);
    if helm {
        found.push("Helm");
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whoever_keeps_a_workload_is_told_by_what_they_leave_on_it() {
        for (meta, expected) in [
            (json!({}), &[][..]),
            (json!({ "labels": { "app.kubernetes.io/managed-by": "kubectl" } }), &[]),
            (json!({ "managedFields": [{ "manager": "kubectl-client-side-apply" }, { "manager": "tidegate" }] }), &[]),
            (
                json!({ "annotations": { "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web" } }),
                &["Argo CD"],
            ),
            (json!({ "labels": { "argocd.argoproj.io/instance": "shop" } }), &["Argo CD"]),
            (json!({ "managedFields": [{ "manager": "argocd-controller" }] }), &["Argo CD"]),
            (json!({ "labels": { "kustomize.toolkit.fluxcd.io/name": "apps" } }), &["Flux"]),
            (json!({ "managedFields": [{ "manager": "helm-controller" }] }), &["Flux"]),
            (json!({ "labels": { "app.kubernetes.io/managed-by": "Helm" } }), &["Helm"]),
            (json!({ "annotations": { "meta.helm.sh/release-name": "shop" } }), &["Helm"]),
            (
                json!({ "labels": { "helm.toolkit.fluxcd.io/name": "shop" }, "annotations": { "meta.helm.sh/release-name": "shop" } }),
                &["Flux", "Helm"],
            ),
        ] {
            let found = managers(&serde_json::from_value(meta.clone()).unwrap());
            assert_eq!(found, expected, "{meta}");
        }
    }
}
