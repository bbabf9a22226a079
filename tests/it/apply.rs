//! `tidegate apply`, as a process, against a portal that is a process.

use serde_json::{Value, json};

use crate::support::api::Api;
use crate::support::command::{Line, tidegate};
use crate::support::process::Portal;
use crate::support::scene::PASSWORD;

/// A portal that is set up, an administrator, and a token of theirs for `apply`.
struct Place {
    portal: Portal,
    admin: Api,
    token: String,
    folder: tempfile::TempDir,
}

impl Place {
    async fn make() -> Self {
        let portal = Portal::start().await;
        let admin = portal.api().set_up(&portal.setup_secret(), "ada", PASSWORD).await;
        let token = token(&admin, json!(["settings:write"])).await;
        Self { portal, admin, token, folder: tempfile::tempdir().unwrap() }
    }

    /// Writes a file below the folder that commands run in.
    fn file(&self, name: &str, text: &str) -> &Self {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// `tidegate apply` with its token.
    fn apply(&self, arguments: &[&str]) -> Line {
        self.apply_as(&self.token, arguments)
    }

    fn apply_as(&self, token: &str, arguments: &[&str]) -> Line {
        self.line(arguments).env("TIDEGATE_TOKEN", token)
    }

    fn line(&self, arguments: &[&str]) -> Line {
        let line = tidegate(["apply"].iter().chain(arguments)).within(self.folder.path());
        line.env("TIDEGATE_URL", &self.portal.url)
    }

    async fn names(&self, of: &str) -> Vec<String> {
        let list = self.admin.get(&format!("/api/v1/{of}")).await.ok();
        let name = |one: &Value| {
            let field = if of == "people" { "login" } else { "name" };
            one["spec"][field].as_str().or(one[field].as_str()).unwrap().to_owned()
        };
        list["items"].as_array().unwrap().iter().map(name).collect()
    }

    async fn audit(&self) -> usize {
        let log = self.admin.get("/api/v1/audit?limit=200").await.ok();
        log["items"].as_array().unwrap().len()
    }
}

async fn token(of: &Api, scopes: Value) -> String {
    let made = of.post("/api/v1/tokens", json!({ "title": "apply", "scopes": scopes })).await.is(201);
    made["token"].as_str().unwrap().to_owned()
}

/// Everything there is a kind for, each file before what it refers to.
const SERVICES: &str = "\
kind: Service
name: checkout
title: Checkout
repository: registry.example/shop/checkout
owner: product
public: true
targets:
  - { environment: production, namespace: shop, name: checkout, containers: [app] }
";
const ENVIRONMENTS: &str = "\
# where things run
kind: Environment
name: production
title: Production
rank: 10
cluster: main
policy:
  rules:
    - group: deployment-team
      count: 1
    - group: product
      count: 1
  start_modes: [by_hand, at_opening]
  watch_seconds: 30
---
kind: Cluster
name: main
title: Main
---
";
const PEOPLE: &str = "\
kind: Group
name: deployment-team
title: Deployment team
members: [dora]
---
kind: Group
name: product
title: Product
members: [pia]
roles: [{ role: viewer }]
---
kind: Person
login: dora
name: Dora
---
kind: Person
login: pia
name: Pia
email: pia@example.com
commit_identities: [pia@example.com, pia]
roles:
  - role: requester
    environment: production
";

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_applied_in_any_order_and_a_second_time_changes_nothing() {
    let place = Place::make().await;
    place.file("shop/1-services.yaml", SERVICES).file("shop/2/environments.yml", ENVIRONMENTS);
    place.file("shop/3-people.yaml", PEOPLE).file("shop/README.md", "no YAML: [").file("shop/.draft.yaml", "kind: [");

    let first = place.apply(&["-f", "shop"]).run().await.with(0);
    let lines: Vec<&str> = first.out.lines().collect();
    assert_eq!(
        lines,
        [
            "created service checkout",
            "created environment production",
            "created cluster main",
            "created group deployment-team",
            "created group product",
            "created person dora",
            "created person pia",
            "7 created, 0 changed, 0 unchanged",
        ]
    );
    assert_eq!(first.err, "");
    let service = place.admin.get("/api/v1/services/checkout").await.ok();
    assert_eq!(service["targets"][0]["namespace"], "shop", "{service}");

    let before = place.audit().await;
    let second = place.apply(&["-f", "shop"]).run().await.with(0);
    assert!(second.out.lines().take(7).all(|line| line.starts_with("unchanged ")), "{}", second.out);
    assert!(second.out.ends_with("0 created, 0 changed, 7 unchanged\n"), "{}", second.out);
    assert_eq!(place.audit().await, before, "nothing was done, so nothing is in the audit log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_prints_the_difference_and_changes_nothing() {
    let place = Place::make().await;
    place.file("all.yaml", &[PEOPLE, ENVIRONMENTS, SERVICES].join("---\n"));

    let before = place.audit().await;
    let dry = place.apply(&["-f", "all.yaml", "--dry-run"]).run().await.with(0);
    assert!(dry.out.contains("would create service checkout\n"), "{}", dry.out);
    assert!(dry.out.contains("    repository: registry.example/shop/checkout\n"), "{}", dry.out);
    assert!(dry.out.ends_with("dry run: 7 to create, 0 to change, 0 unchanged; nothing was changed\n"), "{}", dry.out);
    assert_eq!(place.names("services").await, Vec::<String>::new());
    assert_eq!(place.names("people").await, ["ada"]);
    assert_eq!(place.audit().await, before);

    place.apply(&["-f", "all.yaml"]).run().await.with(0);
    let edited =
        ENVIRONMENTS.replace("watch_seconds: 30", "watch_seconds: 5").replace("title: Production", "title: Live");
    place.file("all.yaml", &[PEOPLE, &edited, SERVICES].join("---\n"));
    for (arguments, code) in [(&["--dry-run"][..], 0), (&["--dry-run", "--exit-code"], 3), (&[], 0)] {
        let arguments: Vec<&str> = [&["-f", "all.yaml"], arguments].concat();
        let ended = place.apply(&arguments).run().await.with(code);
        assert!(
            ended.out.contains("    policy.watch_seconds: 30 → 5\n    title: Production → Live\n"),
            "{}",
            ended.out
        );
        let changed = if arguments.len() > 2 { "would change" } else { "changed" };
        assert!(ended.out.contains(&format!("{changed} environment production\n")), "{}", ended.out);
    }
    place.apply(&["-f", "all.yaml", "--dry-run", "--exit-code"]).run().await.with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_every_file_is_named_with_file_line_and_field() {
    let place = Place::make().await;
    place.file(
        "a.yaml",
        "kind: Service\nname: checkout\ntitel: Checkout\nrepository: registry.example/shop/checkout\nextra: 1\n",
    );
    place.file(
        "b.yaml",
        "kind: Person\nlogin: dora\nname: 7\n---\nkind: Persona\nlogin: pia\n---\n- a list\n---\nname: none\n",
    );
    place.file("c.yaml", "kind: Group\nname: product\ntitle: Product\nname: other\n");
    place.file("d.yaml", "kind: Group\nname: [product\ntitle: Product\n");
    place.file(
        "e.yaml",
        "kind: Environment\nname: production\ntitle: Production\npolicy:\n  rules:\n    - group: qa\n      count: many\n  watch: 3\n",
    );
    place.file("f.yaml", "kind: Cluster\nname: &name main\ntitle: Main\n");
    let ended =
        place.apply(&["-f", ".", "-f", "absent.yaml", "-f", "-"]).input("kind: Token\ntitle: ci\n").run().await.with(1);
    let said: Vec<&str> = ended.err.lines().collect();
    let expected = [
        "absent.yaml: cannot be read: No such file or directory (os error 2)",
        "./a.yaml:3: titel: is no field that there is; known here: name, title, repository, owner, public, targets",
        "./a.yaml:1: title: is missing",
        "./a.yaml:5: extra: is no field that there is; known here: name, title, repository, owner, public, targets",
        "./b.yaml:3: name: should be text and is a whole number; put it in quotes",
        "./b.yaml:5: kind: is none that there is; one of Person, Group, Cluster, Environment, Service, Token",
        "./b.yaml:8: a document is a mapping that begins with its kind, such as `kind: Service`",
        "./b.yaml:10: kind: is missing; one of Person, Group, Cluster, Environment, Service, Token",
        "./c.yaml:4: this field is there a second time; keep one of the two",
        "./e.yaml:7: policy.rules[0].count: should be a whole number and is text",
        "./f.yaml:2: an anchor or an alias (&name, *name): write the value out where it is needed",
        "<stdin>:1: scopes: is missing",
    ];
    for line in expected {
        assert!(said.contains(&line), "{line}\nis not in\n{}", ended.err);
    }
    assert!(
        said.iter().any(|line| line.starts_with("./d.yaml:") && line.contains("cannot be read as YAML")),
        "{}",
        ended.err
    );
    assert_eq!(*said.last().unwrap(), "tidegate: 13 faults; nothing was sent");
    assert_eq!(ended.out, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_portal_refuses_is_named_with_file_line_and_field_and_nothing_stays() {
    let place = Place::make().await;
    let audit = place.audit().await;
    let good = "kind: Group\nname: product\ntitle: Product\n---\n";
    let person = "kind: Person\nlogin: dora\nname: Dora\nroles:\n  - role: viewer\n  - role: emperor\n";
    let rule = "kind: Environment\nname: production\ntitle: Production\npolicy:\n  rules:\n    - { group: product, count: 1 }\n    - group: qa\n      count: 1\n";
    let cases = [
        (rule, "z.yaml:11: policy.rules[1].group: "),
        (person, "z.yaml:10: roles[1].role: "),
        ("kind: Service\nname: Check Out\ntitle: C\nrepository: registry.example/c\n", "z.yaml:6: name: "),
        ("kind: Service\nname: checkout\ntitle: C\nrepository: 'registry example'\n", "z.yaml:8: repository: "),
        ("kind: Group\nname: ops\ntitle: Ops\nmembers: [ada, nobody]\n", "z.yaml:8: members[1]: "),
        ("kind: Environment\nname: test\ntitle: Test\ncluster: mars\n", "z.yaml:8: cluster: "),
        ("kind: Token\ntitle: ci\nscopes: [images:write, moon:walk]\n", "z.yaml:7: scopes[1]: "),
        // A conflict belongs to the whole document: the last administrator cannot go.
        ("kind: Person\nlogin: ada\nname: Ada\nroles: []\n", "z.yaml:5: Person ada: "),
    ];
    for (text, expected) in cases {
        place.file("z.yaml", &[good, text].concat());
        let ended = place.apply(&["-f", "z.yaml"]).run().await.with(1);
        assert!(ended.err.starts_with(expected), "{expected}\n{}", ended.err);
        assert!(ended.err.ends_with("tidegate: 1 fault; nothing was changed\n"), "{}", ended.err);
        assert_eq!(place.names("groups").await, Vec::<String>::new(), "the good document before it is not kept");
    }
    assert_eq!(place.audit().await, audit);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_thing_twice_is_refused_since_order_must_not_matter() {
    let place = Place::make().await;
    place.file("a.yaml", "kind: Group\nname: product\ntitle: Product\n");
    place.file("b.yaml", "kind: Group\nname: ops\ntitle: Ops\n---\nkind: Group\nname: product\ntitle: Others\n");
    let ended = place.apply(&["-f", "."]).run().await.with(1);
    assert!(
        ended.err.starts_with("./b.yaml:5: Group product: is there a second time; the first stands in ./a.yaml:1\n"),
        "{}",
        ended.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_of_a_token_is_printed_once_and_works() {
    let place = Place::make().await;
    place.file("t.yaml", "kind: Token\ntitle: ci\nperson: rita\nscopes: [images:write]\n---\nkind: Person\nlogin: rita\nname: Rita\nroles: [{ role: requester }]\n");
    let dry = place.apply(&["-f", "t.yaml", "--dry-run"]).run().await.with(0);
    assert!(!dry.out.contains("tdg_"), "a token that is not made has no secret: {}", dry.out);
    let first = place.apply(&["-f", "t.yaml"]).run().await.with(0);
    let secret = first.out.split("shown this once: ").nth(1).unwrap().lines().next().unwrap();
    assert_eq!(first.out.matches("tdg_").count(), 1);
    let ci = place.portal.api().with_token(secret);
    let image = json!({ "repository": "registry.example/shop/c", "digest": crate::support::images::good("t") });
    ci.post("/api/v1/images", image).await.ok();
    let second = place.apply(&["-f", "t.yaml"]).run().await.with(0);
    assert!(second.out.contains("unchanged token ci\n") && !second.out.contains("tdg_"), "{}", second.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_documents_than_one_call_takes_are_refused() {
    let place = Place::make().await;
    let group = |n: usize| format!("kind: Group\nname: g{n}\ntitle: Group {n}\n---\n");
    let many: String = (0..1001).map(group).collect();
    place.file("many.yaml", &many);
    let ended = place.apply(&["-f", "many.yaml"]).run().await.with(1);
    assert!(ended.err.contains("1001 documents: at most 1000 go in one call"), "{}", ended.err);
    let documents: Vec<Value> =
        (0..1001).map(|n| json!({ "kind": "Group", "name": format!("g{n}"), "title": "G" })).collect();
    let answer = place.admin.post("/api/v1/apply", json!({ "documents": documents })).await.is(422);
    assert_eq!(answer["errors"][0]["pointer"], "/documents");
    assert_eq!(place.names("groups").await, Vec::<String>::new());
    // Exactly as many as are allowed go through, in two files, and not only small ones.
    let roles = "roles: [{ role: viewer }, { role: requester }, { role: operator }]";
    let group = |n: usize| format!("kind: Group\nname: g{n}\ntitle: {n:0>119}g\nmembers: []\n{roles}\n---\n");
    place.file("many.yaml", &(0..500).map(group).collect::<String>());
    place.file("more.yaml", &(500..1000).map(group).collect::<String>());
    let ended = place.apply(&["-f", "many.yaml", "more.yaml"]).run().await.with(0);
    assert!(ended.out.ends_with("1000 created, 0 changed, 0 unchanged\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_apply_is_told_and_changes_nothing() {
    let place = Place::make().await;
    place.file("g.yaml", "kind: Group\nname: product\ntitle: Product\n");
    let refused = |ended: crate::support::command::Ended, what: &str| {
        assert!(
            ended.err.starts_with("tidegate: ") && ended.err.contains("nothing was changed"),
            "{what}: {}",
            ended.err
        );
        assert_eq!(ended.out, "");
    };
    refused(place.apply_as("tdg_wrong", &["-f", "g.yaml"]).run().await.with(1), "a wrong token");
    let reader = token(&place.admin, json!(["releases:read"])).await;
    refused(place.apply_as(&reader, &["-f", "g.yaml"]).run().await.with(1), "too small a scope");
    place
        .admin
        .post("/api/v1/people", json!({ "login": "vera", "name": "Vera", "roles": [{ "role": "operator" }] }))
        .await
        .ok();
    let link = place.admin.post("/api/v1/people/vera/link", json!({})).await.ok();
    let vera = place.portal.api().by_link(link["url"].as_str().unwrap()).await;
    let made = vera.post("/api/v1/tokens", json!({ "title": "apply", "scopes": ["settings:write"] })).await;
    if made.status == 201 {
        let vera = made.body["token"].as_str().unwrap();
        refused(place.apply_as(vera, &["-f", "g.yaml"]).run().await.with(1), "no administrator");
    }
    assert_eq!(place.names("groups").await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_usage_is_told_before_anything_is_sent() {
    let place = Place::make().await;
    place.file("g.yaml", "kind: Group\nname: product\ntitle: Product\n").file("token", &place.token);
    let usage = |ended: crate::support::command::Ended, words: &str| {
        assert!(ended.err.contains(words), "{words}: {}", ended.err)
    };
    let at =
        |arguments: &[&str]| tidegate(["apply", "-f", "g.yaml"].iter().chain(arguments)).within(place.folder.path());
    usage(at(&[]).run().await.with(2), "set TIDEGATE_URL or give --url");
    usage(place.line(&["-f", "g.yaml"]).run().await.with(2), "set TIDEGATE_TOKEN or give --token-file");
    usage(place.apply(&["-f", "g.yaml", "--token-file", "token"]).run().await.with(2), "two tokens");
    usage(place.apply(&[]).run().await.with(2), "--file");
    usage(place.apply(&["-f", "g.yaml", "--exit-code"]).run().await.with(2), "--dry-run");
    usage(place.apply(&["-f", "-", "-f", "-"]).run().await.with(2), "only once");
    usage(place.apply(&["-f", "g.yaml", "--what"]).run().await.with(2), "--what");
    for url in
        ["http://gate.example.com", "ftp://127.0.0.1", "https://a:hunter2@gate.example.com", "http://127.0.0.1/x"]
    {
        let ended = place.apply(&["-f", "g.yaml", "--url", url]).run().await.with(2);
        assert!(!ended.err.contains("hunter2"), "{}", ended.err);
    }
    place.line(&["-f", "g.yaml", "--token-file", "token"]).run().await.with(0);
    let version = tidegate(["--version"]).run().await.with(0);
    assert_eq!(version.out, concat!("tidegate ", env!("CARGO_PKG_VERSION"), "\n"));
    assert!(tidegate(["apply", "--help"]).run().await.with(0).out.contains("Exit codes:"));
    tidegate(["no-such-command"]).run().await.with(2);
}
