//! What a look says, as a table. Each line begins with a workload that is as planned.

use serde_json::{Value, json};

use super::*;

const MARK: &str = "7-642a1f";

fn planned() -> SetImage {
    serde_json::from_value(json!({
        "target": 1, "namespace": "shop", "kind": "Deployment", "name": "web", "uid": "web",
        "containers": [
            { "name": "app", "from": "r.example/a:1", "running": [], "to": "r.example/a@sha256:bb" },
            { "name": "job", "from": "r.example/a:1", "running": [], "to": "r.example/a@sha256:bb" },
        ],
        "all_containers": ["app", "job", "side"], "replicas": 3, "generation": 1,
    }))
    .unwrap()
}

fn workload() -> Value {
    json!({
        "metadata": {
            "name": "web", "uid": "web", "resourceVersion": "41", "generation": 5,
            "annotations": { "deployment.kubernetes.io/revision": "3" },
        },
        "spec": {
            "replicas": 3, "selector": {},
            "template": { "spec": { "containers": [
                { "name": "app", "image": "r.example/a:1" }, { "name": "job", "image": "r.example/a:1" },
                { "name": "side", "image": "s:1" },
            ] } },
        },
    })
}

fn set_images(workload: &mut Value, image: &str) {
    for index in [0, 1] {
        workload["spec"]["template"]["spec"]["containers"][index]["image"] = image.into();
    }
}

fn mark(workload: &mut Value, mark: &str) {
    workload["metadata"]["annotations"][DEPLOYMENT] = mark.into();
}

fn key(look: &Look) -> &str {
    match look {
        Look::AsPlanned { .. } => "as planned",
        Look::Written => "written",
        Look::Overwritten(_) => "overwritten",
        Look::Drifted(text) | Look::StandsStill(text) => &text.key,
    }
}

#[test]
fn a_look_tells_what_is_planned_from_what_is_written_and_what_is_somebody_elses() {
    type Line = (&'static str, fn(&mut Value), &'static str);
    let lines: &[Line] = &[
        ("as planned", |_| (), "as planned"),
        ("an autoscaler was there", |w| w["spec"]["replicas"] = 9.into(), "as planned"),
        ("a later generation", |w| w["metadata"]["generation"] = 99.into(), "as planned"),
        ("an earlier deployment's mark", |w| mark(w, "6-642a1f"), "as planned"),
        ("the same number of another time", |w| mark(w, "7-1"), "as planned"),
        (
            "another image beside",
            |w| w["spec"]["template"]["spec"]["containers"][2]["image"] = "s:2".into(),
            "as planned",
        ),
        ("made anew", |w| w["metadata"]["uid"] = "web-2".into(), "drift-another-workload"),
        (
            "on its way out",
            |w| w["metadata"]["deletionTimestamp"] = "2026-11-20T10:00:00Z".into(),
            "drift-being-deleted",
        ),
        ("another image", |w| set_images(w, "r.example/a:2"), "drift-image"),
        (
            "one of two",
            |w| w["spec"]["template"]["spec"]["containers"][1]["image"] = "r.example/a:2".into(),
            "drift-image",
        ),
        ("written by somebody else", |w| set_images(w, "r.example/a@sha256:bb"), "drift-image"),
        (
            "a container less",
            |w| drop(w["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap().pop()),
            "drift-containers",
        ),
        ("paused", |w| w["spec"]["paused"] = true.into(), "failing-paused"),
        ("scaled to zero", |w| w["spec"]["replicas"] = 0.into(), "failing-zero-replicas"),
        (
            "ours",
            |w| {
                set_images(w, "r.example/a@sha256:bb");
                mark(w, MARK);
            },
            "written",
        ),
        ("ours, and put back since", |w| mark(w, MARK), "overwritten"),
        (
            "ours, and changed since",
            |w| {
                set_images(w, "r.example/a:3");
                mark(w, MARK);
            },
            "overwritten",
        ),
        (
            "ours, and paused since",
            |w| {
                set_images(w, "r.example/a@sha256:bb");
                mark(w, MARK);
                w["spec"]["paused"] = true.into();
            },
            "written",
        ),
    ];
    for (name, change, expected) in lines {
        let mut workload = workload();
        change(&mut workload);
        let found = serde_json::from_value(workload).unwrap();
        assert_eq!(key(&look(&found, &planned(), MARK)), *expected, "{name}");
    }
}

#[test]
fn what_has_the_image_already_needs_no_write() {
    let mut step = planned();
    for change in &mut step.containers {
        change.to.clone_from(&change.from);
    }
    let found = serde_json::from_value(workload()).unwrap();
    assert_eq!(look(&found, &step, MARK), Look::Written);
}

#[test]
fn a_look_remembers_which_version_it_saw() {
    let found = serde_json::from_value(workload()).unwrap();
    assert_eq!(look(&found, &planned(), MARK), Look::AsPlanned { version: "41".into(), rollouts: Some(3) });
}
