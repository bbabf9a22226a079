//! What a request asks for.
//!
//! Here: method, path and query, read the way an API server reads them. Not
//! here: whether it may be done, and doing it.

use hyper::{HeaderMap, Method, Uri, header};

use crate::practice::objects::selector::selected_name;

/// A request, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete` or
    /// `deletecollection`; for a path that is no resource the method in lower
    /// case.
    pub verb: &'static str,
    /// The path.
    pub path: String,
    /// What the path names; none for discovery and the like.
    pub target: Option<Target>,
    pub(in crate::practice) query: Query,
    pub(in crate::practice) accept: String,
    pub(in crate::practice) media_type: String,
    agent: String,
}

/// What a path names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version, for example `v1`.
    pub version: String,
    /// The plural, for example `deployments`.
    pub resource: String,
    /// For example `status`; mostly empty.
    pub subresource: String,
    /// Empty for what is in no namespace, and for all namespaces.
    pub namespace: String,
    /// Empty for a collection, unless a field selector asks for one name.
    pub name: String,
    /// Whether the path itself ends in the name.
    pub(in crate::practice) named: bool,
}

/// The pairs of a query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::practice) struct Query(Vec<(String, String)>);

impl Query {
    fn read(text: &str) -> Self {
        let pair = |part: &str| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(&key.replace('+', " ")), decode(&value.replace('+', " ")))
        };
        Self(text.split('&').filter(|part| !part.is_empty()).map(pair).collect())
    }

    /// The first value of a key; empty where there is none.
    pub fn get(&self, key: &str) -> &str {
        self.0.iter().find(|(other, _)| other == key).map_or("", |(_, value)| value)
    }

    /// Whether a switch is on.
    pub fn is(&self, key: &str) -> bool {
        matches!(self.get(key), "true" | "1")
    }
}

/// Takes the percent signs out. What is no UTF-8 then cannot be a name anyway.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut place = 0;
    while let Some(byte) = bytes.get(place) {
        let code = (*byte == b'%')
            .then(|| text.get(place + 1..place + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(code) => {
                out.push(code);
                place += 3;
            }
            None => {
                out.push(*byte);
                place += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

impl Asked {
    pub(in crate::practice) fn read(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let query = Query::read(uri.query().unwrap_or(""));
        let mut target = target(uri.path());
        let verb = match (&mut target, method.as_str()) {
            (Some(target), method) => {
                let verb = verb_of(method, target.named, &query);
                if !target.named && verb != "create" {
                    target.name = selected_name(query.get("fieldSelector")).to_owned();
                }
                verb
            }
            (None, "POST") => "post",
            (None, "PUT") => "put",
            (None, "PATCH") => "patch",
            (None, "DELETE") => "delete",
            (None, _) => "get",
        };
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        let media_type = header(header::CONTENT_TYPE);
        Self {
            verb,
            path: uri.path().to_owned(),
            target,
            query,
            accept: header(header::ACCEPT).to_owned(),
            media_type: media_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase(),
            agent: header(header::USER_AGENT).to_owned(),
        }
    }

    /// Who manages the fields that are written: as the query says, or else the
    /// program that asks.
    pub(in crate::practice) fn manager(&self) -> String {
        let said = self.query.get("fieldManager");
        let agent = self.agent.split('/').next().unwrap_or("");
        [said, agent, "unknown"]
            .into_iter()
            .find(|name| !name.is_empty())
            .unwrap_or_default()
            .chars()
            .take(128)
            .collect()
    }
}

fn verb_of(method: &str, named: bool, query: &Query) -> &'static str {
    match (method, named) {
        ("GET" | "HEAD", _) if query.is("watch") => "watch",
        ("GET" | "HEAD", true) => "get",
        ("GET" | "HEAD", false) => "list",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", true) => "delete",
        ("DELETE", false) => "deletecollection",
        _ => "unknown",
    }
}

fn target(path: &str) -> Option<Target> {
    let parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(decode).collect();
    let mut parts = parts.into_iter();
    let (group, version) = match parts.next()?.as_str() {
        "api" => (String::new(), parts.next()?),
        "apis" => (parts.next()?, parts.next()?),
        _ => return None,
    };
    let mut rest: Vec<String> = parts.collect();
    let mut namespace = String::new();
    // `namespaces/a` and `namespaces/a/status` are about the namespace itself.
    let itself = rest.len() == 3 && (rest[2] == "status" || rest[2] == "finalize");
    if rest.len() > 2 && rest[0] == "namespaces" && !itself {
        namespace = rest.remove(1);
        rest.remove(0);
    }
    let mut rest = rest.into_iter();
    let resource = rest.next()?;
    let name = rest.next();
    let subresource: Vec<String> = rest.collect();
    if resource == "namespaces" {
        namespace = name.clone().unwrap_or_default();
    }
    Some(Target {
        group,
        version,
        resource,
        subresource: subresource.join("/"),
        namespace,
        named: name.is_some(),
        name: name.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: Method, uri: &str) -> Asked {
        Asked::read(&method, &uri.parse().unwrap(), &HeaderMap::new())
    }

    fn words(method: Method, uri: &str) -> [String; 6] {
        let asked = asked(method, uri);
        let target = asked.target.unwrap();
        [asked.verb.to_owned(), target.group, target.resource, target.subresource, target.namespace, target.name]
    }

    #[test]
    fn paths_are_read_as_an_api_server_reads_them() {
        let cases = [
            (Method::GET, "/api/v1/pods", ["list", "", "pods", "", "", ""]),
            (Method::GET, "/api/v1/namespaces/shop", ["get", "", "namespaces", "", "shop", "shop"]),
            (Method::PUT, "/api/v1/namespaces/shop/status", ["update", "", "namespaces", "status", "shop", "shop"]),
            (
                Method::GET,
                "/apis/apps/v1/namespaces/shop/deployments?watch=1",
                ["watch", "apps", "deployments", "", "shop", ""],
            ),
            (
                Method::GET,
                "/api/v1/namespaces/shop/pods?fieldSelector=metadata.name%3Dweb",
                ["list", "", "pods", "", "shop", "web"],
            ),
            (
                Method::POST,
                "/api/v1/namespaces/shop/serviceaccounts/ci/token",
                ["create", "", "serviceaccounts", "token", "shop", "ci"],
            ),
            (Method::DELETE, "/api/v1/namespaces/shop/pods", ["deletecollection", "", "pods", "", "shop", ""]),
        ];
        for (method, uri, expected) in cases {
            assert_eq!(words(method, uri), expected, "{uri}");
        }
        assert_eq!(asked(Method::GET, "/version").target, None);
        assert_eq!(asked(Method::GET, "/apis/apps/v1").target, None);
    }

    #[test]
    fn a_query_is_decoded_and_broken_escapes_are_left() {
        let query = Query::read("labelSelector=app%20in+(a%2Cb)&x=%zz&y=%4&watch=true");
        assert_eq!(query.get("labelSelector"), "app in (a,b)");
        assert_eq!(query.get("x"), "%zz");
        assert_eq!(query.get("y"), "%4");
        assert!(query.is("watch"));
        assert_eq!(query.get("none"), "");
    }
}
