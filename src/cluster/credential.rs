//! Credentials that passed the gate: what a connection to a cluster is made from.
//!
//! What lives here: the parts, and their form for sealing. What does not: the key they are sealed
//! with (`vault`), and connecting. Secret parts are wiped from memory when they go, and no `Debug`
//! form shows them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::cluster::{CredentialFacts, CredentialMethod};

/// A way into one cluster. Only the gate makes one, and [`Credential::from_plaintext`] makes it again.
pub struct Credential {
    facts: CredentialFacts,
    authorities: Vec<CertificateDer<'static>>,
    proof: Proof,
}

/// How it proves who it is; always exactly one way.
pub enum Proof {
    /// A bearer token of visible ASCII characters.
    Token(SecretString),
    /// A client certificate for TLS.
    Certificate(ClientCertificate),
}

/// A client certificate with its key, which were seen to belong together.
pub struct ClientCertificate {
    chain: Vec<CertificateDer<'static>>,
    key: SecretSlice<u8>,
}

impl Credential {
    pub(super) fn new(facts: CredentialFacts, authorities: Vec<CertificateDer<'static>>, proof: Proof) -> Self {
        Self { facts, authorities, proof }
    }

    /// What may be shown of it.
    pub fn facts(&self) -> &CredentialFacts {
        &self.facts
    }
    /// Where the API begins: `https://host:port`, and a path without a slash at its end.
    pub fn url(&self) -> String {
        self.facts.cluster.server()
    }
    /// The certificates of whom may vouch for the server; no others may. At least one.
    pub fn authorities(&self) -> &[CertificateDer<'static>] {
        &self.authorities
    }
    /// The name the server's certificate must be for, where that is not the host of the URL.
    pub fn tls_server_name(&self) -> Option<&str> {
        self.facts.cluster.tls_server_name.as_deref()
    }
    /// The namespace its context names.
    pub fn namespace(&self) -> Option<&str> {
        self.facts.namespace.as_deref()
    }
    /// How it proves who it is.
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// Everything, for sealing and nothing else.
    pub fn to_sealed_plaintext(&self) -> Zeroizing<Vec<u8>> {
        let base64 = |bytes: &[u8]| Zeroizing::new(STANDARD.encode(bytes));
        let authorities: Vec<_> = self.authorities.iter().map(|der| STANDARD.encode(der)).collect();
        let (mut token, mut chain, mut key) = (None, Vec::new(), None);
        match &self.proof {
            Proof::Token(secret) => token = Some(base64(secret.expose_secret().as_bytes())),
            Proof::Certificate(own) => {
                chain = own.chain.iter().map(|der| STANDARD.encode(der)).collect();
                key = Some(base64(own.key.expose_secret()));
            }
        }
        let stored = Stored {
            version: 1,
            facts: self.facts.clone(),
            authorities: authorities.iter().map(String::as_str).collect(),
            token: token.as_ref().map(|token| token.as_str()),
            chain: chain.iter().map(String::as_str).collect(),
            key: key.as_ref().map(|key| key.as_str()),
        };
        // Large enough from the start: a vector that grows leaves copies behind.
        let text: usize = authorities.iter().chain(&chain).map(|text| text.len() + 3).sum();
        let secret: usize = token.iter().chain(&key).map(|text| text.len()).sum();
        let mut bytes = Zeroizing::new(Vec::with_capacity(text + secret + FACTS_AND_NAMES));
        serde_json::to_writer(&mut *bytes, &stored).expect("own structs of strings and integers are JSON");
        bytes
    }

    /// The credential that [`Credential::to_sealed_plaintext`] wrote.
    ///
    /// # Errors
    /// When the bytes are of another version, or not of this kind at all.
    pub fn from_plaintext(bytes: &[u8]) -> Result<Self, NotACredential> {
        let stored: Stored<'_> = serde_json::from_slice(bytes).map_err(|_| NotACredential)?;
        let decoded = |text: &str| STANDARD.decode(text).map_err(|_| NotACredential);
        let certificates = |all: Vec<&str>| {
            all.into_iter().map(|text| decoded(text).map(CertificateDer::from)).collect::<Result<Vec<_>, _>>()
        };
        let proof = match (stored.facts.method, stored.token, stored.key) {
            (CredentialMethod::Token, Some(token), None) => {
                let token = Zeroizing::new(decoded(token)?);
                Proof::Token(SecretString::from(std::str::from_utf8(&token).map_err(|_| NotACredential)?))
            }
            (CredentialMethod::Certificate, None, Some(key)) => Proof::Certificate(ClientCertificate {
                chain: certificates(stored.chain)?,
                // A slice of its own: a vector with room to spare would be moved, and leave a copy.
                key: SecretSlice::from(Zeroizing::new(decoded(key)?).to_vec()),
            }),
            _ => return Err(NotACredential),
        };
        let authorities = certificates(stored.authorities)?;
        if stored.version != 1 || authorities.is_empty() {
            return Err(NotACredential);
        }
        Ok(Self { facts: stored.facts, authorities, proof })
    }
}

/// Room for everything that is not a certificate, a token or a key: a server, names of limited
/// length, and fingerprints, which are shorter than their certificates.
const FACTS_AND_NAMES: usize = 16 * 1024;

/// The sealed form, version 1: JSON, the binary parts in base64.
#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    version: u32,
    facts: CredentialFacts,
    #[serde(borrow)]
    authorities: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    chain: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
}

/// Bytes that are no sealed credential of a known version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a sealed credential of a known version")]
pub struct NotACredential;

impl Proof {
    /// Which way it is.
    pub fn method(&self) -> CredentialMethod {
        match self {
            Self::Token(_) => CredentialMethod::Token,
            Self::Certificate(_) => CredentialMethod::Certificate,
        }
    }
}

impl ClientCertificate {
    pub(super) fn new(chain: Vec<CertificateDer<'static>>, key: &PrivateKeyDer<'_>) -> Self {
        Self { chain, key: SecretSlice::from(key.secret_der().to_vec()) }
    }
    /// The certificate, and what leads from it to its authority.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }
    /// The private key, for the TLS library.
    ///
    /// # Errors
    /// When the bytes are no key, which the gate has seen that they are.
    pub fn key(&self) -> Result<PrivateKeyDer<'_>, NotACredential> {
        PrivateKeyDer::try_from(self.key.expose_secret()).map_err(|_| NotACredential)
    }
}

/// Shows the facts only.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("facts", &self.facts).finish_non_exhaustive()
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proof").field(&self.method()).finish()
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate").finish_non_exhaustive()
    }
}
