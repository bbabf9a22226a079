//! Lists of what is administered: services, people, groups, tokens; and who did what to them.

use super::super::token::Token;
use super::super::{Conn, Error, all, first, one};
use crate::domain::id::{ClusterId, CredentialId, GroupId, PersonId, ServiceId, TokenId};
use crate::domain::image::Repository;
use crate::domain::name::{Email, Login, Slug, Title};
use crate::domain::time::Timestamp;

/// What part of a list to show.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// Words to look for, as a LIKE pattern in lower case.
    pub pattern: Option<String>,
    /// Whether those out of use are wanted instead of those in use.
    pub archived: bool,
    /// Only what comes after this name.
    pub after: Option<String>,
    /// At most so many.
    pub limit: i64,
}

/// A service in a list.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ServiceLine {
    /// Which.
    pub id: ServiceId,
    /// Its short name.
    pub slug: Slug,
    /// Its title.
    pub title: Title,
    /// Where its images come from.
    pub repository: Repository,
    /// Title of the group to ask about it.
    pub owner: Option<Title>,
}

/// Lists services by name.
pub async fn services(conn: &mut Conn, part: &Part) -> Result<Vec<ServiceLine>, Error> {
    let sql = "SELECT s.id, s.slug, s.title, s.repository, g.title AS owner
               FROM services s LEFT JOIN groups g ON g.id = s.owner_group_id
               WHERE s.slug > coalesce($1, '') AND (s.archived_at IS NOT NULL) = ($2 = 1)
                 AND ($3 IS NULL OR lower(s.slug || ' ' || s.title || ' ' || s.repository) LIKE $3 ESCAPE '!')
               ORDER BY s.slug LIMIT $4";
    let Part { pattern, archived, after, limit } = part;
    all!(conn, ServiceLine, sql, after, i64::from(*archived), pattern, limit)
}

/// A person in a list.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct PersonLine {
    /// Which.
    pub id: PersonId,
    /// What they sign in with.
    pub login: Login,
    /// What they are called.
    pub name: Title,
    /// Where mail reaches them.
    pub email: Option<Email>,
    /// Titles of the groups they are in.
    pub groups: Option<String>,
}

/// Lists people by login.
pub async fn people(conn: &mut Conn, part: &Part) -> Result<Vec<PersonLine>, Error> {
    let sql = "SELECT p.id, p.login, p.name, p.email,
                   (SELECT string_agg(g.title, ', ' ORDER BY g.title) FROM memberships m JOIN groups g ON g.id = m.group_id
                    WHERE m.person_id = p.id AND g.archived_at IS NULL) AS groups
               FROM people p
               WHERE p.login > coalesce($1, '') AND (p.deactivated_at IS NOT NULL) = ($2 = 1)
                 AND ($3 IS NULL OR lower(p.login || ' ' || p.name || ' ' || coalesce(p.email, '')) LIKE $3 ESCAPE '!')
               ORDER BY p.login LIMIT $4";
    let Part { pattern, archived, after, limit } = part;
    all!(conn, PersonLine, sql, after, i64::from(*archived), pattern, limit)
}

/// A group in a list.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct GroupLine {
    /// Which.
    pub id: GroupId,
    /// Its short name.
    pub slug: Slug,
    /// Its title.
    pub title: Title,
    /// How many active people are in it.
    pub members: i64,
}

/// Lists groups by name.
pub async fn groups(conn: &mut Conn, part: &Part) -> Result<Vec<GroupLine>, Error> {
    let sql = "SELECT g.id, g.slug, g.title,
                   (SELECT count(*) FROM memberships m JOIN people p ON p.id = m.person_id
                    WHERE m.group_id = g.id AND p.deactivated_at IS NULL) AS members
               FROM groups g
               WHERE g.slug > coalesce($1, '') AND (g.archived_at IS NOT NULL) = ($2 = 1)
                 AND ($3 IS NULL OR lower(g.slug || ' ' || g.title) LIKE $3 ESCAPE '!')
               ORDER BY g.slug LIMIT $4";
    let Part { pattern, archived, after, limit } = part;
    all!(conn, GroupLine, sql, after, i64::from(*archived), pattern, limit)
}

/// Somebody in a group.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Member {
    /// Who.
    pub person_id: PersonId,
    /// What they sign in with.
    pub login: Login,
    /// What they are called.
    pub name: Title,
    /// Since when their account is not active any more.
    pub deactivated_at: Option<Timestamp>,
    /// Who put them in, when it was a person.
    pub granted_by: Option<PersonId>,
    /// What that person is called.
    pub granter: Option<Title>,
    /// When.
    pub granted_at: Timestamp,
}

impl Member {
    /// Whether they put themselves in, so that their sign-off does not count.
    pub fn self_granted(&self) -> bool {
        self.granted_by == Some(self.person_id)
    }
}

