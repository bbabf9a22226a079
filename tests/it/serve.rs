//! `tidegate serve`: what it makes, what it prints, what it refuses, and how it is reached.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::json;

use crate::support::process::{Portal, free_port};
use crate::support::scene::PASSWORD;

fn refused(arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .arg("serve")
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(!done.status.success(), "{arguments:?} is accepted");
    String::from_utf8(done.stderr).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_folder_gets_a_database_a_key_ring_and_a_setup_link_that_works_once() {
    let mut portal = Portal::start().await;
    for file in ["tidegate.db", "tidegate.keys"] {
        let mode = std::fs::metadata(portal.folder().join(file)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{file}");
    }
    let output = portal.output();
    assert!(output.contains("Back it up"), "{output}");
    let ring = std::fs::read(portal.folder().join("tidegate.keys")).unwrap();
    let key = serde_json::from_slice::<serde_json::Value>(&ring).unwrap();
    let key = key["keys"].as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned();
    let database = std::fs::read(portal.database()).unwrap();
    assert!(!database.windows(key.len()).any(|window| window == key.as_bytes()), "the key is not in the database");

    let secret = portal.setup_secret();
    portal.api().set_up(&secret, "ada", PASSWORD).await;
    let again = json!({ "link": secret, "login": "eve", "name": "Eve", "password": PASSWORD });
    portal.api().post("/api/v1/setup", again).await.is(409);

    // The next start says nothing about a setup any more, and keeps the key ring.
    portal.signal("TERM");
    assert!(portal.ended(20).await.success());
    std::fs::write(portal.folder().join("out"), "").unwrap();
    portal.launch().await;
    assert!(!portal.output().contains("/setup/"), "{}", portal.output());
    assert_eq!(std::fs::read(portal.folder().join("tidegate.keys")).unwrap(), ring);
    portal.api().by_password("ada", PASSWORD).await;
}

#[test]
fn settings_that_do_not_fit_are_refused_in_words() {
    for (arguments, words) in [
        (&["--public-url", "http://tidegate.example.com"][..], "plain http is for loopback only"),
        (&["--public-url", "https://tidegate.example.com/portal"], "has a path"),
        (&["--public-url", "tidegate"], "is not an address"),
        (&["--zone", "Mars/Olympus"], "not an IANA time zone"),
        (&["--port", "70000"], "70000"),
        (&["--trusted-proxy", "nobody"], "nobody"),
        (&["--tls-cert", "cert.pem"], "--tls-key"),
        (&["--database-url", "mysql://localhost/x"], "must begin with sqlite: or postgres:"),
    ] {
        let said = refused(arguments);
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_tls_cookies_are_bound_to_the_host_and_browsers_are_told_to_stay() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let port = free_port();
    crate::support::prepare();
    let data = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["serve", "--port", &port.to_string(), "--public-url", &format!("https://localhost:{port}")])
        .args(["--tls-cert", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()])
        .current_dir(data.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let trusted = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([trusted])
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let answer = crate::support::eventually("TLS", 20, || async {
        client.get(format!("https://localhost:{port}/sign-in")).send().await.ok()
    })
    .await;
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(
        cookie.starts_with("__Host-tidegate-form=") && cookie.contains("Secure") && cookie.contains("HttpOnly"),
        "{cookie}"
    );
    assert!(answer.headers().contains_key("strict-transport-security"));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_whole_set_of_headers() {
    let portal = Portal::start().await;
    let client = reqwest::Client::new();
    for path in [
        "/",
        "/sign-in",
        "/nowhere",
        "/api/v1/releases",
        "/api/nowhere",
        "/static/nothing.css",
        "/announcements",
        "/healthz",
    ] {
        // Also where nothing can be said in a way that is taken.
        for taken in ["gzip", "identity;q=0, *;q=0"] {
            let answer =
                client.get(format!("{}{path}", portal.url)).header("accept-encoding", taken).send().await.unwrap();
            for name in [
                "content-security-policy",
                "x-content-type-options",
                "x-frame-options",
                "referrer-policy",
                "cache-control",
            ] {
                assert!(answer.headers().contains_key(name), "{path} has no {name}");
            }
            let policy = answer.headers()["content-security-policy"].to_str().unwrap();
            assert!(!policy.contains("unsafe"), "{policy}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_address_counts_only_from_a_trusted_proxy() {
    for (trusted, expected) in [(&[][..], "127.0.0.1"), (&["--trusted-proxy", "127.0.0.1"], "203.0.113.7")] {
        let portal = Portal::start_with(trusted, &[]).await;
        let admin = portal.api().set_up(&portal.setup_secret(), "ada", PASSWORD).await;
        let wrong = portal.api().request(reqwest::Method::POST, "/api/v1/session");
        let wrong = wrong
            .header("x-forwarded-for", "198.51.100.1, 203.0.113.7")
            .json(&json!({ "login": "ada", "password": "wrong wrong wrong" }));
        assert_eq!(wrong.send().await.unwrap().status(), 401);
        let log = admin.get("/api/v1/audit?q=sign_in_failed").await.ok();
        let leaf: serde_json::Value = serde_json::from_str(log["items"][0]["leaf"].as_str().unwrap()).unwrap();
        assert_eq!(leaf["facts"]["from"], expected);
    }
}
