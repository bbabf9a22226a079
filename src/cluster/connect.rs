//! A connection to a cluster, made from a credential that passed the gate, under the portal's own
//! client profile: nothing is retried behind the job's back, nothing waits for ever, no answer is
//! larger than the job can hold, and the address behind a name is judged before it is dialled.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::Limited;
use hyper_rustls::{FixedServerNameResolver, HttpsConnectorBuilder};
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioExecutor;
use kube::client::Body;
use rustls::pki_types::ServerName;
use secrecy::ExposeSecret as _;
use tower::{Service, ServiceBuilder, ServiceExt as _};

use super::credential::{Credential, Proof};
use super::error::Failure;
use crate::domain::address::AddressAllowance;
use crate::domain::text::Text;
use crate::text;

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest silence of a connection that is waited on.
const READ: Duration = Duration::from_secs(30);
/// Longest wait for the answer to one call.
const CALL: Duration = Duration::from_secs(20);
/// Largest answer to one call, in bytes.
const ANSWER: usize = 8 * 1024 * 1024;
/// Most bytes of one watch before it is begun anew.
const WATCH: usize = 64 * 1024 * 1024;

/// A connection to one cluster.
#[derive(Clone)]
pub struct Connection {
    client: kube::Client,
    fingerprint: String,
}

impl Connection {
    /// Puts a connection together; nothing is dialled yet.
    ///
    /// # Errors
    /// When the credential's parts do not make one.
    pub fn new(credential: &Credential, allowance: AddressAllowance) -> Result<Self, Failure> {
        let broken = || Failure::Unreachable(text!("failure-credential"));
        // An address in the place of a name is dialled without asking anybody. It was judged when
        // the credential came in, but what the operator allows may have changed since.
        if let Ok(address) = credential.facts().cluster.host.parse::<IpAddr>() {
            allowance.judge(address).map_err(Failure::Unreachable)?;
        }
        let mut http = HttpConnector::new_with_resolver(Checked(allowance));
        http.enforce_http(false);
        http.set_connect_timeout(Some(CONNECT));
        http.set_nodelay(true);
        let mut https = HttpsConnectorBuilder::new().with_tls_config(tls(credential).ok_or_else(broken)?).https_only();
        if let Some(name) = credential.tls_server_name() {
            let name = ServerName::try_from(name.to_owned()).map_err(|_| broken())?;
            https = https.with_server_name_resolver(FixedServerNameResolver::new(name));
        }
        let mut connector = TimeoutConnector::new(https.enable_http1().wrap_connector(http));
        connector.set_connect_timeout(Some(CONNECT * 2));
        connector.set_read_timeout(Some(READ));
        connector.set_write_timeout(Some(READ));
        connector.set_reset_reader_on_write(true);
        let client = hyper_util::client::legacy::Builder::new(TokioExecutor::new()).build::<_, Body>(connector);

        let base: Uri = credential.url().parse().map_err(|_| broken())?;
        let authorization = match credential.proof() {
            Proof::Token(token) => {
                let value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()));
                let mut value = value.map_err(|_| broken())?;
                value.set_sensitive(true);
                Some(value)
            }
            Proof::Certificate(_) => None,
        };
        let prepare = move |mut request: Request<Body>| {
            if let Some(uri) = based(&base, request.uri()) {
                *request.uri_mut() = uri;
            }
            if let Some(value) = &authorization {
                request.headers_mut().insert(AUTHORIZATION, value.clone());
            }
            request
        };
        let service = ServiceBuilder::new().map_request(prepare).service(client);
        let limited = tower::service_fn(move |request: Request<Body>| {
            let watch = request.uri().query().is_some_and(|query| query.split('&').any(|part| part == "watch=true"));
            let limit = if watch { WATCH } else { ANSWER };
            let service = service.clone();
            async move {
                let response: Response<_> = service.oneshot(request).await?;
                Ok::<_, tower::BoxError>(response.map(|body| Limited::new(body, limit)))
            }
        });
        let namespace = credential.namespace().unwrap_or("default");
        Ok(Self { client: kube::Client::new(limited, namespace), fingerprint: credential.facts().cluster.digest() })
    }

    /// For this room alone.
    pub(super) fn client(&self) -> kube::Client {
        self.client.clone()
    }

    /// Digest of the fingerprint of the cluster it leads to.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

/// One call, with an end.
pub(super) async fn call<T>(future: impl Future<Output = kube::Result<T>>) -> Result<T, Failure> {
    match tokio::time::timeout(CALL, future).await {
        Ok(result) => result.map_err(Failure::from),
        Err(_) => Err(Failure::Unreachable(text!("failure-timeout"))),
    }
}

/// The request's path behind the cluster's own base.
fn based(base: &Uri, request: &Uri) -> Option<Uri> {
    let path = request.path_and_query().map_or("/", PathAndQuery::as_str);
    let prefix = base.path().trim_end_matches('/');
    let authority: Authority = base.authority()?.clone();
    Uri::builder().scheme(Scheme::HTTPS).authority(authority).path_and_query(format!("{prefix}{path}")).build().ok()
}

fn tls(credential: &Credential) -> Option<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    for authority in credential.authorities() {
        roots.add(authority.clone()).ok()?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    let builder = builder.with_root_certificates(roots);
    match credential.proof() {
        Proof::Token(_) => Some(builder.with_no_client_auth()),
        Proof::Certificate(own) => {
            let key = own.key().ok()?.clone_key();
            builder.with_client_auth_cert(own.chain().to_vec(), key).ok()
        }
    }
}

/// An address that a cluster must not have.
#[derive(Debug, thiserror::Error)]
#[error("an address that is not allowed")]
pub(super) struct AddressRefused(pub Text);

/// Resolves names and lets only judged addresses through. What is dialled is what was judged:
/// nobody resolves the name a second time for this connection.
#[derive(Clone)]
struct Checked(AddressAllowance);

impl Service<Name> for Checked {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let allowance = self.0;
        Box::pin(async move {
            let lookup = move || (name.as_str(), 0).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
            let found = tokio::task::spawn_blocking(lookup).await.map_err(std::io::Error::other)??;
            for address in &found {
                allowance.judge(address.ip()).map_err(|text| std::io::Error::other(AddressRefused(text)))?;
            }
            Ok(found.into_iter())
        })
    }
}
