//! Bearer tokens: made, shown once, taken back.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::{Result, Verb};
use crate::domain::id::{PersonId, TokenId};
use crate::domain::name::{Login, Title};
use crate::domain::person::{Role, Scope};
use crate::domain::refusal::{Check, Refusal};
use crate::protocol::{TokenEdit, TokenSpec};
use crate::secret;
use crate::store;
use crate::text;
use crate::wake::Wake;

/// What a token begins with, so that scanners of repositories recognise one that leaked.
pub const PREFIX: &str = "tdg_";

/// Makes a token: for oneself, or as an administrator for anybody. Gives its secret, this once.
///
/// # Errors
/// When a value is wrong, or it is for somebody else.
pub async fn create(v: &mut Verb<'_>, spec: TokenSpec) -> Result<(TokenId, String)> {
    let mut check = Check::new();
    let title = check.field("/title", Title::parse(&spec.title));
    let scopes = parse_scopes(&mut check, &spec.scopes);
    let days = spec.days.unwrap_or(90);
    if !(1..=366).contains(&days) {
        check.complain("/days", text!("number-out-of-range", least = 1_i64, most = 366_i64));
    }
    let person = owner(v, &mut check, spec.person.as_deref()).await?;
    let (title, person) = check.all(|| Some((title?, person?)))?;
    may_manage(v, person)?;
    refuse_borrowed(v, person, &scopes)?;
    let secret = format!("{PREFIX}{}", v.workflow.random.token());
    let (hash, hint) = (secret::fingerprint(&secret), &secret[..PREFIX.len() + 4]);
    let until = v.now.plus(TimeDelta::days(days));
    let by = v.actor.person();
    let id = store::token::insert(v.tx, person, &title, &hash, hint, &scopes, by, v.now, until).await?;
    let facts = serde_json::json!({ "title": title, "person": person, "scopes": scopes, "expires_at": until });
    v.record("token.create", format!("token:{id}"), None, facts).await?;
    Ok((id, secret))
}

fn parse_scopes(check: &mut Check, given: &[String]) -> BTreeSet<Scope> {
    let mut scopes = BTreeSet::new();
    for (index, scope) in given.iter().enumerate() {
        scopes.extend(check.field(format!("/scopes/{index}"), Scope::parse(scope)));
    }
    if given.is_empty() {
        check.complain("/scopes", text!("token-no-scopes"));
    }
    scopes
}

async fn owner(v: &mut Verb<'_>, check: &mut Check, login: Option<&str>) -> Result<Option<PersonId>> {
    let Some(login) = login.map(str::trim).filter(|login| !login.is_empty()) else { return v.person().map(Some) };
    let person = match Login::parse(login) {
        Ok(login) => store::person::by_login(v.tx, &login).await?.filter(|person| person.deactivated_at.is_none()),
        Err(_) => None,
    };
    Ok(check.field("/person", person.map(|person| person.id).ok_or_else(|| text!("person-unknown", login = login))))
}

/// A token that changes settings is for its own person to make: whoever else made it would act in
/// their name, and nobody counts what they grant themselves.
fn refuse_borrowed(v: &Verb<'_>, person: PersonId, scopes: &BTreeSet<Scope>) -> Result<()> {
    let borrowed = v.actor.person() != Some(person) && !v.access.internal;
    if borrowed && scopes.contains(&Scope::SettingsWrite) {
        return Err(Refusal::field("/scopes", text!("token-settings-of-another")).into());
    }
    Ok(())
}

/// One's own tokens, or as an administrator everybody's. A program makes tokens only with the
/// scope for it.
fn may_manage(v: &Verb<'_>, person: PersonId) -> Result<()> {
    if v.actor.person() == Some(person) && v.access.scopes.is_none() || v.access.internal {
        return Ok(());
    }
    v.access.scope(Scope::SettingsWrite)?;
    if v.access.holds_everywhere(Role::Admin) {
        Ok(())
    } else {
        Err(Refusal::forbidden(text!("refusal-token-of-another")).into())
    }
}

/// Changes what a token is for, and takes scopes away from it. What it may do more needs a new one.
/// `seen` is the title that was changed, where that is known.
///
/// # Errors
/// When a value is wrong, it is somebody else's, it works no more, or it was edited meanwhile.
pub async fn edit(v: &mut Verb<'_>, id: TokenId, seen: Option<&str>, spec: TokenEdit) -> Result<()> {
    let token = store::token::by_id(v.tx, id).await?.ok_or_else(Refusal::absent)?;
    may_manage(v, token.person_id).map_err(|_| Refusal::absent())?;
    if token.revoked_at.is_some() || token.expires_at <= v.now {
        return Err(Refusal::conflict(text!("token-works-no-more")).into());
    }
    if seen.is_some_and(|seen| seen != token.title.as_str()) {
        return Err(Refusal::stale(text!("conflict-edited-meanwhile")).into());
    }
    let mut check = Check::new();
    let title = check.field("/title", Title::parse(&spec.title));
    let scopes = parse_scopes(&mut check, &spec.scopes);
    if !scopes.is_subset(&token.scopes.0) {
        check.complain("/scopes", text!("token-scope-more"));
    }
    let title = check.all(|| title)?;
    if title == token.title && scopes == token.scopes.0 {
        return Ok(());
    }
    store::token::update(v.tx, id, &title, &scopes).await?;
    v.tx.wake(Wake::Access);
    v.record("token.edit", format!("token:{id}"), None, serde_json::json!({ "title": title, "scopes": scopes })).await
}

/// Takes a token back; requests with it are refused from now on.
///
/// # Errors
/// When it is somebody else's, or there is none.
pub async fn revoke(v: &mut Verb<'_>, id: TokenId) -> Result<()> {
    let token = store::token::by_id(v.tx, id).await?.ok_or_else(Refusal::absent)?;
    may_manage(v, token.person_id).map_err(|_| Refusal::absent())?;
    if token.revoked_at.is_some() {
        return Ok(());
    }
    store::token::revoke(v.tx, id, v.now).await?;
    v.tx.wake(Wake::Access);
    v.record("token.revoke", format!("token:{id}"), None, serde_json::json!({ "title": token.title })).await
}

/// The token `apply` wants: made when its person has no valid one with the same title.
pub(super) async fn ensure(v: &mut Verb<'_>, spec: TokenSpec) -> Result<Option<String>> {
    let mut check = Check::new();
    let person = owner(v, &mut check, spec.person.as_deref()).await?;
    let person = check.all(|| person)?;
    let now = v.now;
    let stands = store::token::list(v.tx, Some(person))
        .await?
        .into_iter()
        .any(|token| token.title.as_str() == spec.title.trim() && token.revoked_at.is_none() && token.expires_at > now);
    if stands { Ok(None) } else { create(v, spec).await.map(|(_, secret)| Some(secret)) }
}

/// Notes that a token is used, and not more than once a minute.
///
/// # Errors
/// Those of the store.
pub async fn touch(v: &mut Verb<'_>, id: TokenId) -> Result<()> {
    Ok(store::token::touch(v.tx, id, v.now).await?)
}
