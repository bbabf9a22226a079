//! Every door × everybody. The doors are read from the portal's own table; one that is not known
//! here fails, and so does one that is known and gone.
//!
//! [`table`] has the doors for programs, [`pages`] those for people; [`people`] tries the latter.

mod forms;
mod nasty;
mod pages;
mod people;
pub mod table;

use std::sync::atomic::{AtomicU32, Ordering};

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use table::{DOORS, Row, Takes, WHO};
use tidegate::http::routes;

use crate::support::api::{Answer, Api};
use crate::support::portal::{TestPortal, both};
use crate::support::town::{SCOPES, by_hand, target};
use crate::support::{field, images};

#[test]
fn every_door_is_known_and_every_known_door_is_there() {
    let real: Vec<String> = routes::DOORS.iter().map(|door| format!("{} {}", door.method, door.path)).collect();
    let programs = DOORS.iter().map(|(method, path, ..)| format!("{method} {path}"));
    let people = pages::DOORS.iter().map(|(method, path, ..)| format!("{method} {path}"));
    let mut known: Vec<String> = programs.chain(people).collect();
    let unknown: Vec<&String> = real.iter().filter(|door| !known.contains(door)).collect();
    let gone: Vec<&String> = known.iter().filter(|door| !real.contains(door)).collect();
    assert!(unknown.is_empty(), "doors that tests/it/doors does not know: {unknown:#?}");
    assert!(gone.is_empty(), "doors that are gone: {gone:#?}");
    known.sort();
    known.dedup();
    assert_eq!(known.len(), DOORS.len() + pages::DOORS.len(), "a door is there twice");
}

