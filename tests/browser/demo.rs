//! The demo, as a newcomer meets it: one person, one browser, one sign-off that is missing.

use super::{Browser, DESKTOP};
use crate::demo::Demo;

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_signs_off_and_watches_the_rollout_of_the_demo() {
    let demo = Demo::start(&["--window-in", "12"]).await;
    let browser = Browser::open(&demo.url(), DESKTOP).await;
    browser.sign_in(&demo.links()["product-1"]).await;
    browser.read("Needs your sign-off", 5).await;
    browser.press("R-21").await;
    browser.read("Your sign-off", 5).await;
    browser.fits().await;
    browser.press("Sign off: deploys").await;
    browser.read("You signed this on", 5).await;
    browser.shot("demo-signed").await;
    browser.read("rolling out", 30).await;
    browser.read("succeeded", 60).await;
    browser.shot("demo-succeeded").await;
    browser.close().await;
}
