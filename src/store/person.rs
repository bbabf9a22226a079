//! People, their commit identities, and the roles given to them and to groups.

use std::collections::BTreeSet;

use super::{Conn, Error, Tx, all, exec, first, guarded, one};
use crate::domain::id::{EnvironmentId, GrantId, GroupId, PersonId};
use crate::domain::image::CommitIdentity;
use crate::domain::name::{Email, Login, Title};
use crate::domain::person::{Access, Role};
use crate::domain::time::{Timestamp, Zone};

/// A person as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Person {
    /// Which.
    pub id: PersonId,
    /// What they sign in with.
    pub login: Login,
    /// What they are called.
    pub name: Title,
    /// Where mail reaches them.
    pub email: Option<Email>,
    /// The zone they read times in.
    pub zone: Option<Zone>,
    /// argon2id in the PHC string format; nobody signs in by password without one.
    pub password_hash: Option<String>,
    /// Since when they exist.
    pub created_at: Timestamp,
    /// Since when the account is not active any more.
    pub deactivated_at: Option<Timestamp>,
    /// Counts edits, so that two editors notice each other.
    pub version: i64,
}

/// What an administrator sets of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    /// What they sign in with.
    pub login: Login,
    /// What they are called.
    pub name: Title,
    /// Where mail reaches them.
    pub email: Option<Email>,
    /// The zone they read times in.
    pub zone: Option<Zone>,
}

/// Adds a person.
pub async fn insert(tx: &mut Tx, details: &Details, now: Timestamp) -> Result<PersonId, Error> {
    let sql = "INSERT INTO people (login, name, email, zone, created_at) VALUES ($1, $2, $3, $4, $5) RETURNING id";
    let Details { login, name, email, zone } = details;
    one!(tx, (PersonId,), sql, login, name, email, zone, now).map(|(id,)| id)
}

/// One person.
pub async fn by_id(conn: &mut Conn, id: PersonId) -> Result<Option<Person>, Error> {
    first!(conn, Person, "SELECT * FROM people WHERE id = $1", id)
}

/// One person by what they sign in with.
pub async fn by_login(conn: &mut Conn, login: &Login) -> Result<Option<Person>, Error> {
    first!(conn, Person, "SELECT * FROM people WHERE login = $1", login)
}

/// Changes what an administrator sets; the version is the one the editor saw.
pub async fn update(tx: &mut Tx, id: PersonId, version: i64, details: &Details) -> Result<(), Error> {
    let sql = "UPDATE people SET login = $3, name = $4, email = $5, zone = $6 WHERE id = $1 AND version = $2";
    let Details { login, name, email, zone } = details;
    guarded!("person", tx, sql, id, version, login, name, email, zone)
}

/// Counts an edit: of the person, their identities or their roles.
pub async fn edited(tx: &mut Tx, id: PersonId) -> Result<(), Error> {
    guarded!("person", tx, "UPDATE people SET version = version + 1 WHERE id = $1", id)
}

/// Sets the zone a person reads times in.
pub async fn set_zone(tx: &mut Tx, id: PersonId, zone: Option<Zone>) -> Result<(), Error> {
    guarded!("person", tx, "UPDATE people SET zone = $2 WHERE id = $1", id, zone)
}

/// Sets the password, as a PHC string.
pub async fn set_password(tx: &mut Tx, id: PersonId, hash: Option<&str>) -> Result<(), Error> {
    guarded!("person", tx, "UPDATE people SET password_hash = $2 WHERE id = $1", id, hash)
}

/// Deactivates an account, or activates it again.
pub async fn set_deactivated(tx: &mut Tx, id: PersonId, at: Option<Timestamp>) -> Result<(), Error> {
    let sql = "UPDATE people SET deactivated_at = $2, version = version + 1
               WHERE id = $1 AND (deactivated_at IS NULL) = ($2 IS NOT NULL)";
    guarded!("person", tx, sql, id, at)
}

/// Whether there is anybody at all.
pub async fn any(conn: &mut Conn) -> Result<bool, Error> {
    first!(conn, (PersonId,), "SELECT id FROM people LIMIT 1").map(|found| found.is_some())
}

/// A person's commit identities.
pub async fn identities(conn: &mut Conn, id: PersonId) -> Result<BTreeSet<CommitIdentity>, Error> {
    let sql = "SELECT identity FROM commit_identities WHERE person_id = $1";
    all!(conn, (CommitIdentity,), sql, id).map(|rows| rows.into_iter().map(|(one,)| one).collect())
}

