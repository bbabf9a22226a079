//! Who lives around a test's portal, and the usual things they do: people of each role, two groups
//! that an environment asks, a service with one target on the practice cluster.
//!
//! | login | is |
//! | --- | --- |
//! | ada | administers |
//! | rita | requests; CI works with a token of hers |
//! | otto | starts, plans windows |
//! | vera | may look |
//! | dora, dirk | in *deployment-team* |
//! | pia, paul | in *product* |
//! | carl | writes the code; may look |
//! | nora | has an account and nothing else |

use chrono::TimeDelta;
use serde_json::{Value, json};
use tidegate::protocol::{ApplyRequest, TokenSpec};
use tidegate::workflow::{Caller, apply, token};

use super::api::{Answer, Api};
use super::portal::TestPortal;
use super::{field, images};

/// Where the images of the service come from.
pub const REPOSITORY: &str = "registry.example/shop/checkout";

/// Every scope a token can have.
pub const SCOPES: [&str; 6] =
    ["images:write", "releases:write", "releases:read", "deployments:start", "windows:write", "settings:write"];

/// What was set up outside the portal.
#[derive(Clone)]
pub struct Place {
    /// The test's namespace on the practice cluster.
    pub namespace: String,
    /// CI, with a token of rita's.
    pub ci: Api,
}

/// The policy that most tests begin with: one of each group.
pub fn policy() -> Value {
    json!({
        "rules": [{ "group": "deployment-team", "count": 1 }, { "group": "product", "count": 1 }],
        "watch_seconds": 0,
    })
}

pub fn by_hand() -> Value {
    json!({ "mode": "by_hand" })
}

pub fn when_signed() -> Value {
    json!({ "mode": "when_signed" })
}

pub fn at_opening(window: i64) -> Value {
    json!({ "mode": "at_opening", "window": window })
}

/// Codes of the reasons why a release does not go out, in order.
pub fn reasons(release: &Value) -> Vec<&str> {
    release["reasons"].as_array().unwrap().iter().map(|reason| reason["code"].as_str().unwrap()).collect()
}

impl TestPortal {
    /// Sets everything up.
    pub async fn settle(&mut self) {
        let practice = field::practice();
        let namespace = field::namespace(practice);
        let before = format!("{REPOSITORY}@{}", images::good("before"));
        field::deployment(practice, &namespace, "checkout", &before);
        let person =
            |login: &str, roles: Value| json!({ "kind": "Person", "login": login, "name": login, "roles": roles });
        self.apply(json!([
            { "kind": "Cluster", "name": "main", "title": "Main" },
            person("ada", json!([{ "role": "admin" }])),
            person("rita", json!([{ "role": "requester" }])),
            person("otto", json!([{ "role": "operator" }])),
            person("vera", json!([{ "role": "viewer" }])),
            person("dora", json!([])),
            person("dirk", json!([])),
            person("pia", json!([])),
            person("paul", json!([])),
            {
                "kind": "Person", "login": "carl", "name": "carl", "roles": [{ "role": "viewer" }],
                "commit_identities": ["carl@example.com"],
            },
            person("nora", json!([])),
            { "kind": "Group", "name": "deployment-team", "title": "Deployment team", "members": ["dora", "dirk"] },
            { "kind": "Group", "name": "product", "title": "Product", "members": ["pia", "paul"] },
            {
                "kind": "Environment", "name": "production", "title": "Production", "rank": 10, "cluster": "main",
                "policy": policy(),
            },
            {
                "kind": "Service", "name": "checkout", "title": "Checkout", "repository": REPOSITORY,
                "targets": [target(&namespace, "checkout")],
            },
        ]))
        .await;
        let ci = self.token("rita", &SCOPES).await;
        self.place = Some(Place { namespace, ci });
        self.connect(&practice.admin_kubeconfig()).await;
    }

    pub fn namespace(&self) -> &str {
        &self.place.as_ref().expect("the town is there").namespace
    }

    /// CI, with a token of rita's that may do everything she may.
    pub fn ci(&self) -> &Api {
        &self.place.as_ref().expect("the town is there").ci
    }

