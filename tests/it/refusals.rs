//! What programs get wrong: lists that grow while they are read, times, digests, tokens and
//! idempotency keys. What doors have in common is in `doors`.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::api::{Answer, Api};
use crate::support::images;
use crate::support::portal::{TestPortal, both};
use crate::support::town::{by_hand, target};

/// Reads a list to its end, page by page, with something happening after each; gives how often
/// each row came.
async fn read(who: &Api, path: &str, limit: usize, name: &str, mut then: impl AsyncFnMut()) -> BTreeMap<i64, usize> {
    let mut seen = BTreeMap::new();
    let mut cursor = String::new();
    for _ in 0..200 {
        let page = who.get(&format!("{path}?limit={limit}{cursor}")).await.ok();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= limit);
        for item in items {
            *seen.entry(item[name].as_i64().unwrap()).or_default() += 1;
        }
        let Some(next) = page["next_cursor"].as_str() else { return seen };
        assert_eq!(items.len(), limit, "only the last page is short");
        cursor = format!("&cursor={next}");
        then().await;
    }
    panic!("{path} never ends");
}

/// The pointers of a refusal of values.
#[track_caller]
fn pointers(answer: Answer) -> Vec<String> {
    let refused = answer.is(422);
    let errors = refused["errors"].as_array().unwrap_or_else(|| panic!("no pointers: {refused}"));
    errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
}

async fn with_key(who: &Api, path: &str, key: &str, body: &Value) -> Answer {
    who.send(who.request(reqwest::Method::POST, path).header("idempotency-key", key).json(body)).await
}

