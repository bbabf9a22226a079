//! A practice cluster that all tests in this process share, each in a namespace of its own. It
//! lives on a thread of its own, because the runtimes of tests end with them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{OnceLock, mpsc};

use serde_json::json;
use tidegate::practice::{Practice, PracticeOptions};

static FIELD: OnceLock<Practice> = OnceLock::new();
static SECOND: OnceLock<Practice> = OnceLock::new();
static COUNT: AtomicU32 = AtomicU32::new(0);

/// The cluster.
pub fn practice() -> &'static Practice {
    FIELD.get_or_init(start)
}

/// Another cluster: another address, another authority.
pub fn another() -> &'static Practice {
    SECOND.get_or_init(start)
}

fn start() -> Practice {
    super::prepare();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let options = PracticeOptions::at(chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_000));
            sender.send(Practice::start(options).await.unwrap()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    receiver.recv().unwrap()
}

/// A namespace of a test's own.
pub fn namespace(practice: &Practice) -> String {
    let name = format!("test-{}", COUNT.fetch_add(1, Ordering::Relaxed));
    practice.create(&json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } })).unwrap();
    name
}

/// A Deployment with the containers `app` and `side`.
pub fn deployment(practice: &Practice, namespace: &str, name: &str, image: &str) {
    let deployment = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": name, "namespace": namespace },
        "spec": {
            "replicas": 1,
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "containers": [{ "name": "app", "image": image }, { "name": "side", "image": "r.example/side:1" }] },
            },
        },
    });
    practice.create(&deployment).unwrap();
}
