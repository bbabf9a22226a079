//! Bearer tokens, and the keys that make a repeated request the same request.

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::api::{Answer, Api};
use crate::support::images;
use crate::support::portal::{TestPortal, both};
use crate::support::town::{SCOPES, by_hand};

async fn with_key(who: &Api, path: &str, key: &str, body: &Value) -> Answer {
    let request = who.request(reqwest::Method::POST, path).header("idempotency-key", key).json(body);
    who.send(request).await
}

both! {
    async fn a_tokens_secret_is_shown_once_and_stored_as_a_hash(portal: &mut TestPortal) {
        let rita = portal.person("rita").await;
        let made = rita.post("/api/v1/tokens", json!({ "title": "ci", "scopes": ["images:write"] })).await.is(201);
        let secret = made["token"].as_str().unwrap();
        assert!(secret.starts_with("tdg_") && secret.len() > 40);
        assert_eq!(made["hint"], secret[..8]);
        let listed = rita.get("/api/v1/tokens").await.ok();
        assert!(!listed.to_string().contains(secret));
        let stored: String = portal.database.contents().await.into_values().flatten().collect();
        assert!(!stored.contains(secret), "the secret stands nowhere in the database");
        portal.nobody().with_token(secret).post("/api/v1/images", TestPortal::image_spec("first")).await.is(201);
    }

    async fn a_token_expires_to_the_microsecond_and_can_be_taken_back(portal: &mut TestPortal) {
        let rita = portal.person("rita").await;
        let made = rita.post("/api/v1/tokens", json!({ "title": "ci", "scopes": ["releases:read"], "days": 1 })).await.is(201);
        let token = portal.nobody().with_token(made["token"].as_str().unwrap());
        portal.advance(TimeDelta::days(1) - TimeDelta::microseconds(1)).await;
        token.get("/api/v1/images").await.ok();
        portal.advance(TimeDelta::microseconds(1)).await;
        let refused = token.get("/api/v1/images").await.is(401);
        assert_eq!(refused["type"], "/problems/token-expired");

        let rita = portal.person("rita").await;
        let made = rita.post("/api/v1/tokens", json!({ "title": "other", "scopes": ["releases:read"] })).await.is(201);
        let token = portal.nobody().with_token(made["token"].as_str().unwrap());
        token.get("/api/v1/images").await.ok();
        rita.delete(&format!("/api/v1/tokens/{}", made["id"])).await.is(204);
        assert_eq!(token.get("/api/v1/images").await.is(401)["type"], "/problems/token-refused");
        rita.delete(&format!("/api/v1/tokens/{}", made["id"])).await.is(204);
    }

    async fn a_token_does_no_more_than_its_scopes_and_its_person(portal: &mut TestPortal) {
        let number = portal.release("first", by_hand()).await;
        let only = async |login: &str, scope: &str| portal.token(login, &[scope]).await;
        let image = TestPortal::image_spec("second");
        for (login, scope, status) in [("rita", "images:write", 201), ("rita", "releases:write", 403), ("vera", "images:write", 403)] {
            assert_eq!(only(login, scope).await.post("/api/v1/images", image.clone()).await.status, status, "{login} {scope}");
        }
        let withdraw = format!("/api/v1/releases/{number}/withdraw");
        only("rita", "images:write").await.post(&withdraw, json!({})).await.is(403);
        only("rita", "releases:write").await.post(&withdraw, json!({})).await.ok();
        only("otto", "releases:write").await.post("/api/v1/windows", portal.window_spec(TimeDelta::hours(1), TimeDelta::hours(1))).await.is(403);
        only("otto", "windows:write").await.post("/api/v1/windows", portal.window_spec(TimeDelta::hours(1), TimeDelta::hours(1))).await.is(201);
        only("ada", "releases:write").await.post("/api/v1/groups", json!({ "name": "crew", "title": "Crew" })).await.is(403);
        only("ada", "settings:write").await.post("/api/v1/groups", json!({ "name": "crew", "title": "Crew" })).await.is(201);
        // Reading what its person may look at takes the scope for it.
        only("rita", "images:write").await.get(&format!("/api/v1/releases/{number}")).await.is(403);
        only("rita", "releases:read").await.get(&format!("/api/v1/releases/{number}")).await.ok();
    }

    async fn tokens_are_ones_own_or_an_administrators_to_manage(portal: &mut TestPortal) {
        let rita = portal.person("rita").await;
        let made = rita.post("/api/v1/tokens", json!({ "title": "ci", "scopes": ["images:write"] })).await.is(201);
        let path = format!("/api/v1/tokens/{}", made["id"]);
        let otto = portal.person("otto").await;
        otto.delete(&path).await.is(404);
        assert!(otto.get("/api/v1/tokens").await.ok()["items"].as_array().unwrap().is_empty());
        otto.post("/api/v1/tokens", json!({ "title": "x", "scopes": ["images:write"], "person": "rita" })).await.is(403);
        // A program does not make itself another token.
        portal.ci().post("/api/v1/tokens", json!({ "title": "x", "scopes": ["images:write"] })).await.is(403);
        let ada = portal.person("ada").await;
        let theirs = ada.post("/api/v1/tokens", json!({ "title": "x", "scopes": ["images:write"], "person": "rita" })).await.is(201);
        assert_eq!(theirs["person"], "rita");
        ada.delete(&path).await.is(204);
    }

    async fn a_repeated_request_with_the_same_key_is_done_once(portal: &mut TestPortal) {
        let digest = portal.image("first").await;
        let body = json!({ "service": "checkout", "environment": "production", "image": digest, "start": by_hand() });
        let first = with_key(portal.ci(), "/api/v1/releases", "run-1", &body).await.is(201);
        let again = with_key(portal.ci(), "/api/v1/releases", "run-1", &body).await.is(201);
        assert_eq!(first["number"], again["number"]);
        let mut other = body.clone();
        other["note"] = json!("another");
        let refused = with_key(portal.ci(), "/api/v1/releases", "run-1", &other).await.is(422);
        assert_eq!(refused["errors"][0]["pointer"], "/idempotency-key");
        let second = with_key(portal.ci(), "/api/v1/releases", "run-2", &body).await.is(201);
        assert_ne!(first["number"], second["number"]);
        // The key is this token's, and this door's.
        let token = portal.token("rita", &SCOPES).await;
        let third = with_key(&token, "/api/v1/releases", "run-1", &body).await.is(201);
        assert!(third["number"].as_i64() > second["number"].as_i64());
        with_key(portal.ci(), "/api/v1/images", "run-1", &TestPortal::image_spec("other")).await.is(201);
        portal.run_until_idle().await;
    }

    async fn a_key_sent_twenty_times_at_once_makes_one_thing(portal: &mut TestPortal) {
        let digest = portal.image("first").await;
        let body = json!({ "service": "checkout", "environment": "production", "image": digest, "start": by_hand() });
        let asked = join_all((0..20).map(|_| with_key(portal.ci(), "/api/v1/releases", "run-1", &body))).await;
        let numbers: std::collections::BTreeSet<i64> = asked.into_iter().map(|answer| answer.is(201)["number"].as_i64().unwrap()).collect();
        assert_eq!(numbers.len(), 1);
        assert_eq!(portal.database.sizes().await["releases"], 1);
        portal.run_until_idle().await;
    }

    async fn a_refused_request_uses_no_key_up(portal: &mut TestPortal) {
        let body = json!({ "service": "checkout", "environment": "production", "image": images::good("first"), "start": by_hand() });
        with_key(portal.ci(), "/api/v1/releases", "run-1", &body).await.is(422);
        portal.image("first").await;
        with_key(portal.ci(), "/api/v1/releases", "run-1", &body).await.is(201);
        let long = "k".repeat(256);
        for key in ["", &long] {
            assert_eq!(with_key(portal.ci(), "/api/v1/releases", key, &body).await.is(422)["errors"][0]["pointer"], "/idempotency-key");
        }
        portal.run_until_idle().await;
    }

    async fn a_key_is_forgotten_after_a_day(portal: &mut TestPortal) {
        let digest = portal.image("first").await;
        let body = json!({ "service": "checkout", "environment": "production", "image": digest, "start": by_hand() });
        let first = with_key(portal.ci(), "/api/v1/releases", "run-1", &body).await.is(201);
        portal.run_until_idle().await;
        portal.advance(TimeDelta::hours(24)).await;
        let later = with_key(portal.ci(), "/api/v1/releases", "run-1", &body).await.is(201);
        assert_ne!(first["number"], later["number"]);
        portal.run_until_idle().await;
    }

    async fn every_verb_of_a_release_can_be_repeated_with_a_key(portal: &mut TestPortal) {
        let number = portal.release("first", by_hand()).await;
        portal.sign_all(number).await;
        let token = portal.token("otto", &SCOPES).await;
        for verb in ["start", "rollback"] {
            let path = format!("/api/v1/releases/{number}/{verb}");
            let first = with_key(&token, &path, "once", &json!({})).await.ok();
            let again = with_key(&token, &path, "once", &json!({})).await.ok();
            assert_eq!(first["deployments"].as_array().unwrap().len(), again["deployments"].as_array().unwrap().len(), "{verb}");
            portal.run_until_idle().await;
            with_key(&token, &path, "once", &json!({})).await.ok();
        }
        let second = portal.release("second", by_hand()).await;
        let path = format!("/api/v1/releases/{second}/withdraw");
        for _ in 0..2 {
            with_key(portal.ci(), &path, "once", &json!({ "reason": "too early" })).await.ok();
        }
        // The same key for another release is another request.
        let third = portal.release("third", by_hand()).await;
        let other = format!("/api/v1/releases/{third}/withdraw");
        with_key(portal.ci(), &other, "once", &json!({ "reason": "too early" })).await.is(422);
        assert_eq!(portal.state(third).await, "waiting");
    }
}
