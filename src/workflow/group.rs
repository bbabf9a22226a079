//! Groups: made, edited, archived; who is in them, and since when and by whom, because rule 4 asks.

use std::collections::BTreeSet;

use super::person::{keep_an_administrator, name_of, roles, set_roles};
use super::spec::{self, difference};
use super::{Result, Save, Verb};
use crate::domain::id::{GroupId, PersonId};
use crate::domain::name::{Login, Slug, Title};
use crate::domain::refusal::{Check, Refusal};
use crate::protocol::{Change, GroupSpec};
use crate::store::{self, Conn, Error as StoreError};
use crate::text;
use crate::wake::Wake;

/// Makes or edits a group.
///
/// # Errors
/// When the actor does not administer, a value is wrong, or the group was edited meanwhile.
pub async fn put(v: &mut Verb<'_>, save: Save, spec: GroupSpec) -> Result<Change> {
    v.access.administer()?;
    let mut check = Check::new();
    let slug = check.field("/name", Slug::parse(&spec.name));
    let title = check.field("/title", Title::parse(&spec.title));
    let members = match &spec.members {
        Some(logins) => Some(people(v, &mut check, logins).await?),
        None => None,
    };
    let (slug, title) = check.all(|| Some((slug?, title?)))?;
    let present = store::group::by_slug(v.tx, &slug).await?;
    let onto = save.onto(present.as_ref().map(|group| group.version))?;
    let before = match &present {
        Some(group) => Some(self::spec(v.tx, group.id).await?),
        None => None,
    };
    let id = match (&present, onto) {
        (Some(group), Some(version)) => {
            store::group::update(v.tx, group.id, version, &title).await?;
            group.id
        }
        _ => store::group::insert(v.tx, &slug, &title, v.now).await?,
    };
    if let Some(members) = members {
        set_members(v, id, &members).await?;
    }
    if let Some(roles) = &spec.roles {
        set_roles(v, (None, Some(id)), roles).await?;
    }
    let after = self::spec(v.tx, id).await?;
    let change = difference("Group", slug.as_str(), before.as_ref(), &after);
    if before.is_none() || !change.fields.is_empty() {
        let verb = if before.is_none() { "group.create" } else { "group.edit" };
        let facts = facts(v.tx, &change).await?;
        v.record(verb, format!("group:{id}"), None, facts).await?;
        v.tx.wake(Wake::Access);
        v.tx.wake(Wake::Clear);
        if before.is_some() {
            store::group::edited(v.tx, id).await?;
        }
    }
    Ok(change)
}

/// The facts of an entry about a group, with its members by number: a name in a leaf could never be
/// forgotten.
async fn facts(conn: &mut Conn, change: &Change) -> Result<serde_json::Value> {
    let mut change = change.clone();
    let values = change.fields.iter_mut().filter(|field| field.field == "members");
    for value in values.flat_map(|field| [&mut field.before, &mut field.after]) {
        let mut ids = Vec::new();
        for login in value.as_array().into_iter().flatten().filter_map(|login| Login::parse(login.as_str()?).ok()) {
            ids.extend(store::person::by_login(conn, &login).await?.map(|person| person.id));
        }
        *value = serde_json::json!(ids);
    }
    Ok(spec::facts(&change))
}

async fn people(v: &mut Verb<'_>, check: &mut Check, logins: &[String]) -> Result<BTreeSet<PersonId>> {
    let mut found = BTreeSet::new();
    for (index, text) in logins.iter().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        let person = match Login::parse(text) {
            Ok(login) => store::person::by_login(v.tx, &login).await?,
            Err(_) => None,
        };
        let person = person.ok_or_else(|| text!("person-unknown", login = text));
        found.extend(check.field(format!("/members/{index}"), person.map(|person| person.id)));
    }
    Ok(found)
}

async fn set_members(v: &mut Verb<'_>, id: GroupId, wanted: &BTreeSet<PersonId>) -> Result<()> {
    let had_administrators = !store::person::administrators(v.tx).await?.is_empty();
    let present: BTreeSet<PersonId> = store::group::members(v.tx, id).await?.into_iter().collect();
    for person in present.difference(wanted) {
        store::group::remove_member(v.tx, id, *person).await?;
    }
    for person in wanted.difference(&present) {
        store::group::add_member(v.tx, id, *person, v.actor.person(), v.now).await?;
    }
    keep_an_administrator(v, had_administrators).await
}

pub async fn spec(conn: &mut Conn, id: GroupId) -> Result<GroupSpec> {
    let group = store::group::by_id(conn, id).await?.ok_or(StoreError::Corrupt { what: "group" })?;
    let mut members = Vec::new();
    for person in store::group::members(conn, id).await? {
        members.push(name_of(conn, person).await?);
    }
    members.sort();
    let roles = roles(conn, (None, Some(id))).await?;
    Ok(GroupSpec {
        name: group.slug.to_string(),
        title: group.title.to_string(),
        members: Some(members),
        roles: Some(roles),
    })
}

/// Archives a group, or brings it back. A group that a policy asks cannot go: nobody could satisfy
/// that rule any more.
///
/// # Errors
/// When the actor does not administer, or a policy still asks it.
pub async fn archive(v: &mut Verb<'_>, name: &str, archived: bool) -> Result<()> {
    v.access.administer()?;
    let Ok(slug) = Slug::parse(name) else { return Err(Refusal::absent().into()) };
    let group = store::group::by_slug(v.tx, &slug).await?.ok_or_else(Refusal::absent)?;
    if group.archived_at.is_some() == archived {
        return Ok(());
    }
    if archived && !store::group::asked_in(v.tx, group.id).await?.is_empty() {
        return Err(Refusal::conflict(text!("conflict-group-asked")).into());
    }
    let had = !store::person::administrators(v.tx).await?.is_empty();
    store::group::set_archived(v.tx, group.id, archived.then_some(v.now)).await?;
    keep_an_administrator(v, had).await?;
    v.tx.wake(Wake::Access);
    let verb = if archived { "group.archive" } else { "group.restore" };
    v.record(verb, format!("group:{}", group.id), None, serde_json::json!({ "name": slug })).await
}
