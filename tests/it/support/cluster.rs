//! The real control plane of `tests/cluster`: one for all tests that leave it alone, and one of
//! their own for those that stop its parts. The oracle is its own history, read by a watch of the
//! test's and not by the portal.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use futures_util::TryStreamExt as _;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{ListParams, PostParams, WatchEvent, WatchParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::json;
use tokio::sync::OnceCell;

/// A running control plane.
pub struct Cluster {
    processes: Arc<Processes>,
    /// The administrator's kubeconfig, without exec and without paths.
    pub kubeconfig: String,
    /// A client of the administrator's. It lives in the runtime of one test and is not shared.
    pub client: Client,
}

/// The processes of a control plane; they end with the last who holds them, or with this process.
struct Processes {
    folder: PathBuf,
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster").join(name)
}

static SHARED: OnceCell<Arc<Processes>> = OnceCell::const_new();

impl Cluster {
    /// The one that all tests share, each in namespaces of its own.
    pub async fn shared() -> Self {
        let processes = SHARED.get_or_init(|| async { Arc::new(Processes::start().await) }).await;
        Self::of(processes.clone()).await
    }

    /// One for a test that disturbs it.
    pub async fn start() -> Self {
        Self::of(Arc::new(Processes::start().await)).await
    }

    async fn of(processes: Arc<Processes>) -> Self {
        super::prepare();
        let kubeconfig = std::fs::read_to_string(processes.folder.join("kubeconfig")).unwrap();
        let client = client(&kubeconfig).await;
        Self { processes, kubeconfig, client }
    }

