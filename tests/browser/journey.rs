//! The way of a release in a browser.

use serde_json::json;

use super::{Browser, DESKTOP, WITHOUT_SCRIPTS};
use crate::support::cluster::Cluster;
use crate::support::images;
use crate::support::process::Portal;
use crate::support::scene::{REPOSITORY, Scene};

#[tokio::test(flavor = "multi_thread")]
async fn somebody_signs_off_and_watches_the_rollout() {
    let cluster = Cluster::shared().await;
    let namespace = cluster.namespace("browser").await;
    let before = format!("{REPOSITORY}@{}", images::good("browser-before"));
    cluster.deployment(&namespace, "checkout", 3, &before).await;
    let portal = Portal::start().await;
    let scene = Scene::set(&portal.api(), &portal.setup_secret(), &cluster.kubeconfig, &namespace, "checkout").await;
    scene.image(&images::slow("browser"), "1.42.0").await;
    let window = scene.window(6, 600).await;
    let number = scene.release(&images::slow("browser"), json!({ "mode": "at_opening", "window": window })).await;
    scene.sign(&scene.deployer, number).await;
    let link = scene.admin.post("/api/v1/people/pia/link", json!({})).await.ok();

    let browser = Browser::open(&portal.url, DESKTOP).await;
    browser.sign_in(link["url"].as_str().unwrap()).await;
    browser.read("Needs your sign-off", 5).await;
    browser.press(&format!("R-{number}")).await;
    browser.read("Your sign-off", 5).await;
    browser.fill("comment", "looks right to me").await;
    browser.press("Sign off: deploys").await;
    browser.read("You signed this on", 5).await;
    browser.fits().await;
    browser.shot("signed").await;
    // Nothing is reloaded from here on: the page follows the stream.
    browser.page.execute("window.stayed = true", vec![]).await.unwrap();
    browser.read("rolling out", 20).await;
    browser.shot("rollout").await;
    browser.read("succeeded", 30).await;
    browser.shot("succeeded").await;
    let stayed = browser.page.execute("return window.stayed === true", vec![]).await.unwrap();
    assert_eq!(stayed, json!(true), "the page was reloaded");
    browser.read("The new pods serve", 5).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_needs_no_script() {
    let cluster = Cluster::shared().await;
    let namespace = cluster.namespace("noscript").await;
    cluster.deployment(&namespace, "checkout", 1, "registry.example/shop/checkout:old").await;
    let portal = Portal::start().await;
    let scene = Scene::set(&portal.api(), &portal.setup_secret(), &cluster.kubeconfig, &namespace, "checkout").await;
    scene.image(&images::good("noscript"), "1.0").await;
    let number = scene.release(&images::good("noscript"), json!({ "mode": "when_signed" })).await;
    scene.sign(&scene.deployer, number).await;
    let link = scene.admin.post("/api/v1/people/pia/link", json!({})).await.ok();

    let browser = Browser::open(&portal.url, WITHOUT_SCRIPTS).await;
    browser.sign_in(link["url"].as_str().unwrap()).await;
    browser.goto(&format!("/releases/{number}")).await;
    browser.press("Sign off: deploys at once").await;
    // Without a script the page comes anew by itself while something happens. Only a browser that
    // runs none sees what is inside.
    browser.see("noscript meta").await;
    browser.read("succeeded", 30).await;
    browser.close().await;
}
