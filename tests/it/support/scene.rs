//! A portal that is set up: people of each role, a cluster with a confirmed credential, an
//! environment whose policy asks two groups, and a service with one target.

use serde_json::{Value, json};

use super::api::Api;
use super::eventually;

/// Somebody of each role at one portal.
pub struct Scene {
    /// Administers, set it up.
    pub admin: Api,
    /// Requests.
    pub requester: Api,
    /// Signs for *deployment team*.
    pub deployer: Api,
    /// Signs for *product*.
    pub product: Api,
    /// Starts.
    pub operator: Api,
    /// May look, and nothing else.
    pub viewer: Api,
    /// A CI system, with a token of the requester's.
    pub ci: Api,
}

/// Where the images of the scene's service come from.
pub const REPOSITORY: &str = "registry.example/shop/checkout";

/// The password of the person who set the portal up.
pub const PASSWORD: &str = "correct horse battery";

/// What the scene's policy asks.
pub fn policy() -> Value {
    json!({
        "rules": [{ "group": "deployment-team", "count": 1 }, { "group": "product", "count": 1 }],
        "watch_seconds": 0,
    })
}

impl Scene {
    /// Sets a portal up, for one workload of a cluster.
    pub async fn set(nobody: &Api, setup: &str, kubeconfig: &str, namespace: &str, workload: &str) -> Self {
        let admin = nobody.set_up(setup, "ada", PASSWORD).await;
        let scene = Self::people(nobody, admin, namespace, workload).await;
        scene.hand_in(kubeconfig).await;
        scene
    }

    /// Sets a portal up for a cluster, with no place to deploy to yet.
    pub async fn open(nobody: &Api, setup: &str, kubeconfig: &str) -> Self {
        let admin = nobody.set_up(setup, "ada", PASSWORD).await;
        let scene = Self::crowd(nobody, admin).await;
        scene.hand_in(kubeconfig).await;
        scene
    }

    /// Everything but the cluster's credential.
    pub async fn people(nobody: &Api, admin: Api, namespace: &str, workload: &str) -> Self {
        let scene = Self::crowd(nobody, admin).await;
        let documents = json!([
            { "kind": "Environment", "name": "production", "title": "Production", "rank": 10, "cluster": "main", "policy": policy() },
            {
                "kind": "Service", "name": "checkout", "title": "Checkout", "repository": REPOSITORY, "public": true,
                "targets": [{ "environment": "production", "namespace": namespace, "name": workload, "containers": ["app"] }],
            },
        ]);
        scene.apply(documents).await;
        scene
    }

    /// The people, their groups and a cluster without a credential; no place to deploy to.
    pub async fn crowd(nobody: &Api, admin: Api) -> Self {
        let person =
            |login: &str, roles: Value| json!({ "kind": "Person", "login": login, "name": login, "roles": roles });
        let documents = json!([
            { "kind": "Cluster", "name": "main", "title": "Main" },
            person("rita", json!([{ "role": "requester" }])),
            person("dora", json!([])),
            person("pia", json!([])),
            person("otto", json!([{ "role": "operator" }])),
            person("vera", json!([{ "role": "viewer" }])),
            { "kind": "Person", "login": "carl", "name": "carl", "commit_identities": ["carl@example.com"] },
            { "kind": "Group", "name": "deployment-team", "title": "Deployment team", "members": ["dora"] },
            { "kind": "Group", "name": "product", "title": "Product", "members": ["pia"] },
        ]);
        admin.post("/api/v1/apply", json!({ "documents": documents })).await.ok();
        let requester = Self::signed_in(nobody, &admin, "rita").await;
        let token = json!({ "title": "ci", "scopes": ["images:write", "releases:write", "releases:read", "deployments:start"] });
        let token = requester.post("/api/v1/tokens", token).await.is(201);
        Self {
            deployer: Self::signed_in(nobody, &admin, "dora").await,
            product: Self::signed_in(nobody, &admin, "pia").await,
            operator: Self::signed_in(nobody, &admin, "otto").await,
            viewer: Self::signed_in(nobody, &admin, "vera").await,
            ci: nobody.with_token(token["token"].as_str().unwrap()),
            requester,
            admin,
        }
    }

    /// Applies documents, as the administrator.
    pub async fn apply(&self, documents: Value) {
        self.admin.post("/api/v1/apply", json!({ "documents": documents })).await.ok();
    }

    async fn signed_in(nobody: &Api, admin: &Api, login: &str) -> Api {
        let link = admin.post(&format!("/api/v1/people/{login}/link"), json!({})).await.ok();
        nobody.by_link(link["url"].as_str().unwrap()).await
    }

