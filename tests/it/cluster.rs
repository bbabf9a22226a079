//! A cluster's credential: handed in, looked at with, confirmed; on the real control plane.

use std::process::Command;

use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::support::cluster::Cluster;
use crate::support::process::Portal;
use crate::support::scene::{PASSWORD, REPOSITORY, Scene};
use crate::support::{eventually, images};

/// A portal whose scene has everything but the credential.
async fn portal(namespace: &str) -> (Portal, Scene) {
    let portal = Portal::start().await;
    let admin = portal.api().set_up(&portal.setup_secret(), "ada", PASSWORD).await;
    let scene = Scene::people(&portal.api(), admin, namespace, "checkout").await;
    (portal, scene)
}

async fn probed(scene: &Scene, which: &str) -> Value {
    eventually("the runner to look", 30, || async {
        let seen = scene.admin.get("/api/v1/clusters/main/credential").await.ok();
        let probe = seen[which]["probe"].clone();
        (!probe.is_null()).then_some(probe)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_script_makes_a_kubeconfig_with_just_what_is_needed_and_a_release_goes_out_with_it() {
    let cluster = Cluster::shared().await;
    let namespace = cluster.namespace("script").await;
    let before = format!("{REPOSITORY}@{}", images::good("script-before"));
    cluster.deployment(&namespace, "checkout", 2, &before).await;
    let history = cluster.history(&namespace, "checkout").await;
    let (portal, scene) = portal(&namespace).await;

    // The usual file of a managed cluster holds exec; the gate says what to do instead.
    let exec = cluster.kubeconfig.lines().filter(|line| !line.trim().starts_with("token:"));
    let exec: String = exec.map(|line| format!("{line}\n")).collect();
    let exec = exec.replace("  user: {}\n", "").replace(
        "  user:\n",
        "  user:\n    exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/false}\n",
    );
    let refused = scene.admin.post("/api/v1/clusters/main/credential", json!({ "kubeconfig": exec })).await.is(422);
    assert_eq!(refused["errors"][0]["pointer"], "/kubeconfig", "{refused}");

    let script = scene.admin.request(reqwest::Method::GET, "/api/v1/clusters/main/script").send().await.unwrap();
    assert_eq!(script.status(), 200);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("account.sh"), script.text().await.unwrap()).unwrap();
    std::fs::write(folder.path().join("admin"), &cluster.kubeconfig).unwrap();
    let path = format!("{}:{}", cluster.programs().display(), std::env::var("PATH").unwrap());
    let (at, kubeconfig) = (folder.path().to_owned(), folder.path().join("admin"));
    let done = tokio::task::spawn_blocking(move || {
        Command::new("sh")
            .arg("account.sh")
            .current_dir(at)
            .env("PATH", path)
            .env("KUBECONFIG", kubeconfig)
            .output()
            .unwrap()
    });
    let done = done.await.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let made = std::fs::read_to_string(folder.path().join("tidegate.kubeconfig")).unwrap();

    scene.hand_in(&made).await;
    let probe = probed(&scene, "confirmed").await;
    assert!(probe["version"].as_str().unwrap().starts_with("v1."), "{probe}");
    assert_eq!(probe["identity"], format!("system:serviceaccount:{namespace}:tidegate"));
    let rights = probe["rights"].as_array().unwrap();
    assert!(!rights.is_empty() && rights.iter().all(|right| right["allowed"] == true), "{rights:?}");
    assert_eq!(probe["too_wide"], json!([]), "{probe}");
    let credential = scene.admin.get("/api/v1/clusters/main/credential").await.ok();
    assert!(credential["confirmed"]["expires_at"].is_string(), "{credential}");

    let digest = images::good("script-after");
    scene.image(&digest, "2.0").await;
    let number = scene.release(&digest, json!({ "mode": "when_signed" })).await;
    scene.sign_all(number).await;
    let release = scene.ended(number, 60).await;
    assert_eq!(release["state"], "succeeded", "{release}");
    assert_eq!(history.images(), [before, format!("{REPOSITORY}@{digest}")]);
    drop(portal);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_tells_who_we_are_what_is_too_wide_and_who_would_put_it_back() {
    let cluster = Cluster::shared().await;
    let namespace = cluster.namespace("probe").await;
    cluster.deployment(&namespace, "checkout", 1, &format!("{REPOSITORY}:1.0")).await;
    let api: kube::Api<Deployment> = kube::Api::namespaced(cluster.client.clone(), &namespace);
    let marks = json!({ "metadata": {
        "labels": { "app.kubernetes.io/managed-by": "Helm", "kustomize.toolkit.fluxcd.io/name": "shop" },
        "annotations": { "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/checkout" },
    } });
    api.patch("checkout", &PatchParams::default(), &Patch::Merge(marks)).await.unwrap();
    let (_portal, scene) = portal(&namespace).await;
    scene.hand_in(&cluster.kubeconfig).await;
    let probe = probed(&scene, "confirmed").await;
    assert_eq!(probe["identity"], "admin");
    assert_eq!(probe["too_wide"].as_array().unwrap().len(), 1, "{probe}");
    let tools: Vec<&str> =
        probe["managers"].as_array().unwrap().iter().map(|one| one["tool"].as_str().unwrap()).collect();
    assert_eq!(tools, ["Argo CD", "Flux", "Helm"]);

    // The same stands among the warnings of a plan, for those who sign.
    scene.image(&images::good("probe"), "2.0").await;
    let number = scene.release(&images::good("probe"), json!({ "mode": "by_hand" })).await;
    let warnings = scene.show(number).await["warnings"].to_string();
    assert!(["Argo CD", "Flux", "Helm"].iter().all(|tool| warnings.contains(tool)), "{warnings}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_is_used_only_once_it_was_seen_to_work_and_confirmed() {
    let cluster = Cluster::shared().await;
    let namespace = cluster.namespace("confirm").await;
    cluster.deployment(&namespace, "checkout", 1, &format!("{REPOSITORY}:1.0")).await;
    let (portal, scene) = portal(&namespace).await;

    // A token the cluster does not know: seen to fail, and not to be confirmed.
    let wrong = cluster.kubeconfig.replace(&cluster.token(), "not-a-token-of-this-cluster");
    let handed = scene.admin.post("/api/v1/clusters/main/credential", json!({ "kubeconfig": wrong })).await.is(201);
    let id = handed["unverified"]["id"].as_i64().unwrap();
    let probe = probed(&scene, "unverified").await;
    assert!(probe["error"].is_string(), "{probe}");
    scene.admin.post(&format!("/api/v1/clusters/main/credential/{id}/confirm"), json!({})).await.is(409);

    // A release waits meanwhile, and says why.
    scene.image(&images::good("confirm"), "2.0").await;
    let body = json!({ "service": "checkout", "environment": "production", "image": images::good("confirm"), "start": { "mode": "by_hand" } });
    let number = scene.requester.post("/api/v1/releases", body).await.is(201)["number"].as_i64().unwrap();
    eventually("the reason", 10, || async {
        let release = scene.show(number).await;
        let reasons = release["reasons"].as_array().unwrap();
        reasons.iter().any(|one| one["code"] == "plan_failed").then_some(())
    })
    .await;

    // A good one replaces it, and the plan follows by itself.
    scene.hand_in(&cluster.kubeconfig).await;
    eventually("the plan", 10, || async { scene.show(number).await["content_hash"].as_str().map(|_| ()) }).await;

    // Nothing ever shows the secret: not the API, not the log, not the database.
    let secret = cluster.token();
    let shown = scene.admin.get("/api/v1/clusters/main/credential").await.ok().to_string();
    assert!(!shown.contains(&secret) && !portal.log().contains(&secret) && !portal.output().contains(&secret));
    for entry in std::fs::read_dir(portal.folder()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn handing_in_a_credential_is_for_a_person_who_has_just_signed_in() {
    let (_portal, scene) = portal("shop").await;
    let body = json!({ "kubeconfig": "apiVersion: v1" });
    scene.viewer.post("/api/v1/clusters/main/credential", body.clone()).await.is(422);
    let token = json!({ "title": "admin", "scopes": ["settings:write"] });
    let token = scene.admin.post("/api/v1/tokens", token).await.is(201);
    let program = scene.admin.with_token(token["token"].as_str().unwrap());
    let (certificate, kubeconfig) = practice_kubeconfig().await;
    let refused = program.post("/api/v1/clusters/main/credential", json!({ "kubeconfig": kubeconfig })).await.is(403);
    assert_eq!(refused["type"], "/problems/refusal-needs-session");
    scene.viewer.post("/api/v1/clusters/main/credential", json!({ "kubeconfig": kubeconfig })).await.is(403);
    certificate.stop().await;
}

async fn practice_kubeconfig() -> (tidegate::practice::Practice, String) {
    let now = chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_500);
    let practice = tidegate::practice::Practice::start(tidegate::practice::PracticeOptions::at(now)).await.unwrap();
    let kubeconfig = practice.admin_kubeconfig();
    (practice, kubeconfig)
}
