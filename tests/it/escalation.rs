//! Ways around the rules that look like everyday work: another environment, somebody else's token,
//! a link in somebody else's name, an identity taken off, a time that cannot be written.

use serde_json::json;

use crate::support::images;
use crate::support::page::Page;
use crate::support::portal::{TestPortal, both};
use crate::support::town::{REPOSITORY, by_hand, target, when_signed};

/// Staging on the same cluster, without any rule, and nora who administers it and nothing else.
async fn staging(portal: &TestPortal) {
    portal
        .apply(json!([
            {
                "kind": "Environment", "name": "staging", "title": "Staging", "rank": 5, "cluster": "main",
                "policy": { "rules": [] },
            },
            { "kind": "Cluster", "name": "other", "title": "Other" },
            {
                "kind": "Person", "login": "nora", "name": "nora",
                "roles": [{ "role": "admin", "environment": "staging" }, { "role": "requester", "environment": "staging" }],
            },
        ]))
        .await;
}

fn staged(namespace: &str, name: &str) -> serde_json::Value {
    let mut spec = target(namespace, name);
    spec["environment"] = json!("staging");
    spec
}

both! {
    async fn whoever_administers_one_environment_reaches_no_workload_of_another(portal: &mut TestPortal) {
        staging(portal).await;
        let (nora, ada) = (portal.person("nora").await, portal.person("ada").await);
        let path = "/api/v1/services/checkout/targets";
        // The workload of production, and any other in a namespace that is not staging's.
        let refused = nora.post(path, staged(portal.namespace(), "checkout")).await.is(422);
        assert_eq!(refused["errors"][0]["pointer"], "/name");
        nora.post(path, staged(portal.namespace(), "basket")).await.is(403);
        nora.post(path, staged("kube-system", "coredns")).await.is(403);
        // Who administers everything opens a namespace for it, and production's workload to nobody.
        ada.post(path, staged(portal.namespace(), "checkout")).await.is(422);
        ada.post(path, staged("staging", "checkout")).await.is(201);
        nora.post(path, staged("staging", "basket")).await.is(201);
        // Nor does she take the environment to another cluster, with its credential.
        let mut environment = nora.get("/api/v1/environments/staging").await.ok();
        environment.as_object_mut().unwrap().retain(|name, _| name != "version" && name != "archived");
        environment["cluster"] = json!("other");
        nora.put("/api/v1/environments/staging", environment.clone()).await.is(403);
        ada.put("/api/v1/environments/staging", environment.clone()).await.ok();
        // Back to the first cluster, unless that would share a workload.
        ada.post(path, staged(portal.namespace(), "checkout")).await.is(201);
        environment["cluster"] = json!("main");
        let refused = ada.put("/api/v1/environments/staging", environment).await.is(422);
        assert_eq!(refused["errors"][0]["pointer"], "/cluster");
        portal.run_until_idle().await;
    }

    async fn whoever_looks_at_one_environment_is_told_nothing_of_the_others(portal: &mut TestPortal) {
        staging(portal).await;
        let (nora, vera) = (portal.person("nora").await, portal.person("vera").await);
        let rights = |answer: &serde_json::Value| answer["confirmed"]["probe"]["rights"].as_array().unwrap().len();
        let path = "/api/v1/clusters/main/credential";
        assert!(rights(&vera.get(path).await.ok()) > 0);
        assert_eq!(rights(&nora.get(path).await.ok()), 0);
        assert!(Page::get(&vera, "/clusters/main").await.text("main").contains(portal.namespace()));
        assert!(!Page::get(&nora, "/clusters/main").await.text("main").contains(portal.namespace()));
    }

    async fn a_link_is_no_fresh_sign_in_for_whoever_has_a_password(portal: &mut TestPortal) {
        portal.change_policy(json!({ "fresh_signoff": true })).await;
        let number = portal.release("first", by_hand()).await;
        let hash = portal.show(number).await["content_hash"].clone();
        let path = format!("/api/v1/releases/{number}/signoff");
        // Dora has no password: her link is all she has.
        let dora = portal.signed_in("dora").await;
        let password = [("present", ""), ("password", "correct horse battery")];
        assert_eq!(Page::post(&dora, "/account/password", &password).await.status, 303);
        // Somebody hands out a link in her name, and uses it.
        let link = portal.signed_in("dora").await;
        let refused = link.post(&path, json!({ "content_hash": hash })).await.is(422);
        assert_eq!(refused["errors"][0]["pointer"], "/password");
        let dora = portal.nobody().by_password("dora", "correct horse battery").await;
        dora.post(&path, json!({ "content_hash": hash })).await.ok();
    }

    async fn whoever_made_the_token_that_asked_is_its_requester_too(portal: &mut TestPortal) {
        let product = json!({ "kind": "Group", "name": "product", "title": "Product", "members": ["pia", "ada"] });
        portal.apply(json!([product])).await;
        let ada = portal.person("ada").await;
        let token = json!({ "title": "rita's", "person": "rita", "scopes": ["releases:write", "releases:read"] });
        let token = ada.post("/api/v1/tokens", token).await.is(201);
        let borrowed = portal.nobody().with_token(token["token"].as_str().unwrap());
        let digest = portal.image("first").await;
        let number = portal.ask(&borrowed, &digest, by_hand()).await.is(201)["number"].as_i64().unwrap();
        portal.run_until_idle().await;
        let refused = portal.try_sign("ada", number).await.is(403);
        assert!(refused["detail"].as_str().unwrap().contains("asks for a release"), "{refused}");
        portal.sign("pia", number).await;
        // A token that changes settings would let her act in Rita's name.
        let settings = json!({ "title": "rita's", "person": "rita", "scopes": ["settings:write"] });
        assert_eq!(ada.post("/api/v1/tokens", settings).await.is(422)["errors"][0]["pointer"], "/scopes");
    }

    async fn nobody_takes_their_own_commit_identity_off(portal: &mut TestPortal) {
        let ada = portal.person("ada").await;
        let identities = |given: serde_json::Value| json!({ "login": "ada", "name": "ada", "commit_identities": given });
        ada.put("/api/v1/people/ada", identities(json!(["ada@example.com"]))).await.ok();
        let refused = ada.put("/api/v1/people/ada", identities(json!([]))).await.is(422);
        assert_eq!(refused["errors"][0]["pointer"], "/commit_identities");
        portal.apply(json!([{ "kind": "Person", "login": "otto", "name": "otto", "roles": [{ "role": "admin" }] }])).await;
        let otto = portal.signed_in("otto").await;
        otto.put("/api/v1/people/ada", identities(json!([]))).await.ok();
    }

    async fn what_is_known_of_an_image_is_not_changed_from_another_environment(portal: &mut TestPortal) {
        staging(portal).await;
        let number = portal.release("first", when_signed()).await;
        portal.sign("dora", number).await;
        let nora = portal.person("nora").await;
        let mut spec = TestPortal::image_spec("first");
        spec["authors"] = json!(["Pia <pia@example.com>"]);
        nora.post("/api/v1/images", spec).await.is(403);
        let mut spec = TestPortal::image_spec("other");
        spec["tags"] = json!(["first"]);
        nora.post("/api/v1/images", spec.clone()).await.is(403);
        assert_eq!(portal.show(number).await["revision"], 1, "what Dora signed stands");
        // What nobody has asked to release yet is anybody's to add to.
        spec["tags"] = json!(["other"]);
        nora.post("/api/v1/images", spec).await.is(201);
    }

    async fn a_time_that_could_not_be_written_again_is_not_taken(portal: &mut TestPortal) {
        portal.image("first").await;
        for far in ["9999-12-31T23:59:59-12:00", "0000-01-01T00:00:00+14:00"] {
            let mut spec = TestPortal::image_spec("first");
            spec["built_at"] = json!(far);
            let refused = portal.ci().post("/api/v1/images", spec).await.is(422);
            assert_eq!(refused["errors"][0]["pointer"], "/built_at", "{far}");
        }
        let list = portal.person("vera").await.get("/api/v1/images").await.ok();
        assert_eq!(list["items"][0]["digest"], images::good("first"));
        assert_eq!(list["items"][0]["repository"], REPOSITORY);
    }
}
