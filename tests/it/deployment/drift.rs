//! What others change, before the write and after it.

use serde_json::json;

use super::stage::{Stage, WEB, ended, policy, reasons};
use super::{Table, case};
use crate::support::images;

pub const CASES: Table = &[
    case!(another_image_before_the_start_holds_the_release),
    case!(another_set_of_containers_before_the_start_holds_the_release),
    case!(a_workload_made_anew_before_the_start_holds_the_release),
    case!(a_workload_that_is_gone_holds_the_release),
    case!(an_autoscaler_changes_nothing_that_was_signed),
    case!(an_autoscaler_may_act_during_the_rollout),
    case!(another_image_during_the_rollout_needs_attention),
    case!(another_container_during_the_rollout_needs_attention),
    case!(a_workload_deleted_during_the_rollout_needs_attention),
    case!(a_second_target_that_drifted_needs_attention_once_the_first_is_written),
    case!(a_writer_that_never_rests_does_not_keep_the_write_out),
];

/// Starts a release whose workload is no longer as planned, and asserts that nothing was written
/// and that the release waits for somebody to plan it again.
async fn held(stage: &Stage, number: i64, why: &str) {
    stage.start(number).await;
    let deployment = stage.forward(number).await;
    ended(&deployment, "cancelled", &["untouched"]);
    assert_eq!(deployment["drifted"], true);
    assert!(reasons(&deployment).contains(why), "{deployment:#}");
    let release = stage.scene.show(number).await;
    assert_eq!(release["state"], "waiting", "{release:#}");
    let drifted = release["reasons"].as_array().unwrap().iter().find(|one| one["code"] == "drifted").unwrap();
    assert!(drifted["detail"].as_str().unwrap().contains(why), "{drifted}");
    let path = format!("/api/v1/releases/{number}/start");
    stage.scene.operator.post(&path, json!({})).await.is(409);
}

/// Plans it again, has it signed again, and sees it succeed.
async fn again(stage: &Stage, number: i64) {
    let before = stage.scene.show(number).await;
    stage.scene.requester.post(&format!("/api/v1/releases/{number}/plan"), json!({})).await.ok();
    let release = stage.scene.planned(number).await;
    assert_eq!(release["revision"], before["revision"].as_i64().unwrap() + 1);
    assert_eq!(release["state"], "waiting", "the sign-offs were for another plan: {release:#}");
    stage.scene.sign_all(number).await;
    stage.start(number).await;
    let deployment = stage.forward(number).await;
    ended(&deployment, "succeeded", &["serving"]);
    assert_eq!(stage.scene.show(number).await["state"], "succeeded");
}

async fn another_image_before_the_start_holds_the_release(stage: Stage) {
    let history = stage.usual().await;
    let (digest, other) = (images::good("after"), stage.image(&images::good("other")));
    let number = stage.signed(&digest).await;
    stage.place.set_image(WEB, &other).await;
    stage.place.serving(WEB).await;
    held(&stage, number, &other).await;
    assert_eq!(history.images().await, [stage.before(), other.clone()]);
    assert!(history.writes_of_ours().is_none_or(|writes| writes == 0));
    again(&stage, number).await;
    assert_eq!(history.images().await, [stage.before(), other, stage.image(&digest)]);
    assert_eq!(history.spec_changes().await, 2);
}

async fn another_set_of_containers_before_the_start_holds_the_release(stage: Stage) {
    let history = stage.usual().await;
    let number = stage.signed(&images::good("after")).await;
    let more = json!([{ "name": "proxy", "image": "r.example/proxy:1" }]);
    stage.place.change(WEB, json!({ "spec": { "template": { "spec": { "containers": more } } } })).await;
    stage.place.serving(WEB).await;
    held(&stage, number, "app, proxy, side").await;
    assert_eq!(history.images().await, [stage.before()]);
    again(&stage, number).await;
    assert_eq!(history.spec_changes().await, 2);
}

async fn a_workload_made_anew_before_the_start_holds_the_release(stage: Stage) {
    stage.usual().await;
    let number = stage.signed(&images::good("after")).await;
    stage.place.delete(WEB).await;
    stage.place.deploy(WEB, &stage.before(), |_| ()).await;
    let history = stage.place.history(WEB).await;
    let changes = history.spec_changes().await;
    held(&stage, number, "deleted and made again").await;
    assert_eq!(history.spec_changes().await, changes);
    again(&stage, number).await;
    assert_eq!(history.spec_changes().await, changes + 1);
}

async fn a_workload_that_is_gone_holds_the_release(stage: Stage) {
    stage.usual().await;
    let number = stage.signed(&images::good("after")).await;
    stage.place.delete(WEB).await;
    held(&stage, number, "no longer there").await;
    stage.place.deploy(WEB, &stage.before(), |_| ()).await;
    again(&stage, number).await;
}

