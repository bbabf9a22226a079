//! A cluster that does not answer for a while, or not any more. Each of these takes the whole API
//! server away, so that they come one after the other, on a cluster of their own.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::stage::{Stage, WEB, ended, policy, reasons};
use crate::support::ground::{Ground, History};
use crate::support::process::Portal;
use crate::support::scene::Scene;
use crate::support::{eventually, images};

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
    just_seen(&stage).await;
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
    just_seen(&stage).await;
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

/// Waits for a look at the cluster that found it there, so that the next one by itself is a minute
/// away and the portal does not know of an outage that begins now.
async fn just_seen(stage: &Stage) {
    let path = format!("/api/v1/clusters/{}", stage.cluster);
    let seen = async || stage.scene.admin.get(&format!("{path}/credential")).await.ok()["confirmed"].clone();
    let before = seen().await["probe"]["at"].clone();
    stage.scene.admin.post(&format!("{path}/probe"), json!({})).await.ok();
    eventually("a look at the cluster", 30, || async {
        let now = seen().await;
        (now["probe"]["at"] != before && now["unreachable_since"].is_null()).then_some(())
    })
    .await;
}

/// The portal does not know yet that it is away: what it knows holds the start.
async fn away_at_the_start_and_back_before_the_deadline(stage: Stage) {
    let history = small(&stage).await;
    let digest = images::good("after");
    let number = stage.signed(&digest).await;
    just_seen(&stage).await;
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
    just_seen(&stage).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_hangs_holds_up_no_other_and_no_ending() {
    let (hung, well) = (Ground::practice().await, Ground::practice().await);
    let mut portal = Portal::start().await;
    let scene = Arc::new(Scene::open(&portal.api(), &portal.setup_secret(), &hung.kubeconfig()).await);
    scene.apply(json!([{ "kind": "Cluster", "name": "well", "title": "Well" }])).await;
    scene.hand_in_to("well", &well.kubeconfig()).await;
    let stuck = Stage::open(&scene, &hung, "stuck").await;
    let free = Stage { cluster: "well".to_owned(), ..Stage::open(&scene, &well, "free").await };
    small(&stuck).await;
    small(&free).await;
    just_seen(&stuck).await;
    hung.freeze().await;
    let digest = images::good("after");
    let asked = async |stage: &Stage| {
        scene.image_of(&stage.repository(), &digest, "1.2.3").await;
        let start = json!({ "mode": "by_hand", "window": null });
        let body =
            json!({ "service": stage.name, "environment": stage.name, "image": digest, "start": start, "note": "" });
        scene.requester.post("/api/v1/releases", body).await.is(201)["number"].as_i64().unwrap()
    };
    let waiting = asked(&stuck).await;
    scene.admin.post("/api/v1/clusters/main/probe", json!({})).await.ok();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begun = tokio::time::Instant::now();
    let number = asked(&free).await;
    scene.planned(number).await;
    just_seen(&free).await;
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    assert_eq!(scene.show(waiting).await["state"], "planning", "the other one still waits for its cluster");
    let told = tokio::time::Instant::now();
    portal.signal("TERM");
    assert!(portal.ended(15).await.success());
    assert!(told.elapsed() < Duration::from_secs(8), "{:?}", told.elapsed());
    hung.thaw().await;
}
