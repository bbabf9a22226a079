//! Forms that make no sense, and pages that are asked with nonsense: told by a page, with what was
//! typed kept, and nothing half done.

use reqwest::Method;
use scraper::{Html, Selector};

use super::pages::{DOORS, SIGN_IN};
use super::people::{ask, guest, is_open, send, shown, who_may};
use super::{set_scene, without_sessions};
use crate::support::field;
use crate::support::portal::both;

/// Forms with fields: who sends it, what is typed, and which of it stands there again.
type Typed = (&'static str, &'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

/// Words that a page must escape.
const WORDS: &str = "Kept <b>words</b> & \"signs\"";

const TYPED: &[Typed] = &[
    (
        "otto",
        "/windows",
        &[
            ("title", ""),
            ("starts_at", "tomorrow"),
            ("ends_at", "2026-12-01T10:00"),
            ("zone", "Mars/Olympus"),
            ("audience", WORDS),
        ],
        &["starts_at", "ends_at", "audience"],
    ),
    (
        "otto",
        "/windows",
        &[
            ("title", WORDS),
            ("starts_at", "2026-12-01T11:00"),
            ("ends_at", "2026-12-01T10:00"),
            ("zone", "Europe/Berlin"),
        ],
        &["title", "starts_at", "ends_at"],
    ),
    (
        "otto",
        "/windows/1/edit",
        &[
            ("version", "1"),
            ("title", WORDS),
            ("starts_at", "2020-01-01T10:00"),
            ("ends_at", "2020-01-01T11:00"),
            ("zone", "UTC"),
        ],
        &["title", "starts_at", "ends_at"],
    ),
    (
        "rita",
        "/releases",
        &[("image", "1"), ("environment", "production"), ("start", "at_once"), ("note", WORDS)],
        &["note"],
    ),
    ("rita", "/releases/1/edit", &[("start", "at_opening:999"), ("note", WORDS)], &["note"]),
    (
        "ada",
        "/services",
        &[("name", "No Slug!"), ("title", WORDS), ("repository", "not a repository")],
        &["name", "title", "repository"],
    ),
    (
        "ada",
        "/services/checkout/edit",
        &[("version", "1"), ("title", WORDS), ("repository", "https://x y")],
        &["title", "repository"],
    ),
    (
        "ada",
        "/services/checkout/targets",
        &[
            ("environment", "production"),
            ("namespace", "No Namespace"),
            ("kind", "Deployment"),
            ("name", WORDS),
            ("containers", "app"),
        ],
        &["namespace", "name"],
    ),
    (
        "ada",
        "/targets/1/edit",
        &[("version", "1"), ("namespace", "No Namespace"), ("kind", "Deployment"), ("name", WORDS), ("containers", "")],
        &["namespace", "name"],
    ),
    (
        "ada",
        "/environments",
        &[("name", "No Slug!"), ("title", WORDS), ("rank", "first"), ("validity_hours", "-1")],
        &["name", "title", "rank", "validity_hours"],
    ),
    (
        "ada",
        "/environments/production/edit",
        &[
            ("version", "1"),
            ("title", WORDS),
            ("rank", "99999999999999999999"),
            ("rule_group", "product"),
            ("rule_count", "many"),
        ],
        &["title", "rank"],
    ),
    ("ada", "/clusters", &[("name", "No Slug!"), ("title", WORDS)], &["name", "title"]),
    ("ada", "/clusters/main/edit", &[("version", "1"), ("title", "")], &[]),
    ("ada", "/clusters/main/credential", &[("kubeconfig", "no: kubeconfig")], &["kubeconfig"]),
    ("ada", "/groups", &[("name", "No Slug!"), ("title", WORDS)], &["name", "title"]),
    (
        "ada",
        "/groups/product/edit",
        &[("version", "1"), ("title", WORDS), ("members", "nobody-of-this-name")],
        &["title"],
    ),
    (
        "ada",
        "/people",
        &[("login", "No Login!"), ("name", WORDS), ("email", "no address"), ("zone", "Mars/Olympus")],
        &["login", "name", "email", "zone"],
    ),
    (
        "ada",
        "/people/carl/edit",
        &[("version", "1"), ("name", WORDS), ("commit_identities", "not an address")],
        &["name", "commit_identities"],
    ),
    ("rita", "/tokens", &[("title", WORDS), ("days", "many")], &["title", "days"]),
    ("dora", "/releases/1/reject", &[("reason", "")], &[]),
    ("vera", "/account/zone", &[("zone", "Mars/Olympus")], &["zone"]),
    ("vera", "/account/password", &[("present", "secret of mine"), ("password", "sh0rt!")], &[]),
    ("", "/setup/wrong", &[("login", "No Login!"), ("name", WORDS), ("password", "sh0rt!")], &["login", "name"]),
    ("", "/sign-in", &[("login", WORDS), ("password", "secret of mine")], &["login"]),
];

/// What a form's field holds on a page.
fn holds(page: &Html, name: &str) -> Option<String> {
    let field = page.select(&Selector::parse(&format!("main [name=\"{name}\"]")).unwrap()).next()?;
    match field.value().name() {
        "textarea" => Some(field.text().collect::<String>().trim().to_owned()),
        _ => field.value().attr("value").map(str::to_owned),
    }
}

both! {
    async fn a_form_that_is_wrong_comes_back_with_what_was_typed(portal: &mut TestPortal) {
        set_scene(portal).await;
        let before = portal.database.contents().await;
        let mut wrong = Vec::new();
        for (who, path, typed, kept) in TYPED {
            let answer = match *who {
                "" => {
                    let (cookie, csrf) = guest(portal, "/sign-in").await;
                    let typed: Vec<(&str, &str)> = typed.iter().copied().chain([("csrf", csrf.as_str())]).collect();
                    shown(portal.nobody().form(path, &typed).header("cookie", cookie)).await
                }
                login => shown(portal.person(login).await.form(path, typed)).await,
            };
            let page = Html::parse_document(&answer.text);
            let expected = if *path == "/sign-in" { SIGN_IN } else { 422 };
            if answer.status != expected || !answer.is_page() {
                wrong.push(format!("{path}: {} {}", answer.status, answer.kind));
            }
            for (name, value) in typed.iter().filter(|(name, _)| kept.contains(name)) {
                let held = holds(&page, name);
                if held.as_deref() != Some(*value) {
                    wrong.push(format!("{path}: {name} holds {held:?} and not {value}"));
                }
            }
            let complaint = Selector::parse("main .complaint, main [role=alert], main .alarm").unwrap();
            if page.select(&complaint).next().is_none() {
                wrong.push(format!("{path}: nothing is complained about"));
            }
            if answer.text.contains("<b>words") || answer.text.contains("secret of mine") || answer.text.contains("sh0rt!") {
                wrong.push(format!("{path}: something is shown that must not be"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let mut after = portal.database.contents().await;
        let mut before = before;
        for contents in [&mut before, &mut after] {
            contents.remove("sign_in_failures");
        }
        assert_eq!(without_sessions(after), without_sessions(before), "nothing was changed");
    }

    async fn forms_of_nonsense_are_told_by_a_page(portal: &mut TestPortal) {
        set_scene(portal).await;
        for row in DOORS.iter().filter(|row| row.0 == "POST" && row.1 != "/sign-out") {
            let login = who_may(row);
            let (address, _) = ask(portal, row, !is_open(row.1)).await;
            for nonsense in ["", "&&&===&%%%&%zz=%ff%fe", "version=x&version=y&name=%00&title=%00&comment=%00&reason=%00&note=%00", "a=1&a=2&name[]=3&title=%F0%9F%98%80"] {
                let session = if row.1 == "/account/password" { portal.signed_in(login).await } else { portal.person(login).await };
                let (cookie, csrf) = match is_open(row.1) {
                    true => guest(portal, "/sign-in").await,
                    false => (session.cookie().to_owned(), session.csrf().to_owned()),
                };
                let request = portal.nobody().request(Method::POST, &address).header("cookie", cookie);
                let answer = shown(request.body(format!("csrf={csrf}&{nonsense}"))).await;
                let told = answer.status == 303 || (answer.status < 500 && answer.is_page());
                assert!(told, "{address} with {nonsense}: {} {} {}", answer.status, answer.kind, answer.text);
            }
        }
        portal.run_until_idle().await;
    }

    async fn forms_that_are_too_large_are_refused_and_change_nothing(portal: &mut TestPortal) {
        set_scene(portal).await;
        let before = portal.database.contents().await;
        for row in DOORS.iter().filter(|row| row.0 == "POST") {
            let (address, mut fields) = ask(portal, row, false).await;
            fields.push(("more", "a".repeat(400 * 1024)));
            let who = portal.person(who_may(row)).await;
            let answer = send(portal, &who, row, &address, &fields).await;
            assert_eq!((answer.status, answer.is_page()), (413, true), "{address}");
        }
        assert_eq!(without_sessions(portal.database.contents().await), without_sessions(before), "nothing was changed");
    }

    async fn the_largest_kubeconfig_fits_into_its_form(portal: &mut TestPortal) {
        let ada = portal.person("ada").await;
        let kubeconfig = format!("{}\n{}", field::practice().admin_kubeconfig(), "#\n".repeat(50_000));
        let answer = shown(ada.form("/clusters/main/credential", &[("kubeconfig", &kubeconfig)])).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        portal.run_until_idle().await;
    }

    async fn what_is_not_there_and_what_is_asked_wrongly_is_told_by_a_page(portal: &mut TestPortal) {
        set_scene(portal).await;
        let ada = portal.person("ada").await;
        for (path, status) in [
            ("/nothing", 404),
            ("/releases/999", 404),
            ("/releases/nonsense", 404),
            ("/releases/%ff", 404),
            ("/releases/99999999999999999999", 404),
            ("/images/999", 404),
            ("/images/x", 404),
            ("/windows/999", 404),
            ("/windows/999/edit", 404),
            ("/services/nothing", 404),
            ("/environments/nothing", 404),
            ("/clusters/nothing", 404),
            ("/clusters/nothing/script", 404),
            ("/groups/nothing", 404),
            ("/people/nothing", 404),
            ("/targets/999/edit", 404),
            ("/releases/new?image=999&environment=production", 404),
            ("/releases/new?image=1&environment=nothing", 404),
            ("/releases/new", 422),
            ("/releases/new?image=x&environment=production", 422),
            ("/releases?before=x", 422),
            ("/images?before=x", 422),
            ("/audit?before=x", 422),
            ("/tokens?before=x", 422),
            ("/account/zone", 405),
        ] {
            let answer = shown(ada.request(Method::GET, path)).await;
            assert_eq!((answer.status, answer.kind.as_str()), (status, "text/html; charset=utf-8"), "{path}");
            assert!(Html::parse_document(&answer.text).select(&Selector::parse("h1").unwrap()).next().is_some());
        }
        for path in ["/static/nothing.css", "/static/tidegate.000000000000.css"] {
            assert_eq!(shown(ada.request(Method::GET, path)).await.status, 404, "{path}");
        }
    }
}
