//! Admission rules of the real control plane: what they make of a write, and what they say to it.
//! (On the practice cluster a fault stands in for the first: `answers`.)

use kube::Api;
use kube::api::{ApiResource, DeleteParams, DynamicObject, PostParams};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};

use super::stage::{SOON, Stage, WEB, ended, lasted, policy, reasons};
use super::{Table, case};
use crate::support::{eventually, images};

pub const CASES: Table = &[
    case!(a_rule_that_rewrites_the_image_needs_attention),
    case!(a_rule_that_puts_the_old_image_back_needs_attention),
    case!(a_rule_that_says_no_fails_and_touches_nothing),
];

/// Makes a policy with its binding for the stage's namespace, and takes both away when asked.
struct Rule {
    made: Vec<(Api<DynamicObject>, String)>,
}

impl Rule {
    async fn make(stage: &Stage, kind: &str, spec: Value, actions: Value) -> Self {
        let name = stage.place.namespace.clone();
        let mut binding = json!({
            "policyName": name,
            "matchResources": { "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": name } } },
        });
        binding.as_object_mut().unwrap().extend(actions.as_object().unwrap().clone());
        let mut made = Vec::new();
        for (kind, spec) in [(kind.to_owned(), spec), (format!("{kind}Binding"), binding)] {
            let gvk = GroupVersionKind::gvk("admissionregistration.k8s.io", "v1", &kind);
            let plural = if kind.ends_with("Binding") {
                format!("{}s", kind.to_lowercase())
            } else {
                format!("{}ies", kind.to_lowercase().trim_end_matches('y'))
            };
            let resource = ApiResource::from_gvk_with_plural(&gvk, &plural);
            let api: Api<DynamicObject> = Api::all_with(stage.place.ground.client(), &resource);
            let object = DynamicObject::new(&name, &resource).data(json!({ "spec": spec }));
            api.create(&PostParams::default(), &object).await.unwrap();
            made.push((api, name.clone()));
        }
        Self { made }
    }

    async fn remove(self) {
        for (api, name) in self.made {
            api.delete(&name, &DeleteParams::default()).await.unwrap();
        }
    }
}

fn on_updates() -> Value {
    json!({ "resourceRules": [{
        "apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["deployments"],
    }] })
}

/// A rule that gives the first container this image, an expression over `object` and `oldObject`.
async fn rewriting(stage: &Stage, image: &str) -> Rule {
    let expression =
        format!("[JSONPatch{{op: \"replace\", path: \"/spec/template/spec/containers/0/image\", value: {image}}}]");
    let spec = json!({
        "matchConstraints": on_updates(), "failurePolicy": "Fail", "reinvocationPolicy": "Never",
        "mutations": [{ "patchType": "JSONPatch", "jsonPatch": { "expression": expression } }],
    });
    Rule::make(stage, "MutatingAdmissionPolicy", spec, json!({})).await
}

/// The API server learns of a rule by a watch: another workload says when it holds.
async fn in_force(stage: &Stage, holds: impl AsyncFn(&Stage) -> bool) {
    eventually("the rule to hold", 30, || async { holds(stage).await.then_some(()) }).await;
}

async fn trial(stage: &Stage) {
    stage
        .place
        .deploy("trial", &stage.image(&images::good("trial")), |object| object["spec"]["replicas"] = 1.into())
        .await;
}

async fn a_rule_that_rewrites_the_image_needs_attention(stage: Stage) {
    let history = stage.usual().await;
    let digest = images::good("after");
    let number = stage.signed(&digest).await;
    trial(&stage).await;
    let image = "object.spec.template.spec.containers[0].image.replace('registry.example', 'mirror.example')";
    let rule = rewriting(&stage, image).await;
    in_force(&stage, async |stage| {
        stage.place.set_image("trial", &stage.image(&images::good("trial"))).await;
        stage.place.image("trial").await.starts_with("mirror.example")
    })
    .await;
    stage.start(number).await;
    let deployment = stage.forward(number).await;
    ended(&deployment, "needs_attention", &["unknown"]);
    assert!(reasons(&deployment).contains("mirror.example"), "{deployment:#}");
    assert_eq!(history.spec_changes().await, 1);
    rule.remove().await;
}

async fn a_rule_that_puts_the_old_image_back_needs_attention(stage: Stage) {
    let history = stage.usual().await;
    let number = stage.signed(&images::good("after")).await;
    trial(&stage).await;
    let rule = rewriting(&stage, "oldObject.spec.template.spec.containers[0].image").await;
    in_force(&stage, async |stage| {
        let before = stage.place.image("trial").await;
        let other = stage.image(&images::good(&format!("{:?}", std::time::Instant::now())));
        stage.place.set_image("trial", &other).await;
        stage.place.image("trial").await == before
    })
    .await;
    stage.start(number).await;
    let deployment = stage.forward(number).await;
    ended(&deployment, "needs_attention", &["unknown"]);
    assert!(reasons(&deployment).contains(&stage.before()), "{deployment:#}");
    assert_eq!(history.spec_changes().await, 0);
    rule.remove().await;
}

async fn a_rule_that_says_no_fails_and_touches_nothing(stage: Stage) {
    let history = stage.with(policy(60)).await;
    let number = stage.signed(&images::good("after")).await;
    trial(&stage).await;
    let spec = json!({
        "matchConstraints": on_updates(), "failurePolicy": "Fail",
        "validations": [{ "expression": "false", "message": "only on Tuesdays" }],
        "matchConditions": [{ "name": "people", "expression": "!request.userInfo.username.startsWith('system:')" }],
    });
    let rule = Rule::make(&stage, "ValidatingAdmissionPolicy", spec, json!({ "validationActions": ["Deny"] })).await;
    in_force(&stage, async |stage| {
        let api = stage.place.api::<k8s_openapi::api::apps::v1::Deployment>();
        let label =
            kube::api::Patch::Merge(json!({ "metadata": { "labels": { "a": format!("t{}", std::process::id()) } } }));
        api.patch("trial", &Default::default(), &label).await.is_err()
    })
    .await;
    stage.start(number).await;
    let deployment = stage.forward(number).await;
    rule.remove().await;
    ended(&deployment, "failed", &["untouched"]);
    assert!(reasons(&deployment).contains("only on Tuesdays"), "{deployment:#}");
    assert!(lasted(&deployment) < SOON, "{deployment:#}");
    assert_eq!((history.images().await, history.spec_changes().await), (vec![stage.before()], 0));
    assert_eq!(stage.place.image(WEB).await, stage.before());
}
