//! The practice cluster, through the real client.
//!
//! `cases` holds on the real control plane too: what the practice cluster does is what that does.

mod bench;
mod cases;

use std::time::Duration;

use bench::{Cluster, Place, code, image, options, practice, reason, refusal, settled};
use cases::{Case, requests, rollouts};
use futures_util::{StreamExt, TryStreamExt};
use k8s_openapi::api::{apps::v1::Deployment, core::v1::ConfigMap};
use kube::{
    Api, Discovery, ResourceExt,
    api::{ListParams, Patch, PatchParams, PostParams},
    runtime::watcher::{self, Event, watcher},
};
use serde_json::json;
use tidegate::practice::{Account, Action, Fault, Practice, Rule};
use tokio::time::timeout;

/// Runs every case in a namespace of its own, together, since most of them wait
/// most of the time.
async fn run_cases(cluster: &Cluster) {
    let one = |name: &str, case: Case| {
        let cluster = cluster.clone();
        let namespace: String = name.replace('_', "-").chars().take(50).collect();
        tokio::spawn(async move {
            let place = Place::make(&cluster, namespace.trim_end_matches('-')).await;
            case(place.clone()).await;
            place.remove().await;
        })
    };
    let running: Vec<_> =
        rollouts::CASES.iter().chain(requests::CASES).map(|(name, case)| (name, one(name, *case))).collect();
    let mut failed = Vec::new();
    for (name, case) in running {
        if case.await.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_practice_cluster_passes_the_cases() {
    let (practice, cluster) = practice().await;
    run_cases(&cluster).await;
    practice.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_control_plane_passes_the_same_cases() {
    let real = crate::support::cluster::Cluster::shared().await;
    run_cases(&Cluster::new(&real.url(), &real.authority(), &real.token())).await;
}

async fn place(cluster: &Cluster) -> Place {
    Place::make(cluster, "shop").await
}

#[tokio::test]
async fn version_and_discovery_are_those_of_a_cluster() {
    let (_practice, Cluster { client, .. }) = practice().await;
    let version = client.apiserver_version().await.unwrap();
    assert_eq!((version.major.as_str(), version.minor.as_str()), ("1", "36"));
    assert_eq!(version.git_version, "v1.36.4-practice");
    let discovery = Discovery::new(client).run().await.unwrap();
    let apps = discovery.get("apps").unwrap();
    let (deployment, capabilities) = apps.recommended_kind("Deployment").unwrap();
    assert_eq!(deployment.plural, "deployments");
    assert!(capabilities.supports_operation("patch"));
    assert!(discovery.has_group("rbac.authorization.k8s.io"));
}

#[tokio::test]
async fn without_a_good_token_one_is_nobody_or_refused() {
    let (_practice, cluster) = practice().await;
    let stranger = cluster.client("wrong");
    let maps: Api<ConfigMap> = Api::namespaced(stranger, "default");
    assert_eq!(code(maps.list(&ListParams::default()).await), 401);
}

#[tokio::test]
async fn an_account_may_do_what_its_rules_say() {
    let (practice, cluster) = practice().await;
    let shop = place(&cluster).await;
    shop.deploy("web", &image("aa"), |_| ()).await;
    shop.deploy("api", &image("aa"), |_| ()).await;
    let rule = Rule::new("shop", "apps", "deployments", &["get", "patch"]).named(&["web"]);
    let account = Account::new("deployer", "token-of-deployer", vec![rule]);
    practice.admit(account.clone());
    let mine = shop.with_token(&account.token);
    mine.set_image("web", &image("bb")).await;
    let refused = refusal(mine.deployments().get("api").await);
    assert_eq!(refused.code, 403);
    assert_eq!(
        refused.message,
        "deployments.apps \"api\" is forbidden: User \"deployer\" cannot get resource \"deployments\" in API group \"apps\" in the namespace \"shop\""
    );
    let written = practice.history().into_iter().filter(|change| change.user == "deployer");
    let written: Vec<_> = written.map(|change| (change.verb, change.name.clone(), change.changes_spec())).collect();
    assert_eq!(written, [("patch", "web".to_owned(), true)]);
    practice.dismiss("deployer");
    assert_eq!(code(mine.deployments().get("web").await), 401);
}

#[tokio::test]
async fn a_watcher_sees_objects_come_change_and_go() {
    let (_practice, cluster) = practice().await;
    let shop = place(&cluster).await;
    let maps: Api<ConfigMap> = shop.api();
    let config = watcher::Config::default().fields("metadata.name!=kube-root-ca.crt").labels("app=web");
    for config in [config.clone(), config.streaming_lists()] {
        let made =
            |name: &str| serde_json::from_value(json!({"metadata": {"name": name, "labels": {"app": "web"}}})).unwrap();
        maps.create(&PostParams::default(), &made("first")).await.unwrap();
        let mut events = watcher(maps.clone(), config).boxed();
        let mut next = async || settled(events.try_next()).await.unwrap();
        assert!(matches!(next().await, Event::Init));
        assert!(matches!(next().await, Event::InitApply(map) if map.name_any() == "first"));
        assert!(matches!(next().await, Event::InitDone));
        maps.create(&PostParams::default(), &made("second")).await.unwrap();
        assert!(matches!(next().await, Event::Apply(map) if map.name_any() == "second"));
        // Without its label an object is none of this watch's business any more.
        let patch = Patch::Merge(json!({"metadata": {"labels": {"app": null}}}));
        maps.patch("second", &PatchParams::default(), &patch).await.unwrap();
        assert!(matches!(next().await, Event::Delete(map) if map.name_any() == "second"));
        maps.delete("first", &Default::default()).await.unwrap();
        assert!(matches!(next().await, Event::Delete(map) if map.name_any() == "first"));
        maps.delete("second", &Default::default()).await.unwrap();
    }
}

#[tokio::test]
async fn a_list_comes_in_pages() {
    let (_practice, cluster) = practice().await;
    let shop = place(&cluster).await;
    let maps: Api<ConfigMap> = shop.api();
    for number in 0..5 {
        let map = serde_json::from_value(json!({"metadata": {"name": format!("m{number}")}})).unwrap();
        maps.create(&PostParams::default(), &map).await.unwrap();
    }
    let mut page = maps.list(&ListParams::default().limit(4)).await.unwrap();
    let mut names: Vec<String> = page.iter().map(ResourceExt::name_any).collect();
    while let Some(token) = page.metadata.continue_.filter(|token| !token.is_empty()) {
        page = maps.list(&ListParams::default().limit(4).continue_token(&token)).await.unwrap();
        names.extend(page.iter().map(ResourceExt::name_any));
    }
    assert_eq!(names, ["kube-root-ca.crt", "m0", "m1", "m2", "m3", "m4"]);
}

#[tokio::test]
async fn a_watch_from_long_ago_is_told_to_list_again() {
    let (practice, cluster) = practice().await;
    let shop = place(&cluster).await;
    let maps: Api<ConfigMap> = shop.api();
    practice.compact();
    let mut events = maps.watch(&Default::default(), "1").await.unwrap().boxed();
    match settled(events.try_next()).await {
        Some(kube::core::WatchEvent::Error(status)) => {
            assert_eq!((status.code, status.reason.as_str()), (410, "Expired"))
        }
        other => panic!("{other:?}"),
    }
    assert!(settled(events.try_next()).await.is_none());
}

#[tokio::test]
async fn a_server_that_goes_away_and_comes_back_loses_nothing() {
    let (practice, cluster) = practice().await;
    let shop = place(&cluster).await;
    shop.deploy("web", &image("510"), |_| ()).await;
    let mut events = watcher(shop.deployments(), watcher::Config::default()).boxed();
    settled(events.try_next()).await;
    let url = practice.url();

    practice.pause().await.unwrap();
    let before = practice.history().len();
    assert!(matches!(shop.deployments().get("web").await, Err(kube::Error::HyperError(_) | kube::Error::Service(_))));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(practice.history().len(), before, "the controllers stop with the server");

    practice.resume().await.unwrap();
    assert_eq!(practice.url(), url);
    shop.rolled_out("web").await;
    let complete = async {
        loop {
            // The watcher meets errors, and then finds its way back.
            if let Some(Ok(Event::Apply(deployment) | Event::InitApply(deployment))) = events.next().await
                && reason(&deployment, "Progressing") == "NewReplicaSetAvailable"
            {
                return;
            }
        }
    };
    timeout(Duration::from_secs(20), complete).await.unwrap();
}

#[tokio::test]
async fn a_frozen_server_answers_when_it_thaws() {
    let (practice, cluster) = practice().await;
    let shop = place(&cluster).await;
    practice.freeze().await.unwrap();
    let asked = tokio::spawn(async move { shop.deployments().list(&ListParams::default()).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!asked.is_finished());
    practice.resume().await.unwrap();
    settled(async { asked.await.unwrap() }).await;
}

#[tokio::test]
async fn faults_meet_the_requests_they_are_meant_for() {
    let (practice, cluster) = practice().await;
    let shop = place(&cluster).await;
    shop.deploy("web", &image("aa"), |_| ()).await;
    let patches = |asked: &tidegate::practice::Asked, _: &str| asked.verb == "patch";
    let replicas = async |number: i64| {
        let patch = Patch::Merge(json!({"spec": {"replicas": number}}));
        shop.deployments().patch("web", &PatchParams::default(), &patch).await
    };
    let held = || practice.object("Deployment", "shop", "web").unwrap()["spec"]["replicas"].clone();

    practice.faults().inject(1, Fault::Deny(503, "not now".to_owned()), patches);
    assert_eq!(code(replicas(4).await), 503);
    assert_eq!(held(), 3);
    practice.faults().inject(1, Fault::Cut, patches);
    assert!(replicas(5).await.is_err());
    assert_eq!(held(), 3);
    practice.faults().inject(1, Fault::CutAfter, patches);
    assert!(replicas(6).await.is_err());
    assert_eq!(held(), 6);
    practice.faults().inject(1, Fault::DenyAfter(504, "too late".to_owned()), patches);
    assert_eq!(code(replicas(7).await), 504);
    assert_eq!(held(), 7);
    replicas(8).await.unwrap();
    assert_eq!(held(), 8);
}

#[tokio::test]
async fn recreate_never_has_old_and_new_pods_together() {
    let (practice, cluster) = practice().await;
    let shop = place(&cluster).await;
    shop.deploy("web", &image("aa"), |d| d["spec"]["strategy"] = json!({"type": "Recreate"})).await;
    shop.rolled_out("web").await;
    shop.set_image("web", &image("bb")).await;
    shop.rolled_out("web").await;
    let mut present = std::collections::BTreeMap::new();
    for change in practice.history().iter().filter(|change| change.kind == "Pod") {
        let image = change.object["spec"]["containers"][0]["image"].as_str().unwrap().to_owned();
        if change.action == Action::Deleted {
            present.remove(&change.name);
        } else {
            present.insert(change.name.clone(), image);
        }
        let images: std::collections::BTreeSet<_> = present.values().collect();
        assert!(images.len() < 2);
    }
}

#[tokio::test]
async fn a_rolling_update_keeps_its_bounds_at_every_change() {
    let (practice, cluster) = practice().await;
    let shop = place(&cluster).await;
    let rolling = json!({"rollingUpdate": {"maxSurge": 2, "maxUnavailable": "20%"}});
    shop.deploy("web", &image("aa"), |d| {
        d["spec"]["replicas"] = 10.into();
        d["spec"]["strategy"] = rolling;
    })
    .await;
    shop.rolled_out("web").await;
    let begun = practice.history().last().unwrap().version;
    shop.set_image("web", &image("bb")).await;
    shop.rolled_out("web").await;
    let count = |object: &serde_json::Value, field: &str| object["status"][field].as_i64().unwrap_or(0);
    let changes = practice.history_since(begun);
    let states = changes.iter().filter(|change| change.kind == "Deployment");
    for change in states.clone() {
        assert!(count(&change.object, "availableReplicas") >= 8, "{}", change.object["status"]);
        assert!(count(&change.object, "replicas") <= 12, "{}", change.object["status"]);
    }
    assert_eq!(states.filter(|change| change.changes_spec()).count(), 1);
}

#[tokio::test]
async fn nonsense_is_refused_and_the_server_goes_on() {
    let (practice, cluster) = practice().await;
    let shop = place(&cluster).await;
    shop.deploy("web", &image("aa"), |d| {
        d["spec"]["strategy"] =
            json!({"rollingUpdate": {"maxSurge": "9223372036854775807%", "maxUnavailable": "9223372036854775807%"}});
        d["spec"]["template"]["metadata"]["annotations"] = json!({"test/ready-after": "99999999999999999999h"});
    })
    .await;
    let ask = async |method: &str, path: &str, media_type: &str, body: &str| {
        let request = http::Request::builder().method(method).uri(path).header("content-type", media_type);
        let answer = cluster.client.request::<serde_json::Value>(request.body(body.as_bytes().to_vec()).unwrap()).await;
        answer.map_or_else(|error| code::<()>(Err(error)), |_| 200)
    };
    let web = "/apis/apps/v1/namespaces/shop/deployments/web";
    let all = "/apis/apps/v1/namespaces/shop/deployments";
    let (json, merge) = ("application/json", "application/merge-patch+json");
    let strategic = "application/strategic-merge-patch+json";
    for (method, path, media_type, body, expected) in [
        ("POST", all, json, "", 400),
        ("POST", all, json, "null", 400),
        ("POST", all, json, "[]", 400),
        ("POST", all, json, "{\"metadata\":7}", 400),
        ("POST", all, json, "{\"spec\":null}", 422),
        ("POST", all, "application/vnd.kubernetes.protobuf", "k8s\0\u{f}\u{f}\u{f}", 415),
        ("PATCH", web, merge, "{\"metadata\":null}", 400),
        ("PATCH", web, merge, "{\"spec\":[]}", 422),
        ("PATCH", web, merge, "{\"spec\":{\"replicas\":99999999999}}", 422),
        ("PATCH", web, strategic, "{\"$patch\":\"x\"}", 500),
        ("PATCH", web, strategic, "{\"$setElementOrder/spec\":7}", 500),
        ("PATCH", web, strategic, "{\"$retainKeys\":{}}", 500),
        ("PATCH", web, "application/apply-patch+yaml", "{}", 415),
        ("DELETE", web, json, "{\"propagationPolicy\":\"x\"}", 422),
        ("GET", "/apis/apps/v1/deployments?limit=-1", json, "", 400),
        ("GET", "/apis/apps/v1/deployments?continue=e30", json, "", 400),
        ("GET", "/apis/apps/v1/deployments?labelSelector=(", json, "", 400),
    ] {
        assert_eq!(ask(method, path, media_type, body).await, expected, "{method} {path} {body}");
    }
    let pod = practice.history().into_iter().rfind(|change| change.kind == "Pod").unwrap().name;
    let deletion = "{\"gracePeriodSeconds\":9223372036854775807}";
    assert_eq!(ask("DELETE", &format!("/api/v1/namespaces/shop/pods/{pod}"), json, deletion).await, 200);
    shop.patch("web", json!({"replicas": 2_000_000})).await;
    let full = |d: Option<&Deployment>| reason(d.unwrap(), "ReplicaFailure") == "FailedCreate";
    shop.until("web", full).await;
}

#[tokio::test]
async fn the_same_requests_make_the_same_cluster() {
    let names = async || {
        let (practice, cluster) = practice().await;
        let shop = place(&cluster).await;
        shop.deploy("web", &image("aa"), |_| ()).await;
        shop.rolled_out("web").await;
        let mut names: Vec<_> = shop.pods("web").await.iter().map(|pod| (pod.name_any(), pod.uid())).collect();
        names.sort();
        practice.stop().await;
        names
    };
    let first = names().await;
    assert_eq!(first.len(), 3);
    assert_eq!(first, names().await);
}

#[tokio::test]
async fn objects_can_be_put_in_without_a_client() {
    let practice = Practice::start(options()).await.unwrap();
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}});
    practice.create(&namespace).unwrap();
    let refused = practice.create(&namespace).unwrap_err();
    assert_eq!((refused.code, refused.reason), (409, "AlreadyExists"));
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "nowhere"}});
    assert_eq!(practice.create(&map).unwrap_err().code, 404);
    assert!(practice.object("Namespace", "", "shop").is_some());
    let kubeconfig = practice.admin_kubeconfig();
    assert!(kubeconfig.contains("certificate-authority-data: "));
    assert!(kubeconfig.contains(practice.admin_token()));
}
