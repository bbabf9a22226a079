//! A cluster that a case runs on: the practice cluster or the real control plane. Cases say what
//! happens there; who plays the cluster they need not know.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tidegate::practice::{Account, Asked, Fault, FaultId, Practice, PracticeOptions, Rule};

use super::cluster::{self, Cluster};
use super::{eventually, images};

/// Whom the practice cluster takes the portal for: somebody else than the test.
pub const PORTAL: &str = "portal";

/// Who plays the cluster.
#[derive(Clone)]
pub enum Ground {
    /// The practice cluster, in the test's own process.
    Practice(Arc<Practice>, Client),
    /// The real control plane.
    Real(Arc<Cluster>),
}

impl Ground {
    /// A practice cluster of the test's own.
    pub async fn practice() -> Self {
        super::prepare();
        let now = chrono::Utc::now();
        let all = Rule {
            groups: vec!["*".to_owned()],
            resources: vec!["*".to_owned()],
            verbs: vec!["*".to_owned()],
            ..Rule::default()
        };
        let accounts = vec![Account::new(PORTAL, "the-portals-own-token", vec![all])];
        let options = PracticeOptions { remembered: 40_000, accounts, ..PracticeOptions::at(now) };
        let practice = Practice::start(options).await.unwrap();
        let client = cluster::client(&practice.admin_kubeconfig()).await;
        Self::Practice(Arc::new(practice), client)
    }

    /// The real one that tests share.
    pub async fn real() -> Self {
        Self::Real(Arc::new(Cluster::shared().await))
    }

    /// A real one for a test that stops its parts.
    pub async fn real_alone() -> Self {
        Self::Real(Arc::new(Cluster::start().await))
    }

    /// The practice cluster, for what only it can do.
    pub fn bench(&self) -> Option<&Practice> {
        match self {
            Self::Practice(practice, _) => Some(practice),
            Self::Real(_) => None,
        }
    }

    /// A kubeconfig that may do everything.
    pub fn kubeconfig(&self) -> String {
        match self {
            Self::Practice(practice, _) => {
                practice.kubeconfig_for(&Account::new(PORTAL, "the-portals-own-token", Vec::new()))
            }
            Self::Real(cluster) => cluster.kubeconfig.clone(),
        }
    }

    /// A client of the administrator's.
    pub fn client(&self) -> Client {
        match self {
            Self::Practice(_, client) => client.clone(),
            Self::Real(cluster) => cluster.client.clone(),
        }
    }

    /// A namespace of a case's own.
    pub async fn place(&self, name: &str) -> Place {
        let salt = images::good(&format!("{name}{:?}", std::time::SystemTime::now()));
        let namespace = format!("{}-{}", name.chars().take(40).collect::<String>(), &salt[12..18]);
        let api: Api<Namespace> = Api::all(self.client());
        let object = serde_json::from_value(json!({ "metadata": { "name": namespace } })).unwrap();
        api.create(&PostParams::default(), &object).await.unwrap();
        Place { ground: self.clone(), client: self.client(), namespace }
    }

    /// Takes the API server away: its process is killed.
    pub async fn stop(&self) {
        match self {
            Self::Practice(practice, _) => practice.pause().await.unwrap(),
            Self::Real(cluster) => cluster.part("kill", "apiserver").await,
        }
    }

    /// Brings it back after [`Ground::stop`].
    pub async fn start(&self) {
        match self {
            Self::Practice(practice, _) => practice.resume().await.unwrap(),
            Self::Real(cluster) => cluster.part("start", "apiserver").await,
        }
    }

    /// Freezes it (SIGSTOP): connections stand and nothing answers.
    pub async fn freeze(&self) {
        match self {
            Self::Practice(practice, _) => practice.freeze().await.unwrap(),
            Self::Real(cluster) => cluster.part("stop", "apiserver").await,
        }
    }

    /// Lets it go on after [`Ground::freeze`].
    pub async fn thaw(&self) {
        match self {
            Self::Practice(practice, _) => practice.resume().await.unwrap(),
            Self::Real(cluster) => cluster.part("cont", "apiserver").await,
        }
    }
}

/// A namespace on a ground, as another actor than the portal sees it.
#[derive(Clone)]
pub struct Place {
    /// Where.
    pub ground: Ground,
    client: Client,
    /// Its name.
    pub namespace: String,
}

impl Place {
    /// Objects of a kind there.
    pub fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    fn workloads(&self) -> Api<Deployment> {
        self.api()
    }

    /// Makes a Deployment with the containers `app` (this image) and `side`; `change` has the last
    /// word.
    pub async fn make(&self, name: &str, image: &str, change: impl FnOnce(&mut Value)) {
        let mut object = json!({
            "metadata": { "name": name },
            "spec": {
                "replicas": 3,
                "selector": { "matchLabels": { "app": name } },
                "template": {
                    "metadata": { "labels": { "app": name } },
                    "spec": { "containers": [
                        { "name": "app", "image": image }, { "name": "side", "image": "r.example/side:1" },
                    ] },
                },
            },
        });
        change(&mut object);
        let object = serde_json::from_value(object).unwrap();
        self.workloads().create(&PostParams::default(), &object).await.unwrap();
    }

    /// Makes one and waits until it serves.
    pub async fn deploy(&self, name: &str, image: &str, change: impl FnOnce(&mut Value)) {
        self.make(name, image, change).await;
        self.serving(name).await;
    }

    /// Waits until a Deployment serves as its specification says.
    pub async fn serving(&self, name: &str) {
        eventually("the rollout", 40, || async {
            let found = self.get(name).await?;
            let (spec, status) = (found.spec?, found.status?);
            let wanted = spec.replicas.unwrap_or(1);
            let observed = status.observed_generation >= found.metadata.generation;
            let all = [status.updated_replicas, status.available_replicas, status.replicas];
            (observed && all.iter().all(|count| count.unwrap_or(0) == wanted)).then_some(())
        })
        .await;
    }

