//! Deployments that a person stops.

use serde_json::json;
use tidegate::practice::Fault;

use super::stage::{Stage, WEB, ended, policy, reasons};
use super::{Table, case};
use crate::support::images;

pub const CASES: Table = &[
    case!(stopped_after_the_write_it_says_what_is_there_and_how_to_go_back),
    case!(stopped_between_two_targets_the_second_is_untouched),
    case!(what_does_not_run_cannot_be_stopped),
];

pub const PRACTICE: Table = &[
    case!(stopped_before_the_write_nothing_is_touched),
    case!(stopped_while_a_write_may_be_under_way_it_is_made_sure_that_none_arrives),
    case!(a_write_that_arrives_late_does_not_arrive_after_untouched_was_said),
];

async fn stopped_after_the_write_it_says_what_is_there_and_how_to_go_back(stage: Stage) {
    let history = stage.usual().await;
    let digest = images::slow("x");
    let number = stage.signed(&digest).await;
    stage.start(number).await;
    stage.until("the write", number, |event| event["event"] == "written").await;
    stage.cancel(number).await;
    let deployment = stage.forward(number).await;
    ended(&deployment, "cancelled", &["left"]);
    assert!(reasons(&deployment).contains("Stopped after the write"), "{deployment:#}");
    assert!(reasons(&deployment).contains(&stage.image(&digest)), "{deployment:#}");
    assert_eq!(stage.scene.show(number).await["state"], "cancelled");
    assert_eq!(history.spec_changes().await, 1);

    let back = stage.roll_back(number).await;
    ended(&back, "succeeded", &["serving"]);
    assert_eq!(history.images().await, [stage.before(), stage.image(&digest), stage.before()]);
    assert_eq!(history.spec_changes().await, 2);
    assert_eq!(stage.scene.show(number).await["state"], "cancelled");
}

async fn stopped_between_two_targets_the_second_is_untouched(stage: Stage) {
    for name in ["web", "worker"] {
        stage.place.deploy(name, &stage.before(), |_| ()).await;
    }
    stage.serve(&["web", "worker"], policy(60)).await;
    let untouched = stage.place.history("worker").await;
    let number = stage.signed(&images::slow("x")).await;
    stage.start(number).await;
    stage.until("the first write", number, |event| event["event"] == "written").await;
    stage.cancel(number).await;
    let deployment = stage.forward(number).await;
    ended(&deployment, "cancelled", &["left", "untouched"]);
    assert_eq!(untouched.spec_changes().await, 0);
}

async fn what_does_not_run_cannot_be_stopped(stage: Stage) {
    stage.usual().await;
    let number = stage.signed(&images::good("after")).await;
    let path = format!("/api/v1/releases/{number}/cancel");
    stage.scene.operator.post(&path, json!({})).await.is(409);
    stage.start(number).await;
    stage.forward(number).await;
    stage.scene.operator.post(&path, json!({})).await.is(409);
}

async fn stopped_before_the_write_nothing_is_touched(stage: Stage) {
    let history = stage.usual().await;
    let number = stage.signed(&images::good("after")).await;
    stage.place.fault(usize::MAX, "get", Fault::Deny(503, "down".into()));
    stage.start(number).await;
    stage.until("the trouble", number, |event| event["event"] == "unreachable").await;
    stage.cancel(number).await;
    let deployment = stage.forward(number).await;
    ended(&deployment, "cancelled", &["untouched"]);
    assert!(reasons(&deployment).contains("before anything was written"), "{deployment:#}");
    assert_eq!(history.writes_of_ours(), Some(0));
    stage.scene.operator.post(&format!("/api/v1/releases/{number}/rollback"), json!({})).await.is(409);
}

async fn stopped_while_a_write_may_be_under_way_it_is_made_sure_that_none_arrives(stage: Stage) {
    let history = stage.usual().await;
    let number = stage.signed(&images::good("after")).await;
    let cut = stage.place.fault(usize::MAX, "patch", Fault::Cut);
    stage.start(number).await;
    stage.until("the first attempt", number, |event| event["event"] == "unreachable").await;
    stage.cancel(number).await;
    // What may be under way cannot be called back while the cluster does not take the fence.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert!(stage.scene.show(number).await["deployment"]["verdict"].is_null());
    stage.place.lift(cut);
    let deployment = stage.forward(number).await;
    ended(&deployment, "cancelled", &["untouched"]);
    assert_eq!(history.spec_changes().await, 0);
    let found = stage.place.get(WEB).await.unwrap();
    assert!(found.metadata.annotations.unwrap().contains_key("tidegate.dev/not-written"));
}

async fn a_write_that_arrives_late_does_not_arrive_after_untouched_was_said(stage: Stage) {
    let history = stage.usual().await;
    let number = stage.signed(&images::good("after")).await;
    let late = std::time::Duration::from_secs(6);
    // The first write is cut and carried out late; the look that follows is held up until the
    // person has stopped it.
    stage.place.fault(1, "patch", Fault::CutThenDo(late));
    let blind = stage.place.fault_after(1, usize::MAX, "get", Fault::Deny(503, "down".into()));
    stage.start(number).await;
    stage.until("the first attempt", number, |event| event["event"] == "unreachable").await;
    stage.cancel(number).await;
    stage.place.lift(blind);
    let deployment = stage.forward(number).await;
    ended(&deployment, "cancelled", &["untouched"]);
    tokio::time::sleep(late).await;
    assert_eq!(history.images().await, [stage.before()]);
    assert_eq!(history.spec_changes().await, 0);
}
