//! Kubeconfig files for clients of this cluster.
//!
//! Here: writing one. Not here: reading any; that is the gate in `cluster`.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;

/// A kubeconfig with everything in it: the CA, the token, one context.
pub(super) fn text(url: &str, ca: &str, user: &str, token: &str) -> String {
    // A JSON string is a YAML string, whatever is in it.
    let [url, user, token] = [url, user, token].map(|text| json!(text));
    let ca = BASE64_STANDARD.encode(ca);
    format!(
        "apiVersion: v1\n\
         kind: Config\n\
         clusters:\n\
         - name: practice\n  \
           cluster:\n    \
             server: {url}\n    \
             certificate-authority-data: {ca}\n\
         users:\n\
         - name: {user}\n  \
           user:\n    \
             token: {token}\n\
         contexts:\n\
         - name: practice\n  \
           context:\n    \
             cluster: practice\n    \
             user: {user}\n\
         current-context: practice\n"
    )
}
