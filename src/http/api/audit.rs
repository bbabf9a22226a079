//! The audit log.

use actix_web::web;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::managed::ok;
use crate::domain::canonical::hex;
use crate::domain::id::ReleaseNumber;
use crate::domain::person::Access;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::http::Doors;
use crate::http::body::{List, Page, Query};
use crate::http::error::Answer;
use crate::http::guard::Client;
use crate::store::audit::{self, Entry, Search};
use crate::store::view::releases::pattern;
use crate::text;

/// What to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Words somewhere in the entry.
    pub q: Option<String>,
    /// Number of a release.
    pub release: Option<i64>,
    /// Where the last page ended, as it said.
    pub cursor: Option<String>,
    /// Rows wanted, 1 to 200; 50 when absent.
    pub limit: Option<i64>,
}

/// An entry.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryView {
    /// Position in the log, from 0.
    pub index: i64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who: `person:3`, `token:7`, `runner` or `console`.
    pub actor: String,
    /// What was done.
    pub verb: String,
    /// To what.
    pub subject: String,
    /// The release it belongs to.
    pub release: Option<i64>,
    /// The canonical leaf: what the tree is made of.
    pub leaf: String,
}

/// The state of the tree.
#[derive(Debug, Serialize, ToSchema)]
pub struct Checkpoint {
    /// Number of entries.
    pub size: u64,
    /// Root of the RFC 6962 tree over them, in hex.
    pub root: String,
}

/// Whoever administers or operates everywhere reads the log.
pub fn may_read(access: &Access) -> Result<(), Refusal> {
    if access.looks_everywhere() { Ok(()) } else { Err(Refusal::forbidden(text!("refusal-audit"))) }
}

fn view(entry: Entry) -> EntryView {
    EntryView {
        index: entry.position,
        at: entry.at,
        actor: entry.actor,
        verb: entry.verb,
        subject: entry.subject,
        release: entry.release_number.map(|number| number.0),
        leaf: entry.leaf,
    }
}

/// Lists entries, newest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "Audit", params(Wanted), responses((status = 200, body = List<EntryView>)))]
pub async fn list(doors: web::Data<Doors>, client: Client, wanted: Query<Wanted>) -> Answer {
    may_read(&client.0.access)?;
    let (before, limit) = Page { cursor: wanted.0.cursor, limit: wanted.0.limit }.read()?;
    let search = Search {
        pattern: wanted.0.q.as_deref().and_then(pattern),
        release: wanted.0.release.map(ReleaseNumber),
        before,
        limit: limit + 1,
    };
    let mut conn = doors.workflow.store().read().await?;
    let items = audit::search(&mut conn, &search).await?.into_iter().map(view).collect();
    ok(&List::of(items, limit, |entry: &EntryView| entry.index))
}

/// Shows size and root of the tree.
#[utoipa::path(get, path = "/api/v1/audit/checkpoint", tag = "Audit", responses((status = 200, body = Checkpoint)))]
pub async fn checkpoint(doors: web::Data<Doors>, client: Client) -> Answer {
    may_read(&client.0.access)?;
    let mut conn = doors.workflow.store().read().await?;
    let frontier = audit::frontier(&mut conn).await?;
    ok(&Checkpoint { size: frontier.size(), root: hex(&frontier.root()) })
}
