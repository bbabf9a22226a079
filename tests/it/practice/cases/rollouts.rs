//! What becomes of Deployments.

use super::Case;
use crate::practice::bench::{Place, image, image_of, is_ready, reason, revision, settled, waiting};
use futures_util::future::join_all;
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Event, Pod, ServiceAccount},
};
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
    runtime::wait::await_condition,
};
use serde_json::json;

pub const CASES: &[(&str, Case)] = &[
    case!(a_good_rollout_replaces_every_pod),
    case!(a_crash_loop_keeps_the_old_pods_until_the_deadline),
    case!(a_missing_image_leaves_the_pod_pending),
    case!(a_pod_that_never_gets_ready_holds_the_rollout),
    case!(a_slow_pod_is_waited_for),
    case!(a_rollback_takes_the_old_replica_set_again),
    case!(recreate_ends_the_old_pods_first),
    case!(a_paused_deployment_does_not_roll),
    case!(another_number_of_replicas_is_no_rollout),
    case!(a_deleted_pod_is_replaced),
    case!(a_deleted_deployment_takes_its_pods_along),
    case!(a_missing_service_account_is_a_replica_failure),
    case!(a_stuck_rollout_is_scaled_in_proportion),
    case!(a_newer_rollout_overtakes_one_under_way),
    case!(minimum_ready_seconds_count),
    case!(a_late_rollout_may_still_succeed),
    case!(old_replica_sets_are_forgotten_beyond_the_limit),
    case!(nothing_to_surge_with_goes_one_by_one),
    case!(a_deployment_of_no_pods_is_done_at_once),
    case!(twenty_deployments_roll_at_once),
];

async fn a_good_rollout_replaces_every_pod(place: Place) {
    let made = place.deploy("web", &image("aa"), |_| ()).await;
    assert_eq!(made.metadata.generation, Some(1));
    let first = place.rolled_out("web").await;
    assert_eq!(revision(&first), "1");
    assert_eq!(place.pods("web").await.len(), 3);

    place.set_image("web", &image("bb")).await;
    let second = place.rolled_out("web").await;
    let status = second.status.as_ref().unwrap();
    assert_eq!(status.observed_generation, Some(2));
    assert_eq!(status.unavailable_replicas, None);
    assert_eq!(reason(&second, "Available"), "MinimumReplicasAvailable");
    assert_eq!(revision(&second), "2");
    place.until("web", |d: Option<&Deployment>| reason(d.unwrap(), "Progressing") == "NewReplicaSetAvailable").await;

    let sets = place.replica_sets("web").await;
    let new = sets.iter().find(|set| revision(*set) == "2").unwrap();
    assert_eq!(sets.len(), 2);
    for pod in place.pods("web").await {
        assert_eq!(image_of(&pod), image("bb"));
        assert!(is_ready(&pod));
        assert_eq!(pod.owner_references()[0].name, new.name_any());
        assert_eq!(pod.labels()["pod-template-hash"], new.labels()["pod-template-hash"]);
        assert!(pod.spec.unwrap().node_name.is_some());
        let status = &pod.status.unwrap().container_statuses.unwrap()[0];
        assert_eq!(status.image_id, image("bb"));
        assert_eq!(status.restart_count, 0);
    }
}

async fn a_crash_loop_keeps_the_old_pods_until_the_deadline(place: Place) {
    place.deploy("web", &image("aa"), |d| d["spec"]["progressDeadlineSeconds"] = 3.into()).await;
    place.rolled_out("web").await;
    place.set_image("web", &image("dead")).await;

    let pod = place.pod("web", |pod| waiting(pod) == "CrashLoopBackOff").await;
    let status = &pod.status.as_ref().unwrap().container_statuses.as_ref().unwrap()[0];
    assert_eq!(status.restart_count, 3);
    let last = status.last_state.clone().unwrap().terminated.unwrap();
    assert_eq!((last.exit_code, last.reason.as_deref()), (1, Some("Error")));
    assert_eq!(pod.status.as_ref().unwrap().phase.as_deref(), Some("Running"));

    let late = |d: Option<&Deployment>| reason(d.unwrap(), "Progressing") == "ProgressDeadlineExceeded";
    let stuck = place.until("web", late).await;
    assert_eq!(stuck.status.unwrap().available_replicas, Some(3));
    let old = place.pods("web").await.into_iter().filter(|pod| image_of(pod) == image("aa"));
    assert_eq!(old.filter(is_ready).count(), 3);
}

