//! A release's story, told from the audit log: what happened, in order, and what is still to come.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::id::{ImageId, PersonId};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::store::audit::Entry;
use crate::store::view::gate::Gate;
use crate::store::{self, Conn};
use crate::text;

/// One line of a story.
pub struct Item {
    /// When.
    pub at: Timestamp,
    /// `go`, `wait`, `stop`, `sea` or `plain`.
    pub tone: &'static str,
    /// What.
    pub text: Text,
    /// What somebody wrote about it.
    pub quote: Option<String>,
    /// Whether it is still to come.
    pub to_come: bool,
}

/// Names of people by id, filled as they are asked for.
#[derive(Default)]
pub struct People(BTreeMap<PersonId, String>);

impl People {
    /// What somebody is called.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn name(&mut self, conn: &mut Conn, id: PersonId) -> Result<String, store::Error> {
        if let Some(name) = self.0.get(&id) {
            return Ok(name.clone());
        }
        let name = store::person::by_id(conn, id).await?.map_or_else(String::new, |person| person.name.to_string());
        self.0.insert(id, name.clone());
        Ok(name)
    }

    /// What several people are called, in one line.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn names(&mut self, conn: &mut Conn, ids: &[PersonId]) -> Result<Vec<String>, store::Error> {
        let mut names = Vec::new();
        for id in ids {
            names.push(self.name(conn, *id).await?);
        }
        Ok(names)
    }
}

/// Tells the story of a release.
///
/// # Errors
/// Those of the store.
pub async fn tell(conn: &mut Conn, gate: &Gate, people: &mut People) -> Result<Vec<Item>, store::Error> {
    let mut items = Vec::new();
    if let Some(entry) = registered(conn, gate.image.id).await? {
        let version = store::view::board::version(conn, &gate.image.reference().pull_string()).await?.0;
        let who = actor(conn, people, &entry).await?;
        let text = text!("story-image-register", who = who, image = gate.image.repository.path(), version = version);
        items.push(Item { at: entry.at, tone: "go", text, quote: None, to_come: false });
    }
    for entry in store::audit::of_release(conn, gate.release.number).await? {
        items.extend(item(conn, people, gate, &entry).await?);
    }
    if let Some(window) = &gate.window {
        for one in store::window::announcements(conn, window.id, window.id).await? {
            let key = match one.kind {
                crate::domain::announcement::AnnouncementKind::Announced => {
                    text!("story-window-announced", title = one.title.as_str())
                }
                crate::domain::announcement::AnnouncementKind::Moved => {
                    text!("story-window-moved", title = one.title.as_str())
                }
                crate::domain::announcement::AnnouncementKind::Changed => {
                    text!("story-window-changed", title = one.title.as_str())
                }
                crate::domain::announcement::AnnouncementKind::Cancelled => {
                    text!("story-window-cancelled", title = one.title.as_str())
                }
            };
            items.push(Item { at: one.announced_at, tone: "sea", text: key, quote: None, to_come: false });
        }
    }
    items.sort_by_key(|item| item.at);
    Ok(items)
}

async fn registered(conn: &mut Conn, image: ImageId) -> Result<Option<Entry>, store::Error> {
    let subject = format!("image:{image}");
    let entries = store::audit::about(conn, &subject, Timestamp::EPOCH).await?;
    Ok(entries.into_iter().find(|entry| entry.verb == "image.register"))
}

async fn actor(conn: &mut Conn, people: &mut People, entry: &Entry) -> Result<String, store::Error> {
    match entry.person_id {
        Some(id) => people.name(conn, id).await,
        None => Ok(String::new()),
    }
}

fn facts(entry: &Entry) -> Value {
    let leaf: Value = serde_json::from_str(&entry.leaf).unwrap_or(Value::Null);
    leaf.get("facts").cloned().unwrap_or(Value::Null)
}

fn said(facts: &Value, key: &str) -> Option<String> {
    facts[key].as_str().map(str::to_owned).filter(|text| !text.is_empty())
}

async fn item(conn: &mut Conn, people: &mut People, gate: &Gate, entry: &Entry) -> Result<Option<Item>, store::Error> {
    let facts = facts(entry);
    let who = actor(conn, people, entry).await?;
    let reason = || serde_json::from_value::<Text>(facts["reason"].clone()).ok();
    let (tone, text, quote) = match entry.verb.as_str() {
        "release.request" => ("go", text!("story-request", who = who), said(&facts, "note")),
        "release.revise" => {
            let reason = reason().unwrap_or_else(|| text!("revised-by-person"));
            ("wait", text!("story-revise", who = who, reason = reason), None)
        }
        "release.plan" => ("plain", text!("story-plan"), None),
        "release.plan_failed" => {
            let reason = reason().unwrap_or_else(|| text!("failure-nonsense"));
            ("wait", text!("story-plan-failed", reason = reason), None)
        }
        "release.withdraw" => ("plain", text!("story-withdraw", who = who), said(&facts, "reason")),
        "signoff.approve" => {
            let text = text!("story-signoff", who = who, groups = groups(conn, gate, &facts).await?);
            ("go", text, said(&facts, "comment"))
        }
        "signoff.reject" => ("stop", text!("story-reject", who = who), said(&facts, "comment")),
        "signoff.refused" => {
            let reason = reason().unwrap_or_else(|| text!("signoff-stale"));
            ("wait", text!("story-signoff-refused", who = who, reason = reason), None)
        }
        "deployment.start" => {
            let back = facts["direction"] == "rollback";
            match (back, entry.person_id) {
                (true, _) => ("sea", text!("story-rollback", who = who), None),
                (false, Some(_)) => ("sea", text!("story-start", who = who), None),
                (false, None) => ("sea", text!("story-start-clock"), None),
            }
        }
        "deployment.cancel" => ("wait", text!("story-cancel", who = who), None),
        "deployment.end" => end(&facts),
        // A rejection's own entry says more.
        _ => return Ok(None),
    };
    Ok(Some(Item { at: entry.at, tone, text, quote, to_come: false }))
}

fn end(facts: &Value) -> (&'static str, Text, Option<String>) {
    let outcome = &facts["outcome"];
    let reason = serde_json::from_value::<Text>(outcome["reasons"][0].clone()).ok();
    let with = |text: Text| match reason.clone() {
        Some(reason) => text!("story-end-because", end = text, reason = reason),
        None => text,
    };
    match (outcome["verdict"].as_str(), outcome["drifted"].as_bool()) {
        (_, Some(true)) => ("wait", with(text!("story-end-drifted")), None),
        (Some("succeeded"), _) => ("go", text!("story-end-succeeded"), None),
        (Some("failed"), _) => ("stop", with(text!("story-end-failed")), None),
        (Some("cancelled"), _) => ("plain", with(text!("story-end-cancelled")), None),
        _ => ("stop", with(text!("story-end-needs-attention")), None),
    }
}

async fn groups(conn: &mut Conn, gate: &Gate, facts: &Value) -> Result<String, store::Error> {
    let mut titles = Vec::new();
    for id in facts["groups"].as_array().into_iter().flatten().filter_map(Value::as_i64) {
        let id = crate::domain::id::GroupId(id);
        match gate.group_titles.get(&id) {
            Some(title) => titles.push(title.to_string()),
            None => titles.extend(store::group::by_id(conn, id).await?.map(|group| group.title.to_string())),
        }
    }
    Ok(titles.join(", "))
}
