//! The whole way, from an empty folder to a verdict, by what people see and press. Only CI speaks
//! to the API.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use fantoccini::Locator;
use serde_json::json;

use super::{Browser, DARK, DESKTOP, PHONE};
use crate::support::cluster::{Cluster, image};
use crate::support::images;
use crate::support::process::Portal;
use crate::support::scene::{PASSWORD, REPOSITORY};

/// What is shown once, on the page of its own.
async fn shown_once(browser: &Browser) -> String {
    browser.page.find(Locator::Css(".once")).await.unwrap().text().await.unwrap()
}

/// Makes a person and gives their one-time link.
async fn person(admin: &Browser, name: &str, login: &str, role: &str) -> String {
    admin.goto("/people/new").await;
    admin.fill("name", name).await;
    admin.fill("login", login).await;
    admin.fill("commit_identities", &format!("{login}@shop.example")).await;
    admin.click(&format!("#roles .row:first-child option[value=\"{role}\"]")).await;
    admin.press("Make the person").await;
    admin.read("Has never signed in.", 5).await;
    admin.press("Make a one-time sign-in link").await;
    admin.read("shown only here", 5).await;
    shown_once(admin).await
}

async fn group(admin: &Browser, title: &str, name: &str, member: &str) {
    admin.goto("/groups/new").await;
    admin.fill("title", title).await;
    admin.fill("name", name).await;
    admin.click(&format!("[name=members][value={member}]")).await;
    admin.press("Make the group").await;
    admin.read("Made.", 5).await;
}

async fn cluster(admin: &Browser, kubeconfig: &str) {
    admin.goto("/clusters").await;
    admin.read("No cluster yet.", 5).await;
    admin.press("New cluster").await;
    admin.fill("title", "Main").await;
    admin.fill("name", "main").await;
    admin.press("Make the cluster").await;
    admin.press("Hand in a kubeconfig").await;
    admin.fill("kubeconfig", kubeconfig).await;
    admin.press("Hand it in").await;
    // The page comes anew by itself until the portal has seen the cluster.
    admin.read("waits for you", 30).await;
    admin.read("Kubernetes v1.", 5).await;
    admin.shot("whole-credential").await;
    admin.press("Use this credential").await;
    admin.read("Compare server and authority", 5).await;
    admin.click("#use form button").await;
    admin.read("The credential is in use.", 5).await;
}

/// The environment with its policy, and the service with its target there.
async fn place(admin: &Browser, namespace: &str) {
    admin.goto("/environments/new").await;
    admin.fill("title", "Production").await;
    admin.fill("name", "production").await;
    admin.choose("cluster", "Main").await;
    admin.click("#rules .row:nth-child(1) option[value=deployment-team]").await;
    admin.click("#rules .row:nth-child(2) option[value=product]").await;
    admin.fill("watch_seconds", "1").await;
    admin.shot("whole-policy").await;
    admin.press("Make the environment").await;
    admin.read("one person of Product", 5).await;

    admin.goto("/services/new").await;
    admin.fill("title", "Checkout").await;
    admin.fill("name", "checkout").await;
    admin.fill("repository", REPOSITORY).await;
    admin.click("[name=public]").await;
    admin.press("Make the service").await;
    admin.press("Add a target").await;
    admin.fill("namespace", namespace).await;
    admin.fill("containers", "app").await;
    admin.press("Add a target").await;
    admin.read("The target is added.", 5).await;
}

async fn token(admin: &Browser, person: &str) -> String {
    admin.goto("/tokens/new").await;
    admin.fill("title", "CI of the shop").await;
    admin.choose("person", person).await;
    admin.click("[value=\"images:write\"]").await;
    admin.press("Make the token").await;
    admin.read("Copy it now", 5).await;
    shown_once(admin).await
}

/// Plans a window for the public and announces it.
async fn window(operator: &Browser, title: &str, opens_in: TimeDelta) {
    let field = |at: chrono::DateTime<Utc>| at.format("%Y-%m-%dT%H:%M:%S").to_string();
    operator.goto("/windows/new").await;
    operator.fill("title", title).await;
    operator.fill("zone", "UTC").await;
    operator.fill("starts_at", &field(Utc::now() + opens_in)).await;
    operator.fill("ends_at", &field(Utc::now() + TimeDelta::minutes(30))).await;
    operator.fill("audience", "The shop may be slow.").await;
    operator.click("[name=public]").await;
    operator.press("Save").await;
    operator.read("Nobody is told before you announce it", 5).await;
    operator.press("Announce it").await;
    operator.read("announced for", 5).await;
}

