//! Releases: asked for, planned by digest, superseded, withdrawn, rolled back by hand; and why one is
//! not going out (rules 6, 13, 14, 19 and 20).

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::ground::Ground;
use crate::support::page::Page;
use crate::support::portal::{TestPortal, both};
use crate::support::town::{REPOSITORY, SCOPES, at_opening, by_hand, reasons, target, when_signed};
use crate::support::{field, images};

const HOUR: TimeDelta = TimeDelta::hours(1);

/// The image of a container of the test's workload, as the cluster holds it.
fn running(portal: &TestPortal, container: usize) -> String {
    let found = field::practice().object("Deployment", portal.namespace(), "checkout").unwrap();
    found["spec"]["template"]["spec"]["containers"][container]["image"].as_str().unwrap().to_owned()
}

both! {
    async fn a_request_is_answered_as_planning_and_then_planned(portal: &mut TestPortal) {
        let digest = portal.image("first").await;
        let asked = portal.ask(&portal.person("rita").await, &digest, by_hand()).await.is(201);
        assert_eq!((&asked["state"], &asked["content_hash"], &asked["plan"]), (&json!("planning"), &Value::Null, &Value::Null));
        let number = asked["number"].as_i64().unwrap();
        assert_eq!(reasons(&asked)[0], "planning");
        let hash = json!({ "content_hash": "0".repeat(64) });
        let early = portal.person("dora").await.post(&format!("/api/v1/releases/{number}/signoff"), hash).await.is(409);
        assert_eq!(early["type"], "/problems/signoff-not-planned");
        portal.start_by_hand(number).await.is(409);
        portal.run_until_idle().await;
        let release = portal.show(number).await;
        assert_eq!(release["state"], "waiting");
        assert_eq!(release["content_hash"].as_str().unwrap().len(), 64);
    }

    async fn what_is_deployed_is_the_digest_that_ci_sent_and_nothing_else_is_touched(portal: &mut TestPortal) {
        let number = portal.release("first", when_signed()).await;
        let wanted = format!("{REPOSITORY}@{}", images::good("first"));
        let step = portal.show(number).await["plan"]["steps"][0].clone();
        assert_eq!(step["containers"][0]["to"], wanted);
        assert_eq!(step["containers"][0]["from"], format!("{REPOSITORY}@{}", images::good("before")));
        // The tag moves to another image before anybody signs: what goes out is still the digest.
        let mut other = TestPortal::image_spec("other");
        other["tags"] = json!(["first"]);
        portal.ci().post("/api/v1/images", other).await.is(201);
        portal.run_until_idle().await;
        portal.sign_all(number).await;
        portal.run_until_idle().await;
        assert_eq!(portal.state(number).await, "succeeded");
        assert_eq!((running(portal, 0), running(portal, 1)), (wanted, "r.example/side:1".to_owned()));
    }

    async fn a_tag_is_no_image(portal: &mut TestPortal) {
        portal.image("first").await;
        let mut spec = TestPortal::image_spec("first");
        spec.as_object_mut().unwrap().remove("digest");
        let refused = portal.ci().post("/api/v1/images", spec).await.is(422);
        assert_eq!(refused["errors"][0]["pointer"], "/digest");
        let rita = portal.person("rita").await;
        for tag in ["first", &format!("{REPOSITORY}:first"), "latest"] {
            let refused = portal.ask(&rita, tag, by_hand()).await.is(422);
            assert_eq!(refused["errors"][0]["pointer"], "/image", "{tag}");
        }
    }

    async fn a_plan_that_cannot_be_made_says_why_and_is_tried_again(portal: &mut TestPortal) {
        let ada = portal.person("ada").await;
        let missing = target(portal.namespace(), "basket");
        ada.post("/api/v1/services/checkout/targets", missing).await.is(201);
        let before = portal.audit_size().await;
        let number = portal.release("first", by_hand()).await;
        let release = portal.show(number).await;
        assert_eq!((release["state"].as_str().unwrap(), reasons(&release)[0]), ("planning", "plan_failed"));
        portal.advance(TimeDelta::seconds(5)).await;
        portal.advance(TimeDelta::seconds(10)).await;
        let failures = portal.audit_since(before).await.iter().filter(|verb| *verb == "release.plan_failed").count();
        assert_eq!(failures, 1, "the same reason is no news");
        field::deployment(field::practice(), portal.namespace(), "basket", &format!("{REPOSITORY}:old"));
        portal.advance(TimeDelta::seconds(20)).await;
        let release = portal.show(number).await;
        assert_eq!((&release["state"], &release["revision"]), (&json!("waiting"), &json!(1)));
        assert_eq!(release["plan"]["steps"].as_array().unwrap().len(), 2);
    }

    async fn a_newer_release_marks_older_ones_superseded_and_they_stay_choosable(portal: &mut TestPortal) {
        let window = portal.window(HOUR, HOUR).await;
        let first = portal.release("first", at_opening(window)).await;
        portal.sign_all(first).await;
        let second = portal.release("second", at_opening(window)).await;
        let release = portal.show(first).await;
        assert_eq!((&release["state"], &release["superseded_by"]), (&json!("superseded"), &json!(second)));
        portal.advance(HOUR).await;
        assert_eq!(portal.state(first).await, "superseded", "the clock passes it by, though everybody has signed");
        assert_eq!(reasons(&portal.show(first).await), ["superseded"]);
        portal.start_by_hand(first).await.ok();
        portal.run_until_idle().await;
        assert_eq!(portal.state(first).await, "succeeded");
    }

    async fn an_older_release_comes_back_when_the_newer_one_is_withdrawn_or_rejected(portal: &mut TestPortal) {
        let first = portal.release("first", by_hand()).await;
        let second = portal.release("second", by_hand()).await;
        assert_eq!(portal.state(first).await, "superseded");
        let rita = portal.person("rita").await;
        rita.post(&format!("/api/v1/releases/{second}/withdraw"), json!({ "reason": "too early" })).await.ok();
        assert_eq!(portal.state(first).await, "waiting");
        let third = portal.release("third", by_hand()).await;
        assert_eq!(portal.state(first).await, "superseded");
        portal.reject("pia", third).await.ok();
        assert_eq!(portal.state(first).await, "waiting");
    }

    async fn a_waiting_release_holds_no_lock(portal: &mut TestPortal) {
        let window = portal.window(HOUR, HOUR).await;
        let first = portal.release("first", at_opening(window)).await;
        let second = portal.release("second", by_hand()).await;
        portal.sign_all(first).await;
        portal.sign_all(second).await;
        assert_eq!(portal.database.probe().await.number("SELECT count(*) FROM target_locks").await, 0);
        portal.start_by_hand(second).await.ok();
        assert_eq!(portal.database.probe().await.number("SELECT count(*) FROM target_locks").await, 1);
        // While it runs, another cannot start there, and is told so.
        assert!(reasons(&portal.show(first).await).contains(&"target_busy"));
        portal.run_until_idle().await;
        assert_eq!(portal.database.probe().await.number("SELECT count(*) FROM target_locks").await, 0);
    }

    async fn a_release_is_withdrawn_by_who_asked_requests_or_starts_there(portal: &mut TestPortal) {
        for (index, (login, status)) in [("vera", 403), ("dora", 403), ("nora", 404), ("rita", 200), ("otto", 200)].into_iter().enumerate() {
            let number = portal.release(&format!("image-{index}"), by_hand()).await;
            let who = portal.person(login).await;
            let path = format!("/api/v1/releases/{number}/withdraw");
            let answer = who.post(&path, json!({ "reason": "too early" })).await;
            assert_eq!(answer.status, status, "{login}: {}", answer.body);
            if status == 200 {
                assert_eq!((&answer.body["state"], &answer.body["ended"]["by"]), (&json!("withdrawn"), &json!(login)));
                who.post(&path, json!({})).await.is(409);
                portal.try_sign("dora", number).await.is(409);
                portal.start_by_hand(number).await.is(409);
            }
        }
    }

    async fn why_it_is_not_going_out_is_answered_with_who_or_what_can_meet_each(portal: &mut TestPortal) {
        let window = portal.window(HOUR, HOUR).await;
        let mut spec = TestPortal::image_spec("stranger");
        spec["authors"] = json!(["zoe@elsewhere.example"]);
        portal.ci().post("/api/v1/images", spec).await.is(201);
        let start = json!({ "mode": "by_hand", "window": window });
        let asked = portal.ask(&portal.person("rita").await, &images::good("stranger"), start).await.is(201);
        portal.run_until_idle().await;
        let newer = portal.release("newer", by_hand()).await;
        let ada = portal.signed_in("ada").await;
        ada.delete("/api/v1/clusters/main/credential").await.is(204);

        let release = portal.show(asked["number"].as_i64().unwrap()).await;
        let told: Vec<(&str, Value)> = release["reasons"]
            .as_array()
            .unwrap()
            .iter()
            .map(|reason| {
                let who = if reason["people"] != json!([]) { &reason["people"] } else if reason["role"].is_null() { &reason["at"] } else { &reason["role"] };
                (reason["code"].as_str().unwrap(), who.clone())
            })
            .collect();
        let opens = json!(portal.clock.now().plus(HOUR));
        assert_eq!(told, [
            ("signoff_missing", json!(["dora", "dirk"])),
            ("signoff_missing", json!(["pia", "paul"])),
            ("unknown_author", json!("admin")),
            ("window_not_open", opens),
            ("cluster", json!("admin")),
            ("superseded", json!("operator")),
            ("by_hand", json!("operator")),
        ]);
        assert_eq!(release["superseded_by"], newer);
        // Whoever starts it is told the same, but for what their hand itself supplies.
        let refused = portal.start_by_hand(asked["number"].as_i64().unwrap()).await.is(409);
        assert_eq!(refused["errors"].as_array().unwrap().len(), told.len() - 2);
        assert_eq!(refused["errors"][0]["detail"], release["reasons"][0]["detail"]);
    }

    async fn a_start_mode_that_the_policy_no_longer_allows_starts_nothing(portal: &mut TestPortal) {
        let window = portal.window(HOUR, HOUR * 3).await;
        let by_clock = portal.release("first", at_opening(window)).await;
        portal.change_policy(json!({ "start_modes": ["by_hand"] })).await;
        portal.sign_all(by_clock).await;
        portal.advance(HOUR).await;
        let release = portal.show(by_clock).await;
        assert_eq!((release["state"].as_str().unwrap(), reasons(&release)), ("ready", vec!["start_mode_not_allowed"]));
        assert_eq!(release["reasons"][0]["role"], "requester");
        portal.start_by_hand(by_clock).await.ok();
        portal.run_until_idle().await;
        assert_eq!(portal.state(by_clock).await, "succeeded");
        // And the other way round: what starts by hand is not started by hand either.
        let by_hand = portal.release("second", by_hand()).await;
        portal.change_policy(json!({ "start_modes": ["when_signed"] })).await;
        portal.sign_all(by_hand).await;
        portal.run_until_idle().await;
        assert_eq!(reasons(&portal.show(by_hand).await), ["start_mode_not_allowed"]);
        portal.start_by_hand(by_hand).await.is(409);
        let path = format!("/api/v1/releases/{by_hand}");
        portal.person("rita").await.patch(&path, json!({ "start": when_signed() })).await.ok();
        portal.run_until_idle().await;
        portal.sign_all(by_hand).await;
        portal.run_until_idle().await;
        assert_eq!(portal.state(by_hand).await, "succeeded");
    }

    async fn every_door_reaches_the_same_gate(portal: &mut TestPortal) {
        let window = portal.window(HOUR, HOUR).await;
        let number = portal.release("first", at_opening(window)).await;
        portal.sign("dora", number).await;
        let path = format!("/api/v1/releases/{number}/start");
        let token = portal.token("otto", &SCOPES).await;
        let by_session = portal.person("otto").await.post(&path, json!({})).await.is(409);
        let by_token = token.post(&path, json!({})).await.is(409);
        assert_eq!(by_session, by_token);
        portal.run_until_idle().await;
        portal.advance(HOUR).await;
        assert!(portal.show(number).await["deployments"].as_array().unwrap().is_empty(), "nor does the clock start it");
        portal.sign("pia", number).await;
        // The gate is open now, for the program too.
        token.post(&path, json!({})).await.ok();
        portal.run_until_idle().await;
    }

    async fn a_program_starts_with_the_scope_for_it_and_its_persons_role(portal: &mut TestPortal) {
        let number = portal.release("first", by_hand()).await;
        portal.sign_all(number).await;
        let path = format!("/api/v1/releases/{number}/start");
        portal.token("otto", &["releases:write", "releases:read"]).await.post(&path, json!({})).await.is(403);
        portal.ci().post(&path, json!({})).await.is(403);
        portal.token("otto", &["deployments:start"]).await.post(&path, json!({})).await.ok();
        portal.run_until_idle().await;
    }

    async fn what_ran_before_is_brought_back_by_an_operator_alone(portal: &mut TestPortal) {
        let before = running(portal, 0);
        let window = portal.window(HOUR, HOUR).await;
        let number = portal.release("first", at_opening(window)).await;
        portal.sign_all(number).await;
        let path = format!("/api/v1/releases/{number}/rollback");
        portal.person("otto").await.post(&path, json!({})).await.is(409);
        portal.advance(HOUR).await;
        // Long after the window, without any sign-off.
        portal.advance(TimeDelta::days(1)).await;
        for (login, status) in [("rita", 403), ("vera", 403), ("dora", 403), ("nora", 404), ("ada", 403)] {
            assert_eq!(portal.person(login).await.post(&path, json!({})).await.status, status, "{login}");
        }
        portal.person("otto").await.post(&path, json!({})).await.ok();
        portal.run_until_idle().await;
        assert_eq!(running(portal, 0), before);
        let release = portal.show(number).await;
        let [forward, back] = [&release["deployments"][0], &release["deployments"][1]];
        assert_eq!((&forward["verdict"], &back["verdict"]), (&json!("succeeded"), &json!("succeeded")));
        assert_eq!((&back["direction"], &back["undoes"], &back["started_by"]), (&json!("rollback"), &forward["id"], &json!("otto")));
        portal.person("otto").await.post(&path, json!({})).await.is(409);
    }

    async fn a_rollback_is_held_only_by_what_stands_there_since_and_the_button_knows(portal: &mut TestPortal) {
        let before = running(portal, 0);
        let otto = portal.person("otto").await;
        let back = |number: i64| format!("/api/v1/releases/{number}/rollback");
        let offered = async |number: i64| {
            let page = Page::get(&otto, &format!("/releases/{number}")).await;
            page.attributes("form", "action").contains(&format!("/releases/{number}/rollback"))
        };
        let first = portal.release("first", when_signed()).await;
        portal.sign_all(first).await;
        portal.run_until_idle().await;
        assert!(offered(first).await);
        // Stopped before it wrote anything.
        let stopped = portal.release("stopped", by_hand()).await;
        portal.sign_all(stopped).await;
        portal.start_by_hand(stopped).await.ok();
        otto.post(&format!("/api/v1/releases/{stopped}/cancel"), json!({})).await.ok();
        assert!(!offered(first).await, "something runs there");
        otto.post(&back(first), json!({})).await.is(409);
        portal.run_until_idle().await;
        assert_eq!(portal.state(stopped).await, "cancelled");
        assert!(offered(first).await && !offered(stopped).await);
        // Deployed, and rolled back.
        let second = portal.release("second", when_signed()).await;
        portal.sign_all(second).await;
        portal.run_until_idle().await;
        assert!(!offered(first).await && offered(second).await);
        assert_eq!(otto.post(&back(first), json!({})).await.is(409)["type"], "/problems/rollback-newer-there");
        otto.post(&back(second), json!({})).await.ok();
        portal.run_until_idle().await;
        assert!(offered(first).await && !offered(second).await);
        otto.post(&back(first), json!({})).await.ok();
        portal.run_until_idle().await;
        assert_eq!(running(portal, 0), before);
        assert!(!offered(first).await);
    }

    async fn a_cluster_that_does_not_answer_holds_releases_until_it_does(portal: &mut TestPortal) {
        let ground = Ground::practice().await;
        let own = ground.bench().unwrap();
        let namespace = portal.namespace().to_owned();
        let object = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } });
        own.create(&object).unwrap();
        field::deployment(own, &namespace, "checkout", &format!("{REPOSITORY}@{}", images::good("before")));
        portal.connect(&ground.kubeconfig()).await;
        let window = portal.window(HOUR, HOUR).await;
        let number = portal.release("first", at_opening(window)).await;
        portal.sign_all(number).await;
        let other = portal.release("other", by_hand()).await;
        ground.stop().await;
        portal.advance(HOUR - TimeDelta::minutes(1)).await;
        let since = portal.clock.now();
        portal.advance(TimeDelta::minutes(2)).await;
        portal.person("rita").await.post(&format!("/api/v1/releases/{other}/withdraw"), json!({ "reason": "x" })).await.ok();
        portal.run_until_idle().await;
        let release = portal.show(number).await;
        assert_eq!((release["state"].as_str().unwrap(), reasons(&release)), ("ready", vec!["cluster"]));
        let detail = release["reasons"][0]["detail"].as_str().unwrap();
        assert!(detail.starts_with("The cluster has not answered since") && detail.contains("Nothing answers"), "{detail}");
        assert_eq!(release["deployments"], json!([]), "nothing was begun at {since:?}");
        portal.start_by_hand(number).await.is(409);
        // It comes back, and within seconds the release starts by itself, late in its window.
        ground.start().await;
        portal.advance(TimeDelta::seconds(15)).await;
        assert_eq!(portal.state(number).await, "succeeded");
        assert_eq!(portal.show(number).await["deployment"]["started_by"], Value::Null);
    }

    async fn a_superseded_release_is_not_looked_at_by_the_clock(portal: &mut TestPortal) {
        let old = portal.release("old", when_signed()).await;
        let new = portal.release("new", when_signed()).await;
        let startable = async || -> Vec<i64> {
            let mut conn = portal.workflow().store().read().await.unwrap();
            let found = tidegate::store::release::startable(&mut conn, portal.clock.now()).await.unwrap();
            found.iter().map(|release| release.number.0).collect()
        };
        assert_eq!(startable().await, [new]);
        let path = format!("/api/v1/releases/{new}/withdraw");
        portal.person("rita").await.post(&path, json!({ "reason": "not this one" })).await.ok();
        assert_eq!(startable().await, [old]);
        portal.run_until_idle().await;
    }

    async fn where_only_a_tag_of_what_ran_before_is_known_the_operator_is_asked_once_more(portal: &mut TestPortal) {
        // Nothing runs there, so that no pod tells a digest.
        let ada = portal.person("ada").await;
        let namespace = portal.namespace().to_owned();
        let idle = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "idle", "namespace": namespace },
            "spec": { "replicas": 1, "selector": { "matchLabels": { "app": "idle" } }, "template": {
                "metadata": { "labels": { "app": "idle" } },
                "spec": { "containers": [{ "name": "app", "image": format!("{REPOSITORY}:1-missing") }] },
            } },
        });
        field::practice().create(&idle).unwrap();
        let mut service = ada.get("/api/v1/services/checkout").await.ok();
        service.as_object_mut().unwrap().retain(|name, _| name != "version" && name != "archived");
        service["targets"] = json!([target(&namespace, "idle")]);
        ada.put("/api/v1/services/checkout", service).await.ok();
        let number = portal.release("first", when_signed()).await;
        portal.sign_all(number).await;
        portal.run_until_idle().await;
        let path = format!("/api/v1/releases/{number}/rollback");
        let otto = portal.person("otto").await;
        let asked = otto.post(&path, json!({})).await.is(409);
        assert_eq!(asked["type"], "/problems/rollback-tag-only");
        otto.post(&path, json!({ "accept_tag": true })).await.ok();
        portal.run_until_idle().await;
    }

    async fn a_revision_keeps_its_plan_and_its_decisions(portal: &mut TestPortal) {
        let number = portal.release("first", by_hand()).await;
        portal.sign("dora", number).await;
        let rita = portal.person("rita").await;
        rita.patch(&format!("/api/v1/releases/{number}"), json!({ "note": "and the basket" })).await.ok();
        portal.run_until_idle().await;
        rita.patch(&format!("/api/v1/releases/{number}"), json!({ "note": "and the basket" })).await.ok();
        let release = portal.show(number).await;
        assert_eq!((&release["revision"], &release["note"]), (&json!(2), &json!("and the basket")), "the same again is no revision");
        let mut probe = portal.database.probe().await;
        let notes = probe.texts(&format!("SELECT note FROM revisions WHERE release_number = {number} AND content_hash IS NOT NULL ORDER BY revision")).await;
        assert_eq!(notes, ["vouchers", "and the basket"]);
        assert_eq!(release["decisions"].as_array().unwrap().len(), 1);
        portal.person("vera").await.patch(&format!("/api/v1/releases/{number}"), json!({ "note": "x" })).await.is(403);
    }

    async fn a_release_can_be_planned_again_and_people_are_asked_again(portal: &mut TestPortal) {
        let number = portal.release("first", by_hand()).await;
        portal.sign_all(number).await;
        portal.person("rita").await.post(&format!("/api/v1/releases/{number}/plan"), json!({})).await.ok();
        portal.run_until_idle().await;
        let release = portal.show(number).await;
        assert_eq!((&release["state"], &release["revision"]), (&json!("waiting"), &json!(2)));
        assert_eq!(release["decisions"][0]["void_reason"], "It was planned again.");
    }
}
