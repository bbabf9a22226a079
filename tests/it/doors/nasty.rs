//! Values that nobody types by accident, in every field of every door: refused or taken, never a
//! fault of the portal's. And things that are not there.

use reqwest::Method;
use serde_json::{Value, json};

use super::people::{ask, send as send_form, who_may};
use super::table::{DOORS, Row, Takes, WHO};
use super::{pages, request, send, set_scene, status, without_sessions};
use crate::support::portal::both;

/// Texts: PostgreSQL holds no NUL, some turn around on a screen, and some are long.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> = ["", " ", "\0", "a\0b", "\u{202e}evil", "🦀", "-1"].map(str::to_owned).to_vec();
    texts.push("a".repeat(20_000));
    texts
}

fn values() -> Vec<Value> {
    let numbers = [json!(-1), json!(0.5), json!(1e300), json!(i64::MAX), json!(i64::MIN)];
    let odd = [json!(null), json!([]), json!(["\0"]), json!({})];
    texts().into_iter().map(Value::from).chain(numbers).chain(odd).collect()
}

/// Pointers to everything in a document but the whole.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut visit = |name: String, value: &Value| {
        let pointer = format!("{at}/{name}");
        found.push(pointer.clone());
        pointers(value, &pointer, found);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(name, value)| visit(name.clone(), value)),
        Value::Array(values) => values.iter().enumerate().for_each(|(index, value)| visit(index.to_string(), value)),
        _ => {}
    }
}

/// Somebody whom a door lets in.
fn somebody(row: &Row) -> &'static str {
    let found = row.3[1..7].iter().rposition(|status| (200..300).contains(status) || *status == 409);
    found.map_or("ada", |index| WHO[index + 1])
}

