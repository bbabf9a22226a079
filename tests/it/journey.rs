//! The whole way, on the real control plane: the binary as a process, HTTP in, and the API server's
//! own history as the judge of what happened.

mod postgres;

use serde_json::json;

use crate::support::cluster::Cluster;
use crate::support::process::Portal;
use crate::support::scene::{REPOSITORY, Scene};
use crate::support::{eventually, images};

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_off_image_runs_on_the_real_cluster() {
    let cluster = Cluster::shared().await;
    let namespace = cluster.namespace("journey").await;
    let before = format!("{REPOSITORY}@{}", images::good("before"));
    cluster.deployment(&namespace, "checkout", 3, &before).await;
    let history = cluster.history(&namespace, "checkout").await;

    let portal = Portal::start().await;
    let scene = Scene::set(&portal.api(), &portal.setup_secret(), &cluster.kubeconfig, &namespace, "checkout").await;

    let digest = images::good("journey");
    scene.image(&digest, "1.42.0").await;
    let window = scene.window(4, 600).await;
    let number = scene.release(&digest, json!({ "mode": "at_opening", "window": window })).await;
    let release = scene.show(number).await;
    assert_eq!(release["state"], "waiting");
    assert_eq!(release["plan"]["steps"][0]["containers"][0]["from"], before);
    scene.sign_all(number).await;

    let release = scene.ended(number, 60).await;
    assert_eq!(release["state"], "succeeded", "{release}");
    let after = format!("{REPOSITORY}@{digest}");
    history.catch_up().await;
    assert_eq!(history.images(), [before, after.clone()]);
    assert_eq!(history.spec_changes(), 1);
    let found = cluster.get(&namespace, "checkout").await;
    assert_eq!(found.status.unwrap().updated_replicas, Some(3));
    let annotations = found.metadata.annotations.unwrap();
    assert_eq!(annotations["tidegate.dev/release"], format!("R-{number}"));
    assert_eq!(annotations["tidegate.dev/epoch"], "1", "one worker carried it out");
    assert_eq!(crate::support::cluster::image(&cluster.get(&namespace, "checkout").await, "side"), "r.example/side:1");

    let log = eventually("the audit trail", 5, || async {
        let log = scene.admin.get(&format!("/api/v1/audit?release={number}")).await.ok();
        let verbs: Vec<String> =
            log["items"].as_array().unwrap().iter().rev().map(|one| one["verb"].as_str().unwrap().to_owned()).collect();
        verbs.contains(&"deployment.end".to_owned()).then_some(verbs)
    })
    .await;
    assert_eq!(
        log,
        ["release.request", "release.plan", "signoff.approve", "signoff.approve", "deployment.start", "deployment.end"]
    );
}
