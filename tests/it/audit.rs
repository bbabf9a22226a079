//! The audit log: every state change has its entries in the same transaction or does not happen
//! (rule 21); nothing in it can be changed; the tree over it is the one of RFC 6962.

use chrono::TimeDelta;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::api::{Answer, Api};
use crate::support::database::{Kind, Probe};
use crate::support::portal::{TestPortal, both};
use crate::support::town::{by_hand, target};
use crate::support::{field, images};

/// What somebody does, and the entries it leaves.
struct Act {
    what: &'static str,
    who: Api,
    method: reqwest::Method,
    path: String,
    body: Value,
    entries: &'static [&'static str],
}

/// One of everything that changes something. Each act finds what it needs when its turn comes.
async fn acts(portal: &TestPortal) -> Vec<Act> {
    let (ada, rita, otto) = (portal.signed_in("ada").await, portal.person("rita").await, portal.person("otto").await);
    let (dora, pia) = (portal.person("dora").await, portal.person("pia").await);
    let window = portal.window(TimeDelta::hours(1), TimeDelta::hours(1)).await;
    let draft = portal.draft_window(TimeDelta::hours(3), TimeDelta::hours(1)).await;
    let mut numbers = Vec::new();
    for name in ["one", "two", "three", "four"] {
        numbers.push(portal.release(name, by_hand()).await);
    }
    let [one, two, three, four] = numbers[..] else { panic!("four releases") };
    portal.sign_all(four).await;
    let version = portal.person("vera").await.get(&format!("/api/v1/windows/{window}")).await.ok()["version"].clone();
    let hash = async |number: i64| portal.show(number).await["content_hash"].clone();
    let token = rita.post("/api/v1/tokens", json!({ "title": "to go", "scopes": ["images:write"] })).await.is(201);
    let environment = |name: &str| json!({ "name": name, "title": "Staging", "rank": 5, "policy": { "rules": [] } });
    let (one_hash, two_hash) = (hash(one).await, hash(two).await);
    let post = reqwest::Method::POST;
    let put = reqwest::Method::PUT;
    let act = |what, who: &Api, method: &reqwest::Method, path: String, body, entries| Act {
        what,
        who: who.clone(),
        method: method.clone(),
        path: format!("/api/v1{path}"),
        body,
        entries,
    };
    let decision = |hash: &Value| json!({ "content_hash": hash, "comment": "because" });
    vec![
        act("register", portal.ci(), &post, "/images".into(), TestPortal::image_spec("new"), &["image.register"]),
        act("evidence", portal.ci(), &post, "/images".into(), evidence("new"), &["image.evidence"]),
        act(
            "evidence of a release",
            portal.ci(),
            &post,
            "/images".into(),
            evidence("three"),
            &["release.revise", "image.evidence"],
        ),
        act("sign", &dora, &post, format!("/releases/{one}/signoff"), decision(&one_hash), &["signoff.approve"]),
        act("sign again", &dora, &post, format!("/releases/{one}/signoff"), decision(&one_hash), &["signoff.refused"]),
        act(
            "reject",
            &pia,
            &post,
            format!("/releases/{two}/reject"),
            decision(&two_hash),
            &["signoff.reject", "release.reject"],
        ),
        act(
            "revise",
            &rita,
            &reqwest::Method::PATCH,
            format!("/releases/{one}"),
            json!({ "note": "new" }),
            &["release.revise"],
        ),
        act("plan again", &rita, &post, format!("/releases/{four}/plan"), json!({}), &["release.revise"]),
        act("withdraw", &rita, &post, format!("/releases/{three}/withdraw"), json!({}), &["release.withdraw"]),
        act("request", &rita, &post, "/releases".into(), request("one"), &["release.request"]),
        act(
            "plan a window",
            &otto,
            &post,
            "/windows".into(),
            portal.window_spec(TimeDelta::hours(1), TimeDelta::hours(1)),
            &["window.create"],
        ),
        act("announce", &otto, &post, format!("/windows/{draft}/announce"), json!({}), &["window.announce"]),
        act(
            "move a window",
            &otto,
            &put,
            format!("/windows/{window}?version={version}"),
            portal.window_spec(TimeDelta::hours(2), TimeDelta::hours(1)),
            &["window.edit", "window.announce"],
        ),
        act(
            "cancel a window",
            &otto,
            &post,
            format!("/windows/{draft}/cancel"),
            json!({}),
            &["window.cancel", "window.announce"],
        ),
        act(
            "make a person",
            &ada,
            &post,
            "/people".into(),
            json!({ "login": "zoe", "name": "Zoe Z", "email": "zoe@example.com" }),
            &["person.create"],
        ),
        act(
            "edit a person",
            &ada,
            &put,
            "/people/zoe".into(),
            json!({ "login": "zoe", "name": "Zoe Y", "commit_identities": ["zoe@example.com"], "roles": [{ "role": "viewer" }] }),
            &["person.edit"],
        ),
        act("hand out a link", &ada, &post, "/people/zoe/link".into(), json!({}), &["person.link"]),
        act("deactivate", &ada, &post, "/people/zoe/archive".into(), json!({}), &["person.deactivate"]),
        act("activate", &ada, &post, "/people/zoe/restore".into(), json!({}), &["person.reactivate"]),
        act(
            "make a group",
            &ada,
            &post,
            "/groups".into(),
            json!({ "name": "crew", "title": "Crew", "members": ["zoe"] }),
            &["group.create"],
        ),
        act(
            "edit a group",
            &ada,
            &put,
            "/groups/crew".into(),
            json!({ "name": "crew", "title": "Crew", "members": ["zoe", "vera"] }),
            &["group.edit"],
        ),
        act("archive a group", &ada, &post, "/groups/crew/archive".into(), json!({}), &["group.archive"]),
        act("restore a group", &ada, &post, "/groups/crew/restore".into(), json!({}), &["group.restore"]),
        act(
            "make a cluster",
            &ada,
            &post,
            "/clusters".into(),
            json!({ "name": "spare", "title": "Spare" }),
            &["cluster.create"],
        ),
        act(
            "edit a cluster",
            &ada,
            &put,
            "/clusters/spare".into(),
            json!({ "name": "spare", "title": "Spare one" }),
            &["cluster.edit"],
        ),
        act(
            "hand a credential in",
            &ada,
            &post,
            "/clusters/spare/credential".into(),
            json!({ "kubeconfig": field::practice().admin_kubeconfig() }),
            &["cluster.hand_in"],
        ),
        act(
            "drop credentials",
            &ada,
            &reqwest::Method::DELETE,
            "/clusters/spare/credential".into(),
            json!({}),
            &["cluster.drop_credential"],
        ),
        act("archive a cluster", &ada, &post, "/clusters/spare/archive".into(), json!({}), &["cluster.archive"]),
        act("restore a cluster", &ada, &post, "/clusters/spare/restore".into(), json!({}), &["cluster.restore"]),
        act(
            "make an environment",
            &ada,
            &post,
            "/environments".into(),
            environment("staging"),
            &["environment.create"],
        ),
        act(
            "edit an environment",
            &ada,
            &put,
            "/environments/staging".into(),
            json!({ "name": "staging", "title": "Stage" }),
            &["environment.edit"],
        ),
        act(
            "archive an environment",
            &ada,
            &post,
            "/environments/staging/archive".into(),
            json!({}),
            &["environment.archive"],
        ),
        act(
            "restore an environment",
            &ada,
            &post,
            "/environments/staging/restore".into(),
            json!({}),
            &["environment.restore"],
        ),
        act(
            "make a service",
            &ada,
            &post,
            "/services".into(),
            json!({ "name": "basket", "title": "Basket", "repository": "r.example/basket" }),
            &["service.create"],
        ),
        act(
            "edit a service",
            &ada,
            &put,
            "/services/basket".into(),
            json!({ "name": "basket", "title": "Baskets", "repository": "r.example/basket" }),
            &["service.edit"],
        ),
        act(
            "add a target",
            &ada,
            &post,
            "/services/basket/targets".into(),
            target("elsewhere", "basket"),
            &["target.create"],
        ),
        act(
            "edit a target",
            &ada,
            &put,
            "/targets/2?version=1".into(),
            target("elsewhere", "baskets"),
            &["target.edit"],
        ),
        act("archive a target", &ada, &post, "/targets/2/archive".into(), json!({}), &["target.archive"]),
        act("restore a target", &ada, &post, "/targets/2/restore".into(), json!({}), &["target.restore"]),
        act("archive a service", &ada, &post, "/services/basket/archive".into(), json!({}), &["service.archive"]),
        act("restore a service", &ada, &post, "/services/basket/restore".into(), json!({}), &["service.restore"]),
        act(
            "make a token",
            &rita,
            &post,
            "/tokens".into(),
            json!({ "title": "new", "scopes": ["images:write"] }),
            &["token.create"],
        ),
        act(
            "edit a token",
            &rita,
            &reqwest::Method::PUT,
            format!("/tokens/{}", token["id"]),
            json!({ "title": "another", "scopes": token["scopes"] }),
            &["token.edit"],
        ),
        act(
            "take a token back",
            &rita,
            &reqwest::Method::DELETE,
            format!("/tokens/{}", token["id"]),
            json!({}),
            &["token.revoke"],
        ),
        act(
            "apply",
            &ada,
            &post,
            "/apply".into(),
            json!({ "documents": [
            { "kind": "Group", "name": "band", "title": "Band" }, { "kind": "Cluster", "name": "third", "title": "Third" },
        ] }),
            &["cluster.create", "group.create"],
        ),
        act("sign out", &pia, &reqwest::Method::DELETE, "/session".into(), json!({}), &["person.sign_out"]),
    ]
}

