//! The way back: by hand, as a deployment of its own.

use kube::ResourceExt as _;
use serde_json::json;

use super::stage::{Stage, WEB, ended, policy, reasons};
use super::{Table, case};
use crate::support::{eventually, images};

pub const CASES: Table = &[
    case!(a_failed_release_is_rolled_back_and_keeps_its_verdict),
    case!(a_release_that_succeeded_is_rolled_back),
    case!(both_targets_are_rolled_back_in_reverse_order),
    case!(only_what_was_touched_is_rolled_back),
    case!(where_only_a_tag_is_known_it_asks_once_more),
    case!(it_is_refused_once_a_newer_release_was_there),
    case!(it_is_refused_while_something_runs),
    case!(what_somebody_changed_meanwhile_is_not_rolled_back),
    case!(a_rollout_that_ran_out_of_time_does_not_spoil_its_rollback),
];

async fn refused(stage: &Stage, number: i64, body: serde_json::Value) -> String {
    let path = format!("/api/v1/releases/{number}/rollback");
    let problem = stage.scene.operator.post(&path, body).await.is(409);
    problem["detail"].as_str().unwrap().to_owned()
}

async fn a_failed_release_is_rolled_back_and_keeps_its_verdict(stage: Stage) {
    let history = stage.usual().await;
    let digest = images::crashing("x");
    let (number, failed) = stage.run(&digest).await;
    ended(&failed, "failed", &["failing"]);
    let back = stage.roll_back(number).await;
    ended(&back, "succeeded", &["serving"]);
    assert_eq!(back["undoes"], failed["id"]);
    assert_eq!(back["started_by"], "otto");
    assert_eq!(history.images().await, [stage.before(), stage.image(&digest), stage.before()]);
    assert_eq!(history.spec_changes().await, 2);
    let release = stage.scene.show(number).await;
    assert_eq!((&release["state"], &release["deployments"][0]["verdict"]), (&json!("failed"), &json!("failed")));
    // Once is enough.
    assert!(refused(&stage, number, json!({})).await.contains("nothing to roll back"));
}

async fn a_release_that_succeeded_is_rolled_back(stage: Stage) {
    let history = stage.usual().await;
    let digest = images::good("after");
    let (number, _) = stage.run(&digest).await;
    ended(&stage.roll_back(number).await, "succeeded", &["serving"]);
    assert_eq!(history.images().await, [stage.before(), stage.image(&digest), stage.before()]);
    assert_eq!(history.spec_changes().await, 2);
    assert_eq!(stage.scene.show(number).await["deployments"][0]["verdict"], "succeeded");
}

async fn both_targets_are_rolled_back_in_reverse_order(stage: Stage) {
    for name in ["web", "worker"] {
        stage.place.deploy(name, &stage.before(), |_| ()).await;
    }
    stage.serve(&["web", "worker"], policy(60)).await;
    let histories = [stage.place.history("web").await, stage.place.history("worker").await];
    let digest = images::good("after");
    let (number, _) = stage.run(&digest).await;
    let back = stage.roll_back(number).await;
    ended(&back, "succeeded", &["serving", "serving"]);
    assert!(back["targets"][0]["workload"].as_str().unwrap().ends_with("/worker"));
    for history in histories {
        assert_eq!(history.images().await, [stage.before(), stage.image(&digest), stage.before()]);
        assert_eq!(history.spec_changes().await, 2);
    }
}

async fn only_what_was_touched_is_rolled_back(stage: Stage) {
    for name in ["web", "worker"] {
        stage.place.deploy(name, &stage.before(), |_| ()).await;
    }
    stage.serve(&["web", "worker"], policy(60)).await;
    let untouched = stage.place.history("worker").await;
    let (number, failed) = stage.run(&images::missing("x")).await;
    ended(&failed, "failed", &["failing", "untouched"]);
    ended(&stage.roll_back(number).await, "succeeded", &["serving"]);
    assert_eq!(untouched.spec_changes().await, 0);
}

async fn where_only_a_tag_is_known_it_asks_once_more(stage: Stage) {
    let before = format!("{}:1.0.0", stage.repository());
    stage.place.deploy(WEB, &before, |_| ()).await;
    stage.serve(&[WEB], policy(60)).await;
    let history = stage.place.history(WEB).await;
    let digest = images::good("after");
    let (number, _) = stage.run(&digest).await;
    assert!(refused(&stage, number, json!({})).await.contains(&before));
    assert_eq!(history.spec_changes().await, 1);
    let path = format!("/api/v1/releases/{number}/rollback");
    stage.scene.operator.post(&path, json!({ "accept_tag": true })).await.ok();
    let back = eventually("the rollback", 30, || async {
        let release = stage.scene.show(number).await;
        let found = release["deployments"][1].clone();
        (!found["verdict"].is_null()).then_some(found)
    })
    .await;
    ended(&back, "succeeded", &["serving"]);
    assert_eq!(history.images().await, [before.clone(), stage.image(&digest), before]);
}

async fn it_is_refused_once_a_newer_release_was_there(stage: Stage) {
    let history = stage.usual().await;
    let (first, _) = stage.run(&images::good("first")).await;
    let (second, _) = stage.run(&images::good("second")).await;
    assert!(refused(&stage, first, json!({})).await.contains(&format!("R-{second}")));
    ended(&stage.roll_back(second).await, "succeeded", &["serving"]);
    let image = |name: &str| stage.image(&images::good(name));
    assert_eq!(history.images().await, [stage.before(), image("first"), image("second"), image("first")]);
}

async fn it_is_refused_while_something_runs(stage: Stage) {
    stage.usual().await;
    let number = stage.signed(&images::slow("x")).await;
    assert!(refused(&stage, number, json!({})).await.contains("nothing to roll back"));
    stage.start(number).await;
    assert!(refused(&stage, number, json!({})).await.contains("at work"));
    ended(&stage.forward(number).await, "succeeded", &["serving"]);
}

async fn what_somebody_changed_meanwhile_is_not_rolled_back(stage: Stage) {
    let history = stage.usual().await;
    let (number, _) = stage.run(&images::good("after")).await;
    let other = stage.image(&images::good("other"));
    stage.place.set_image(WEB, &other).await;
    let back = stage.roll_back(number).await;
    ended(&back, "cancelled", &["untouched"]);
    assert!(reasons(&back).contains(&other), "{back:#}");
    assert_eq!(history.images().await, [stage.before(), stage.image(&images::good("after")), other]);
    assert_eq!(history.spec_changes().await, 2);
}

/// The controller's word that it gave up stands in the status until the next rollout gets
/// somewhere. It is about the release, and not about the rollback.
async fn a_rollout_that_ran_out_of_time_does_not_spoil_its_rollback(stage: Stage) {
    let change = |object: &mut serde_json::Value| {
        object["spec"]["replicas"] = 1.into();
        object["spec"]["progressDeadlineSeconds"] = 2.into();
    };
    stage.place.deploy(WEB, &stage.before(), change).await;
    stage.serve(&[WEB], policy(60)).await;
    let (number, failed) = stage.run(&images::never_ready("x")).await;
    ended(&failed, "failed", &["failing"]);
    assert!(reasons(&failed).contains("given up"), "{failed:#}");
    let back = stage.roll_back(number).await;
    ended(&back, "succeeded", &["serving"]);
    assert!(
        stage.place.get(WEB).await.unwrap().annotations()["tidegate.dev/deployment"]
            .starts_with(&format!("{}-", back["id"]))
    );
}
