//! Signing in and out, and the first setup.

use std::net::IpAddr;

use chrono::TimeDelta;

use super::{Caller, Result, Verb, Workflow};
use crate::domain::id::PersonId;
use crate::domain::name::{Login, Title};
use crate::domain::person::{Actor, Role, check_password};
use crate::domain::refusal::{Check, Refusal};
use crate::domain::time::Timestamp;
use crate::secret;
use crate::store::person::{Details, Person};
use crate::store::session::{Method, Session};
use crate::store::{self, Conn, Error as StoreError};
use crate::text;

/// Longest a session lasts, whatever happens.
pub const LONGEST: TimeDelta = TimeDelta::hours(12);
/// Longest a session lasts without being used.
pub const IDLE: TimeDelta = TimeDelta::hours(2);
/// How long the link of the first setup works.
const SETUP_VALIDITY: TimeDelta = TimeDelta::hours(24);
/// Failed sign-ins before a pause.
const PATIENCE: i64 = 5;

/// The secret of a new session.
#[derive(Debug)]
pub struct SignedIn {
    /// Goes into the cookie.
    pub secret: String,
    /// Who.
    pub person: PersonId,
}

fn refused() -> Refusal {
    // The same words whether the login is unknown, the password wrong, or the account inactive.
    Refusal::unauthenticated(text!("sign-in-refused"))
}

impl Workflow {
    /// Signs a person in by password. Hashing happens outside any transaction.
    ///
    /// # Errors
    /// The same refusal for an unknown login and a wrong password; for both a pause after five
    /// failures in a row, a minute at first and doubling up to an hour.
    pub async fn sign_in(&self, login: &str, password: String, from: Option<IpAddr>) -> Result<SignedIn> {
        let person = self.person_to_sign_in(login).await?;
        let entered = login_hash(login);
        let fits = self.proven(Caller::console(), entered, person.as_ref(), password, from).await?;
        let Some(id) = person.map(|person| person.id).filter(|_| fits) else {
            return Err(refused().into());
        };
        self.act(Caller::console(), move |v| {
            Box::pin(async move {
                store::session::forget_failures(v.tx, &entered).await?;
                begin(v, id, Method::Password, from).await
            })
        })
        .await
    }

    /// Whether this is the person's password, wherever it is asked for. Failures are counted by what
    /// was entered as login, and after too many there is a pause, whatever the password.
    pub(super) async fn proven(
        &self,
        caller: Caller,
        entered: [u8; 32],
        person: Option<&Person>,
        password: String,
        from: Option<IpAddr>,
    ) -> Result<bool> {
        let mut conn = self.store.read().await?;
        let failures = store::session::failures(&mut conn, &entered).await?;
        drop(conn);
        let now = self.clock.now();
        if let Some(until) = failures.and_then(|failures| failures.locked_until).filter(|until| *until > now) {
            return Err(Refusal::too_many(text!("sign-in-locked", until = until)).into());
        }
        let stored = person.and_then(|person| person.password_hash.clone());
        let fits = self.passwords.verify(password, stored).await.map_err(|_| StoreError::Closed)? && person.is_some();
        if !fits {
            let person = person.map(|person| person.id);
            self.act(caller, move |v| Box::pin(async move { failed(v, &entered, person, from).await })).await?;
        }
        Ok(fits)
    }

    async fn person_to_sign_in(&self, login: &str) -> Result<Option<Person>> {
        let Ok(login) = Login::parse(login) else { return Ok(None) };
        let mut conn = self.store.read().await?;
        let person = store::person::by_login(&mut conn, &login).await?;
        Ok(person.filter(|person| person.deactivated_at.is_none()))
    }

