//! A small client of a portal's API: as nobody, as a person with a session, or with a token.

use reqwest::Method;
use serde_json::{Value, json};

/// Somebody at the API.
#[derive(Clone)]
pub struct Api {
    client: reqwest::Client,
    url: String,
    cookie: Option<String>,
    csrf: Option<String>,
    token: Option<String>,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body, null when it is no JSON.
    pub body: Value,
}

impl Answer {
    /// The body of an answer that must be good.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.body);
        self.body
    }

    /// The body of an answer that must have this status.
    #[track_caller]
    pub fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }
}

impl Api {
    /// Nobody.
    pub fn new(url: &str) -> Self {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            // A portal that stands still is a failed test and not one that never ends.
            .read_timeout(std::time::Duration::from_secs(60))
            .build()
            .unwrap();
        Self { client, url: url.to_owned(), cookie: None, csrf: None, token: None }
    }

    /// With a bearer token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), cookie: None, csrf: None, ..self.clone() }
    }

    /// Without the CSRF token, as another site would ask.
    pub fn without_csrf(&self) -> Self {
        Self { csrf: None, ..self.clone() }
    }

    /// The session's cookie.
    pub fn cookie(&self) -> &str {
        self.cookie.as_deref().unwrap_or_default()
    }

    /// The token that goes with the session.
    pub fn csrf(&self) -> &str {
        self.csrf.as_deref().unwrap_or_default()
    }

    /// A request that is not sent yet.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        if let Some(csrf) = &self.csrf {
            request = request.header("x-csrf-token", csrf);
        }
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        request
    }

    /// Sends a request.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap_or_default();
        Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::Null) }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, path).json(&body)).await
    }

    /// A form of a page, with the token that goes with the session.
    pub fn form(&self, path: &str, fields: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields).extend_pairs(self.csrf.iter().map(|csrf| ("csrf", csrf)));
        let request = self.without_csrf().request(Method::POST, path);
        request.header("content-type", "application/x-www-form-urlencoded").body(form.finish())
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PUT, path).json(&body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PATCH, path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    async fn begin(&self, path: &str, body: Value) -> Self {
        let answer = self.request(Method::POST, path).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        let cookie = answer.headers().get("set-cookie").unwrap().to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let body: Value = answer.json().await.unwrap();
        let csrf = body["csrf_token"].as_str().unwrap().to_owned();
        Self { cookie: Some(cookie), csrf: Some(csrf), token: None, ..self.clone() }
    }

    /// The first person.
    pub async fn set_up(&self, secret: &str, login: &str, password: &str) -> Self {
        let body = json!({ "link": secret, "login": login, "name": login, "password": password });
        self.begin("/api/v1/setup", body).await
    }

    /// Somebody by a one-time link.
    pub async fn by_link(&self, url: &str) -> Self {
        let secret = url.rsplit('/').next().unwrap();
        self.begin("/api/v1/session", json!({ "link": secret })).await
    }

    /// Somebody by password.
    pub async fn by_password(&self, login: &str, password: &str) -> Self {
        self.begin("/api/v1/session", json!({ "login": login, "password": password })).await
    }

    /// What a stream of server-sent events has to tell right away: the `progress` events before the
    /// first `state`.
    pub async fn events(&self, path: &str) -> Vec<Value> {
        let mut answer = self.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        let mut text = String::new();
        while !text.contains("event: state\n") {
            match answer.chunk().await.unwrap() {
                Some(chunk) => text.push_str(std::str::from_utf8(&chunk).unwrap()),
                None => break,
            }
        }
        let events = text.split("\n\n").filter(|event| event.contains("event: progress\n"));
        let data = events.filter_map(|event| event.lines().find_map(|line| line.strip_prefix("data: ")));
        data.map(|data| serde_json::from_str(data).unwrap()).collect()
    }
}
