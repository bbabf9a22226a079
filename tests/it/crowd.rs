//! What pages show when there is much of everything.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::json;

use crate::support::page::Page;
use crate::support::portal::{TestPortal, both};
use crate::support::town::at_opening;

const HOUR: TimeDelta = TimeDelta::hours(1);

/// How many newer releases there are of another service, of which the newest supersedes the others.
const MANY: i64 = 600;

async fn crowd(portal: &TestPortal, number: i64) {
    portal
        .apply(json!([{
            "kind": "Service", "name": "search", "title": "Search", "repository": "registry.example/shop/search", "targets": [],
        }]))
        .await;
    let mut probe = portal.database.probe().await;
    let numbers =
        format!("WITH RECURSIVE n (k) AS (SELECT 1001 UNION ALL SELECT k + 1 FROM n WHERE k < {})", 1000 + MANY);
    let releases = format!(
        "INSERT INTO releases (number, service_id, environment_id, image_id, requested_by, requested_at, revision)
         {numbers} SELECT n.k, s.id, r.environment_id, r.image_id, r.requested_by, r.requested_at, r.revision
         FROM n, releases r, services s WHERE r.number = {number} AND s.slug = 'search'"
    );
    let revisions = format!(
        "INSERT INTO revisions (release_number, revision, reason, created_at, start_mode, policy_version, note, plan, content,
                                content_hash, planned_at, plan_attempts)
         {numbers} SELECT n.k, v.revision, v.reason, v.created_at, 'by_hand', v.policy_version, v.note, v.plan, v.content,
                          v.content_hash, v.planned_at, v.plan_attempts
         FROM n, revisions v WHERE v.release_number = {number}"
    );
    for sql in [releases, revisions] {
        assert_eq!(probe.execute(&sql).await.unwrap(), MANY as u64);
    }
}

both! {
    async fn many_newer_releases_hide_none_that_waits(portal: &mut TestPortal) {
        let window = portal.window(HOUR, HOUR).await;
        let number = portal.release("first", at_opening(window)).await;
        crowd(portal, number).await;
        let (own, other) = (format!("R-{number}"), format!("R-{}", 1000 + MANY));
        let pia = portal.person("pia").await;
        let board = Page::get(&pia, "/").await;
        board.says(".needed", &["2"]);
        board.says("[aria-labelledby=needs]", &[&own, &other]);
        board.says(".chip", &[&own, &other]);
        board.says(".head p", &["1 release"]);
        let mine = Page::get(&pia, "/releases?show=mine").await;
        assert_eq!(mine.texts("tbody tr").len(), 2);
        // What goes out first comes first.
        mine.says("tbody tr:first-child", &[&own]);
        Page::get(&pia, "/windows").await.says(".rows .line", &["1 release · 1 without every sign-off"]);
        Page::get(&pia, &format!("/windows/{window}")).await.says(".rows", &[&own]);
        // Whoever is in no group that is asked is asked nothing.
        assert_eq!(Page::get(&portal.person("vera").await, "/").await.text(".needed"), "");
    }

    async fn all_releases_of_an_image_are_there_page_by_page(portal: &mut TestPortal) {
        let window = portal.window(HOUR, HOUR).await;
        let number = portal.release("first", at_opening(window)).await;
        crowd(portal, number).await;
        let pia = portal.person("pia").await;
        let image = Page::get(&pia, &format!("/releases/{number}")).await.attributes(".evidence a[href^='/images/']", "href").remove(0);
        let (mut seen, mut next) = (Vec::new(), Some(image));
        while let Some(path) = next {
            let page = Page::get(&pia, &path).await;
            assert_eq!(page.status, 200);
            seen.extend(page.attributes(".rows a[href^='/releases/']", "href").into_iter().filter(|href| !href.contains("new?")));
            next = page.attributes(".pager a", "href").pop();
        }
        assert_eq!(seen.len() as i64, MANY + 1);
        assert_eq!(BTreeSet::from_iter(&seen).len(), seen.len());
    }

    async fn all_windows_that_are_over_are_there_page_by_page(portal: &mut TestPortal) {
        for _ in 0..45 {
            portal.draft_window(HOUR, HOUR).await;
        }
        portal.advance(HOUR * 3).await;
        let coming = portal.window(HOUR, HOUR).await;
        let vera = portal.person("vera").await;
        let (mut seen, mut next) = (Vec::new(), Some("/windows".to_owned()));
        while let Some(path) = next {
            let page = Page::get(&vera, &path).await;
            seen.extend(page.attributes(".rows .line a", "href"));
            next = page.attributes(".pager a", "href").pop();
        }
        assert_eq!((seen.len(), BTreeSet::from_iter(&seen).len()), (46, 46), "{seen:?}");
        assert_eq!(seen[0], format!("/windows/{coming}"));
        assert_eq!(Page::get(&vera, "/windows?before=soon").await.status, 422);
    }
}
