//! The audit log. Entries are written in the transaction of the change they record; the tree's
//! frontier is kept in memory during a shared transaction and saved once before its commit.

use super::{Conn, Error, Tx, all, exec, one};
use crate::domain::audit::{Frontier, Leaf, leaf_hash};
use crate::domain::id::{PersonId, ReleaseNumber};
use crate::domain::time::Timestamp;

/// An entry to be written.
#[derive(Clone, Debug)]
pub struct NewEntry<'a> {
    /// Who, as the leaf says it.
    pub actor: &'a str,
    /// The person behind it.
    pub person: Option<PersonId>,
    /// What was done, as `stage.verb`.
    pub verb: &'a str,
    /// To what, as `kind:id`.
    pub subject: &'a str,
    /// The release it belongs to.
    pub release: Option<ReleaseNumber>,
    /// The details that matter later.
    pub facts: &'a serde_json::Value,
}

/// Writes an entry as the next leaf of the tree.
pub async fn append(tx: &mut Tx, entry: &NewEntry<'_>, now: Timestamp) -> Result<(), Error> {
    let mut frontier = match &tx.frontier {
        Some((frontier, _)) => frontier.clone(),
        None => frontier(tx).await?,
    };
    let index = i64::try_from(frontier.size()).map_err(|_| Error::Corrupt { what: "audit tree" })?;
    let NewEntry { actor, person, verb, subject, release, facts } = entry;
    let bytes = Leaf { index, at: now, actor, verb, subject, facts }.bytes();
    let hash = leaf_hash(&bytes);
    let leaf = String::from_utf8(bytes).map_err(|_| Error::Corrupt { what: "audit leaf" })?;
    let sql =
        "INSERT INTO audit_entries (position, at, actor, person_id, verb, subject, release_number, leaf, leaf_hash)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    exec!(tx, sql, index, now, actor, person, verb, subject, release, leaf, &hash[..])?;
    frontier.push(hash);
    tx.frontier = Some((frontier, true));
    Ok(())
}

/// Saves the tree if it grew. Called once, right before the commit.
pub(super) async fn save_frontier(tx: &mut Tx) -> Result<(), Error> {
    if let Some((frontier, true)) = &tx.frontier {
        let (size, bytes) = (i64::try_from(frontier.size()).unwrap_or(i64::MAX), frontier.bytes());
        exec!(tx, "UPDATE audit_tree SET size = $1, frontier = $2 WHERE id = 1", size, bytes)?;
    }
    Ok(())
}

/// The tree as it is stored.
pub async fn frontier(conn: &mut Conn) -> Result<Frontier, Error> {
    let (size, bytes) = one!(conn, (i64, Vec<u8>), "SELECT size, frontier FROM audit_tree WHERE id = 1")?;
    let size = u64::try_from(size).map_err(|_| Error::Corrupt { what: "audit tree" })?;
    Frontier::restore(size, &bytes).ok_or(Error::Corrupt { what: "audit tree" })
}

/// An entry as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Entry {
    /// Its position in the log, from 0.
    pub position: i64,
    /// When.
    pub at: Timestamp,
    /// Who, as the leaf says it.
    pub actor: String,
    /// The person behind it.
    pub person_id: Option<PersonId>,
    /// What was done.
    pub verb: String,
    /// To what.
    pub subject: String,
    /// The release it belongs to.
    pub release_number: Option<ReleaseNumber>,
    /// The canonical leaf.
    pub leaf: String,
}

/// What to look for in the log.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Words somewhere in the leaf, or in the name of whoever did it, or their login; as a LIKE
    /// pattern.
    pub pattern: Option<String>,
    /// Of one release.
    pub release: Option<ReleaseNumber>,
    /// Before this position.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: i64,
}

/// Entries, newest first.
pub async fn search(conn: &mut Conn, search: &Search) -> Result<Vec<Entry>, Error> {
    let sql = "SELECT position, at, actor, person_id, verb, subject, release_number, leaf FROM audit_entries
               WHERE position < coalesce($1, 9223372036854775807)
                 AND ($2 IS NULL OR lower(leaf) LIKE $2 ESCAPE '!'
                      OR person_id IN (SELECT id FROM people WHERE lower(login) LIKE $4 ESCAPE '!' OR lower(name) LIKE $2 ESCAPE '!'))
                 AND coalesce(release_number, 0) = coalesce($3, release_number, 0)
               ORDER BY position DESC LIMIT $5";
    let Search { pattern, release, before, limit } = search;
    // A login is meant as a whole; of a name, a part is enough.
    let login = pattern.as_deref().and_then(|pattern| pattern.strip_prefix('%')?.strip_suffix('%'));
    all!(conn, Entry, sql, before, pattern, release, login, limit)
}

/// All entries of a release, in order: its story.
pub async fn of_release(conn: &mut Conn, number: ReleaseNumber) -> Result<Vec<Entry>, Error> {
    let sql = "SELECT position, at, actor, person_id, verb, subject, release_number, leaf FROM audit_entries
               WHERE release_number = $1 ORDER BY position";
    all!(conn, Entry, sql, number)
}

/// Entries about one subject since an instant, in order.
pub async fn about(conn: &mut Conn, subject: &str, since: Timestamp) -> Result<Vec<Entry>, Error> {
    let sql = "SELECT position, at, actor, person_id, verb, subject, release_number, leaf FROM audit_entries
               WHERE subject = $1 AND at >= $2 ORDER BY position";
    all!(conn, Entry, sql, subject, since)
}
