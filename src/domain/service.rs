//! Services and their targets: what people deploy, and which workload it is in an environment.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::name::{Label, WorkloadName};
use super::text::Text;
use crate::text;

/// Kinds of workload a target can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum WorkloadKind {
    /// `apps/v1` Deployment.
    Deployment,
}

impl WorkloadKind {
    /// All kinds that can be deployed.
    pub const ALL: [Self; 1] = [Self::Deployment];

    /// The kind's name in Kubernetes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
        }
    }
    /// Its plural in RBAC rules and addresses.
    pub fn resource(self) -> &'static str {
        match self {
            Self::Deployment => "deployments",
        }
    }
    /// # Errors
    /// When it is no kind that can be deployed.
    pub fn parse(text: &str) -> Result<Self, Text> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| text!("workload-kind-unknown"))
    }
}

impl fmt::Display for WorkloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Names one workload in one cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Workload {
    /// Kubernetes namespace.
    pub namespace: Label,
    /// What kind of workload.
    pub kind: WorkloadKind,
    /// Its name.
    pub name: WorkloadName,
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}