/// Signs what waits for whoever comes by this link.
async fn sign(signer: &Browser, link: &str, comment: &str) {
    signer.sign_in(link).await;
    signer.read("Needs your sign-off", 5).await;
    signer.fits().await;
    signer.press("R-1").await;
    signer.fill("comment", comment).await;
    signer.fits().await;
    signer.press("Sign off").await;
    signer.read("You signed this on", 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_way_is_walked_in_a_browser_on_the_real_cluster() {
    let real = Cluster::shared().await;
    let walked = tokio::time::timeout(Duration::from_secs(120), walk(&real)).await;
    walked.expect("the whole way ends within two minutes");
}

async fn walk(real: &Cluster) {
    let namespace = real.namespace("whole").await;
    let before = format!("{REPOSITORY}@{}", images::good("whole-before"));
    real.deployment(&namespace, "checkout", 3, &before).await;
    let history = real.history(&namespace, "checkout").await;
    let portal = Portal::start().await;

    let ada = Browser::open(&portal.url, DESKTOP).await;
    ada.goto(&format!("/setup/{}", portal.setup_secret())).await;
    ada.fill("name", "Ada Chen").await;
    ada.fill("login", "ada").await;
    ada.fill("password", PASSWORD).await;
    ada.press("Make the account").await;
    ada.see("nav").await;
    ada.shot("whole-empty-board").await;
    let rita = person(&ada, "Rita Moss", "rita", "requester").await;
    let dora = person(&ada, "Dora Kim", "dora", "").await;
    let pia = person(&ada, "Pia Nair", "pia", "").await;
    group(&ada, "Deployment team", "deployment-team", "dora").await;
    group(&ada, "Product", "product", "pia").await;
    cluster(&ada, &real.kubeconfig).await;
    place(&ada, &namespace).await;
    ada.goto("/clusters/main").await;
    ada.press("Check now").await;
    ada.read("read the target and set its image", 30).await;
    ada.shot("whole-cluster").await;

    let ci = portal.api().with_token(&token(&ada, "Rita Moss").await);
    let digest = images::slow("whole");
    let built = json!({
        "repository": REPOSITORY, "digest": digest, "tags": ["1.42.0"], "commit": "9f2c41a8d0", "branch": "main",
        "authors": ["Rita <rita@shop.example>"], "run_url": "https://ci.example/runs/5121", "tests": { "passed": 412 },
    });
    ci.post("/api/v1/images", built).await.ok();
    window(&ada, "November storefront", TimeDelta::seconds(20)).await;

    let rita_at = Browser::open(&portal.url, DESKTOP).await;
    rita_at.goto("/announcements").await;
    rita_at.read("November storefront", 5).await;
    rita_at.read("The shop may be slow.", 5).await;
    rita_at.sign_in(&rita).await;
    rita_at.goto("/images").await;
    rita_at.press("1.42.0").await;
    rita_at.press("Request for Production").await;
    rita_at.click("option[value^=\"by_hand:\"]").await;
    rita_at.fill("note", "Vouchers at the checkout.").await;
    rita_at.press("Request a release").await;
    rita_at.read("412 tests passed", 5).await;
    // The page follows the planning.
    rita_at.read("The portal read the cluster and planned it", 20).await;
    rita_at.read("One sign-off of Product is missing", 5).await;
    rita_at.shot("whole-requested").await;
    rita_at.close().await;

    let (dora_at, pia_at) = tokio::join!(Browser::open(&portal.url, PHONE), Browser::open(&portal.url, DARK));
    sign(&dora_at, &dora, "tried on staging").await;
    dora_at.shot("whole-signed-phone").await;
    sign(&pia_at, &pia, "as agreed").await;
    pia_at.shot("whole-signed-dark").await;

    // The button comes when the window opens; nothing is reloaded from here on.
    ada.goto("/releases/1").await;
    for browser in [&ada, &dora_at] {
        browser.page.execute("window.stayed = true", vec![]).await.unwrap();
    }
    ada.read("Start now: window closes in", 30).await;
    ada.press("Start now").await;
    ada.read("rolling out", 20).await;
    dora_at.read("rolling out", 20).await;
    dora_at.shot("whole-rollout-phone").await;
    pia_at.goto("/releases/1").await;
    pia_at.shot("whole-rollout-dark").await;
    for browser in [&ada, &dora_at] {
        browser.read("The new pods serve", 40).await;
        browser.read("succeeded", 5).await;
    }
    let stayed = dora_at.page.execute("return window.stayed === true", vec![]).await.unwrap();
    assert_eq!(stayed, json!(true), "the page was reloaded");
    dora_at.fits().await;
    dora_at.shot("whole-succeeded-phone").await;
    ada.shot("whole-succeeded").await;
    ada.goto("/audit?q=R-1").await;
    for verb in ["release.request", "release.plan", "signoff.approve", "deployment.start", "deployment.end"] {
        ada.read(verb, 5).await;
    }
    ada.shot("whole-audit").await;

    let after = format!("{REPOSITORY}@{digest}");
    history.catch_up().await;
    assert_eq!(history.images(), [before, after.clone()]);
    assert_eq!(history.spec_changes(), 1);
    assert_eq!(image(&real.get(&namespace, "checkout").await, "app"), after);
    tokio::join!(ada.close(), dora_at.close(), pia_at.close());
}
