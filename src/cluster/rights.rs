//! What a deployment needs to be allowed in a cluster, as data: the probe asks for each of these,
//! the ready script grants them, and a test holds the manifests in `deploy/` against them. A right
//! that is not here is one the portal must not use.

use std::collections::BTreeMap;

use crate::domain::name::{Label, WorkloadName};
use crate::domain::service::{Workload, WorkloadKind};

/// One rule of a Role (`rbac.authorization.k8s.io/v1`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeededRight {
    /// Namespace it counts in.
    pub namespace: Label,
    /// API group; empty for the core one.
    pub group: &'static str,
    /// Plural of the resource, such as `deployments`.
    pub resource: &'static str,
    /// Verbs of Kubernetes.
    pub verbs: &'static [&'static str],
    /// The only objects it is needed on, in the order of their names; empty means all of the
    /// namespace. (A list or a watch cannot be limited to names.)
    pub names: Vec<WorkloadName>,
}

impl NeededRight {
    /// Each single question for the API server: a verb, and the object if it is about one.
    pub fn questions(&self) -> impl Iterator<Item = (&'static str, Option<&WorkloadName>)> {
        self.verbs.iter().flat_map(|verb| {
            let names = self.names.iter().map(|name| (*verb, Some(name)));
            names.chain(self.names.is_empty().then_some((*verb, None)))
        })
    }

    /// The resource with its group as people and kubectl write it: `deployments.apps`, `pods`.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() { self.resource.to_owned() } else { format!("{}.{}", self.resource, self.group) }
    }
}

const LOOK: &[&str] = &["get", "list", "watch"];

/// The rights that releases to these targets need, by namespace; a target twice counts once.
///
/// On the targets: reading them and patching their image. Around them, in their namespaces: what
/// tells how a rollout goes, and why it does not (replica sets, pods, events).
pub fn rights(targets: &[Workload]) -> Vec<NeededRight> {
    let mut named: BTreeMap<(&Label, WorkloadKind), Vec<WorkloadName>> = BTreeMap::new();
    for target in targets {
        named.entry((&target.namespace, target.kind)).or_default().push(target.name.clone());
    }
    let mut rights = Vec::new();
    for ((namespace, kind), mut names) in named {
        names.sort();
        names.dedup();
        let mut needs = |group, resource, verbs, names| {
            rights.push(NeededRight { namespace: namespace.clone(), group, resource, verbs, names });
        };
        match kind {
            WorkloadKind::Deployment => {
                needs("apps", kind.resource(), &["get", "patch"], names);
                needs("apps", kind.resource(), &["list", "watch"], Vec::new());
                needs("apps", "replicasets", LOOK, Vec::new());
            }
        }
        needs("", "pods", LOOK, Vec::new());
        needs("", "events", LOOK, Vec::new());
    }
    rights
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(namespace: &str, name: &str) -> Workload {
        Workload {
            namespace: Label::parse(namespace).unwrap(),
            kind: WorkloadKind::Deployment,
            name: WorkloadName::parse(name).unwrap(),
        }
    }

    #[test]
    fn only_the_named_targets_can_be_changed() {
        let all = rights(&[target("shop", "web"), target("pay", "api"), target("shop", "cart"), target("shop", "web")]);
        let lines: Vec<String> = all
            .iter()
            .map(|right| {
                let names: Vec<_> = right.names.iter().map(WorkloadName::as_str).collect();
                let (verbs, names) = (right.verbs.join(","), names.join(","));
                format!("{} {} {verbs} {names}", right.namespace, right.qualified()).trim_end().to_owned()
            })
            .collect();
        assert_eq!(
            lines,
            [
                "pay deployments.apps get,patch api",
                "pay deployments.apps list,watch",
                "pay replicasets.apps get,list,watch",
                "pay pods get,list,watch",
                "pay events get,list,watch",
                "shop deployments.apps get,patch cart,web",
                "shop deployments.apps list,watch",
                "shop replicasets.apps get,list,watch",
                "shop pods get,list,watch",
                "shop events get,list,watch",
            ]
        );
        let reads = |verb: &&str| ["get", "list", "watch"].contains(verb);
        let changes = all.iter().filter(|right| !right.verbs.iter().all(reads));
        assert!(changes.into_iter().all(|right| !right.names.is_empty()));
        assert!(rights(&[]).is_empty());
    }

    #[test]
    fn each_right_is_asked_for_verb_by_verb() {
        let all = rights(&[target("shop", "web"), target("shop", "cart")]);
        let ask = |right: &NeededRight| {
            right.questions().map(|(verb, name)| (verb, name.map(|name| name.to_string()))).collect::<Vec<_>>()
        };
        let named = |name: &str| Some(name.to_owned());
        assert_eq!(
            ask(&all[0]),
            [("get", named("cart")), ("get", named("web")), ("patch", named("cart")), ("patch", named("web")),]
        );
        assert_eq!(ask(&all[1]), [("list", None), ("watch", None)]);
    }
}
