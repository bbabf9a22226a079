//! What every namespace has, and how it ends.
//!
//! Here: the default service account, the ConfigMap with the CA, Secrets that
//! ask for a service account's token, the end of a namespace. Not here: keeping
//! things out of a namespace that ends (`objects::write`).

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;

use crate::practice::{
    objects::{
        change::{Key, Writer},
        kinds::{CONFIG_MAPS, PODS, SERVICE_ACCOUNTS},
        object::{self, annotation, put, text},
        removal::Deletion,
        store::Desk,
    },
    tokens::Tokens,
};

const COMPONENT: &str = "kube-controller-manager";
const ROOT_CA: &str = "kube-root-ca.crt";

/// Brings a namespace to where it should be: furnished, or gone.
pub(super) fn reconcile(desk: &mut Desk<'_>, key: &Key, ca: &str) {
    let Some(namespace) = desk.get(key) else {
        return;
    };
    if object::leaving(&namespace) {
        return end(desk, key);
    }
    let name = key.name.as_str();
    let create = Writer::inside(COMPONENT, "create", "");
    if desk.get(&Key::new(&SERVICE_ACCOUNTS, name, "default")).is_none() {
        let account = json!({"metadata": {"name": "default"}});
        let _ = desk.create(&create, &SERVICE_ACCOUNTS, name, account);
    }
    if desk.get(&Key::new(&CONFIG_MAPS, name, ROOT_CA)).is_none() {
        let map = json!({"metadata": {"name": ROOT_CA}, "data": {"ca.crt": ca}});
        let _ = desk.create(&create, &CONFIG_MAPS, name, map);
    }
}

/// Deletes what is in a namespace that ends; then the namespace.
fn end(desk: &mut Desk<'_>, key: &Key) {
    let delete = Writer::inside(COMPONENT, "delete", "");
    let contents: Vec<Key> =
        desk.everything().map(|(key, _)| key).filter(|other| other.namespace == key.name).cloned().collect();
    for content in &contents {
        let leaving = desk.get(content).is_none_or(|object| object::leaving(&object));
        // Pods last: what makes them has to be gone first.
        let early = *content.kind == PODS && contents.iter().any(makes_pods);
        if !leaving && !early {
            let _ = desk.delete(&delete, content, &Deletion::default());
        }
    }
    // Every deletion brings this work up again.
    let empty = desk.everything().all(|(other, _)| other.namespace != key.name);
    if empty {
        desk.amend(&Writer::inside(COMPONENT, "update", ""), key, |namespace| {
            put(namespace, &["spec", "finalizers"], json!([]));
        });
        desk.erase(&delete, key);
    }
}

fn makes_pods(key: &Key) -> bool {
    key.kind.group == "apps"
}

/// Gives a Secret of the type `kubernetes.io/service-account-token` its token;
/// deletes it when its account is gone.
pub(super) fn fill_token_secret(desk: &mut Desk<'_>, key: &Key, ca: &str, tokens: &Tokens) {
    let Some(secret) = desk.get(key) else {
        return;
    };
    let account = annotation(&secret, "kubernetes.io/service-account.name").to_owned();
    if text(&secret, "/type") != "kubernetes.io/service-account-token" || account.is_empty() {
        return;
    }
    let held = desk.get(&Key::new(&SERVICE_ACCOUNTS, &key.namespace, &account));
    let filled = !text(&secret, "/data/token").is_empty();
    match (held, filled) {
        (None, true) => {
            let delete = Writer::inside(COMPONENT, "delete", "");
            let _ = desk.delete(&delete, key, &Deletion::default());
        }
        (Some(held), false) => {
            let token = tokens.lasting(&held, &key.name);
            let update = Writer::inside(COMPONENT, "update", "");
            desk.amend(&update, key, |secret| {
                for (name, value) in [("ca.crt", ca), ("namespace", key.namespace.as_str()), ("token", token.as_str())]
                {
                    put(secret, &["data", name], BASE64_STANDARD.encode(value));
                }
                put(secret, &["metadata", "annotations", "kubernetes.io/service-account.uid"], object::uid(&held));
            });
        }
        _ => {}
    }
}