/// Who is in a group, by name.
pub async fn members(conn: &mut Conn, group: GroupId) -> Result<Vec<Member>, Error> {
    let sql = "SELECT m.person_id, p.login, p.name, p.deactivated_at, m.granted_by, b.name AS granter, m.granted_at
               FROM memberships m JOIN people p ON p.id = m.person_id LEFT JOIN people b ON b.id = m.granted_by
               WHERE m.group_id = $1 ORDER BY lower(p.name), p.login";
    all!(conn, Member, sql, group)
}

/// The groups in use that a person is in, by title.
pub async fn groups_of(conn: &mut Conn, person: PersonId) -> Result<Vec<(GroupId, Slug, Title)>, Error> {
    let sql = "SELECT g.id, g.slug, g.title FROM memberships m JOIN groups g ON g.id = m.group_id
               WHERE m.person_id = $1 AND g.archived_at IS NULL ORDER BY g.title";
    all!(conn, (GroupId, Slug, Title), sql, person)
}

/// When a person signed in last.
pub async fn last_sign_in(conn: &mut Conn, person: PersonId) -> Result<Option<Timestamp>, Error> {
    let sql = "SELECT max(at) FROM audit_entries WHERE subject = $1 AND verb = 'person.sign_in'";
    one!(conn, (Option<Timestamp>,), sql, format!("person:{person}")).map(|(at,)| at)
}

/// Who edited a thing last, and when: nobody when it was a program of the portal itself.
pub async fn last_edit(conn: &mut Conn, subject: &str) -> Result<Option<(Option<Title>, Timestamp)>, Error> {
    let sql = "SELECT p.name, a.at FROM audit_entries a LEFT JOIN people p ON p.id = a.person_id
               WHERE a.subject = $1 AND a.verb LIKE '%.edit' ORDER BY a.position DESC LIMIT 1";
    first!(conn, (Option<Title>, Timestamp), sql, subject)
}

/// Who handed a credential in, and who confirmed it.
pub async fn credential_by(conn: &mut Conn, id: CredentialId) -> Result<(Option<Title>, Option<Title>), Error> {
    let sql = "SELECT u.name, f.name FROM credentials c LEFT JOIN people u ON u.id = c.uploaded_by
               LEFT JOIN people f ON f.id = c.confirmed_by WHERE c.id = $1";
    one!(conn, (Option<Title>, Option<Title>), sql, id)
}

/// A token in a list.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct TokenLine {
    /// The token.
    #[sqlx(flatten)]
    pub token: Token,
    /// What its person signs in with.
    pub login: Login,
    /// What its person is called.
    pub name: Title,
    /// Since when that person's account is not active any more.
    pub deactivated_at: Option<Timestamp>,
}

/// Lists tokens, newest first: of one person, or of everybody.
pub async fn tokens(
    conn: &mut Conn,
    person: Option<PersonId>,
    before: Option<TokenId>,
    limit: i64,
) -> Result<Vec<TokenLine>, Error> {
    let sql =
        "SELECT t.id, t.person_id, t.title, t.hint, t.scopes, t.created_at, t.expires_at, t.used_at, t.revoked_at,
                   p.login, p.name, p.deactivated_at
               FROM tokens t JOIN people p ON p.id = t.person_id
               WHERE t.person_id = coalesce($1, t.person_id) AND t.id < coalesce($2, 9223372036854775807)
               ORDER BY t.id DESC LIMIT $3";
    all!(conn, TokenLine, sql, person, before, limit)
}

/// How many of everything are in use.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub struct Counts {
    /// Services.
    pub services: i64,
    /// Clusters.
    pub clusters: i64,
    /// Groups.
    pub groups: i64,
    /// People.
    pub people: i64,
    /// Tokens that work: of one person, or of everybody.
    pub tokens: i64,
}

/// Counts what is in use; tokens of one person, or of everybody.
pub async fn counts(conn: &mut Conn, tokens_of: Option<PersonId>, now: Timestamp) -> Result<Counts, Error> {
    let sql = "SELECT (SELECT count(*) FROM services WHERE archived_at IS NULL) AS services,
                   (SELECT count(*) FROM clusters WHERE archived_at IS NULL) AS clusters,
                   (SELECT count(*) FROM groups WHERE archived_at IS NULL) AS groups,
                   (SELECT count(*) FROM people WHERE deactivated_at IS NULL) AS people,
                   (SELECT count(*) FROM tokens WHERE revoked_at IS NULL AND expires_at > $2
                    AND person_id = coalesce($1, person_id)) AS tokens";
    one!(conn, Counts, sql, tokens_of, now)
}

/// Since when a cluster answers: the last time it came back, or its credential was confirmed.
pub async fn reachable_since(conn: &mut Conn, cluster: ClusterId) -> Result<Option<Timestamp>, Error> {
    let sql =
        "SELECT max(at) FROM audit_entries WHERE subject = $1 AND verb IN ('cluster.reachable', 'cluster.confirm')";
    one!(conn, (Option<Timestamp>,), sql, format!("cluster:{cluster}")).map(|(at,)| at)
}
