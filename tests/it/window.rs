//! Windows: when a release may start, and what happens to one whose window is moved, called off or
//! missed (rules 8 to 11, and the start modes).

mod form;

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::portal::{TestPortal, both};
use crate::support::town::{at_opening, by_hand, reasons, when_signed};

const HOUR: TimeDelta = TimeDelta::hours(1);
const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

fn by_hand_in(window: i64) -> Value {
    json!({ "mode": "by_hand", "window": window })
}

fn kinds(window: &Value) -> Vec<&str> {
    window["announcements"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect()
}

async fn show_window(portal: &TestPortal, id: i64) -> Value {
    portal.person("vera").await.get(&format!("/api/v1/windows/{id}")).await.ok()
}

async fn revise(portal: &TestPortal, number: i64, start: Value) -> crate::support::api::Answer {
    let path = format!("/api/v1/releases/{number}");
    let answer = portal.person("rita").await.patch(&path, json!({ "start": start })).await;
    portal.run_until_idle().await;
    answer
}

both! {
    async fn a_release_starts_by_itself_at_the_opening_and_not_a_microsecond_before(portal: &mut TestPortal) {
        let window = portal.window(HOUR, HOUR).await;
        let number = portal.release("first", at_opening(window)).await;
        portal.sign_all(number).await;
        portal.advance(HOUR - MICROSECOND).await;
        let release = portal.show(number).await;
        assert_eq!((release["state"].as_str().unwrap(), reasons(&release)), ("ready", vec!["window_not_open"]));
        assert_eq!(release["reasons"][0]["at"], json!(portal.clock.now().plus(MICROSECOND)));
        portal.start_by_hand(number).await.is(409);
        portal.advance(MICROSECOND).await;
        let release = portal.show(number).await;
        assert_eq!(release["state"], "succeeded");
        assert_eq!(release["deployment"]["started_at"], json!(portal.clock.now()));
        assert_eq!(release["deployment"]["started_by"], Value::Null, "the clock did");
    }

    async fn a_window_holds_its_last_microsecond_and_not_its_end(portal: &mut TestPortal) {
        let window = portal.window(HOUR, HOUR).await;
        let (inside, after) = (portal.release("inside", by_hand_in(window)).await, portal.release("after", by_hand_in(window)).await);
        portal.sign_all(inside).await;
        portal.sign_all(after).await;
        portal.advance(HOUR * 2 - MICROSECOND).await;
        assert_eq!(show_window(portal, window).await["state"], "open");
        portal.start_by_hand(inside).await.ok();
        portal.run_until_idle().await;
        portal.advance(MICROSECOND).await;
        assert_eq!(show_window(portal, window).await["state"], "closed");
        let refused = portal.start_by_hand(after).await.is(409);
        assert_eq!(refused["type"], "/problems/refusal-gate-closed");
        assert!(reasons(&portal.show(after).await).contains(&"window_missed"));
        assert_eq!(portal.state(inside).await, "succeeded");
    }

    async fn nothing_starts_by_the_clock_at_the_very_end_of_a_window(portal: &mut TestPortal) {
        let window = portal.window(HOUR, HOUR).await;
        let number = portal.release("first", at_opening(window)).await;
        portal.sign("dora", number).await;
        portal.advance(HOUR * 2).await;
        portal.sign("pia", number).await;
        portal.run_until_idle().await;
        let release = portal.show(number).await;
        assert_eq!((release["state"].as_str().unwrap(), reasons(&release)), ("ready", vec!["window_missed"]));
        assert_eq!(release["reasons"][0]["role"], "requester");
    }

    async fn a_late_signoff_starts_a_release_late_inside_its_window(portal: &mut TestPortal) {
        let window = portal.window(HOUR, HOUR).await;
        let number = portal.release("first", at_opening(window)).await;
        portal.sign("dora", number).await;
        portal.advance(HOUR + HOUR / 2).await;
        assert_eq!(portal.state(number).await, "waiting", "a closed gate holds and explains");
        portal.sign("pia", number).await;
        portal.run_until_idle().await;
        assert_eq!(portal.state(number).await, "succeeded");
    }

    async fn a_portal_that_was_down_at_the_opening_starts_late_inside_the_window(portal: &mut TestPortal) {
        let window = portal.window(HOUR, HOUR).await;
        let number = portal.release("first", at_opening(window)).await;
        portal.sign_all(number).await;
        portal.stop().await;
        portal.sleep(HOUR * 2 - MICROSECOND);
        portal.restart().await;
        portal.run_until_idle().await;
        assert_eq!(portal.state(number).await, "succeeded");
    }

    async fn a_portal_that_was_down_for_the_whole_window_starts_nothing_after_its_end(portal: &mut TestPortal) {
        let window = portal.window(HOUR, HOUR).await;
        let number = portal.release("first", at_opening(window)).await;
        portal.sign_all(number).await;
        portal.stop().await;
        portal.sleep(HOUR * 2);
        portal.restart().await;
        portal.run_until_idle().await;
        portal.advance(TimeDelta::days(1)).await;
        let release = portal.show(number).await;
        assert_eq!((release["state"].as_str().unwrap(), reasons(&release)), ("ready", vec!["window_missed"]));
        portal.start_by_hand(number).await.is(409);
    }

    async fn a_release_that_missed_its_window_goes_out_in_another(portal: &mut TestPortal) {
        let window = portal.window(HOUR, HOUR).await;
        let number = portal.release("first", at_opening(window)).await;
        portal.sign("dora", number).await;
        portal.advance(HOUR * 2).await;
        let next = portal.window(HOUR, HOUR).await;
        revise(portal, number, at_opening(next)).await.ok();
        let release = portal.show(number).await;
        assert_eq!(release["decisions"][0]["counts"], false, "the window is part of what is signed");
        portal.sign_all(number).await;
        portal.advance(HOUR).await;
        assert_eq!(portal.state(number).await, "succeeded");
    }

    async fn nothing_starts_in_a_window_that_nobody_was_told_about(portal: &mut TestPortal) {
        let window = portal.draft_window(HOUR, HOUR).await;
        let number = portal.release("first", at_opening(window)).await;
        portal.sign_all(number).await;
        portal.advance(HOUR).await;
        let release = portal.show(number).await;
        assert_eq!(reasons(&release), ["window_draft"]);
        assert_eq!(release["reasons"][0]["role"], "operator");
        portal.start_by_hand(number).await.is(409);
        let otto = portal.person("otto").await;
        otto.post(&format!("/api/v1/windows/{window}/announce"), json!({})).await.ok();
        portal.run_until_idle().await;
        assert_eq!(portal.state(number).await, "succeeded");
    }

    async fn a_moved_window_is_announced_again_and_voids_the_signoffs(portal: &mut TestPortal) {
        let window = portal.window(HOUR, HOUR).await;
        let number = portal.release("first", at_opening(window)).await;
        portal.sign_all(number).await;
        let before = portal.audit_size().await;
        let (start, end) = (portal.clock.now().plus(HOUR * 3), portal.clock.now().plus(HOUR * 4));
        let moved = portal.change_window(window, json!({ "starts_at": start, "ends_at": end })).await.ok();
        assert_eq!(kinds(&moved), ["announced", "moved"]);
        assert_eq!(moved["announcements"][1]["starts_at"], json!(start));
        assert_eq!(portal.audit_since(before).await, ["window.edit", "window.announce", "release.revise"]);
        // Not at the old time, though everybody had signed for it.
        portal.advance(HOUR).await;
        assert_eq!(portal.state(number).await, "waiting");
        portal.advance(HOUR * 2).await;
        assert_eq!(portal.state(number).await, "waiting", "nor at the new one, which nobody has signed");
        portal.sign_all(number).await;
        portal.run_until_idle().await;
        assert_eq!(portal.state(number).await, "succeeded");
    }

    async fn another_title_is_announced_again_and_voids_nothing(portal: &mut TestPortal) {
        let window = portal.window(HOUR, HOUR).await;
        let number = portal.release("first", at_opening(window)).await;
        portal.sign_all(number).await;
        let edited = portal.change_window(window, json!({ "title": "Storefront" })).await.ok();
        assert_eq!(kinds(&edited), ["announced", "changed"]);
        assert_eq!(portal.state(number).await, "ready");
        // The same once more is no edit, and announces nothing.
        assert_eq!(kinds(&portal.change_window(window, json!({ "title": "Storefront" })).await.ok()).len(), 2);
        portal.run_until_idle().await;
    }

    async fn a_cancelled_window_holds_its_releases_and_says_so(portal: &mut TestPortal) {
        let window = portal.window(HOUR, HOUR).await;
        let number = portal.release("first", at_opening(window)).await;
        portal.sign_all(number).await;
        let otto = portal.person("otto").await;
        let cancelled = otto.post(&format!("/api/v1/windows/{window}/cancel"), json!({})).await.ok();
        assert_eq!((cancelled["state"].as_str().unwrap(), kinds(&cancelled)), ("cancelled", vec!["announced", "cancelled"]));
        portal.advance(HOUR).await;
        let release = portal.show(number).await;
        assert_eq!((release["state"].as_str().unwrap(), reasons(&release)), ("ready", vec!["window_cancelled"]));
        portal.start_by_hand(number).await.is(409);
        otto.post(&format!("/api/v1/windows/{window}/cancel"), json!({})).await.is(409);
        portal.change_window(window, json!({ "title": "Again" })).await.is(409);
        revise(portal, number, at_opening(window)).await.is(422);
        revise(portal, number, by_hand()).await.ok();
        portal.sign_all(number).await;
        portal.start_by_hand(number).await.ok();
        portal.run_until_idle().await;
    }

    async fn a_release_without_a_window_starts_when_the_last_signoff_is_in(portal: &mut TestPortal) {
        let number = portal.release("first", when_signed()).await;
        portal.sign("dora", number).await;
        portal.run_until_idle().await;
        assert_eq!(portal.state(number).await, "waiting");
        portal.sign("pia", number).await;
        portal.run_until_idle().await;
        let release = portal.show(number).await;
        assert_eq!((&release["state"], &release["deployment"]["started_by"]), (&json!("succeeded"), &Value::Null));
    }

    async fn what_starts_by_hand_waits_for_an_operator(portal: &mut TestPortal) {
        let number = portal.release("first", by_hand()).await;
        portal.sign_all(number).await;
        portal.advance(TimeDelta::minutes(30)).await;
        let release = portal.show(number).await;
        assert_eq!((release["state"].as_str().unwrap(), reasons(&release)), ("ready", vec!["by_hand"]));
        assert_eq!(release["reasons"][0]["role"], "operator");
        let path = format!("/api/v1/releases/{number}/start");
        for login in ["rita", "vera", "dora", "ada"] {
            portal.person(login).await.post(&path, json!({})).await.is(403);
        }
        portal.person("nora").await.post(&path, json!({})).await.is(404);
        let started = portal.start_by_hand(number).await.ok();
        assert_eq!(started["deployment"]["started_by"], "otto");
        portal.run_until_idle().await;
        portal.start_by_hand(number).await.is(409);
    }

    async fn mode_and_window_have_to_go_together_and_be_allowed(portal: &mut TestPortal) {
        let window = portal.window(HOUR, HOUR).await;
        let digest = portal.image("first").await;
        let rita = portal.person("rita").await;
        for (start, pointer) in [
            (json!({ "mode": "at_opening" }), "/start/window"),
            (json!({ "mode": "when_signed", "window": window }), "/start/window"),
            (json!({ "mode": "at_opening", "window": 999 }), "/start/window"),
            (json!({ "mode": "sometime" }), "/start/mode"),
        ] {
            let refused = portal.ask(&rita, &digest, start.clone()).await.is(422);
            assert_eq!(refused["errors"][0]["pointer"], pointer, "{start}");
        }
        portal.change_policy(json!({ "start_modes": ["at_opening"] })).await;
        assert_eq!(portal.ask(&rita, &digest, by_hand()).await.is(422)["errors"][0]["pointer"], "/start/mode");
        portal.advance(HOUR * 2).await;
        let rita = portal.signed_in("rita").await;
        let late = portal.ask(&rita, &digest, at_opening(window)).await.is(422);
        assert_eq!(late["errors"][0]["detail"], "The window is over.");
    }

    async fn a_window_is_moved_or_called_off_by_who_operates_where_its_agenda_goes(portal: &mut TestPortal) {
        portal
            .apply(json!([
                { "kind": "Environment", "name": "staging", "title": "Staging", "rank": 5, "cluster": "main" },
                { "kind": "Person", "login": "sten", "name": "sten", "roles": [{ "role": "operator", "environment": "staging" }] },
            ]))
            .await;
        let sten = portal.person("sten").await;
        let window = portal.window(HOUR, HOUR).await;
        let path = format!("/api/v1/windows/{window}");
        let moved = |portal: &TestPortal| portal.window_spec(HOUR * 2, HOUR);
        // Nothing is on its agenda yet.
        let version = async || show_window(portal, window).await["version"].as_i64().unwrap();
        let now = version().await;
        sten.put(&format!("{path}?version={now}"), moved(portal)).await.ok();
        let number = portal.release("first", at_opening(window)).await;
        portal.sign_all(number).await;
        let now = version().await;
        let refused = sten.put(&format!("{path}?version={now}"), portal.window_spec(HOUR * 3, HOUR)).await.is(403);
        assert_eq!(refused["type"], "/problems/refusal-window-of-others");
        sten.post(&format!("{path}/cancel"), json!({})).await.is(403);
        assert_eq!(portal.state(number).await, "ready", "what was signed stands");
        // The words on it move nobody.
        let mut spec = moved(portal);
        spec["audience"] = json!("The shop may be slower.");
        sten.put(&format!("{path}?version={now}"), spec).await.ok();
        portal.person("otto").await.post(&format!("{path}/cancel"), json!({})).await.ok();
    }

    async fn two_editors_of_a_window_notice_each_other(portal: &mut TestPortal) {
        let window = portal.window(HOUR, HOUR).await;
        let otto = portal.person("otto").await;
        let seen = show_window(portal, window).await["version"].as_i64().unwrap();
        portal.change_window(window, json!({ "title": "Mine" })).await.ok();
        let path = format!("/api/v1/windows/{window}?version={seen}");
        otto.put(&path, portal.window_spec(HOUR, HOUR * 2)).await.is(409);
        otto.post(&format!("/api/v1/windows/{window}/announce?version={seen}"), json!({})).await.is(409);
        assert_eq!(show_window(portal, window).await["title"], "Mine");
    }

    async fn a_window_that_has_begun_can_be_made_longer_and_not_be_moved_into_the_past(portal: &mut TestPortal) {
        let window = portal.window(HOUR, HOUR).await;
        portal.advance(HOUR + HOUR / 2).await;
        let longer = json!({ "ends_at": portal.clock.now().plus(HOUR) });
        assert_eq!(portal.change_window(window, longer).await.ok()["state"], "open");
        let earlier = json!({ "starts_at": portal.clock.now().minus(HOUR * 3) });
        assert_eq!(portal.change_window(window, earlier).await.is(422)["errors"][0]["pointer"], "/starts_at");
        let over = json!({ "ends_at": portal.clock.now() });
        assert_eq!(portal.change_window(window, over).await.is(422)["errors"][0]["pointer"], "/ends_at");
    }

    async fn wall_clock_times_are_those_of_the_windows_zone(portal: &mut TestPortal) {
        let otto = portal.person("otto").await;
        let plan = |starts_at: &str, ends_at: &str, zone: &str| {
            json!({ "title": "Night", "starts_at": starts_at, "ends_at": ends_at, "zone": zone })
        };
        let made = otto.post("/api/v1/windows", plan("2026-11-26T20:00", "2026-11-26T22:00", "Europe/Berlin")).await.is(201);
        assert_eq!((&made["starts_at"], &made["ends_at"]), (&json!("2026-11-26T19:00:00Z"), &json!("2026-11-26T21:00:00Z")));
        // The night the clocks go forward has no 02:30, the night they go back has two.
        let refused = otto.post("/api/v1/windows", plan("2027-03-28T02:30", "2027-03-28T04:00", "Europe/Berlin")).await.is(422);
        assert_eq!(refused["errors"][0], json!({
            "pointer": "/starts_at", "detail": "This time does not exist in Europe/Berlin: the clocks go forward over it.",
        }));
        let refused = otto.post("/api/v1/windows", plan("2027-10-31T02:30", "2027-10-31T04:00", "Europe/Berlin")).await.is(422);
        let detail = refused["errors"][0]["detail"].as_str().unwrap();
        assert!(detail.contains("2027-10-31T02:30+02:00") && detail.contains("2027-10-31T02:30+01:00"), "{detail}");
        for (offset, instant) in [("+02:00", "2027-10-31T00:30:00Z"), ("+01:00", "2027-10-31T01:30:00Z")] {
            let chosen = plan(&format!("2027-10-31T02:30{offset}"), "2027-10-31T04:00", "Europe/Berlin");
            assert_eq!(otto.post("/api/v1/windows", chosen).await.is(201)["starts_at"], instant);
        }
    }
}
