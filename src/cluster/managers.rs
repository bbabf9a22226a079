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
