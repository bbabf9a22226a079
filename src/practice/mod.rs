//! A practice Kubernetes API in the process: the demo's cluster, and the fault
//! bench of the tests.
//!
//! Here: an API server on loopback (TLS, a CA made at start), the controllers
//! behind it, and a make-believe kubelet that lets an image's digest choose what
//! becomes of a pod, as on the control plane in `tests/cluster`. For our purposes
//! the two behave alike, so one table of test cases runs on both.
//!
//! Not here: anything of the portal. Used by `cli::demo` and by tests only; a
//! client reaches it over TCP like any other cluster.
//!
//! | room | what |
//! | --- | --- |
//! | `server` | requests: who asks, what for, what it looks like on the wire |
//! | `objects` | what is held, and the rules of every write |
//! | `controllers` | what happens by itself |
//! | `tokens`, `kubeconfig` | service accounts' tokens, files for clients |
//!
//! Not emulated: server-side apply (415), protobuf, OpenAPI, quotas, admission
//! webhooks, container logs and exec, escalation checks on roles. Workloads other
//! than Deployments come with later steps; see `controllers` for how to add one.

mod controllers;
mod kubeconfig;
mod objects;
mod server;
mod tokens;

use std::{io, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::{sync::watch, task::JoinSet};

pub use objects::{
    change::{Action, Change},
    refused::Refused,
};
pub use server::{
    asked::{Asked, Target},
    faults::{Fault, FaultId, Faults},
    people::Account,
    rights::Rule,
};

use controllers::Controllers;
use objects::{
    change::{Key, Writer},
    kinds::{self, KINDS},
    object,
    seed::Seed,
    store::Store,
};
use server::{
    Server,
    certificate::Certificate,
    door::{self, Door, Traffic},
    people::People,
};
use tokens::Tokens;

/// How long things take in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    /// From a change to the controllers' noticing it.
    pub control: Duration,
    /// Until an ordinary pod is ready, where its annotation `test/ready-after`
    /// does not say.
    pub ready: Duration,
    /// Until a pod with a slow image is ready.
    pub slow: Duration,
    /// Until a pod with a crashing image is in its crash loop.
    pub crash: Duration,
    /// From the deletion of a running pod to its end.
    pub end: Duration,
    /// Between two bookmarks of a watch.
    pub bookmark: Duration,
}

impl Default for Pace {
    /// As on the control plane of the tests: everything at once, but 200 ms for
    /// a crash and 4 s for a slow image.
    fn default() -> Self {
        Self {
            control: Duration::ZERO,
            ready: Duration::ZERO,
            slow: Duration::from_secs(4),
            crash: Duration::from_millis(200),
            end: Duration::ZERO,
            bookmark: Duration::from_secs(60),
        }
    }
}

/// What a practice cluster starts with.
#[derive(Debug, Clone)]
pub struct PracticeOptions {
    /// The cluster's time at its start. From then on it goes by tokio's clock.
    pub now: DateTime<Utc>,
    /// Uids, names of pods and tokens follow from it. Take chance for a cluster
    /// somebody else could reach: who knows the seed knows the tokens.
    pub seed: [u8; 32],
    /// How long things take.
    pub pace: Pace,
    /// Who may come besides the administrator.
    pub accounts: Vec<Account>,
    /// How many changes are kept for [`Practice::history`], at some kilobytes
    /// each.
    pub remembered: usize,
    /// For how many of the last changes a watch may ask; before that it is
    /// answered with 410.
    pub watchable: u64,
}

impl PracticeOptions {
    /// The usual: nobody but the administrator, the pace of the tests' control
    /// plane, a seed of zeros.
    pub fn at(now: DateTime<Utc>) -> Self {
        Self { now, seed: [0; 32], pace: Pace::default(), accounts: Vec::new(), remembered: 10_000, watchable: 10_000 }
    }
}

/// A practice cluster. It ends when this is dropped.
pub struct Practice {
    server: Arc<Server>,
    door: Door,
    ca: String,
    pace: watch::Sender<Pace>,
    /// The accepting task and the controllers.
    tasks: JoinSet<()>,
}

impl Practice {
    /// Starts a cluster with the namespaces and nodes every cluster has. It
    /// listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no key can be made or no port be had.
    pub async fn start(options: PracticeOptions) -> io::Result<Self> {
        let certificate = Certificate::make()?;
        let (door, gate, traffic) = door::make(&certificate)?;
        let listener = gate.listen()?;
        let tokens = Tokens::new(Seed::fixed(&options.seed, "tokens"));
        let admin_token: String =
            Seed::fixed(&options.seed, "admin").iter().map(|byte| format!("{byte:02x}")).collect();
        let store = Arc::new(Store::new(options.seed, options.now, options.remembered, options.watchable));
        let server = Arc::new(Server {
            store: Arc::clone(&store),
            people: People::new(admin_token, tokens.clone(), options.accounts),
            faults: Faults::default(),
            traffic: traffic.clone(),
            bookmark: options.pace.bookmark,
        });
        server.furnish().map_err(io::Error::other)?;
        let (pace, told) = watch::channel(options.pace);
        let controllers = Controllers { pace: told, tokens, ca: certificate.ca.clone() };
        let mut tasks = JoinSet::new();
        tasks.spawn(gate.run(listener, Arc::clone(&server)));
        tasks.spawn(controllers.run(store, traffic));
        Ok(Self { server, door, ca: certificate.ca, pace, tasks })
    }

