//! The table of kinds this cluster knows.
//!
//! Here: for each kind its names, scope, subresources and the type that gives
//! its JSON a shape. Not here: defaults (`defaults`), rules (`validate`), what
//! the cluster does with an object (`controllers`).
//!
//! To add a kind: one `static` and its place in `KINDS`. It can then be stored,
//! listed, watched and granted. Whatever should happen to it is a controller.

use std::cmp::Ordering;

use k8s_openapi::api::{apps::v1 as apps, core::v1 as core, rbac::v1 as rbac};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// A kind of object.
#[derive(Debug)]
pub(in crate::practice) struct Kind {
    pub group: &'static str,
    pub version: &'static str,
    pub plural: &'static str,
    pub singular: &'static str,
    pub kind: &'static str,
    pub short: &'static [&'static str],
    pub namespaced: bool,
    /// Which of `status` and `scale` it has.
    pub subresources: &'static [&'static str],
    /// Fields a list may select by, besides its name and namespace.
    pub fields: &'static [&'static str],
    /// Reads the JSON as the typed object and writes it back, so that a wrong
    /// type is found and an unknown field is dropped, as a real server does.
    pub shape: fn(Value) -> Result<Value, serde_json::Error>,
}

impl Kind {
    /// `apps/v1`, or `v1` for the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `deployments.apps`, or `pods` for the core group.
    pub fn dotted(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Kind {}

impl PartialOrd for Kind {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Kind {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.group, self.plural).cmp(&(other.group, other.plural))
    }
}

fn shape<T: DeserializeOwned + Serialize>(value: Value) -> Result<Value, serde_json::Error> {
    serde_json::to_value(serde_json::from_value::<T>(value)?)
}

/// A row of the core group, namespaced, without subresources.
const fn core_kind(
    plural: &'static str,
    singular: &'static str,
    kind: &'static str,
    shape: fn(Value) -> Result<Value, serde_json::Error>,
) -> Kind {
    Kind {
        group: "",
        version: "v1",
        plural,
        singular,
        kind,
        short: &[],
        namespaced: true,
        subresources: &[],
        fields: &[],
        shape,
    }
}

pub(in crate::practice) static NAMESPACES: Kind = Kind {
    short: &["ns"],
    namespaced: false,
    subresources: &["status"],
    fields: &["status.phase"],
    ..core_kind("namespaces", "namespace", "Namespace", shape::<core::Namespace>)
};

pub(in crate::practice) static NODES: Kind = Kind {
    short: &["no"],
    namespaced: false,
    subresources: &["status"],
    fields: &["spec.unschedulable"],
    ..core_kind("nodes", "node", "Node", shape::<core::Node>)
};

pub(in crate::practice) static PODS: Kind = Kind {
    short: &["po"],
    subresources: &["status"],
    fields: &[
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "status.phase",
        "status.podIP",
    ],
    ..core_kind("pods", "pod", "Pod", shape::<core::Pod>)
};

pub(in crate::practice) static EVENTS: Kind = Kind {
    short: &["ev"],
    fields: &[
        "involvedObject.apiVersion",
        "involvedObject.fieldPath",
        "involvedObject.kind",
        "involvedObject.name",
        "involvedObject.namespace",
        "involvedObject.resourceVersion",
        "involvedObject.uid",
        "reason",
        "reportingComponent",
        "type",
    ],
    ..core_kind("events", "event", "Event", shape::<core::Event>)
};

pub(in crate::practice) static SERVICE_ACCOUNTS: Kind = Kind {
    short: &["sa"],
    ..core_kind("serviceaccounts", "serviceaccount", "ServiceAccount", shape::<core::ServiceAccount>)
};

pub(in crate::practice) static CONFIG_MAPS: Kind =
    Kind { short: &["cm"], ..core_kind("configmaps", "configmap", "ConfigMap", shape::<core::ConfigMap>) };

pub(in crate::practice) static SECRETS: Kind =
    Kind { fields: &["type"], ..core_kind("secrets", "secret", "Secret", shape::<core::Secret>) };

pub(in crate::practice) static SERVICES: Kind =
    Kind { short: &["svc"], ..core_kind("services", "service", "Service", shape::<core::Service>) };

pub(in crate::practice) static DEPLOYMENTS: Kind = Kind {
    group: "apps",
    short: &["deploy"],
    subresources: &["status", "scale"],
    ..core_kind("deployments", "deployment", "Deployment", shape::<apps::Deployment>)
};

pub(in crate::practice) static REPLICA_SETS: Kind = Kind {
    group: "apps",
    short: &["rs"],
    subresources: &["status", "scale"],
    fields: &["status.replicas"],
    ..core_kind("replicasets", "replicaset", "ReplicaSet", shape::<apps::ReplicaSet>)
};

const RBAC: &str = "rbac.authorization.k8s.io";

pub(in crate::practice) static ROLES: Kind =
    Kind { group: RBAC, ..core_kind("roles", "role", "Role", shape::<rbac::Role>) };

pub(in crate::practice) static ROLE_BINDINGS: Kind =
    Kind { group: RBAC, ..core_kind("rolebindings", "rolebinding", "RoleBinding", shape::<rbac::RoleBinding>) };

pub(in crate::practice) static CLUSTER_ROLES: Kind = Kind {
    group: RBAC,
    namespaced: false,
    ..core_kind("clusterroles", "clusterrole", "ClusterRole", shape::<rbac::ClusterRole>)
};

pub(in crate::practice) static CLUSTER_ROLE_BINDINGS: Kind = Kind {
    group: RBAC,
    namespaced: false,
    ..core_kind("clusterrolebindings", "clusterrolebinding", "ClusterRoleBinding", shape::<rbac::ClusterRoleBinding>)
};

/// Every kind, in the order discovery lists them.
pub(in crate::practice) static KINDS: [&Kind; 14] = [
    &CONFIG_MAPS,
    &EVENTS,
    &NAMESPACES,
    &NODES,
    &PODS,
    &SECRETS,
    &SERVICE_ACCOUNTS,
    &SERVICES,
    &DEPLOYMENTS,
    &REPLICA_SETS,
    &CLUSTER_ROLE_BINDINGS,
    &CLUSTER_ROLES,
    &ROLE_BINDINGS,
    &ROLES,
];

/// The kind a path names, if this cluster knows it.
pub(in crate::practice) fn of_path(group: &str, version: &str, plural: &str) -> Option<&'static Kind> {
    KINDS.into_iter().find(|kind| kind.group == group && kind.version == version && kind.plural == plural)
}

/// The kind an object says it is of.
pub(in crate::practice) fn of_object(api_version: &str, name: &str) -> Option<&'static Kind> {
    KINDS.into_iter().find(|kind| kind.kind == name && kind.api_version() == api_version)
}
