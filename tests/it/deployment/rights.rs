//! Accounts that may not do what the job needs.

use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::stage::{SOON, Stage, ended, lasted, policy, reasons};
use super::{Table, case};
use crate::support::images;

pub const CASES: Table = &[
    case!(an_account_that_may_only_look_fails_and_touches_nothing),
    case!(rights_taken_away_after_the_look_fail_and_touch_nothing),
    case!(rights_taken_away_after_the_write_need_attention_at_the_deadline),
];

pub const PRACTICE: Table = &[case!(an_account_that_is_gone_fails_and_touches_nothing)];

fn rules(on_workloads: &[&str]) -> Value {
    let look = ["get", "list", "watch"];
    json!([
        { "apiGroups": ["apps"], "resources": ["deployments"], "verbs": on_workloads },
        { "apiGroups": ["apps"], "resources": ["replicasets"], "verbs": look },
        { "apiGroups": [""], "resources": ["pods", "events"], "verbs": look },
    ])
}

const LOOK: &[&str] = &["get", "list", "watch"];
const ALL: &[&str] = &["get", "list", "watch", "patch"];

/// Gives the stage a cluster of its own in the portal, with an account that may do this to
/// Deployments.
async fn account(stage: &mut Stage, on_workloads: &[&str]) {
    let (name, namespace) = (stage.name.clone(), stage.place.namespace.clone());
    let meta = json!({ "name": "tidegate" });
    let make = PostParams::default();
    let object = |value: Value| serde_json::from_value(value).unwrap();
    let accounts = stage.place.api::<ServiceAccount>();
    accounts.create(&make, &object(json!({ "metadata": meta }))).await.unwrap();
    let role = json!({ "metadata": meta, "rules": rules(on_workloads) });
    stage.place.api::<Role>().create(&make, &serde_json::from_value(role).unwrap()).await.unwrap();
    let binding = json!({
        "metadata": meta,
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "tidegate" },
        "subjects": [{ "kind": "ServiceAccount", "name": "tidegate", "namespace": namespace }],
    });
    stage.place.api::<RoleBinding>().create(&make, &serde_json::from_value(binding).unwrap()).await.unwrap();
    let request: TokenRequest =
        serde_json::from_value(json!({ "spec": { "audiences": [], "expirationSeconds": 3600 } })).unwrap();
    let token = accounts.create_token_request("tidegate", &make, &request).await.unwrap();
    let token = token.status.unwrap().token;
    let kubeconfig = stage.place.ground.kubeconfig();
    let lines = kubeconfig.lines().map(|line| match line.trim_start().starts_with("token:") {
        true => format!("    token: {token}"),
        false => line.to_owned(),
    });
    let kubeconfig = lines.collect::<Vec<_>>().join("\n");
    stage.scene.apply(json!([{ "kind": "Cluster", "name": name, "title": name }])).await;
    stage.cluster = name.clone();
    stage.scene.hand_in_to(&name, &kubeconfig).await;
}

async fn allow(stage: &Stage, rules: Value) {
    let patch = Patch::Merge(json!({ "rules": rules }));
    stage.place.api::<Role>().patch("tidegate", &PatchParams::default(), &patch).await.unwrap();
}

async fn an_account_that_may_only_look_fails_and_touches_nothing(mut stage: Stage) {
    account(&mut stage, LOOK).await;
    let history = stage.usual().await;
    let (_, deployment) = stage.run(&images::good("after")).await;
    ended(&deployment, "failed", &["untouched"]);
    assert!(reasons(&deployment).contains("cannot patch resource"), "{deployment:#}");
    assert!(lasted(&deployment) < SOON, "{deployment:#}");
    assert_eq!((history.images().await, history.spec_changes().await), (vec![stage.before()], 0));
}

async fn rights_taken_away_after_the_look_fail_and_touch_nothing(mut stage: Stage) {
    account(&mut stage, ALL).await;
    let history = stage.usual().await;
    let number = stage.signed(&images::good("after")).await;
    allow(&stage, rules(LOOK)).await;
    // The real server learns of it by a watch of its own.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    stage.start(number).await;
    let deployment = stage.forward(number).await;
    ended(&deployment, "failed", &["untouched"]);
    assert_eq!((history.images().await, history.spec_changes().await), (vec![stage.before()], 0));
}

async fn rights_taken_away_after_the_write_need_attention_at_the_deadline(mut stage: Stage) {
    account(&mut stage, ALL).await;
    let history = stage.with(policy(10)).await;
    let number = stage.signed(&images::never_ready("x")).await;
    stage.start(number).await;
    stage.until("the write", number, |event| event["event"] == "written").await;
    allow(&stage, json!([])).await;
    stage.until("the first refusal", number, |event| event["event"] == "unreachable").await;
    let deployment = stage.forward(number).await;
    ended(&deployment, "needs_attention", &["unknown"]);
    assert!(reasons(&deployment).contains("may not do this"), "{deployment:#}");
    assert_eq!(history.spec_changes().await, 1);
}

async fn an_account_that_is_gone_fails_and_touches_nothing(mut stage: Stage) {
    account(&mut stage, ALL).await;
    let history = stage.usual().await;
    let number = stage.signed(&images::good("after")).await;
    let accounts = stage.place.api::<ServiceAccount>();
    accounts.delete("tidegate", &Default::default()).await.unwrap();
    stage.start(number).await;
    let deployment = stage.forward(number).await;
    ended(&deployment, "failed", &["untouched"]);
    assert!(reasons(&deployment).contains("no longer accepts the credential"), "{deployment:#}");
    assert_eq!(history.spec_changes().await, 0);
}
