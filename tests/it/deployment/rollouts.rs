//! How rollouts end.

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::json;

use super::stage::{SOON, Stage, WEB, ended, lasted, policy, reasons};
use super::{Table, case};
use crate::support::images;

pub const CASES: Table = &[
    case!(a_good_image_succeeds),
    case!(every_target_gets_the_image_in_order),
    case!(a_failing_target_leaves_the_next_one_untouched),
    case!(a_crash_loop_fails_within_seconds_and_keeps_the_old_pods),
    case!(an_image_that_cannot_be_pulled_fails_within_seconds),
    case!(a_missing_setting_fails_within_seconds),
    case!(a_slow_pod_is_waited_for),
    case!(a_pod_that_is_never_ready_shows_why_at_once_and_fails_at_the_deadline),
    case!(the_image_that_runs_already_changes_nothing),
    case!(a_paused_workload_is_left_alone),
    case!(a_workload_of_no_pods_is_left_alone),
    case!(new_pods_are_watched_before_it_counts),
    case!(a_restart_while_they_are_watched_fails),
    case!(a_restart_that_takes_a_pod_away_for_a_while_fails),
    case!(pods_that_were_broken_before_do_not_count),
];

async fn a_good_image_succeeds(stage: Stage) {
    let history = stage.usual().await;
    let digest = images::good("after");
    let (number, deployment) = stage.run(&digest).await;
    ended(&deployment, "succeeded", &["serving"]);
    assert_eq!(deployment["started_by"], "otto");
    assert_eq!(history.images().await, [stage.before(), stage.image(&digest)]);
    assert_eq!(history.spec_changes().await, 1);
    let found = stage.place.get(WEB).await.unwrap();
    assert_eq!(found.annotations()["tidegate.dev/release"], format!("R-{number}"));
    assert_eq!(found.annotations()["tidegate.dev/epoch"], "1");
    // The marks are the workload's own: pods that carried them would roll out for them alone.
    let template = found.spec.unwrap().template.metadata.unwrap();
    assert!(template.annotations.is_none_or(|all| all.is_empty()));
    assert_eq!(stage.scene.show(number).await["state"], "succeeded");
}

async fn every_target_gets_the_image_in_order(stage: Stage) {
    for name in ["web", "worker"] {
        stage.place.deploy(name, &stage.before(), |_| ()).await;
    }
    stage.serve(&["web", "worker"], policy(60)).await;
    let histories = [stage.place.history("web").await, stage.place.history("worker").await];
    let digest = images::good("after");
    let (number, deployment) = stage.run(&digest).await;
    ended(&deployment, "succeeded", &["serving", "serving"]);
    for history in histories {
        assert_eq!(history.images().await, [stage.before(), stage.image(&digest)]);
        assert_eq!(history.spec_changes().await, 1);
    }
    let lines = stage.scene.journal(number).await;
    let position = |event: &str, nth: usize| {
        let mut found = lines.iter().enumerate().filter(|(_, line)| line["event"]["event"] == event);
        found.nth(nth).unwrap().0
    };
    assert!(position("target_ended", 0) < position("writing", 1));
}

async fn a_failing_target_leaves_the_next_one_untouched(stage: Stage) {
    for name in ["web", "worker"] {
        stage.place.deploy(name, &stage.before(), |_| ()).await;
    }
    stage.serve(&["web", "worker"], policy(60)).await;
    let untouched = stage.place.history("worker").await;
    let (_, deployment) = stage.run(&images::crashing("x")).await;
    ended(&deployment, "failed", &["failing", "untouched"]);
    let names: Vec<_> = deployment["targets"].as_array().unwrap().iter().map(|one| one["workload"].clone()).collect();
    let namespace = &stage.place.namespace;
    assert_eq!(names, [format!("Deployment {namespace}/web"), format!("Deployment {namespace}/worker")]);
    assert_eq!((untouched.images().await, untouched.spec_changes().await), (vec![stage.before()], 0));
    assert!(untouched.writes_of_ours().is_none_or(|writes| writes == 0));
}

