//! VERBS. What the portal can do, whichever door it is asked at: load, ask the domain, save with
//! the audit entry, in one transaction. No network in here, no HTTP, no HTML.
//!
//! A verb is an `async fn` of a [`Verb`], the context that [`Workflow::act`] makes inside a write
//! transaction: who acts, what they may, what time it is. It checks permission itself, below every
//! door. To add one: a function in the file of its stage that ends in [`Verb::record`].

pub mod account;
pub mod apply;
pub mod cluster;
pub mod deployment;
pub mod environment;
pub mod group;
pub mod image;
pub mod person;
pub mod release;
pub mod service;
pub mod session;
pub mod signoff;
mod spec;
pub use spec::Save;
pub mod token;
pub mod window;

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::clock::Clock;
use crate::domain::id::{PersonId, ReleaseNumber};
use crate::domain::person::{Access, Actor};
use crate::domain::refusal::Refusal;
use crate::domain::time::{Timestamp, Zone};
use crate::random::Random;
use crate::secret::Passwords;
pub use crate::store::session::Method;
use crate::store::{self, Store, Tx, audit};
use crate::text;
use crate::vault::Sealer;

/// Why a verb did nothing.
#[derive(Debug)]
pub enum Error {
    /// The rules say no; in words for the person.
    Refused(Box<Refusal>),
    /// The store failed; for the log.
    Store(store::Error),
    /// Only the difference was wanted; everything was rolled back.
    DryRun(Box<crate::protocol::ApplyAnswer>),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            // Somebody else was faster: the person sees the newer truth and decides again.
            store::Error::LostRace { .. } => Refusal::stale(text!("refusal-lost-race")).into(),
            error => Self::Store(error),
        }
    }
}

/// What verbs give.
pub type Result<T> = std::result::Result<T, Error>;

/// Who asks, and how they proved who they are.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// A person in a browser: how and when they last proved it.
    pub proof: Option<(Method, Timestamp)>,
}

impl Caller {
    /// The portal's own background work.
    pub fn runner() -> Self {
        Self { actor: Actor::Runner, proof: None }
    }
    /// Somebody with a shell on the server, or the first setup.
    pub fn console() -> Self {
        Self { actor: Actor::Console, proof: None }
    }
}

/// Names a request that may come twice: the answer to the first is given to the second.
#[derive(Clone, Debug)]
pub struct Once {
    /// The door.
    pub route: &'static str,
    /// What the caller calls it.
    pub key: String,
    /// Hash of what came with it.
    pub body_hash: [u8; 32],
}

/// How long the answer to an idempotency key is repeated.
const ANSWERS: TimeDelta = TimeDelta::hours(24);

/// How long a fresh sign-in counts as one.
pub const FRESH: TimeDelta = TimeDelta::minutes(15);

/// Everything verbs need besides the transaction.
#[derive(Clone)]
pub struct Workflow {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) sealer: Sealer,
    pub(crate) passwords: Passwords,
    pub(crate) settings: Settings,
}

/// Settings that rules look at.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Zone of people who have not set one.
    pub zone: Zone,
    /// Whether clusters may be on loopback and link-local addresses.
    pub allow_local_clusters: bool,
}

/// A verb's context: one write transaction by one actor at one instant.
pub struct Verb<'t> {
    /// The transaction.
    pub tx: &'t mut Tx,
    /// The instant.
    pub now: Timestamp,
    /// Who acts.
    pub actor: Actor,
    /// How a person in a browser proved it.
    pub proof: Option<(Method, Timestamp)>,
    /// What they may.
    pub access: Access,
    /// Everything else.
    pub workflow: &'t Workflow,
}

impl Workflow {
    /// Puts the verbs together.
    pub fn new(store: Store, clock: Clock, random: Random, sealer: Sealer, settings: Settings) -> Self {
        Self { store, clock, random, sealer, passwords: Passwords::new(), settings }
    }