/// Whose a commit identity is.
pub async fn identity_owner(conn: &mut Conn, identity: &CommitIdentity) -> Result<Option<PersonId>, Error> {
    let sql = "SELECT person_id FROM commit_identities WHERE identity = $1";
    first!(conn, (PersonId,), sql, identity).map(|row| row.map(|(id,)| id))
}

/// Replaces a person's commit identities.
pub async fn set_identities(tx: &mut Tx, id: PersonId, identities: &BTreeSet<CommitIdentity>) -> Result<(), Error> {
    exec!(tx, "DELETE FROM commit_identities WHERE person_id = $1", id)?;
    for identity in identities {
        exec!(tx, "INSERT INTO commit_identities (identity, person_id) VALUES ($1, $2)", identity, id)?;
    }
    Ok(())
}

/// A role given to a person or to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Grant {
    /// Which.
    pub id: GrantId,
    /// What may be done.
    pub role: Role,
    /// By whom, when it is a person.
    pub person_id: Option<PersonId>,
    /// By whom, when it is a group.
    pub group_id: Option<GroupId>,
    /// Where; everywhere when absent.
    pub environment_id: Option<EnvironmentId>,
}

/// The grants of a person or of a group.
pub async fn grants(conn: &mut Conn, of: (Option<PersonId>, Option<GroupId>)) -> Result<Vec<Grant>, Error> {
    let sql = "SELECT id, role, person_id, group_id, environment_id FROM grants
               WHERE person_id = $1 OR group_id = $2 ORDER BY id";
    all!(conn, Grant, sql, of.0, of.1)
}

/// The grants of all people, not of groups.
pub async fn grants_of_people(conn: &mut Conn) -> Result<Vec<Grant>, Error> {
    let sql = "SELECT id, role, person_id, group_id, environment_id FROM grants
               WHERE person_id IS NOT NULL ORDER BY id";
    all!(conn, Grant, sql)
}

/// Gives a role; false when it was given before.
pub async fn add_grant(
    tx: &mut Tx,
    role: Role,
    to: (Option<PersonId>, Option<GroupId>),
    environment: Option<EnvironmentId>,
    by: Option<PersonId>,
    now: Timestamp,
) -> Result<bool, Error> {
    let sql = "INSERT INTO grants (role, person_id, group_id, environment_id, granted_by, granted_at)
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    exec!(tx, sql, role, to.0, to.1, environment, by, now).map(|rows| rows == 1)
}

/// Takes a role back.
pub async fn remove_grant(tx: &mut Tx, id: GrantId) -> Result<(), Error> {
    guarded!("grant", tx, "DELETE FROM grants WHERE id = $1", id)
}

/// Active people who administer everything, by themselves or through a group.
pub async fn administrators(conn: &mut Conn) -> Result<BTreeSet<PersonId>, Error> {
    let sql = "SELECT p.id FROM people p
               WHERE p.deactivated_at IS NULL AND EXISTS (
                   SELECT 1 FROM grants g LEFT JOIN memberships m ON m.group_id = g.group_id
                   LEFT JOIN groups t ON t.id = g.group_id
                   WHERE g.role = 'admin' AND g.environment_id IS NULL
                     AND (g.person_id = p.id OR (m.person_id = p.id AND t.archived_at IS NULL)))";
    all!(conn, (PersonId,), sql).map(|rows| rows.into_iter().map(|(id,)| id).collect())
}

/// What a person may do, by roles, groups and the policies that name those groups.
pub async fn access(conn: &mut Conn, id: PersonId) -> Result<Access, Error> {
    let sql = "SELECT g.role, g.environment_id FROM grants g
               WHERE g.person_id = $1 OR g.group_id IN (
                   SELECT m.group_id FROM memberships m JOIN groups t ON t.id = m.group_id
                   WHERE m.person_id = $1 AND t.archived_at IS NULL)";
    let grants = all!(conn, (Role, Option<EnvironmentId>), sql, id)?.into_iter().collect();
    let sql = "SELECT m.group_id, e.environment_id FROM memberships m JOIN groups t ON t.id = m.group_id
               LEFT JOIN policy_groups e ON e.group_id = m.group_id
               WHERE m.person_id = $1 AND t.archived_at IS NULL";
    let rows = all!(conn, (GroupId, Option<EnvironmentId>), sql, id)?;
    Ok(Access {
        grants,
        groups: rows.iter().map(|(group, _)| *group).collect(),
        signs_in: rows.iter().filter_map(|(_, environment)| *environment).collect(),
        scopes: None,
        internal: false,
    })
}

/// Everybody, deactivated accounts too.
pub async fn list(conn: &mut Conn) -> Result<Vec<Person>, Error> {
    all!(conn, Person, "SELECT * FROM people ORDER BY login")
}
