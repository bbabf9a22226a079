//! Every field of a context, a cluster and a user: taken, ignored, or refused. A field that
//! client-go does not know is refused too: it is misspelt, or means something to another program.
//!
//! A field without a value (`exec:`) counts as absent, as it does for client-go.

use crate::text;
use crate::yaml::{Entry, Node, Value};

use super::{GateKind, GateRefusal, Named};

/// The picked context.
pub(super) struct ContextFields<'a> {
    pub cluster: &'a str,
    pub user: &'a str,
    pub namespace: Option<&'a Node>,
}

/// What is taken of a cluster.
pub(super) struct ClusterFields<'a> {
    pub server: &'a Node,
    /// Certificates in PEM in base64.
    pub authorities: &'a Node,
    pub tls_server_name: Option<&'a Node>,
}

/// What is taken of a user.
#[derive(Default)]
pub(super) struct UserFields<'a> {
    pub line: usize,
    pub token: Option<&'a Node>,
    /// Certificates in PEM in base64, the user's own first.
    pub certificate: Option<&'a Node>,
    /// Private key in PEM in base64.
    pub key: Option<&'a Node>,
}

impl<'a> ContextFields<'a> {
    pub fn read(context: &Named<'a>) -> Result<Self, GateRefusal> {
        let (line, fields) = inner(context, "context")?;
        let (mut cluster, mut user, mut namespace) = (None, None, None);
        for field in fields {
            match field.key.as_str() {
                "cluster" => cluster = Some(text(&field.node, "cluster")?),
                "user" => user = Some(text(&field.node, "user")?),
                "namespace" => namespace = Some(&field.node),
                "extensions" => {}
                _ => return Err(unknown(field)),
            }
        }
        let absent = |field| GateRefusal::unfit(text!("kubeconfig-field-absent", field = field, line = line));
        Ok(Self {
            cluster: cluster.ok_or_else(|| absent("cluster"))?,
            user: user.ok_or_else(|| absent("user"))?,
            namespace,
        })
    }
}

impl<'a> ClusterFields<'a> {
    pub fn read(cluster: &Named<'a>) -> Result<Self, GateRefusal> {
        let (line, fields) = inner(cluster, "cluster")?;
        let (mut server, mut authorities, mut tls_server_name) = (None, None, None);
        for field in fields {
            let line = field.key_line;
            match field.key.as_str() {
                "server" => server = Some(&field.node),
                "certificate-authority-data" => authorities = Some(&field.node),
                "tls-server-name" => tls_server_name = Some(&field.node),
                "certificate-authority" => return Err(local_file(field, "certificate-authority-data")),
                "insecure-skip-tls-verify" if field.node.value == Value::Bool(false) => {}
                "insecure-skip-tls-verify" => {
                    return Err(GateRefusal::unfit(text!("kubeconfig-skip-verify", line = line)));
                }
                "proxy-url" => return Err(GateRefusal::unfit(text!("kubeconfig-proxy", line = line))),
                // How replies are packed: ours to decide. Extensions are other programs' notes.
                "disable-compression" | "extensions" => {}
                _ => return Err(unknown(field)),
            }
        }
        let absent = |field| GateRefusal::unfit(text!("kubeconfig-field-absent", field = field, line = line));
        Ok(Self {
            server: server.ok_or_else(|| absent("server"))?,
            authorities: authorities
                .ok_or_else(|| GateRefusal::unfit(text!("kubeconfig-authority-absent", line = line)))?,
            tls_server_name,
        })
    }
}

impl<'a> UserFields<'a> {
    pub fn read(user: &Named<'a>) -> Result<Self, GateRefusal> {
        let (line, fields) = inner(user, "user")?;
        let exec = |text| Err(GateRefusal { kind: GateKind::Exec, text });
        // Before all else: whoever logs in with a command needs another file, whatever this one
        // holds besides.
        for field in fields.clone() {
            match field.key.as_str() {
                "exec" => return exec(text!("kubeconfig-exec", line = field.key_line)),
                "auth-provider" => return exec(text!("kubeconfig-auth-provider", line = field.key_line)),
                _ => {}
            }
        }
        let mut taken = Self { line, ..Self::default() };
        for field in fields {
            let line = field.key_line;
            match field.key.as_str() {
                "token" => taken.token = Some(&field.node),
                "client-certificate-data" => taken.certificate = Some(&field.node),
                "client-key-data" => taken.key = Some(&field.node),
                "client-certificate" => return Err(local_file(field, "client-certificate-data")),
                "client-key" => return Err(local_file(field, "client-key-data")),
                "tokenFile" => return Err(GateRefusal::login(text!("kubeconfig-token-file", line = line))),
                "username" | "password" => return Err(GateRefusal::login(text!("kubeconfig-password", line = line))),
                // `impersonate` is how older versions of Kubernetes' own library spelt it.
                "as"
                | "as-uid"
                | "as-groups"
                | "as-user-extra"
                | "impersonate"
                | "impersonate-uid"
                | "impersonate-groups"
                | "impersonate-user-extra" => {
                    return Err(GateRefusal::login(text!("kubeconfig-impersonation", line = line)));
                }
                "extensions" => {}
                _ => return Err(unknown(field)),
            }
        }
        Ok(taken)
    }
}

/// The fields with a value of what an entry names (`{name: …, cluster: {…}}`), and its line.
fn inner<'a>(
    named: &Named<'a>,
    field: &'static str,
) -> Result<(usize, impl Iterator<Item = &'a Entry> + Clone), GateRefusal> {
    let mut found = None;
    for entry in named.entry.entries() {
        match entry.key.as_str() {
            "name" => {}
            key if key == field => found = Some(entry),
            _ => return Err(unknown(entry)),
        }
    }
    let line = found.map_or(named.entry.line, |entry| entry.key_line);
    match found.map(|entry| &entry.node.value) {
        Some(Value::Mapping(fields)) => Ok((line, fields.iter().filter(|entry| !entry.node.is_null()))),
        Some(Value::Null) | None => {
            Err(GateRefusal::unfit(text!("kubeconfig-field-absent", field = field, line = line)))
        }
        Some(_) => Err(GateRefusal::unreadable(text!("kubeconfig-not-fields", field = field, line = line))),
    }
}

/// The text of a field that must be one and not empty.
pub(super) fn text<'a>(node: &'a Node, field: &'static str) -> Result<&'a str, GateRefusal> {
    match node.as_str() {
        Some("") => Err(GateRefusal::unfit(text!("kubeconfig-field-empty", field = field, line = node.line))),
        Some(text) => Ok(text),
        None => Err(GateRefusal::unreadable(text!("kubeconfig-not-text", field = field, line = node.line))),
    }
}

/// Refuses a field nobody knows, by its name if that looks like the name of a field. In a mangled
/// file anything can end up where a name should stand, a token too: those have digits and more.
pub(super) fn unknown(field: &Entry) -> GateRefusal {
    let name = &field.key;
    let line = field.key_line;
    let plain = name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphabetic() || c == '-');
    GateRefusal::unfit(if plain {
        text!("kubeconfig-unknown-field", field = name, line = line)
    } else {
        text!("kubeconfig-unknown-name", line = line)
    })
}

fn local_file(field: &Entry, instead: &'static str) -> GateRefusal {
    let text = text!("kubeconfig-local-file", line = field.key_line, instead = instead);
    GateRefusal { kind: GateKind::LocalFile, text }
}
