//! Where the demo deploys to: the practice cluster in this process, or a namespace of its own in
//! a real one.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use chrono::TimeDelta;
use rustls::crypto::CryptoProvider;

use super::cast::sentence;
use super::shop::{CONTAINER, Images, PRODUCTS, workload};
use crate::cluster::connect::Connection;
use crate::cluster::credential::Credential;
use crate::cluster::ground::{self, Plot};
use crate::cluster::kubeconfig::{self, GateKind};
use crate::cluster::rights::rights;
use crate::domain::address::AddressAllowance;
use crate::domain::canonical;
use crate::domain::name::{Label, WorkloadName};
use crate::domain::service::{Workload, WorkloadKind};
use crate::domain::time::Timestamp;
use crate::practice::{Account, Pace, Practice, PracticeOptions, Rule};
use crate::random::Random;

/// How long the shop may take to run at first, and to go at the end.
const PATIENCE: Duration = Duration::from_secs(120);

/// A ready pod takes this long once people are watching.
const VISIBLE: Duration = Duration::from_millis(900);

/// The cluster, and what the portal gets of it.
pub(super) struct Place {
    practice: Option<Practice>,
    /// As whoever owns the cluster: makes the namespace, and takes it away.
    owner: Connection,
    /// What the portal is given.
    kubeconfig: Vec<u8>,
    context: Option<String>,
    now: Timestamp,
    /// The namespace.
    pub namespace: Label,
    /// What can run there.
    pub images: Images,
}

fn gate(file: &[u8], context: Option<&str>, now: Timestamp) -> anyhow::Result<Credential> {
    kubeconfig::read(file, context, AddressAllowance::LOCAL, now).map_err(|refusal| {
        let sentence = sentence(&refusal.text);
        match refusal.kind {
            GateKind::PickContext { names, .. } => {
                anyhow!("{sentence} Give --context with one of: {}", names.join(", "))
            }
            _ => anyhow!(sentence),
        }
    })
}

fn connect(credential: &Credential) -> anyhow::Result<Connection> {
    Connection::new(credential, AddressAllowance::LOCAL).map_err(|failure| anyhow!(sentence(&failure.text())))
}

