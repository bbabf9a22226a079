//! Signing in and out.

use chrono::TimeDelta;
use serde_json::json;

use crate::support::portal::{TestPortal, both};

const PASSWORD: &str = "correct horse battery";

async fn with_ada(db: crate::support::database::Kind) -> TestPortal {
    let portal = TestPortal::start(db).await;
    let link = portal.workflow().setup_link().await.unwrap().unwrap();
    portal.nobody().set_up(&link, "ada", PASSWORD).await;
    portal
}

both! {
    async fn a_session_ends_when_it_was_not_used_for_two_hours_or_after_twelve(portal: &mut TestPortal) {
        let idle = portal.signed_in("vera").await;
        let busy = portal.signed_in("vera").await;
        portal.advance(TimeDelta::hours(2)).await;
        busy.get("/api/v1/session").await.ok();
        portal.advance(TimeDelta::microseconds(1)).await;
        idle.get("/api/v1/session").await.is(401);
        for _ in 0..9 {
            portal.advance(TimeDelta::hours(1)).await;
            busy.get("/api/v1/session").await.ok();
        }
        portal.advance(TimeDelta::hours(1)).await;
        busy.get("/api/v1/session").await.is(401);
    }

    async fn signing_out_ends_this_session_only(portal: &mut TestPortal) {
        let (one, two) = (portal.signed_in("vera").await, portal.signed_in("vera").await);
        assert_ne!(one.cookie(), two.cookie());
        one.delete("/api/v1/session").await.is(204);
        one.get("/api/v1/session").await.is(401);
        two.get("/api/v1/session").await.ok();
        let stored = portal.database.contents().await["sessions"].join("\n");
        let secret = two.cookie().split('=').nth(1).unwrap();
        assert!(!stored.contains(secret), "only its hash is stored");
    }

    async fn an_unknown_login_and_a_wrong_password_are_told_the_same(db: Kind) {
        let portal = with_ada(db).await;
        let by = async |login: &str, password: &str| portal.nobody().post("/api/v1/session", json!({ "login": login, "password": password })).await;
        // The same words for as long as it is tried, until both are asked to wait.
        for attempt in 1..=7 {
            let known = by("ada", "wrong wrong wrong").await;
            let unknown = by("eve", "wrong wrong wrong").await;
            assert_eq!((known.status, &known.body), (unknown.status, &unknown.body), "attempt {attempt}");
            assert_eq!(known.status, if attempt <= 5 { 401 } else { 429 });
        }
        by("ada", PASSWORD).await.is(429);
        portal.sleep(TimeDelta::minutes(1));
        by("ada", PASSWORD).await.ok();
        // Each further failure doubles the pause; a good sign-in forgets them all.
        by("eve", "wrong wrong wrong").await.is(401);
        portal.sleep(TimeDelta::minutes(1));
        by("eve", "wrong wrong wrong").await.is(429);
        by("ada", "wrong wrong wrong").await.is(401);
        portal.finish().await;
    }

    async fn a_changed_password_ends_every_other_session(db: Kind) {
        let portal = with_ada(db).await;
        let (one, two) = (portal.nobody().by_password("ADA", PASSWORD).await, portal.nobody().by_password("ada", PASSWORD).await);
        let mut conn = portal.workflow().store().read().await.unwrap();
        let login = tidegate::domain::name::Login::parse("ada").unwrap();
        let ada = tidegate::store::person::by_login(&mut conn, &login).await.unwrap().unwrap().id;
        drop(conn);
        let hash = tidegate::secret::fingerprint(one.cookie().split('=').nth(1).unwrap());
        let change = |present: &str, new: &str| portal.workflow().change_password(ada, hash, present.to_owned(), new.to_owned());
        assert!(change("wrong", "another horse battery").await.is_err());
        assert!(change(PASSWORD, "short").await.is_err());
        change(PASSWORD, "another horse battery").await.unwrap();
        one.get("/api/v1/session").await.ok();
        two.get("/api/v1/session").await.is(401);
        portal.nobody().post("/api/v1/session", json!({ "login": "ada", "password": PASSWORD })).await.is(401);
        portal.finish().await;
    }

    async fn a_password_asked_for_again_is_guessed_no_more_often_than_at_the_door(db: Kind) {
        let portal = with_ada(db).await;
        let one = portal.nobody().by_password("ada", PASSWORD).await;
        let mut conn = portal.workflow().store().read().await.unwrap();
        let login = tidegate::domain::name::Login::parse("ada").unwrap();
        let ada = tidegate::store::person::by_login(&mut conn, &login).await.unwrap().unwrap().id;
        drop(conn);
        let hash = tidegate::secret::fingerprint(one.cookie().split('=').nth(1).unwrap());
        let workflow = portal.workflow();
        let confirm = async |password: &str| workflow.confirm_password(ada, hash, password.to_owned()).await;
        let change = async |present: &str| workflow.change_password(ada, hash, present.to_owned(), "another horse battery".to_owned()).await;
        let key = |refused: tidegate::workflow::Result<()>| match refused {
            Err(tidegate::workflow::Error::Refused(refusal)) => refusal.text.key.to_string(),
            other => panic!("{other:?}"),
        };
        let by = async |password: &str| portal.nobody().post("/api/v1/session", json!({ "login": "ada", "password": password })).await;
        for _ in 0..2 {
            assert_ne!(key(confirm("wrong wrong wrong").await), "sign-in-locked");
            assert_ne!(key(change("wrong wrong wrong").await), "sign-in-locked");
        }
        by("wrong wrong wrong").await.is(401);
        // Five together, wherever they were made.
        assert_eq!(key(confirm(PASSWORD).await), "sign-in-locked");
        assert_eq!(key(change(PASSWORD).await), "sign-in-locked");
        by(PASSWORD).await.is(429);
        portal.sleep(TimeDelta::minutes(1));
        confirm(PASSWORD).await.unwrap();
        // A good one forgets them.
        assert_ne!(key(change("wrong wrong wrong").await), "sign-in-locked");
        change(PASSWORD).await.unwrap();
        portal.finish().await;
    }

    async fn what_has_ended_is_forgotten_every_hour_and_not_all_the_time(portal: &mut TestPortal) {
        let runner = portal.running().runner.clone();
        let working = tokio::spawn(runner.clone().run());
        // The first time at once; then the hour counts.
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        let ended = portal.signed_in("vera").await;
        let mut probe = portal.database.probe().await;
        probe.execute("UPDATE sessions SET expires_at = created_at").await.unwrap();
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        assert!(probe.number("SELECT count(*) FROM sessions").await > 0, "{} is still there", ended.cookie());
        portal.sleep(TimeDelta::hours(1));
        crate::support::eventually("sessions to be forgotten", 10, || async {
            let mut probe = portal.database.probe().await;
            (probe.number("SELECT count(*) FROM sessions").await == 0).then_some(())
        })
        .await;
        runner.stop();
        working.await.unwrap().unwrap();
        portal.run_until_idle().await;
    }

    async fn a_restart_keeps_sessions_and_forgets_none_too_many(portal: &mut TestPortal) {
        let vera = portal.signed_in("vera").await;
        portal.restart().await;
        vera.get("/api/v1/session").await.ok();
        portal.run_until_idle().await;
    }
}
