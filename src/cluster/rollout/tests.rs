//! The judge as a table. Each line begins with a rollout that is complete, and says what is
//! different.

use serde_json::{Value, json};

use super::*;

const TO: &str = "r.example/a@sha256:bb";
const OLD: &str = "r.example/a@sha256:aa";

/// A workload of three pods that all have the new image and serve.
struct World {
    deployment: Value,
    sets: Vec<Value>,
    pods: Vec<Value>,
    warnings: BTreeMap<String, String>,
    gave_up_before: Option<Value>,
}

fn template(image: &str) -> Value {
    json!({ "metadata": {}, "spec": { "containers": [{ "name": "app", "image": image }, { "name": "side", "image": "s:1" }] } })
}

fn set(uid: &str, revision: i64, image: &str) -> Value {
    json!({
        "metadata": {
            "name": uid, "uid": uid, "annotations": { "deployment.kubernetes.io/revision": revision.to_string() },
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "web", "controller": true }],
        },
        "spec": { "selector": {}, "template": template(image) },
        "status": { "replicas": 3, "availableReplicas": 3 },
    })
}

fn pod(name: &str, set: &str) -> Value {
    json!({
        "metadata": {
            "name": name, "uid": format!("uid-{name}"),
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": set, "uid": set, "controller": true }],
        },
        "status": {
            "phase": "Running",
            "conditions": [{ "type": "Ready", "status": "True" }],
            "containerStatuses": [
                { "name": "app", "image": TO, "imageID": "", "ready": true, "restartCount": 0, "state": { "running": {} } },
                { "name": "side", "image": "s:1", "imageID": "", "ready": true, "restartCount": 0, "state": { "running": {} } },
            ],
        },
    })
}

