//! Windows, and the announcements made about them.

use super::{Conn, Error, Tx, all, first, guarded, one};
use crate::domain::announcement::AnnouncementKind;
use crate::domain::id::{AnnouncementId, PersonId, WindowId};
use crate::domain::name::{Note, Title};
use crate::domain::time::{Interval, Timestamp, Zone};

/// A window as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Window {
    /// Which.
    pub id: WindowId,
    /// Its title.
    pub title: Title,
    /// What people who are affected should know.
    pub audience: Note,
    /// When it opens.
    pub starts_at: Timestamp,
    /// When it closes.
    pub ends_at: Timestamp,
    /// The zone it was planned in.
    pub zone: Zone,
    /// Whether the public page shows it: 0 or 1.
    pub is_public: i64,
    /// Who planned it.
    pub owner_id: Option<PersonId>,
    /// When it was announced.
    pub announced_at: Option<Timestamp>,
    /// When it was called off.
    pub cancelled_at: Option<Timestamp>,
    /// Counts what was announced about it, for calendars.
    pub sequence: i64,
    /// Counts edits.
    pub version: i64,
}

impl Window {
    /// As the rules see it.
    pub fn domain(&self) -> crate::domain::window::Window {
        crate::domain::window::Window {
            id: self.id,
            interval: Interval { start: self.starts_at, end: self.ends_at },
            zone: self.zone,
            announced_at: self.announced_at,
            cancelled_at: self.cancelled_at,
        }
    }
}

/// What a person sets of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    /// Its title.
    pub title: Title,
    /// What people who are affected should know.
    pub audience: Note,
    /// When.
    pub interval: Interval,
    /// The zone it is planned in.
    pub zone: Zone,
    /// Whether the public page shows it.
    pub public: bool,
}

/// Adds a window.
pub async fn insert(
    tx: &mut Tx,
    details: &Details,
    owner: Option<PersonId>,
    now: Timestamp,
) -> Result<WindowId, Error> {
    let sql = "INSERT INTO windows (title, audience, starts_at, ends_at, zone, is_public, owner_id, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id";
    let Details { title, audience, interval, zone, public } = details;
    let public = i64::from(*public);
    one!(tx, (WindowId,), sql, title, audience, interval.start, interval.end, zone, public, owner, now).map(|(id,)| id)
}

/// One window.
pub async fn by_id(conn: &mut Conn, id: WindowId) -> Result<Option<Window>, Error> {
    first!(conn, Window, "SELECT * FROM windows WHERE id = $1", id)
}

/// Changes a window; the version is the one the editor saw.
pub async fn update(tx: &mut Tx, id: WindowId, version: i64, details: &Details) -> Result<(), Error> {
    let sql = "UPDATE windows SET title = $3, audience = $4, starts_at = $5, ends_at = $6, zone = $7, is_public = $8,
                   version = version + 1
               WHERE id = $1 AND version = $2 AND cancelled_at IS NULL";
    let Details { title, audience, interval, zone, public } = details;
    let public = i64::from(*public);
    guarded!("window", tx, sql, id, version, title, audience, interval.start, interval.end, zone, public)
}

/// Notes that a window was announced for the first time.
pub async fn set_announced(tx: &mut Tx, id: WindowId, now: Timestamp) -> Result<(), Error> {
    let sql = "UPDATE windows SET announced_at = $2, version = version + 1
               WHERE id = $1 AND announced_at IS NULL AND cancelled_at IS NULL";
    guarded!("window", tx, sql, id, now)
}

/// Calls a window off.
pub async fn set_cancelled(tx: &mut Tx, id: WindowId, now: Timestamp) -> Result<(), Error> {
    let sql = "UPDATE windows SET cancelled_at = $2, version = version + 1 WHERE id = $1 AND cancelled_at IS NULL";
    guarded!("window", tx, sql, id, now)
}

/// An announcement as stored: what was said, as it was said.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Announcement {
    /// Which.
    pub id: AnnouncementId,
    /// About which window.
    pub window_id: WindowId,
    /// What it tells.
    pub kind: AnnouncementKind,
    /// The how-manieth about this window, from 0.
    pub sequence: i64,
    /// Title, then.
    pub title: Title,
    /// What people should know, then.
    pub audience: Note,
    /// Opening, then.
    pub starts_at: Timestamp,
    /// Closing, then.
    pub ends_at: Timestamp,
    /// Zone, then.
    pub zone: Zone,
    /// Whether it was for the public page: 0 or 1.
    pub is_public: i64,
    /// Who announced it.
    pub announced_by: Option<PersonId>,
    /// When.
    pub announced_at: Timestamp,
}

/// Records an announcement of a window as it stands.
pub async fn announce(
    tx: &mut Tx,
    window: &Window,
    kind: AnnouncementKind,
    by: Option<PersonId>,
    now: Timestamp,
) -> Result<AnnouncementId, Error> {
    let sql = "SELECT count(*) FROM announcements WHERE window_id = $1";
    let (sequence,) = one!(tx, (i64,), sql, window.id)?;
    guarded!("window", tx, "UPDATE windows SET sequence = $2 WHERE id = $1", window.id, sequence)?;
    let sql =
        "INSERT INTO announcements (window_id, kind, sequence, title, audience, starts_at, ends_at, zone, is_public,
                   announced_by, announced_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id";
    let Window { id, title, audience, starts_at, ends_at, zone, is_public, .. } = window;
    let row = one!(
        tx,
        (AnnouncementId,),
        sql,
        id,
        kind,
        sequence,
        title,
        audience,
        starts_at,
        ends_at,
        zone,
        is_public,
        by,
        now
    )?;
    Ok(row.0)
}

/// What was announced about windows from one id to another, in order.
pub async fn announcements(conn: &mut Conn, from: WindowId, to: WindowId) -> Result<Vec<Announcement>, Error> {
    all!(conn, Announcement, "SELECT * FROM announcements WHERE window_id BETWEEN $1 AND $2 ORDER BY id", from, to)
}

/// The next instant at which an announced window opens or closes, after one.
pub async fn next_boundary(conn: &mut Conn, after: Timestamp) -> Result<Option<Timestamp>, Error> {
    let sql = "SELECT min(at) FROM (
                   SELECT min(starts_at) AS at FROM windows WHERE starts_at > $1 AND announced_at IS NOT NULL AND cancelled_at IS NULL
                   UNION ALL
                   SELECT min(ends_at) AS at FROM windows WHERE ends_at > $1 AND announced_at IS NOT NULL AND cancelled_at IS NULL
               ) boundaries";
    one!(conn, (Option<Timestamp>,), sql, after).map(|(at,)| at)
}