both! {
    async fn every_row_of_a_list_comes_once_even_while_rows_are_added(portal: &mut TestPortal) {
        for turn in 0..11 {
            let digest = portal.image(&format!("turn-{turn}")).await;
            portal.ask(&portal.person("rita").await, &digest, by_hand()).await.is(201);
            portal.draft_window(TimeDelta::hours(turn + 1), TimeDelta::hours(1)).await;
        }
        portal.run_until_idle().await;
        let ada = portal.person("ada").await;
        let log = portal.audit_size().await;
        let mut added = 0;
        for (path, name, first, last) in [
            ("/api/v1/images", "id", 1, 11),
            ("/api/v1/releases", "number", 1, 11),
            ("/api/v1/windows", "id", 1, 11),
            ("/api/v1/audit", "index", 0, log - 1),
        ] {
            for limit in [1, 4, 11, 200] {
                let seen = read(&ada, path, limit, name, async || {
                    if added < 12 {
                        added += 1;
                        let digest = portal.image(&format!("added-{added}")).await;
                        portal.ask(&portal.person("rita").await, &digest, by_hand()).await.is(201);
                        portal.draft_window(TimeDelta::hours(1), TimeDelta::hours(1)).await;
                    }
                })
                .await;
                for row in first..=last {
                    assert_eq!(seen.get(&row), Some(&1), "{path} by {limit}: row {row}");
                }
                assert!(seen.values().all(|times| *times == 1), "{path} by {limit}: {seen:?}");
            }
        }
        portal.run_until_idle().await;
    }

    async fn a_cursor_that_no_list_gave_and_a_limit_out_of_bounds_are_refused(portal: &mut TestPortal) {
        let ada = portal.person("ada").await;
        for path in ["/api/v1/images", "/api/v1/releases", "/api/v1/windows", "/api/v1/audit"] {
            for cursor in ["x", "-", "1x", "1.5", "99999999999999999999", "%20", "1%27"] {
                assert_eq!(pointers(ada.get(&format!("{path}?cursor={cursor}")).await), ["/cursor"], "{path} {cursor}");
            }
            for limit in ["0", "-1", "201", "9223372036854775807"] {
                assert_eq!(pointers(ada.get(&format!("{path}?limit={limit}")).await), ["/limit"], "{path} {limit}");
            }
            for query in ["limit=x", "limit=", "limit=%00"] {
                assert_eq!(pointers(ada.get(&format!("{path}?{query}")).await), ["/limit"], "{path} {query}");
            }
            assert_eq!(pointers(ada.get(&format!("{path}?limit=1&limit=2")).await).len(), 1, "{path}");
            // The end of a list is a list.
            let end = ada.get(&format!("{path}?cursor=0")).await.ok();
            assert_eq!((&end["items"], &end["next_cursor"]), (&json!([]), &Value::Null));
        }
    }

    async fn times_that_cannot_be_are_refused_where_they_stand(portal: &mut TestPortal) {
        let otto = portal.person("otto").await;
        let good = portal.window_spec(TimeDelta::hours(1), TimeDelta::hours(1));
        let before = portal.database.contents().await;
        for (change, expected) in [
            (json!({ "starts_at": "2026-11-22T10:00:00Z", "ends_at": "2026-11-22T11:00:00Z" }), &["/ends_at"][..]),
            (json!({ "starts_at": "2026-11-24T11:00:00Z", "ends_at": "2026-11-24T10:00:00Z" }), &["/ends_at"]),
            (json!({ "starts_at": "2026-11-24T11:00:00Z", "ends_at": "2026-11-24T11:00:00Z" }), &["/ends_at"]),
            (json!({ "zone": "Mars/Olympus" }), &["/zone"]),
            (json!({ "zone": "CEST" }), &["/zone"]),
            (json!({ "starts_at": "tomorrow" }), &["/starts_at"]),
            (json!({ "starts_at": "2026-02-30T10:00:00Z" }), &["/starts_at"]),
            (json!({ "starts_at": "2026-11-24T25:00:00Z" }), &["/starts_at"]),
            (json!({ "ends_at": "" }), &["/ends_at"]),
            (json!({ "ends_at": "99999-01-01T00:00:00Z" }), &["/ends_at"]),
            (json!({ "starts_at": "nonsense", "ends_at": "nonsense", "zone": "nonsense" }), &["/starts_at", "/ends_at", "/zone"]),
            // The hour that Berlin leaves out in spring.
            (json!({ "starts_at": "2027-03-28T02:30", "ends_at": "2027-03-28T04:30", "zone": "Europe/Berlin" }), &["/starts_at"]),
            (json!({ "starts_at": 1_763_976_000 }), &["/starts_at"]),
            (json!({ "title": "" }), &["/title"]),
        ] {
            let mut body = good.clone();
            body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let mut found = pointers(otto.post("/api/v1/windows", body).await);
            found.sort();
            let mut expected = expected.to_vec();
            expected.sort_unstable();
            assert_eq!(found, expected, "{change}");
        }
        let after = portal.database.contents().await;
        assert_eq!(after["windows"], before["windows"]);
        let rita = portal.person("rita").await;
        for days in [json!(0), json!(-1), json!(100_000), json!("ten")] {
            let token = json!({ "title": "ci", "scopes": ["images:write"], "days": days });
            assert_eq!(pointers(rita.post("/api/v1/tokens", token).await), ["/days"], "{days}");
        }
        let mut image = TestPortal::image_spec("first");
        image["built_at"] = json!("yesterday");
        assert_eq!(pointers(portal.ci().post("/api/v1/images", image).await), ["/built_at"]);
    }

    async fn images_that_cannot_be_are_refused_where_they_are_wrong(portal: &mut TestPortal) {
        let before = portal.database.contents().await;
        let digest = images::good("first");
        let upper = digest.to_uppercase();
        let long = format!("{digest}0");
        for wrong in ["", "latest", "sha256:", "sha256:12", &digest[..70], &long, &digest[7..], &upper, "sha512:00", &format!(" {digest}x"), "sha256:zz", "v1@sha256:00"] {
            let mut spec = TestPortal::image_spec("first");
            spec["digest"] = json!(wrong);
            assert_eq!(pointers(portal.ci().post("/api/v1/images", spec).await), ["/digest"], "{wrong}");
        }
        for (name, value, pointer) in [
            ("digest", json!(null), "/digest"),
            ("digest", json!(7), "/digest"),
            ("repository", json!(""), "/repository"),
            ("repository", json!("https://registry.example/shop"), "/repository"),
            ("repository", json!("registry.example/shop/checkout:1.0"), "/repository"),
            ("tags", json!(["good", "no tag"]), "/tags/1"),
            ("tags", json!("first"), "/tags"),
            ("authors", json!([7]), "/authors/0"),
            ("run_url", json!("javascript:alert(1)"), "/run_url"),
            ("tests", json!({ "passed": -1 }), "/tests/passed"),
            ("tests", json!({ "passed": "many" }), "/tests/passed"),
            ("tags", json!(null), "/tags"),
        ] {
            let mut spec = TestPortal::image_spec("first");
            spec[name] = value.clone();
            assert_eq!(pointers(portal.ci().post("/api/v1/images", spec).await), [pointer], "{name}: {value}");
        }
        let mut spec = TestPortal::image_spec("first");
        spec.as_object_mut().unwrap().remove("digest");
        assert_eq!(pointers(portal.ci().post("/api/v1/images", spec).await), ["/digest"], "a tag alone is no image");
        let after = portal.database.contents().await;
        for table in ["images", "image_tags", "evidence"] {
            assert_eq!(after[table], before[table], "{table}");
        }
    }

    async fn a_token_that_is_not_good_opens_nothing(portal: &mut TestPortal) {
        let before = portal.database.contents().await;
        let deactivated = portal.token("paul", &["images:write", "releases:read"]).await;
        portal.person("ada").await.post("/api/v1/people/paul/archive", json!({})).await.ok();
        let one = TestPortal::image_spec("first");
        for (method, path) in [("GET", "/api/v1/images"), ("POST", "/api/v1/images"), ("GET", "/api/v1/session")] {
            let ask = |value: &str| {
                let request = portal.nobody().request(method.parse().unwrap(), path).header("authorization", value);
                if method == "POST" { request.json(&one) } else { request }
            };
            for value in ["", "Bearer", "Bearer ", "Bearer tdg_nothing", "bearer x", "Basic YTpi", "Token x", &format!("Bearer {}", "x".repeat(5_000))] {
                let answer = ask(value).send().await.unwrap();
                assert_eq!(answer.status().as_u16(), 401, "{method} {path} with {value:.30}");
                assert_eq!(answer.headers()["www-authenticate"], "Bearer");
                assert_eq!(answer.headers()["content-type"], "application/problem+json");
            }
            // A token that is not good is not made up for by a session that is.
            let session = portal.person("ada").await;
            let answer = ask("Bearer tdg_nothing").header("cookie", session.cookie()).send().await.unwrap();
            assert_eq!(answer.status().as_u16(), 401);
            let mut request = deactivated.request(method.parse().unwrap(), path);
            if method == "POST" {
                request = request.json(&one);
            }
            assert_eq!(deactivated.send(request).await.status, 401, "of somebody who is gone");
        }
        assert_eq!(portal.database.contents().await["images"], before["images"]);
    }

    async fn a_key_that_came_with_something_else_is_refused_at_every_door_that_takes_one(portal: &mut TestPortal) {
        let program = portal.token("ada", &crate::support::town::SCOPES).await;
        let digest = portal.image("released").await;
        for (path, body, field, other, table) in [
            ("/api/v1/images", TestPortal::image_spec("first"), "branch", json!("other"), "images"),
            ("/api/v1/windows", portal.window_spec(TimeDelta::hours(1), TimeDelta::hours(1)), "title", json!("Other"), "windows"),
            ("/api/v1/services", json!({ "name": "basket", "title": "Basket", "repository": "r.example/b" }), "title", json!("Other"), "services"),
            ("/api/v1/services/checkout/targets", target("keys", "basket"), "name", json!("other"), "targets"),
            ("/api/v1/environments", json!({ "name": "staging", "title": "Staging" }), "title", json!("Other"), "environments"),
            ("/api/v1/clusters", json!({ "name": "second", "title": "Second" }), "title", json!("Other"), "clusters"),
            ("/api/v1/groups", json!({ "name": "support", "title": "Support" }), "title", json!("Other"), "groups"),
            ("/api/v1/people", json!({ "login": "hugo", "name": "Hugo" }), "name", json!("Other"), "people"),
        ] {
            let before = portal.database.sizes().await[table];
            let first = with_key(&program, path, "the-key", &body).await.is(201);
            let again = with_key(&program, path, "the-key", &body).await.ok();
            assert_eq!(first, again, "{path}");
            let mut changed = body.clone();
            changed[field] = other;
            assert_eq!(pointers(with_key(&program, path, "the-key", &changed).await), ["/idempotency-key"], "{path}");
            assert_eq!(portal.database.sizes().await[table], before + 1, "{path}");
        }
        let rita = portal.token("rita", &crate::support::town::SCOPES).await;
        let body = json!({ "service": "checkout", "environment": "production", "image": digest, "start": by_hand() });
        with_key(&rita, "/api/v1/releases", "the-key", &body).await.is(201);
        let changed = json!({ "service": "checkout", "environment": "production", "image": digest, "start": by_hand(), "note": "x" });
        assert_eq!(pointers(with_key(&rita, "/api/v1/releases", "the-key", &changed).await), ["/idempotency-key"]);
        portal.run_until_idle().await;
    }

    async fn documents_that_go_too_deep_or_say_things_twice_are_refused(portal: &mut TestPortal) {
        let session = portal.person("ada").await;
        let ask = async |body: String| {
            let request = session.request(reqwest::Method::POST, "/api/v1/services");
            session.send(request.header("content-type", "application/json").body(body)).await
        };
        ask("[".repeat(100_000)).await.is(422);
        ask(format!("{{\"name\": {}", "[".repeat(100_000))).await.is(422);
        ask(format!("{{\"nothing\": {}1{}}}", "[".repeat(5_000), "]".repeat(5_000))).await.is(422);
        ask(r#"{ "name": "a", "name": "b", "title": "T", "repository": "r.example/s" }"#.to_owned()).await.is(422);
        ask(r#"{ "name": "a", "title": "T", "repository": "r.example/s" } trailing"#.to_owned()).await.is(400);
        ask(r#"{ "name": "a", "title": "\ud800", "repository": "r.example/s" }"#.to_owned()).await.is(400);
        assert_eq!(portal.database.sizes().await["services"], 1);
    }
}
