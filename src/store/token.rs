//! Bearer tokens of the API, stored hashed, and the answers that idempotency keys repeat.

use std::collections::BTreeSet;

use super::{Conn, Error, Stored, Tx, all, exec, first, guarded, one};
use crate::domain::id::{PersonId, TokenId};
use crate::domain::name::Title;
use crate::domain::person::Scope;
use crate::domain::time::Timestamp;

/// A token as stored. Its secret is not among it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Token {
    /// Which.
    pub id: TokenId,
    /// Whose requests its requests are.
    pub person_id: PersonId,
    /// What it is for.
    pub title: Title,
    /// The first characters of the secret, for people to recognise it by.
    pub hint: String,
    /// What it may do.
    pub scopes: Stored<BTreeSet<Scope>>,
    /// Since when it exists.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// When it was last used, to the minute.
    pub used_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

const ONE: &str = "SELECT id, person_id, title, hint, scopes, created_at, expires_at, used_at, revoked_at FROM tokens
                   WHERE id = $1";

/// Who made a token; nobody when the portal's own console did.
pub async fn made_by(conn: &mut Conn, id: TokenId) -> Result<Option<PersonId>, Error> {
    let found = first!(conn, (Option<PersonId>,), "SELECT created_by FROM tokens WHERE id = $1", id)?;
    Ok(found.and_then(|(by,)| by))
}

/// Adds a token.
#[expect(clippy::too_many_arguments, reason = "one column each")]
pub async fn insert(
    tx: &mut Tx,
    person: PersonId,
    title: &Title,
    hash: &[u8],
    hint: &str,
    scopes: &BTreeSet<Scope>,
    by: Option<PersonId>,
    now: Timestamp,
    until: Timestamp,
) -> Result<TokenId, Error> {
    let sql = "INSERT INTO tokens (person_id, title, token_hash, hint, scopes, created_by, created_at, expires_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id";
    one!(tx, (TokenId,), sql, person, title, hash, hint, Stored(scopes), by, now, until).map(|(id,)| id)
}

/// One token.
pub async fn by_id(conn: &mut Conn, id: TokenId) -> Result<Option<Token>, Error> {
    first!(conn, Token, ONE, id)
}

/// The token of a secret, whatever its age.
pub async fn by_hash(conn: &mut Conn, hash: &[u8]) -> Result<Option<Token>, Error> {
    let sql = "SELECT id, person_id, title, hint, scopes, created_at, expires_at, used_at, revoked_at FROM tokens
               WHERE token_hash = $1";
    first!(conn, Token, sql, hash)
}

/// Tokens, newest first: of one person, or of everybody.
pub async fn list(conn: &mut Conn, person: Option<PersonId>) -> Result<Vec<Token>, Error> {
    let sql = "SELECT id, person_id, title, hint, scopes, created_at, expires_at, used_at, revoked_at FROM tokens
               WHERE person_id = coalesce($1, person_id) ORDER BY id DESC LIMIT 500";
    all!(conn, Token, sql, person)
}

/// Notes that it is used.
pub async fn touch(tx: &mut Tx, id: TokenId, now: Timestamp) -> Result<(), Error> {
    exec!(tx, "UPDATE tokens SET used_at = $2 WHERE id = $1", id, now).map(|_| ())
}

/// Changes what a token is for and what it may do, unless it was taken back.
pub async fn update(tx: &mut Tx, id: TokenId, title: &Title, scopes: &BTreeSet<Scope>) -> Result<(), Error> {
    let sql = "UPDATE tokens SET title = $2, scopes = $3 WHERE id = $1 AND revoked_at IS NULL";
    guarded!("token", tx, sql, id, title, Stored(scopes))
}

/// Takes a token back.
pub async fn revoke(tx: &mut Tx, id: TokenId, now: Timestamp) -> Result<(), Error> {
    guarded!("token", tx, "UPDATE tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL", id, now)
}

/// What was answered to a key before: the hash of the body it came with, and the answer.
pub async fn answered(
    conn: &mut Conn,
    token: TokenId,
    route: &str,
    key: &str,
) -> Result<Option<(Vec<u8>, String)>, Error> {
    let sql =
        "SELECT body_hash, answer FROM idempotency_keys WHERE token_id = $1 AND route = $2 AND idempotency_key = $3";
    first!(conn, (Vec<u8>, String), sql, token, route, key)
}

/// Keeps an answer, in the transaction that caused it.
pub async fn keep_answer(
    tx: &mut Tx,
    token: TokenId,
    route: &str,
    key: &str,
    body_hash: &[u8],
    answer: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let sql = "INSERT INTO idempotency_keys (token_id, route, idempotency_key, body_hash, answer, created_at)
               VALUES ($1, $2, $3, $4, $5, $6)";
    guarded!("idempotency key", tx, sql, token, route, key, body_hash, answer, now)
}

/// Forgets answers given at an instant or before.
pub async fn prune_answers(tx: &mut Tx, until: Timestamp) -> Result<u64, Error> {
    exec!(tx, "DELETE FROM idempotency_keys WHERE created_at <= $1", until)
}
