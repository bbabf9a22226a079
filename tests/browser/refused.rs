//! A release's page with scripts: it follows the stream, and keeps what somebody is in the middle of.

use serde_json::{Value, json};

use super::{Browser, DESKTOP};
use crate::support::database::Kind;
use crate::support::portal::TestPortal;
use crate::support::town::by_hand;

async fn value(browser: &Browser, name: &str) -> Value {
    let script = "return document.querySelector(arguments[0]).value";
    browser.page.execute(script, vec![json!(format!("#sign [name={name}]"))]).await.unwrap()
}

async fn run(browser: &Browser, script: &str) {
    browser.page.execute(script, vec![]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_form_keeps_its_page_and_what_was_typed() {
    TestPortal::run(Kind::Sqlite, async |portal| {
        let number = portal.release("first", by_hand()).await;
        let browser = Browser::open(&portal.running().public_url.origin(), DESKTOP).await;
        browser.sign_in(&portal.link("pia").await).await;
        browser.goto(&format!("/releases/{number}")).await;
        browser.fill("comment", "fine by me").await;
        run(&browser, "document.querySelector('#sign [name=content_hash]').value = '0'.repeat(64)").await;
        browser.press("Sign off").await;
        browser.see("[role=alert]").await;
        assert_eq!(browser.path().await, format!("/releases/{number}/signoff"));
        // The page goes on to follow the release, and what was typed stays.
        portal.sign("dora", number).await;
        browser.read("1 of 1", 10).await;
        browser.read("Your sign-off", 1).await;
        browser.read("vouchers", 1).await;
        assert_eq!(value(&browser, "comment").await, "fine by me");

        // So it does after a rejection without a reason, beside what is wrong with it.
        browser.press("Reject…").await;
        browser.press("Reject this release").await;
        browser.see("#sign .complaint").await;
        assert_eq!(browser.path().await, format!("/releases/{number}/reject"));
        portal.change_policy(json!({ "watch_seconds": 1 })).await;
        browser.read("does not count", 10).await;
        browser.see("#reject[open] .complaint").await;
        browser.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_stays_when_the_focus_has_left() {
    TestPortal::run(Kind::Sqlite, async |portal| {
        let number = portal.release("first", by_hand()).await;
        let browser = Browser::open(&portal.running().public_url.origin(), DESKTOP).await;
        browser.sign_in(&portal.link("pia").await).await;
        browser.goto(&format!("/releases/{number}")).await;
        browser.press("Reject…").await;
        browser.fill("reason", "the vouchers are wrong").await;
        run(&browser, "document.activeElement.blur()").await;
        // Another content to sign: the part with the forms would look otherwise now.
        let rita = portal.person("rita").await;
        rita.patch(&format!("/api/v1/releases/{number}"), json!({ "note": "at last" })).await.ok();
        portal.run_until_idle().await;
        browser.read("at last", 10).await;
        browser.see("#reject[open]").await;
        assert_eq!(value(&browser, "reason").await, "the vouchers are wrong");
        browser.close().await;
    })
    .await;
}
