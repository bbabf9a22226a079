//! Sessions of people in browsers, and one-time links. Only hashes of their secrets are stored.

use super::{Conn, Error, Tx, exec, first, guarded};
use crate::domain::id::PersonId;
use crate::domain::time::Timestamp;

/// How a person proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// By password.
    Password,
    /// By a one-time link.
    Link,
}

impl Method {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Password, Self::Link];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Link => "link",
        }
    }
}

/// A session as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Session {
    /// Whose.
    pub person_id: PersonId,
    /// How it began.
    pub method: Method,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub seen_at: Timestamp,
    /// When the person last proved who they are.
    pub fresh_at: Timestamp,
    /// When it ends, whatever happens.
    pub expires_at: Timestamp,
}

/// Begins a session.
pub async fn insert(tx: &mut Tx, hash: &[u8], session: &Session) -> Result<(), Error> {
    let sql = "INSERT INTO sessions (token_hash, person_id, method, created_at, seen_at, fresh_at, expires_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let Session { person_id, method, created_at, seen_at, fresh_at, expires_at } = session;
    guarded!("session", tx, sql, hash, person_id, method, created_at, seen_at, fresh_at, expires_at)
}

/// The session of a secret, whatever its age.
pub async fn find(conn: &mut Conn, hash: &[u8]) -> Result<Option<Session>, Error> {
    let sql = "SELECT person_id, method, created_at, seen_at, fresh_at, expires_at FROM sessions WHERE token_hash = $1";
    first!(conn, Session, sql, hash)
}

/// Notes that it is used.
pub async fn touch(tx: &mut Tx, hash: &[u8], now: Timestamp) -> Result<(), Error> {
    exec!(tx, "UPDATE sessions SET seen_at = $2 WHERE token_hash = $1", hash, now).map(|_| ())
}

/// Notes that the person has just proved who they are.
pub async fn freshen(tx: &mut Tx, hash: &[u8], now: Timestamp) -> Result<(), Error> {
    guarded!("session", tx, "UPDATE sessions SET fresh_at = $2 WHERE token_hash = $1", hash, now)
}

/// Ends one.
pub async fn delete(tx: &mut Tx, hash: &[u8]) -> Result<(), Error> {
    exec!(tx, "DELETE FROM sessions WHERE token_hash = $1", hash).map(|_| ())
}

/// Ends all of a person's, except perhaps the one in use.
pub async fn delete_of(tx: &mut Tx, person: PersonId, except: Option<&[u8]>) -> Result<u64, Error> {
    let except = except.unwrap_or_default();
    exec!(tx, "DELETE FROM sessions WHERE person_id = $1 AND token_hash <> $2", person, except)
}

/// Failed sign-ins with one login, since the last good one.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub struct Failures {
    /// How many.
    pub failures: i64,
    /// No sign-in by password before this.
    pub locked_until: Option<Timestamp>,
}

/// Failed sign-ins with a login, by the hash of what was entered.
pub async fn failures(conn: &mut Conn, login: &[u8]) -> Result<Option<Failures>, Error> {
    first!(conn, Failures, "SELECT failures, locked_until FROM sign_in_failures WHERE login_hash = $1", login)
}

/// Counts a failed sign-in.
pub async fn set_failures(
    tx: &mut Tx,
    login: &[u8],
    failures: i64,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), Error> {
    let sql = "INSERT INTO sign_in_failures (login_hash, failures, failed_at, locked_until) VALUES ($1, $2, $3, $4)
               ON CONFLICT (login_hash) DO UPDATE SET failures = excluded.failures, failed_at = excluded.failed_at,
                   locked_until = excluded.locked_until";
    guarded!("sign-in failures", tx, sql, login, failures, now, until)
}

/// Forgets failed sign-ins: with one login.
pub async fn forget_failures(tx: &mut Tx, login: &[u8]) -> Result<(), Error> {
    exec!(tx, "DELETE FROM sign_in_failures WHERE login_hash = $1", login).map(|_| ())
}

/// Forgets failed sign-ins: the last of which is longer ago.
pub async fn prune_failures(tx: &mut Tx, before: Timestamp) -> Result<u64, Error> {
    exec!(tx, "DELETE FROM sign_in_failures WHERE failed_at < $1", before)
}

/// Forgets sessions and links that have ended before an instant.
pub async fn prune(tx: &mut Tx, ended_before: Timestamp, idle_before: Timestamp) -> Result<u64, Error> {
    let sessions = exec!(tx, "DELETE FROM sessions WHERE expires_at < $1 OR seen_at < $2", ended_before, idle_before)?;
    let links = exec!(tx, "DELETE FROM links WHERE expires_at < $1", ended_before)?;
    Ok(sessions + links)
}

/// A one-time link as stored. Without a person it is the link of the first setup.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub struct Link {
    /// Who it signs in.
    pub person_id: Option<PersonId>,
    /// Until when.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

/// Makes a link.
pub async fn insert_link(
    tx: &mut Tx,
    hash: &[u8],
    person: Option<PersonId>,
    now: Timestamp,
    until: Timestamp,
) -> Result<(), Error> {
    let purpose = if person.is_some() { "sign_in" } else { "setup" };
    let sql = "INSERT INTO links (token_hash, purpose, person_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)";
    guarded!("link", tx, sql, hash, purpose, person, now, until)
}

/// The link of a secret, whatever its age.
pub async fn find_link(conn: &mut Conn, hash: &[u8]) -> Result<Option<Link>, Error> {
    first!(conn, Link, "SELECT person_id, expires_at, used_at FROM links WHERE token_hash = $1", hash)
}

/// Uses a link up.
pub async fn use_link(tx: &mut Tx, hash: &[u8], now: Timestamp) -> Result<(), Error> {
    guarded!("link", tx, "UPDATE links SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL", hash, now)
}

/// Takes back links that were not used: all of the first setup, or all of one person.
pub async fn revoke_links(tx: &mut Tx, person: Option<PersonId>) -> Result<(), Error> {
    let sql = "DELETE FROM links WHERE used_at IS NULL AND coalesce(person_id, 0) = coalesce($1, 0)";
    exec!(tx, sql, person).map(|_| ())
}
