//! How requests are answered.

use super::Case;
use crate::practice::bench::{Place, code, image, image_of, refusal};
use k8s_openapi::api::{
    apps::v1::Deployment,
    authentication::v1::TokenRequest,
    authorization::v1::SelfSubjectAccessReview,
    core::v1::{ConfigMap, Namespace, Pod, ServiceAccount},
    rbac::v1::{Role, RoleBinding},
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use serde_json::json;

pub const CASES: &[(&str, Case)] = &[
    case!(a_stale_version_is_a_conflict),
    case!(a_strategic_patch_finds_the_container_by_its_name),
    case!(a_json_patch_tests_before_it_writes),
    case!(a_patch_that_changes_nothing_writes_nothing),
    case!(generation_counts_specs_and_annotations),
    case!(the_field_manager_is_kept),
    case!(a_bad_object_is_refused_with_its_fields),
    case!(a_role_and_a_binding_grant_exactly_that),
    case!(a_review_says_what_one_may),
    case!(a_namespace_ends_with_all_it_holds),
];

async fn a_stale_version_is_a_conflict(place: Place) {
    let old = place.deploy("web", &image("aa"), |_| ()).await;
    place.rolled_out("web").await;
    let update = place.deployments().replace("web", &PostParams::default(), &old).await;
    let refused = refusal(update);
    assert_eq!((refused.code, refused.reason.as_str()), (409, "Conflict"));
    let patch = json!({"metadata": {"resourceVersion": old.resource_version()}, "spec": {"replicas": 4}});
    for patch in [Patch::Merge(patch.clone()), Patch::Strategic(patch)] {
        let refused = place.deployments().patch("web", &PatchParams::default(), &patch).await;
        assert_eq!(code(refused), 409);
    }
    assert_eq!(code(place.deployments().create(&PostParams::default(), &fresh(&old)).await), 409);
    assert_eq!(code(place.deployments().get("none").await), 404);
}

/// The same object as one that is to be made.
fn fresh(deployment: &Deployment) -> Deployment {
    let mut fresh = deployment.clone();
    fresh.metadata.resource_version = None;
    fresh.metadata.uid = None;
    fresh
}

async fn a_strategic_patch_finds_the_container_by_its_name(place: Place) {
    place
        .deploy("web", &image("aa"), |d| {
            d["spec"]["template"]["spec"]["containers"] = json!([
                {"name": "side", "image": "side:1", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
                {"name": "web", "image": image("aa")},
            ]);
        })
        .await;
    let spec = json!({"template": {"spec": {"containers": [
        {"name": "web", "image": image("bb")},
        {"name": "side", "env": [{"name": "B", "$patch": "delete"}, {"name": "A", "value": "9"}]},
    ]}}});
    let after = place.patch("web", spec).await.spec.unwrap().template.spec.unwrap().containers;
    let names: Vec<&str> = after.iter().map(|container| container.name.as_str()).collect();
    // Elements the patch names stand in the order the patch has them.
    assert_eq!(names, ["web", "side"]);
    assert_eq!(after[0].image.as_deref(), Some(image("bb").as_str()));
    assert_eq!(after[1].image.as_deref(), Some("side:1"));
    let env = after[1].env.as_ref().unwrap();
    assert_eq!((env.len(), env[0].value.as_deref()), (1, Some("9")));

    let unknown = json!({"spec": {"template": {"spec": {"containers": [{"name": "other"}]}}}});
    let refused = place.deployments().patch("web", &PatchParams::default(), &Patch::Strategic(unknown)).await;
    let refused = refusal(refused);
    assert_eq!(refused.code, 422);
    assert_eq!(
        refused.message,
        "Deployment.apps \"web\" is invalid: spec.template.spec.containers[0].image: Required value"
    );
}

async fn a_json_patch_tests_before_it_writes(place: Place) {
    place.deploy("web", &image("aa"), |_| ()).await;
    let path = "/spec/template/spec/containers/0/image";
    let patch = |was: &str| {
        let operations = json!([
            {"op": "test", "path": path, "value": was},
            {"op": "replace", "path": path, "value": image("bb")},
        ]);
        Patch::<()>::Json(serde_json::from_value(operations).unwrap())
    };
    let parameters = PatchParams::default();
    assert_eq!(code(place.deployments().patch("web", &parameters, &patch("other")).await), 422);
    place.deployments().patch("web", &parameters, &patch(&image("aa"))).await.unwrap();
    place.rolled_out("web").await;
    assert!(place.pods("web").await.iter().all(|pod| image_of(pod) == image("bb")));
}

async fn a_patch_that_changes_nothing_writes_nothing(place: Place) {
    let maps: Api<ConfigMap> = place.api();
    let map = serde_json::from_value(json!({"metadata": {"name": "notes"}, "data": {"a": "1"}})).unwrap();
    let made = maps.create(&PostParams::default(), &map).await.unwrap();
    let patch = Patch::Merge(json!({"data": {"a": "1"}}));
    let kept = maps.patch("notes", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(made.resource_version(), kept.resource_version());
    let dry = PatchParams { dry_run: true, ..PatchParams::default() };
    let shown = maps.patch("notes", &dry, &Patch::Merge(json!({"data": {"a": "2"}}))).await.unwrap();
    assert_eq!(shown.data.unwrap()["a"], "2");
    assert_eq!(maps.get("notes").await.unwrap().data.unwrap()["a"], "1");
}

async fn generation_counts_specs_and_annotations(place: Place) {
    place.deploy("web", &image("aa"), |d| d["spec"]["paused"] = true.into()).await;
    let patch = async |patch| {
        let patch = Patch::Merge(patch);
        let after = place.deployments().patch("web", &PatchParams::default(), &patch).await.unwrap();
        after.metadata.generation.unwrap()
    };
    assert_eq!(patch(json!({"metadata": {"labels": {"a": "1"}}})).await, 1);
    assert_eq!(patch(json!({"spec": {"minReadySeconds": 1}})).await, 2);
    assert_eq!(patch(json!({"metadata": {"annotations": {"a": "1"}}})).await, 3);
}

async fn the_field_manager_is_kept(place: Place) {
    place.deploy("web", &image("aa"), |_| ()).await;
    place.set_image("web", &image("bb")).await;
    let after = place.rolled_out("web").await;
    let managers: Vec<_> = after.managed_fields().iter().map(|entry| entry.manager.clone().unwrap()).collect();
    assert!(managers.contains(&"tidegate".to_owned()), "{managers:?}");
    assert!(managers.contains(&"kube-controller-manager".to_owned()), "{managers:?}");
}

async fn a_bad_object_is_refused_with_its_fields(place: Place) {
    let bad = serde_json::from_value(json!({
        "metadata": {"name": "X_y"},
        "spec": {"selector": {}, "template": {}},
    }));
    let refused = refusal(place.deployments().create(&PostParams::default(), &bad.unwrap()).await);
    assert_eq!(refused.code, 422);
    let mut fields: Vec<String> = refused.details.unwrap().causes.into_iter().map(|cause| cause.field).collect();
    fields.sort();
    assert!(fields.contains(&"metadata.name".to_owned()), "{fields:?}");
    assert!(fields.contains(&"spec.template.spec.containers".to_owned()), "{fields:?}");

    place.deploy("web", &image("aa"), |_| ()).await;
    let selector = json!({"spec": {"selector": {"matchLabels": {"app": "other"}}}});
    let refused = place.deployments().patch("web", &PatchParams::default(), &Patch::Merge(selector)).await;
    assert_eq!(code(refused), 422);
}

/// Gives a service account a role, and returns a client with its token.
async fn granted(place: &Place, name: &str, rules: serde_json::Value) -> Place {
    let post = PostParams::default();
    let account: ServiceAccount = serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
    place.api().create(&post, &account).await.unwrap();
    let role: Role = serde_json::from_value(json!({"metadata": {"name": name}, "rules": rules})).unwrap();
    place.api().create(&post, &role).await.unwrap();
    let binding: RoleBinding = serde_json::from_value(json!({
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": place.namespace}],
    }))
    .unwrap();
    place.api().create(&post, &binding).await.unwrap();
    let request: TokenRequest =
        serde_json::from_value(json!({"spec": {"audiences": [], "expirationSeconds": 600}})).unwrap();
    let token = place.api::<ServiceAccount>().create_token_request(name, &post, &request).await.unwrap();
    place.with_token(&token.status.unwrap().token)
}

async fn a_role_and_a_binding_grant_exactly_that(place: Place) {
    place.deploy("web", &image("aa"), |_| ()).await;
    place.deploy("api", &image("aa"), |_| ()).await;
    let rules = json!([{
        "apiGroups": ["apps"],
        "resources": ["deployments"],
        "resourceNames": ["web"],
        "verbs": ["get", "patch", "list", "watch"],
    }]);
    let deployer = granted(&place, "deployer", rules).await;
    deployer.set_image("web", &image("bb")).await;
    deployer.deployments().list(&ListParams::default().fields("metadata.name=web")).await.unwrap();
    let refused = refusal(deployer.deployments().get("api").await);
    assert_eq!((refused.code, refused.reason.as_str()), (403, "Forbidden"));
    assert_eq!(
        refused.message,
        format!(
            "deployments.apps \"api\" is forbidden: User \"system:serviceaccount:{place}:deployer\" cannot get resource \"deployments\" in API group \"apps\" in the namespace \"{place}\"",
            place = place.namespace
        )
    );
    assert_eq!(code(deployer.deployments().list(&ListParams::default()).await), 403);
    assert_eq!(code(deployer.deployments().delete("web", &DeleteParams::default()).await), 403);
    assert_eq!(code(deployer.api::<Pod>().list(&ListParams::default()).await), 403);
    assert_eq!(code(Api::<Namespace>::all(deployer.client.clone()).list(&ListParams::default()).await), 403);

    place.api::<ServiceAccount>().delete("deployer", &DeleteParams::default()).await.unwrap();
    let mut last = 0;
    for _ in 0..300 {
        last = deployer.deployments().get("web").await.map_or_else(|error| code::<()>(Err(error)), |_| 200);
        if last == 401 {
            break;
        }
        // A real server remembers a token for ten seconds.
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(last, 401);
}

async fn a_review_says_what_one_may(place: Place) {
    let rules = json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]);
    let reader = granted(&place, "reader", rules).await;
    let may = async |verb: &str, namespace: &str| {
        let review: SelfSubjectAccessReview = serde_json::from_value(json!({
            "spec": {"resourceAttributes": {"verb": verb, "resource": "pods", "namespace": namespace}},
        }))
        .unwrap();
        let reviews = Api::<SelfSubjectAccessReview>::all(reader.client.clone());
        reviews.create(&PostParams::default(), &review).await.unwrap().status.unwrap().allowed
    };
    assert!(may("list", &place.namespace).await);
    assert!(!may("delete", &place.namespace).await);
    assert!(!may("list", "default").await);
}

async fn a_namespace_ends_with_all_it_holds(place: Place) {
    let name = format!("{}-ends", place.namespace);
    let other = Place::make(&place.cluster, &name).await;
    other.deploy("web", &image("aa"), |_| ()).await;
    other.rolled_out("web").await;
    let deployments = other.deployments();
    other.remove().await;
    assert_eq!(code(deployments.get("web").await), 404);
    let map: ConfigMap = serde_json::from_value(json!({"metadata": {"name": "late"}})).unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(place.client.clone(), &name);
    assert_eq!(code(maps.create(&PostParams::default(), &map).await), 404);
}
