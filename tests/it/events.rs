//! The event stream of a release, as a program reads it.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::support::api::Api;
use crate::support::cluster::Cluster;
use crate::support::process::Portal;
use crate::support::scene::{REPOSITORY, Scene};
use crate::support::{eventually, images};

/// One event: its id, its name and its data.
#[derive(Clone, Debug)]
struct Event {
    id: Option<String>,
    name: String,
    data: Value,
}

/// Reads a stream until `enough`, or until it ends.
async fn read(who: &Api, number: i64, last: Option<&str>, enough: impl Fn(&[Event]) -> bool) -> Vec<Event> {
    let mut request = who.request(reqwest::Method::GET, &format!("/api/v1/releases/{number}/events"));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    assert_eq!(answer.headers()["x-accel-buffering"], "no");
    let encoding = answer.headers().get("content-encoding").map(|value| value.to_str().unwrap());
    assert!(matches!(encoding, None | Some("identity")), "a stream is not compressed: {encoding:?}");
    let mut stream = answer.bytes_stream();
    let (mut text, mut events) = (String::new(), Vec::new());
    let until = tokio::time::Instant::now() + Duration::from_secs(40);
    while !enough(&events) {
        let chunk = tokio::time::timeout_at(until, stream.next()).await.expect("the stream goes on");
        let Some(Ok(chunk)) = chunk else { break };
        text.push_str(std::str::from_utf8(&chunk).unwrap());
        while let Some((event, rest)) = text.split_once("\n\n") {
            let field = |name: &str| {
                event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).map(str::to_owned)
            };
            if let Some(data) = field("data") {
                let data = serde_json::from_str(&data).unwrap();
                events.push(Event { id: field("id"), name: field("event").unwrap(), data });
            }
            text = rest.to_owned();
        }
    }
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_the_rollout_as_it_happens_and_resumes_where_it_broke() {
    let cluster = Cluster::shared().await;
    let namespace = cluster.namespace("events").await;
    cluster.deployment(&namespace, "checkout", 2, &format!("{REPOSITORY}:1.0")).await;
    let portal = Portal::start().await;
    let scene = Scene::set(&portal.api(), &portal.setup_secret(), &cluster.kubeconfig, &namespace, "checkout").await;
    scene.image(&images::slow("events"), "2.0").await;
    let number = scene.release(&images::slow("events"), json!({ "mode": "when_signed" })).await;
    let reader = scene.viewer.clone();
    let ended =
        |events: &[Event]| events.iter().any(|event| event.name == "state" && event.data["state"] == "succeeded");
    let reading = tokio::spawn(async move { read(&reader, number, None, ended).await });
    scene.sign_all(number).await;
    let events = reading.await.unwrap();

    let states: Vec<&str> = events
        .iter()
        .filter(|event| event.name == "state")
        .map(|event| event.data["state"].as_str().unwrap())
        .collect();
    assert_eq!((states[0], *states.last().unwrap()), ("waiting", "succeeded"));
    assert!(states.contains(&"deploying"), "{states:?}");
    let lines: Vec<&Event> = events.iter().filter(|event| event.name == "progress").collect();
    let named: Vec<&str> = lines.iter().map(|event| event.data["event"]["event"].as_str().unwrap()).collect();
    assert_eq!(&named[..3], ["claimed", "writing", "written"]);
    assert!(named.contains(&"progress") && *named.last().unwrap() == "target_ended", "{named:?}");
    let ids: Vec<i64> = lines.iter().map(|event| event.id.as_ref().unwrap().parse().unwrap()).collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");

    // Read again from the third line on: nothing twice, nothing left out.
    let again =
        read(&scene.viewer, number, lines[2].id.as_deref(), |events| events.iter().any(|event| event.name == "state"))
            .await;
    let rest: Vec<i64> = again
        .iter()
        .filter(|event| event.name == "progress")
        .map(|event| event.id.as_ref().unwrap().parse().unwrap())
        .collect();
    assert_eq!(rest, ids[3..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_when_its_reader_may_no_longer_look() {
    let portal = Portal::start().await;
    let admin = portal.api().set_up(&portal.setup_secret(), "ada", crate::support::scene::PASSWORD).await;
    let scene = Scene::people(&portal.api(), admin, "shop", "checkout").await;
    scene.image(&images::good("ended"), "2.0").await;
    let body = json!({ "service": "checkout", "environment": "production", "image": images::good("ended"), "start": { "mode": "by_hand" } });
    let number = scene.requester.post("/api/v1/releases", body).await.is(201)["number"].as_i64().unwrap();
    let reader = scene.viewer.clone();
    let reading = tokio::spawn(async move { read(&reader, number, None, |_| false).await });
    eventually("the stream to begin", 10, || async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        Some(())
    })
    .await;
    let version = scene.admin.get("/api/v1/people/vera").await.ok()["version"].clone();
    let body = json!({ "login": "vera", "name": "vera", "roles": [] });
    scene.admin.put(&format!("/api/v1/people/vera?version={version}"), body).await.ok();
    let ended = tokio::time::timeout(Duration::from_secs(5), reading).await.expect("the stream ends at once");
    assert!(!ended.unwrap().is_empty());
    scene.viewer.get(&format!("/api/v1/releases/{number}")).await.is(404);
}
