//! A cluster that does not answer for a while, or not any more. Each of these takes the whole API
//! server away, so that they come one after the other, on a cluster of their own.

use std::sync::Arc;
use std::time::Duration;

use super::stage::{Stage, WEB, ended, policy, reasons};
use crate::support::ground::{Ground, History};
use crate::support::images;
use crate::support::process::Portal;
use crate::support::scene::Scene;

async fn outages(ground: Ground) {
    let portal = Portal::start().await;
    let scene = Arc::new(Scene::open(&portal.api(), &portal.setup_secret(), &ground.kubeconfig()).await);
    stopped_in_mid_rollout_and_started_again(Stage::open(&scene, &ground, "stopped").await).await;
    frozen_in_mid_rollout_and_let_go_on(Stage::open(&scene, &ground, "frozen").await).await;
    away_at_the_start_and_back_before_the_deadline(Stage::open(&scene, &ground, "away").await).await;
    not_seen_again_before_the_deadline(Stage::open(&scene, &ground, "gone").await).await;
}

/// One pod, so that a slow rollout takes one pod's time.
async fn small(stage: &Stage) -> History {
    stage.place.deploy(WEB, &stage.before(), |object| object["spec"]["replicas"] = 1.into()).await;
    stage.serve(&[WEB], policy(60)).await;
    stage.place.history(WEB).await
}

/// What a journal says about the outage: unreachable, and reachable again.
async fn was_seen_again(stage: &Stage, number: i64) {
    let events = stage.events(number).await;
    let position = |name: &str| events.iter().position(|event| event == name);
    let (away, back) = (position("unreachable").unwrap(), position("reachable").unwrap());
    assert!(away < back, "{events:?}");
}

async fn stopped_in_mid_rollout_and_started_again(stage: Stage) {
    let history = small(&stage).await;
    let digest = images::slow("x");
    let number = stage.signed(&digest).await;
    stage.start(number).await;
    stage.until("the write", number, |event| event["event"] == "written").await;
    stage.place.ground.stop().await;
    stage.until("the outage to be noticed", number, |event| event["event"] == "unreachable").await;
    stage.place.ground.start().await;
    let deployment = stage.forward(number).await;
    ended(&deployment, "succeeded", &["serving"]);
    was_seen_again(&stage, number).await;
    assert_eq!(history.images().await, [stage.before(), stage.image(&digest)]);
    assert_eq!(history.spec_changes().await, 1);
}

async fn frozen_in_mid_rollout_and_let_go_on(stage: Stage) {
    let history = small(&stage).await;
    let digest = images::slow("x");
    let number = stage.signed(&digest).await;
    stage.start(number).await;
    stage.until("the write", number, |event| event["event"] == "written").await;
    stage.place.ground.freeze().await;
    stage.until("the silence to be noticed", number, |event| event["event"] == "unreachable").await;
    stage.place.ground.thaw().await;
    let deployment = stage.forward(number).await;
    ended(&deployment, "succeeded", &["serving"]);
    was_seen_again(&stage, number).await;
    assert_eq!(history.images().await, [stage.before(), stage.image(&digest)]);
    assert_eq!(history.spec_changes().await, 1);
}

async fn away_at_the_start_and_back_before_the_deadline(stage: Stage) {
    let history = small(&stage).await;
    let digest = images::good("after");
    let number = stage.signed(&digest).await;
    stage.place.ground.stop().await;
    stage.start(number).await;
    stage.until("the outage to be noticed", number, |event| event["event"] == "unreachable").await;
    stage.place.ground.start().await;
    let deployment = stage.forward(number).await;
    ended(&deployment, "succeeded", &["serving"]);
    was_seen_again(&stage, number).await;
    assert_eq!(history.images().await, [stage.before(), stage.image(&digest)]);
    assert_eq!(history.spec_changes().await, 1);
}

/// With the write: a person has to look. Without it: failed, and nothing was touched.
async fn not_seen_again_before_the_deadline(stage: Stage) {
    for name in [WEB, "worker"] {
        stage.place.deploy(name, &stage.before(), |object| object["spec"]["replicas"] = 1.into()).await;
    }
    let other =
        Stage { name: format!("{}-too", stage.name), ..Stage::open(&stage.scene, &stage.place.ground, "too").await };
    let other = Stage { place: stage.place.clone(), ..other };
    stage.serve(&[WEB], policy(10)).await;
    other.serve(&["worker"], policy(10)).await;
    let written = stage.signed(&images::never_ready("x")).await;
    let unwritten = other.signed(&images::good("after")).await;
    stage.start(written).await;
    stage.until("the write", written, |event| event["event"] == "written").await;
    stage.place.ground.stop().await;
    other.start(unwritten).await;
    let deployment = stage.forward(written).await;
    ended(&deployment, "needs_attention", &["unknown"]);
    assert!(reasons(&deployment).contains("could not be seen until the deadline"), "{deployment:#}");
    let deployment = other.forward(unwritten).await;
    ended(&deployment, "failed", &["untouched"]);
    assert!(reasons(&deployment).contains("Nothing answers"), "{deployment:#}");
    stage.place.ground.start().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(stage.place.image("worker").await, stage.before());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_outlasts_an_outage_of_the_practice_cluster() {
    outages(Ground::practice().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_outlasts_an_outage_of_the_real_api_server() {
    outages(Ground::real_alone().await).await;
}