    /// A Deployment as it is now; none while the server does not answer.
    pub async fn get(&self, name: &str) -> Option<Deployment> {
        tokio::time::timeout(Duration::from_secs(5), self.workloads().get(name)).await.ok()?.ok()
    }

    /// The image of container `app`.
    pub async fn image(&self, name: &str) -> String {
        cluster::image(&self.get(name).await.unwrap(), "app")
    }

    /// Changes a Deployment with a strategic merge patch, as kubectl does.
    pub async fn change(&self, name: &str, patch: Value) {
        let params = PatchParams { field_manager: Some("somebody".to_owned()), ..PatchParams::default() };
        self.workloads().patch(name, &params, &Patch::Strategic(patch)).await.unwrap();
    }

    /// Gives container `app` another image.
    pub async fn set_image(&self, name: &str, image: &str) {
        let containers = json!([{ "name": "app", "image": image }]);
        self.change(name, json!({ "spec": { "template": { "spec": { "containers": containers } } } })).await;
    }

    /// Scales a Deployment, as an autoscaler does.
    pub async fn scale(&self, name: &str, replicas: i32) {
        self.change(name, json!({ "spec": { "replicas": replicas } })).await;
    }

    /// Deletes a Deployment and waits until it is gone.
    pub async fn delete(&self, name: &str) {
        self.workloads().delete(name, &DeleteParams::default()).await.unwrap();
        eventually("the end of the Deployment", 20, || async {
            self.workloads().get_opt(name).await.unwrap().is_none().then_some(())
        })
        .await;
    }

    /// Pods of a Deployment whose container `app` has this image, that are not on their way out.
    pub async fn pods(&self, name: &str, image: &str) -> usize {
        let chosen = ListParams::default().labels(&format!("app={name}"));
        let pods = self.api::<Pod>().list(&chosen).await.unwrap().items.into_iter();
        let pods = pods.filter(|pod| pod.metadata.deletion_timestamp.is_none());
        let has = |pod: &Pod| {
            pod.spec.as_ref().is_some_and(|spec| spec.containers.iter().any(|one| one.image.as_deref() == Some(image)))
        };
        pods.filter(has).count()
    }

    /// Lets something go wrong with the portal's next requests of this verb about Deployments here.
    pub fn fault(&self, times: usize, verb: &'static str, fault: Fault) -> FaultId {
        self.fault_after(0, times, verb, fault)
    }

    /// The same, once so many of them have gone well.
    pub fn fault_after(&self, well: usize, times: usize, verb: &'static str, fault: Fault) -> FaultId {
        let (namespace, seen) = (self.namespace.clone(), AtomicUsize::new(0));
        let matches = move |asked: &Asked, user: &str| {
            let here = asked.target.as_ref().is_some_and(|target| {
                target.namespace == namespace && target.resource == "deployments" && target.subresource.is_empty()
            });
            here && asked.verb == verb && user == PORTAL && seen.fetch_add(1, Ordering::SeqCst) >= well
        };
        self.ground.bench().unwrap().faults().inject(times, fault, matches)
    }

    /// Ends that.
    pub fn lift(&self, fault: FaultId) {
        self.ground.bench().unwrap().faults().lift(fault);
    }

    /// Begins to keep the history of a Deployment.
    pub async fn history(&self, name: &str) -> History {
        let watched = match &self.ground {
            Ground::Practice(..) => None,
            Ground::Real(_) => Some(cluster::History::begin(self.client.clone(), &self.namespace, name).await),
        };
        History { place: self.clone(), name: name.to_owned(), watched }
    }
}

/// What has become of a Deployment, in the cluster's own words: the record of the practice cluster,
/// or a watch of the test's own.
pub struct History {
    place: Place,
    name: String,
    watched: Option<cluster::History>,
}

impl History {
    async fn states(&self) -> Vec<Deployment> {
        match (&self.watched, &self.place.ground) {
            (Some(watched), _) => {
                watched.catch_up().await;
                watched.states()
            }
            (None, Ground::Practice(practice, _)) => {
                let of = practice.history().into_iter().filter(|change| {
                    change.kind == "Deployment"
                        && change.namespace == self.place.namespace
                        && change.name == self.name
                        && change.action != tidegate::practice::Action::Deleted
                });
                of.map(|change| serde_json::from_value((*change.object).clone()).unwrap()).collect()
            }
            (None, Ground::Real(_)) => unreachable!("the history of a real cluster is watched"),
        }
    }

    /// Images that container `app` has had, one after the other.
    pub async fn images(&self) -> Vec<String> {
        let mut images: Vec<String> = Vec::new();
        for state in self.states().await {
            let image = cluster::image(&state, "app");
            if images.last() != Some(&image) {
                images.push(image);
            }
        }
        images
    }

    /// How often the specification changed, whoever changed it and whatever in it.
    pub async fn spec_changes(&self) -> usize {
        cluster::spec_changes(&self.states().await)
    }

    /// How often anything of the object but its status was written by the portal, as far as the
    /// practice cluster's record says; nothing on the real one, where others' writes are counted
    /// with them.
    pub fn writes_of_ours(&self) -> Option<usize> {
        let Ground::Practice(practice, _) = &self.place.ground else { return None };
        let ours = practice.history().into_iter().filter(|change| {
            change.kind == "Deployment"
                && change.namespace == self.place.namespace
                && change.name == self.name
                && change.manager == "tidegate"
        });
        Some(ours.count())
    }
}
