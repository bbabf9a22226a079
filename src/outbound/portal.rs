//! A client of a running portal, for the command line.

use reqwest::header::{HeaderValue, LOCATION};
use reqwest::{Certificate, Proxy};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::guard::{self, Address, ReadError};

/// How to reach a portal, and as whom.
#[derive(Debug)]
pub struct Settings {
    /// Where it is.
    pub address: Address,
    /// The bearer token.
    pub token: SecretString,
    /// Certificates (PEM) of the only authorities that may vouch for it.
    pub authorities: Option<Vec<u8>>,
    /// A proxy to go through.
    pub proxy: Option<String>,
}

/// Settings that make no client.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The certificates cannot be read.
    #[error("the certificates that should vouch for the portal are not in PEM form")]
    Authorities,
    /// The proxy makes no sense; it may hold a password, so it is not repeated.
    #[error("the proxy is not an address such as http://proxy.example.com:3128")]
    Proxy,
    /// The token cannot be sent.
    #[error("the token holds characters that no token has; is it the right file?")]
    Token,
    /// The TLS library refuses them all together.
    #[error("cannot prepare TLS")]
    Tls(#[source] reqwest::Error),
}

/// Why the portal did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It says no, and why.
    #[error("{}", .0.detail)]
    Refused(Box<Problem>),
    /// Its name is not known.
    #[error("{0} cannot be found: its name does not resolve")]
    Unknown(String),
    /// Nobody listens, or the way is closed.
    #[error("{0} cannot be reached; is the portal running there, and is the address right?")]
    Unreachable(String),
    /// Its certificate is not trusted.
    #[error("{0} shows a certificate that nobody trusted vouches for; give its authority with --ca-file")]
    Certificate(String),
    /// No answer in time.
    #[error("{address} gave no answer in {seconds} s; what was asked for may have been done all the same", seconds = guard::TIMEOUT.as_secs())]
    Silent {
        /// Who.
        address: String,
    },
    /// The connection ended in the middle.
    #[error("the connection to {0} broke; what was asked for may have been done all the same")]
    Broken(String),
    /// It sends one elsewhere.
    #[error("{address} sends requests on to {to}; give that address, if it is the portal's")]
    Elsewhere {
        /// Who.
        address: String,
        /// Where to.
        to: String,
    },
    /// Its answer is too large.
    #[error(
        "the answer of {0} is larger than 1 MiB and was not read; what was asked for may have been done all the same"
    )]
    TooLarge(String),
    /// Something else answers there.
    #[error("what answers at {address} is no Tidegate portal, or not one of this version (HTTP status {status})")]
    Stranger {
        /// Who.
        address: String,
        /// What it said.
        status: u16,
    },
}

/// A problem document (RFC 9457), as the portal gives it.
#[derive(Clone, Debug, Deserialize)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// The sentence.
    pub detail: String,
    /// What is wrong with which part of the input.
    #[serde(default)]
    pub errors: Vec<Complaint>,
}

/// What is wrong with one part of the input.
#[derive(Clone, Debug, Deserialize)]
pub struct Complaint {
    /// JSON pointer to it.
    pub pointer: String,
    /// The sentence.
    pub detail: String,
}

/// A client of one portal.
#[derive(Debug)]
pub struct PortalClient {
    client: reqwest::Client,
    address: Address,
    authorization: HeaderValue,
}

impl PortalClient {
    /// Puts a client together; nothing is sent yet.
    ///
    /// # Errors
    /// When a setting does not fit.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let authorities = match settings.authorities {
            Some(pem) => match Certificate::from_pem_bundle(&pem) {
                Ok(certificates) if !certificates.is_empty() => Some(certificates),
                _ => return Err(SettingsError::Authorities),
            },
            None => None,
        };
        let proxy = settings.proxy.map(Proxy::all).transpose().map_err(|_| SettingsError::Proxy)?;
        let value = HeaderValue::from_str(&format!("Bearer {}", settings.token.expose_secret()));
        let mut authorization = value.map_err(|_| SettingsError::Token)?;
        authorization.set_sensitive(true);
        let client = guard::client(authorities, proxy).map_err(SettingsError::Tls)?;
        Ok(Self { client, address: settings.address, authorization })
    }

    /// Where the portal is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Sends JSON and reads the answer.
    ///
    /// # Errors
    /// When the portal refuses, or there is no good answer.
    pub async fn post<B: Serialize + Sync, A: DeserializeOwned>(&self, path: &str, body: &B) -> Result<A, CallError> {
        let request = self.client.post(self.address.url(path)).json(body);
        let request = request.header(reqwest::header::AUTHORIZATION, self.authorization.clone());
        let answer = request.send().await.map_err(|error| self.failure(&error))?;
        let status = answer.status();
        if status.is_redirection() {
            let to = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or("somewhere else");
            let to: String = to.chars().filter(|c| !c.is_control()).take(200).collect();
            return Err(CallError::Elsewhere { address: self.address.to_string(), to });
        }
        let bytes = guard::read(answer).await.map_err(|error| match error {
            ReadError::TooLarge => CallError::TooLarge(self.address.to_string()),
            ReadError::Broken(error) => self.failure(&error),
        })?;
        let stranger = || CallError::Stranger { address: self.address.to_string(), status: status.as_u16() };
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|_| stranger());
        }
        let problem: Problem = serde_json::from_slice(&bytes).map_err(|_| stranger())?;
        Err(CallError::Refused(Box::new(problem)))
    }

    /// Tells failures apart by kind; the library's own words would repeat the whole address.
    fn failure(&self, error: &reqwest::Error) -> CallError {
        let address = self.address.to_string();
        if untrusted(error) {
            CallError::Certificate(address)
        } else if error.is_dns() {
            CallError::Unknown(address)
        } else if error.is_connect() {
            // Whatever kept the connection from being made, nothing was sent.
            CallError::Unreachable(address)
        } else if error.is_timeout() {
            CallError::Silent { address }
        } else {
            CallError::Broken(address)
        }
    }
}

/// Whether TLS failed because of who the server is.
fn untrusted(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(rustls::Error::InvalidCertificate(_)) = cause.downcast_ref::<rustls::Error>() {
            return true;
        }
        // rustls' error stands inside an io::Error, which does not name it as its source.
        let inner = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => cause.source(),
        };
    }
    false
}
