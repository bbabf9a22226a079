//! What a sign-off is bound to: the content hash. Whatever in it changes voids the decisions, with
//! the reason shown, and the start is refused (rule 3).

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::portal::{TestPortal, both};
use crate::support::town::{REPOSITORY, at_opening, by_hand, reasons, target};
use crate::support::{field, images};

/// What is changed, and what the void decisions are told about it.
const CHANGES: [(&str, &str); 10] = [
    ("the tag moved", "The tag first moved to another image."),
    ("new evidence", "CI sent new evidence about the image."),
    ("another author", "CI sent new evidence about the image."),
    ("the window moved", "The window November storefront was moved."),
    ("the window's zone changed", "The window November storefront was moved."),
    ("a target edited", "The targets were edited."),
    ("the policy edited", "The environment's policy was edited."),
    ("the note", "Start or note was changed."),
    ("the start mode", "Start or note was changed."),
    ("another cluster", "The environment deploys to another cluster now."),
];

async fn change(portal: &TestPortal, what: &str, number: i64, window: i64) {
    let ci = portal.ci();
    let image = |change: Value| {
        let mut spec = TestPortal::image_spec("first");
        spec.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        spec
    };
    let revise = async |body: Value| {
        portal.person("rita").await.patch(&format!("/api/v1/releases/{number}"), body).await.ok();
    };
    match what {
        "the tag moved" => {
            let other = image(json!({ "digest": images::good("other") }));
            ci.post("/api/v1/images", other).await.is(201);
        }
        "new evidence" => {
            ci.post("/api/v1/images", image(json!({ "tests": { "passed": 411, "failed": 1 } }))).await.is(200);
        }
        "another author" => {
            let ada =
                json!({ "kind": "Person", "login": "ada", "name": "ada", "commit_identities": ["ada@example.com"] });
            portal.apply(json!([ada])).await;
            let authors = json!({ "authors": ["carl@example.com", "ada@example.com"] });
            ci.post("/api/v1/images", image(authors)).await.is(200);
        }
        "the window moved" => {
            let end = portal.clock.now().plus(TimeDelta::hours(5));
            portal.change_window(window, json!({ "ends_at": end })).await.ok();
        }
        "the window's zone changed" => {
            portal.change_window(window, json!({ "zone": "Asia/Taipei" })).await.ok();
        }
        "a target edited" => {
            let ada = portal.person("ada").await;
            let targets = ada.get("/api/v1/services/checkout/targets").await.ok();
            let (id, version) = (&targets["items"][0]["id"], &targets["items"][0]["version"]);
            let mut edited = target(portal.namespace(), "checkout");
            edited["containers"] = json!(["app", "side"]);
            ada.put(&format!("/api/v1/targets/{id}?version={version}"), edited).await.ok();
        }
        "the policy edited" => portal.change_policy(json!({ "validity_hours": 5 })).await,
        "the note" => revise(json!({ "note": "vouchers, and the basket" })).await,
        "the start mode" => revise(json!({ "start": { "mode": "at_opening", "window": window } })).await,
        "another cluster" => {
            let another = field::another();
            let namespace =
                json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": portal.namespace() } });
            another.create(&namespace).unwrap();
            field::deployment(another, portal.namespace(), "checkout", &format!("{REPOSITORY}:old"));
            portal.connect(&another.admin_kubeconfig()).await;
        }
        other => panic!("nobody knows how to change {other}"),
    }
}

