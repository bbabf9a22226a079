//! The composition root: opens store and vault, puts verbs, runner and doors together, and ends
//! them in order. Nothing else in the crate reaches for any of these; they are handed in from here.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web;
use secrecy::ExposeSecret as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::config::{Config, KeyRingSource, PublicUrl};
use crate::domain::address::AddressAllowance;
use crate::http::{self, Doors};
use crate::random::Random;
use crate::runner::Runner;
use crate::store::{self, Store};
use crate::vault::{self, KeyRing, KeyRingError, Opener};
use crate::wake::Wakes;
use crate::workflow::cluster::{forget_sealed, place};
use crate::workflow::{self, Caller, Settings, Workflow};

/// Why the portal does not start, in words for whoever starts it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database.
    #[error(transparent)]
    Store(#[from] store::OpenError),
    /// The database, once it was open.
    #[error("the database cannot be read")]
    Read(#[from] store::Error),
    /// The key ring.
    #[error(transparent)]
    KeyRing(#[from] KeyRingError),
    /// There are sealed credentials and no key ring.
    #[error(
        "the database holds sealed credentials and there is no key ring at {0}; put the backup of the key ring there, \
         or start once with --forget-sealed to drop the credentials and keep everything else"
    )]
    NoKeyRing(String),
    /// The key ring is another one.
    #[error(
        "the key ring does not open the credentials in the database: it is not the one they were sealed with; \
         put the right one in its place, or start once with --forget-sealed to drop the credentials"
    )]
    WrongKeyRing,
    /// The address is taken.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// The doors.
    #[error("cannot serve")]
    Serve(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Something was refused that must not be.
    #[error("cannot prepare the database")]
    Prepare,
}

impl From<workflow::Error> for StartError {
    fn from(error: workflow::Error) -> Self {
        match error {
            workflow::Error::Store(error) => Self::Read(error),
            workflow::Error::Refused(_) | workflow::Error::DryRun(_) => Self::Prepare,
        }
    }
}

/// A portal that is put together and listens, and does not work yet.
pub struct Portal {
    /// The verbs.
    pub workflow: Workflow,
    /// The background tasks.
    pub runner: Runner,
    /// Where people reach it.
    pub public_url: PublicUrl,
    /// A new key ring was made, in this file.
    pub new_keyring: Option<std::path::PathBuf>,
    doors: web::Data<Doors>,
    listener: TcpListener,
    tls: Option<(std::path::PathBuf, std::path::PathBuf)>,
    closing: watch::Sender<bool>,
}

/// A portal that works.
pub struct Running {
    /// The verbs.
    pub workflow: Workflow,
    /// The background tasks.
    pub runner: Runner,
    /// Where people reach it.
    pub public_url: PublicUrl,
    server: ServerHandle,
    serving: JoinHandle<std::io::Result<()>>,
    working: Option<JoinHandle<Result<(), workflow::Error>>>,
    closing: watch::Sender<bool>,
}

impl Portal {
    /// Opens everything and listens.
    ///
    /// # Errors
    /// In words for whoever starts the portal.
    pub async fn open(config: &Config, clock: Clock, random: Random) -> Result<Self, StartError> {
        let options = store::Options { durable: config.durable, ..store::Options::new(&config.database_url) };
        let store = Store::open(&options, Wakes::default(), clock.now()).await?;
        let (ring, new_keyring) = key_ring(config, &store, random).await?;
        let (sealer, opener) = vault::hands(ring);
        let settings = Settings { zone: config.zone, allow_local_clusters: config.allow_local_clusters };
        let workflow = Workflow::new(store.clone(), clock, random, sealer, settings);
        check_ring(config, &store, &opener, &workflow).await?;
        let allowance = if config.allow_local_clusters { AddressAllowance::LOCAL } else { AddressAllowance::NONE };
        let runner = Runner::new(workflow.clone(), opener, allowance);
        let listener = TcpListener::bind(config.listen).map_err(|error| StartError::Listen(config.listen, error))?;
        let port = listener.local_addr().map_err(|error| StartError::Listen(config.listen, error))?.port();
        let public_url = config.public_url.clone().with_bound_port(port);
        let (closing, told) = watch::channel(false);
        let doors =
            web::Data::new(Doors::new(workflow.clone(), public_url.clone(), config.trusted_proxies.clone(), told));
        Ok(Self { workflow, runner, public_url, new_keyring, doors, listener, tls: config.tls.clone(), closing })
    }

