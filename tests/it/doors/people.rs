//! Every door for people × everybody in a browser, and forms that another site sends.

use reqwest::Method;
use scraper::{Html, Selector};

use super::pages::{DOORS, Row, SIGN_IN};
use super::table::WHO;
use super::{next, set_scene, thing, without_sessions};
use crate::support::api::Api;
use crate::support::field;
use crate::support::portal::{TestPortal, both};

/// What a browser gets.
pub struct Shown {
    /// The status; [`SIGN_IN`] for the way to the sign-in page.
    pub status: u16,
    /// The media type.
    pub kind: String,
    /// The page.
    pub text: String,
}

impl Shown {
    pub fn is_page(&self) -> bool {
        self.kind.starts_with("text/html")
    }
}

/// Sends a request as a browser would, and does not follow where it leads.
pub async fn shown(request: reqwest::RequestBuilder) -> Shown {
    let answer = request.send().await.unwrap();
    let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (kind, to) = (header("content-type").unwrap_or_default(), header("location").unwrap_or_default());
    let status = match answer.status().as_u16() {
        303 if to.starts_with("/sign-in") => SIGN_IN,
        status => status,
    };
    Shown { status, kind, text: answer.text().await.unwrap() }
}

/// Somebody who was shown a form before signing in: the cookie of it, and its token.
pub async fn guest(portal: &TestPortal, path: &str) -> (String, String) {
    let answer = portal.nobody().request(Method::GET, path).send().await.unwrap();
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let page = Html::parse_document(&answer.text().await.unwrap());
    let field = page.select(&Selector::parse("input[name=csrf]").unwrap()).next().unwrap();
    (cookie, field.value().attr("value").unwrap().to_owned())
}

/// Whether a form is one for people who are not signed in.
pub fn is_open(path: &str) -> bool {
    path.starts_with("/sign-in") || path.starts_with("/setup")
}

