//! The whole way with `DATABASE_URL=postgres://…`: the binary as a process, one and two of them, on a
//! real PostgreSQL server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::deployment::stage::{Stage, WEB, ended, policy};
use crate::support::database::{Database, Kind};
use crate::support::ground::{Ground, History};
use crate::support::process::Portal;
use crate::support::scene::Scene;
use crate::support::{audit, eventually, images};

struct World {
    portal: Portal,
    database: Database,
    stage: Stage,
    history: History,
}

impl World {
    /// A portal on an empty database, and a workload whose pods take so long to be ready.
    async fn make(millis: u32) -> Self {
        let database = Database::empty(Kind::Postgres).await;
        let portal = Portal::start_with(&[], &[("DATABASE_URL", &database.url)]).await;
        let ground = Ground::practice().await;
        let scene = Scene::open(&portal.api(), &portal.setup_secret(), &ground.kubeconfig()).await;
        let stage = Stage::open(&Arc::new(scene), &ground, "postgres").await;
        let ready = |object: &mut Value| {
            let after = json!({ "test/ready-after": format!("{millis}ms") });
            object["spec"]["template"]["metadata"]["annotations"] = after;
        };
        stage.place.deploy(WEB, &stage.before(), ready).await;
        stage.serve(&[WEB], policy(120)).await;
        let history = stage.place.history(WEB).await;
        Self { portal, database, stage, history }
    }

    /// How often an entry about a release stands in the log, whose tree its rows make.
    async fn told(&self, number: i64, verb: &str) -> usize {
        let subject = format!("release:{number}");
        let entries = audit::verified_in(&self.database).await;
        entries.iter().filter(|(one, about, _)| one == verb && *about == subject).count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_way_goes_on_postgres_and_the_portal_ends_when_it_is_asked_to() {
    let mut world = World::make(0).await;
    let scene = world.stage.scene.clone();
    assert!(!world.portal.database().exists(), "there is no other database");
    let digest = images::good("first");
    scene.image_of(&world.stage.repository(), &digest, "1.42.0").await;
    let window = scene.window(4, 600).await;
    let start = json!({ "mode": "at_opening", "window": window });
    let number = scene.release_of(&world.stage.name, &world.stage.name, &digest, start).await;
    scene.sign_all(number).await;
    assert_eq!(scene.show(number).await["state"], "ready");
    let deployment = world.stage.forward(number).await;
    ended(&deployment, "succeeded", &["serving"]);
    assert_eq!(world.history.images().await, [world.stage.before(), world.stage.image(&digest)]);
    for verb in ["release.request", "release.plan", "deployment.start", "deployment.end"] {
        assert_eq!(world.told(number, verb).await, 1, "{verb}");
    }
    assert_eq!(world.told(number, "signoff.approve").await, 2);
    let calendar = scene.viewer.request(reqwest::Method::GET, "/announcements.ics").send().await.unwrap();
    assert!(calendar.text().await.unwrap().contains("November storefront"));

    let begun = Instant::now();
    world.portal.signal("TERM");
    assert!(world.portal.ended(20).await.success(), "{}", world.portal.log());
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    world.portal.launch().await;
    let release = scene.show(number).await;
    assert_eq!(release["state"], "succeeded", "sessions and everything else are still there");
    world.database.discard().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_to_end_in_mid_rollout_on_postgres_the_next_process_goes_on() {
    let mut world = World::make(1_500).await;
    let digest = images::good("after");
    let number = world.stage.signed(&digest).await;
    world.stage.start(number).await;
    world.stage.until("the write", number, |event| event["event"] == "written").await;
    world.portal.signal("TERM");
    assert!(world.portal.ended(20).await.success(), "{}", world.portal.log());
    world.portal.launch().await;
    ended(&world.stage.forward(number).await, "succeeded", &["serving"]);
    assert_eq!(world.history.spec_changes().await, 1);
    assert_eq!((world.told(number, "deployment.start").await, world.told(number, "deployment.end").await), (1, 1));
    world.database.discard().await;
}

/// Two replicas, and the one that deploys freezes (a suspended machine): the other takes over once
/// the lease has run out, and the first does nothing more when it wakes up.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_takes_over_from_one_that_is_frozen_and_nothing_is_written_twice() {
    let world = World::make(3_000).await;
    let ring = world.portal.folder().join("tidegate.keys").to_str().unwrap().to_owned();
    let environment = [("DATABASE_URL", world.database.url.as_str()), ("TIDEGATE_KEYRING_FILE", &ring)];
    let other = Portal::start_with(&[], &environment).await;
    let body = json!({ "title": "look", "scopes": ["releases:read"] });
    let token = world.stage.scene.requester.post("/api/v1/tokens", body).await.is(201);
    let looker = other.api().with_token(token["token"].as_str().unwrap());
    let digest = images::good("after");
    let number = world.stage.signed(&digest).await;

    other.signal("STOP");
    other.halted().await;
    world.stage.start(number).await;
    world.stage.until("the write", number, |event| event["event"] == "written").await;
    world.portal.signal("STOP");
    world.portal.halted().await;
    other.signal("CONT");
    let path = format!("/api/v1/releases/{number}");
    let release = eventually("the other to end it", 60, || async {
        let release = looker.get(&path).await.ok();
        (!release["deployments"][0]["verdict"].is_null()).then_some(release)
    })
    .await;
    ended(&release["deployments"][0], "succeeded", &["serving"]);
    world.portal.signal("CONT");
    tokio::time::sleep(Duration::from_secs(3)).await;

    assert_eq!(world.stage.scene.show(number).await["state"], "succeeded");
    assert_eq!(world.history.images().await, [world.stage.before(), world.stage.image(&digest)]);
    assert_eq!(world.history.spec_changes().await, 1);
    assert_eq!((world.told(number, "deployment.start").await, world.told(number, "deployment.end").await), (1, 1));
    let claims = world.stage.scene.journal(number).await.into_iter().filter(|line| line["event"]["event"] == "claimed");
    assert_eq!(claims.map(|line| line["event"]["epoch"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 2]);
    world.database.discard().await;
}