async fn a_crash_loop_fails_within_seconds_and_keeps_the_old_pods(stage: Stage) {
    let history = stage.usual().await;
    let digest = images::crashing("x");
    let (number, deployment) = stage.run(&digest).await;
    ended(&deployment, "failed", &["failing"]);
    assert!(reasons(&deployment).contains("exit code 1 (Error), 3 restarts"), "{deployment:#}");
    assert!(lasted(&deployment) < SOON, "{deployment:#}");
    assert_eq!(stage.place.pods(WEB, &stage.before()).await, 3);
    assert_eq!(history.images().await, [stage.before(), stage.image(&digest)]);
    assert_eq!(history.spec_changes().await, 1);
    assert_eq!(stage.scene.show(number).await["state"], "failed");
}

async fn an_image_that_cannot_be_pulled_fails_within_seconds(stage: Stage) {
    let history = stage.usual().await;
    let digest = images::missing("x");
    let (_, deployment) = stage.run(&digest).await;
    ended(&deployment, "failed", &["failing"]);
    assert!(
        reasons(&deployment).contains(&format!("cannot pull the image {}", stage.image(&digest))),
        "{deployment:#}"
    );
    assert!(lasted(&deployment) < SOON, "{deployment:#}");
    assert_eq!(history.spec_changes().await, 1);
}

async fn a_missing_setting_fails_within_seconds(stage: Stage) {
    let history = stage.usual().await;
    let (_, deployment) = stage.run(&images::misconfigured("x")).await;
    ended(&deployment, "failed", &["failing"]);
    assert!(reasons(&deployment).contains("CreateContainerConfigError"), "{deployment:#}");
    assert!(reasons(&deployment).contains("secret \"settings\" not found"), "{deployment:#}");
    assert!(lasted(&deployment) < SOON, "{deployment:#}");
    assert_eq!(history.spec_changes().await, 1);
}

async fn a_slow_pod_is_waited_for(stage: Stage) {
    let history = stage.usual().await;
    let (number, deployment) = stage.run(&images::slow("x")).await;
    ended(&deployment, "succeeded", &["serving"]);
    assert!(lasted(&deployment) >= 4.0, "{deployment:#}");
    assert_eq!(history.spec_changes().await, 1);
    assert!(!stage.events(number).await.contains(&"unreachable".to_owned()));
}

async fn a_pod_that_is_never_ready_shows_why_at_once_and_fails_at_the_deadline(stage: Stage) {
    let history = stage.with(policy(10)).await;
    let number = stage.signed(&images::never_ready("x")).await;
    let begun = tokio::time::Instant::now();
    stage.start(number).await;
    let probe = |event: &serde_json::Value| {
        let pods = event["pods"].as_array();
        let mut pods = pods.into_iter().flatten();
        pods.any(|pod| pod["message"].as_str().is_some_and(|text| text.contains("Readiness probe failed")))
    };
    stage.until("the probe's reason", number, probe).await;
    assert!(begun.elapsed().as_secs_f64() < SOON, "{:?}", begun.elapsed());
    let deployment = stage.forward(number).await;
    ended(&deployment, "failed", &["failing"]);
    assert!(reasons(&deployment).contains("not complete at its deadline"), "{deployment:#}");
    assert!(reasons(&deployment).contains("Readiness probe failed"), "{deployment:#}");
    let lasted = lasted(&deployment);
    assert!((10.0..10.0 + SOON).contains(&lasted), "{lasted}");
    assert_eq!(stage.place.pods(WEB, &stage.before()).await, 3);
    assert_eq!(history.spec_changes().await, 1);
}

async fn the_image_that_runs_already_changes_nothing(stage: Stage) {
    let history = stage.usual().await;
    let (_, deployment) = stage.run(&images::good("before")).await;
    ended(&deployment, "succeeded", &["serving"]);
    assert_eq!(history.spec_changes().await, 0);
    assert!(history.writes_of_ours().is_none_or(|writes| writes == 0));
}

async fn a_paused_workload_is_left_alone(stage: Stage) {
    stage.place.deploy(WEB, &stage.before(), |object| object["spec"]["paused"] = false.into()).await;
    stage.place.change(WEB, json!({ "spec": { "paused": true } })).await;
    stage.serve(&[WEB], policy(60)).await;
    let history = stage.place.history(WEB).await;
    let changes = history.spec_changes().await;
    let (_, deployment) = stage.run(&images::good("after")).await;
    ended(&deployment, "failed", &["untouched"]);
    assert!(reasons(&deployment).contains("paused"), "{deployment:#}");
    assert!(lasted(&deployment) < SOON, "{deployment:#}");
    assert_eq!(history.spec_changes().await, changes);
}