    /// Makes things as documents say, as the server's own console would.
    pub async fn apply(&self, documents: Value) {
        let request = ApplyRequest { dry_run: false, documents: serde_json::from_value(documents).unwrap() };
        self.workflow()
            .act(Caller::console(), move |v| Box::pin(async move { apply::apply(v, request).await }))
            .await
            .unwrap();
    }

    /// A client with a new token of somebody's.
    pub async fn token(&self, login: &str, scopes: &[&str]) -> Api {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let spec = TokenSpec { title: "ci".to_owned(), person: Some(login.to_owned()), scopes, days: Some(90) };
        let act = self.workflow().act(Caller::console(), move |v| Box::pin(token::create(v, spec)));
        let (_, secret) = act.await.unwrap();
        self.nobody().with_token(&secret)
    }

    /// Hands a kubeconfig in and confirms it.
    pub async fn connect(&self, kubeconfig: &str) {
        let ada = self.signed_in("ada").await;
        let handed = ada.post("/api/v1/clusters/main/credential", json!({ "kubeconfig": kubeconfig })).await.is(201);
        let id = handed["unverified"]["id"].as_i64().unwrap();
        self.run_until_idle().await;
        ada.post(&format!("/api/v1/clusters/main/credential/{id}/confirm"), json!({})).await.ok();
        self.run_until_idle().await;
    }

    /// What CI sends for an image of this name that carl wrote.
    pub fn image_spec(name: &str) -> Value {
        json!({
            "repository": REPOSITORY, "digest": images::good(name), "tags": [name], "commit": "9f2c41a8d0",
            "authors": ["Carl <carl@example.com>"], "branch": "main", "run_url": "https://ci.example/runs/5121",
            "tests": { "passed": 412 }, "built_at": "2026-11-20T10:00:00Z",
        })
    }

    /// CI registers an image; gives its digest.
    pub async fn image(&self, name: &str) -> String {
        self.ci().post("/api/v1/images", Self::image_spec(name)).await.ok();
        images::good(name)
    }

    /// Asks for a release of an image.
    pub async fn ask(&self, who: &Api, digest: &str, start: Value) -> Answer {
        let body = json!({
            "service": "checkout", "environment": "production", "image": digest, "start": start, "note": "vouchers",
        });
        who.post("/api/v1/releases", body).await
    }

    /// rita asks for a release of a new image; it is planned when this returns.
    pub async fn release(&self, name: &str, start: Value) -> i64 {
        let digest = self.image(name).await;
        let release = self.ask(&self.person("rita").await, &digest, start).await.is(201);
        self.run_until_idle().await;
        release["number"].as_i64().unwrap()
    }

    /// A release as it stands.
    pub async fn show(&self, number: i64) -> Value {
        self.person("vera").await.get(&format!("/api/v1/releases/{number}")).await.ok()
    }

    pub async fn state(&self, number: i64) -> String {
        self.show(number).await["state"].as_str().unwrap().to_owned()
    }

    /// Somebody signs what is there now.
    pub async fn try_sign(&self, login: &str, number: i64) -> Answer {
        let hash = self.show(number).await["content_hash"].clone();
        let who = self.person(login).await;
        who.post(&format!("/api/v1/releases/{number}/signoff"), json!({ "content_hash": hash })).await
    }

    /// The same, and it must be taken.
    #[track_caller]
    pub fn sign(&self, login: &str, number: i64) -> impl Future<Output = Value> {
        let caller = std::panic::Location::caller();
        async move {
            let answer = self.try_sign(login, number).await;
            assert_eq!(answer.status, 200, "{login} signs at {caller}: {}", answer.body);
            answer.body
        }
    }

    /// dora and pia sign.
    pub async fn sign_all(&self, number: i64) {
        self.sign("dora", number).await;
        self.sign("pia", number).await;
    }

    pub async fn reject(&self, login: &str, number: i64) -> Answer {
        let hash = self.show(number).await["content_hash"].clone();
        let body = json!({ "content_hash": hash, "comment": "the vouchers are wrong" });
        self.person(login).await.post(&format!("/api/v1/releases/{number}/reject"), body).await
    }

    /// otto presses the button.
    pub async fn start_by_hand(&self, number: i64) -> Answer {
        self.person("otto").await.post(&format!("/api/v1/releases/{number}/start"), json!({})).await
    }

