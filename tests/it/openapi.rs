//! The OpenAPI document says what the doors do: held against the portal's own table of doors, and
//! against the table of `tests/it/doors`, which is tried with every role.

use std::collections::BTreeSet;

use serde_json::Value;
use tidegate::http::routes;

use crate::doors::table::DOORS;
use crate::support::database::Kind;
use crate::support::portal::TestPortal;

async fn document() -> Value {
    let portal = TestPortal::start(Kind::Sqlite).await;
    let document = portal.nobody().get("/api/openapi.json").await.ok();
    portal.finish().await;
    document
}

/// Every operation: its method, its path, and what is said of it.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let of = |(path, item)| -> Vec<(String, String, &Value)> {
        let (path, item): (&String, &Value) = (path, item);
        let methods = item.as_object().unwrap().iter();
        methods.map(|(method, operation)| (method.to_uppercase(), path.clone(), operation)).collect()
    };
    paths.flat_map(of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_names_every_door_for_programs_and_no_other() {
    let document = document().await;
    let described: BTreeSet<String> =
        operations(&document).into_iter().map(|(method, path, _)| format!("{method} {path}")).collect();
    let doors = routes::DOORS.iter().filter(|door| door.path.starts_with("/api/"));
    let doors: BTreeSet<String> = doors.map(|door| format!("{} {}", door.method, door.path)).collect();
    assert!(doors.len() > 50);
    let missing: Vec<&String> = doors.difference(&described).collect();
    let gone: Vec<&String> = described.difference(&doors).collect();
    assert!(missing.is_empty() && gone.is_empty(), "not described: {missing:#?}; described and gone: {gone:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_says_what_it_does_and_how_it_refuses() {
    let document = document().await;
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let shown = format!("{method} {path}");
        assert!(operation["summary"].as_str().is_some_and(|words| words.len() > 5), "{shown} has no summary");
        assert!(names.insert(operation["operationId"].as_str().unwrap()), "{shown}: its name is there twice");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{shown} never succeeds");
        for (status, response) in responses.iter().filter(|(status, _)| status.starts_with('4')) {
            let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(schema, "#/components/schemas/Problem", "{shown}: {status}");
            assert!(!response["description"].as_str().unwrap().is_empty(), "{shown}: {status}");
        }
        // What each role is answered is known from the doors; the document has to know it too.
        let row = DOORS.iter().find(|row| (row.0, row.1) == (method.as_str(), path.as_str())).unwrap();
        for status in row.3 {
            assert!(responses.contains_key(&status.to_string()), "{shown} answers {status} and does not say so");
        }
        let open = row.3[0] != 401;
        assert_eq!(operation["security"].is_array(), open, "{shown}: whether it takes a session or token");
        for parameter in path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()) {
            let known = operation["parameters"].as_array().unwrap();
            assert!(known.iter().any(|one| one["in"] == "path" && one["name"] == parameter), "{shown}: {parameter}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_openapi_3_1_and_every_reference_leads_somewhere() {
    let document = document().await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    for needed in ["title", "version"] {
        assert!(document["info"][needed].is_string());
    }
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    assert!(references.len() > 30);
    for reference in &references {
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leaves the document"));
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    let schemes = document["components"]["securitySchemes"].as_object().unwrap();
    for requirement in document["security"].as_array().unwrap() {
        assert!(requirement.as_object().unwrap().keys().all(|name| schemes.contains_key(name)), "{requirement}");
    }
    for (method, path, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(status.parse::<u16>().is_ok() && response["description"].is_string(), "{method} {path} {status}");
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let place = parameter["in"].as_str().unwrap();
            assert!(["path", "query", "header"].contains(&place) && parameter["name"].is_string(), "{method} {path}");
            assert!(place != "path" || parameter["required"] == true, "{method} {path}: {parameter}");
            assert!(parameter["schema"].is_object(), "{method} {path}: {parameter}");
        }
    }
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                match value.as_str().filter(|_| name == "$ref") {
                    Some(reference) => {
                        references.insert(reference.to_owned());
                    }
                    None => collect(value, references),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}
