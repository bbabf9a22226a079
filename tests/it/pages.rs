//! What people read on the pages of a release, on the list of images, in the audit log and on their
//! own account.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::json;

use crate::support::images;
use crate::support::page::Page;
use crate::support::portal::{TestPortal, both};
use crate::support::town::{at_opening, by_hand, when_signed};

const HOUR: TimeDelta = TimeDelta::hours(1);

/// As much of a digest as pages show.
fn short(name: &str) -> String {
    images::good(name)["sha256:".len()..][..8].to_owned()
}

async fn release(portal: &TestPortal, login: &str, number: i64) -> Page {
    Page::get(&portal.person(login).await, &format!("/releases/{number}")).await
}

both! {
    async fn the_release_page_shows_what_runs_and_what_is_proposed_with_its_evidence(portal: &mut TestPortal) {
        let window = portal.window(HOUR, HOUR).await;
        let number = portal.release("first", at_opening(window)).await;
        let page = release(portal, "vera", number).await;
        assert_eq!(page.status, 200);
        page.says("h1", &["Checkout", "first", "Production", "waits for Deployment team, Product"]);
        page.says(".head p", &["rita", "November storefront"]);
        let changes = page.texts("#changes td");
        assert!(changes[0].contains("checkout") && changes[0].contains("app"), "{changes:?}");
        assert!(changes[1].contains(&short("before")) && changes[2].contains(&short("first")), "{changes:?}");
        page.says("#changes", &["vouchers"]);
        page.says(".evidence", &["9f2c41a", "main", "412", "carl"]);
        assert_eq!(page.attributes(".head a[rel]", "href"), ["https://ci.example/runs/5121"]);
    }

    async fn the_release_page_names_who_has_to_agree_and_who_has(portal: &mut TestPortal) {
        let number = portal.release("first", by_hand()).await;
        let rules = |page: &Page| page.texts("#rules li");
        let page = release(portal, "vera", number).await;
        assert_eq!(rules(&page), ["Deployment team 0 of 1 · dora, dirk can", "Product 0 of 1 · pia, paul can"]);
        page.says("#missing", &["Deployment team", "Product"]);
        assert!(page.text("#sign form").is_empty(), "nobody else is asked");
        release(portal, "pia", number).await.says("#sign form", &["Sign off"]);
        portal.sign("dora", number).await;
        let page = release(portal, "vera", number).await;
        assert_eq!(rules(&page)[0], "Deployment team 1 of 1 · dora");
        assert!(!page.text("#missing").contains("Deployment team"));
        release(portal, "dora", number).await.says("#sign", &["You signed this"]);
    }

    async fn the_release_page_says_why_it_is_not_going_out(portal: &mut TestPortal) {
        let window = portal.window(HOUR, HOUR).await;
        let number = portal.release("first", at_opening(window)).await;
        portal.sign_all(number).await;
        let page = release(portal, "vera", number).await;
        page.says("#missing", &["opens"]);
        // Every reason that the API gives is a line of its own.
        let reasons = portal.show(number).await["reasons"].as_array().unwrap().len();
        assert_eq!(page.texts("#missing li").len(), reasons);
        portal.advance(HOUR).await;
        portal.run_until_idle().await;
        let page = release(portal, "vera", number).await;
        page.says("h1", &["succeeded"]);
        assert!(page.texts("#missing li").is_empty());
    }

    async fn a_void_decision_is_shown_with_what_voided_it(portal: &mut TestPortal) {
        let number = portal.release("first", by_hand()).await;
        portal.sign("dora", number).await;
        portal.change_policy(json!({ "watch_seconds": 1 })).await;
        let page = release(portal, "vera", number).await;
        page.says("#rules .warning", &["dora", "does not count", "policy"]);
        page.says("#rules", &["0 of 1"]);
    }

    async fn edits_after_the_request_are_named_on_the_release_page(portal: &mut TestPortal) {
        let number = portal.release("first", by_hand()).await;
        let page = release(portal, "vera", number).await;
        assert!(!page.text("main").contains("ada"), "nothing was edited yet");
        portal.members("ada", "product", &["pia", "vera"]).await;
        portal.change_policy(json!({ "watch_seconds": 1 })).await;
        let page = release(portal, "vera", number).await;
        let edits: Vec<String> = page.texts("section li").into_iter().filter(|line| line.contains("ada")).collect();
        for part in ["policy", "Product"] {
            assert!(edits.iter().any(|line| line.contains(part)), "{part}: {edits:?}");
        }
    }

    async fn a_form_on_the_release_page_does_what_the_door_for_programs_does(portal: &mut TestPortal) {
        let number = portal.release("first", by_hand()).await;
        let dora = portal.person("dora").await;
        let page = release(portal, "dora", number).await;
        let hash = page.attributes("#sign input[name=content_hash]", "value").remove(0);
        let path = format!("/releases/{number}/signoff");
        // Something else than what was on the screen is not signed, and what was written stays.
        let fields = [("content_hash", "0".repeat(64)), ("comment", "fine by me".to_owned())];
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        let refused = Page::post(&dora, &path, &fields).await;
        assert_eq!(refused.status, 409);
        assert_eq!(refused.attributes("#comment", "value"), ["fine by me"]);
        let done = Page::post(&dora, &path, &[("content_hash", &hash), ("comment", "fine by me")]).await;
        assert_eq!((done.status, done.location), (303, Some(format!("/releases/{number}?done=signed"))));
        release(portal, "vera", number).await.says("#story", &["dora", "fine by me"]);
        // A rejection without a reason is none.
        let pia = portal.person("pia").await;
        let path = format!("/releases/{number}/reject");
        let refused = Page::post(&pia, &path, &[("content_hash", &hash), ("reason", " ")]).await;
        assert_eq!(refused.status, 422);
        assert!(refused.complaint("reason").contains("Say why"), "{}", refused.text("#sign"));
        assert_eq!(refused.attributes("#reject", "open").len(), 1, "what is wrong can be seen");
        let long = "x".repeat(4001);
        let refused = Page::post(&pia, &format!("/releases/{number}/signoff"), &[("content_hash", &hash), ("comment", &long)]).await;
        assert_eq!(refused.status, 422);
        assert!(!refused.complaint("comment").is_empty(), "{}", refused.text("#sign"));
        assert_eq!(portal.state(number).await, "waiting");
        let done = Page::post(&pia, &path, &[("content_hash", &hash), ("reason", "the vouchers are wrong")]).await;
        assert_eq!(done.status, 303);
        let page = release(portal, "vera", number).await;
        page.says("h1", &["rejected"]);
        page.says("#missing", &["the vouchers are wrong"]);
    }

    async fn the_forms_of_a_release_page_are_told_apart(portal: &mut TestPortal) {
        portal.members("ada", "product", &["pia", "rita"]).await;
        let number = portal.release("first", by_hand()).await;
        let rita = portal.person("rita").await;
        let long = "x".repeat(4001);
        let path = format!("/releases/{number}/withdraw");
        for page in [release(portal, "rita", number).await, Page::post(&rita, &path, &[("withdraw_reason", &long)]).await] {
            let ids = page.attributes("[id]", "id");
            assert!(ids.iter().any(|id| id == "reject") && ids.iter().any(|id| id == "withdraw"), "{ids:?}");
            assert_eq!(ids.len(), BTreeSet::from_iter(&ids).len(), "{ids:?}");
            let refused = page.status == 422;
            assert_eq!(page.complaint("withdraw_reason").is_empty(), !refused);
            assert!(page.complaint("reason").is_empty());
        }
    }

    async fn without_scripts_the_page_comes_anew_only_while_something_happens(portal: &mut TestPortal) {
        let digest = portal.image("first").await;
        let rita = portal.person("rita").await;
        let asked = portal.ask(&rita, &digest, when_signed()).await.is(201);
        let number = asked["number"].as_i64().unwrap();
        let anew = format!("content=\"5; url=/releases/{number}\"");
        release(portal, "vera", number).await.says("noscript", &[&anew]);
        // Not what was typed into a form that was refused.
        let refused = Page::post(&rita, &format!("/releases/{number}/withdraw"), &[("withdraw_reason", &"x".repeat(4001))]).await;
        assert_eq!((refused.status, refused.text("noscript")), (422, String::new()));
        portal.run_until_idle().await;
        assert_eq!(release(portal, "vera", number).await.text("noscript"), "", "it waits for people");
        portal.sign_all(number).await;
        release(portal, "vera", number).await.says("noscript", &[&anew]);
        portal.run_until_idle().await;
        let page = release(portal, "vera", number).await;
        page.says("h1", &["succeeded"]);
        assert_eq!(page.text("noscript"), "");
    }

    async fn a_release_whose_window_is_over_starts_in_no_other_way_by_itself(portal: &mut TestPortal) {
        let window = portal.window(HOUR, HOUR).await;
        let number = portal.release("first", at_opening(window)).await;
        portal.advance(HOUR * 2).await;
        let next = portal.window(HOUR, HOUR).await;
        let rita = portal.person("rita").await;
        let path = format!("/releases/{number}/edit");
        let page = Page::get(&rita, &path).await;
        page.says("#start option[selected]", &["November storefront", "choose another"]);
        let form = page.form(&path);
        assert_eq!(form.values("start"), [format!("at_opening:{window}")]);
        let refused = form.clone().with(&[("note", "later")]).send(&rita).await;
        assert_eq!(refused.status, 422);
        assert!(refused.complaint("start").contains("over"), "{}", refused.text("main"));
        assert_eq!(refused.form(&path).values("start"), [format!("at_opening:{window}")]);
        // What is no window at all is not dropped either.
        for path in [&path, "/releases"] {
            let mut page = Page::get(&rita, &format!("/releases/{number}/edit")).await;
            if path == "/releases" {
                let image = page.form(&format!("/releases/{number}/edit")).values("image")[0].to_owned();
                page = Page::get(&rita, &format!("/releases/new?image={image}&environment=production")).await;
            }
            for wrong in ["by_hand:soon", "by_hand:"] {
                let refused = page.form(path).with(&[("start", wrong)]).send(&rita).await;
                assert_eq!(refused.status, 422, "{path} {wrong}");
                assert!(!refused.complaint("start").is_empty(), "{path} {wrong}");
            }
        }
        assert_eq!(portal.show(number).await["start"]["window"]["id"], json!(window));
        let saved = form.with(&[("start", &format!("at_opening:{next}"))]).send(&rita).await;
        assert_eq!(saved.status, 200);
        assert_eq!(portal.show(number).await["start"]["window"]["id"], json!(next));
        assert!(!Page::get(&rita, &path).await.text("#start").contains("choose another"));
        portal.run_until_idle().await;
    }

    async fn the_tide_says_in_words_and_by_shape_what_lacks_a_signoff(portal: &mut TestPortal) {
        let window = portal.window(HOUR, HOUR).await;
        let number = portal.release("first", at_opening(window)).await;
        for (signed, shape, other, says) in [
            (false, "path.buoy", "circle.buoy", "0 with every sign-off, 1 without"),
            (true, "circle.buoy", "path.buoy", "1 with every sign-off, 0 without"),
        ] {
            if signed {
                portal.sign_all(number).await;
            }
            for path in ["/", "/windows"] {
                let page = Page::get(&portal.person("vera").await, path).await;
                assert_eq!((page.texts(shape).len(), page.texts(other).len()), (1, 0), "{path}");
                assert!(!page.text(&format!("{shape} title")).is_empty(), "{path}");
                page.says("svg + ul li, .tide-scroll + ul li", &["November storefront", says]);
            }
        }
        portal.run_until_idle().await;
    }

    async fn the_list_of_images_is_searched_and_paged_without_losing_any(portal: &mut TestPortal) {
        let vera = portal.person("vera").await;
        Page::get(&vera, "/images").await.says(".empty", &["curl"]);
        let names: BTreeSet<String> = (100..170).map(|number| format!("v{number}")).collect();
        for name in &names {
            portal.image(name).await;
        }
        let mut seen = Vec::new();
        let mut next = Some("/images".to_owned());
        while let Some(path) = next {
            let page = Page::get(&vera, &path).await;
            seen.extend(page.texts("td:first-child a").iter().map(|text| text.split(' ').next_back().unwrap().to_owned()));
            next = page.attributes(".pager a", "href").pop();
            // What comes in meanwhile is newer, and moves nothing.
            portal.image(&format!("late{}", seen.len())).await;
        }
        assert_eq!(seen.len(), names.len());
        assert_eq!(BTreeSet::from_iter(seen), names);
        let page = Page::get(&vera, "/images?q=v133").await;
        assert_eq!(page.texts("tbody tr").len(), 1);
        page.says("tbody tr", &["v133", "412/412"]);
        Page::get(&vera, "/images?q=no-such-image").await.says(".empty", &["Nothing"]);
        assert_eq!(Page::get(&vera, "/images?before=nonsense").await.status, 422);
    }

    async fn the_audit_page_is_searched(portal: &mut TestPortal) {
        let number = portal.release("first", by_hand()).await;
        portal.sign_all(number).await;
        let vera = portal.person("vera").await;
        let page = Page::get(&vera, "/audit").await;
        page.says("tbody tr:nth-child(1)", &["signoff.approve", &format!("R-{number}"), "pia"]);
        let found = Page::get(&vera, "/audit?q=signoff.approve").await;
        assert_eq!(found.texts("tbody tr").len(), 2);
        Page::get(&vera, "/audit?q=no-such-thing").await.says(".empty", &["Nothing"]);
        assert_eq!(Page::get(&portal.person("nora").await, "/audit").await.status, 403);
    }

    async fn people_set_their_zone_and_their_password_on_their_account(portal: &mut TestPortal) {
        let dora = portal.signed_in("dora").await;
        assert_eq!(Page::post(&dora, "/account/zone", &[("zone", "Mars/Olympus")]).await.status, 422);
        assert_eq!(Page::post(&dora, "/account/zone", &[("zone", "Asia/Tokyo")]).await.status, 303);
        let window = portal.window(HOUR, HOUR).await;
        // It is nine in Greenwich; the window opens at ten there.
        Page::get(&dora, &format!("/windows/{window}")).await.says("main", &["19:00"]);
        let short = [("present", ""), ("password", "short")];
        assert_eq!(Page::post(&dora, "/account/password", &short).await.status, 422);
        let good = [("present", ""), ("password", "correct horse battery")];
        let done = Page::post(&dora, "/account/password", &good).await;
        assert_eq!(done.status, 303, "{}", done.text("main"));
        portal.nobody().by_password("dora", "correct horse battery").await;
        let stored = portal.database.probe().await.texts("SELECT password_hash FROM people WHERE login = 'dora'").await;
        assert!(stored[0].starts_with("$argon2id$v=19$m="), "{stored:?}");
    }
}
