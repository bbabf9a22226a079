//! Get and list.
//!
//! Here: reading versions, selectors and continued lists. Not here: watches
//! (`watch`), how objects look on the wire (`answer`).

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hyper::Response;
use serde_json::{Value, json};

use super::{
    answer::{self, Body, View},
    asked::{Asked, Target},
};
use crate::practice::objects::{change::Key, kinds::Kind, refused::Refused, selector::Selector, store::Desk};

/// The version a query names; zero where it names none.
pub(super) fn version_of(asked: &Asked) -> Result<u64, Refused> {
    let said = asked.query.get("resourceVersion");
    if said.is_empty() {
        return Ok(0);
    }
    said.parse().map_err(|_| {
        Refused::bad_request(format!(
            "invalid resource version: resourceVersion: Invalid value: {said:?}: strconv.ParseUint: parsing {said:?}: invalid syntax"
        ))
    })
}

/// The selectors of a query.
pub(super) fn selector_of(kind: &Kind, asked: &Asked) -> Result<Selector, Refused> {
    Selector::of_query(kind, asked.query.get("labelSelector"), asked.query.get("fieldSelector"))
        .map_err(Refused::bad_request)
}

fn not_from_the_future(desk: &Desk<'_>, version: u64) -> Result<(), Refused> {
    if version > desk.version() {
        return Err(Refused::too_large_version(version, desk.version()));
    }
    Ok(())
}

/// One object.
pub(super) fn get(
    desk: &Desk<'_>,
    kind: &'static Kind,
    target: &Target,
    asked: &Asked,
) -> Result<Response<Body>, Refused> {
    not_from_the_future(desk, version_of(asked)?)?;
    let object = desk
        .get(&Key::new(kind, &target.namespace, &target.name))
        .ok_or_else(|| Refused::not_found(kind, &target.name))?;
    let view = View::of(&asked.accept);
    Ok(answer::json(200, &view.one(kind, &object, desk.now())))
}

/// A list, or a page of one. A continued list shows the present, with the
/// version of its first page: whoever watches from there misses nothing.
pub(super) fn list(
    desk: &Desk<'_>,
    kind: &'static Kind,
    target: &Target,
    asked: &Asked,
) -> Result<Response<Body>, Refused> {
    not_from_the_future(desk, version_of(asked)?)?;
    let selector = selector_of(kind, asked)?;
    let limit: usize = match asked.query.get("limit") {
        "" => 0,
        limit => limit.parse().map_err(|_| Refused::bad_request(format!("invalid limit {limit:?}")))?,
    };
    let (version, after) = match asked.query.get("continue") {
        "" => (desk.version(), None),
        token => {
            let (version, key) = resume(kind, token)?;
            if version < desk.oldest() {
                return Err(Refused::expired(version, desk.oldest()));
            }
            (version, Some(key))
        }
    };
    let namespace = if kind.namespaced { target.namespace.as_str() } else { "" };
    let mut found = desk.list(kind, namespace, after.as_ref()).filter(|(_, object)| selector.matches(object));
    let mut page = Vec::new();
    let mut more = None;
    let mut metadata = json!({"resourceVersion": version.to_string()});
    for (key, object) in found.by_ref() {
        page.push(&**object);
        if limit > 0 && page.len() == limit {
            more = Some(key);
            break;
        }
    }
    if let Some(last) = more {
        let remaining = found.count();
        if remaining > 0 {
            metadata["continue"] = pause(version, last).into();
            metadata["remainingItemCount"] = remaining.into();
        }
    }
    let bytes = View::of(&asked.accept).many(kind, page.into_iter(), &metadata, desk.now());
    Ok(answer::plain(200, "application/json", answer::body(bytes)))
}

fn pause(version: u64, last: &Key) -> String {
    let place = json!([version, last.namespace, last.name]);
    BASE64_URL_SAFE_NO_PAD.encode(place.to_string())
}

fn resume(kind: &'static Kind, token: &str) -> Result<(u64, Key), Refused> {
    let read = || -> Option<(u64, Key)> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
        let place: Value = serde_json::from_slice(&bytes).ok()?;
        let key = Key::new(kind, place[1].as_str()?, place[2].as_str()?);
        Some((place[0].as_u64()?, key))
    };
    read().ok_or_else(|| Refused::bad_request("continue key is not valid"))
}