    /// Hands a kubeconfig in and confirms it once the runner has looked.
    pub async fn hand_in(&self, kubeconfig: &str) {
        self.hand_in_to("main", kubeconfig).await;
    }

    /// The same for a cluster by name.
    pub async fn hand_in_to(&self, cluster: &str, kubeconfig: &str) {
        let body = json!({ "kubeconfig": kubeconfig });
        let path = format!("/api/v1/clusters/{cluster}/credential");
        let handed = self.admin.post(&path, body).await.is(201);
        let id = handed["unverified"]["id"].as_i64().unwrap();
        eventually("the runner to look at the cluster", 30, || async {
            let seen = self.admin.get(&path).await.ok();
            let probe = &seen["unverified"]["probe"];
            assert!(probe["error"].is_null(), "{probe}");
            (!probe.is_null()).then_some(())
        })
        .await;
        self.admin.post(&format!("{path}/{id}/confirm"), json!({})).await.ok();
    }

    /// CI registers an image that carl wrote.
    pub async fn image(&self, digest: &str, tag: &str) -> Value {
        self.image_of(REPOSITORY, digest, tag).await
    }

    /// The same in another repository.
    pub async fn image_of(&self, repository: &str, digest: &str, tag: &str) -> Value {
        let body = json!({
            "repository": repository, "digest": digest, "tags": [tag], "commit": "9f2c41a8d0",
            "authors": ["Carl <carl@example.com>"], "branch": "main", "run_url": "https://ci.example/runs/5121",
            "tests": { "passed": 412 }, "built_at": "2026-11-20T10:00:00Z",
        });
        self.ci.post("/api/v1/images", body).await.ok()
    }

    /// The requester asks for a release; it is planned when this returns.
    pub async fn release(&self, digest: &str, start: Value) -> i64 {
        self.release_of("checkout", "production", digest, start).await
    }

    /// The same for a service and an environment by name.
    pub async fn release_of(&self, service: &str, environment: &str, digest: &str, start: Value) -> i64 {
        let body = json!({ "service": service, "environment": environment, "image": digest, "start": start, "note": "vouchers" });
        let release = self.requester.post("/api/v1/releases", body).await.is(201);
        let number = release["number"].as_i64().unwrap();
        self.planned(number).await;
        number
    }

    /// Waits for the plan of a release.
    pub async fn planned(&self, number: i64) -> Value {
        eventually("the plan", 30, || async {
            let release = self.show(number).await;
            assert!(release["reasons"].as_array().unwrap().iter().all(|one| one["code"] != "plan_failed"), "{release}");
            (!release["content_hash"].is_null()).then_some(release)
        })
        .await
    }

    /// A release as it stands.
    pub async fn show(&self, number: i64) -> Value {
        self.viewer.get(&format!("/api/v1/releases/{number}")).await.ok()
    }

    /// One person signs what is there now.
    pub async fn sign(&self, who: &Api, number: i64) {
        let hash = self.show(number).await["content_hash"].clone();
        who.post(&format!("/api/v1/releases/{number}/signoff"), json!({ "content_hash": hash })).await.ok();
    }

    /// Both groups sign what is there now.
    pub async fn sign_all(&self, number: i64) {
        self.sign(&self.deployer, number).await;
        self.sign(&self.product, number).await;
    }

    /// A window that opens after some seconds and lasts for some, announced.
    pub async fn window(&self, opens_in: i64, lasts: i64) -> i64 {
        let start = chrono::Utc::now() + chrono::TimeDelta::seconds(opens_in);
        let end = start + chrono::TimeDelta::seconds(lasts);
        let body = json!({
            "title": "November storefront", "starts_at": start.to_rfc3339(), "ends_at": end.to_rfc3339(),
            "zone": "Europe/Berlin", "audience": "The shop may be slow.", "public": true,
        });
        let window = self.operator.post("/api/v1/windows", body).await.is(201);
        let id = window["id"].as_i64().unwrap();
        self.operator.post(&format!("/api/v1/windows/{id}/announce"), json!({})).await.ok();
        id
    }

    /// Waits until a release has left *deploying*, and gives it.
    pub async fn ended(&self, number: i64, seconds: u64) -> Value {
        eventually("the deployment to end", seconds, || async {
            let release = self.show(number).await;
            let ended = !release["deployment"].is_null() && !release["deployment"]["verdict"].is_null();
            ended.then_some(release)
        })
        .await
    }

    /// Everything the journals of a release's deployments hold, oldest first.
    pub async fn journal(&self, number: i64) -> Vec<Value> {
        self.viewer.events(&format!("/api/v1/releases/{number}/events")).await
    }
}