async fn a_workload_of_no_pods_is_left_alone(stage: Stage) {
    let history = stage.usual().await;
    stage.place.scale(WEB, 0).await;
    stage.place.serving(WEB).await;
    let (_, deployment) = stage.run(&images::good("after")).await;
    ended(&deployment, "failed", &["untouched"]);
    assert!(reasons(&deployment).contains("scaled to zero"), "{deployment:#}");
    assert!(lasted(&deployment) < SOON, "{deployment:#}");
    assert_eq!(history.images().await, [stage.before()]);
}

async fn new_pods_are_watched_before_it_counts(stage: Stage) {
    let mut policy = policy(60);
    policy["watch_seconds"] = 2.into();
    stage.with(policy).await;
    let (number, deployment) = stage.run(&images::good("after")).await;
    ended(&deployment, "succeeded", &["serving"]);
    assert!(lasted(&deployment) >= 2.0, "{deployment:#}");
    assert!(stage.events(number).await.contains(&"watching".to_owned()));
}

async fn a_restart_while_they_are_watched_fails(stage: Stage) {
    let mut policy = policy(60);
    policy["watch_seconds"] = 30.into();
    stage.with(policy).await;
    let number = stage.signed(&images::good("after")).await;
    stage.start(number).await;
    stage.until("the watch time", number, |event| event["event"] == "watching").await;
    let pod = one_pod(&stage).await;
    becomes(&stage, &pod, 1, true).await;
    let deployment = stage.forward(number).await;
    ended(&deployment, "failed", &["failing"]);
    assert!(reasons(&deployment).contains("one restart"), "{deployment:#}");
}

/// The pod is not ready first, and has restarted only when it is again.
async fn a_restart_that_takes_a_pod_away_for_a_while_fails(stage: Stage) {
    let mut policy = policy(60);
    policy["watch_seconds"] = 8.into();
    stage.with(policy).await;
    let number = stage.signed(&images::good("after")).await;
    stage.start(number).await;
    stage.until("the watch time", number, |event| event["event"] == "watching").await;
    let pod = one_pod(&stage).await;
    becomes(&stage, &pod, 0, false).await;
    let fewer =
        |event: &serde_json::Value| event["event"] == "progress" && event["available"] == 2 && event["old"] == 0;
    stage.until("a pod that is away", number, fewer).await;
    becomes(&stage, &pod, 1, true).await;
    let deployment = stage.forward(number).await;
    ended(&deployment, "failed", &["failing"]);
    assert!(reasons(&deployment).contains("one restart"), "{deployment:#}");
}

async fn one_pod(stage: &Stage) -> Pod {
    let pods = stage.place.api::<Pod>().list(&ListParams::default().labels("app=web")).await.unwrap().items;
    let mut staying = pods.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
    staying.next().unwrap()
}

/// The kubelet says this of a pod's first container.
async fn becomes(stage: &Stage, pod: &Pod, restarts: i32, ready: bool) {
    let mut status = serde_json::to_value(&pod.status).unwrap();
    status["containerStatuses"][0]["restartCount"] = restarts.into();
    for condition in status["conditions"].as_array_mut().unwrap() {
        if condition["type"] == "Ready" {
            condition["status"] = (if ready { "True" } else { "False" }).into();
        }
    }
    let status = json!({ "containerStatuses": status["containerStatuses"], "conditions": status["conditions"] });
    let patch = Patch::Merge(json!({ "status": status }));
    stage.place.api::<Pod>().patch_status(&pod.name_any(), &PatchParams::default(), &patch).await.unwrap();
}

async fn pods_that_were_broken_before_do_not_count(stage: Stage) {
    let broken = stage.image(&images::crashing("before"));
    stage.place.make(WEB, &broken, |_| ()).await;
    stage.serve(&[WEB], policy(60)).await;
    let digest = images::good("after");
    let (_, deployment) = stage.run(&digest).await;
    ended(&deployment, "succeeded", &["serving"]);
    assert_eq!(stage.place.pods(WEB, &broken).await, 0);
    assert_eq!(stage.place.pods(WEB, &stage.image(&digest)).await, 3);
}