impl Place {
    /// The practice cluster. The portal gets an account that may do what its job needs and no more.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn practice(now: Timestamp, random: Random) -> anyhow::Result<Self> {
        debug_assert!(CryptoProvider::get_default().is_some());
        let namespace = label("shop")?;
        let options = PracticeOptions { seed: random.bytes(), ..PracticeOptions::at(now.utc()) };
        let practice = Practice::start(options).await.context("the practice cluster does not start")?;
        let rules = rights(&workloads(&namespace)?)
            .into_iter()
            .map(|right| {
                let names: Vec<&str> = right.names.iter().map(WorkloadName::as_str).collect();
                Rule::new(right.namespace.as_str(), right.group, right.resource, right.verbs).named(&names)
            })
            .collect();
        let account = Account::new("tidegate", &random.token(), rules);
        practice.admit(account.clone());
        let owner = connect(&gate(practice.admin_kubeconfig().as_bytes(), None, now)?)?;
        let kubeconfig = practice.kubeconfig_for(&account).into_bytes();
        Ok(Self { practice: Some(practice), owner, kubeconfig, context: None, now, namespace, images: Images::Fated })
    }

    /// A real cluster; nothing is made there yet.
    ///
    /// # Errors
    /// The gate's sentence, or why the cluster cannot be reached.
    pub async fn real(file: &Path, context: Option<&str>, now: Timestamp, random: Random) -> anyhow::Result<Self> {
        let shown = file.display();
        let size = std::fs::metadata(file).with_context(|| format!("cannot read {shown}"))?.len();
        anyhow::ensure!(size <= kubeconfig::LARGEST as u64, "{shown} is larger than a kubeconfig may be");
        let kubeconfig = std::fs::read(file).with_context(|| format!("cannot read {shown}"))?;
        let owner = connect(&gate(&kubeconfig, context, now).with_context(|| shown.to_string())?)?;
        let make_believe = ground::is_make_believe(&owner).await;
        let make_believe = make_believe.map_err(|text| anyhow!("the cluster cannot be used: {}", sentence(&text)))?;
        Ok(Self {
            practice: None,
            owner,
            kubeconfig,
            context: context.map(str::to_owned),
            now,
            namespace: label(&format!("tidegate-demo-{}", canonical::hex(&random.bytes::<3>())))?,
            images: if make_believe { Images::Fated } else { Images::Pullable },
        })
    }

    /// What the portal is given, through the gate.
    ///
    /// # Errors
    /// The gate's sentence.
    pub fn credential(&self) -> anyhow::Result<Credential> {
        gate(&self.kubeconfig, self.context.as_deref(), self.now)
    }

    /// Makes the namespace. Not to be given up half-way: see [`Place::clear`].
    ///
    /// # Errors
    /// Why the cluster does not do it.
    pub async fn make_namespace(&self) -> anyhow::Result<()> {
        let made = ground::make(&self.owner, &self.namespace).await;
        made.map_err(|text| anyhow!("the namespace {} cannot be made: {}", self.namespace, sentence(&text)))
    }

    /// Runs what the shop ran before anybody used the portal.
    ///
    /// # Errors
    /// Why it does not run.
    pub async fn plant(&self) -> anyhow::Result<()> {
        let container = label(CONTAINER)?;
        let mut plots = Vec::new();
        for product in &PRODUCTS {
            for (environment, replicas) in [("staging", 1), ("production", product.replicas)] {
                let name = workload_name(&workload(product.name, environment))?;
                plots.push(Plot { name, container: container.clone(), replicas, image: self.images.first(product) });
            }
        }
        let planted = ground::plant(&self.owner, &self.namespace, &plots, PATIENCE).await;
        planted.map_err(|text| anyhow!("the shop does not run in {}: {}", self.namespace, sentence(&text)))
    }

    /// From now on things take as long as people can watch.
    pub fn slow_down(&self) {
        if let Some(practice) = &self.practice {
            practice.set_pace(Pace { ready: VISIBLE, end: VISIBLE / 3, ..Pace::default() });
        }
    }

    /// Whether the cluster is the one in this process.
    pub fn is_practice(&self) -> bool {
        self.practice.is_some()
    }

    /// Takes away what was made, and waits until it is gone.
    ///
    /// # Errors
    /// Why it stays, and what to do about it.
    pub async fn clear(self) -> anyhow::Result<()> {
        if let Some(practice) = self.practice {
            practice.stop().await;
            return Ok(());
        }
        let cleared = ground::clear(&self.owner, &self.namespace, PATIENCE).await;
        cleared.map_err(|text| {
            let name = &self.namespace;
            anyhow!("the namespace {name} may still be there: {}\n  kubectl delete namespace {name}", sentence(&text))
        })
    }
}

fn label(name: &str) -> anyhow::Result<Label> {
    Label::parse(name).map_err(|text| anyhow!(sentence(&text)))
}

fn workload_name(name: &str) -> anyhow::Result<WorkloadName> {
    WorkloadName::parse(name).map_err(|text| anyhow!(sentence(&text)))
}

fn workloads(namespace: &Label) -> anyhow::Result<Vec<Workload>> {
    let mut workloads = Vec::new();
    for product in &PRODUCTS {
        for environment in ["staging", "production"] {
            let name = workload_name(&workload(product.name, environment))?;
            workloads.push(Workload { namespace: namespace.clone(), kind: WorkloadKind::Deployment, name });
        }
    }
    Ok(workloads)
}

/// How long before the present the story begins.
pub(super) fn beginning(present: Timestamp, days: i64) -> Timestamp {
    present.minus(TimeDelta::days(days))
}