both! {
    async fn whatever_is_changed_after_the_signoff_voids_it_and_nothing_starts(portal: &mut TestPortal) {
        for (what, told) in CHANGES {
            // Inside an open window, so that nothing but the sign-offs is in the way.
            let window = portal.window(TimeDelta::zero(), TimeDelta::hours(4)).await;
            let digest = portal.image("first").await;
            let start = json!({ "mode": "by_hand", "window": window });
            let asked = portal.ask(&portal.person("rita").await, &digest, start).await.is(201);
            let number = asked["number"].as_i64().unwrap();
            portal.run_until_idle().await;
            portal.sign_all(number).await;
            assert_eq!(portal.state(number).await, "ready", "{what}");
            let signed = portal.show(number).await;

            change(portal, what, number, window).await;
            // Even before the portal has planned it anew.
            portal.start_by_hand(number).await.is(409);
            portal.run_until_idle().await;

            let release = portal.show(number).await;
            assert_eq!(release["state"], "waiting", "{what}: {release}");
            assert_eq!(release["revision"], signed["revision"].as_i64().unwrap() + 1, "{what}");
            assert_ne!(release["content_hash"], signed["content_hash"], "{what}");
            assert!(reasons(&release).contains(&"signoff_missing"), "{what}: {}", release["reasons"]);
            for decision in release["decisions"].as_array().unwrap() {
                assert_eq!((&decision["counts"], &decision["void_reason"]), (&json!(false), &json!(told)), "{what}");
            }
            portal.start_by_hand(number).await.is(409);
            portal.run_until_idle().await;
            let old = json!({ "content_hash": signed["content_hash"] });
            let path = format!("/api/v1/releases/{number}/signoff");
            portal.person("dora").await.post(&path, old).await.is(409);
            assert!(portal.show(number).await["deployments"].as_array().unwrap().is_empty(), "{what}: nothing ran");
            portal.person("rita").await.post(&format!("/api/v1/releases/{number}/withdraw"), json!({})).await.ok();
        }
    }

    async fn a_renewed_token_of_the_same_cluster_voids_nothing(portal: &mut TestPortal) {
        let number = portal.release("first", by_hand()).await;
        portal.sign_all(number).await;
        let before = portal.show(number).await;
        let practice = field::practice();
        let everything = tidegate::practice::Rule {
            namespace: None,
            groups: vec!["*".to_owned()],
            resources: vec!["*".to_owned()],
            verbs: vec!["*".to_owned()],
            resource_names: Vec::new(),
        };
        let name = format!("renewed-{}", portal.namespace());
        let account = tidegate::practice::Account::new(&name, &name, vec![everything]);
        practice.admit(account.clone());
        portal.connect(&practice.kubeconfig_for(&account)).await;
        let after = portal.show(number).await;
        assert_eq!((&after["state"], &after["content_hash"]), (&json!("ready"), &before["content_hash"]));
        portal.start_by_hand(number).await.ok();
        portal.run_until_idle().await;
        assert_eq!(portal.state(number).await, "succeeded");
    }

    async fn a_credential_that_was_dropped_first_hides_no_other_cluster(portal: &mut TestPortal) {
        let number = portal.release("first", by_hand()).await;
        portal.sign_all(number).await;
        let ada = portal.signed_in("ada").await;
        ada.delete("/api/v1/clusters/main/credential").await.is(204);
        assert_eq!(reasons(&portal.show(number).await), ["cluster", "by_hand"]);
        change(portal, "another cluster", number, 0).await;
        let release = portal.show(number).await;
        assert_eq!((&release["state"], &release["revision"]), (&json!("waiting"), &json!(2)));
        assert_eq!(release["decisions"][0]["void_reason"], "The environment deploys to another cluster now.");
    }

    async fn a_decision_is_told_what_voided_it_first(portal: &mut TestPortal) {
        let number = portal.release("first", by_hand()).await;
        portal.sign("dora", number).await;
        portal.change_policy(json!({ "validity_hours": 5 })).await;
        portal.sign("dirk", number).await;
        change(portal, "the note", number, 0).await;
        portal.run_until_idle().await;
        let release = portal.show(number).await;
        let told = |index: usize| release["decisions"][index]["void_reason"].as_str().unwrap();
        assert_eq!((told(0), told(1)), ("The environment's policy was edited.", "Start or note was changed."));
    }

    async fn the_hashed_bytes_are_stored_and_everything_signed_is_in_them(portal: &mut TestPortal) {
        let window = portal.window(TimeDelta::hours(1), TimeDelta::hours(2)).await;
        let number = portal.release("first", at_opening(window)).await;
        let release = portal.show(number).await;
        let mut probe = portal.database.probe().await;
        let bytes = probe.texts(&format!("SELECT content FROM revisions WHERE release_number = {number}")).await.remove(0);
        assert_eq!(tidegate::domain::release::content_hash(bytes.as_bytes()), release["content_hash"].as_str().unwrap());
        let content: Value = serde_json::from_str(&bytes).unwrap();
        assert_eq!(content["schema"], "tidegate.content/1");
        assert_eq!(content["start"]["mode"], "at_opening");
        assert_eq!(content["start"]["window"]["starts_at"], portal.clock.now().plus(TimeDelta::hours(1)).micros());
        assert_eq!(content["start"]["window"]["zone"], "Europe/Berlin");
        assert_eq!(content["image"]["digest"], images::good("first"));
        assert_eq!(content["plan"], release["plan"]);
        assert_eq!((&content["policy_version"], &content["note"]), (&json!(1), &json!("vouchers")));
        let mut names: Vec<&str> = content.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        let known = ["environment", "evidence", "image", "note", "plan", "policy_version", "release", "revision", "schema", "service", "start"];
        assert_eq!(names, known);
    }
}
