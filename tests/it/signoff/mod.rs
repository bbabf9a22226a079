//! Sign-off: who counts, and for how long (rules 1, 2, 5 and 7). What it is bound to stands in
//! `content` (rule 3), whose membership counts in `membership` (rule 4).

mod content;
mod membership;

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::images;
use crate::support::portal::{TestPortal, both};
use crate::support::town::{REPOSITORY, SCOPES, by_hand, reasons, when_signed};

fn decision_of<'r>(release: &'r Value, login: &str) -> &'r Value {
    let decisions = release["decisions"].as_array().unwrap();
    decisions.iter().rev().find(|one| one["person"] == login).unwrap_or_else(|| panic!("no decision of {login}"))
}

both! {
    async fn a_release_is_ready_once_every_group_has_signed(portal: &mut TestPortal) {
        let number = portal.release("first", by_hand()).await;
        assert_eq!(portal.state(number).await, "waiting");
        assert_eq!(portal.sign("dora", number).await["state"], "waiting", "the other rule is not met");
        assert_eq!(portal.sign("pia", number).await["state"], "ready");
        portal.start_by_hand(number).await.ok();
        portal.run_until_idle().await;
        assert_eq!(portal.state(number).await, "succeeded");
    }

    async fn a_rule_for_two_wants_two_people(portal: &mut TestPortal) {
        portal.change_policy(json!({ "rules": [{ "group": "product", "count": 2 }] })).await;
        let number = portal.release("first", by_hand()).await;
        assert_eq!(portal.sign("pia", number).await["rules"][0]["missing"], 1);
        let again = portal.try_sign("pia", number).await.is(409);
        assert_eq!(again["type"], "/problems/signoff-already");
        assert_eq!(portal.sign("paul", number).await["state"], "ready");
    }

    async fn one_person_in_two_groups_counts_once(portal: &mut TestPortal) {
        portal.members("ada", "product", &["dora", "pia"]).await;
        let number = portal.release("first", by_hand()).await;
        let release = portal.sign("dora", number).await;
        assert_eq!(release["state"], "waiting", "dora is in both groups and is one person");
        let missing: i64 = release["rules"].as_array().unwrap().iter().map(|rule| rule["missing"].as_i64().unwrap()).sum();
        assert_eq!(missing, 1);
        portal.start_by_hand(number).await.is(409);
        assert_eq!(portal.sign("pia", number).await["state"], "ready");
    }

    async fn the_rules_are_met_in_whatever_order_people_sign(portal: &mut TestPortal) {
        // dora could stand for either group, dirk and pia for one each: taken greedily, dora would
        // stand in the way of whoever comes second.
        portal.members("ada", "product", &["dora", "pia"]).await;
        for (index, order) in [["dora", "dirk"], ["dirk", "dora"], ["dora", "pia"], ["pia", "dora"]].iter().enumerate() {
            let number = portal.release(&format!("order-{index}"), by_hand()).await;
            portal.sign(order[0], number).await;
            let release = portal.sign(order[1], number).await;
            assert_eq!(release["state"], "ready", "{order:?}");
            let rule = |group: &str| release["rules"].as_array().unwrap().iter().find(|rule| rule["group"] == group).unwrap()["signed"].clone();
            let expected = if order.contains(&"dirk") { ("dirk", "dora") } else { ("dora", "pia") };
            assert_eq!((rule("deployment-team"), rule("product")), (json!([expected.0]), json!([expected.1])));
        }
    }

    async fn the_requester_does_not_sign(portal: &mut TestPortal) {
        portal.members("ada", "product", &["rita", "pia"]).await;
        let number = portal.release("first", by_hand()).await;
        let before = portal.audit_size().await;
        let refused = portal.try_sign("rita", number).await.is(403);
        assert_eq!(refused["type"], "/problems/signoff-not-allowed");
        assert_eq!(portal.audit_since(before).await, ["signoff.refused"]);
        let release = portal.show(number).await;
        assert_eq!(release["rules"][1]["can"], json!(["pia"]), "nobody waits for rita");
    }

    async fn a_requester_is_one_also_when_their_program_asked(portal: &mut TestPortal) {
        portal.members("ada", "product", &["rita", "pia"]).await;
        let digest = portal.image("first").await;
        let number = portal.ask(portal.ci(), &digest, by_hand()).await.is(201)["number"].as_i64().unwrap();
        portal.run_until_idle().await;
        assert_eq!(portal.show(number).await["by_token"], true);
        portal.try_sign("rita", number).await.is(403);
    }

    async fn authors_do_not_sign_however_ci_spells_them(portal: &mut TestPortal) {
        portal.members("ada", "product", &["carl", "pia"]).await;
        let spellings = [
            json!(["carl@example.com"]),
            json!(["CARL@Example.COM"]),
            json!(["Carl Who Writes <Carl@example.com>"]),
            // A co-author, after one whom nobody knows here.
            json!(["somebody@elsewhere.example", "Carl <carl@EXAMPLE.com>"]),
        ];
        for (index, authors) in spellings.into_iter().enumerate() {
            let mut spec = TestPortal::image_spec(&format!("by-{index}"));
            spec["authors"] = authors.clone();
            portal.ci().post("/api/v1/images", spec).await.is(201);
            let asked = portal.ask(&portal.person("rita").await, &images::good(&format!("by-{index}")), by_hand()).await;
            portal.run_until_idle().await;
            let refused = portal.try_sign("carl", asked.is(201)["number"].as_i64().unwrap()).await;
            assert_eq!(refused.status, 403, "{authors}: {}", refused.body);
        }
    }

    async fn a_ci_bot_does_not_launder_the_author(portal: &mut TestPortal) {
        // carl wrote it, rita's token registered it and asked for it: carl is still its author.
        portal.members("ada", "deployment-team", &["carl", "dirk"]).await;
        let digest = portal.image("first").await;
        let number = portal.ask(portal.ci(), &digest, by_hand()).await.is(201)["number"].as_i64().unwrap();
        portal.run_until_idle().await;
        portal.try_sign("carl", number).await.is(403);
        portal.sign("dirk", number).await;
    }

    async fn whoever_is_recognised_as_author_later_counts_no_longer(portal: &mut TestPortal) {
        let number = portal.release("first", by_hand()).await;
        portal.sign_all(number).await;
        let ada = portal.person("ada").await;
        let spec = |identities: Value| json!({ "login": "pia", "name": "pia", "commit_identities": identities });
        ada.put("/api/v1/people/carl", json!({ "login": "carl", "name": "carl", "commit_identities": [] })).await.ok();
        ada.put("/api/v1/people/pia", spec(json!(["carl@example.com"]))).await.ok();
        let release = portal.show(number).await;
        assert_eq!(release["state"], "waiting");
        assert_eq!(decision_of(&release, "pia")["counts"], false);
        portal.start_by_hand(number).await.is(409);
        portal.run_until_idle().await;
    }

    async fn an_environment_may_let_requester_and_author_sign_and_the_audit_log_says_so(portal: &mut TestPortal) {
        portal.members("ada", "product", &["rita", "pia"]).await;
        portal.members("ada", "deployment-team", &["carl", "dirk"]).await;
        portal.change_policy(json!({ "requester_may_sign": true, "author_may_sign": true })).await;
        let facts = portal.last_entry("environment.edit").await;
        let policy = &facts["fields"][0];
        assert_eq!(policy["field"], "policy");
        for field in ["requester_may_sign", "author_may_sign"] {
            assert_eq!((&policy["before"][field], &policy["after"][field]), (&json!(false), &json!(true)));
        }
        let number = portal.release("first", by_hand()).await;
        portal.sign("rita", number).await;
        assert_eq!(portal.sign("carl", number).await["state"], "ready");
    }

    async fn an_unknown_or_absent_author_blocks_until_somebody_knows_them(portal: &mut TestPortal) {
        for (name, authors) in [("stranger", json!(["zoe@elsewhere.example"])), ("nobody", json!([]))] {
            let mut spec = TestPortal::image_spec(name);
            spec["authors"] = authors;
            portal.ci().post("/api/v1/images", spec).await.is(201);
            let asked = portal.ask(&portal.person("rita").await, &images::good(name), by_hand()).await.is(201);
            portal.run_until_idle().await;
            let number = asked["number"].as_i64().unwrap();
            portal.sign_all(number).await;
            let release = portal.show(number).await;
            assert_eq!((release["state"].as_str().unwrap(), reasons(&release)[0]), ("waiting", "unknown_author"));
            assert_eq!(release["reasons"][0]["role"], "admin");
            portal.start_by_hand(number).await.is(409);
        }
        // The stranger turns out to be vera: an administrator says so, and the release is free.
        let ada = portal.person("ada").await;
        let vera = json!({ "login": "vera", "name": "vera", "commit_identities": ["Zoe@Elsewhere.example"] });
        ada.put("/api/v1/people/vera", vera).await.ok();
        assert_eq!(portal.state(1).await, "superseded");
        portal.start_by_hand(1).await.ok();
        portal.run_until_idle().await;
        // Evidence that names an author where there was none asks people again.
        portal.image("nobody").await;
        portal.run_until_idle().await;
        assert_eq!(portal.show(2).await["revision"], 2);
    }

    async fn an_unknown_author_may_pass_where_the_policy_allows_it(portal: &mut TestPortal) {
        portal.change_policy(json!({ "unknown_author": "allow" })).await;
        let mut spec = TestPortal::image_spec("stranger");
        spec["authors"] = json!(["zoe@elsewhere.example"]);
        portal.ci().post("/api/v1/images", spec).await.is(201);
        let asked = portal.ask(&portal.person("rita").await, &images::good("stranger"), by_hand()).await.is(201);
        portal.run_until_idle().await;
        let number = asked["number"].as_i64().unwrap();
        portal.sign_all(number).await;
        assert_eq!(portal.state(number).await, "ready");
    }

    async fn an_environment_without_rules_asks_nobody(portal: &mut TestPortal) {
        portal.change_policy(json!({ "rules": [], "unknown_author": null })).await;
        let number = portal.release("first", when_signed()).await;
        assert_eq!(portal.state(number).await, "succeeded", "it went out by itself");
    }

    async fn a_signoff_expires_to_the_microsecond_and_can_be_given_again(portal: &mut TestPortal) {
        portal.change_policy(json!({ "validity_hours": 2 })).await;
        let number = portal.release("first", by_hand()).await;
        portal.sign("dora", number).await;
        portal.advance(TimeDelta::hours(1)).await;
        portal.sign("pia", number).await;
        portal.advance(TimeDelta::hours(1) - TimeDelta::microseconds(1)).await;
        assert_eq!(portal.state(number).await, "ready", "one microsecond before the first one's end");
        portal.advance(TimeDelta::microseconds(1)).await;
        let release = portal.show(number).await;
        assert_eq!((release["state"].as_str().unwrap(), reasons(&release)[0]), ("waiting", "signoff_missing"));
        assert_eq!(release["reasons"][0]["people"], json!(["dora", "dirk"]));
        assert_eq!(decision_of(&release, "dora")["void_reason"], "Signed longer ago than a sign-off holds here.");
        portal.start_by_hand(number).await.is(409);

        assert_eq!(portal.sign("dora", number).await["state"], "ready");
        let release = portal.show(number).await;
        let counts: Vec<bool> = release["decisions"].as_array().unwrap().iter().map(|one| one["counts"].as_bool().unwrap()).collect();
        assert_eq!(counts, [false, true, true], "the old one of dora's stays void, the new one counts");
        portal.start_by_hand(number).await.ok();
        portal.run_until_idle().await;
    }

    async fn a_signoff_names_what_was_on_the_screen_or_is_refused_and_recorded(portal: &mut TestPortal) {
        let number = portal.release("first", by_hand()).await;
        let stale = json!({ "content_hash": "0".repeat(64) });
        let before = portal.audit_size().await;
        let path = format!("/api/v1/releases/{number}/signoff");
        let refused = portal.person("dora").await.post(&path, stale).await.is(409);
        assert_eq!(refused["type"], "/problems/signoff-stale");
        let nonsense = portal.person("dora").await.post(&path, json!({ "content_hash": "x" })).await.is(422);
        assert_eq!(nonsense["errors"][0]["pointer"], "/content_hash");
        assert_eq!(portal.audit_since(before).await, ["signoff.refused"]);
        let facts = portal.last_entry("signoff.refused").await;
        assert_eq!(facts["content_hash"], "0".repeat(64));
        assert!(portal.show(number).await["decisions"].as_array().unwrap().is_empty());
    }

    async fn a_bearer_token_never_signs_and_the_attempt_is_recorded(portal: &mut TestPortal) {
        let number = portal.release("first", by_hand()).await;
        let token = portal.token("dora", &SCOPES).await;
        let hash = portal.show(number).await["content_hash"].clone();
        let before = portal.audit_size().await;
        for verb in ["signoff", "reject"] {
            let body = json!({ "content_hash": hash, "comment": "by a program" });
            let refused = token.post(&format!("/api/v1/releases/{number}/{verb}"), body).await.is(403);
            assert_eq!(refused["type"], "/problems/refusal-needs-session");
        }
        assert_eq!(portal.audit_since(before).await, ["signoff.refused", "signoff.refused"]);
        assert_eq!(portal.state(number).await, "waiting");
    }

    async fn nobody_outside_the_groups_signs(portal: &mut TestPortal) {
        let number = portal.release("first", by_hand()).await;
        for login in ["otto", "ada", "vera"] {
            let refused = portal.try_sign(login, number).await;
            assert_eq!(refused.status, 403, "{login}: {}", refused.body);
        }
        portal.try_sign("nora", number).await.is(404);
    }

    async fn a_signoff_asks_for_a_fresh_sign_in_where_the_policy_says_so(portal: &mut TestPortal) {
        portal.change_policy(json!({ "fresh_signoff": true })).await;
        let number = portal.release("first", by_hand()).await;
        portal.person("dora").await;
        portal.advance(TimeDelta::minutes(16)).await;
        let refused = portal.try_sign("dora", number).await.is(422);
        assert_eq!(refused["errors"][0]["pointer"], "/password");
        let fresh = portal.signed_in("dora").await;
        let hash = portal.show(number).await["content_hash"].clone();
        fresh.post(&format!("/api/v1/releases/{number}/signoff"), json!({ "content_hash": hash })).await.ok();
    }

    async fn one_rejection_ends_a_release_with_its_reason(portal: &mut TestPortal) {
        let number = portal.release("first", by_hand()).await;
        portal.sign_all(number).await;
        let hash = portal.show(number).await["content_hash"].clone();
        let path = format!("/api/v1/releases/{number}/reject");
        let unreasoned = portal.person("paul").await.post(&path, json!({ "content_hash": hash, "comment": " " })).await;
        assert_eq!(unreasoned.is(422)["errors"][0]["pointer"], "/comment");
        portal.person("otto").await.post(&path, json!({ "content_hash": hash, "comment": "no" })).await.is(403);

        let release = portal.reject("paul", number).await.ok();
        assert_eq!(release["state"], "rejected");
        assert_eq!((&release["ended"]["by"], &release["ended"]["reason"]), (&json!("paul"), &json!("the vouchers are wrong")));
        portal.try_sign("dirk", number).await.is(409);
        portal.reject("pia", number).await.is(409);
        portal.start_by_hand(number).await.is(409);
    }

    async fn whoever_may_not_sign_may_still_say_no(portal: &mut TestPortal) {
        portal.members("ada", "product", &["rita", "pia"]).await;
        let number = portal.release("first", by_hand()).await;
        assert_eq!(portal.reject("rita", number).await.ok()["state"], "rejected");
    }

    async fn a_rejected_digest_comes_back_through_a_person_only(portal: &mut TestPortal) {
        let number = portal.release("first", by_hand()).await;
        portal.reject("pia", number).await.ok();
        let digest = images::good("first");
        // CI registers it again, under another tag too: that brings nothing back.
        let mut spec = TestPortal::image_spec("first");
        spec["tags"] = json!(["first", "retry"]);
        portal.ci().post("/api/v1/images", spec).await.ok();
        let refused = portal.ask(portal.ci(), &digest, by_hand()).await.is(409);
        assert_eq!(refused["type"], "/problems/release-rejected-before");
        let reference = format!("{}@{digest}", REPOSITORY);
        portal.ask(portal.ci(), &reference, by_hand()).await.is(409);
        let token_of_operator = portal.token("otto", &SCOPES).await;
        portal.ask(&token_of_operator, &digest, by_hand()).await.is(403);

        let again = portal.ask(&portal.person("rita").await, &digest, by_hand()).await.is(201);
        portal.run_until_idle().await;
        assert_eq!(portal.state(again["number"].as_i64().unwrap()).await, "waiting");
    }
}
