//! What the cases on a cluster need: clients, Deployments, waiting.

use std::{fmt::Debug, time::Duration};

use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::{Namespace, Pod},
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
    runtime::wait::{Condition, await_condition},
};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use serde_json::{Value, json};
use tidegate::practice::{Practice, PracticeOptions};
use tokio::time::timeout;

/// How long a case waits for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// A cluster, and a client of its administrator.
#[derive(Clone)]
pub struct Cluster {
    url: String,
    ca: String,
    pub client: Client,
}

impl Cluster {
    pub fn new(url: &str, ca: &str, token: &str) -> Self {
        Self { url: url.to_owned(), ca: ca.to_owned(), client: client(url, ca, token) }
    }

    /// A client with another token.
    pub fn client(&self, token: &str) -> Client {
        client(&self.url, &self.ca, token)
    }
}

/// A client, made field by field as the portal makes its own.
fn client(url: &str, ca: &str, token: &str) -> Client {
    let mut config = kube::Config::new(url.parse().unwrap());
    let certificates = CertificateDer::pem_slice_iter(ca.as_bytes());
    config.root_cert = Some(certificates.map(|der| der.unwrap().to_vec()).collect());
    config.auth_info.token = Some(token.to_owned().into());
    config.default_retry = false;
    Client::try_from(config).unwrap()
}

pub fn options() -> PracticeOptions {
    PracticeOptions::at(chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_000))
}

pub async fn practice() -> (Practice, Cluster) {
    let practice = Practice::start(options()).await.unwrap();
    let cluster = Cluster::new(&practice.url(), practice.ca(), practice.admin_token());
    (practice, cluster)
}

/// An image whose digest begins so, and so has the fate that goes with it.
pub fn image(digest: &str) -> String {
    format!("registry.example/web@sha256:{digest:a<64}")
}

/// A namespace of a cluster.
#[derive(Clone)]
pub struct Place {
    pub cluster: Cluster,
    pub client: Client,
    pub namespace: String,
}

impl Place {
    pub async fn make(cluster: &Cluster, name: &str) -> Self {
        let client = cluster.client.clone();
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let namespace = serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
        namespaces.create(&PostParams::default(), &namespace).await.unwrap();
        let place = Self { cluster: cluster.clone(), client, namespace: name.to_owned() };
        // On a real cluster pods can be made only once there is the account.
        let accounts: Api<k8s_openapi::api::core::v1::ServiceAccount> = place.api();
        settled(await_condition(accounts, "default", |account: Option<&_>| account.is_some())).await;
        place
    }

    /// The same place, come to with another token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { client: self.cluster.client(token), ..self.clone() }
    }

    pub fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub fn deployments(&self) -> Api<Deployment> {
        self.api()
    }

    /// Makes a Deployment of three pods; `change` has the last word.
    pub async fn deploy(&self, name: &str, image: &str, change: impl FnOnce(&mut Value)) -> Deployment {
        let mut object = json!({
            "metadata": {"name": name},
            "spec": {
                "replicas": 3,
                "selector": {"matchLabels": {"app": name}},
                "template": {
                    "metadata": {"labels": {"app": name}},
                    "spec": {"containers": [{"name": "web", "image": image}]},
                },
            },
        });
        change(&mut object);
        let object = serde_json::from_value(object).unwrap();
        self.deployments().create(&PostParams::default(), &object).await.unwrap()
    }

    /// Gives the container `web` another image, the way the portal does.
    pub async fn set_image(&self, name: &str, image: &str) -> Deployment {
        let containers = json!([{"name": "web", "image": image}]);
        self.patch(name, json!({"template": {"spec": {"containers": containers}}})).await
    }

    pub async fn patch(&self, name: &str, spec: Value) -> Deployment {
        let patch = json!({"spec": spec});
        let parameters = PatchParams { field_manager: Some("tidegate".to_owned()), ..PatchParams::default() };
        self.deployments().patch(name, &parameters, &Patch::Strategic(patch)).await.unwrap()
    }

    pub async fn until(&self, name: &str, condition: impl Condition<Deployment>) -> Deployment {
        settled(await_condition(self.deployments(), name, condition)).await.unwrap()
    }

    pub async fn rolled_out(&self, name: &str) -> Deployment {
        self.until(name, is_complete).await
    }

    pub async fn pods(&self, name: &str) -> Vec<Pod> {
        let chosen = ListParams::default().labels(&format!("app={name}"));
        let pods = self.api::<Pod>().list(&chosen).await.unwrap();
        pods.items.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()).collect()
    }

    pub async fn replica_sets(&self, name: &str) -> Vec<ReplicaSet> {
        let chosen = ListParams::default().labels(&format!("app={name}"));
        self.api::<ReplicaSet>().list(&chosen).await.unwrap().items
    }

    /// Waits until one of a Deployment's pods is as wanted, and returns it.
    pub async fn pod(&self, name: &str, is: impl Fn(&Pod) -> bool) -> Pod {
        for _ in 0..600 {
            if let Some(pod) = self.pods(name).await.into_iter().find(&is) {
                return pod;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no pod of {name} came to be as wanted");
    }

    pub async fn remove(self) {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        namespaces.delete(&self.namespace, &DeleteParams::default()).await.unwrap();
        let gone = |namespace: Option<&Namespace>| namespace.is_none();
        settled(await_condition(namespaces, &self.namespace, gone)).await;
    }
}

/// Waits, but not for ever.
pub async fn settled<T, E: Debug>(future: impl Future<Output = Result<T, E>>) -> T {
    timeout(PATIENCE, future).await.expect("it came to nothing in time").unwrap()
}

pub fn is_complete(deployment: Option<&Deployment>) -> bool {
    let Some(deployment) = deployment else {
        return false;
    };
    let (Some(spec), Some(status)) = (&deployment.spec, &deployment.status) else {
        return false;
    };
    status.observed_generation >= deployment.metadata.generation
        && status.updated_replicas.unwrap_or(0) == spec.replicas.unwrap_or(0)
        && status.replicas.unwrap_or(0) == spec.replicas.unwrap_or(0)
        && status.available_replicas.unwrap_or(0) == spec.replicas.unwrap_or(0)
}

/// The reason of a condition; empty where there is none.
pub fn reason<'d>(deployment: &'d Deployment, kind: &str) -> &'d str {
    let conditions = deployment.status.as_ref().and_then(|status| status.conditions.as_ref());
    let found = conditions.into_iter().flatten().find(|condition| condition.type_ == kind);
    found.and_then(|condition| condition.reason.as_deref()).unwrap_or("")
}

/// The image of a pod's first container.
pub fn image_of(pod: &Pod) -> &str {
    pod.spec.as_ref().and_then(|spec| spec.containers[0].image.as_deref()).unwrap_or("")
}

/// What a pod's first container waits for; empty when it does not wait.
pub fn waiting(pod: &Pod) -> String {
    let status = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
    let state = status.and_then(|statuses| statuses.first()).and_then(|first| first.state.clone());
    state.and_then(|state| state.waiting).and_then(|waiting| waiting.reason).unwrap_or_default()
}

pub fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// The status code of a refusal.
pub fn code<T: Debug>(result: Result<T, kube::Error>) -> u16 {
    refusal(result).code
}

pub fn refusal<T: Debug>(result: Result<T, kube::Error>) -> kube::core::Status {
    match result {
        Err(kube::Error::Api(status)) => *status,
        other => panic!("no refusal: {other:?}"),
    }
}

pub fn revision(object: &impl ResourceExt) -> &str {
    object.annotations().get("deployment.kubernetes.io/revision").map_or("", String::as_str)
}
