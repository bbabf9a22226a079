//! Who is at the door. Extractors prove it: a handler that takes a [`Client`] has a person's
//! session or token before it runs, one that takes a [`Visitor`] a person's session. What they may
//! do is asked in the verb, below every door.

use std::future::{Ready, ready};
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::{Method, header};
use actix_web::{FromRequest, HttpRequest, web};
use sha2::{Digest as _, Sha256};

use super::Doors;
use super::error::{Failed, Problem};
use super::session::{csrf_fits, csrf_token};
use crate::domain::person::{Access, Actor};
use crate::domain::refusal::Refusal;
use crate::secret;
use crate::store::person::Person;
use crate::store::{self, Conn};
use crate::text;
use crate::workflow::session::{IDLE, touch};
use crate::workflow::{Caller, Once};

/// Longest idempotency key, in bytes.
const LONGEST_KEY: usize = 255;

/// A person, by session or by token.
#[derive(Clone, Debug)]
pub struct Who {
    /// Who acts, and how they proved it.
    pub caller: Caller,
    /// The person.
    pub person: Person,
    /// What they may look at.
    pub access: Access,
    /// Their session, when they are in a browser.
    pub session: Option<SessionRef>,
}

/// A session that is in use.
#[derive(Clone, Debug)]
pub struct SessionRef {
    /// Hash of its secret.
    pub hash: [u8; 32],
    /// The token its forms carry.
    pub csrf: String,
}

/// A person in front of a page. Nobody signed in is sent to sign in.
pub struct Visitor(pub Who);

/// A person or a program at the API.
pub struct Client(pub Who);

impl Who {
    /// The person of a request's session, if there is one that is good.
    async fn by_session(doors: &Doors, request: &HttpRequest, extend: bool) -> Result<Option<Self>, Failed> {
        let Some(secret) = doors.cookies.session_secret(request) else { return Ok(None) };
        let hash = secret::fingerprint(&secret);
        let now = doors.workflow.clock().now();
        let mut conn = doors.workflow.store().read().await?;
        let Some(session) = store::session::find(&mut conn, &hash).await? else { return Ok(None) };
        if session.expires_at <= now || now.since(session.seen_at) > IDLE {
            return Ok(None);
        }
        let Some((person, access)) = active(&mut conn, session.person_id).await? else { return Ok(None) };
        drop(conn);
        if extend && now.since(session.seen_at) >= chrono::TimeDelta::minutes(1) {
            doors.workflow.act(Caller::console(), move |v| Box::pin(touch(v, hash))).await?;
        }
        let caller = Caller { actor: Actor::Person(person.id), proof: Some((session.method, session.fresh_at)) };
        Ok(Some(Self { caller, person, access, session: Some(SessionRef { hash, csrf: csrf_token(&secret) }) }))
    }

    /// The person of a request's bearer token.
    async fn by_token(doors: &Doors, token: &str) -> Result<Self, Failed> {
        let refused = || Refusal::unauthenticated(text!("token-refused"));
        let now = doors.workflow.clock().now();
        let mut conn = doors.workflow.store().read().await?;
        let found = store::token::by_hash(&mut conn, &secret::fingerprint(token)).await?.ok_or_else(refused)?;
        if found.revoked_at.is_some() {
            return Err(refused().into());
        }
        if found.expires_at <= now {
            return Err(Refusal::unauthenticated(text!("token-expired", at = found.expires_at)).into());
        }
        let (person, access) = active(&mut conn, found.person_id).await?.ok_or_else(refused)?;
        drop(conn);
        if found.used_at.is_none_or(|at| now.since(at) >= chrono::TimeDelta::minutes(1)) {
            let id = found.id;
            doors.workflow.act(Caller::console(), move |v| Box::pin(crate::workflow::token::touch(v, id))).await?;
        }
        let scopes = found.scopes.0;
        let access = Access { scopes: Some(scopes.clone()), ..access };
        let actor = Actor::Token { token: found.id, person: person.id, scopes };
        Ok(Self { caller: Caller { actor, proof: None }, person, access, session: None })
    }