    /// What a window is made from.
    pub fn window_spec(&self, opens_in: TimeDelta, lasts: TimeDelta) -> Value {
        let start = self.clock.now().plus(opens_in);
        json!({
            "title": "November storefront", "starts_at": start, "ends_at": start.plus(lasts), "zone": "Europe/Berlin",
            "audience": "The shop may be slow.", "public": true,
        })
    }

    /// A window that nobody was told about yet.
    pub async fn draft_window(&self, opens_in: TimeDelta, lasts: TimeDelta) -> i64 {
        let otto = self.person("otto").await;
        let window = otto.post("/api/v1/windows", self.window_spec(opens_in, lasts)).await.is(201);
        window["id"].as_i64().unwrap()
    }

    /// An announced window.
    pub async fn window(&self, opens_in: TimeDelta, lasts: TimeDelta) -> i64 {
        let id = self.draft_window(opens_in, lasts).await;
        self.person("otto").await.post(&format!("/api/v1/windows/{id}/announce"), json!({})).await.ok();
        id
    }

    /// Changes fields of a window.
    pub async fn change_window(&self, id: i64, change: Value) -> Answer {
        let otto = self.person("otto").await;
        let mut window = otto.get(&format!("/api/v1/windows/{id}")).await.ok();
        let version = window["version"].as_i64().unwrap();
        let known = ["title", "starts_at", "ends_at", "zone", "audience", "public"];
        window.as_object_mut().unwrap().retain(|name, _| known.contains(&name.as_str()));
        window.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        otto.put(&format!("/api/v1/windows/{id}?version={version}"), window).await
    }

    /// Changes fields of the environment's policy, as ada.
    pub async fn change_policy(&self, change: Value) {
        let ada = self.person("ada").await;
        let mut environment = ada.get("/api/v1/environments/production").await.ok();
        environment["policy"].as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        environment.as_object_mut().unwrap().retain(|name, _| name != "version" && name != "archived");
        ada.put("/api/v1/environments/production", environment).await.ok();
        self.run_until_idle().await;
    }

    /// Puts exactly these people into a group.
    pub async fn members(&self, as_login: &str, group: &str, logins: &[&str]) {
        let api = self.person(as_login).await;
        let mut spec = api.get(&format!("/api/v1/groups/{group}")).await.ok();
        spec.as_object_mut().unwrap().retain(|name, _| name != "version" && name != "archived" && name != "roles");
        spec["members"] = json!(logins);
        api.put(&format!("/api/v1/groups/{group}"), spec).await.ok();
    }

    /// Verbs in the audit log from an entry on, oldest first. Signing in is left out: people do it
    /// when a test first asks for them.
    pub async fn audit_since(&self, from: i64) -> Vec<String> {
        let log = self.person("ada").await.get("/api/v1/audit?limit=200").await.ok();
        let mut verbs: Vec<String> = Vec::new();
        for entry in log["items"].as_array().unwrap() {
            let verb = entry["verb"].as_str().unwrap();
            if entry["index"].as_i64().unwrap() >= from && !["person.link", "person.sign_in"].contains(&verb) {
                verbs.insert(0, verb.to_owned());
            }
        }
        verbs
    }

    /// Number of entries in the audit log.
    pub async fn audit_size(&self) -> i64 {
        self.person("ada").await.get("/api/v1/audit/checkpoint").await.ok()["size"].as_i64().unwrap()
    }

    /// Facts of the last audit entry of a verb.
    pub async fn last_entry(&self, verb: &str) -> Value {
        let log = self.person("ada").await.get("/api/v1/audit?limit=200").await.ok();
        let items = log["items"].as_array().unwrap();
        let entry = items.iter().find(|entry| entry["verb"] == verb).unwrap_or_else(|| panic!("no entry {verb}"));
        let mut leaf: Value = serde_json::from_str(entry["leaf"].as_str().unwrap()).unwrap();
        leaf["facts"].take()
    }
}

/// A target of the service.
pub fn target(namespace: &str, name: &str) -> Value {
    json!({ "environment": "production", "namespace": namespace, "name": name, "containers": ["app"] })
}
