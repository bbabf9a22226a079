//! What everybody may know, without an account: the page, the calendar feed, the Atom feed.

use serde_json::json;

use crate::support::images;
use crate::support::process::Portal;
use crate::support::scene::{PASSWORD, Scene};

async fn text(portal: &Portal, path: &str) -> (String, String) {
    let answer = reqwest::get(format!("{}{path}", portal.url)).await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    (kind, answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_announced_for_the_public_is_seen_by_everybody_and_nothing_else() {
    let portal = Portal::start().await;
    let admin = portal.api().set_up(&portal.setup_secret(), "ada", PASSWORD).await;
    let scene = Scene::people(&portal.api(), admin, "shop", "checkout").await;
    scene.image(&images::good("public"), "1.0").await;
    let make = async |title: &str, public: bool, announced: bool| {
        let start = chrono::Utc::now() + chrono::TimeDelta::days(2);
        let body = json!({
            "title": title, "starts_at": start.to_rfc3339(), "ends_at": (start + chrono::TimeDelta::hours(1)).to_rfc3339(),
            "zone": "Europe/Berlin", "audience": format!("{title} concerns you"), "public": public,
        });
        let id = scene.operator.post("/api/v1/windows", body).await.is(201)["id"].as_i64().unwrap();
        if announced {
            scene.operator.post(&format!("/api/v1/windows/{id}/announce"), json!({})).await.ok();
        }
        id
    };
    let shown = make("Storefront", true, true).await;
    make("Backoffice", false, true).await;
    make("Idea", true, false).await;
    let body = json!({
        "service": "checkout", "environment": "production", "image": images::good("public"),
        "start": { "mode": "at_opening", "window": shown }, "note": "a secret note",
    });
    scene.requester.post("/api/v1/releases", body).await.is(201);

    for (path, kind) in [
        ("/announcements", "text/html"),
        ("/announcements.ics", "text/calendar"),
        ("/announcements.atom", "application/atom+xml"),
    ] {
        let (found, body) = text(&portal, path).await;
        assert!(found.starts_with(kind), "{path}: {found}");
        let body = body.replace("\r\n ", "");
        assert!(body.contains("Storefront concerns you") && body.contains("Checkout"), "{path}: {body}");
        for hidden in ["Backoffice", "Idea", "secret note", "production", "rita"] {
            assert!(!body.contains(hidden), "{path} shows {hidden}");
        }
    }

    // Moved: the same event, a higher sequence. Called off: still there, as cancelled.
    let event = |ics: &str, name: &str| {
        let line = ics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(|value| value.trim_end().to_owned())
    };
    let (_, first) = text(&portal, "/announcements.ics").await;
    let window = scene.operator.get(&format!("/api/v1/windows/{shown}")).await.ok();
    let start = chrono::Utc::now() + chrono::TimeDelta::days(3);
    let moved = json!({
        "title": "Storefront", "starts_at": start.to_rfc3339(), "ends_at": (start + chrono::TimeDelta::hours(1)).to_rfc3339(),
        "zone": "Europe/Berlin", "audience": "Storefront concerns you", "public": true,
    });
    scene.operator.put(&format!("/api/v1/windows/{shown}?version={}", window["version"]), moved.clone()).await.ok();
    let (_, second) = text(&portal, "/announcements.ics").await;
    assert_eq!(event(&first, "UID"), event(&second, "UID"));
    assert_eq!((event(&first, "SEQUENCE").as_deref(), event(&second, "SEQUENCE").as_deref()), (Some("0"), Some("1")));
    assert_ne!(event(&first, "DTSTART"), event(&second, "DTSTART"));
    assert_eq!((event(&first, "COMMENT"), event(&second, "COMMENT").as_deref()), (None, Some("moved")));
    // Other words for the same time: told again, and not as moved.
    let window = scene.operator.get(&format!("/api/v1/windows/{shown}")).await.ok();
    let mut other = moved.clone();
    other["title"] = json!("Shop");
    scene.operator.put(&format!("/api/v1/windows/{shown}?version={}", window["version"]), other).await.ok();
    let (_, changed) = text(&portal, "/announcements.ics").await;
    assert_eq!(event(&second, "DTSTART"), event(&changed, "DTSTART"));
    assert_eq!(
        (event(&changed, "SEQUENCE").as_deref(), event(&changed, "COMMENT").as_deref()),
        (Some("2"), Some("changed"))
    );
    for path in ["/announcements", "/announcements.atom"] {
        let (_, body) = text(&portal, path).await;
        assert!(body.contains("changed") && !body.contains("moved"), "{path}: {body}");
    }
    scene.operator.post(&format!("/api/v1/windows/{shown}/cancel"), json!({})).await.ok();
    let (_, third) = text(&portal, "/announcements.ics").await;
    assert_eq!(
        (event(&third, "STATUS").as_deref(), event(&third, "SEQUENCE").as_deref()),
        (Some("CANCELLED"), Some("3"))
    );
}
