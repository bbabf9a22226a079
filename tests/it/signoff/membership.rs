//! Whose membership counts: today's, granted by somebody without an interest (rule 4).

use chrono::TimeDelta;
use serde_json::json;

use super::decision_of;
use crate::support::portal::both;
use crate::support::town::by_hand;

/// The word a decision is void with.
const LOST: &str = "Not in a group that is asked.";

both! {
    async fn a_signer_who_has_lost_the_group_no_longer_counts_at_the_start(portal: &mut TestPortal) {
        let number = portal.release("first", by_hand()).await;
        portal.sign_all(number).await;
        portal.members("ada", "product", &["paul"]).await;
        let refused = portal.start_by_hand(number).await.is(409);
        assert_eq!(refused["type"], "/problems/refusal-gate-closed");
        let release = portal.show(number).await;
        assert_eq!(release["state"], "waiting");
        assert_eq!(decision_of(&release, "pia")["void_reason"], LOST);
        // The membership given back by somebody without an interest makes the sign-off count again.
        portal.members("ada", "product", &["pia", "paul"]).await;
        assert_eq!(portal.state(number).await, "ready");
        portal.start_by_hand(number).await.ok();
        portal.run_until_idle().await;
    }

    async fn a_signer_who_was_deactivated_no_longer_counts(portal: &mut TestPortal) {
        let number = portal.release("first", by_hand()).await;
        portal.sign_all(number).await;
        let ada = portal.person("ada").await;
        ada.post("/api/v1/people/pia/archive", json!({})).await.ok();
        assert_eq!(portal.state(number).await, "waiting");
        portal.start_by_hand(number).await.is(409);
        portal.person("pia").await.get("/api/v1/session").await.is(401);
        ada.post("/api/v1/people/pia/restore", json!({})).await.ok();
        assert_eq!(portal.state(number).await, "ready");
        portal.run_until_idle().await;
    }

    async fn a_membership_one_granted_oneself_never_counts(portal: &mut TestPortal) {
        portal.apply(json!([{ "kind": "Person", "login": "nora", "name": "nora", "roles": [{ "role": "admin" }] }])).await;
        // Before the request, so that nothing but the granting itself is wrong with it.
        portal.members("nora", "product", &["nora", "pia"]).await;
        portal.advance(TimeDelta::hours(1)).await;
        let number = portal.release("first", by_hand()).await;
        let refused = portal.try_sign("nora", number).await.is(403);
        assert!(refused["detail"].as_str().unwrap().ends_with("Put into the group by themselves."), "{refused}");
        assert_eq!(portal.show(number).await["rules"][1]["can"], json!(["pia"]));
        // Also through one's own token, which acts for oneself.
        let token = portal.token("nora", &["settings:write"]).await;
        let mut spec = token.get("/api/v1/groups/deployment-team").await.ok();
        spec.as_object_mut().unwrap().retain(|name, _| name != "version" && name != "archived" && name != "roles");
        spec["members"] = json!(["dora", "nora"]);
        token.put("/api/v1/groups/deployment-team", spec).await.ok();
        portal.try_sign("nora", number).await.is(403);
        // Granted by somebody else it counts.
        portal.members("ada", "product", &["pia"]).await;
        portal.members("ada", "product", &["nora", "pia"]).await;
        portal.sign("nora", number).await;
    }

    async fn a_membership_the_requester_granted_after_the_request_never_counts(portal: &mut TestPortal) {
        let roles = json!([{ "role": "requester" }, { "role": "admin" }]);
        portal.apply(json!([{ "kind": "Person", "login": "rita", "name": "rita", "roles": roles }])).await;
        // Granted before, by the same person: fine.
        portal.members("rita", "product", &["vera", "pia"]).await;
        portal.sleep(TimeDelta::seconds(1));
        let number = portal.release("first", by_hand()).await;
        portal.sign("vera", number).await;
        portal.sleep(TimeDelta::seconds(1));
        portal.members("rita", "product", &["nora", "pia", "vera"]).await;
        let refused = portal.try_sign("nora", number).await.is(403);
        let told = "Put into the group after the request, by who asked for it or wrote part of it.";
        assert!(refused["detail"].as_str().unwrap().ends_with(told), "{refused}");
        // Somebody without an interest may grant it after the request.
        portal.members("ada", "deployment-team", &["otto", "dora"]).await;
        assert_eq!(portal.sign("otto", number).await["state"], "ready");
        portal.run_until_idle().await;
    }

    async fn a_membership_an_author_granted_after_the_request_never_counts(portal: &mut TestPortal) {
        portal.apply(json!([{ "kind": "Person", "login": "carl", "name": "carl", "roles": [{ "role": "admin" }] }])).await;
        let number = portal.release("first", by_hand()).await;
        portal.members("carl", "product", &["nora", "pia"]).await;
        portal.try_sign("nora", number).await.is(403);
        // At the very instant of the request counts as after it.
        assert_eq!(portal.show(number).await["requested_at"], json!(portal.clock.now()));
    }

    async fn whoever_is_put_out_and_in_again_by_the_requester_counts_no_longer(portal: &mut TestPortal) {
        let roles = json!([{ "role": "requester" }, { "role": "admin" }]);
        portal.apply(json!([{ "kind": "Person", "login": "rita", "name": "rita", "roles": roles }])).await;
        let number = portal.release("first", by_hand()).await;
        portal.sign_all(number).await;
        portal.members("rita", "product", &["paul"]).await;
        portal.members("rita", "product", &["paul", "pia"]).await;
        assert_eq!(portal.state(number).await, "waiting", "pia's membership is now one that rita granted");
    }

    async fn an_archived_group_satisfies_nothing_and_a_group_that_is_asked_cannot_be_archived(portal: &mut TestPortal) {
        let refused = portal.person("ada").await.post("/api/v1/groups/product/archive", json!({})).await.is(409);
        assert_eq!(refused["type"], "/problems/conflict-group-asked");
    }
}
