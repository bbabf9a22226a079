//! Tokens of service accounts.
//!
//! Here: making and reading them. They are JSON Web Tokens with the claims a
//! real server puts in, signed with a key of this cluster's (HS256, since nobody
//! else checks them). Not here: what a token allows (`server::rights`).

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::objects::{change::Key, kinds::SERVICE_ACCOUNTS, object, store::Desk};

const ISSUER: &str = "https://kubernetes.default.svc";

/// Makes and reads tokens with one key.
#[derive(Clone)]
pub(super) struct Tokens {
    key: [u8; 32],
}

/// Whose token it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bearer {
    pub namespace: String,
    pub name: String,
    pub uid: String,
}

impl Tokens {
    pub fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// A token of a service account for a time.
    pub fn bound(
        &self,
        account: &Value,
        audiences: &Value,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
        id: &str,
    ) -> String {
        self.sign(&json!({
            "aud": audiences,
            "exp": until.timestamp(),
            "iat": from.timestamp(),
            "nbf": from.timestamp(),
            "iss": ISSUER,
            "jti": id,
            "kubernetes.io": {
                "namespace": object::namespace(account),
                "serviceaccount": {
                    "name": object::name(account),
                    "uid": object::uid(account),
                },
            },
            "sub": subject(account),
        }))
    }

    /// The token a Secret holds: it ends with its account.
    pub fn lasting(&self, account: &Value, secret: &str) -> String {
        self.sign(&json!({
            "iss": "kubernetes/serviceaccount",
            "kubernetes.io/serviceaccount/secret.name": secret,
            "kubernetes.io": {
                "namespace": object::namespace(account),
                "serviceaccount": {
                    "name": object::name(account),
                    "uid": object::uid(account),
                },
            },
            "sub": subject(account),
        }))
    }

    /// What a token is for when its request names no audience.
    pub fn audiences() -> Value {
        json!([ISSUER])
    }

    fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": "HS256", "typ": "JWT"});
        let body = format!("{}.{}", encode(&header), encode(claims));
        let seal = BASE64_URL_SAFE_NO_PAD.encode(self.seal(&body).finalize().into_bytes());
        format!("{body}.{seal}")
    }

    fn seal(&self, body: &str) -> Hmac<Sha256> {
        // HMAC fills a short key up with zeros; doing so here leaves no error.
        let mut key = [0; 64];
        key[..32].copy_from_slice(&self.key);
        let mut seal = Hmac::<Sha256>::new(&key.into());
        seal.update(body.as_bytes());
        seal
    }

    /// Whose token this is, if it is good at this moment and its account is
    /// still the same.
    pub fn read(&self, desk: &Desk<'_>, token: &str) -> Option<Bearer> {
        let (body, seal) = token.rsplit_once('.')?;
        let seal = BASE64_URL_SAFE_NO_PAD.decode(seal).ok()?;
        self.seal(body).verify_slice(&seal).ok()?;
        let (_, claims) = body.split_once('.')?;
        let claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        if let Some(until) = claims["exp"].as_i64()
            && desk.now().timestamp() >= until
        {
            return None;
        }
        let audiences = object::list(&claims, "/aud");
        if !audiences.is_empty() && !audiences.iter().any(|audience| audience == ISSUER) {
            return None;
        }
        let part = |name: &str| -> Option<String> { Some(claims["kubernetes.io"].pointer(name)?.as_str()?.to_owned()) };
        let bearer = Bearer {
            namespace: part("/namespace")?,
            name: part("/serviceaccount/name")?,
            uid: part("/serviceaccount/uid")?,
        };
        let account = desk.get(&Key::new(&SERVICE_ACCOUNTS, &bearer.namespace, &bearer.name))?;
        (object::uid(&account) == bearer.uid).then_some(bearer)
    }
}

fn subject(account: &Value) -> String {
    format!("system:serviceaccount:{}:{}", object::namespace(account), object::name(account))
}

fn encode(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}