    /// The store, for reading.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Settings that rules look at.
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// Runs a verb in a write transaction.
    ///
    /// # Errors
    /// Those of the verb.
    pub async fn act<T, F>(&self, caller: Caller, verb: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'v, 't> FnOnce(&'v mut Verb<'t>) -> BoxFuture<'v, Result<T>> + Send + 'static,
    {
        let workflow = self.clone();
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    let mut context = Verb::begin(tx, &workflow, caller).await?;
                    verb(&mut context).await
                })
            })
            .await
    }

    /// Runs a verb once: a repetition with the same key gets the first answer again, in the same
    /// transaction that would have done it, so that two at the same time cannot both do it.
    ///
    /// # Errors
    /// Those of the verb, and a refusal when the key came with something else before.
    pub async fn act_once<T, F>(&self, caller: Caller, once: Option<Once>, verb: F) -> Result<T>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: for<'v, 't> FnOnce(&'v mut Verb<'t>) -> BoxFuture<'v, Result<T>> + Send + 'static,
    {
        let Some((once, token)) = once.zip(caller.actor.token()) else { return self.act(caller, verb).await };
        self.act(caller, move |v| {
            Box::pin(async move {
                let since = v.now.minus(ANSWERS);
                store::token::prune_answers(v.tx, since).await?;
                if let Some((hash, answer)) = store::token::answered(v.tx, token, once.route, &once.key).await? {
                    if hash != once.body_hash {
                        return Err(Refusal::field("/idempotency-key", text!("idempotency-other-body")).into());
                    }
                    return serde_json::from_str(&answer)
                        .map_err(|_| store::Error::Corrupt { what: "idempotent answer" }.into());
                }
                let value = verb(v).await?;
                let answer =
                    serde_json::to_string(&value).map_err(|_| store::Error::Corrupt { what: "idempotent answer" })?;
                let now = v.now;
                store::token::keep_answer(v.tx, token, once.route, &once.key, &once.body_hash, &answer, now).await?;
                Ok(value)
            })
        })
        .await
    }
}

impl<'t> Verb<'t> {
    async fn begin(tx: &'t mut Tx, workflow: &'t Workflow, caller: Caller) -> Result<Self> {
        let access = match &caller.actor {
            Actor::Runner | Actor::Console => Access::internal(),
            Actor::Person(person) => person_access(tx, *person).await?,
            Actor::Token { person, scopes, .. } => {
                Access { scopes: Some(scopes.clone()), ..person_access(tx, *person).await? }
            }
        };
        Ok(Self { tx, now: workflow.clock.now(), actor: caller.actor, proof: caller.proof, access, workflow })
    }

    /// The person who acts.
    ///
    /// # Errors
    /// *Forbidden* when it is none.
    pub fn person(&self) -> Result<PersonId> {
        self.actor.person().ok_or_else(|| Refusal::forbidden(text!("refusal-needs-person")).into())
    }

    /// A person in a browser, not a program with their token.
    ///
    /// # Errors
    /// *Forbidden* for a program.
    pub fn person_in_browser(&self) -> Result<PersonId> {
        match &self.actor {
            Actor::Person(person) => Ok(*person),
            _ => Err(Refusal::forbidden(text!("refusal-needs-session")).into()),
        }
    }

    /// A person in a browser, or the portal itself (the demo, the console).
    ///
    /// # Errors
    /// *Forbidden* for a program; a complaint when the sign-in is too long ago.
    pub fn person_in_browser_or_internal(&self) -> Result<()> {
        if self.access.internal {
            return Ok(());
        }
        self.person_in_browser()?;
        self.fresh()
    }

    /// Demands that the person proved who they are a short while ago.
    ///
    /// # Errors
    /// A complaint about the password field, where a form can ask for it.
    pub fn fresh(&self) -> Result<()> {
        match self.proof {
            Some((_, at)) if self.now.since(at) <= FRESH => Ok(()),
            _ => Err(Refusal::field("/password", text!("refusal-not-fresh")).into()),
        }
    }

    /// Writes the audit entry of what is done, in the same transaction (rule 21).
    pub async fn record(
        &mut self,
        verb: &str,
        subject: impl std::fmt::Display,
        release: Option<ReleaseNumber>,
        facts: Value,
    ) -> Result<()> {
        let entry = audit::NewEntry {
            actor: &self.actor.label(),
            person: self.actor.person(),
            verb,
            subject: &subject.to_string(),
            release,
            facts: &facts,
        };
        Ok(audit::append(self.tx, &entry, self.now).await?)
    }
}

async fn person_access(tx: &mut Tx, id: PersonId) -> Result<Access> {
    let active = store::person::by_id(tx, id).await?.is_some_and(|person| person.deactivated_at.is_none());
    if !active {
        return Err(Refusal::unauthenticated(text!("refusal-deactivated")).into());
    }
    Ok(store::person::access(tx, id).await?)
}
