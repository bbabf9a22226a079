//! What a case of a deployment needs: a service of its own in an environment of its own, on either
//! cluster, and the way of a release through the portal's own doors.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::ground::{Ground, History, Place};
use crate::support::scene::Scene;
use crate::support::{eventually, images};

/// A service with its targets in a namespace.
pub struct Stage {
    /// The portal's people.
    pub scene: Arc<Scene>,
    /// The namespace, as others than the portal see it.
    pub place: Place,
    /// Name of the service and of the environment.
    pub name: String,
    /// Name of the cluster in the portal.
    pub cluster: String,
}

/// The one workload that most cases have.
pub const WEB: &str = "web";

/// Seconds that are *within seconds* while forty cases share two processors; how soon it is on a
/// machine of its own is measured by `deployment::latency`.
pub const SOON: f64 = 9.0;

/// A policy with both groups, nothing watched after the rollout, and this deadline.
pub fn policy(deadline: i64) -> Value {
    json!({
        "rules": [{ "group": "deployment-team", "count": 1 }, { "group": "product", "count": 1 }],
        "watch_seconds": 0, "deadline_seconds": deadline,
    })
}

impl Stage {
    /// A namespace, and nothing in it yet.
    pub async fn open(scene: &Arc<Scene>, ground: &Ground, name: &str) -> Self {
        let name: String = name.replace('_', "-").chars().take(36).collect();
        let name = name.trim_end_matches('-').to_owned();
        let place = ground.place(&name).await;
        Self { scene: scene.clone(), place, name, cluster: "main".to_owned() }
    }

    /// Where its images come from.
    pub fn repository(&self) -> String {
        format!("registry.example/cases/{}", self.name)
    }

    /// An image by digest, as a workload names it.
    pub fn image(&self, digest: &str) -> String {
        format!("{}@{digest}", self.repository())
    }

    /// What runs before a release.
    pub fn before(&self) -> String {
        self.image(&images::good("before"))
    }

    /// Makes the service known to the portal, with these targets and this policy.
    pub async fn serve(&self, targets: &[&str], policy: Value) {
        let targets: Vec<Value> = targets
            .iter()
            .map(|name| {
                json!({
                    "environment": self.name, "namespace": self.place.namespace, "name": name, "containers": ["app"],
                })
            })
            .collect();
        let documents = json!([
            {
                "kind": "Environment", "name": self.name, "title": self.name, "rank": 10, "cluster": self.cluster,
                "policy": policy,
            },
            {
                "kind": "Service", "name": self.name, "title": self.name, "repository": self.repository(),
                "targets": targets,
            },
        ]);
        self.scene.apply(documents).await;
    }

    /// The usual: one workload of three pods that serves, with a deadline of a minute.
    pub async fn usual(&self) -> History {
        self.with(policy(60)).await
    }

    /// The usual, with this policy.
    pub async fn with(&self, policy: Value) -> History {
        self.place.deploy(WEB, &self.before(), |_| ()).await;
        self.serve(&[WEB], policy).await;
        self.place.history(WEB).await
    }

    /// A release of an image that CI registers, asked for, planned, and signed by both groups. It
    /// starts by hand.
    pub async fn signed(&self, digest: &str) -> i64 {
        self.scene.image_of(&self.repository(), digest, "1.2.3").await;
        let start = json!({ "mode": "by_hand", "window": null });
        let number = self.scene.release_of(&self.name, &self.name, digest, start).await;
        self.scene.sign_all(number).await;
        number
    }

    /// The operator starts it.
    pub async fn start(&self, number: i64) {
        self.scene.operator.post(&format!("/api/v1/releases/{number}/start"), json!({})).await.ok();
    }

    /// The operator stops it.
    pub async fn cancel(&self, number: i64) {
        self.scene.operator.post(&format!("/api/v1/releases/{number}/cancel"), json!({})).await.ok();
    }

    /// The operator brings back what ran before; gives the deployment that did.
    pub async fn roll_back(&self, number: i64) -> Value {
        let path = format!("/api/v1/releases/{number}/rollback");
        self.scene.operator.post(&path, json!({})).await.ok();
        self.ended(number, "rollback", 60).await
    }

    /// A release from CI to its end.
    pub async fn run(&self, digest: &str) -> (i64, Value) {
        let number = self.signed(digest).await;
        self.start(number).await;
        (number, self.forward(number).await)
    }

    /// The end of a release's deployment.
    pub async fn forward(&self, number: i64) -> Value {
        self.ended(number, "forward", 60).await
    }

    async fn ended(&self, number: i64, direction: &str, seconds: u64) -> Value {
        eventually("the deployment to end", seconds, || async {
            let release = self.scene.show(number).await;
            let mut all = release["deployments"].as_array().unwrap().iter().rev();
            let found = all.find(|one| one["direction"] == direction)?;
            (!found["verdict"].is_null()).then(|| found.clone())
        })
        .await
    }

    /// Waits until a release's journal holds an event.
    pub async fn until(&self, what: &str, number: i64, is: impl Fn(&Value) -> bool) -> Value {
        eventually(what, 30, || async {
            self.scene.journal(number).await.into_iter().map(|line| line["event"].clone()).find(&is)
        })
        .await
    }

    /// The names of the events of a release's journals, each once where it comes several times in
    /// a row.
    pub async fn events(&self, number: i64) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for line in self.scene.journal(number).await {
            let name = line["event"]["event"].as_str().unwrap().to_owned();
            if names.last() != Some(&name) {
                names.push(name);
            }
        }
        names
    }
}

/// Asserts how a deployment ended, with what became of each target.
#[track_caller]
pub fn ended(deployment: &Value, verdict: &str, targets: &[&str]) {
    assert_eq!(deployment["verdict"], verdict, "{deployment:#}");
    let states: Vec<&str> =
        deployment["targets"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states, targets, "{deployment:#}");
}

/// All reasons of a deployment in one text.
pub fn reasons(deployment: &Value) -> String {
    let all = deployment["reasons"].as_array().unwrap().iter();
    all.map(|one| one.as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

/// Seconds from a deployment's start to its end.
pub fn lasted(deployment: &Value) -> f64 {
    let at = |ground: &str| chrono::DateTime::parse_from_rfc3339(deployment[ground].as_str().unwrap()).unwrap();
    (at("ended_at") - at("started_at")).as_seconds_f64()
}
