//! `tidegate user recover`: the way back in.

use serde_json::json;

use crate::support::command::{Line, tidegate};
use crate::support::process::Portal;
use crate::support::scene::PASSWORD;

fn recover(portal: &Portal, login: &str) -> Line {
    let port = portal.url.rsplit(':').next().unwrap();
    tidegate(["user", "recover", login, "--port", port]).within(portal.folder())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_link_is_made_while_the_portal_is_stopped_and_works_once() {
    let mut portal = Portal::start().await;
    let admin = portal.api().set_up(&portal.setup_secret(), "ada", PASSWORD).await;
    let gone = json!({ "login": "gone", "name": "Gone" });
    admin.post("/api/v1/people", gone).await.ok();
    admin.post("/api/v1/people/gone/archive", json!({})).await.ok();

    let refused = recover(&portal, "ada").run().await.with(1);
    assert!(
        refused.err.contains("stop the portal first") && refused.err.contains("another Tidegate process"),
        "{}",
        refused.err
    );
    assert_eq!(refused.out, "");

    portal.signal("TERM");
    assert!(portal.ended(20).await.success());
    let earlier = recover(&portal, "ada").run().await.with(0);
    let made = recover(&portal, "Ada ").run().await.with(0);
    assert_eq!(made.err, "");
    let link = |out: &str| out.trim().strip_prefix("Works once and for a day: ").unwrap().to_owned();
    assert!(link(&made.out).starts_with(&format!("{}/sign-in/", portal.url)), "{}", made.out);
    assert!(recover(&portal, "nobody").run().await.with(1).err.contains("nobody signs in as nobody"));
    assert!(recover(&portal, "gone").run().await.with(1).err.contains("gone is not active"));

    portal.launch().await;
    let ada = portal.api().by_link(&link(&made.out)).await;
    assert_eq!(ada.get("/api/v1/session").await.ok()["login"], "ada");
    // The password is gone, and a new one needs no old one.
    let old = json!({ "login": "ada", "password": PASSWORD });
    portal.api().post("/api/v1/session", old).await.is(401);
    for spent in [&made.out, &earlier.out] {
        let secret = link(spent).rsplit('/').next().unwrap().to_owned();
        portal.api().post("/api/v1/session", json!({ "link": secret })).await.is(409);
    }
    let log = ada.get("/api/v1/audit?limit=50").await.ok();
    let by_console = |one: &&serde_json::Value| one["verb"] == "person.link" && one["actor"] == "console";
    assert_eq!(log["items"].as_array().unwrap().iter().filter(by_console).count(), 2, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_folder_is_told_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let refused = tidegate(["user", "recover", "ada"]).within(folder.path()).run().await.with(1);
    assert!(refused.err.contains("there is no database at ./tidegate.db"), "{}", refused.err);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    tidegate(["user", "recover"]).run().await.with(2);
    let bad = tidegate(["user", "recover", "ada", "--public-url", "http://gate.example.com"]).run().await.with(2);
    assert!(bad.err.contains("plain http is for loopback only"), "{}", bad.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_ring_is_made_once_and_given_to_the_portal_as_it_is() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let create = || tidegate(["vault", "create", "keyring"]).within(folder.path()).run();
    create().await.with(0);
    let path = folder.path().join("keyring");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let ring = std::fs::read_to_string(&path).unwrap();
    assert!(create().await.with(1).err.contains("File exists"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), ring, "a ring is never replaced");

    let portal = Portal::start_with(&[], &[("TIDEGATE_KEYRING", &ring)]).await;
    assert!(!portal.folder().join("tidegate.keys").exists());
    assert!(!portal.output().contains("A key ring was made"), "{}", portal.output());
}
