//! Two portals on one PostgreSQL database: both may act, and what has to happen once happens once.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::json;

use super::{End, held, noted, write};
use crate::support::database::Kind;
use crate::support::portal::TestPortal;
use crate::support::town::{REPOSITORY, at_opening, by_hand, when_signed};
use crate::support::{audit, eventually, field, images};

async fn pair() -> (TestPortal, TestPortal) {
    let mut one = TestPortal::start(Kind::Postgres).await;
    one.settle().await;
    let other = one.twin().await;
    // A newer link replaces an older one, and people of both are asked for at the same time.
    for portal in [&one, &other] {
        for login in ["vera", "dora", "pia"] {
            portal.person(login).await;
        }
    }
    (one, other)
}

/// Both find out at the same time what there is to do, until neither finds anything.
async fn both_work(one: &TestPortal, other: &TestPortal) {
    for _ in 0..4 {
        tokio::join!(one.run_until_idle(), other.run_until_idle());
    }
}

async fn end(one: TestPortal, other: TestPortal) {
    other.finish().await;
    one.finish().await;
}

async fn entries(portal: &TestPortal, verb: &str) -> usize {
    let found = audit::verified_in(&portal.database).await;
    found.iter().filter(|(one, ..)| one == verb).count()
}

fn generation(portal: &TestPortal) -> i64 {
    let found = field::practice().object("Deployment", portal.namespace(), "checkout").unwrap();
    found["metadata"]["generation"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_portals_on_one_database_are_one_portal_to_people() {
    let (one, other) = pair().await;
    let digest = one.image("first").await;
    let session = one.person("rita").await;
    let body = json!({ "service": "checkout", "environment": "production", "image": digest, "start": by_hand() });
    // A session of one is a session of the other: the same request through either door.
    let asked = other.nobody().request(reqwest::Method::POST, "/api/v1/releases").json(&body);
    let asked = asked.header("cookie", session.cookie()).header("x-csrf-token", session.csrf());
    let number = other.nobody().send(asked).await.is(201)["number"].as_i64().unwrap();
    both_work(&one, &other).await;
    one.sign("dora", number).await;
    other.sign("pia", number).await;
    assert_eq!((one.state(number).await, other.state(number).await), ("ready".to_owned(), "ready".to_owned()));
    other.start_by_hand(number).await.ok();
    one.start_by_hand(number).await.is(409);
    both_work(&one, &other).await;
    assert_eq!(one.state(number).await, "succeeded");
    end(one, other).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_portals_find_to_do_is_done_once() {
    let (one, other) = pair().await;
    let before = generation(&one);
    for turn in 0..6 {
        let digest = one.image(&format!("turn-{turn}")).await;
        let start = match turn % 2 {
            0 => when_signed(),
            _ => at_opening(one.window(chrono::TimeDelta::minutes(5), chrono::TimeDelta::hours(1)).await),
        };
        let release = one.ask(&one.person("rita").await, &digest, start).await.is(201);
        let number = release["number"].as_i64().unwrap();
        both_work(&one, &other).await;
        tokio::join!(one.sign("dora", number), other.sign("pia", number));
        one.clock.advance(chrono::TimeDelta::minutes(6));
        both_work(&one, &other).await;
        let release = other.show(number).await;
        assert_eq!(release["state"], "succeeded", "{release}");
        assert_eq!(release["deployments"].as_array().unwrap().len(), 1);
        let found = field::practice().object("Deployment", one.namespace(), "checkout").unwrap();
        let runs = &found["spec"]["template"]["spec"]["containers"][0]["image"];
        assert_eq!(*runs, format!("{REPOSITORY}@{digest}"));
    }
    assert_eq!(generation(&one) - before, 6, "each was written to the cluster once");
    for verb in ["release.plan", "deployment.start", "deployment.end"] {
        assert_eq!(entries(&one, verb).await, 6, "{verb}");
    }
    let mut probe = one.database.probe().await;
    assert_eq!(probe.number("SELECT count(*) FROM target_locks").await, 0);
    end(one, other).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_portals_that_write_at_the_same_time_keep_one_log() {
    let (one, other) = pair().await;
    let stores = [one.workflow().store().clone(), other.workflow().store().clone()];
    let verbs = (0..120).map(|turn| {
        let end = if turn % 5 == 4 { End::Refused } else { End::Well };
        let store = &stores[turn % 2];
        async move { write(store, format!("turn:{turn}"), end).await.is_ok() }
    });
    let images = (0..30).map(|turn| {
        // Each image is registered through both doors at once, and is one image.
        let portal = if turn % 2 == 0 { &one } else { &other };
        let ci = portal.nobody().clone();
        let spec = TestPortal::image_spec(&format!("turn-{}", turn / 2));
        async move {
            let token = portal.token("rita", &["images:write"]).await;
            drop(ci);
            token.post("/api/v1/images", spec).await.status
        }
    });
    let (written, registered) = tokio::join!(join_all(verbs), join_all(images));
    assert_eq!(written.iter().filter(|well| **well).count(), 96);
    assert_eq!(registered.iter().filter(|status| **status == 201).count(), 15);
    assert_eq!(registered.iter().filter(|status| **status == 200).count(), 15);
    let kept = noted(&one.database).await;
    assert_eq!(kept.len(), 96);
    assert_eq!(kept.iter().collect::<BTreeSet<_>>().len(), 96);
    assert_eq!(entries(&other, "image.register").await, 15);
    end(one, other).await;
}

/// A process that is frozen holds its transaction, and with it the lock of all writers.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_freezes_in_mid_write_does_not_stop_the_other() {
    let (one, other) = pair().await;
    let (release, holding) = held(one.workflow().store()).await;
    let begun = std::time::Instant::now();
    write(other.workflow().store(), "other".to_owned(), End::Well).await.unwrap();
    assert!(begun.elapsed() < std::time::Duration::from_secs(15), "{:?}", begun.elapsed());
    drop(release);
    assert!(holding.await.unwrap().is_err(), "what it was about to do is not done");
    write(one.workflow().store(), "one".to_owned(), End::Well).await.unwrap();
    assert_eq!(noted(&one.database).await, ["other", "one"]);
    end(one, other).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_goes_on_when_the_database_cuts_its_connections() {
    let mut portal = TestPortal::start(Kind::Postgres).await;
    portal.settle().await;
    portal.image("before").await;
    let mut probe = portal.database.probe().await;
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    assert!(probe.number(cut).await > 0);
    eventually("the portal to connect again", 20, || async {
        let answer = portal.ci().post("/api/v1/images", TestPortal::image_spec("after")).await;
        (answer.status == 201).then_some(())
    })
    .await;
    let vera = portal.person("vera").await;
    let images = vera.get("/api/v1/images").await.ok();
    assert_eq!(images["items"][0]["digest"], images::good("after"));
    audit::verified_in(&portal.database).await;
    portal.finish().await;
}
