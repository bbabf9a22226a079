//! What was entrusted to the portal stays with it: not in its files, not in its log, not in its
//! answers.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use serde_json::json;

use crate::support::cluster::Cluster;
use crate::support::images;
use crate::support::process::Portal;
use crate::support::scene::{PASSWORD, Scene};

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// A secret in the forms in which it could be written: as it is, and in base64 at each of the three
/// places in which it can stand there.
fn forms(secret: &str) -> Vec<String> {
    let encoded = (0..3).map(|shift| {
        let text = format!("{}{secret}", &"xxx"[..shift]);
        let code = base64::prelude::BASE64_STANDARD_NO_PAD.encode(text);
        code[4..code.len() - 4].to_owned()
    });
    std::iter::once(secret.to_owned()).chain(encoded).collect()
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    forms(secret).iter().any(|form| bytes.windows(form.len()).any(|window| window == form.as_bytes()))
}

/// What stands behind a key in a kubeconfig, everywhere it does.
fn values<'a>(kubeconfig: &'a str, key: &str) -> Vec<&'a str> {
    let lines = kubeconfig.lines().filter_map(|line| line.trim().split_once(':'));
    lines.filter(|(name, _)| name.trim_matches('"') == key).map(|(_, value)| value.trim().trim_matches('"')).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_no_log_and_no_answer_holds_a_secret() {
    let cluster = Cluster::shared().await;
    let namespace = cluster.namespace("secrets").await;
    cluster.deployment(&namespace, "checkout", 1, "registry.example/shop/checkout:old").await;
    // The most talkative log there is.
    let portal = Portal::start_with(&[], &[("TIDEGATE_LOG", "trace")]).await;
    let setup = portal.setup_secret();
    let scene = Scene::set(&portal.api(), &setup, &cluster.kubeconfig, &namespace, "checkout").await;
    let token = json!({ "title": "shown once", "scopes": ["releases:read"] });
    let token = scene.admin.post("/api/v1/tokens", token).await.is(201)["token"].as_str().unwrap().to_owned();
    let link = scene.admin.post("/api/v1/people/vera/link", json!({})).await.ok();
    let link = link["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    scene.image(&images::good("secrets"), "1.0").await;
    let number = scene.release(&images::good("secrets"), json!({ "mode": "when_signed" })).await;
    scene.sign_all(number).await;
    assert_eq!(scene.ended(number, 60).await["state"], "succeeded");

    let mut secrets: Vec<String> = vec![PASSWORD.to_owned(), setup, token, link];
    secrets.push(scene.admin.cookie().split('=').nth(1).unwrap().to_owned());
    secrets.extend(values(&cluster.kubeconfig, "token").into_iter().map(str::to_owned));
    assert!(secrets.len() == 6 && secrets.iter().all(|secret| secret.len() >= 16), "{}", secrets.len());

    for file in files(portal.folder()) {
        // What the start printed is the setup link, for whoever started it.
        let printed = file.ends_with("out");
        let bytes = std::fs::read(&file).unwrap();
        for secret in secrets.iter().filter(|secret| !printed || **secret != secrets[1]) {
            assert!(!holds(&bytes, secret), "{} holds {}…", file.display(), &secret[..6]);
        }
    }
    assert!(portal.log().contains("TRACE"), "the log is as talkative as it was asked to be");
    for path in [
        "/api/v1/clusters/main",
        "/api/v1/people/vera",
        "/api/v1/tokens",
        "/api/v1/audit?limit=200",
        "/clusters/main",
        "/clusters/main/credential",
        "/people/vera",
        "/tokens",
        "/audit",
        "/account",
    ] {
        let answer = scene.admin.request(reqwest::Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{path}");
        let bytes = answer.bytes().await.unwrap();
        for secret in &secrets {
            assert!(!holds(&bytes, secret), "{path} shows {}…", &secret[..6]);
        }
    }
}

#[test]
fn a_secret_is_found_in_each_of_its_forms() {
    let secret = "correct horse battery";
    for before in ["", "a", "ab", "abc"] {
        let text = format!("{before}{secret} and more");
        assert!(holds(text.as_bytes(), secret));
        assert!(holds(base64::prelude::BASE64_STANDARD.encode(&text).as_bytes(), secret), "{before:?}");
    }
    assert!(!holds(b"correct horse", secret));
}
