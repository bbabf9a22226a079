//! kill -9 at moments that nobody chose, and endings that somebody did.

use std::process::Command;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use super::World;
use super::points::opening;
use crate::deployment::stage::{ended, reasons};
use crate::support::process::free_port;
use crate::support::{audit, images};

/// Chance that a test can repeat: `SEED=… cargo test …`.
struct Chance(u64);

impl Chance {
    fn new() -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| u64::try_from(now.as_nanos() % 1_000_000_007).unwrap());
        eprintln!("SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, most: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_in_mid_rollout_a_deployment_ends_once() {
    let mut chance = Chance::new();
    let worlds = (0..3).map(|_| {
        let pauses: Vec<u64> = (0..4).map(|_| chance.below(500)).collect();
        async move {
            // Three pods, one after the other: about a second and a half.
            let mut world = World::slow(500).await;
            let digest = images::good("after");
            let number = world.stage.signed(&digest).await;
            world.stage.start(number).await;
            for pause in pauses {
                tokio::time::sleep(Duration::from_millis(pause)).await;
                world.start_again().await;
            }
            world.succeeded_once(number, &digest).await;
        }
    });
    join_all(worlds).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_was_accepted_in_the_window_is_not_carried_out_after_its_end() {
    let mut world = World::stopping_at("deploy.found").await;
    let (stage, digest) = (&world.stage, images::good("after"));
    stage.scene.image_of(&stage.repository(), &digest, "1.2.3").await;
    let end = tokio::time::Instant::now() + Duration::from_secs(18);
    let window = stage.scene.window(5, 12).await;
    let start = json!({ "mode": "at_opening", "window": window });
    let number = stage.scene.release_of(&stage.name, &stage.name, &digest, start).await;
    stage.scene.sign_all(number).await;
    world.arm();
    world.portal.halted().await;
    tokio::time::sleep_until(end).await;
    world.start_again().await;
    let deployment = world.stage.forward(number).await;
    ended(&deployment, "cancelled", &["untouched"]);
    assert!(reasons(&deployment).contains("The window ended on"), "{deployment:#}");
    assert_eq!(world.history.spec_changes().await, 0);
    assert_eq!(world.stage.scene.show(number).await["state"], "cancelled");
    world.told_once(number).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_mid_rollout_on_the_real_cluster_a_deployment_ends_once() {
    let mut world = World::real().await;
    let digest = images::slow("after");
    let number = world.stage.signed(&digest).await;
    world.stage.start(number).await;
    world.stage.until("the write", number, |event| event["event"] == "written").await;
    world.start_again().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.start_again().await;
    world.succeeded_once(number, &digest).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_right_after_the_start_was_answered_a_deployment_happens_once() {
    let mut world = World::slow(0).await;
    let digest = images::good("after");
    let number = world.stage.signed(&digest).await;
    world.stage.start(number).await;
    world.start_again().await;
    world.succeeded_once(number, &digest).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_about_the_opening_of_its_window_a_deployment_happens_once() {
    let mut chance = Chance::new();
    let worlds = (0..3).map(|_| {
        let moment = chance.below(240);
        async move {
            let mut world = World::slow(0).await;
            let digest = images::good("after");
            let number = opening(&world, &digest, 2).await;
            let release = world.stage.scene.show(number).await;
            let opens = release["start"]["window"]["starts_at"].as_str().unwrap().to_owned();
            let opens = chrono::DateTime::parse_from_rfc3339(&opens).unwrap();
            let left = opens.signed_duration_since(chrono::Utc::now()).to_std().unwrap_or_default();
            let aim = left.saturating_sub(Duration::from_millis(40)) + Duration::from_millis(moment);
            tokio::time::sleep(aim).await;
            world.start_again().await;
            world.succeeded_once(number, &digest).await;
        }
    });
    join_all(worlds).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_among_many_writes_nothing_is_lost_that_was_answered() {
    let mut chance = Chance::new();
    let mut world = World::slow(0).await;
    let repository = world.stage.repository();
    let tasks: Vec<_> = (0..60)
        .map(|turn| {
            let body = json!({
                "repository": repository, "digest": images::good(&turn.to_string()), "tags": [format!("1.{turn}")],
                "commit": "9f2c41a8d0", "authors": ["carl@example.com"],
            });
            let request = world.stage.scene.ci.request(reqwest::Method::POST, "/api/v1/images").json(&body);
            let digest = images::good(&turn.to_string());
            tokio::spawn(async move {
                let answer = request.send().await.ok()?;
                answer.status().is_success().then_some(digest)
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(20 + chance.below(150))).await;
    world.portal.kill();
    let answered: Vec<String> = join_all(tasks).await.into_iter().filter_map(Result::unwrap).collect();
    world.portal.launch().await;
    eprintln!("{} of 60 were answered", answered.len());
    let mut conn = audit::reader(&world.portal.database()).await;
    let kept: Vec<(String,)> = sqlx::query_as("SELECT digest FROM images").fetch_all(&mut conn).await.unwrap();
    for digest in answered {
        assert!(kept.iter().any(|(kept,)| *kept == digest), "{digest} was answered and is lost");
    }
    audit::verified(&world.portal.database()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_to_end_in_mid_rollout_it_ends_soon_and_the_next_one_goes_on() {
    let mut world = World::slow(1_000).await;
    let digest = images::good("after");
    let number = world.stage.signed(&digest).await;
    world.stage.start(number).await;
    world.stage.until("the write", number, |event| event["event"] == "written").await;
    let begun = std::time::Instant::now();
    world.portal.signal("TERM");
    assert!(world.portal.ended(20).await.success());
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    world.portal.launch().await;
    world.succeeded_once(number, &digest).await;
    let claims = world.stage.scene.journal(number).await.into_iter().filter(|line| line["event"]["event"] == "claimed");
    assert_eq!(claims.map(|line| line["event"]["epoch"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 2]);
}

/// Somebody who has a frozen process (a stopped container, a suspended machine) may well start a
/// second one. On SQLite it is turned away at the door, and the first goes on where it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_is_refused_even_while_the_first_is_frozen() {
    let world = World::slow(1_000).await;
    let digest = images::good("after");
    let number = world.stage.signed(&digest).await;
    world.stage.start(number).await;
    world.stage.until("the write", number, |event| event["event"] == "written").await;
    world.portal.signal("STOP");
    world.portal.halted().await;
    let second = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["serve", "--allow-local-clusters", "--port", &free_port().to_string()])
        .arg("--data-dir")
        .arg(world.portal.folder())
        .output()
        .unwrap();
    assert!(!second.status.success());
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains("one process per SQLite database"), "{said}");
    world.portal.signal("CONT");
    world.succeeded_once(number, &digest).await;
}
