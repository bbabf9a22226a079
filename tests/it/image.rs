//! Images: registered by CI, once each; evidence that only grows; lists.

use serde_json::{Value, json};

use crate::support::images;
use crate::support::portal::{TestPortal, both};
use crate::support::town::{REPOSITORY, by_hand};

both! {
    async fn the_same_registration_twice_is_one_image(portal: &mut TestPortal) {
        let spec = TestPortal::image_spec("first");
        let first = portal.ci().post("/api/v1/images", spec.clone()).await.is(201);
        let before = portal.audit_size().await;
        let contents = portal.database.contents().await;
        let again = portal.ci().post("/api/v1/images", spec).await.is(200);
        assert_eq!(first, again);
        assert!(portal.audit_since(before).await.is_empty(), "nothing new, nothing to record");
        assert_eq!(portal.database.contents().await, contents);
    }

    async fn an_image_is_named_by_repository_and_digest_however_it_is_spelt(portal: &mut TestPortal) {
        let mut spec = TestPortal::image_spec("first");
        let first = portal.ci().post("/api/v1/images", spec.clone()).await.is(201);
        spec["repository"] = json!(" REGISTRY.example/shop/checkout ");
        assert_eq!(portal.ci().post("/api/v1/images", spec.clone()).await.is(200)["id"], first["id"]);
        spec["repository"] = json!("registry.example/shop/basket");
        assert_ne!(portal.ci().post("/api/v1/images", spec).await.is(201)["id"], first["id"]);
    }

    async fn everything_ci_says_is_shown(portal: &mut TestPortal) {
        portal.image("first").await;
        let image = portal.person("vera").await.get("/api/v1/images/1").await.ok();
        assert_eq!(image["digest"], images::good("first"));
        assert_eq!(image["authors"], json!(["carl@example.com"]), "without case and name");
        assert_eq!((&image["commit"], &image["branch"]), (&json!("9f2c41a8d0"), &json!("main")));
        assert_eq!(image["tests"], json!({ "passed": 412, "failed": 0, "skipped": 0 }));
        assert_eq!((&image["run_url"], &image["built_at"]), (&json!("https://ci.example/runs/5121"), &json!("2026-11-20T10:00:00Z")));
        assert_eq!((&image["service"], &image["tags"]), (&json!("checkout"), &json!(["first"])));
    }

    async fn evidence_only_grows_and_authors_are_only_added(portal: &mut TestPortal) {
        portal.image("first").await;
        let mut spec = TestPortal::image_spec("first");
        spec["authors"] = json!(["ada@example.com"]);
        spec["tests"] = json!({ "passed": 411, "failed": 1 });
        let image = portal.ci().post("/api/v1/images", spec).await.is(200);
        assert_eq!(image["authors"], json!(["ada@example.com", "carl@example.com"]));
        assert_eq!(image["tests"]["failed"], 1);
        let mut probe = portal.database.probe().await;
        assert_eq!(probe.number("SELECT count(*) FROM evidence").await, 2);
        assert!(probe.execute("UPDATE evidence SET evidence = '{}'").await.is_err());
        assert!(probe.execute("DELETE FROM evidence").await.is_err());
    }

    async fn a_tag_that_moves_leaves_the_image_it_was_on(portal: &mut TestPortal) {
        portal.image("first").await;
        let mut other = TestPortal::image_spec("other");
        other["tags"] = json!(["first", "other"]);
        portal.ci().post("/api/v1/images", other).await.is(201);
        let vera = portal.person("vera").await;
        assert_eq!(vera.get("/api/v1/images/1").await.ok()["tags"], json!([]));
        assert_eq!(vera.get("/api/v1/images/2").await.ok()["tags"], json!(["first", "other"]));
        // The same tag in another repository is another tag.
        let mut basket = TestPortal::image_spec("basket");
        basket["repository"] = json!("registry.example/shop/basket");
        basket["tags"] = json!(["first"]);
        portal.ci().post("/api/v1/images", basket).await.is(201);
        assert_eq!(vera.get("/api/v1/images/2").await.ok()["tags"], json!(["first", "other"]));
    }

    async fn images_are_found_by_service_and_words(portal: &mut TestPortal) {
        for name in ["first", "second"] {
            portal.image(name).await;
        }
        let mut basket = TestPortal::image_spec("basket");
        basket["repository"] = json!("registry.example/shop/basket");
        basket["branch"] = json!("50%_off");
        portal.ci().post("/api/v1/images", basket).await.is(201);
        let vera = portal.person("vera").await;
        let found = async |query: &str| -> Vec<i64> {
            let list = vera.get(&format!("/api/v1/images?{query}")).await.ok();
            list["items"].as_array().unwrap().iter().map(|image| image["id"].as_i64().unwrap()).collect()
        };
        assert_eq!(found("").await, [3, 2, 1]);
        assert_eq!(found("service=checkout").await, [2, 1]);
        assert_eq!(found("q=BASKET").await, [3]);
        assert_eq!(found("q=second").await, [2]);
        assert_eq!(found(&format!("q={}", &images::good("first")[7..20])).await, [1]);
        assert_eq!(found("q=9f2c41a8d0").await, [3, 2, 1]);
        // Signs that mean something to LIKE mean themselves here.
        assert_eq!(found("q=50%25_off").await, [3]);
        assert!(found("q=5%250").await.is_empty() && found("q=%25").await == [3]);
        vera.get("/api/v1/images?service=nothing").await.is(422);
    }

    async fn images_are_registered_by_people_who_request_or_start_and_their_programs(portal: &mut TestPortal) {
        let spec = TestPortal::image_spec("first");
        for (login, status) in [("vera", 403), ("dora", 403), ("nora", 403), ("otto", 201), ("rita", 200), ("ada", 200)] {
            let answer = portal.person(login).await.post("/api/v1/images", spec.clone()).await;
            assert_eq!(answer.status, status, "{login}: {}", answer.body);
        }
        portal.token("rita", &["releases:write"]).await.post("/api/v1/images", spec.clone()).await.is(403);
        portal.token("rita", &["images:write"]).await.post("/api/v1/images", spec).await.is(200);
    }

    async fn an_image_of_another_service_is_not_released_here(portal: &mut TestPortal) {
        let mut basket = TestPortal::image_spec("basket");
        basket["repository"] = json!("registry.example/shop/basket");
        let id = portal.ci().post("/api/v1/images", basket).await.is(201)["id"].clone();
        let rita = portal.person("rita").await;
        for image in [json!(images::good("basket")), id, json!(999), json!("sha256:00"), json!([1]), Value::Null] {
            let body = json!({ "service": "checkout", "environment": "production", "image": image, "start": by_hand() });
            let refused = rita.post("/api/v1/releases", body).await.is(422);
            assert_eq!(refused["errors"][0]["pointer"], "/image", "{image}");
        }
        // By id, by digest, and by both with the repository.
        portal.image("first").await;
        for image in [json!(2), json!("2"), json!(format!("{REPOSITORY}@{}", images::good("first")))] {
            let body = json!({ "service": "checkout", "environment": "production", "image": image, "start": by_hand() });
            rita.post("/api/v1/releases", body).await.is(201);
        }
        portal.run_until_idle().await;
    }
}