    /// Whether this is still a good session of an active person; open streams ask it.
    pub async fn still(&self, doors: &Doors) -> Result<Option<Access>, Failed> {
        let mut conn = doors.workflow.store().read().await?;
        if let Some(session) = &self.session {
            let found = store::session::find(&mut conn, &session.hash).await?;
            if found.is_none_or(|found| found.expires_at <= doors.workflow.clock().now()) {
                return Ok(None);
            }
        }
        if let Some(id) = self.caller.actor.token() {
            let now = doors.workflow.clock().now();
            let found = store::token::by_id(&mut conn, id).await?;
            if found.is_none_or(|found| found.revoked_at.is_some() || found.expires_at <= now) {
                return Ok(None);
            }
        }
        Ok(active(&mut conn, self.person.id).await?.map(|(_, access)| access))
    }
}

async fn active(conn: &mut Conn, id: crate::domain::id::PersonId) -> Result<Option<(Person, Access)>, Failed> {
    let person = store::person::by_id(conn, id).await?.filter(|person| person.deactivated_at.is_none());
    let Some(person) = person else { return Ok(None) };
    let access = store::person::access(conn, id).await?;
    Ok(Some((person, access)))
}

/// Whether a method changes something.
pub fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Refuses requests that another site made a browser send.
///
/// # Errors
/// *Forbidden* when the headers say so.
pub fn same_site(doors: &Doors, request: &HttpRequest) -> Result<(), Refusal> {
    let value = |name: header::HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let site = value(header::HeaderName::from_static("sec-fetch-site"));
    let foreign_site = site.is_some_and(|site| !matches!(site, "same-origin" | "none"));
    let foreign_origin = value(header::ORIGIN).is_some_and(|origin| origin != doors.public_url.origin());
    if foreign_site || foreign_origin { Err(Refusal::forbidden(text!("refusal-foreign-origin"))) } else { Ok(()) }
}

impl FromRequest for Client {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let doors = Doors::of(&request);
            if let Some(value) = request.headers().get(header::AUTHORIZATION) {
                let token = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
                let token = token.ok_or_else(|| Refusal::unauthenticated(text!("token-refused")))?;
                let who = Who::by_token(&doors, token.trim()).await?;
                if !changes(request.method()) && request.path() != "/api/v1/session" {
                    who.access.read()?;
                }
                return Ok(Self(who));
            }
            let extend = !request.path().ends_with("/events");
            let who = Who::by_session(&doors, &request, extend).await?;
            let who = who.ok_or_else(|| Refusal::unauthenticated(text!("api-nobody")))?;
            if changes(request.method()) {
                same_site(&doors, &request)?;
                let token = request.headers().get("x-csrf-token").and_then(|value| value.to_str().ok());
                let secret = doors.cookies.session_secret(&request).unwrap_or_default();
                if !token.is_some_and(|token| csrf_fits(&secret, token)) {
                    return Err(Refusal::forbidden(text!("refusal-csrf")).into());
                }
            }
            Ok(Self(who))
        })
    }
}

impl Visitor {
    /// The person of a request's session, if there is one that is good.
    pub(super) async fn of(doors: &Doors, request: &HttpRequest) -> Result<Option<Who>, Failed> {
        Who::by_session(doors, request, true).await
    }
}

/// An `Idempotency-Key`, if the request has one.
pub struct Key {
    key: Option<String>,
    /// Where the request went: the same key is another request at another path.
    path: String,
}

impl FromRequest for Key {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let path = request.path().to_owned();
        let Some(value) = request.headers().get("idempotency-key") else { return ready(Ok(Self { key: None, path })) };
        let key = value.to_str().ok().filter(|key| !key.is_empty() && key.len() <= LONGEST_KEY);
        ready(match key {
            Some(key) => Ok(Self { key: Some(key.to_owned()), path }),
            None => Err(Refusal::field("/idempotency-key", text!("idempotency-key-unfit")).into()),
        })
    }
}

impl Key {
    /// Names the request at a door, with where exactly it went and what came with it.
    pub fn once(self, route: &'static str, body_hash: [u8; 32]) -> Option<Once> {
        let Self { key, path } = self;
        let body_hash = Sha256::new().chain_update(body_hash).chain_update(path).finalize().into();
        key.map(|key| Once { route, key, body_hash })
    }
}

impl Doors {
    /// The portal behind a request.
    pub fn of(request: &HttpRequest) -> web::Data<Self> {
        request.app_data::<web::Data<Self>>().expect("every app is made with its doors").clone()
    }
}
