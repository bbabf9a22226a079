//! Who may do what.
//!
//! Here: accounts with rules of their own, roles and bindings made through the
//! API, and the judgement over both. Not here: who somebody is (`people`).

use serde_json::{Value, json};

use super::{asked::Target, people::User};
use crate::practice::objects::{
    change::Key,
    kinds::{CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, Kind, ROLE_BINDINGS, ROLES},
    object::{self, list, text},
    store::Desk,
};

/// What a rule allows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// The namespace it holds in; none for everywhere, and for what is in no
    /// namespace.
    pub namespace: Option<String>,
    /// The API groups; `*` for all, empty text for the core group.
    pub groups: Vec<String>,
    /// Plurals, with a subresource as in `deployments/scale`; `*` for all.
    pub resources: Vec<String>,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`,
    /// `deletecollection`; `*` for all.
    pub verbs: Vec<String>,
    /// Only objects of these names; empty for all.
    pub resource_names: Vec<String>,
}

impl Rule {
    /// A rule for one resource of a group in a namespace.
    pub fn new(namespace: &str, group: &str, resource: &str, verbs: &[&str]) -> Self {
        Self {
            namespace: Some(namespace.to_owned()),
            groups: vec![group.to_owned()],
            resources: vec![resource.to_owned()],
            verbs: verbs.iter().map(|verb| (*verb).to_owned()).collect(),
            resource_names: Vec::new(),
        }
    }

    /// The same rule everywhere.
    #[must_use]
    pub fn everywhere(mut self) -> Self {
        self.namespace = None;
        self
    }

    /// The same rule for objects of these names only.
    #[must_use]
    pub fn named(mut self, names: &[&str]) -> Self {
        self.resource_names = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    fn of_role(rule: &Value, namespace: Option<&str>) -> Self {
        let texts = |field: &str| -> Vec<String> {
            list(rule, field).iter().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Self {
            namespace: namespace.map(str::to_owned),
            groups: texts("/apiGroups"),
            resources: texts("/resources"),
            verbs: texts("/verbs"),
            resource_names: texts("/resourceNames"),
        }
    }

    fn allows(&self, verb: &str, target: &Target) -> bool {
        let among = |list: &[String], word: &str| list.iter().any(|one| one == "*" || one == word);
        let resource = if target.subresource.is_empty() {
            among(&self.resources, &target.resource)
        } else {
            let whole = format!("{}/{}", target.resource, target.subresource);
            let any = format!("*/{}", target.subresource);
            among(&self.resources, &whole) || self.resources.contains(&any)
        };
        self.namespace.as_ref().is_none_or(|namespace| *namespace == target.namespace && !namespace.is_empty())
            && among(&self.groups, &target.group)
            && resource
            && among(&self.verbs, verb)
            && (self.resource_names.is_empty() || self.resource_names.contains(&target.name))
    }

    fn json(&self) -> Value {
        let mut rule = json!({
            "verbs": self.verbs,
            "apiGroups": self.groups,
            "resources": self.resources,
        });
        if !self.resource_names.is_empty() {
            rule["resourceNames"] = json!(self.resource_names);
        }
        rule
    }
}

/// Whether somebody may do something to what a path names.
pub(super) fn allowed(desk: &Desk<'_>, user: &User, verb: &str, target: &Target) -> bool {
    user.is_master() || rules(desk, user).iter().any(|rule| rule.allows(verb, target))
}

/// Whether somebody may read a path that names no resource.
pub(super) fn allowed_path(user: &User, verb: &str, path: &str) -> bool {
    let open = ["/healthz", "/livez", "/readyz", "/version", "/version/"];
    let known = ["/api", "/apis", "/openapi"]
        .iter()
        .any(|root| path == *root || path.strip_prefix(root).is_some_and(|p| p.starts_with('/')));
    user.is_master() || verb == "get" && (open.contains(&path) || known && user.is_known())
}

/// What somebody may do in a namespace, as `selfsubjectrulesreviews` tells it.
pub(super) fn resource_rules(desk: &Desk<'_>, user: &User, namespace: &str) -> Vec<Value> {
    let mut found = Vec::new();
    if user.is_master() {
        found.push(json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}));
    }
    for rule in rules(desk, user) {
        if rule.namespace.as_deref().is_none_or(|place| place == namespace) {
            found.push(rule.json());
        }
    }
    found
}

/// Every rule that holds for somebody.
fn rules(desk: &Desk<'_>, user: &User) -> Vec<Rule> {
    let mut rules = user.rules.clone();
    if user.is_known() {
        let own = |group: &str, resources: &[&str]| Rule {
            namespace: None,
            groups: vec![group.to_owned()],
            resources: resources.iter().map(|name| (*name).to_owned()).collect(),
            verbs: vec!["create".to_owned()],
            resource_names: Vec::new(),
        };
        rules.push(own("authorization.k8s.io", &["selfsubjectaccessreviews", "selfsubjectrulesreviews"]));
        rules.push(own("authentication.k8s.io", &["selfsubjectreviews"]));
    }
    bound(desk, user, &CLUSTER_ROLE_BINDINGS, &mut rules);
    bound(desk, user, &ROLE_BINDINGS, &mut rules);
    rules
}

/// Adds the rules of the roles that bindings of one kind give somebody.
fn bound(desk: &Desk<'_>, user: &User, bindings: &'static Kind, rules: &mut Vec<Rule>) {
    for (key, binding) in desk.list(bindings, "", None) {
        let subject = list(binding, "/subjects").iter().any(|subject| is_subject(user, subject, &key.namespace));
        if !subject {
            continue;
        }
        let place = Some(key.namespace.as_str()).filter(|place| !place.is_empty());
        let name = text(binding, "/roleRef/name");
        let role = if text(binding, "/roleRef/kind") == "ClusterRole" {
            Key::new(&CLUSTER_ROLES, "", name)
        } else {
            Key::new(&ROLES, &key.namespace, name)
        };
        if let Some(role) = desk.get(&role) {
            rules.extend(list(&role, "/rules").iter().map(|rule| Rule::of_role(rule, place)));
        }
    }
}

fn is_subject(user: &User, subject: &Value, namespace: &str) -> bool {
    let name = text(subject, "/name");
    match text(subject, "/kind") {
        "User" => user.name == name,
        "Group" => user.groups.iter().any(|group| group == name),
        "ServiceAccount" => {
            let place = match text(subject, "/namespace") {
                "" => namespace,
                place => place,
            };
            user.name == format!("system:serviceaccount:{place}:{name}")
        }
        _ => false,
    }
}

/// The cluster roles every cluster has, as far as scripts refer to them.
pub(super) fn built_in_roles() -> [Value; 4] {
    const READ: [&str; 3] = ["get", "list", "watch"];
    const WRITE: [&str; 5] = ["create", "delete", "deletecollection", "patch", "update"];
    let role = |name: &str, rules: Value| json!({"metadata": {"name": name}, "rules": rules});
    let rule = |group: &str, resources: &[&str], verbs: &[&str]| json!({"apiGroups": [group], "resources": resources, "verbs": verbs});
    let both: Vec<&str> = READ.into_iter().chain(WRITE).collect();
    let core = ["configmaps", "events", "namespaces", "pods", "pods/status", "serviceaccounts", "services"];
    let writable = ["configmaps", "events", "pods", "secrets", "serviceaccounts", "services"];
    let apps = [
        "deployments",
        "deployments/scale",
        "deployments/status",
        "replicasets",
        "replicasets/scale",
        "replicasets/status",
    ];
    let roles = rule("rbac.authorization.k8s.io", &["roles", "rolebindings"], &both);
    let tokens = rule("", &["serviceaccounts/token"], &["create"]);
    let view = [rule("", &core, &READ), rule("apps", &apps, &READ)];
    let edit = [rule("", &core, &READ), rule("", &writable, &both), rule("apps", &apps, &both), tokens];
    let admin: Vec<Value> = edit.iter().cloned().chain([roles]).collect();
    [
        role("cluster-admin", json!([rule("*", &["*"], &["*"])])),
        role("admin", json!(admin)),
        role("edit", json!(edit)),
        role("view", json!(view)),
    ]
}

/// The sentence that says what somebody may not do.
pub(super) fn refusal(user: &User, verb: &str, target: &Target) -> String {
    let resource = if target.subresource.is_empty() {
        target.resource.clone()
    } else {
        format!("{}/{}", target.resource, target.subresource)
    };
    let place = if target.namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace {:?}", target.namespace)
    };
    format!("User {:?} cannot {verb} resource {resource:?} in API group {:?} {place}", user.name, target.group)
}

/// What a review asks about.
pub(super) fn target_of_review(attributes: &Value) -> Target {
    let word = |field: &str| text(attributes, field).to_owned();
    Target {
        group: word("/group"),
        version: word("/version"),
        resource: word("/resource"),
        subresource: word("/subresource"),
        namespace: object::text(attributes, "/namespace").to_owned(),
        named: false,
        name: word("/name"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(namespace: &str, resource: &str, name: &str) -> Target {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        Target {
            group: "apps".to_owned(),
            version: "v1".to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            named: true,
        }
    }

    #[test]
    fn a_rule_allows_what_it_names_and_nothing_beside() {
        let rule = Rule::new("shop", "apps", "deployments", &["get", "patch"]).named(&["web"]);
        assert!(rule.allows("patch", &target("shop", "deployments", "web")));
        for (verb, place, resource, name) in [
            ("delete", "shop", "deployments", "web"),
            ("patch", "bank", "deployments", "web"),
            ("patch", "", "deployments", "web"),
            ("patch", "shop", "replicasets", "web"),
            ("patch", "shop", "deployments", "api"),
            ("patch", "shop", "deployments", ""),
            ("patch", "shop", "deployments/scale", "web"),
        ] {
            assert!(!rule.allows(verb, &target(place, resource, name)), "{verb} {place}");
        }
        assert!(rule.everywhere().allows("get", &target("", "deployments", "web")));
    }

    #[test]
    fn a_star_stands_for_everything_and_subresources_are_named() {
        let all = Rule::new("shop", "*", "*", &["*"]);
        assert!(all.allows("patch", &target("shop", "deployments/scale", "web")));
        let scale = Rule::new("shop", "apps", "*/scale", &["update"]);
        assert!(scale.allows("update", &target("shop", "deployments/scale", "web")));
        assert!(!scale.allows("update", &target("shop", "deployments", "web")));
    }
}
