//! A real portal inside this process: its own doors on a port, its own database, a clock that moves
//! when the test says so, and background tasks that run when the test says so.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use tidegate::clock::Clock;
use tidegate::config::{Config, KeyRingSource};
use tidegate::domain::time::{Timestamp, Zone};
use tidegate::portal::{Portal, Running, StartError};
use tidegate::random::Random;
use tidegate::workflow::{Caller, Workflow, person};
use tokio::sync::Mutex;

use super::api::Api;
use super::database::{Database, Kind};

/// When every test begins: a Monday morning.
pub const BEGIN: &str = "2026-11-23T09:00:00Z";

/// A portal under test.
pub struct TestPortal {
    pub clock: Clock,
    pub database: Arc<Database>,
    pub(super) place: Option<super::town::Place>,
    running: Option<Running>,
    port: u16,
    api: Api,
    /// Each with the instants their session began and was used last.
    people: Mutex<BTreeMap<String, (Api, Timestamp, Timestamp)>>,
    finished: bool,
}

/// An instant, as tests write it.
pub fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// How the tests' portals are set.
pub fn config(database: &Database, port: u16) -> Config {
    Config {
        database_url: database.url.clone(),
        durable: false,
        keyring: KeyRingSource::File(database.folder.path().join("tidegate.keys")),
        forget_sealed: false,
        listen: ([127, 0, 0, 1], port).into(),
        tls: None,
        public_url: format!("http://127.0.0.1:{port}").parse().unwrap(),
        zone: Zone::parse("Europe/Berlin").unwrap(),
        trusted_proxies: Vec::new(),
        allow_local_clusters: true,
    }
}

impl TestPortal {
    /// Runs a test on a portal with its town, and looks afterwards whether work was left.
    pub async fn run(kind: Kind, test: impl AsyncFnOnce(&mut Self)) {
        let mut portal = Self::start(kind).await;
        portal.settle().await;
        test(&mut portal).await;
        portal.finish().await;
    }

    /// An empty one on a new database.
    pub async fn start(kind: Kind) -> Self {
        let database = Arc::new(Database::new(kind).await);
        Self::open(database, Clock::manual(at(BEGIN))).await.unwrap()
    }

    /// One on a database that is there.
    pub async fn open(database: Arc<Database>, clock: Clock) -> Result<Self, StartError> {
        super::prepare();
        let running = Portal::open(&config(&database, 0), clock.clone(), Random).await?.start_doors()?;
        let url = running.public_url.origin();
        let port = url.rsplit(':').next().unwrap().parse().unwrap();
        let people = Mutex::default();
        Ok(Self {
            clock,
            database,
            place: None,
            running: Some(running),
            port,
            api: Api::new(&url),
            people,
            finished: false,
        })
    }

    /// A second portal on the same database, by the same clock.
    pub async fn twin(&self) -> Self {
        let mut twin = Self::open(self.database.clone(), self.clock.clone()).await.unwrap();
        twin.place = self.place.clone();
        twin
    }

    /// Ends the portal and starts it again: same database, same port, same time.
    pub async fn restart(&mut self) {
        self.stop().await;
        let config = config(&self.database, self.port);
        let portal = Portal::open(&config, self.clock.clone(), Random).await.unwrap();
        self.running = Some(portal.start_doors().unwrap());
    }

    /// Ends the portal; its database stays.
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    pub fn running(&self) -> &Running {
        self.running.as_ref().expect("the portal runs")
    }

    pub fn workflow(&self) -> &Workflow {
        &self.running().workflow
    }

    /// Nobody, at its doors.
    pub fn nobody(&self) -> &Api {
        &self.api
    }

    /// Activates the background tasks until they find nothing to do.
    pub async fn run_until_idle(&self) {
        for _ in 0..200 {
            if !self.running().runner.tick().await.unwrap() {
                return;
            }
        }
        panic!("the background tasks never come to rest");
    }

    /// Moves the clock and nothing else.
    pub fn sleep(&self, delta: TimeDelta) {
        self.clock.advance(delta);
    }

    /// Moves the clock, and lets the background tasks do what is due then.
    pub async fn advance(&self, delta: TimeDelta) {
        self.sleep(delta);
        self.run_until_idle().await;
    }

    /// Somebody in a browser, signed in by a one-time link the first time they are asked for, and
    /// again when their session must have run out.
    pub async fn person(&self, login: &str) -> Api {
        let mut people = self.people.lock().await;
        let now = self.clock.now();
        if let Some((known, begun, used)) = people.get_mut(login)
            && now.since(*used) < TimeDelta::hours(2)
            && now.since(*begun) < TimeDelta::hours(12)
        {
            *used = now;
            return known.clone();
        }
        let api = self.signed_in(login).await;
        people.insert(login.to_owned(), (api.clone(), now, now));
        api
    }

    /// A new session of somebody's.
    pub async fn signed_in(&self, login: &str) -> Api {
        self.api.by_link(&self.link(login).await).await
    }

    /// A one-time sign-in link.
    pub async fn link(&self, login: &str) -> String {
        let login = login.to_owned();
        let made = self
            .workflow()
            .act(Caller::console(), move |v| Box::pin(async move { person::hand_out_link(v, &login).await }));
        made.await.unwrap()
    }

    /// Ends the test: nothing may be due that nobody did.
    pub async fn finish(mut self) {
        let left = self.running().runner.tick().await.unwrap();
        assert!(!left, "work is left: call run_until_idle() or advance() before the end of the test");
        self.end().await;
    }

    async fn end(&mut self) {
        self.finished = true;
        self.stop().await;
        if Arc::strong_count(&self.database) == 1 {
            self.database.discard().await;
        }
    }
}

impl Drop for TestPortal {
    fn drop(&mut self) {
        if !self.finished && !std::thread::panicking() {
            panic!("a TestPortal was dropped without finish()");
        }
    }
}

/// Makes two tests of each function, `name::on_sqlite` and `name::on_postgres`. A function of a
/// `&mut TestPortal` is handed one with its town, and looked after for work that was left.
macro_rules! both {
    ($($(#[$meta:meta])* async fn $name:ident($arg:ident: $($kind:tt)+) $body:block)+) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                $crate::support::portal::both!(@run $crate::support::database::Kind::Sqlite, $arg, [$($kind)+], $body);
            }

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                $crate::support::portal::both!(@run $crate::support::database::Kind::Postgres, $arg, [$($kind)+], $body);
            }
        }
    )+};
    (@run $kind:expr, $arg:ident, [Kind], $body:block) => {{
        let $arg = $kind;
        $body
    }};
    (@run $kind:expr, $arg:ident, [&mut TestPortal], $body:block) => {
        $crate::support::portal::TestPortal::run($kind, async |$arg: &mut $crate::support::portal::TestPortal| $body).await
    };
}
pub(crate) use both;