/// Gives each thing that is made a name of its own.
fn next() -> u32 {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// Something of a kind that a path names: one of its own, or one that everybody knows. Gives the
/// path's parameter and what to put in its place.
async fn thing(portal: &TestPortal, kind: &str, path: &str, own: bool, n: u32) -> (&'static str, String) {
    let make = async |document: Value| {
        if own {
            portal.apply(json!([document])).await;
        }
    };
    let service = json!({ "kind": "Service", "name": format!("s{n}"), "title": "S", "repository": "r.example/s" });
    match kind {
        "releases" if own => ("{number}", portal.release(&format!("door-{n}"), by_hand()).await.to_string()),
        "releases" => ("{number}", "1".to_owned()),
        "images" => ("{id}", "1".to_owned()),
        "windows" if own => ("{id}", portal.draft_window(TimeDelta::hours(1), TimeDelta::hours(1)).await.to_string()),
        "windows" => ("{id}", "1".to_owned()),
        "services" => {
            make(service).await;
            ("{name}", if own { format!("s{n}") } else { "checkout".to_owned() })
        }
        "targets" if own => {
            let mut service = service;
            service["targets"] = json!([target("doors", &format!("t{n}"))]);
            make(service).await;
            let sql = format!("SELECT id FROM targets WHERE name = 't{n}'");
            ("{id}", portal.database.probe().await.number(&sql).await.to_string())
        }
        "targets" => ("{id}", "1".to_owned()),
        "environments" => {
            make(json!({ "kind": "Environment", "name": format!("e{n}"), "title": "E", "policy": { "rules": [] } }))
                .await;
            ("{name}", if own { format!("e{n}") } else { "production".to_owned() })
        }
        "clusters" => {
            make(json!({ "kind": "Cluster", "name": format!("c{n}"), "title": "C" })).await;
            ("{name}", if own { format!("c{n}") } else { "main".to_owned() })
        }
        "groups" => {
            make(json!({ "kind": "Group", "name": format!("g{n}"), "title": "G" })).await;
            ("{name}", if own { format!("g{n}") } else { "product".to_owned() })
        }
        "people" => {
            make(json!({ "kind": "Person", "login": format!("p{n}"), "name": "P" })).await;
            ("{login}", if own { format!("p{n}") } else { "carl".to_owned() })
        }
        "tokens" if path.contains("{id}") => {
            portal.token("tess", &["images:write"]).await;
            ("{id}", portal.database.probe().await.number("SELECT max(id) FROM tokens").await.to_string())
        }
        _ => ("", String::new()),
    }
}

/// Where a request goes and what it brings. A request that will be let in gets things of its own,
/// so that one does not stand in another's way.
async fn request(portal: &TestPortal, row: &Row, let_in: bool) -> (String, Value) {
    let (method, path, ..) = row;
    // Looking at a cluster takes one that has a credential.
    let own = let_in && *method != "GET" && path.contains('{') && !path.ends_with("/probe");
    let n = next();
    let (segment, id) = thing(portal, path.split('/').nth(3).unwrap_or_default(), path, own, n).await;
    let mut address = if segment.is_empty() { (*path).to_owned() } else { path.replace(segment, &id) };
    if path.contains("/credential/{id}") {
        address = address.replace("{id}", "999");
    }
    if ["/api/v1/windows/{id}", "/api/v1/targets/{id}"].contains(path) && *method == "PUT" {
        address.push_str("?version=1");
    }
    (address, body(portal, row, &id, n).await)
}

/// A body that fits.
async fn body(portal: &TestPortal, (method, path, ..): &Row, id: &str, n: u32) -> Value {
    let created = *method == "POST" && !path.contains('{');
    let name = |prefix: &str| if created { format!("{prefix}{n}") } else { id.to_owned() };
    match *path {
        "/api/v1/setup" => {
            json!({ "link": "wrong", "login": "eve", "name": "Eve", "password": "correct horse battery" })
        }
        "/api/v1/session" => json!({ "link": "wrong" }),
        "/api/v1/images" => TestPortal::image_spec(&format!("door-{n}")),
        "/api/v1/releases" => {
            json!({ "service": "checkout", "environment": "production", "image": images::good("first"), "start": by_hand() })
        }
        "/api/v1/releases/{number}" => json!({ "note": format!("note {n}") }),
        "/api/v1/releases/{number}/signoff" | "/api/v1/releases/{number}/reject" => {
            json!({ "content_hash": portal.show(id.parse().unwrap()).await["content_hash"], "comment": "because" })
        }
        "/api/v1/windows" | "/api/v1/windows/{id}" => portal.window_spec(TimeDelta::hours(2), TimeDelta::hours(1)),
        "/api/v1/services" | "/api/v1/services/{name}" => {
            json!({ "name": name("s"), "title": "T", "repository": "r.example/s" })
        }
        "/api/v1/services/{name}/targets" => target("doors", &format!("w{n}")),
        "/api/v1/targets/{id}" => target("doors", &format!("v{n}")),
        "/api/v1/environments" | "/api/v1/environments/{name}" => json!({ "name": name("e"), "title": "T" }),
        "/api/v1/clusters" | "/api/v1/clusters/{name}" => json!({ "name": name("c"), "title": "T" }),
        "/api/v1/clusters/{name}/credential" => json!({ "kubeconfig": field::practice().admin_kubeconfig() }),
        "/api/v1/groups" | "/api/v1/groups/{name}" => json!({ "name": name("g"), "title": "T" }),
        "/api/v1/people" | "/api/v1/people/{login}" => json!({ "login": name("p"), "name": "T" }),
        "/api/v1/tokens" | "/api/v1/tokens/{id}" => json!({ "title": "door", "scopes": ["images:write"] }),
        "/api/v1/apply" => json!({ "documents": [] }),
        _ => json!({}),
    }
}

/// Sends a request and reads its head; of streams there is no end to wait for.
async fn status(request: reqwest::RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

/// tess is everything at once, for her tokens.
async fn set_scene(portal: &TestPortal) {
    let roles = json!([{ "role": "requester" }, { "role": "operator" }, { "role": "admin" }]);
    portal.apply(json!([{ "kind": "Person", "login": "tess", "name": "tess", "roles": roles }])).await;
    portal.members("ada", "deployment-team", &["dora", "dirk", "tess"]).await;
    portal.release("first", by_hand()).await;
    portal.draft_window(TimeDelta::hours(1), TimeDelta::hours(1)).await;
}

async fn everybody(portal: &TestPortal, row: &Row) -> Vec<Api> {
    let mut who = vec![portal.nobody().clone()];
    for login in &WHO[1..7] {
        // Whoever signs out is signed in anew for what follows.
        let signs_out = row.0 == "DELETE" && row.1 == "/api/v1/session";
        who.push(if signs_out { portal.signed_in(login).await } else { portal.person(login).await });
    }
    who.push(portal.token("tess", &SCOPES).await);
    // Of the other scopes there is one that no door beside its own asks for.
    let other = if row.1 == "/api/v1/images" && row.0 == "POST" { "windows:write" } else { "images:write" };
    who.push(portal.token("tess", &[other]).await);
    who
}

async fn send(who: &Api, row: &Row, address: &str, body: &Value) -> Answer {
    let request = who.request(row.0.parse::<Method>().unwrap(), address);
    let request = if row.2 == Takes::None { request } else { request.json(body) };
    if row.1.ends_with("/events") {
        return Answer { status: status(request).await, body: Value::Null };
    }
    who.send(request).await
}

both! {
    async fn every_door_answers_everybody_as_the_table_says(portal: &mut TestPortal) {
        set_scene(portal).await;
        let mut wrong = Vec::new();
        for row in DOORS {
            let who = everybody(portal, row).await;
            for ((index, api), expected) in who.iter().enumerate().zip(row.3) {
                let (address, body) = request(portal, row, (200..300).contains(&expected)).await;
                let answer = send(api, row, &address, &body).await;
                if answer.status != expected {
                    wrong.push(format!("{} {address} as {}: {} and not {expected} {}", row.0, WHO[index], answer.status, answer.body));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        portal.run_until_idle().await;
    }

    async fn no_other_site_can_make_a_browser_change_anything(portal: &mut TestPortal) {
        set_scene(portal).await;
        let before = portal.database.contents().await;
        for row in DOORS.iter().filter(|row| row.0 != "GET") {
            let who = if row.1.contains("signoff") || row.1.contains("reject") { "dora" } else if row.3[5] < 300 { "ada" } else { "otto" };
            let session = portal.person(who).await;
            let (address, body) = request(portal, row, false).await;
            let method: Method = row.0.parse().unwrap();
            let ask = |api: &Api| api.request(method.clone(), &address).json(&body);
            let told = |answer: Answer| (answer.status, answer.body["type"].as_str().unwrap_or_default().to_owned());
            let foreign = (403, "/problems/refusal-foreign-origin".to_owned());
            for (name, value) in [("origin", "https://elsewhere.example"), ("origin", "null"), ("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site")] {
                let answer = session.send(ask(&session).header(name, value)).await;
                assert_eq!(told(answer), foreign, "{} {address} with {name}: {value}", row.0);
            }
            if row.2 == Takes::OpenJson {
                continue;
            }
            let without = session.without_csrf();
            let missing = (403, "/problems/refusal-csrf".to_owned());
            assert_eq!(told(without.send(ask(&without)).await), missing, "{} {address} without a token", row.0);
            let wrong = without.send(ask(&without).header("x-csrf-token", "0".repeat(64))).await;
            assert_eq!(told(wrong), missing, "{} {address} with a wrong token", row.0);
            let other = portal.person("vera").await;
            let another = without.send(ask(&without).header("x-csrf-token", other.csrf())).await;
            assert_eq!(told(another), missing, "{} {address} with the token of another session", row.0);
        }
        assert_eq!(without_sessions(portal.database.contents().await), without_sessions(before), "nothing was changed");
    }

    async fn nonsense_and_too_much_are_refused_at_every_door(portal: &mut TestPortal) {
        set_scene(portal).await;
        let before = portal.database.contents().await;
        for row in DOORS.iter().filter(|row| row.2 != Takes::None) {
            let session = portal.person("ada").await;
            let (address, _) = request(portal, row, false).await;
            let method: Method = row.0.parse().unwrap();
            let ask = |body: Vec<u8>, kind: &str| session.request(method.clone(), &address).header("content-type", kind).body(body);
            // More than any door takes; `apply` takes the most.
            let large = format!("{{ \"x\": \"{}\" }}", "a".repeat(1024 * 1024)).into_bytes();
            for (body, kind, status) in [
                (b"{ ".to_vec(), "application/json", 400),
                (b"nonsense".to_vec(), "application/json", 400),
                (b"\xff\xfe".to_vec(), "application/json", 400),
                (b"a=b".to_vec(), "application/x-www-form-urlencoded", 400),
                (b"[1, 2]".to_vec(), "application/json", 422),
                (b"{ \"no_such_field\": 1 }".to_vec(), "application/json", 422),
                (large, "application/json", 413),
            ] {
                let shown = String::from_utf8_lossy(&body[..body.len().min(20)]).into_owned();
                let answer = session.send(ask(body, kind)).await;
                assert_eq!(answer.status, status, "{} {address} with {shown}: {}", row.0, answer.body);
                let document = answer.body;
                assert!(document["type"].as_str().is_some_and(|kind| kind.starts_with("/problems/")), "{document}");
                assert_eq!((&document["status"], document["detail"].is_string()), (&json!(status), true));
                assert!(status != 422 || document["errors"][0]["pointer"].is_string(), "{} {address}: {document}", row.0);
            }
        }
        assert_eq!(without_sessions(portal.database.contents().await), without_sessions(before), "nothing was changed");
    }

    async fn a_door_that_is_asked_otherwise_says_how(portal: &mut TestPortal) {
        let vera = portal.person("vera").await;
        let answer = vera.request(Method::DELETE, "/api/v1/images").send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 405);
        assert_eq!(answer.headers()["allow"], "GET, POST");
        assert_eq!(answer.json::<Value>().await.unwrap()["status"], 405);
        vera.get("/api/v1/nothing").await.is(404);
        for path in ["/api/v1/releases/%ff", "/api/v1/releases/-1", "/api/v1/releases/99999999999999999999", "/api/v1/groups/%2e%2e", "/api/v1/images/%00"] {
            vera.get(path).await.is(404);
        }
    }

    async fn every_answer_carries_the_headers_of_safety(portal: &mut TestPortal) {
        let vera = portal.person("vera").await;
        for path in ["/healthz", "/api/v1/images", "/api/v1/nothing", "/api/openapi.json", "/api/v1/people"] {
            let answer = vera.request(Method::GET, path).send().await.unwrap();
            for header in ["content-security-policy", "x-content-type-options", "x-frame-options", "referrer-policy", "cache-control"] {
                assert!(answer.headers().contains_key(header), "{path} lacks {header}");
            }
        }
    }
}

/// What stands but for sessions, audit entries and links that signing in leaves.
fn without_sessions(
    mut contents: std::collections::BTreeMap<String, Vec<String>>,
) -> std::collections::BTreeMap<String, Vec<String>> {
    for table in ["sessions", "links", "audit_entries", "audit_tree", "tokens", "credentials"] {
        contents.remove(table);
    }
    contents
}