/// Where a request goes and what it brings. A form that will be taken gets things of its own.
pub async fn ask(portal: &TestPortal, row: &Row, let_in: bool) -> (String, Vec<(&'static str, String)>) {
    let (method, path, _) = row;
    let own = let_in && *method == "POST" && path.contains('{') && !path.ends_with("/probe");
    let n = next();
    let (segment, id) = thing(portal, path.split('/').nth(1).unwrap_or_default(), path, own, n).await;
    let mut address = if segment.is_empty() { (*path).to_owned() } else { path.replace(segment, &id) };
    address = address.replace("{id}", "999").replace("{secret}", "wrong");
    if *path == "/static/{name}" {
        address = tidegate::http::assets::style().href.clone();
    }
    if *path == "/releases/new" {
        address.push_str("?image=1&environment=production");
    }
    (address, fields(portal, row, &id, n).await)
}

/// A form that fits.
async fn fields(portal: &TestPortal, (method, path, _): &Row, id: &str, n: u32) -> Vec<(&'static str, String)> {
    if *method == "GET" {
        return Vec::new();
    }
    let own = |text: &str| format!("{text}{n}");
    let fixed =
        |pairs: &[(&'static str, &str)]| pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    match *path {
        "/sign-in" => vec![("login", own("eve")), ("password", "nothing like it".to_owned())],
        "/setup/{secret}" => fixed(&[("login", "eve"), ("name", "Eve"), ("password", "correct horse battery")]),
        "/account/zone" => fixed(&[("zone", "Europe/Berlin")]),
        "/account/password" => vec![("present", String::new()), ("password", own("a horse of a password "))],
        "/windows" | "/windows/{id}/edit" => fixed(&[
            ("version", "1"),
            ("title", "November storefront"),
            ("starts_at", "2026-12-01T10:00"),
            ("ends_at", "2026-12-01T11:00"),
            ("zone", "Europe/Berlin"),
        ]),
        "/windows/{id}/announce" => fixed(&[("version", "1")]),
        "/releases" => {
            fixed(&[("image", "1"), ("environment", "production"), ("start", "by_hand"), ("note", "vouchers")])
        }
        "/releases/{number}/edit" => vec![("start", "by_hand".to_owned()), ("note", own("note "))],
        "/releases/{number}/signoff" | "/releases/{number}/reject" => {
            let hash = portal.show(id.parse().unwrap()).await["content_hash"].as_str().unwrap_or_default().to_owned();
            vec![("content_hash", hash), ("comment", "because".to_owned()), ("reason", "because".to_owned())]
        }
        "/releases/{number}/withdraw" => fixed(&[("withdraw_reason", "because")]),
        "/services" | "/services/{name}/edit" => {
            vec![
                ("version", "1".to_owned()),
                ("name", own("ns")),
                ("title", own("T")),
                ("repository", "r.example/s".to_owned()),
            ]
        }
        "/services/{name}/targets" | "/targets/{id}/edit" => vec![
            ("version", "1".to_owned()),
            ("environment", "production".to_owned()),
            ("namespace", "doors".to_owned()),
            ("kind", "Deployment".to_owned()),
            ("name", own("nt")),
            ("containers", "app".to_owned()),
        ],
        "/environments" | "/environments/{name}/edit" => vec![
            ("version", "1".to_owned()),
            ("name", own("ne")),
            ("title", own("T")),
            ("rank", "10".to_owned()),
            ("start_modes", "by_hand".to_owned()),
            ("unknown_author", "block".to_owned()),
            ("validity_hours", "24".to_owned()),
            ("watch_seconds", "0".to_owned()),
        ],
        "/clusters" | "/clusters/{name}/edit" => {
            vec![("version", "1".to_owned()), ("name", own("nc")), ("title", own("T"))]
        }
        "/clusters/{name}/credential" => vec![("kubeconfig", field::practice().admin_kubeconfig())],
        "/groups" | "/groups/{name}/edit" => {
            vec![("version", "1".to_owned()), ("name", own("ng")), ("title", own("T"))]
        }
        "/people" | "/people/{login}/edit" => {
            vec![("version", "1".to_owned()), ("login", own("np")), ("name", own("P"))]
        }
        "/tokens" => fixed(&[("title", "door"), ("scopes", "images:write"), ("days", "90")]),
        "/tokens/{id}/edit" => fixed(&[("title", "door"), ("scopes", "images:write")]),
        _ => Vec::new(),
    }
}

/// The request of somebody at a door.
pub async fn send(portal: &TestPortal, who: &Api, row: &Row, address: &str, fields: &[(&str, String)]) -> Shown {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    if row.0 == "GET" {
        return shown(who.request(Method::GET, address)).await;
    }
    if is_open(row.1) {
        let (cookie, csrf) = guest(portal, "/sign-in").await;
        let fields: Vec<(&str, &str)> = fields.into_iter().chain([("csrf", csrf.as_str())]).collect();
        let cookies = if who.cookie().is_empty() { cookie } else { format!("{cookie}; {}", who.cookie()) };
        return shown(portal.nobody().form(address, &fields).header("cookie", cookies)).await;
    }
    shown(who.form(address, &fields)).await
}

async fn everybody(portal: &TestPortal, row: &Row) -> Vec<Api> {
    let mut who = vec![portal.nobody().clone()];
    for login in &WHO[1..7] {
        // Whoever signs out, or changes their password, is signed in anew for what follows.
        let ends = ["/sign-out", "/account/password"].contains(&row.1);
        who.push(if ends { portal.signed_in(login).await } else { portal.person(login).await });
    }
    who
}

/// Somebody whom a form would be taken from.
pub fn who_may(row: &Row) -> &'static str {
    let found = row.2.iter().enumerate().rev().find(|(_, status)| [200, 303, 409].contains(*status));
    found.map_or("ada", |(index, _)| WHO[index.max(1)])
}

both! {
    async fn every_page_answers_everybody_as_the_table_says(portal: &mut TestPortal) {
        set_scene(portal).await;
        let token = portal.token("tess", &crate::support::town::SCOPES).await;
        let mut wrong = Vec::new();
        for row in DOORS {
            let who = everybody(portal, row).await;
            for ((index, api), expected) in who.iter().enumerate().zip(row.2) {
                let (address, fields) = ask(portal, row, [200, 303].contains(&expected)).await;
                let answer = send(portal, api, row, &address, &fields).await;
                let words = || Html::parse_document(&answer.text).root_element().text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ");
                if answer.status != expected {
                    wrong.push(format!("{} {address} as {}: {} and not {expected} {:.300}", row.0, WHO[index], answer.status, words()));
                }
                if answer.status >= 400 && answer.status != SIGN_IN && !answer.is_page() {
                    wrong.push(format!("{} {address} as {}: {} is told as {}", row.0, WHO[index], answer.status, answer.kind));
                }
            }
            // A program is nobody here, whatever it may do at its own doors.
            let (address, fields) = ask(portal, row, false).await;
            let answer = send(portal, &token, row, &address, &fields).await;
            if answer.status != row.2[0] {
                wrong.push(format!("{} {address} with a token: {} and not {}", row.0, answer.status, row.2[0]));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        portal.run_until_idle().await;
    }

    async fn every_form_without_its_token_is_refused_and_changes_nothing(portal: &mut TestPortal) {
        set_scene(portal).await;
        let before = portal.database.contents().await;
        for row in DOORS.iter().filter(|row| row.0 == "POST") {
            let (address, fields) = ask(portal, row, false).await;
            let session = portal.person(who_may(row)).await;
            let (cookie, csrf) = match is_open(row.1) {
                true => guest(portal, "/sign-in").await,
                false => (session.cookie().to_owned(), session.csrf().to_owned()),
            };
            let other = portal.person("vera").await.csrf().to_owned();
            let ask = |csrf: Option<&str>| {
                let mut form = form_urlencoded::Serializer::new(String::new());
                form.extend_pairs(&fields).extend_pairs(csrf.map(|csrf| ("csrf", csrf)));
                let request = portal.nobody().request(Method::POST, &address).header("cookie", &cookie);
                request.header("content-type", "application/x-www-form-urlencoded").body(form.finish())
            };
            let nothing = "0".repeat(64);
            for (what, wrong) in [("no", None), ("an empty", Some("")), ("a wrong", Some(nothing.as_str())), ("another's", Some(other.as_str()))] {
                if wrong == Some(&csrf) {
                    continue;
                }
                let answer = shown(ask(wrong)).await;
                assert_eq!((answer.status, answer.is_page()), (403, true), "{address} with {what} token");
            }
            // A header does not stand in for the field: only a script could have set it.
            let answer = shown(ask(None).header("x-csrf-token", &csrf)).await;
            assert_eq!(answer.status, 403, "{address} with the token in a header");
            for (name, value) in [("origin", "https://elsewhere.example"), ("origin", "null"), ("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site")] {
                let answer = shown(ask(Some(&csrf)).header(name, value)).await;
                assert_eq!((answer.status, answer.is_page()), (403, true), "{address} with {name}: {value}");
            }
        }
        assert_eq!(without_sessions(portal.database.contents().await), without_sessions(before), "nothing was changed");
    }
}