async fn an_autoscaler_changes_nothing_that_was_signed(stage: Stage) {
    let history = stage.usual().await;
    let digest = images::good("after");
    let number = stage.signed(&digest).await;
    stage.place.scale(WEB, 5).await;
    stage.start(number).await;
    ended(&stage.forward(number).await, "succeeded", &["serving"]);
    assert_eq!(history.images().await, [stage.before(), stage.image(&digest)]);
    assert_eq!(history.spec_changes().await, 2);
    assert_eq!(stage.place.pods(WEB, &stage.image(&digest)).await, 5);
}

async fn an_autoscaler_may_act_during_the_rollout(stage: Stage) {
    let history = stage.usual().await;
    let digest = images::slow("after");
    let number = stage.signed(&digest).await;
    stage.start(number).await;
    stage.until("the write", number, |event| event["event"] == "written").await;
    stage.place.scale(WEB, 4).await;
    ended(&stage.forward(number).await, "succeeded", &["serving"]);
    assert_eq!(history.spec_changes().await, 2);
    assert_eq!(stage.place.pods(WEB, &stage.image(&digest)).await, 4);
}

async fn another_image_during_the_rollout_needs_attention(stage: Stage) {
    let history = stage.usual().await;
    let (digest, other) = (images::slow("after"), stage.image(&images::good("other")));
    let number = stage.signed(&digest).await;
    stage.start(number).await;
    stage.until("the write", number, |event| event["event"] == "written").await;
    stage.place.set_image(WEB, &other).await;
    let deployment = stage.forward(number).await;
    ended(&deployment, "needs_attention", &["unknown"]);
    assert!(reasons(&deployment).contains(&other), "{deployment:#}");
    assert_eq!(stage.scene.show(number).await["state"], "needs_attention");
    assert_eq!(history.images().await, [stage.before(), stage.image(&digest), other]);
    assert_eq!(history.spec_changes().await, 2);
}

async fn another_container_during_the_rollout_needs_attention(stage: Stage) {
    let history = stage.usual().await;
    let number = stage.signed(&images::slow("after")).await;
    stage.start(number).await;
    stage.until("the write", number, |event| event["event"] == "written").await;
    let more = json!([{ "name": "proxy", "image": "r.example/proxy:1" }]);
    stage.place.change(WEB, json!({ "spec": { "template": { "spec": { "containers": more } } } })).await;
    let deployment = stage.forward(number).await;
    ended(&deployment, "needs_attention", &["unknown"]);
    assert!(reasons(&deployment).contains("app, proxy, side"), "{deployment:#}");
    assert_eq!(history.spec_changes().await, 2);
}

async fn a_workload_deleted_during_the_rollout_needs_attention(stage: Stage) {
    stage.usual().await;
    let number = stage.signed(&images::slow("after")).await;
    stage.start(number).await;
    stage.until("the write", number, |event| event["event"] == "written").await;
    stage.place.delete(WEB).await;
    let deployment = stage.forward(number).await;
    ended(&deployment, "needs_attention", &["unknown"]);
    assert!(reasons(&deployment).contains("deleted"), "{deployment:#}");
}

async fn a_second_target_that_drifted_needs_attention_once_the_first_is_written(stage: Stage) {
    for name in ["web", "worker"] {
        stage.place.deploy(name, &stage.before(), |_| ()).await;
    }
    stage.serve(&["web", "worker"], policy(60)).await;
    let number = stage.signed(&images::slow("after")).await;
    stage.start(number).await;
    stage.until("the first write", number, |event| event["event"] == "written").await;
    stage.place.set_image("worker", &stage.image(&images::good("other"))).await;
    let history = stage.place.history("worker").await;
    let changes = history.spec_changes().await;
    let deployment = stage.forward(number).await;
    ended(&deployment, "needs_attention", &["serving", "untouched"]);
    assert_eq!(history.spec_changes().await, changes);
}

async fn a_writer_that_never_rests_does_not_keep_the_write_out(stage: Stage) {
    let history = stage.usual().await;
    let digest = images::good("after");
    let number = stage.signed(&digest).await;
    let place = stage.place.clone();
    let storm = tokio::spawn(async move {
        for turn in 0.. {
            place.change(WEB, json!({ "metadata": { "annotations": { "test/turn": turn.to_string() } } })).await;
        }
    });
    stage.start(number).await;
    let deployment = stage.forward(number).await;
    storm.abort();
    ended(&deployment, "succeeded", &["serving"]);
    assert_eq!(history.images().await, [stage.before(), stage.image(&digest)]);
    assert_eq!(history.spec_changes().await, 1);
}