    /// Stops, lets go on, kills or starts a part of it.
    pub async fn part(&self, what: &str, part: &str) {
        let (folder, what, part) = (self.processes.folder.clone(), what.to_owned(), part.to_owned());
        let done = tokio::task::spawn_blocking(move || {
            Command::new(script("part")).arg(folder).args([what, part]).output().unwrap()
        });
        let done = done.await.unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// kubectl as the administrator; gives its output.
    pub async fn kubectl(&self, arguments: &[&str]) -> String {
        let (folder, program) = (self.processes.folder.clone(), self.programs().join("kubectl"));
        let arguments: Vec<String> = arguments.iter().map(|one| (*one).to_owned()).collect();
        tokio::task::spawn_blocking(move || {
            let done = Command::new(program)
                .arg("--kubeconfig")
                .arg(folder.join("kubeconfig"))
                .args(&arguments)
                .output()
                .unwrap();
            assert!(done.status.success(), "kubectl {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
            String::from_utf8(done.stdout).unwrap()
        })
        .await
        .unwrap()
    }

    /// The folder with kubectl in it.
    pub fn programs(&self) -> PathBuf {
        PathBuf::from(self.variable("CLUSTER_BIN"))
    }

    fn variable(&self, name: &str) -> String {
        let env = std::fs::read_to_string(self.processes.folder.join("env")).unwrap();
        let line = env.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap().trim_matches(['\'', '"']).to_owned()
    }

    /// Where its API is.
    pub fn url(&self) -> String {
        self.variable("CLUSTER_API_URL")
    }

    /// The administrator's token.
    pub fn token(&self) -> String {
        self.variable("CLUSTER_TOKEN")
    }

    /// The certificates that vouch for it, as PEM.
    pub fn authority(&self) -> String {
        use base64::Engine as _;
        let line = self.kubeconfig.lines().find_map(|line| line.trim().strip_prefix("certificate-authority-data:"));
        let pem = base64::prelude::BASE64_STANDARD.decode(line.unwrap().trim()).unwrap();
        String::from_utf8(pem).unwrap()
    }

    /// A namespace of a test's own.
    pub async fn namespace(&self, name: &str) -> String {
        let name =
            format!("{name}-{}", &super::images::good(&format!("{name}{:?}", std::time::SystemTime::now()))[9..15]);
        let api: Api<Namespace> = Api::all(self.client.clone());
        let namespace = serde_json::from_value(json!({ "metadata": { "name": name } })).unwrap();
        api.create(&PostParams::default(), &namespace).await.unwrap();
        name
    }

    /// A Deployment with one container `app` that runs this image, once it is rolled out.
    pub async fn deployment(&self, namespace: &str, name: &str, replicas: i32, image: &str) -> Deployment {
        let api: Api<Deployment> = Api::namespaced(self.client.clone(), namespace);
        let deployment = json!({
            "metadata": { "name": name },
            "spec": {
                "replicas": replicas,
                "selector": { "matchLabels": { "app": name } },
                "template": {
                    "metadata": { "labels": { "app": name } },
                    "spec": { "containers": [{ "name": "app", "image": image }, { "name": "side", "image": "r.example/side:1" }] },
                },
            },
        });
        api.create(&PostParams::default(), &serde_json::from_value(deployment).unwrap()).await.unwrap();
        super::eventually("the first rollout", 30, || async {
            let found = api.get(name).await.unwrap();
            let available = found.status.as_ref().and_then(|status| status.available_replicas).unwrap_or(0);
            (available == replicas).then_some(found)
        })
        .await
    }

    /// The workload as it is.
    pub async fn get(&self, namespace: &str, name: &str) -> Deployment {
        Api::<Deployment>::namespaced(self.client.clone(), namespace).get(name).await.unwrap()
    }

    /// Begins to keep the history of a workload.
    pub async fn history(&self, namespace: &str, name: &str) -> History {
        History::begin(self.client.clone(), namespace, name).await
    }
}

impl Processes {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap().keep();
        let owner = std::process::id().to_string();
        let (at, up) = (folder.clone(), script("up"));
        let started = tokio::task::spawn_blocking(move || {
            Command::new(up).arg(at).args(["--owner", &owner, "--remove"]).output().unwrap()
        });
        let started = started.await.unwrap();
        assert!(started.status.success(), "no control plane: {}", String::from_utf8_lossy(&started.stderr));
        Self { folder }
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        let _ = Command::new(script("down")).arg(&self.folder).arg("--remove").status();
    }
}

/// A client that kube itself makes from a kubeconfig of the tests' own.
pub async fn client(kubeconfig: &str) -> Client {
    let parsed = kube::config::Kubeconfig::from_yaml(kubeconfig).unwrap();
    let config =
        kube::Config::from_custom_kubeconfig(parsed, &kube::config::KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

/// Every state of a workload, in the cluster's own words.
pub struct History {
    states: Arc<Mutex<Vec<Deployment>>>,
    task: tokio::task::JoinHandle<()>,
}

impl History {
    async fn begin(client: Client, namespace: &str, name: &str) -> Self {
        let api: Api<Deployment> = Api::namespaced(client, namespace);
        let fields = format!("metadata.name={name}");
        let list = api.list(&ListParams::default().fields(&fields)).await.unwrap();
        let states = Arc::new(Mutex::new(list.items));
        let mut version = list.metadata.resource_version.unwrap();
        let kept = states.clone();
        let task = tokio::spawn(async move {
            loop {
                let params = WatchParams::default().fields(&fields).timeout(250);
                let Ok(stream) = api.watch(&params, &version).await else {
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    continue;
                };
                futures_util::pin_mut!(stream);
                while let Ok(Some(event)) = stream.try_next().await {
                    match event {
                        WatchEvent::Added(found) | WatchEvent::Modified(found) | WatchEvent::Deleted(found) => {
                            version = found.resource_version().unwrap();
                            kept.lock().unwrap().push(found);
                        }
                        WatchEvent::Bookmark(bookmark) => version = bookmark.metadata.resource_version,
                        WatchEvent::Error(error) => panic!("the history of the cluster broke: {error:?}"),
                    }
                }
            }
        });
        Self { states, task }
    }

    /// Images that container `app` has had, one after the other, as the cluster saw them.
    pub fn images(&self) -> Vec<String> {
        let mut images: Vec<String> = Vec::new();
        for state in self.states.lock().unwrap().iter() {
            let image = image(state, "app");
            if images.last() != Some(&image) {
                images.push(image);
            }
        }
        images
    }

    /// How often the workload's specification changed, whatever in it.
    pub fn spec_changes(&self) -> usize {
        let states = self.states.lock().unwrap();
        let generations: std::collections::BTreeSet<i64> =
            states.iter().filter_map(|state| state.metadata.generation).collect();
        generations.len().saturating_sub(1)
    }
}

impl Drop for History {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The image of a container.
pub fn image(deployment: &Deployment, container: &str) -> String {
    let template = deployment.spec.as_ref().unwrap().template.spec.as_ref().unwrap();
    template.containers.iter().find(|one| one.name == container).unwrap().image.clone().unwrap()
}