/// What a body may hold besides what the doors' own tests send.
fn fuller(path: &str, body: &Value) -> Value {
    let mut body = body.clone();
    let more = match path {
        "/api/v1/environments" | "/api/v1/environments/{name}" => json!({
            "rank": 1, "cluster": "main",
            "policy": { "rules": [{ "group": "product", "count": 1 }], "start_modes": ["by_hand"], "validity_hours": 24,
                        "unknown_author": "block", "watch_seconds": 0, "deadline_seconds": 60 },
        }),
        "/api/v1/services" | "/api/v1/services/{name}" => json!({ "owner": "product", "targets": [] }),
        "/api/v1/groups" | "/api/v1/groups/{name}" => {
            json!({ "members": ["carl"], "roles": [{ "role": "viewer", "environment": "production" }] })
        }
        "/api/v1/people" | "/api/v1/people/{login}" => json!({
            "email": "p@example.com", "zone": "UTC", "commit_identities": ["p@example.com"], "roles": [{ "role": "viewer", "environment": "production" }],
        }),
        "/api/v1/tokens" => json!({ "days": 3, "person": "ada" }),
        "/api/v1/apply" => {
            json!({ "documents": [{ "kind": "Cluster", "name": "applied", "title": "T" }], "dry_run": false })
        }
        "/api/v1/releases/{number}/withdraw" => json!({ "reason": "because" }),
        "/api/v1/releases/{number}/rollback" => json!({ "accept_tag": true }),
        "/api/v1/clusters/{name}/credential" => {
            json!({ "kubeconfig": "apiVersion: v1\nkind: Config\n", "context": "x" })
        }
        _ => return body,
    };
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

both! {
    async fn no_value_makes_a_door_for_programs_fail(portal: &mut TestPortal) {
        set_scene(portal).await;
        let (mut wrong, mut tried) = (Vec::new(), 0);
        // A door that ends the session it came with is tried elsewhere.
        for row in DOORS.iter().filter(|row| row.2 != Takes::None) {
            let who = portal.person(somebody(row)).await;
            let (address, body) = request(portal, row, row.1.contains('{')).await;
            let body = fuller(row.1, &body);
            let mut places = Vec::new();
            pointers(&body, "", &mut places);
            for place in places {
                for value in values() {
                    let mut body = body.clone();
                    *body.pointer_mut(&place).unwrap() = value.clone();
                    let answer = send(&who, row, &address, &body).await;
                    tried += 1;
                    let document = &answer.body;
                    if answer.status >= 500 || (answer.status >= 400 && document["detail"].as_str().is_none_or(str::is_empty)) {
                        wrong.push(format!("{} {address} with {:.40} at {place}: {} {document}", row.0, value.to_string(), answer.status));
                    }
                    if answer.status == 422 && document["errors"].as_array().is_none_or(Vec::is_empty) {
                        wrong.push(format!("{} {address} with {:.40} at {place}: no pointer {document}", row.0, value.to_string()));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(tried > 1_000, "{tried} were tried");
        portal.run_until_idle().await;
    }

    async fn no_value_makes_a_form_fail(portal: &mut TestPortal) {
        set_scene(portal).await;
        let mut wrong = Vec::new();
        for row in pages::DOORS.iter().filter(|row| row.0 == "POST" && !["/sign-out", "/account/password"].contains(&row.1)) {
            let who = portal.person(who_may(row)).await;
            let (address, fields) = ask(portal, row, true).await;
            for place in 0..fields.len() {
                for text in texts() {
                    let mut fields = fields.clone();
                    fields[place].1.clone_from(&text);
                    let answer = send_form(portal, &who, row, &address, &fields).await;
                    if answer.status >= 500 {
                        wrong.push(format!("{address} with {text:.40?} as {}: {}", fields[place].0, answer.status));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        portal.run_until_idle().await;
    }

    async fn no_query_makes_a_door_fail(portal: &mut TestPortal) {
        set_scene(portal).await;
        let ada = portal.person("ada").await;
        let mut wrong = Vec::new();
        let api = DOORS.iter().filter(|row| row.0 == "GET").map(|row| row.1);
        let pages = pages::DOORS.iter().filter(|row| row.0 == "GET").map(|row| row.1);
        // Together what no door refuses; alone what hides the others when it is refused.
        let names: [&[&str]; 11] = [
            &["q", "next", "done", "person", "archived"],
            &["service"], &["state"], &["environment"], &["after"], &["cursor"], &["limit"], &["before"], &["release"], &["image"], &["version"],
        ];
        for path in api.chain(pages).filter(|path| !path.contains('{')) {
            for text in ["", "\0", "a\0b", "%", "'", "🦀", "-1", "9223372036854775807", "9999999999999999999999"] {
                for names in names {
                    let mut query = form_urlencoded::Serializer::new(String::new());
                    let query = query.extend_pairs(names.iter().map(|name| (name, text))).finish();
                    let told = status(ada.request(Method::GET, &format!("{path}?{query}"))).await;
                    if told >= 500 {
                        wrong.push(format!("{path}?{query}: {told}"));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    async fn what_is_not_there_is_absent_at_every_door(portal: &mut TestPortal) {
        set_scene(portal).await;
        let before = portal.database.contents().await;
        let mut wrong = Vec::new();
        for row in DOORS.iter().filter(|row| row.1.contains('{')) {
            let who = portal.person(somebody(row)).await;
            let (_, mut body) = request(portal, row, false).await;
            let path = row.1.replace("{name}", "nothing").replace("{login}", "nothing");
            // Without a version a thing that is not there would be made.
            let version = if row.0 == "PUT" { "?version=1" } else { "" };
            for id in ["999", "0", "-1", "x", "9223372036854775807", "9223372036854775808", "%00"] {
                for name in ["name", "login"] {
                    if body[name].is_string() && row.0 == "PUT" && row.1.contains('{') && !row.1.contains("targets") {
                        body[name] = json!("nothing");
                    }
                }
                let address = format!("{}{version}", path.replace("{number}", id).replace("{id}", id));
                let answer = send(&who, row, &address, &body).await;
                if answer.status != 404 {
                    wrong.push(format!("{} {address}: {} {}", row.0, answer.status, answer.body));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert_eq!(without_sessions(portal.database.contents().await), without_sessions(before));
    }
}
