//! Groups and who is in them.

use super::{Conn, Error, Tx, all, first, guarded, one};
use crate::domain::id::{EnvironmentId, GroupId, PersonId};
use crate::domain::name::{Slug, Title};
use crate::domain::signoff::Membership;
use crate::domain::time::Timestamp;

/// A group as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Group {
    /// Which.
    pub id: GroupId,
    /// Its short name.
    pub slug: Slug,
    /// Its title.
    pub title: Title,
    /// Since when it is not used any more.
    pub archived_at: Option<Timestamp>,
    /// Counts edits.
    pub version: i64,
}

/// Adds a group.
pub async fn insert(tx: &mut Tx, slug: &Slug, title: &Title, now: Timestamp) -> Result<GroupId, Error> {
    let sql = "INSERT INTO groups (slug, title, created_at) VALUES ($1, $2, $3) RETURNING id";
    one!(tx, (GroupId,), sql, slug, title, now).map(|(id,)| id)
}

/// One group.
pub async fn by_id(conn: &mut Conn, id: GroupId) -> Result<Option<Group>, Error> {
    first!(conn, Group, "SELECT * FROM groups WHERE id = $1", id)
}

/// One group by its short name.
pub async fn by_slug(conn: &mut Conn, slug: &Slug) -> Result<Option<Group>, Error> {
    first!(conn, Group, "SELECT * FROM groups WHERE slug = $1", slug)
}

/// All groups, archived ones too.
pub async fn list(conn: &mut Conn) -> Result<Vec<Group>, Error> {
    all!(conn, Group, "SELECT * FROM groups ORDER BY slug")
}

/// Changes the title; the version is the one the editor saw.
pub async fn update(tx: &mut Tx, id: GroupId, version: i64, title: &Title) -> Result<(), Error> {
    let sql = "UPDATE groups SET title = $3 WHERE id = $1 AND version = $2";
    guarded!("group", tx, sql, id, version, title)
}

/// Counts an edit: of the group, its members or its roles.
pub async fn edited(tx: &mut Tx, id: GroupId) -> Result<(), Error> {
    guarded!("group", tx, "UPDATE groups SET version = version + 1 WHERE id = $1", id)
}

/// Archives a group, or brings it back.
pub async fn set_archived(tx: &mut Tx, id: GroupId, at: Option<Timestamp>) -> Result<(), Error> {
    let sql = "UPDATE groups SET archived_at = $2, version = version + 1
               WHERE id = $1 AND (archived_at IS NULL) = ($2 IS NOT NULL)";
    guarded!("group", tx, sql, id, at)
}

/// Who is in a group.
pub async fn members(conn: &mut Conn, id: GroupId) -> Result<Vec<PersonId>, Error> {
    let sql = "SELECT person_id FROM memberships WHERE group_id = $1 ORDER BY person_id";
    all!(conn, (PersonId,), sql, id).map(|rows| rows.into_iter().map(|(id,)| id).collect())
}

/// Puts a person into a group.
pub async fn add_member(
    tx: &mut Tx,
    group: GroupId,
    person: PersonId,
    by: Option<PersonId>,
    now: Timestamp,
) -> Result<(), Error> {
    let sql = "INSERT INTO memberships (group_id, person_id, granted_by, granted_at) VALUES ($1, $2, $3, $4)";
    guarded!("membership", tx, sql, group, person, by, now)
}

/// Takes a person out of a group.
pub async fn remove_member(tx: &mut Tx, group: GroupId, person: PersonId) -> Result<(), Error> {
    guarded!("membership", tx, "DELETE FROM memberships WHERE group_id = $1 AND person_id = $2", group, person)
}

/// Environments whose present policy asks this group.
pub async fn asked_in(conn: &mut Conn, id: GroupId) -> Result<Vec<EnvironmentId>, Error> {
    let sql = "SELECT p.environment_id FROM policy_groups p JOIN environments e ON e.id = p.environment_id
               WHERE p.group_id = $1 AND e.archived_at IS NULL ORDER BY p.environment_id";
    all!(conn, (EnvironmentId,), sql, id).map(|rows| rows.into_iter().map(|(id,)| id).collect())
}

/// Memberships of the groups that an environment's policy names, for the judgement of sign-offs.
/// An archived group satisfies nothing.
pub async fn memberships_for(conn: &mut Conn, environment: EnvironmentId) -> Result<Vec<Membership>, Error> {
    let sql = "SELECT m.group_id, m.person_id, CAST(CASE WHEN p.deactivated_at IS NULL THEN 1 ELSE 0 END AS BIGINT), m.granted_by,
                   m.granted_at
               FROM policy_groups e JOIN groups g ON g.id = e.group_id JOIN memberships m ON m.group_id = e.group_id
               JOIN people p ON p.id = m.person_id
               WHERE e.environment_id = $1 AND g.archived_at IS NULL ORDER BY m.person_id, m.group_id";
    type Row = (GroupId, PersonId, i64, Option<PersonId>, Timestamp);
    let rows = all!(conn, Row, sql, environment)?;
    let membership = |(group, person, active, granted_by, granted_at): Row| Membership {
        group,
        person,
        active: active == 1,
        granted_by,
        granted_at,
    };
    Ok(rows.into_iter().map(membership).collect())
}
