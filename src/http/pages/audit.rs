//! The audit log, to be searched.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;
use serde_json::Value;

use super::Page;
use super::story::People;
use crate::domain::canonical::hex;
use crate::domain::id::ReleaseNumber;
use crate::domain::time::Timestamp;
use crate::http::Doors;
use crate::http::api::audit::may_read;
use crate::http::api::release::parse;
use crate::http::body::Query;
use crate::http::guard::Visitor;
use crate::http::shell::{Shell, page};
use crate::store::audit::{self, Search};
use crate::store::view::releases::pattern;

/// Rows of a page.
const ROWS: i64 = 100;

#[derive(Template)]
#[template(path = "pages/audit/audit.html")]
struct AuditPage {
    shell: Shell,
    q: String,
    entries: Vec<Line>,
    next: Option<i64>,
    size: u64,
    root: String,
}

/// An entry as the page shows it.
struct Line {
    index: i64,
    at: Timestamp,
    who: String,
    verb: String,
    subject: String,
    release: Option<ReleaseNumber>,
    facts: String,
}

/// What to look for.
#[derive(Deserialize)]
pub struct Wanted {
    q: Option<String>,
    before: Option<i64>,
}

/// Shows the log.
pub async fn show(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor, wanted: Query<Wanted>) -> Page {
    may_read(&visitor.0.access)?;
    let shell = Shell::of(&doors, &visitor.0, &request, "audit").await?;
    let q = wanted.0.q.unwrap_or_default();
    // R-42 looks for a release; anything else for words.
    let release = parse(&q).ok().filter(|_| q.to_lowercase().starts_with("r-"));
    let pattern = if release.is_some() { None } else { pattern(&q) };
    let search = Search { pattern, release, before: wanted.0.before, limit: ROWS + 1 };
    let mut conn = doors.workflow.store().read().await?;
    let mut found = audit::search(&mut conn, &search).await?;
    let more = found.len() > usize::try_from(ROWS).unwrap_or(usize::MAX);
    if more {
        found.pop();
    }
    let next = if more { found.last().map(|entry| entry.position) } else { None };
    let frontier = audit::frontier(&mut conn).await?;
    let mut people = People::default();
    let mut entries = Vec::new();
    for entry in found {
        let who = match entry.person_id {
            Some(id) => people.name(&mut conn, id).await?,
            None => shell.t(&format!("actor-{}", entry.actor)),
        };
        let leaf: Value = serde_json::from_str(&entry.leaf).unwrap_or(Value::Null);
        entries.push(Line {
            index: entry.position,
            at: entry.at,
            who: if entry.actor.starts_with("token:") { format!("{who} ({})", entry.actor) } else { who },
            verb: entry.verb,
            subject: entry.subject,
            release: entry.release_number,
            facts: leaf["facts"].to_string(),
        });
    }
    let (size, root) = (frontier.size(), hex(&frontier.root()));
    Ok(page(&AuditPage { shell, q, entries, next, size, root }, StatusCode::OK)?)
}
