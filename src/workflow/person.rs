//! People: made, edited, deactivated; their roles; the one-time links they are let in with.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::spec::difference;
use super::{Result, Save, Verb};
use crate::domain::id::{EnvironmentId, GroupId, PersonId};
use crate::domain::image::CommitIdentity;
use crate::domain::name::{Email, Login, Slug, Title};
use crate::domain::person::Role;
use crate::domain::refusal::{Check, Refusal};
use crate::domain::text::Text;
use crate::domain::time::Zone;
use crate::protocol::{Change, PersonSpec, RoleSpec};
use crate::secret;
use crate::store::person::Details;
use crate::store::{self, Conn, Error as StoreError};
use crate::text;
use crate::wake::Wake;

/// Makes or edits a person.
///
/// # Errors
/// When the actor does not administer, a value is wrong, or the person was edited meanwhile.
pub async fn put(v: &mut Verb<'_>, save: Save, spec: PersonSpec) -> Result<Change> {
    v.access.administer()?;
    let mut check = Check::new();
    let login = check.field("/login", Login::parse(&spec.login));
    let name = check.field("/name", Title::parse(&spec.name));
    let email = check.field("/email", optional(spec.email.as_deref(), Email::parse));
    let zone = check.field("/zone", optional(spec.zone.as_deref(), Zone::parse));
    let identities = spec.commit_identities.as_ref().map(|given| identities(&mut check, given));
    let (login, name, email, zone) = check.all(|| Some((login?, name?, email?, zone?)))?;
    let present = store::person::by_login(v.tx, &login).await?;
    let onto = save.onto(present.as_ref().map(|person| person.version))?;
    let before = match &present {
        Some(person) => Some(self::spec(v.tx, person.id).await?),
        None => None,
    };
    let details = Details { login, name, email, zone };
    let id = match (present, onto) {
        (Some(person), Some(version)) => {
            store::person::update(v.tx, person.id, version, &details).await?;
            person.id
        }
        _ => store::person::insert(v.tx, &details, v.now).await?,
    };
    if let Some(identities) = identities {
        set_identities(v, id, &identities).await?;
    }
    if let Some(roles) = &spec.roles {
        set_roles(v, (Some(id), None), roles).await?;
    }
    let after = self::spec(v.tx, id).await?;
    let change = difference("Person", details.login.as_str(), before.as_ref(), &after);
    if before.is_none() || !change.fields.is_empty() {
        v.record(if before.is_none() { "person.create" } else { "person.edit" }, subject(id), None, facts(&change))
            .await?;
        v.tx.wake(Wake::Access);
        // A newly recognised author changes who may sign, and whether an author is unknown.
        v.tx.wake(Wake::Clear);
        if before.is_some() {
            store::person::edited(v.tx, id).await?;
        }
    }
    Ok(change)
}

/// The facts of an entry about a person: what was changed, and to what where that names nobody. A
/// name in a leaf could never be forgotten.
fn facts(change: &Change) -> serde_json::Value {
    let fields = change.fields.iter().map(|field| match field.field.as_str() {
        "roles" => serde_json::json!(field),
        name => serde_json::json!({ "field": name }),
    });
    serde_json::json!({ "fields": fields.collect::<Vec<_>>() })
}

fn subject(id: PersonId) -> String {
    format!("person:{id}")
}

/// A person as they would be written down.
pub async fn spec(conn: &mut Conn, id: PersonId) -> Result<PersonSpec> {
    let person = store::person::by_id(conn, id).await?.ok_or(StoreError::Corrupt { what: "person" })?;
    let identities = store::person::identities(conn, id).await?;
    let roles = roles(conn, (Some(id), None)).await?;
    Ok(PersonSpec {
        login: person.login.to_string(),
        name: person.name.to_string(),
        email: person.email.map(|email| email.to_string()),
        zone: person.zone.map(|zone| zone.name().to_owned()),
        commit_identities: Some(identities.iter().map(ToString::to_string).collect()),
        roles: Some(roles),
    })
}

fn identities(check: &mut Check, given: &[String]) -> BTreeSet<CommitIdentity> {
    let mut parsed = BTreeSet::new();
    for (index, text) in given.iter().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        parsed.extend(check.field(format!("/commit_identities/{index}"), CommitIdentity::parse(text)));
    }
    parsed
}

async fn set_identities(v: &mut Verb<'_>, id: PersonId, identities: &BTreeSet<CommitIdentity>) -> Result<()> {
    for identity in identities {
        match store::person::identity_owner(v.tx, identity).await? {
            Some(owner) if owner != id => {
                let owner = name_of(v.tx, owner).await?;
                let text = text!("identity-taken", identity = identity.as_str(), owner = owner);
                return Err(Refusal::field("/commit_identities", text).into());
            }
            _ => {}
        }
    }
    let present = store::person::identities(v.tx, id).await?;
    // What somebody wrote stays theirs until somebody else says that it is not.
    if v.actor.person() == Some(id) && !present.is_subset(identities) {
        return Err(Refusal::field("/commit_identities", text!("identity-own-removal")).into());
    }
    if present != *identities {
        store::person::set_identities(v.tx, id, identities).await?;
    }
    Ok(())
}

pub(super) async fn name_of(conn: &mut Conn, id: PersonId) -> Result<String> {
    Ok(store::person::by_id(conn, id).await?.map_or_else(String::new, |person| person.login.to_string()))
}

/// Absent or empty is fine; anything else has to parse.
pub(super) fn optional<T>(
    text: Option<&str>,
    parse: impl FnOnce(&str) -> std::result::Result<T, Text>,
) -> std::result::Result<Option<T>, Text> {
    match text.map(str::trim) {
        None | Some("") => Ok(None),
        Some(text) => parse(text).map(Some),
    }
}