    /// Where the server is, for example `https://127.0.0.1:40123`.
    pub fn url(&self) -> String {
        format!("https://{}", self.door.address())
    }

    /// The certificate of the server's CA, in PEM.
    pub fn ca(&self) -> &str {
        &self.ca
    }

    /// The administrator's bearer token.
    pub fn admin_token(&self) -> &str {
        &self.server.people.admin_token
    }

    /// A kubeconfig of the administrator: the CA and the token are in it, no
    /// paths, no commands.
    pub fn admin_kubeconfig(&self) -> String {
        kubeconfig::text(&self.url(), &self.ca, "admin", self.admin_token())
    }

    /// A kubeconfig of the same form for an account. The account itself is let
    /// in by [`Practice::admit`] or by the options.
    pub fn kubeconfig_for(&self, account: &Account) -> String {
        kubeconfig::text(&self.url(), &self.ca, &account.name, &account.token)
    }

    /// Lets an account in, in the place of one of the same name.
    pub fn admit(&self, account: Account) {
        self.server.people.admit(account);
    }

    /// Lets the account of a name in no longer: its token is answered with 401.
    pub fn dismiss(&self, name: &str) {
        self.server.people.dismiss(name);
    }

    /// Makes an object, as the administrator would, without going over the wire.
    /// It says itself what it is and, where it is in one, in which namespace.
    ///
    /// # Errors
    /// As the server would answer.
    pub fn create(&self, object: &Value) -> Result<Value, Refused> {
        let said = |pointer| object::text(object, pointer);
        let kind = kinds::of_object(said("/apiVersion"), said("/kind")).ok_or_else(Refused::no_such_resource)?;
        let writer = Writer { user: "admin".to_owned(), ..Writer::inside("practice", "create", "") };
        let namespace = object::namespace(object);
        let mut desk = self.server.store.desk();
        let made = desk.create(&writer, kind, namespace, object.clone())?;
        Ok(Value::clone(&made))
    }

    /// An object as it is now, by its kind (`Deployment`), namespace (empty for
    /// what is in none) and name.
    pub fn object(&self, kind: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
        let kind = KINDS.into_iter().find(|known| known.kind == kind)?;
        let key = Key::new(kind, namespace, name);
        self.server.store.desk().get(&key)
    }

    /// Every write that was accepted, from clients and from the cluster's own
    /// parts, in order.
    pub fn history(&self) -> Vec<Change> {
        self.history_since(0)
    }

    /// The writes after a resource version.
    pub fn history_since(&self, version: u64) -> Vec<Change> {
        self.server.store.desk().after(version).cloned().collect()
    }

    /// The newest resource version, as it grows.
    pub fn follow(&self) -> watch::Receiver<u64> {
        self.server.store.follow()
    }

    /// What goes wrong on purpose.
    pub fn faults(&self) -> &Faults {
        &self.server.faults
    }

    /// How long things take from now on; what has begun ends as it would have. (Bookmarks keep the
    /// pace of the start.)
    pub fn set_pace(&self, pace: Pace) {
        self.pace.send_replace(pace);
    }

    /// Forgets, for watches, all changes so far: a watch from an earlier version
    /// is answered with 410.
    pub fn compact(&self) {
        self.server.store.desk().compact();
    }

    /// Takes the API server down: connections are cut and refused, and the
    /// controllers stop with it. The cluster keeps what it holds.
    ///
    /// # Errors
    /// When the server has ended.
    pub async fn pause(&self) -> io::Result<()> {
        self.door.set(Traffic::Refused).await
    }

    /// Freezes the API server: connections are made and kept, and nothing
    /// answers. What was asked meanwhile is answered after [`Practice::resume`].
    ///
    /// # Errors
    /// When the server has ended.
    pub async fn freeze(&self) -> io::Result<()> {
        self.door.set(Traffic::Hung).await
    }

    /// Brings the API server back, on the same port and with the same
    /// certificate.
    ///
    /// # Errors
    /// When the port cannot be had again.
    pub async fn resume(&self) -> io::Result<()> {
        self.door.set(Traffic::Open).await
    }

    /// Ends the cluster and waits until everything has.
    pub async fn stop(self) {
        let Self { door, mut tasks, .. } = self;
        // The accepting task ends with its door, and all the others with it.
        drop(door);
        while tasks.join_next().await.is_some() {}
    }
}

impl std::fmt::Debug for Practice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Practice").field("url", &self.url()).finish()
    }
}
