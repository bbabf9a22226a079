//! What people do with their own account.

use super::person::optional;
use super::session::login_hash;
use super::{Caller, Result, Verb, Workflow};
use crate::domain::id::PersonId;
use crate::domain::person::{Actor, check_password};
use crate::domain::refusal::Refusal;
use crate::domain::time::Zone;
use crate::store::{self, Error as StoreError};
use crate::text;

impl Workflow {
    /// Changes one's password: the present one is asked for, where there is one, and every other
    /// session ends.
    ///
    /// # Errors
    /// Complaints about either field; a pause after too many failures, as when signing in.
    pub async fn change_password(
        &self,
        person: PersonId,
        session: [u8; 32],
        present: String,
        new: String,
    ) -> Result<()> {
        let mut conn = self.store.read().await?;
        let stored = store::person::by_id(&mut conn, person).await?.ok_or_else(Refusal::absent)?;
        drop(conn);
        let caller = Caller { actor: Actor::Person(person), proof: None };
        let entered = login_hash(stored.login.as_str());
        if stored.password_hash.is_some() && !self.proven(caller.clone(), entered, Some(&stored), present, None).await?
        {
            return Err(Refusal::field("/present", text!("password-wrong")).into());
        }
        check_password(&new, stored.login.as_str()).map_err(|text| Refusal::field("/password", text))?;
        let hash = self.passwords.hash(new).await.map_err(|_| StoreError::Closed)?;
        self.act(caller, move |v| {
            Box::pin(async move {
                store::session::forget_failures(v.tx, &entered).await?;
                store::person::set_password(v.tx, person, Some(&hash)).await?;
                store::session::freshen(v.tx, &session, v.now).await?;
                let ended = store::session::delete_of(v.tx, person, Some(&session)).await?;
                let facts = serde_json::json!({ "sessions_ended": ended });
                v.record("person.password", format!("person:{person}"), None, facts).await
            })
        })
        .await
    }
}

/// Sets the zone one reads times in; empty means the portal's.
///
/// # Errors
/// When there is no such zone.
pub async fn set_zone(v: &mut Verb<'_>, zone: Option<String>) -> Result<()> {
    let person = v.person()?;
    let zone = optional(zone.as_deref(), Zone::parse).map_err(|text| Refusal::field("/zone", text))?;
    store::person::set_zone(v.tx, person, zone).await?;
    v.record("person.zone", format!("person:{person}"), None, serde_json::json!({ "zone": zone })).await
}
