//! What is left after `kill -9`: exactly one end, at most one change of each target, nothing lost
//! that was answered, and an audit tree that its rows make. The process is the real binary; the
//! oracles are the cluster's own history and the rows of the database file.

mod leases;
mod moments;
mod points;

use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::deployment::stage::{Stage, ended, policy};
use crate::support::api::{Answer, Api};
use crate::support::audit;
use crate::support::ground::{Ground, History};
use crate::support::process::Portal;
use crate::support::scene::Scene;

/// The workload.
const WEB: &str = crate::deployment::stage::WEB;

/// A portal that is going to be killed, with a stage on a cluster.
pub struct World {
    portal: Portal,
    stage: Stage,
    history: History,
    /// A CI system that may start releases.
    operator: Api,
    folder: TempDir,
}

impl World {
    /// One whose process stops at this point, once it is told to.
    async fn stopping_at(point: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let when = folder.path().join("armed").to_str().unwrap().to_owned();
        let halt = [("TIDEGATE_HALT_AT", point), ("TIDEGATE_HALT_WHEN", when.as_str())];
        Self::make(Portal::start_with(&[], &halt).await, Ground::practice().await, folder, 0).await
    }

    /// One whose pods take so long to be ready.
    async fn slow(millis: u32) -> Self {
        Self::make(Portal::start().await, Ground::practice().await, tempfile::tempdir().unwrap(), millis).await
    }

    /// One in front of the real control plane.
    async fn real() -> Self {
        Self::make(Portal::start().await, Ground::real().await, tempfile::tempdir().unwrap(), 0).await
    }

    async fn make(portal: Portal, ground: Ground, folder: TempDir, millis: u32) -> Self {
        let scene = Scene::open(&portal.api(), &portal.setup_secret(), &ground.kubeconfig()).await;
        let token = json!({ "title": "start", "scopes": ["deployments:start"] });
        let token = scene.operator.post("/api/v1/tokens", token).await.is(201);
        let operator = portal.api().with_token(token["token"].as_str().unwrap());
        let stage = Stage::open(&Arc::new(scene), &ground, "crash").await;
        let ready = |object: &mut Value| {
            let after = json!({ "test/ready-after": format!("{millis}ms") });
            object["spec"]["template"]["metadata"]["annotations"] = after;
        };
        stage.place.deploy(WEB, &stage.before(), ready).await;
        stage.serve(&[WEB], policy(120)).await;
        let history = stage.place.history(WEB).await;
        Self { portal, stage, history, operator, folder }
    }

    /// From now on the process stops when it comes to its point.
    fn arm(&self) {
        std::fs::write(self.folder.path().join("armed"), "").unwrap();
    }

    /// kill -9, and the next process on the same folder, which stops nowhere.
    async fn start_again(&mut self) {
        self.portal.kill();
        self.portal.set_environment(&[]);
        self.portal.launch().await;
    }

    /// Asks for the start, as a program that says the same thing again when it hears nothing.
    fn ask_to_start(&self, number: i64) -> JoinHandle<Option<Answer>> {
        let path = format!("/api/v1/releases/{number}/start");
        let request = self.operator.request(reqwest::Method::POST, &path);
        let request = request.header("idempotency-key", format!("start-{number}"));
        tokio::spawn(async move {
            let answer = request.send().await.ok()?;
            let status = answer.status().as_u16();
            let body = answer.bytes().await.ok()?;
            Some(Answer { status, body: serde_json::from_slice(&body).unwrap_or(Value::Null) })
        })
    }

    /// The release has succeeded, once: in the cluster, in the database and in the audit log.
    async fn succeeded_once(&self, number: i64, digest: &str) {
        let deployment = self.stage.forward(number).await;
        ended(&deployment, "succeeded", &["serving"]);
        assert_eq!(self.history.images().await, [self.stage.before(), self.stage.image(digest)]);
        assert_eq!(self.history.spec_changes().await, 1);
        let release = self.stage.scene.show(number).await;
        assert_eq!(release["deployments"].as_array().unwrap().len(), 1, "{release:#}");
        let signed = release["decisions"].as_array().unwrap().iter().filter(|one| one["counts"] == true);
        assert_eq!(signed.count(), 2, "{release:#}");
        self.told_once(number).await;
    }

    /// One beginning and one end in the audit log, whose tree its rows make.
    async fn told_once(&self, number: i64) {
        let entries = audit::verified(&self.portal.database()).await;
        let of = |what: &str| {
            let subject = format!("release:{number}");
            entries.iter().filter(|(verb, about, _)| verb == what && *about == subject).count()
        };
        assert_eq!((of("deployment.start"), of("deployment.end")), (1, 1));
    }
}
