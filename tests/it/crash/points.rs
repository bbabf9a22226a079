//! Every named point at which the process can be stopped, killed there.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::json;
use tidegate::practice::Fault;
use tokio::sync::Semaphore;

use super::{WEB, World};
use crate::deployment::stage::ended;
use crate::support::images;

type Way = fn(World) -> BoxFuture<'static, ()>;

/// Every point, and a way that passes it.
const POINTS: &[(&str, Way)] = &[
    ("plan.made", |world| Box::pin(while_it_plans(world))),
    ("clear.ready", |world| Box::pin(at_the_opening(world))),
    ("store.before_commit", |world| Box::pin(by_hand(world))),
    ("store.after_commit", |world| Box::pin(by_hand(world))),
    ("deploy.found", |world| Box::pin(by_hand(world))),
    ("deploy.claimed", |world| Box::pin(by_hand(world))),
    ("deploy.before_journal", |world| Box::pin(by_hand(world))),
    ("deploy.before_write", |world| Box::pin(by_hand(world))),
    ("deploy.after_write", |world| Box::pin(by_hand(world))),
    ("deploy.written", |world| Box::pin(by_hand(world))),
    ("deploy.target_ended", |world| Box::pin(by_hand(world))),
    ("deploy.before_end", |world| Box::pin(by_hand(world))),
    ("deploy.ended", |world| Box::pin(by_hand(world))),
    ("deploy.before_fence", |world| Box::pin(while_a_write_is_called_back(world))),
    ("deploy.after_fence", |world| Box::pin(while_a_write_is_called_back(world))),
];

#[test]
fn every_point_has_a_case() {
    let mut named = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = std::fs::read_to_string(&path).unwrap();
                let calls = text.split("halt::point(").skip(1);
                named.extend(calls.map(|call| call.split('"').nth(1).unwrap().to_owned()));
            }
        }
    }
    let known: BTreeSet<String> = POINTS.iter().map(|(point, _)| (*point).to_owned()).collect();
    assert_eq!(named, known);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_named_point_a_deployment_ends_once_and_writes_at_most_once() {
    let four = Arc::new(Semaphore::new(4));
    let running: Vec<_> = POINTS
        .iter()
        .map(|(point, way)| {
            let four = four.clone();
            let task = async move {
                let _turn = four.acquire_owned().await;
                way(World::stopping_at(point).await).await;
            };
            (point, tokio::spawn(task))
        })
        .collect();
    let mut failed = Vec::new();
    for (point, task) in running {
        if task.await.is_err() {
            failed.push(point);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

/// Killed somewhere between the start and the end. Whoever was answered finds it done; whoever was
/// not asks again in the same words, and finds it done once.
async fn by_hand(mut world: World) {
    let digest = images::good("after");
    let number = world.stage.signed(&digest).await;
    world.arm();
    let asked = world.ask_to_start(number);
    world.portal.halted().await;
    world.start_again().await;
    let answered = asked.await.unwrap().is_some_and(|answer| answer.status == 200);
    if !answered {
        world.ask_to_start(number).await.unwrap().unwrap().ok();
    }
    world.succeeded_once(number, &digest).await;
}

/// Killed between reading the cluster and keeping the plan.
async fn while_it_plans(mut world: World) {
    let stage = &world.stage;
    let digest = images::good("after");
    stage.scene.image_of(&stage.repository(), &digest, "1.2.3").await;
    world.arm();
    let body = json!({
        "service": stage.name, "environment": stage.name, "image": digest, "start": { "mode": "by_hand", "window": null },
        "note": "",
    });
    // It may stop before it has answered.
    let asked = stage.scene.requester.request(reqwest::Method::POST, "/api/v1/releases").json(&body);
    let asked = tokio::spawn(asked.send());
    world.portal.halted().await;
    world.start_again().await;
    asked.abort();
    let releases = world.stage.scene.requester.get("/api/v1/releases").await.ok();
    let number = releases["items"][0]["number"].as_i64().unwrap();
    let planned = world.stage.scene.planned(number).await;
    assert_eq!(planned["revision"], 1);
    world.stage.scene.sign_all(number).await;
    world.stage.start(number).await;
    world.succeeded_once(number, &digest).await;
}

/// Killed at the opening of a window, with a release that starts then.
async fn at_the_opening(mut world: World) {
    let digest = images::good("after");
    let number = opening(&world, &digest, 3).await;
    world.arm();
    world.portal.halted().await;
    world.start_again().await;
    world.succeeded_once(number, &digest).await;
}

/// A release that starts at the opening of a window in some seconds; signed.
pub async fn opening(world: &World, digest: &str, seconds: i64) -> i64 {
    let stage = &world.stage;
    stage.scene.image_of(&stage.repository(), digest, "1.2.3").await;
    let window = stage.scene.window(seconds, 600).await;
    let start = json!({ "mode": "at_opening", "window": window });
    let number = stage.scene.release_of(&stage.name, &stage.name, digest, start).await;
    stage.scene.sign_all(number).await;
    number
}

/// Killed while it makes sure that a write it does not know about cannot arrive any more.
async fn while_a_write_is_called_back(mut world: World) {
    let number = world.stage.signed(&images::good("after")).await;
    // The write is cut on its way, and nobody can look until the person has stopped it.
    world.stage.place.fault(1, "patch", Fault::Cut);
    let blind = world.stage.place.fault_after(1, usize::MAX, "get", Fault::Deny(503, "down".into()));
    world.stage.start(number).await;
    world.stage.until("the first attempt", number, |event| event["event"] == "unreachable").await;
    world.stage.cancel(number).await;
    world.arm();
    world.stage.place.lift(blind);
    world.portal.halted().await;
    world.start_again().await;
    let deployment = world.stage.forward(number).await;
    ended(&deployment, "cancelled", &["untouched"]);
    assert_eq!(world.history.images().await, [world.stage.before()]);
    assert_eq!(world.history.spec_changes().await, 0);
    let found = world.stage.place.get(WEB).await.unwrap();
    assert!(found.metadata.annotations.unwrap().contains_key("tidegate.dev/not-written"));
    world.told_once(number).await;
}
