//! `tidegate demo`, as people start it: a process, its output, its links, and what is left when it
//! has ended.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::ListParams;
use serde_json::{Value, json};

use crate::support::api::Api;
use crate::support::cluster::Cluster;
use crate::support::command::tidegate;
use crate::support::{eventually, images};

/// A demo that runs. Its temporary files are in a folder of the test's.
pub struct Demo {
    child: Child,
    temporary: tempfile::TempDir,
}

impl Demo {
    fn spawn(arguments: &[&str]) -> Self {
        crate::support::prepare();
        let temporary = tempfile::tempdir().unwrap();
        let file = |name: &str| Stdio::from(std::fs::File::create(temporary.path().join(name)).unwrap());
        std::fs::create_dir(temporary.path().join("tmp")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(["demo", "--port", "0"])
            .args(arguments)
            .env("TMPDIR", temporary.path().join("tmp"))
            .stdin(Stdio::null())
            .stdout(file("out"))
            .stderr(file("err"))
            .spawn()
            .unwrap();
        Self { child, temporary }
    }

    /// One that has printed all it has to say.
    pub async fn start(arguments: &[&str]) -> Self {
        let mut demo = Self::spawn(arguments);
        let until = tokio::time::Instant::now() + Duration::from_secs(90);
        while !demo.read("out").contains("Ctrl-C ends it") {
            let ended = demo.child.try_wait().unwrap();
            assert!(ended.is_none(), "the demo ended with {ended:?}: {}", demo.read("err"));
            assert!(tokio::time::Instant::now() < until, "the demo does not come up: {}", demo.read("err"));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        demo
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.temporary.path().join(name)).unwrap_or_default()
    }

    /// Where it is.
    pub fn url(&self) -> String {
        let out = self.read("out");
        out.lines().map(str::trim).find(|line| line.starts_with("http://")).unwrap().to_owned()
    }

    /// The links, by whom they sign in.
    pub fn links(&self) -> BTreeMap<String, String> {
        let out = self.read("out");
        let lines: Vec<&str> = out.lines().collect();
        let link = |pair: &[&str]| {
            let link = pair[1].trim();
            let login = pair[0].split_whitespace().next()?;
            link.contains("/sign-in/").then(|| (login.to_owned(), link.to_owned()))
        };
        lines.windows(2).filter_map(link).collect()
    }

    /// Everybody, each signed in by the link that was printed for them.
    async fn people(&self) -> BTreeMap<String, Api> {
        let mut people = BTreeMap::new();
        for (login, link) in self.links() {
            let person = Api::new(&self.url()).by_link(&link).await;
            assert_eq!(person.get("/api/v1/session").await.ok()["login"], login.as_str());
            people.insert(login, person);
        }
        let expected = ["admin", "auditor", "deploy-1", "deploy-2", "dev", "operator", "product-1", "product-2"];
        assert_eq!(people.keys().map(String::as_str).collect::<Vec<_>>(), expected);
        people
    }

    /// What is left of its temporary files.
    fn left(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.temporary.path().join("tmp")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn signal(&self, name: &str) {
        let done = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    /// Waits for its end; it must have begun no process that outlives it.
    async fn ended(&mut self, seconds: u64) -> ExitStatus {
        let until = tokio::time::Instant::now() + Duration::from_secs(seconds);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(tokio::time::Instant::now() < until, "the demo goes on after {seconds} s: {}", self.read("err"));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Processes it has begun.
    fn children(&self) -> String {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default()).collect()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the demo said\n{}{}", self.read("out"), self.read("err"));
        }
    }
}

async fn releases(api: &Api) -> Vec<Value> {
    let list = api.get("/api/v1/releases?limit=100").await.ok();
    let mut releases = Vec::new();
    for one in list["items"].as_array().unwrap() {
        releases.push(api.get(&format!("/api/v1/releases/{}", one["number"])).await.ok());
    }
    releases
}

fn codes(release: &Value) -> Vec<&str> {
    release["reasons"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect()
}

/// The release that lacks exactly one sign-off, product's, and the one beside it that is ready.
async fn next_two(auditor: &Api) -> (Value, Value) {
    let releases = releases(auditor).await;
    let with = |wanted: &[&str]| {
        let mut found = releases.iter().filter(|one| one["environment"] == "production" && codes(one) == wanted);
        let first = found.next().cloned();
        (first, found.count())
    };
    let (Some(next), 0) = with(&["signoff_missing", "window_not_open"]) else { panic!("{releases:?}") };
    let missing = next["reasons"][0]["people"].as_array().unwrap();
    assert_eq!(*missing, [json!("product-1"), json!("product-2")]);
    assert_eq!(next["decisions"].as_array().unwrap().len(), 1, "{next}");
    assert_eq!(next["state"], "waiting");
    let (Some(ready), 0) = with(&["window_not_open"]) else { panic!("{releases:?}") };
    assert_eq!(ready["state"], "ready");
    assert_eq!(next["start"]["window"]["id"], ready["start"]["window"]["id"], "{next}");
    (next, ready)
}

/// Signs as product, waits for the window, and sees both releases go out in it.
async fn finish(people: &BTreeMap<String, Api>) {
    let auditor = &people["auditor"];
    let (next, ready) = next_two(auditor).await;
    let number = next["number"].as_i64().unwrap();
    let signature = json!({ "content_hash": next["content_hash"] });
    let path = format!("/api/v1/releases/{number}/signoff");
    for wrong in ["dev", "deploy-1", "deploy-2", "operator", "admin", "auditor"] {
        assert_ne!(people[wrong].post(&path, signature.clone()).await.status, 200, "{wrong}");
    }
    people["product-1"].post(&path, signature).await.ok();
    for one in [number, ready["number"].as_i64().unwrap()] {
        let done = eventually("the release to go out", 60, || async {
            let release = auditor.get(&format!("/api/v1/releases/{one}")).await.ok();
            let verdict = release["deployment"]["verdict"].clone();
            (!verdict.is_null()).then_some(release)
        })
        .await;
        assert_eq!(done["state"], "succeeded", "{done}");
        let time = |value: &Value| chrono::DateTime::parse_from_rfc3339(value.as_str().unwrap()).unwrap();
        let began = time(&done["deployment"]["started_at"]);
        assert!(began >= time(&done["start"]["window"]["starts_at"]), "{done}");
    }
}

/// A history worth looking at: what went well, what failed and was rolled back, what was rejected.
async fn look_around(auditor: &Api) {
    let releases = releases(auditor).await;
    let count = |state: &str| releases.iter().filter(|one| one["state"] == state).count();
    assert!(count("succeeded") >= 10 && count("waiting") >= 3, "{releases:?}");
    let failed = releases.iter().find(|one| one["state"] == "failed").unwrap();
    let directions: Vec<&Value> =
        failed["deployments"].as_array().unwrap().iter().map(|one| &one["direction"]).collect();
    assert_eq!(directions, ["forward", "rollback"], "{failed}");
    assert_eq!(failed["deployments"][1]["verdict"], "succeeded");
    assert!(failed["image"]["digest"].as_str().unwrap().starts_with("sha256:dead"));
    assert_eq!(count("rejected"), 1);
    // It did not all happen this minute.
    let day = |one: &Value| one["requested_at"].as_str().unwrap()[..10].to_owned();
    let days: std::collections::BTreeSet<String> = releases.iter().map(day).collect();
    assert!(days.len() >= 4, "{days:?}");

    let windows = auditor.get("/api/v1/windows").await.ok();
    let windows = windows["items"].as_array().unwrap();
    let states: std::collections::BTreeSet<&str> = windows.iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states.into_iter().collect::<Vec<_>>(), ["announced", "closed", "draft"], "{windows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_finishes_the_demo_and_nothing_stays_behind() {
    let begun = std::time::Instant::now();
    let mut demo = Demo::start(&["--window-in", "6"]).await;
    assert!(begun.elapsed() < Duration::from_secs(10), "seeds take {:?}", begun.elapsed());
    assert_eq!(demo.left().len(), 1, "its data is in one temporary folder");

    let people = demo.people().await;
    look_around(&people["auditor"]).await;
    let public = reqwest::get(format!("{}/announcements", demo.url())).await.unwrap().text().await.unwrap();
    assert!(public.contains("Vouchers at the checkout") && !public.contains("Mail templates"), "{public}");
    let token = demo.read("out").split("TIDEGATE_TOKEN=").nth(1).unwrap().lines().next().unwrap().to_owned();
    let line = tidegate(["apply", "-f", "-", "--url", &demo.url()]).env("TIDEGATE_TOKEN", &token);
    line.input("kind: Group\nname: qa\ntitle: QA\n").run().await.with(0);

    finish(&people).await;

    assert_eq!(demo.children(), "");
    let (host, begun) = (demo.url().replace("http://", ""), std::time::Instant::now());
    demo.signal("INT");
    assert!(demo.ended(10).await.success());
    assert!(begun.elapsed() < Duration::from_secs(5), "ending takes {:?}", begun.elapsed());
    assert_eq!(demo.left(), Vec::<String>::new());
    assert!(std::net::TcpStream::connect(host).is_err());
    assert_eq!(demo.read("err"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_ends_in_the_middle_of_its_preparations_too() {
    for (signal, after) in [("INT", 0), ("TERM", 300), ("HUP", 900)] {
        let mut demo = Demo::spawn(&[]);
        // The folder shows that signals are listened for.
        eventually("the folder", 10, || async { (!demo.left().is_empty()).then_some(()) }).await;
        tokio::time::sleep(Duration::from_millis(after)).await;
        demo.signal(signal);
        assert!(demo.ended(10).await.success(), "{signal}: {}", demo.read("err"));
        assert_eq!(demo.left(), Vec::<String>::new(), "{signal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_keeps_its_data_where_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept/here");
    let mut demo = Demo::start(&["--keep", kept.to_str().unwrap()]).await;
    assert_eq!(demo.left(), Vec::<String>::new());
    demo.signal("TERM");
    assert!(demo.ended(10).await.success());
    assert!(kept.join("tidegate.db").exists() && kept.join("tidegate.keys").exists());

    let refused = tidegate(["demo", "--port", "0", "--keep"]).run().await;
    assert_eq!(refused.code, 2);
    let refused = tidegate(["demo", "--port", "0", "--keep", kept.to_str().unwrap()]).run().await.with(1);
    assert!(refused.err.contains("is not empty"), "{}", refused.err);
    assert!(kept.join("tidegate.db").exists(), "what somebody keeps is not removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_the_demo_from_starting_is_said() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let refused = tidegate(["demo", "--port", &port]).run().await.with(1);
    assert!(refused.err.contains("give another --port, or --port 0"), "{}", refused.err);

    let folder = tempfile::tempdir().unwrap();
    let at = |arguments: &[&str]| tidegate(["demo", "--port", "0"].iter().chain(arguments)).within(folder.path());
    at(&["--zone", "Mars/Olympus"]).run().await.with(2);
    at(&["--context", "kind"]).run().await.with(2);
    let refused = at(&["--kubeconfig", "absent"]).run().await.with(1);
    assert!(refused.err.contains("cannot read absent"), "{}", refused.err);

    let config = |user: &str| {
        format!(
            "apiVersion: v1\nkind: Config\nclusters:\n- name: c\n  cluster: {{ server: 'https://127.0.0.1:1', certificate-authority-data: x }}\n\
             users:\n- name: u\n  user: {user}\ncontexts:\n- name: one\n  context: {{ cluster: c, user: u }}\n"
        )
    };
    // The gate's own sentence is what is printed; the command is not run.
    let marker = folder.path().join("ran");
    let exec = format!(
        "{{ exec: {{ apiVersion: client.authentication.k8s.io/v1, command: touch, args: ['{}'] }} }}",
        marker.display()
    );
    std::fs::write(folder.path().join("exec"), config(&exec)).unwrap();
    let refused = at(&["--kubeconfig", "exec"]).run().await.with(1);
    assert!(refused.err.starts_with("tidegate: exec: ") && refused.err.contains("command"), "{}", refused.err);
    assert!(!marker.exists());
    let two = config("{ token: abc }") + "- name: two\n  context: { cluster: c, user: u }\n";
    std::fs::write(folder.path().join("two"), two).unwrap();
    let refused = at(&["--kubeconfig", "two"]).run().await.with(1);
    assert!(refused.err.contains("Give --context with one of: one, two"), "{}", refused.err);
}

async fn namespaces(cluster: &Cluster) -> Vec<String> {
    let api: kube::Api<Namespace> = kube::Api::all(cluster.client.clone());
    let ours = ListParams::default().labels("app.kubernetes.io/managed-by=tidegate-demo");
    api.list(&ours).await.unwrap().items.into_iter().map(|one| one.metadata.name.unwrap()).collect()
}

fn written(kubeconfig: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), kubeconfig).unwrap();
    file
}

fn path(file: &tempfile::NamedTempFile) -> &str {
    Path::to_str(file.path()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_real_cluster_the_demo_uses_a_namespace_of_its_own_and_takes_it_away() {
    // Its own cluster: two demos at the same time would each see the other's namespace.
    let cluster = Cluster::start().await;
    let file = written(&cluster.kubeconfig);
    let mut demo = Demo::start(&["--kubeconfig", path(&file), "--window-in", "6"]).await;
    let [namespace] = &namespaces(&cluster).await[..] else { panic!("one namespace is made") };
    assert!(namespace.starts_with("tidegate-demo-"), "{namespace}");
    assert!(demo.read("out").contains(namespace));
    let before = cluster.get(namespace, "checkout").await;
    let people = demo.people().await;
    look_around(&people["auditor"]).await;
    finish(&people).await;
    let after = cluster.get(namespace, "checkout").await;
    let image = crate::support::cluster::image(&after, "app");
    assert_ne!(image, crate::support::cluster::image(&before, "app"));
    assert!(image.starts_with("registry.example/shop/checkout@sha256:9"), "{image}");
    demo.signal("INT");
    assert!(demo.ended(60).await.success(), "{}", demo.read("err"));
    assert_eq!(namespaces(&cluster).await, Vec::<String>::new());
    assert_eq!(demo.left(), Vec::<String>::new());

    // Ended while it is being prepared, and by its own failure.
    let mut demo = Demo::spawn(&["--kubeconfig", path(&file)]);
    eventually("the namespace", 30, || async { (!namespaces(&cluster).await.is_empty()).then_some(()) }).await;
    demo.signal("TERM");
    assert!(demo.ended(60).await.success(), "{}", demo.read("err"));
    assert_eq!(namespaces(&cluster).await, Vec::<String>::new());

    cluster.kubectl(&["create", "serviceaccount", "narrow", "-n", "default"]).await;
    let rules = ["--verb=get,list,create,delete", "--resource=namespaces,nodes"];
    cluster.kubectl(&[&["create", "clusterrole", "narrow"][..], &rules].concat()).await;
    let whom = ["--clusterrole=narrow", "--serviceaccount=default:narrow"];
    cluster.kubectl(&[&["create", "clusterrolebinding", "narrow"][..], &whom].concat()).await;
    let token = cluster.kubectl(&["create", "token", "narrow", "-n", "default"]).await;
    let narrow = written(&cluster.kubeconfig.replace(&cluster.token(), token.trim()));
    let refused = tidegate(["demo", "--port", "0", "--kubeconfig", path(&narrow)]).run().await.with(1);
    assert!(
        refused.err.contains("the demo could not be prepared: the shop does not run in tidegate-demo-"),
        "{}",
        refused.err
    );
    assert_eq!(namespaces(&cluster).await, Vec::<String>::new());

    // On nodes that say they are real, only images that can be pulled are named.
    cluster.kubectl(&["label", "nodes", "--all", "type-"]).await;
    let mut demo = Demo::start(&["--kubeconfig", path(&file), "--window-in", "6"]).await;
    let people = demo.people().await;
    look_around(&people["auditor"]).await;
    finish(&people).await;
    for release in releases(&people["auditor"]).await {
        assert_eq!(release["image"]["repository"], "registry.k8s.io/pause");
    }
    demo.signal("INT");
    assert!(demo.ended(60).await.success(), "{}", demo.read("err"));
    assert_eq!(namespaces(&cluster).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_leaves_alone_what_is_not_its_own() {
    let cluster = Cluster::shared().await;
    let namespace = cluster.namespace("bystander").await;
    let image = format!("registry.example/other@{}", images::good("bystander"));
    cluster.deployment(&namespace, "checkout", 1, &image).await;
    let history = cluster.history(&namespace, "checkout").await;
    let file = written(&cluster.kubeconfig);
    let mut demo = Demo::start(&["--kubeconfig", path(&file)]).await;
    demo.signal("TERM");
    assert!(demo.ended(60).await.success(), "{}", demo.read("err"));
    assert_eq!((history.images(), history.spec_changes()), (vec![image], 0));
}