    /// Checks a signed-in person's password once more and notes that they just proved who they are.
    ///
    /// # Errors
    /// A complaint about the password field; a pause after too many failures, as when signing in.
    pub async fn confirm_password(&self, person: PersonId, session: [u8; 32], password: String) -> Result<()> {
        let mut conn = self.store.read().await?;
        let stored = store::person::by_id(&mut conn, person).await?.ok_or_else(Refusal::absent)?;
        drop(conn);
        let caller = Caller { actor: Actor::Person(person), proof: None };
        let entered = login_hash(stored.login.as_str());
        if !self.proven(caller.clone(), entered, Some(&stored), password, None).await? {
            return Err(Refusal::field("/password", text!("password-wrong")).into());
        }
        self.act(caller, move |v| {
            Box::pin(async move {
                store::session::forget_failures(v.tx, &entered).await?;
                Ok(store::session::freshen(v.tx, &session, v.now).await?)
            })
        })
        .await
    }

    /// Makes the link of the first setup, unless there are people already. Earlier ones stop working.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn setup_link(&self) -> Result<Option<String>> {
        self.act(Caller::console(), |v| {
            Box::pin(async move {
                if store::person::any(v.tx).await? {
                    return Ok(None);
                }
                store::session::revoke_links(v.tx, None).await?;
                let secret = v.workflow.random.token();
                let until = v.now.plus(SETUP_VALIDITY);
                store::session::insert_link(v.tx, &secret::fingerprint(&secret), None, v.now, until).await?;
                Ok(Some(secret))
            })
        })
        .await
    }

    /// Makes the first person, with the link of the first setup. They administer, and may request
    /// and start; signing comes from groups and is for other people to give them.
    ///
    /// # Errors
    /// When a value is wrong, or the link no longer works.
    pub async fn set_up(&self, link: String, login: String, name: String, password: String) -> Result<SignedIn> {
        let mut check = Check::new();
        let login = check.field("/login", Login::parse(&login));
        let name = check.field("/name", Title::parse(&name));
        let shown = login.as_ref().map_or("", |login| login.as_str());
        check.field("/password", check_password(&password, shown));
        let (login, name) = check.all(|| Some((login?, name?)))?;
        // Hashing is dear, and this door is open to everybody.
        let mut conn = self.store.read().await?;
        let found = store::session::find_link(&mut conn, &secret::fingerprint(&link)).await?;
        drop(conn);
        if found.is_none() {
            return Err(Refusal::conflict(text!("link-gone")).into());
        }
        let hash = self.passwords.hash(password).await.map_err(|_| StoreError::Closed)?;
        self.act(Caller::console(), move |v| {
            Box::pin(async move {
                let found = use_link(v, &link).await?;
                if found.is_some() || store::person::any(v.tx).await? {
                    return Err(Refusal::absent().into());
                }
                let details = Details { login, name, email: None, zone: None };
                let id = store::person::insert(v.tx, &details, v.now).await?;
                store::person::set_password(v.tx, id, Some(&hash)).await?;
                for role in [Role::Admin, Role::Operator, Role::Requester] {
                    store::person::add_grant(v.tx, role, (Some(id), None), None, None, v.now).await?;
                }
                v.record("person.set_up", format!("person:{id}"), None, serde_json::json!({})).await?;
                begin(v, id, Method::Password, None).await
            })
        })
        .await
    }

    /// Signs a person in by a one-time link.
    ///
    /// # Errors
    /// When the link was used, has run out, or never was.
    pub async fn sign_in_by_link(&self, link: String, from: Option<IpAddr>) -> Result<SignedIn> {
        self.act(Caller::console(), move |v| {
            Box::pin(async move {
                let person = use_link(v, &link).await?.ok_or_else(Refusal::absent)?;
                begin(v, person, Method::Link, from).await
            })
        })
        .await
    }
}

/// Uses a link up; gives whom it signs in, nobody for the first setup.
async fn use_link(v: &mut Verb<'_>, secret: &str) -> Result<Option<PersonId>> {
    let hash = secret::fingerprint(secret);
    let gone = || Refusal::conflict(text!("link-gone"));
    let link = store::session::find_link(v.tx, &hash).await?.ok_or_else(gone)?;
    if link.used_at.is_some() || link.expires_at <= v.now {
        return Err(gone().into());
    }
    store::session::use_link(v.tx, &hash, v.now).await?;
    Ok(link.person_id)
}