/// The roles of a person or a group, as they would be written down.
pub(super) async fn roles(conn: &mut Conn, to: (Option<PersonId>, Option<GroupId>)) -> Result<Vec<RoleSpec>> {
    let mut specs = Vec::new();
    for grant in store::person::grants(conn, to).await? {
        let environment = match grant.environment_id {
            Some(id) => store::environment::by_id(conn, id).await?.map(|environment| environment.slug.to_string()),
            None => None,
        };
        specs.push(RoleSpec { role: grant.role.to_string(), environment });
    }
    specs.sort();
    Ok(specs)
}

/// Gives exactly these roles to a person or a group.
pub(super) async fn set_roles(
    v: &mut Verb<'_>,
    to: (Option<PersonId>, Option<GroupId>),
    specs: &[RoleSpec],
) -> Result<()> {
    let mut wanted: BTreeSet<(Role, Option<EnvironmentId>)> = BTreeSet::new();
    let mut check = Check::new();
    for (index, spec) in specs.iter().enumerate() {
        let role = check.field(format!("/roles/{index}/role"), Role::parse(&spec.role));
        let environment = match spec.environment.as_deref().map(str::trim) {
            None | Some("" | "*") => Some(None),
            Some(name) => {
                let found = match Slug::parse(name) {
                    Ok(slug) => store::environment::by_slug(v.tx, &slug).await?,
                    Err(_) => None,
                };
                let found = found.ok_or_else(|| text!("environment-unknown", name = name));
                check.field(format!("/roles/{index}/environment"), found.map(|environment| Some(environment.id)))
            }
        };
        wanted.extend(role.zip(environment));
    }
    check.done()?;
    let had_administrators = !store::person::administrators(v.tx).await?.is_empty();
    for grant in store::person::grants(v.tx, to).await? {
        if !wanted.remove(&(grant.role, grant.environment_id)) {
            store::person::remove_grant(v.tx, grant.id).await?;
        }
    }
    for (role, environment) in wanted {
        store::person::add_grant(v.tx, role, to, environment, v.actor.person(), v.now).await?;
    }
    keep_an_administrator(v, had_administrators).await
}

/// The last administrator cannot go.
pub(super) async fn keep_an_administrator(v: &mut Verb<'_>, had: bool) -> Result<()> {
    if had && store::person::administrators(v.tx).await?.is_empty() {
        return Err(Refusal::conflict(text!("conflict-last-administrator")).into());
    }
    Ok(())
}

/// Deactivates an account: its sessions end, its tokens and sign-offs no longer count. Nothing
/// about the person is deleted.
///
/// # Errors
/// When the actor does not administer, or the person is the last administrator.
pub async fn deactivate(v: &mut Verb<'_>, login: &str) -> Result<()> {
    let person = known(v, login).await?;
    let had = !store::person::administrators(v.tx).await?.is_empty();
    if person.deactivated_at.is_some() {
        return Ok(());
    }
    store::person::set_deactivated(v.tx, person.id, Some(v.now)).await?;
    keep_an_administrator(v, had).await?;
    store::session::delete_of(v.tx, person.id, None).await?;
    store::session::revoke_links(v.tx, Some(person.id)).await?;
    v.tx.wake(Wake::Access);
    v.record("person.deactivate", subject(person.id), None, serde_json::json!({})).await
}

/// Activates an account again.
///
/// # Errors
/// When the actor does not administer.
pub async fn reactivate(v: &mut Verb<'_>, login: &str) -> Result<()> {
    let person = known(v, login).await?;
    if person.deactivated_at.is_none() {
        return Ok(());
    }
    store::person::set_deactivated(v.tx, person.id, None).await?;
    v.tx.wake(Wake::Clear);
    v.record("person.reactivate", subject(person.id), None, serde_json::json!({})).await
}

/// How long a one-time sign-in link works.
pub const LINK_VALIDITY: TimeDelta = TimeDelta::hours(24);

/// Makes a one-time sign-in link for a person, to be handed over by whatever means; earlier ones
/// stop working. Gives the secret.
///
/// # Errors
/// When the actor does not administer, or the account is not active. A program hands out none: it
/// could sign off with one.
pub async fn hand_out_link(v: &mut Verb<'_>, login: &str) -> Result<String> {
    let person = known(v, login).await?;
    if v.actor.token().is_some() {
        return Err(Refusal::forbidden(text!("refusal-needs-session")).into());
    }
    if person.deactivated_at.is_some() {
        return Err(Refusal::conflict(text!("conflict-person-deactivated")).into());
    }
    store::session::revoke_links(v.tx, Some(person.id)).await?;
    let secret = v.workflow.random.token();
    let until = v.now.plus(LINK_VALIDITY);
    store::session::insert_link(v.tx, &secret::fingerprint(&secret), Some(person.id), v.now, until).await?;
    v.record("person.link", subject(person.id), None, serde_json::json!({})).await?;
    Ok(secret)
}

/// Lets a person in who cannot sign in any more: their password is forgotten, and a link handed out
/// as ever. For the server's console alone.
///
/// # Errors
/// As for a link.
pub async fn recover(v: &mut Verb<'_>, login: &str) -> Result<String> {
    let person = known(v, login).await?;
    let secret = hand_out_link(v, login).await?;
    store::person::set_password(v.tx, person.id, None).await?;
    Ok(secret)
}

async fn known(v: &mut Verb<'_>, login: &str) -> Result<store::person::Person> {
    v.access.administer()?;
    let Ok(login) = Login::parse(login) else { return Err(Refusal::absent().into()) };
    store::person::by_login(v.tx, &login).await?.ok_or_else(|| Refusal::absent().into())
}