fn evidence(name: &str) -> Value {
    let mut spec = TestPortal::image_spec(name);
    spec["tests"] = json!({ "passed": 1 });
    spec
}

fn request(name: &str) -> Value {
    json!({ "service": "checkout", "environment": "production", "image": images::good(name), "start": by_hand() })
}

async fn send(act: &Act) -> Answer {
    act.who.send(act.who.request(act.method.clone(), &act.path).json(&act.body)).await
}

/// Makes every audit entry fail, or lets them be again.
async fn break_audit(probe: &mut Probe, broken: bool) {
    let statements: &[&str] = match (&probe, broken) {
        (Probe::Sqlite(_), true) => {
            &["CREATE TRIGGER broken BEFORE INSERT ON audit_entries BEGIN SELECT raise(ABORT, 'broken'); END"]
        }
        (Probe::Sqlite(_), false) => &["DROP TRIGGER broken"],
        (Probe::Postgres(_), true) => &[
            "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$",
            "CREATE TRIGGER broken BEFORE INSERT ON audit_entries FOR EACH ROW EXECUTE FUNCTION broken()",
        ],
        (Probe::Postgres(_), false) => &["DROP TRIGGER broken ON audit_entries", "DROP FUNCTION broken"],
    };
    for statement in statements {
        probe.execute(statement).await.unwrap();
    }
}