async fn a_missing_image_leaves_the_pod_pending(place: Place) {
    place.deploy("web", &image("404"), |_| ()).await;
    place.deploy("api", &image("0bad"), |_| ()).await;
    for (name, why) in [("web", "ImagePullBackOff"), ("api", "CreateContainerConfigError")] {
        let pod = place.pod(name, |pod| waiting(pod) == why).await;
        assert_eq!(pod.status.as_ref().unwrap().phase.as_deref(), Some("Pending"));
        let about = format!("involvedObject.name={}", pod.name_any());
        let mut told = false;
        for _ in 0..100 {
            let events = place.api::<Event>().list(&ListParams::default().fields(&about)).await.unwrap();
            told = events.iter().any(|event| event.reason.as_deref() == Some("Failed"));
            if told {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert!(told, "no event tells of {name}");
    }
}

async fn a_pod_that_never_gets_ready_holds_the_rollout(place: Place) {
    place.deploy("web", &image("aa"), |_| ()).await;
    place.rolled_out("web").await;
    place.set_image("web", &image("4a46")).await;
    let started = |pod: &Pod| image_of(pod) == image("4a46") && pod.status.as_ref().unwrap().start_time.is_some();
    let pod = place.pod("web", started).await;
    assert!(!is_ready(&pod));
    let stuck = |d: Option<&Deployment>| {
        let status = d.unwrap().status.as_ref().unwrap();
        (status.updated_replicas, status.unavailable_replicas) == (Some(1), Some(1))
    };
    let stuck = place.until("web", stuck).await;
    assert_eq!(stuck.status.unwrap().available_replicas, Some(3));
}

async fn a_slow_pod_is_waited_for(place: Place) {
    let begun = tokio::time::Instant::now();
    place.deploy("web", &image("510"), |d| d["spec"]["replicas"] = 1.into()).await;
    place
        .deploy("api", &image("aa"), |d| {
            d["spec"]["template"]["metadata"]["annotations"] = json!({"test/ready-after": "1s"});
        })
        .await;
    place.rolled_out("api").await;
    assert!(begun.elapsed().as_millis() > 900);
    place.rolled_out("web").await;
    assert!(begun.elapsed().as_millis() > 3900);
}

async fn a_rollback_takes_the_old_replica_set_again(place: Place) {
    place.deploy("web", &image("aa"), |_| ()).await;
    place.rolled_out("web").await;
    let first = place.replica_sets("web").await.remove(0);
    place.set_image("web", &image("dead")).await;
    place.pod("web", |pod| waiting(pod) == "CrashLoopBackOff").await;
    place.set_image("web", &image("aa")).await;
    let back = place.rolled_out("web").await;
    assert_eq!(revision(&back), "3");
    let sets = place.replica_sets("web").await;
    assert_eq!(sets.len(), 2);
    let again = sets.iter().find(|set| set.uid() == first.uid()).unwrap();
    assert_eq!(revision(again), "3");
    assert_eq!(again.annotations()["deployment.kubernetes.io/revision-history"], "1");
}

async fn recreate_ends_the_old_pods_first(place: Place) {
    place.deploy("web", &image("aa"), |d| d["spec"]["strategy"] = json!({"type": "Recreate"})).await;
    place.rolled_out("web").await;
    place.set_image("web", &image("404")).await;
    place.pod("web", |pod| waiting(pod) == "ImagePullBackOff").await;
    assert!(place.pods("web").await.iter().all(|pod| image_of(pod) == image("404")));
    let down = |d: Option<&Deployment>| reason(d.unwrap(), "Available") == "MinimumReplicasUnavailable";
    place.until("web", down).await;
    place.set_image("web", &image("bb")).await;
    place.rolled_out("web").await;
}

async fn a_paused_deployment_does_not_roll(place: Place) {
    place.deploy("web", &image("aa"), |_| ()).await;
    place.rolled_out("web").await;
    place.patch("web", json!({"paused": true})).await;
    let paused = |d: Option<&Deployment>| reason(d.unwrap(), "Progressing") == "DeploymentPaused";
    place.until("web", paused).await;
    let changed = place.set_image("web", &image("bb")).await;
    let seen =
        |d: Option<&Deployment>| d.unwrap().status.as_ref().unwrap().observed_generation == changed.metadata.generation;
    place.until("web", seen).await;
    assert_eq!(place.replica_sets("web").await.len(), 1);
    place.patch("web", json!({"paused": false})).await;
    place.rolled_out("web").await;
    assert!(place.pods("web").await.iter().all(|pod| image_of(pod) == image("bb")));
}

async fn another_number_of_replicas_is_no_rollout(place: Place) {
    place.deploy("web", &image("aa"), |_| ()).await;
    place.rolled_out("web").await;
    let scale = json!({"spec": {"replicas": 5}});
    let scaled = place.deployments().patch_scale("web", &PatchParams::default(), &Patch::Merge(scale)).await.unwrap();
    assert_eq!(scaled.spec.unwrap().replicas, Some(5));
    let grown = place.rolled_out("web").await;
    assert_eq!(revision(&grown), "1");
    place.patch("web", json!({"replicas": 0})).await;
    place.rolled_out("web").await;
    assert_eq!(place.pods("web").await.len(), 0);
    assert_eq!(place.replica_sets("web").await.len(), 1);
}

async fn a_deleted_pod_is_replaced(place: Place) {
    place.deploy("web", &image("aa"), |d| d["spec"]["replicas"] = 1.into()).await;
    place.rolled_out("web").await;
    let first = place.pod("web", is_ready).await;
    place.api::<Pod>().delete(&first.name_any(), &DeleteParams::default()).await.unwrap();
    let second = place.pod("web", |pod| is_ready(pod) && pod.uid() != first.uid()).await;
    assert_ne!(first.name_any(), second.name_any());
}

async fn a_deleted_deployment_takes_its_pods_along(place: Place) {
    place.deploy("web", &image("aa"), |_| ()).await;
    place.rolled_out("web").await;
    place.deploy("api", &image("aa"), |_| ()).await;
    place.rolled_out("api").await;
    place.deployments().delete("web", &DeleteParams::default()).await.unwrap();
    place.deployments().delete("api", &DeleteParams::foreground()).await.unwrap();
    for name in ["web", "api"] {
        let gone = |deployment: Option<&Deployment>| deployment.is_none();
        settled(await_condition(place.deployments(), name, gone)).await;
        for _ in 0..200 {
            if place.pods(name).await.is_empty() && place.replica_sets(name).await.is_empty() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(place.pods(name).await.len(), 0);
    }
}

async fn a_missing_service_account_is_a_replica_failure(place: Place) {
    let absent = |d: &mut serde_json::Value| d["spec"]["template"]["spec"]["serviceAccountName"] = "robot".into();
    place.deploy("web", &image("aa"), absent).await;
    let failed = |d: Option<&Deployment>| reason(d.unwrap(), "ReplicaFailure") == "FailedCreate";
    place.until("web", failed).await;
    let robot: ServiceAccount = serde_json::from_value(json!({"metadata": {"name": "robot"}})).unwrap();
    place.api().create(&PostParams::default(), &robot).await.unwrap();
    place.rolled_out("web").await;
}

/// The sizes of a Deployment's ReplicaSets, by their revisions.
async fn sizes(place: &Place) -> Vec<(String, i32)> {
    let sets = place.replica_sets("web").await;
    let mut sizes: Vec<_> =
        sets.iter().map(|set| (revision(set).to_owned(), set.spec.as_ref().unwrap().replicas.unwrap())).collect();
    sizes.sort();
    sizes
}

async fn sizes_become(place: &Place, wanted: &[(&str, i32)]) {
    let wanted: Vec<_> = wanted.iter().map(|(revision, size)| ((*revision).to_owned(), *size)).collect();
    for _ in 0..200 {
        if sizes(place).await == wanted {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{:?} instead of {wanted:?}", sizes(place).await);
}

async fn a_stuck_rollout_is_scaled_in_proportion(place: Place) {
    place
        .deploy("web", &image("aa"), |d| {
            d["spec"]["replicas"] = 10.into();
            d["spec"]["strategy"] = json!({"rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}});
        })
        .await;
    place.rolled_out("web").await;
    place.set_image("web", &image("404")).await;
    sizes_become(&place, &[("1", 8), ("2", 5)]).await;
    place.patch("web", json!({"replicas": 15})).await;
    sizes_become(&place, &[("1", 11), ("2", 7)]).await;
    place.set_image("web", &image("aa")).await;
    place.rolled_out("web").await;
    sizes_become(&place, &[("2", 0), ("3", 15)]).await;
}

async fn a_newer_rollout_overtakes_one_under_way(place: Place) {
    place.deploy("web", &image("aa"), |_| ()).await;
    place.rolled_out("web").await;
    place.set_image("web", &image("510")).await;
    place.pod("web", |pod| image_of(pod) == image("510")).await;
    place.set_image("web", &image("cc")).await;
    place.rolled_out("web").await;
    sizes_become(&place, &[("1", 0), ("2", 0), ("3", 3)]).await;
    assert!(place.pods("web").await.iter().all(|pod| image_of(pod) == image("cc")));
}

async fn minimum_ready_seconds_count(place: Place) {
    let begun = tokio::time::Instant::now();
    place.deploy("web", &image("aa"), |d| d["spec"]["minReadySeconds"] = 3.into()).await;
    let ready = |d: Option<&Deployment>| d.unwrap().status.as_ref().unwrap().ready_replicas == Some(3);
    let early = place.until("web", ready).await;
    assert_eq!(early.status.unwrap().available_replicas, None);
    place.rolled_out("web").await;
    // Times in objects have only seconds, so almost one may be missing.
    assert!(begun.elapsed().as_millis() > 1900);
}

async fn a_late_rollout_may_still_succeed(place: Place) {
    place.deploy("web", &image("510"), |d| d["spec"]["progressDeadlineSeconds"] = 1.into()).await;
    let late = |d: Option<&Deployment>| reason(d.unwrap(), "Progressing") == "ProgressDeadlineExceeded";
    let stuck = place.until("web", late).await;
    assert_eq!(reason(&stuck, "Available"), "MinimumReplicasUnavailable");
    let done = |d: Option<&Deployment>| reason(d.unwrap(), "Progressing") == "NewReplicaSetAvailable";
    place.until("web", done).await;
}

async fn old_replica_sets_are_forgotten_beyond_the_limit(place: Place) {
    place.deploy("web", &image("aa"), |d| d["spec"]["revisionHistoryLimit"] = 1.into()).await;
    place.rolled_out("web").await;
    for digest in ["bb", "cc", "ee"] {
        place.set_image("web", &image(digest)).await;
        place.rolled_out("web").await;
    }
    sizes_become(&place, &[("3", 0), ("4", 3)]).await;
}

async fn nothing_to_surge_with_goes_one_by_one(place: Place) {
    let rolling = json!({"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "1%"}});
    place.deploy("web", &image("aa"), |d| d["spec"]["strategy"] = rolling).await;
    place.rolled_out("web").await;
    place.set_image("web", &image("4a46")).await;
    sizes_become(&place, &[("1", 2), ("2", 1)]).await;
    place.set_image("web", &image("bb")).await;
    place.rolled_out("web").await;
    sizes_become(&place, &[("1", 0), ("2", 0), ("3", 3)]).await;
}

async fn a_deployment_of_no_pods_is_done_at_once(place: Place) {
    place.deploy("web", &image("dead"), |d| d["spec"]["replicas"] = 0.into()).await;
    place.rolled_out("web").await;
    place.set_image("web", &image("404")).await;
    let done = |d: Option<&Deployment>| {
        let deployment = d.unwrap();
        revision(deployment) == "2" && reason(deployment, "Progressing") == "NewReplicaSetAvailable"
    };
    let done = place.until("web", done).await;
    assert_eq!(done.status.unwrap().replicas, None);
}

async fn twenty_deployments_roll_at_once(place: Place) {
    let names: Vec<String> = (0..20).map(|number| format!("web-{number}")).collect();
    join_all(names.iter().map(|name| place.deploy(name, "registry.example/web:1", |_| ()))).await;
    join_all(names.iter().map(|name| place.rolled_out(name))).await;
    let new = image("bb");
    join_all(names.iter().map(|name| place.set_image(name, &new))).await;
    let done = join_all(names.iter().map(|name| place.rolled_out(name))).await;
    assert!(done.iter().all(|deployment| revision(deployment) == "2"));
    let pods = place.api::<Pod>().list(&ListParams::default()).await.unwrap();
    let present = pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
    assert_eq!(present.filter(|pod| image_of(pod) == image("bb")).count(), 60);
}