async fn begin(v: &mut Verb<'_>, person: PersonId, method: Method, from: Option<IpAddr>) -> Result<SignedIn> {
    let stored = store::person::by_id(v.tx, person).await?.filter(|person| person.deactivated_at.is_none());
    let stored = stored.ok_or_else(refused)?;
    // Whoever made a link could use it too: it stands in for a password only where there is none.
    let fresh = method != Method::Link || stored.password_hash.is_none();
    let secret = v.workflow.random.token();
    let session = Session {
        person_id: person,
        method,
        created_at: v.now,
        seen_at: v.now,
        fresh_at: if fresh { v.now } else { Timestamp::EPOCH },
        expires_at: v.now.plus(LONGEST),
    };
    store::session::insert(v.tx, &secret::fingerprint(&secret), &session).await?;
    v.actor = Actor::Person(person);
    v.record(
        "person.sign_in",
        format!("person:{person}"),
        None,
        serde_json::json!({ "method": method.as_str(), "from": from }),
    )
    .await?;
    Ok(SignedIn { secret, person })
}

/// Until when a login takes no password, after too many failures.
pub async fn locked_until(conn: &mut Conn, login: &Login) -> Result<Option<Timestamp>> {
    let failures = store::session::failures(conn, &login_hash(login.as_str())).await?;
    Ok(failures.and_then(|failures| failures.locked_until))
}

/// Names what was entered as login, as far as two spellings are one login.
pub(super) fn login_hash(login: &str) -> [u8; 32] {
    Login::parse(login).map_or_else(|_| secret::fingerprint(login), |login| secret::fingerprint(login.as_str()))
}

/// Counts a failure, whether there is such a person or not. In the audit log stand those of people.
async fn failed(v: &mut Verb<'_>, login: &[u8], person: Option<PersonId>, from: Option<IpAddr>) -> Result<()> {
    let failures = store::session::failures(v.tx, login).await?.map_or(0, |before| before.failures) + 1;
    let until = (failures >= PATIENCE).then(|| {
        let minutes = 1_i64 << (failures - PATIENCE).min(6);
        v.now.plus(TimeDelta::minutes(minutes.min(60)))
    });
    store::session::set_failures(v.tx, login, failures, until, v.now).await?;
    let Some(person) = person else { return Ok(()) };
    let facts = serde_json::json!({ "failures": failures, "locked_until": until, "from": from });
    v.record("person.sign_in_failed", format!("person:{person}"), None, facts).await
}

/// Ends a session.
///
/// # Errors
/// Those of the store.
pub async fn sign_out(v: &mut Verb<'_>, session: [u8; 32]) -> Result<()> {
    store::session::delete(v.tx, &session).await?;
    let person = v.person()?;
    v.record("person.sign_out", format!("person:{person}"), None, serde_json::json!({})).await
}

/// Notes that a session is used, and not more than once a minute.
///
/// # Errors
/// Those of the store.
pub async fn touch(v: &mut Verb<'_>, session: [u8; 32]) -> Result<()> {
    Ok(store::session::touch(v.tx, &session, v.now).await?)
}

/// How long failed sign-ins are remembered.
const MEMORY: TimeDelta = TimeDelta::hours(24);

/// Forgets sessions, links, failed sign-ins and answers that have ended.
///
/// # Errors
/// Those of the store.
pub async fn tidy(v: &mut Verb<'_>) -> Result<()> {
    store::session::prune(v.tx, v.now, v.now.minus(IDLE)).await?;
    store::session::prune_failures(v.tx, v.now.minus(MEMORY)).await?;
    store::token::prune_answers(v.tx, v.now.minus(super::ANSWERS)).await?;
    Ok(())
}