    /// Opens the doors, and lets the background tasks run.
    ///
    /// # Errors
    /// When the doors cannot be opened.
    pub fn start(self) -> Result<Running, StartError> {
        let runner = self.runner.clone();
        let mut running = self.start_doors()?;
        running.working = Some(tokio::spawn(runner.run()));
        Ok(running)
    }

    /// Opens the doors only; tests activate the background tasks themselves.
    ///
    /// # Errors
    /// When the doors cannot be opened.
    pub fn start_doors(self) -> Result<Running, StartError> {
        let tls = self.tls.as_ref().map(|(certificate, key)| (certificate.as_path(), key.as_path()));
        let server = http::serve(self.doors, self.listener, tls).map_err(StartError::Serve)?;
        Ok(Running {
            workflow: self.workflow,
            runner: self.runner,
            public_url: self.public_url,
            server: server.handle(),
            serving: tokio::spawn(server),
            working: None,
            closing: self.closing,
        })
    }
}

/// How long ending may take, all in all.
const GRACE: Duration = Duration::from_secs(18);

impl Running {
    /// Ends: no new starts, open writes finished, leases given back, streams closed.
    pub async fn stop(self) {
        self.closing.send_replace(true);
        self.runner.stop();
        let end = async {
            let (working, ()) = tokio::join!(
                async {
                    match self.working {
                        Some(working) => working.await.ok(),
                        None => None,
                    }
                },
                self.server.stop(true)
            );
            if let Some(Err(error)) = working {
                tracing::error!(?error, "portal.stop.runner");
            }
            let _ = self.serving.await;
            self.workflow.store().close().await;
        };
        if tokio::time::timeout(GRACE, end).await.is_err() {
            tracing::warn!("portal.stop.impatient");
        }
    }

    /// Whether the background tasks have ended by themselves, which they never should.
    pub fn is_broken(&self) -> bool {
        self.working.as_ref().is_some_and(JoinHandle::is_finished) || self.serving.is_finished()
    }
}

/// Finds the key ring, or makes one when nothing is sealed yet. Never silently in place of one
/// that is lost.
async fn key_ring(
    config: &Config,
    store: &Store,
    random: Random,
) -> Result<(KeyRing, Option<std::path::PathBuf>), StartError> {
    let path = match &config.keyring {
        KeyRingSource::Given(ring) => return Ok((KeyRing::parse(ring.expose_secret())?, None)),
        KeyRingSource::File(path) => path,
    };
    if let Some(ring) = KeyRing::load(path)? {
        return Ok((ring, None));
    }
    let mut conn = store.read().await?;
    if store::cluster::newest_sealed(&mut conn).await?.is_some() && !config.forget_sealed {
        return Err(StartError::NoKeyRing(path.display().to_string()));
    }
    let ring = KeyRing::generate(random);
    ring.create(path)?;
    Ok((ring, Some(path.clone())))
}

/// Refuses a ring that does not open what was sealed last.
async fn check_ring(config: &Config, store: &Store, opener: &Opener, workflow: &Workflow) -> Result<(), StartError> {
    let mut conn = store.read().await?;
    let newest = store::cluster::newest_sealed(&mut conn).await?;
    drop(conn);
    let opens = newest.is_none_or(|(id, sealed)| opener.open(place(id), &sealed).is_ok());
    if config.forget_sealed {
        let dropped = workflow.act(Caller::console(), |v| Box::pin(forget_sealed(v))).await?;
        tracing::warn!(dropped, "portal.forget_sealed");
        return Ok(());
    }
    if opens { Ok(()) } else { Err(StartError::WrongKeyRing) }
}
