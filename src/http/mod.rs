//! DOORS. Only here is actix. A handler is: who, parse, verb, answer. Every route stands in
//! [`routes`]; who is at the door is proved by the extractors in [`guard`]; what they may do is
//! asked in the verb.
//!
//! [`api`] is for programs, [`pages`] for people, [`events`] for both. To add a door: a handler in
//! the file of its stage, a line in [`routes`], a line in `tests/it/doors`.

pub mod api;
pub mod assets;
pub mod body;
pub mod error;
pub mod events;
pub mod form;
pub mod guard;
pub mod headers;
mod health;
pub mod pages;
pub mod routes;
pub mod session;
pub mod shell;
pub mod when;

use std::net::{IpAddr, TcpListener};
use std::path::Path;

use actix_web::dev::{Server, Service as _};
use actix_web::middleware::Compress;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use tokio::sync::watch;

use self::session::Cookies;
use crate::config::PublicUrl;
use crate::domain::refusal::Refusal;
use crate::workflow::Workflow;

/// What every handler needs.
pub struct Doors {
    /// The verbs.
    pub workflow: Workflow,
    /// Where people reach the portal.
    pub public_url: PublicUrl,
    /// Its cookies.
    pub cookies: Cookies,
    /// Proxies whose word about an address counts.
    trusted_proxies: Vec<IpAddr>,
    closing: watch::Receiver<bool>,
}

impl Doors {
    /// Puts them together. Streams end when `closing` says so.
    pub fn new(
        workflow: Workflow,
        public_url: PublicUrl,
        trusted_proxies: Vec<IpAddr>,
        closing: watch::Receiver<bool>,
    ) -> Self {
        let cookies = Cookies::of(&public_url);
        Self { workflow, public_url, cookies, trusted_proxies, closing }
    }

    /// Where a request comes from: the peer, or behind trusted proxies the nearest address in
    /// `X-Forwarded-For` that is not one of them. What anybody else writes there says nothing.
    pub fn address(&self, request: &HttpRequest) -> Option<IpAddr> {
        let mut nearest = request.peer_addr()?.ip();
        let forwarded = request.headers().get_all("x-forwarded-for").filter_map(|value| value.to_str().ok());
        let named: Vec<&str> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
        for name in named.into_iter().rev() {
            if !self.trusted_proxies.contains(&nearest) {
                break;
            }
            match name.parse() {
                Ok(address) => nearest = address,
                Err(_) => break,
            }
        }
        Some(nearest)
    }

    /// Chance, for what is handed to somebody who is nobody yet.
    pub fn random(&self) -> crate::random::Random {
        self.workflow.random
    }

    /// Returns once the portal is closing.
    pub async fn closing(&self) {
        let mut closing = self.closing.clone();
        let _ = closing.wait_for(|closing| *closing).await;
    }
}

/// A certificate that cannot be used to serve TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    File {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// Certificate and key do not make a server.
    #[error("certificate and key cannot be used")]
    Unfit(#[from] rustls::Error),
}

/// Opens the doors on a listener. Two workers are enough for people; the work is done elsewhere.
///
/// # Errors
/// When the listener or the certificate cannot be used.
pub fn serve(
    doors: web::Data<Doors>,
    listener: TcpListener,
    tls: Option<(&Path, &Path)>,
) -> Result<Server, Box<dyn std::error::Error + Send + Sync>> {
    let server = HttpServer::new(move || {
        let url = doors.public_url.clone();
        App::new()
            .app_data(doors.clone())
            // What is wrapped last is outermost: the headers stand on the compressor's answers too.
            .wrap(Compress::default())
            .wrap_fn(move |request, service| {
                let (url, answer) = (url.clone(), service.call(request));
                async move {
                    let mut response = answer.await?;
                    headers::secure(response.headers_mut(), &url);
                    Ok(response)
                }
            })
            .configure(routes::configure)
            .default_service(web::to(nowhere))
    })
    .workers(2)
    .disable_signals()
    .shutdown_timeout(5);
    let server = match tls {
        Some((certificate, key)) => server.listen_rustls_0_23(listener, tls_config(certificate, key)?)?,
        None => server.listen(listener)?,
    };
    Ok(server.run())
}

fn tls_config(certificate: &Path, key: &Path) -> Result<rustls::ServerConfig, TlsError> {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let file = |path: &Path, source| TlsError::File { path: path.display().to_string(), source };
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(certificate).map_err(|source| file(certificate, source))?.collect();
    let chain = chain.map_err(|source| file(certificate, source))?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|source| file(key, source))?;
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_no_client_auth().with_single_cert(chain, secret)?)
}

/// No such door; or one that is asked otherwise.
async fn nowhere(request: HttpRequest) -> HttpResponse {
    let methods: Vec<&str> = routes::DOORS
        .iter()
        .filter(|door| actix_web::dev::ResourceDef::new(door.path).is_match(request.path()))
        .map(|door| door.method)
        .collect();
    match (methods.is_empty(), error::is_program(&request)) {
        (true, _) => error::told(&request, Refusal::absent()).error_response(),
        (false, true) => error::other_method(&methods),
        (false, false) => pages::other_method(&methods),
    }
}