/// The root of the tree over leaves, by the words of RFC 6962, section 2.1.
fn root(leaves: &[String]) -> [u8; 32] {
    let hash = |parts: &[&[u8]]| -> [u8; 32] { Sha256::digest(parts.concat()).into() };
    match leaves {
        [] => hash(&[]),
        [leaf] => hash(&[&[0], leaf.as_bytes()]),
        leaves => {
            let mut left = 1;
            while left * 2 < leaves.len() {
                left *= 2;
            }
            hash(&[&[1], &root(&leaves[..left]), &root(&leaves[left..])])
        }
    }
}

async fn leaves(portal: &TestPortal) -> Vec<String> {
    portal.database.probe().await.texts("SELECT leaf FROM audit_entries ORDER BY position").await
}

both! {
    async fn every_change_writes_exactly_its_entries_or_does_not_happen(portal: &mut TestPortal) {
        let acts = acts(portal).await;
        let mut probe = portal.database.probe().await;
        // First, nothing can be recorded: so nothing may happen.
        let before = portal.database.contents().await;
        break_audit(&mut probe, true).await;
        for act in &acts {
            let answer = send(act).await;
            assert!(answer.status >= 400, "{} happened without an entry: {}", act.what, answer.body);
        }
        break_audit(&mut probe, false).await;
        assert_eq!(portal.database.contents().await, before, "something stands without its entry");
        // Then each in turn.
        for act in &acts {
            let from = probe.number("SELECT count(*) FROM audit_entries").await;
            let answer = send(act).await;
            let fine = answer.status < 300 || act.entries == ["signoff.refused"];
            assert!(fine, "{}: {} {}", act.what, answer.status, answer.body);
            let sql = format!("SELECT verb FROM audit_entries WHERE position >= {from} ORDER BY position");
            assert_eq!(probe.texts(&sql).await, act.entries, "{}", act.what);
        }
        portal.run_until_idle().await;
    }

    async fn what_the_portal_does_by_itself_is_recorded_too(portal: &mut TestPortal) {
        let before = portal.audit_size().await;
        let number = portal.release("first", json!({ "mode": "when_signed" })).await;
        portal.sign_all(number).await;
        portal.run_until_idle().await;
        let told = portal.audit_since(before).await;
        assert_eq!(told, ["image.register", "release.request", "release.plan", "signoff.approve", "signoff.approve", "deployment.start", "deployment.end"]);
        let log = portal.person("ada").await.get(&format!("/api/v1/audit?release={number}")).await.ok();
        let actors: Vec<&str> = log["items"].as_array().unwrap().iter().rev().map(|entry| entry["actor"].as_str().unwrap()).collect();
        assert_eq!((actors[0].starts_with("person:"), actors[1], actors[4], actors[5]), (true, "runner", "runner", "runner"));
    }

    async fn the_tree_is_the_one_of_rfc_6962_over_the_leaves(portal: &mut TestPortal) {
        let number = portal.release("first", by_hand()).await;
        portal.sign_all(number).await;
        let leaves = leaves(portal).await;
        let checkpoint = portal.person("ada").await.get("/api/v1/audit/checkpoint").await.ok();
        // Signing in to read it was an entry too.
        let now = self::leaves(portal).await;
        assert_eq!(checkpoint["size"], now.len());
        let hex: String = root(&now).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(checkpoint["root"], hex);
        assert!(now.len() > leaves.len());
        for (index, leaf) in now.iter().enumerate() {
            let read: Value = serde_json::from_str(leaf).unwrap();
            assert_eq!((&read["schema"], &read["index"]), (&json!("tidegate.audit/1"), &json!(index)));
            assert_eq!(leaf.as_bytes(), tidegate::domain::canonical::bytes(&read), "canonical JSON");
        }
    }

    async fn nothing_in_the_log_can_be_changed(portal: &mut TestPortal) {
        let number = portal.release("first", by_hand()).await;
        portal.sign("dora", number).await;
        let window = portal.window(TimeDelta::hours(1), TimeDelta::hours(1)).await;
        let mut probe = portal.database.probe().await;
        let before = portal.database.contents().await;
        for (table, column) in [
            ("audit_entries", "leaf"), ("decisions", "comment"), ("evidence", "evidence"), ("policies", "policy"), ("announcements", "title"),
        ] {
            for statement in [format!("UPDATE {table} SET {column} = 'x'"), format!("DELETE FROM {table}")] {
                let refused = probe.execute(&statement).await.expect_err(&statement).to_string();
                assert!(refused.contains("append-only"), "{statement}: {refused}");
            }
            let replace = match portal.database.kind {
                // With recursive triggers, which the portal's own connections have on as well.
                Kind::Sqlite => format!("INSERT OR REPLACE INTO {table} SELECT * FROM {table}"),
                Kind::Postgres => format!("TRUNCATE {table} CASCADE"),
            };
            let refused = probe.execute(&replace).await.expect_err(&replace).to_string();
            assert!(refused.contains("append-only"), "{replace}: {refused}");
        }
        assert_eq!(portal.database.contents().await, before);
        assert!(window > 0);
    }

    async fn leaves_name_people_by_number_and_never_by_name(portal: &mut TestPortal) {
        let acts = acts(portal).await;
        for act in &acts {
            send(act).await;
        }
        portal.run_until_idle().await;
        for leaf in leaves(portal).await {
            let read: Value = serde_json::from_str(&leaf).unwrap();
            // What CI says of a commit's authors is evidence, and stays as it was said.
            if read["verb"] == "image.register" || read["verb"] == "image.evidence" {
                continue;
            }
            for name in ["ada", "rita", "otto", "vera", "dora", "pia", "zoe", "Zoe Z", "Zoe Y", "zoe@example.com"] {
                assert!(!read["facts"].to_string().contains(&format!("\"{name}\"")), "{name} in {leaf}");
            }
        }
    }

    async fn the_log_is_read_by_people_who_look_everywhere_and_searched_by_words(portal: &mut TestPortal) {
        let number = portal.release("first", by_hand()).await;
        for (login, status) in [("ada", 200), ("otto", 200), ("vera", 200), ("rita", 403), ("dora", 403), ("nora", 403)] {
            assert_eq!(portal.person(login).await.get("/api/v1/audit").await.status, status, "{login}");
        }
        let vera = portal.person("vera").await;
        let found = vera.get("/api/v1/audit?q=RELEASE.request").await.ok();
        assert_eq!(found["items"].as_array().unwrap().len(), 1);
        assert_eq!(found["items"][0]["release"], number);
        assert!(vera.get("/api/v1/audit?q=%25").await.ok()["items"].as_array().unwrap().is_empty());
        // A login, or a part of a name, finds what that person did, though the leaf has a number only.
        portal.apply(json!([{ "kind": "Person", "login": "rita", "name": "Rita Lovelace", "roles": [{ "role": "requester" }] }])).await;
        for words in ["rita", "RITA", "Lovelace", "rita%20lov"] {
            let found = vera.get(&format!("/api/v1/audit?q={words}&limit=200")).await.ok();
            let found: Vec<&str> = found["items"].as_array().unwrap().iter().map(|item| item["verb"].as_str().unwrap()).collect();
            assert!(found.contains(&"release.request"), "{words}: {found:?}");
        }
    }
}
