//! Clusters: what a signer agrees to when the page says *this cluster*, and what a look at one
//! found.

use serde::{Deserialize, Serialize};

use super::canonical;
use super::service::Workload;
use super::text::Text;
use super::time::Timestamp;

/// What makes a cluster this cluster: where it listens and whose certificates it shows. Renewing a
/// token changes nothing here, so that it voids no sign-off; another server or another authority
/// does. (A namespaced role cannot read more of a cluster than this.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Always `https`.
    pub scheme: String,
    /// Host name or address, lower case.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Where the API begins on the server: empty, or such as `/k8s/clusters/c-abcde` behind a
    /// server that stands for many clusters. No slash at the end.
    pub path: String,
    /// The name its certificate must be for, where that is not the host: lower case.
    pub tls_server_name: Option<String>,
    /// SHA-256 over the public key (SubjectPublicKeyInfo) of each certificate authority, in hex,
    /// sorted, each once.
    pub authorities: Vec<String>,
}

impl Fingerprint {
    /// Hash that stands for it in plans and tables.
    pub fn digest(&self) -> String {
        canonical::sha256_hex(&canonical::bytes(self))
    }
    /// The address a person knows it by, and the URL its API begins at.
    pub fn server(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        format!("{}://{host}:{}{}", self.scheme, self.port, self.path)
    }
}

/// What a credential says of itself, shown before anybody confirms it. Never the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialFacts {
    /// Which cluster it leads to.
    pub cluster: Fingerprint,
    /// The context picked from the uploaded file.
    pub context: String,
    /// Namespace the context names.
    pub namespace: Option<String>,
    /// Who it says it is: a service account or a certificate's subject, where it says so.
    pub identity: Option<String>,
    /// Whether it is a bearer token or a client certificate.
    pub method: CredentialMethod,
    /// When it stops working, where it says so.
    pub expires_at: Option<Timestamp>,
}

/// How a credential proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialMethod {
    /// A bearer token.
    Token,
    /// A client certificate with its key.
    Certificate,
}

/// What the runner found when it last looked at a cluster with its credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// When.
    pub at: Timestamp,
    /// What it found, or why it could not look.
    pub outcome: Result<ProbeReport, Text>,
}

/// A cluster that answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeReport {
    /// Version of its API server, such as `v1.36.4`.
    pub version: String,
    /// How long the version took to come back, in milliseconds.
    pub latency_ms: u32,
    /// Who the cluster says we are.
    pub identity: Option<String>,
    /// Each right the deployment job needs, and whether it is there.
    pub rights: Vec<Right>,
    /// Rights that go further than the job needs.
    pub too_wide: Vec<Text>,
    /// Tools that keep a target as they want it, and would revert a release.
    pub managers: Vec<Manager>,
}

impl ProbeReport {
    /// Rights the job needs and does not have.
    pub fn missing(&self) -> impl Iterator<Item = &Right> {
        self.rights.iter().filter(|right| !right.allowed)
    }
}

/// One right on one kind of object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Right {
    /// In which namespace.
    pub namespace: String,
    /// Kubernetes verb.
    pub verb: String,
    /// Plural with its group, such as `deployments.apps`.
    pub resource: String,
    /// On one object only.
    pub name: Option<String>,
    /// What the cluster answered.
    pub allowed: bool,
}

/// A tool that manages a target besides Tidegate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manager {
    /// The workload.
    pub workload: Workload,
    /// The tool's name, such as `Argo CD`.
    pub tool: String,
}