impl World {
    fn complete() -> Self {
        Self {
            deployment: json!({
                "metadata": { "name": "web", "uid": "web", "generation": 2 },
                "spec": { "replicas": 3, "selector": {}, "template": template(TO) },
                "status": { "observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3 },
            }),
            sets: vec![set("new", 2, TO)],
            pods: vec![pod("new-1", "new"), pod("new-2", "new"), pod("new-3", "new")],
            warnings: BTreeMap::new(),
            gave_up_before: None,
        }
    }

    fn status(&mut self, field: &str, value: impl Into<Value>) {
        self.deployment["status"][field] = value.into();
    }

    /// The first new pod is not ready; its first container waits for this reason.
    fn waits(&mut self, reason: &str, last: Value) {
        let status = &mut self.pods[0]["status"];
        status["conditions"][0]["status"] = "False".into();
        let container = &mut status["containerStatuses"][0];
        container["state"] = json!({ "waiting": { "reason": reason, "message": "as the kubelet says" } });
        container["lastState"] = last;
        container["restartCount"] = 3.into();
        self.status("availableReplicas", 2);
    }

    fn condition(&mut self, status: &str, reason: &str, at: &str) {
        self.status("availableReplicas", 2);
        self.status(
            "conditions",
            json!([{ "type": "Progressing", "status": status, "reason": reason, "message": "timed out", "lastUpdateTime": at }]),
        );
    }

    fn judge(&self) -> Judgement {
        fn named<K: serde::de::DeserializeOwned>(objects: &[Value]) -> BTreeMap<String, K> {
            let name = |object: &Value| object["metadata"]["name"].as_str().unwrap().to_owned();
            objects.iter().map(|object| (name(object), serde_json::from_value(object.clone()).unwrap())).collect()
        }
        let deployment = serde_json::from_value(self.deployment.clone()).unwrap();
        let (replica_sets, pods) = (named(&self.sets), named(&self.pods));
        let sight =
            Sight { deployment: &deployment, replica_sets: &replica_sets, pods: &pods, warnings: &self.warnings };
        let step: SetImage = serde_json::from_value(json!({
            "target": 1, "namespace": "shop", "kind": "Deployment", "name": "web", "uid": "web",
            "containers": [{ "name": "app", "from": OLD, "running": [], "to": TO }],
            "all_containers": ["app", "side"], "replicas": 3, "generation": 1,
        }))
        .unwrap();
        let before: Option<Time> = self.gave_up_before.clone().map(|at| serde_json::from_value(at).unwrap());
        judge(sight, Expected { step: &step, generation: 2, gave_up_before: before.as_ref() })
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Is {
    Going,
    Serving(i32),
    Failing(Vec<String>),
    Changed(String),
}

/// The key of a sentence; of a quotation, that of the sentence it supports.
fn key(text: &Text) -> String {
    match text.args.first() {
        Some((_, crate::domain::text::Arg::Text(inner))) if text.key == "quoted" => inner.key.to_string(),
        _ => text.key.to_string(),
    }
}

fn is(judgement: &Judgement) -> Is {
    match judgement {
        Judgement::Going(..) => Is::Going,
        Judgement::Serving(_, restarts) => Is::Serving(restarts.values().sum()),
        Judgement::Failing(_, reasons) => Is::Failing(reasons.iter().map(key).collect()),
        Judgement::Changed(text) => Is::Changed(key(text)),
    }
}

fn failing(key: &str) -> Is {
    Is::Failing(vec![key.to_owned()])
}

fn changed(key: &str) -> Is {
    Is::Changed(key.to_owned())
}

type Line = (&'static str, fn(&mut World), Is);

#[track_caller]
fn hold(lines: Vec<Line>) {
    for (name, change, expected) in lines {
        let mut world = World::complete();
        change(&mut world);
        let judgement = world.judge();
        assert_eq!(is(&judgement), expected, "{name}: {judgement:#?}");
    }
}

const EARLIER: &str = "2026-11-20T10:00:00Z";
const LATER: &str = "2026-11-20T10:10:00Z";

#[test]
fn success_is_that_all_new_pods_serve_and_no_old_one_is_left() {
    hold(vec![
        ("complete", |_| (), Is::Serving(0)),
        ("the controller has not seen the change", |w| w.status("observedGeneration", 1), Is::Going),
        ("a pod still has the old template", |w| w.status("updatedReplicas", 2), Is::Going),
        ("an old pod is still there", |w| w.status("replicas", 4), Is::Going),
        ("a new pod is not available", |w| w.status("availableReplicas", 2), Is::Going),
        ("no status at all", |w| w.deployment["status"] = json!({}), Is::Going),
        ("an autoscaler wants more", |w| w.deployment["spec"]["replicas"] = 5.into(), Is::Going),
        ("without a number of replicas it is one", |w| w.deployment["spec"]["replicas"] = Value::Null, Is::Serving(0)),
        (
            "restarts are counted, those of every container",
            |w| {
                w.pods[0]["status"]["containerStatuses"][0]["restartCount"] = 2.into();
                w.pods[1]["status"]["containerStatuses"][1]["restartCount"] = 1.into();
            },
            Is::Serving(3),
        ),
        ("a later generation is as good", |w| w.status("observedGeneration", 7), Is::Serving(0)),
    ]);
}

#[test]
fn what_somebody_changed_is_said_before_anything_else() {
    hold(vec![
        ("another workload", |w| w.deployment["metadata"]["uid"] = "web-2".into(), changed("changed-another-workload")),
        (
            "on its way out",
            |w| w.deployment["metadata"]["deletionTimestamp"] = LATER.into(),
            changed("changed-being-deleted"),
        ),
        ("another image", |w| w.deployment["spec"]["template"] = template(OLD), changed("changed-image")),
        (
            "another container",
            |w| {
                let containers = w.deployment["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap();
                containers.push(json!({ "name": "proxy", "image": "p:1" }));
            },
            changed("changed-containers"),
        ),
        (
            "a container for initialisation",
            |w| {
                let spec = &mut w.deployment["spec"]["template"]["spec"];
                spec["initContainers"] = json!([{ "name": "migrate", "image": "m:1" }]);
            },
            changed("changed-containers"),
        ),
        (
            "changed and failing is changed",
            |w| {
                w.waits("CrashLoopBackOff", json!({}));
                w.deployment["spec"]["template"] = template(OLD);
            },
            changed("changed-image"),
        ),
        (
            "another image beside the named container is nobody's business",
            |w| w.deployment["spec"]["template"]["spec"]["containers"][1]["image"] = "s:2".into(),
            Is::Serving(0),
        ),
    ]);
}

#[test]
fn pods_that_say_they_cannot_fail_the_rollout_at_once() {
    let lines: Vec<Line> = vec![
        (
            "a crash loop",
            |w| w.waits("CrashLoopBackOff", json!({ "terminated": { "exitCode": 1, "reason": "Error" } })),
            failing("failing-crash-loop"),
        ),
        (
            "out of memory",
            |w| w.waits("CrashLoopBackOff", json!({ "terminated": { "exitCode": 137, "reason": "OOMKilled" } })),
            failing("failing-out-of-memory"),
        ),
        ("a crash loop without a word", |w| w.waits("CrashLoopBackOff", json!({})), failing("failing-container")),
        ("no image", |w| w.waits("ImagePullBackOff", json!({})), failing("failing-image")),
        ("a nonsensical image", |w| w.waits("InvalidImageName", json!({})), failing("failing-container")),
        ("never pulled", |w| w.waits("ErrImageNeverPull", json!({})), failing("failing-container")),
        ("a missing setting", |w| w.waits("CreateContainerConfigError", json!({})), failing("failing-container")),
        ("it cannot be made", |w| w.waits("CreateContainerError", json!({})), failing("failing-container")),
        ("it cannot be run", |w| w.waits("RunContainerError", json!({})), failing("failing-container")),
        ("its hook fails", |w| w.waits("PostStartHookError", json!({})), failing("failing-container")),
        ("a pull that failed once may work yet", |w| w.waits("ErrImagePull", json!({})), Is::Going),
        ("it is being made", |w| w.waits("ContainerCreating", json!({})), Is::Going),
        (
            "initialisation crashes",
            |w| {
                w.status("availableReplicas", 2);
                w.pods[0]["status"]["initContainerStatuses"] = json!([{
                    "name": "migrate", "image": "m:1", "imageID": "", "ready": false, "restartCount": 2,
                    "state": { "waiting": { "reason": "CrashLoopBackOff" } },
                    "lastState": { "terminated": { "exitCode": 3, "reason": "Error" } },
                }]);
            },
            failing("failing-crash-loop"),
        ),
        (
            "a pod was put out and is being replaced",
            |w| {
                w.status("availableReplicas", 2);
                w.pods[0]["status"] = json!({ "phase": "Failed", "reason": "Evicted", "message": "low on memory" });
            },
            Is::Going,
        ),
        (
            "a pod's node is shutting down",
            |w| {
                w.status("availableReplicas", 2);
                w.pods[0]["status"] = json!({ "phase": "Failed", "reason": "Terminated" });
            },
            Is::Going,
        ),
        (
            "a pod was not admitted by its node",
            |w| w.pods[0]["status"] = json!({ "phase": "Failed", "reason": "NodeAffinity" }),
            failing("failing-pod-failed-why"),
        ),
        (
            "a pod failed without a reason",
            |w| w.pods[0]["status"] = json!({ "phase": "Failed" }),
            failing("failing-pod-failed"),
        ),
        ("paused", |w| w.deployment["spec"]["paused"] = true.into(), failing("failing-paused")),
        ("scaled to zero", |w| w.deployment["spec"]["replicas"] = 0.into(), failing("failing-zero-replicas")),
    ];
    hold(lines);
}

#[test]
fn only_pods_of_what_was_written_count() {
    fn crashing(w: &mut World, change: impl FnOnce(&mut World)) {
        w.waits("CrashLoopBackOff", json!({ "terminated": { "exitCode": 1, "reason": "Error" } }));
        change(w);
    }
    hold(vec![
        (
            "an old pod crashes",
            |w| {
                crashing(w, |w| {
                    w.sets.push(set("old", 1, OLD));
                    w.pods[0]["metadata"]["ownerReferences"][0]["uid"] = "old".into();
                });
            },
            Is::Going,
        ),
        (
            "a pod that is on its way out crashes",
            |w| crashing(w, |w| w.pods[0]["metadata"]["deletionTimestamp"] = LATER.into()),
            Is::Going,
        ),
        (
            "a pod of an older set with the same image crashes",
            |w| {
                crashing(w, |w| {
                    w.sets.push(set("older", 1, TO));
                    w.pods[0]["metadata"]["ownerReferences"][0]["uid"] = "older".into();
                });
            },
            Is::Going,
        ),
        (
            "a pod of another workload's set crashes",
            |w| {
                crashing(w, |w| {
                    w.sets.push(set("foreign", 9, TO));
                    w.sets[1]["metadata"]["ownerReferences"][0]["uid"] = "other".into();
                    w.pods[0]["metadata"]["ownerReferences"][0]["uid"] = "foreign".into();
                });
            },
            Is::Going,
        ),
        ("the new set is not there yet", |w| crashing(w, |w| w.sets = vec![set("old", 1, OLD)]), Is::Going),
    ]);
}

#[test]
fn that_the_controller_gave_up_counts_when_it_is_news() {
    hold(vec![
        (
            "it gave up",
            |w| w.condition("False", "ProgressDeadlineExceeded", LATER),
            failing("failing-progress-deadline"),
        ),
        (
            "it had given up before",
            |w| {
                w.condition("False", "ProgressDeadlineExceeded", EARLIER);
                w.gave_up_before = Some(EARLIER.into());
            },
            Is::Going,
        ),
        (
            "it gave up again",
            |w| {
                w.condition("False", "ProgressDeadlineExceeded", LATER);
                w.gave_up_before = Some(EARLIER.into());
            },
            failing("failing-progress-deadline"),
        ),
        (
            "it gave up on what was there before",
            |w| {
                w.condition("False", "ProgressDeadlineExceeded", LATER);
                w.status("observedGeneration", 1);
            },
            Is::Going,
        ),
        ("it is at work", |w| w.condition("True", "ReplicaSetUpdated", LATER), Is::Going),
        ("it is paused", |w| w.condition("Unknown", "DeploymentPaused", LATER), Is::Going),
    ]);
}

#[test]
fn pods_that_are_not_well_say_why() {
    let mut world = World::complete();
    world.status("availableReplicas", 0);
    world.sets[0]["status"]["availableReplicas"] = 0.into();
    for pod in &mut world.pods {
        pod["status"]["conditions"][0]["status"] = "False".into();
    }
    world.warnings.insert("new-1".into(), "Readiness probe failed: 503".into());
    world.pods[1]["status"] = json!({
        "phase": "Pending",
        "conditions": [{ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes" }],
    });
    world.pods[2]["status"]["containerStatuses"][1]["state"] = json!({ "waiting": { "reason": "ContainerCreating" } });
    let Judgement::Going(progress, _) = world.judge() else { panic!("it goes on") };
    let said: Vec<_> = progress.pods.iter().map(|pod| (pod.state.as_str(), pod.message.as_deref())).collect();
    assert_eq!(
        said,
        [
            ("NotReady", Some("Readiness probe failed: 503")),
            ("Unschedulable", Some("0/3 nodes")),
            ("ContainerCreating", None),
        ]
    );
    assert_eq!((progress.desired, progress.updated, progress.ready, progress.available, progress.old), (3, 3, 0, 0, 0));
    let reasons = reasons_at_deadline(&progress);
    let keys: Vec<String> = reasons.iter().map(key).collect();
    assert_eq!(keys, ["failing-deadline", "failing-pod-state", "failing-pod-state", "failing-pod-state"]);
}

#[test]
fn a_pod_that_was_put_out_says_so_and_is_a_reason_at_the_deadline() {
    let mut world = World::complete();
    world.status("availableReplicas", 2);
    world.pods[0]["status"] = json!({ "phase": "Failed", "reason": "Evicted", "message": "low on memory" });
    let Judgement::Going(progress, _) = world.judge() else { panic!("it goes on") };
    let said = (progress.pods[0].state.as_str(), progress.pods[0].message.as_deref());
    assert_eq!(said, ("Evicted", Some("low on memory")));
    assert_eq!(key(&reasons_at_deadline(&progress)[1]), "failing-pod-state");
}

#[test]
fn new_pods_are_counted_without_the_old_ones() {
    let mut world = World::complete();
    world.sets.push(set("old", 1, OLD));
    world.sets[0]["status"]["availableReplicas"] = 1.into();
    for (field, count) in [("replicas", 4), ("updatedReplicas", 1), ("availableReplicas", 3)] {
        world.status(field, count);
    }
    world.pods.truncate(1);
    let Judgement::Going(progress, _) = world.judge() else { panic!("it goes on") };
    assert_eq!((progress.updated, progress.ready, progress.available, progress.old), (1, 1, 1, 3));
}

#[test]
fn five_reasons_are_enough() {
    let mut world = World::complete();
    world.status("availableReplicas", 0);
    let crashed = |name: String| {
        let mut pod = pod(&name, "new");
        pod["status"] = json!({ "phase": "Failed" });
        pod
    };
    world.pods = (0..40).map(|number| crashed(format!("new-{number}"))).collect();
    let Judgement::Failing(progress, reasons) = world.judge() else { panic!("it fails") };
    assert_eq!((progress.pods.len(), reasons.len()), (40, 5));
}

#[test]
fn a_restart_is_counted_whichever_pod_it_is_of_and_a_pod_that_went_takes_none_back() {
    let counts = |all: &[(&str, i32)]| all.iter().map(|(uid, count)| ((*uid).to_owned(), *count)).collect::<Restarts>();
    let before = counts(&[("a", 3), ("b", 1)]);
    assert_eq!(restarts_since(&before, &before), 0);
    assert_eq!(restarts_since(&before, &counts(&[("b", 2)])), 1);
    assert_eq!(restarts_since(&before, &counts(&[("c", 2), ("a", 3)])), 2);
    assert_eq!(restarts_since(&before, &counts(&[])), 0);
}
