//! People, groups, roles and the other things that administrators manage.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::portal::{TestPortal, both};
use crate::support::town::{REPOSITORY, SCOPES, by_hand, policy, target};

both! {
    async fn the_setup_link_makes_the_first_person_once(db: Kind) {
        let portal = TestPortal::start(db).await;
        let link = portal.workflow().setup_link().await.unwrap().unwrap();
        let nobody = portal.nobody();
        let body = |link: &str, password: &str| json!({ "link": link, "login": "ada", "name": "Ada", "password": password });
        let weak = nobody.post("/api/v1/setup", body(&link, "short")).await.is(422);
        assert_eq!(weak["errors"][0]["pointer"], "/password");
        nobody.post("/api/v1/setup", body("wrong", "correct horse battery")).await.is(409);
        // A later start hands out another link, and the earlier one stops working.
        let newer = portal.workflow().setup_link().await.unwrap().unwrap();
        nobody.post("/api/v1/setup", body(&link, "correct horse battery")).await.is(409);
        let ada = nobody.set_up(&newer, "ada", "correct horse battery").await;
        let session = ada.get("/api/v1/session").await.ok();
        assert_eq!(session["zone"], "Europe/Berlin");
        let roles: Vec<&str> = session["roles"].as_array().unwrap().iter().map(|role| role["role"].as_str().unwrap()).collect();
        assert_eq!(roles, ["requester", "operator", "admin"], "and no sign-off, which groups give");
        nobody.post("/api/v1/setup", body(&newer, "correct horse battery")).await.is(409);
        assert!(portal.workflow().setup_link().await.unwrap().is_none(), "there is somebody now");
        portal.finish().await;
    }

    async fn the_setup_link_works_for_a_day(db: Kind) {
        let portal = TestPortal::start(db).await;
        let link = portal.workflow().setup_link().await.unwrap().unwrap();
        portal.sleep(TimeDelta::hours(24));
        let body = json!({ "link": link, "login": "ada", "name": "Ada", "password": "correct horse battery" });
        portal.nobody().post("/api/v1/setup", body).await.is(409);
        portal.finish().await;
    }

    async fn the_last_administrator_cannot_go(portal: &mut TestPortal) {
        let ada = portal.person("ada").await;
        let plain = |login: &str| json!({ "login": login, "name": login, "roles": [] });
        ada.post("/api/v1/people/ada/archive", json!({})).await.is(409);
        ada.put("/api/v1/people/ada", plain("ada")).await.is(409);
        // A group may administer too, and is then what keeps the portal administered.
        let crew = json!({ "name": "crew", "title": "Crew", "members": ["vera"], "roles": [{ "role": "admin" }] });
        ada.post("/api/v1/groups", crew.clone()).await.is(201);
        ada.put("/api/v1/people/ada", plain("ada")).await.ok();
        let vera = portal.person("vera").await;
        vera.post("/api/v1/groups/crew/archive", json!({})).await.is(409);
        for change in [json!({ "members": [] }), json!({ "roles": [] })] {
            let mut crew = crew.clone();
            crew.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            vera.put("/api/v1/groups/crew", crew).await.is(409);
        }
        vera.post("/api/v1/people/vera/archive", json!({})).await.is(409);
    }

    async fn a_deactivated_person_is_out_at_once_and_nothing_of_them_is_deleted(portal: &mut TestPortal) {
        let rita = portal.person("rita").await;
        let link = portal.link("rita").await;
        let ada = portal.person("ada").await;
        let before = portal.database.sizes().await;
        ada.post("/api/v1/people/rita/archive", json!({})).await.ok();
        rita.get("/api/v1/session").await.is(401);
        portal.ci().get("/api/v1/images").await.is(401);
        portal.nobody().post("/api/v1/session", json!({ "link": link })).await.is(409);
        ada.post("/api/v1/people/rita/link", json!({})).await.is(409);
        let after = portal.database.sizes().await;
        let lost: Vec<&String> = after.keys().filter(|table| after[*table] < before[*table]).collect();
        assert_eq!(lost, ["links", "sessions"]);
        ada.post("/api/v1/people/rita/restore", json!({})).await.ok();
        portal.ci().get("/api/v1/images").await.ok();
    }

    async fn a_sign_in_link_works_once_and_for_a_day(portal: &mut TestPortal) {
        let link = portal.link("vera").await;
        let by = async |link: &str| portal.nobody().post("/api/v1/session", json!({ "link": link })).await.status;
        assert_eq!((by(&link).await, by(&link).await), (200, 409));
        let older = portal.link("vera").await;
        let newer = portal.link("vera").await;
        assert_eq!((by(&older).await, by("never-was-one").await, by(&newer).await), (409, 409, 200));
        let late = portal.link("vera").await;
        portal.advance(TimeDelta::hours(24)).await;
        assert_eq!(by(&late).await, 409);
        let stored = portal.database.contents().await["links"].join("\n");
        assert!([link, older, newer, late].iter().all(|secret| !stored.contains(secret.as_str())), "only hashes are stored");
    }

    async fn a_role_for_one_environment_says_nothing_about_another(portal: &mut TestPortal) {
        portal.apply(json!([
            { "kind": "Environment", "name": "staging", "title": "Staging", "cluster": "main", "policy": { "rules": [] } },
            { "kind": "Person", "login": "nora", "name": "nora", "roles": [{ "role": "operator", "environment": "staging" }, { "role": "requester", "environment": "staging" }] },
        ]))
        .await;
        let nora = portal.person("nora").await;
        let number = portal.release("first", by_hand()).await;
        for path in ["", "/start", "/cancel", "/withdraw", "/rollback", "/signoff"] {
            let path = format!("/api/v1/releases/{number}{path}");
            let hash = json!({ "content_hash": "0".repeat(64) });
            let answer = if path.ends_with(&number.to_string()) { nora.get(&path).await } else {
                nora.post(&path, if path.ends_with("signoff") { hash } else { json!({}) }).await
            };
            assert_eq!(answer.status, 404, "{path}: whoever may not look may not know");
        }
        let unseen = portal.ask(&nora, &portal.image("second").await, by_hand()).await.is(422);
        assert_eq!(unseen["errors"][0]["pointer"], "/environment");
        assert!(nora.get("/api/v1/releases").await.ok()["items"].as_array().unwrap().is_empty());
        let seen = nora.get("/api/v1/environments").await.ok();
        let names: Vec<&str> = seen["items"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["staging"]);
    }

    async fn two_editors_of_the_same_thing_notice_each_other(portal: &mut TestPortal) {
        let ada = portal.person("ada").await;
        let staged = json!({ "rules": [], "watch_seconds": 3 });
        let cases: [(&str, Value, Value); 8] = [
            ("people/vera", json!({ "login": "vera", "name": "Vera" }), json!({ "login": "vera", "name": "Vera V" })),
            ("people/vera", json!({ "login": "vera", "name": "Vera V", "roles": [{ "role": "admin" }] }), json!({ "login": "vera", "name": "Vera V", "roles": [] })),
            ("people/vera", json!({ "login": "vera", "name": "Vera V", "commit_identities": ["vera"] }), json!({ "login": "vera", "name": "Vera V", "commit_identities": [] })),
            ("groups/product", json!({ "name": "product", "title": "Product", "members": ["pia"] }), json!({ "name": "product", "title": "Product", "members": ["paul"] })),
            ("clusters/main", json!({ "name": "main", "title": "Main one" }), json!({ "name": "main", "title": "Main two" })),
            ("environments/production", json!({ "name": "production", "title": "Production", "cluster": "main", "policy": staged }), json!({ "name": "production", "title": "Production", "cluster": "main", "policy": policy() })),
            ("services/checkout", json!({ "name": "checkout", "title": "Checkout", "repository": REPOSITORY, "targets": [] }), json!({ "name": "checkout", "title": "Checkout", "repository": REPOSITORY })),
            ("services/checkout", json!({ "name": "checkout", "title": "Shop", "repository": REPOSITORY }), json!({ "name": "checkout", "title": "Till", "repository": REPOSITORY })),
        ];
        for (path, mine, theirs) in cases {
            let path = format!("/api/v1/{path}");
            let seen = ada.get(&path).await.ok()["version"].as_i64().unwrap();
            let after = ada.put(&format!("{path}?version={seen}"), mine.clone()).await.ok();
            assert_eq!(after["version"], seen + 1, "{path}");
            let refused = ada.put(&format!("{path}?version={seen}"), theirs).await.is(409);
            assert_eq!(refused["type"], "/problems/conflict-edited-meanwhile", "{path}");
            // The same once more is no edit.
            assert_eq!(ada.put(&format!("{path}?version={}", seen + 1), mine).await.ok(), after);
        }
        // A target that somebody adds meanwhile is an edit of its service.
        let seen = ada.get("/api/v1/services/checkout").await.ok()["version"].clone();
        ada.post("/api/v1/services/checkout/targets", target("elsewhere", "checkout")).await.is(201);
        let stale = json!({ "name": "checkout", "title": "Checkout", "repository": REPOSITORY, "targets": [] });
        ada.put(&format!("/api/v1/services/checkout?version={seen}"), stale).await.is(409);
        portal.run_until_idle().await;
    }

    async fn a_commit_identity_belongs_to_one_person(portal: &mut TestPortal) {
        let ada = portal.person("ada").await;
        let spec = json!({ "login": "vera", "name": "vera", "commit_identities": ["VERA@example.com", "Carl <Carl@Example.com>"] });
        let refused = ada.put("/api/v1/people/vera", spec).await.is(422);
        assert_eq!(refused["errors"][0]["detail"], "carl@example.com belongs to carl already.");
        assert_eq!(ada.get("/api/v1/people/vera").await.ok()["commit_identities"], json!([]), "nothing of it stands");
    }

    async fn things_are_archived_and_come_back(portal: &mut TestPortal) {
        let ada = portal.person("ada").await;
        let number = portal.release("first", by_hand()).await;
        for path in ["services/checkout", "environments/production"] {
            let refused = ada.post(&format!("/api/v1/{path}/archive"), json!({})).await.is(409);
            assert!(refused["detail"].as_str().unwrap().contains(&format!("R-{number}")), "{refused}");
        }
        ada.post("/api/v1/clusters/main/archive", json!({})).await.is(409);
        portal.person("rita").await.post(&format!("/api/v1/releases/{number}/withdraw"), json!({})).await.ok();
        ada.post("/api/v1/services/checkout/archive", json!({})).await.ok();
        let refused = portal.ask(&portal.person("rita").await, &portal.image("second").await, by_hand()).await.is(422);
        assert_eq!(refused["errors"][0]["pointer"], "/service");
        assert_eq!(ada.post("/api/v1/services/checkout/archive", json!({})).await.ok()["archived"], true);
        ada.post("/api/v1/services/checkout/restore", json!({})).await.ok();
        ada.post("/api/v1/environments/production/archive", json!({})).await.ok();
        ada.post("/api/v1/clusters/main/archive", json!({})).await.ok();
        assert_eq!(ada.get("/api/v1/clusters/main/credential").await.ok()["confirmed"], Value::Null, "its credential is destroyed");
        portal.run_until_idle().await;
    }

    async fn apply_makes_it_so_and_the_second_time_changes_nothing(portal: &mut TestPortal) {
        let ada = portal.person("ada").await;
        // Whatever the order: what refers to something may come before it.
        let documents = json!([
            { "kind": "Service", "name": "basket", "title": "Basket", "repository": "r.example/basket", "targets": [
                { "environment": "staging", "namespace": "shop", "name": "basket", "containers": ["app"] }] },
            { "kind": "Environment", "name": "staging", "title": "Staging", "cluster": "spare", "policy": { "rules": [{ "group": "crew", "count": 1 }] } },
            { "kind": "Group", "name": "crew", "title": "Crew", "members": ["zoe"], "roles": [{ "role": "viewer", "environment": "staging" }] },
            { "kind": "Person", "login": "zoe", "name": "Zoe", "roles": [{ "role": "requester", "environment": "staging" }] },
            { "kind": "Cluster", "name": "spare", "title": "Spare" },
            { "kind": "Token", "title": "ci", "person": "zoe", "scopes": ["images:write"] },
        ]);
        let before = portal.database.contents().await;
        let dry = ada.post("/api/v1/apply", json!({ "dry_run": true, "documents": documents })).await.ok();
        assert_eq!(portal.database.contents().await, before, "a dry run changes nothing");
        let actions = |answer: &Value| -> Vec<String> {
            answer["changes"].as_array().unwrap().iter().map(|one| format!("{} {}", one["kind"].as_str().unwrap(), one["action"].as_str().unwrap())).collect()
        };
        let made = ada.post("/api/v1/apply", json!({ "documents": documents })).await.ok();
        assert_eq!(actions(&dry), actions(&made));
        assert_eq!(actions(&made), ["Service create", "Environment create", "Group create", "Person create", "Cluster create", "Token create"]);
        let secret = made["changes"][5]["token"].as_str().unwrap();
        portal.nobody().with_token(secret).get("/api/v1/session").await.ok();

        let before = portal.database.contents().await;
        let again = ada.post("/api/v1/apply", json!({ "documents": documents })).await.ok();
        assert!(actions(&again).iter().all(|action| action.ends_with("unchanged")), "{again}");
        assert_eq!(portal.database.contents().await, before);

        let mut changed = documents.clone();
        changed[0]["title"] = json!("Baskets");
        let answer = ada.post("/api/v1/apply", json!({ "documents": changed })).await.ok();
        assert_eq!(answer["changes"][0]["fields"], json!([{ "field": "title", "before": "Basket", "after": "Baskets" }]));
        portal.run_until_idle().await;
    }

    async fn apply_is_all_or_nothing_and_names_the_document(portal: &mut TestPortal) {
        let ada = portal.person("ada").await;
        let before = portal.database.contents().await;
        let documents = json!([
            { "kind": "Group", "name": "crew", "title": "Crew" },
            { "kind": "Service", "name": "basket", "title": "Basket", "repository": "R EXAMPLE" },
        ]);
        let refused = ada.post("/api/v1/apply", json!({ "documents": documents })).await.is(422);
        assert_eq!(refused["errors"][0]["pointer"], "/documents/1/repository");
        let conflict = json!([{ "kind": "Group", "name": "crew", "title": "Crew" }, { "kind": "Person", "login": "ada", "name": "ada", "roles": [] }]);
        let refused = ada.post("/api/v1/apply", json!({ "documents": conflict })).await.is(409);
        assert_eq!(refused["errors"][0]["pointer"], "/documents/1");
        assert_eq!(portal.database.contents().await, before);
        let without = portal.token("ada", &SCOPES[..5]).await;
        without.post("/api/v1/apply", json!({ "documents": [] })).await.is(403);
    }
}
