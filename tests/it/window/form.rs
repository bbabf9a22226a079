//! The form of a window: what a browser's field for a time cannot hold.

use chrono::TimeDelta;
use serde_json::json;

use super::{HOUR, show_window};
use crate::support::page::Page;
use crate::support::portal::both;
use crate::support::town::at_opening;

both! {
    async fn a_time_that_happens_twice_is_chosen_beside_its_field(portal: &mut TestPortal) {
        let otto = portal.person("otto").await;
        let typed = [
            ("title", "Night"), ("starts_at", "2027-10-31T02:30"), ("ends_at", "2027-10-31T04:00"), ("zone", "Europe/Berlin"),
        ];
        let new = Page::get(&otto, "/windows/new").await;
        assert!(new.attributes("[name=starts_at_exact]", "value").is_empty(), "there is nothing to choose");
        let refused = new.form("/windows").with(&typed).send(&otto).await;
        assert_eq!(refused.status, 422);
        assert!(refused.complaint("starts_at").contains("twice"), "{}", refused.text("main"));
        let (first, second) = ("2027-10-31T02:30+02:00", "2027-10-31T02:30+01:00");
        assert_eq!(refused.attributes("[name=starts_at_exact]", "value"), [first, second]);
        for (choice, instant) in [(first, "2027-10-31T00:30:00Z"), (second, "2027-10-31T01:30:00Z")] {
            let planned = refused.form("/windows").with(&[("starts_at_exact", choice)]).send(&otto).await;
            assert_eq!(planned.status, 200, "{}", planned.text("main"));
            let id: i64 = planned.location.unwrap()["/windows/".len()..].split('?').next().unwrap().parse().unwrap();
            assert_eq!(show_window(portal, id).await["starts_at"], instant);
            // The form of a window shows which one was chosen, and leaves it.
            let path = format!("/windows/{id}/edit");
            let form = Page::get(&otto, &path).await.form(&path);
            assert_eq!(form.values("starts_at_exact"), [choice]);
            let saved = form.with(&[("title", "Another night")]).send(&otto).await;
            assert_eq!(saved.status, 200, "{}", saved.text("main"));
            let window = show_window(portal, id).await;
            assert_eq!((&window["title"], &window["starts_at"]), (&json!("Another night"), &json!(instant)));
            // The other one, or another time altogether, can be chosen as well.
            let form = Page::get(&otto, &path).await.form(&path);
            let (other, at) = if choice == first { (second, "2027-10-31T01:30:00Z") } else { (first, "2027-10-31T00:30:00Z") };
            assert_eq!(form.with(&[("starts_at_exact", other)]).send(&otto).await.status, 200);
            assert_eq!(show_window(portal, id).await["starts_at"], at);
            let form = Page::get(&otto, &path).await.form(&path);
            assert_eq!(form.with(&[("starts_at", "2027-10-31T01:30")]).send(&otto).await.status, 200);
            assert_eq!(show_window(portal, id).await["starts_at"], "2027-10-30T23:30:00Z");
        }
    }

    async fn another_title_leaves_the_seconds_of_a_window_alone(portal: &mut TestPortal) {
        let (opens_in, lasts) = (HOUR + TimeDelta::milliseconds(30_500), HOUR + TimeDelta::seconds(7));
        let window = portal.window(opens_in, lasts).await;
        let number = portal.release("first", at_opening(window)).await;
        portal.sign_all(number).await;
        let before = show_window(portal, window).await;
        let path = format!("/windows/{window}/edit");
        for (title, state) in [("Early", "announced"), ("While it is open", "open")] {
            let otto = portal.person("otto").await;
            assert_eq!(show_window(portal, window).await["state"], state);
            let saved = Page::get(&otto, &path).await.form(&path).with(&[("title", title)]).send(&otto).await;
            assert_eq!(saved.status, 200, "{}", saved.text("main"));
            let after = show_window(portal, window).await;
            assert_eq!((&after["title"], &after["starts_at"], &after["ends_at"]), (&json!(title), &before["starts_at"], &before["ends_at"]));
            portal.advance(opens_in).await;
            assert_eq!(portal.state(number).await, "succeeded", "the sign-offs count");
        }
        // The same times by another clock are other instants.
        let number = portal.draft_window(opens_in, lasts).await;
        let otto = portal.person("otto").await;
        let (path, before) = (format!("/windows/{number}/edit"), show_window(portal, number).await);
        let form = Page::get(&otto, &path).await.form(&path).with(&[("zone", "America/New_York")]);
        assert_eq!(form.send(&otto).await.status, 200);
        assert_ne!(show_window(portal, number).await["starts_at"], before["starts_at"]);
    }
}
