//! Decisions: who signed or rejected what, append-only.

use std::collections::BTreeSet;

use super::{Conn, Error, Stored, Tx, all, one};
use crate::domain::id::{DecisionId, GroupId, PersonId, ReleaseNumber};
use crate::domain::name::Note;
use crate::domain::signoff::{DecisionKind, Signoff};
use crate::domain::time::Timestamp;

/// A decision as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Decision {
    /// Which.
    pub id: DecisionId,
    /// On which release.
    pub release_number: ReleaseNumber,
    /// On which revision of it.
    pub revision: i64,
    /// Whose.
    pub person_id: PersonId,
    /// Sign-off or rejection.
    pub kind: DecisionKind,
    /// The content hash that was on their screen.
    pub content_hash: String,
    /// What they wrote.
    pub comment: Note,
    /// The groups they were in, for the record.
    pub groups: Stored<BTreeSet<GroupId>>,
    /// How they had proved who they are, for the record.
    pub method: String,
    /// When.
    pub decided_at: Timestamp,
}

impl Decision {
    /// As the judgement sees it.
    pub fn signoff(&self) -> Option<Signoff> {
        (self.kind == DecisionKind::Signoff).then(|| Signoff {
            person: self.person_id,
            at: self.decided_at,
            content_hash: self.content_hash.clone(),
        })
    }
}

/// A decision to be kept.
#[derive(Clone, Debug)]
pub struct NewDecision<'a> {
    /// On which release.
    pub release: ReleaseNumber,
    /// On which revision of it.
    pub revision: i64,
    /// Whose.
    pub person: PersonId,
    /// Sign-off or rejection.
    pub kind: DecisionKind,
    /// The content hash that was on their screen.
    pub content_hash: &'a str,
    /// What they wrote.
    pub comment: &'a Note,
    /// The groups they are in.
    pub groups: &'a BTreeSet<GroupId>,
    /// How they had proved who they are.
    pub method: &'a str,
}

/// Keeps a decision.
pub async fn insert(tx: &mut Tx, decision: &NewDecision<'_>, now: Timestamp) -> Result<DecisionId, Error> {
    let sql = "INSERT INTO decisions (release_number, revision, person_id, kind, content_hash, comment, groups, method, decided_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id";
    let NewDecision { release, revision, person, kind, content_hash, comment, groups, method } = decision;
    one!(tx, (DecisionId,), sql, release, revision, person, kind, content_hash, comment, Stored(groups), method, now)
        .map(|(id,)| id)
}

/// All decisions on a release, on whichever revision, in order.
pub async fn decisions(conn: &mut Conn, release: ReleaseNumber) -> Result<Vec<Decision>, Error> {
    all!(conn, Decision, "SELECT * FROM decisions WHERE release_number = $1 ORDER BY id", release)
}
