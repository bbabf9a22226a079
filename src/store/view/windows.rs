//! Windows in lists: for people who plan, and for everybody on the public page.

use super::super::window::Window;
use super::super::{Conn, Error, all};
use crate::domain::id::{EnvironmentId, ReleaseNumber, WindowId};
use crate::domain::name::{Note, Title};
use crate::domain::time::{Timestamp, Zone};

/// Windows that overlap a span, in order of their opening.
pub async fn between(conn: &mut Conn, from: Timestamp, to: Timestamp) -> Result<Vec<Window>, Error> {
    let sql = "SELECT * FROM windows WHERE ends_at > $1 AND starts_at < $2 ORDER BY starts_at, id LIMIT 500";
    all!(conn, Window, sql, from, to)
}

/// Windows that are not over, the next first.
pub async fn coming(conn: &mut Conn, now: Timestamp) -> Result<Vec<Window>, Error> {
    let sql = "SELECT * FROM windows WHERE ends_at > $1 AND cancelled_at IS NULL ORDER BY starts_at, id LIMIT 200";
    all!(conn, Window, sql, now)
}

/// Windows, newest first, before an id.
pub async fn list(conn: &mut Conn, before: Option<WindowId>, limit: i64) -> Result<Vec<Window>, Error> {
    let sql = "SELECT * FROM windows WHERE id < coalesce($1, 9223372036854775807) ORDER BY id DESC LIMIT $2";
    all!(conn, Window, sql, before, limit)
}

/// Releases on the agendas of windows from one id to another, newest first, with where they go.
pub async fn agendas(
    conn: &mut Conn,
    from: WindowId,
    to: WindowId,
) -> Result<Vec<(WindowId, ReleaseNumber, EnvironmentId)>, Error> {
    let sql = "SELECT v.window_id, r.number, r.environment_id FROM releases r
               JOIN revisions v ON v.release_number = r.number AND v.revision = r.revision
               WHERE v.window_id BETWEEN $1 AND $2 ORDER BY r.number DESC";
    all!(conn, (WindowId, ReleaseNumber, EnvironmentId), sql, from, to)
}

/// Windows that are over or called off, the latest first, those before one of them.
pub async fn past(conn: &mut Conn, now: Timestamp, before: Option<WindowId>, limit: i64) -> Result<Vec<Window>, Error> {
    let sql = "SELECT w.* FROM windows w LEFT JOIN windows b ON b.id = $2
               WHERE (w.ends_at <= $1 OR w.cancelled_at IS NOT NULL)
                 AND (b.id IS NULL OR w.starts_at < b.starts_at OR w.starts_at = b.starts_at AND w.id < b.id)
               ORDER BY w.starts_at DESC, w.id DESC LIMIT $3";
    all!(conn, Window, sql, now, before, limit)
}

/// What the public page shows of a window: what was announced last about it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct PublicWindow {
    /// Which.
    pub window_id: WindowId,
    /// Title.
    pub title: Title,
    /// What people who are affected should know.
    pub audience: Note,
    /// When it opens.
    pub starts_at: Timestamp,
    /// When it closes.
    pub ends_at: Timestamp,
    /// The zone it was planned in.
    pub zone: Zone,
    /// What was announced last.
    pub kind: crate::domain::announcement::AnnouncementKind,
    /// How often something was announced about it, from 0.
    pub sequence: i64,
    /// When that was.
    pub announced_at: Timestamp,
    /// When something was first announced about it.
    pub first_announced_at: Timestamp,
}

/// Windows that were announced for the public and end after an instant. A window whose tick was
/// taken away since is no longer among them.
pub async fn public(conn: &mut Conn, after: Timestamp) -> Result<Vec<PublicWindow>, Error> {
    let sql = "SELECT a.window_id, a.title, a.audience, a.starts_at, a.ends_at, a.zone, a.kind, a.sequence, a.announced_at,
                   (SELECT min(f.announced_at) FROM announcements f WHERE f.window_id = a.window_id) AS first_announced_at
               FROM announcements a
               WHERE a.id = (SELECT max(l.id) FROM announcements l WHERE l.window_id = a.window_id)
                 AND a.is_public = 1 AND a.ends_at > $1
               ORDER BY a.starts_at, a.window_id LIMIT 500";
    all!(conn, PublicWindow, sql, after)
}

/// Titles of public services on the agenda of a window, for the public page.
pub async fn public_services(conn: &mut Conn, id: WindowId) -> Result<Vec<Title>, Error> {
    let sql = "SELECT DISTINCT s.title FROM releases r
               JOIN revisions v ON v.release_number = r.number AND v.revision = r.revision
               JOIN services s ON s.id = r.service_id
               WHERE v.window_id = $1 AND s.is_public = 1 AND r.ended IS NULL ORDER BY s.title";
    all!(conn, (Title,), sql, id).map(|rows| rows.into_iter().map(|(title,)| title).collect())
}
