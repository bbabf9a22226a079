//! What stands in `deploy/`, held against the code and against a real API server.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tidegate::cluster::rights::rights;
use tidegate::domain::name::{Label, WorkloadName};
use tidegate::domain::service::{Workload, WorkloadKind};
use tidegate::yaml::{Limits, documents};

use crate::support::cluster::Cluster;
use crate::support::process::Portal;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name)
}

fn read(name: &str) -> Vec<Value> {
    let limits = Limits { bytes: 65536, depth: 16, documents: 20, nodes: 2000 };
    let text = std::fs::read(file(name)).unwrap();
    documents(&text, limits)
        .unwrap_or_else(|fault| panic!("{name}: {fault:?}"))
        .iter()
        .map(|one| one.to_json())
        .collect()
}

fn of_kind<'a>(all: &'a [Value], kind: &str) -> &'a Value {
    all.iter().find(|one| one["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}

#[test]
fn the_role_for_a_target_grants_what_the_job_needs_and_nothing_else() {
    let manifests = read("target-role.yaml");
    let target = Workload {
        namespace: Label::parse("shop").unwrap(),
        kind: WorkloadKind::Deployment,
        name: WorkloadName::parse("checkout").unwrap(),
    };
    let needed: Vec<Value> = rights(&[target])
        .into_iter()
        .map(|right| {
            let mut rule = json!({ "apiGroups": [right.group], "resources": [right.resource], "verbs": right.verbs });
            if !right.names.is_empty() {
                rule["resourceNames"] = serde_json::to_value(&right.names).unwrap();
            }
            rule
        })
        .collect();
    assert_eq!(*of_kind(&manifests, "Role")["rules"].as_array().unwrap(), needed);
    let binding = of_kind(&manifests, "RoleBinding");
    assert_eq!(binding["roleRef"]["name"], of_kind(&manifests, "Role")["metadata"]["name"]);
    assert_eq!(binding["subjects"][0]["name"], of_kind(&manifests, "ServiceAccount")["metadata"]["name"]);
    assert_eq!(manifests.len(), 3, "a role of one namespace, and nothing for the whole cluster");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_api_server_takes_every_manifest_as_it_is() {
    let cluster = Cluster::shared().await;
    let namespace = cluster.namespace("deploy").await;
    // Whatever is warned about is a failure: deprecated versions, unknown fields, Pod Security.
    let level = "pod-security.kubernetes.io/warn=restricted";
    cluster.kubectl(&["label", "namespace", &namespace, level]).await;
    let checked = ["apply", "--dry-run=server", "--validate=strict", "--warnings-as-errors", "--namespace", &namespace];
    let folder = file("kubernetes");
    let folder = folder.to_str().unwrap();
    let made = cluster.kubectl(&[&checked[..], &["--kustomize", folder]].concat()).await;
    for kind in ["serviceaccount", "persistentvolumeclaim", "deployment.apps", "service", "networkpolicy"] {
        assert!(made.lines().any(|line| line.starts_with(kind) && line.contains("server dry run")), "{made}");
    }
    let role = file("target-role.yaml");
    cluster.kubectl(&[&checked[..], &["--filename", role.to_str().unwrap()]].concat()).await;
    // Nothing in the folder is left out of the kustomization.
    let mut files: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|one| one.unwrap().file_name().into_string().unwrap()).collect();
    files.retain(|name| name != "kustomization.yaml");
    files.sort();
    let mut named: Vec<String> =
        serde_json::from_value(read("kubernetes/kustomization.yaml")[0]["resources"].clone()).unwrap();
    named.sort();
    assert_eq!(named, files);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_account_of_the_role_may_deploy_and_may_not_do_harm() {
    let cluster = Cluster::shared().await;
    let namespace = cluster.namespace("role").await;
    let role = file("target-role.yaml");
    cluster.kubectl(&["apply", "--namespace", &namespace, "--filename", role.to_str().unwrap()]).await;
    let whom = format!("--as=system:serviceaccount:{namespace}:tidegate");
    // `auth can-i` ends with 1 on a no, so everything is asked at once.
    let table = cluster.kubectl(&["auth", "can-i", "--list", "--namespace", &namespace, &whom]).await;
    let line = |resource: &str, names: &str| {
        let found = table.lines().find(|line| line.split_whitespace().next() == Some(resource) && line.contains(names));
        found.and_then(|line| line.rfind('[').map(|at| line[at..].to_owned()))
    };
    assert_eq!(line("deployments.apps", "[checkout]").unwrap(), "[get patch]", "{table}");
    assert_eq!(line("pods", "").unwrap(), "[get list watch]", "{table}");
    for harm in ["secrets", "pods/exec", "configmaps", "*.*"] {
        assert_eq!(line(harm, ""), None, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_portal_runs_as_the_deployment_sets_it_up() {
    let manifests = read("kubernetes/deployment.yaml");
    let pod = &of_kind(&manifests, "Deployment")["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    assert_eq!(of_kind(&manifests, "Deployment")["spec"]["replicas"], 1);
    assert_eq!(of_kind(&manifests, "Deployment")["spec"]["strategy"]["type"], "Recreate");
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);

    // Every variable is one the portal knows, with a value it takes; the folder is the test's.
    let serve = crate::support::command::tidegate(["serve", "--help"]).run().await.with(0).out;
    let mut environment = Vec::new();
    for variable in container["env"].as_array().unwrap() {
        let name = variable["name"].as_str().unwrap();
        assert!(serve.contains(name), "{name} is no setting of serve");
        match (name, variable["value"].as_str()) {
            ("TIDEGATE_DATA_DIR" | "TIDEGATE_PORT" | "TIDEGATE_BIND", Some(_)) => {}
            (name, Some(value)) => environment.push((name, value.to_owned())),
            ("TIDEGATE_KEYRING", None) => {
                let folder = tempfile::tempdir().unwrap();
                let made = crate::support::command::tidegate(["vault", "create", "keyring"]).within(folder.path());
                made.run().await.with(0);
                environment.push((name, std::fs::read_to_string(folder.path().join("keyring")).unwrap()));
            }
            (_, None) => assert_eq!(variable["valueFrom"]["secretKeyRef"]["optional"], true, "{variable}"),
        }
    }
    let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let arguments: Vec<&str> = container["args"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    assert_eq!(arguments, ["serve"]);
    let portal = Portal::start_with(&[], &environment).await;
    // As the kubelet asks: by address, with no name of the portal's in it.
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
        let path = container[probe]["httpGet"]["path"].as_str().unwrap();
        let answer = reqwest::get(format!("{}{path}", portal.url)).await.unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{probe}");
    }
    assert!(portal.output().contains("https://tidegate.example.com/setup/"), "{}", portal.output());
}

#[test]
fn the_image_is_made_from_what_the_crate_needs() {
    let text = std::fs::read_to_string(file("Dockerfile")).unwrap();
    let ignored = std::fs::read_to_string(file("Dockerfile.dockerignore")).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for line in text.lines().filter(|line| line.starts_with("COPY ") && !line.contains("--from")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        for source in &words[1..words.len() - 1] {
            assert!(root.join(source).exists(), "{line}");
            assert!(ignored.lines().any(|one| one == format!("!{source}")), "{source} does not reach the builder");
        }
    }
    // Folders that the code embeds at compile time have to be there.
    for embedded in ["templates", "static", "migrations"] {
        assert!(text.contains(&format!("COPY {embedded} {embedded}")), "{embedded}");
    }
    let toml = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let rust = toml.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap().trim_matches('"');
    assert!(text.contains(&format!("ARG RUST={rust}")), "the image is built with the crate's own Rust");
    assert!(text.contains("USER 65532") && text.contains(":nonroot"));
}
